"""Why blocks were taken or left: contributions of features, verdicts, and the words for both."""

import math
import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from ingest.errors import ExtractError
from ingest.extract.blocks import segment
from ingest.extract.choice import By, choose, settle
from ingest.extract.classify import Trees
from ingest.extract.explain import explain, explain_choice, find_reasons
from ingest.extract.features import FEATURES, Told
from ingest.extract.tree import parse_tree
from ingest.extract.wording import say
from tests.classifiers import linear

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LONG = "The harbour was closed on Friday because of the storm, and the ferries stayed in port. " * 4


def sigma(odds):
    return 1 / (1 + math.exp(-odds))


def row(**values):
    found = np.zeros(len(FEATURES), np.float32)
    for name, value in values.items():
        found[FEATURES.index(name)] = value
    return found


def told(reasons):
    return [(one.feature, pytest.approx(one.change, abs=1e-4)) for one in reasons]


# ── contributions ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feature_contributes_what_is_lost_when_it_is_as_on_average():
    model = linear({"chars": 0.5, "link_share": -4, "in_nav": -1}, bias=-1)
    reasons, without = find_reasons(model, row(chars=4, link_share=0.25))
    whole = sigma(-1 + 2 - 1)
    assert [(one.feature, one.value) for one in reasons] == [("chars", 4.0), ("link_share", 0.25)]
    assert [one.change for one in reasons] == pytest.approx([whole - sigma(-2), whole - sigma(1)], abs=1e-4)
    assert without == pytest.approx(sigma(-1), abs=1e-4)
    assert [one.said for one in reasons] == ["54 characters", "25% of it links"]


def test_average_is_the_mean_of_the_training_pages_not_zero():
    model = linear({"chars": 1.0, "words": 1.0}, bias=-5, mean={"chars": 3.0, "words": 2.0})
    reasons, without = find_reasons(model, row(chars=3, words=0))
    assert told(reasons) == [("words", sigma(-2) - sigma(0))]
    assert without == pytest.approx(0.5, abs=1e-4)


def test_where_a_block_is_as_good_as_certain_the_order_is_still_that_of_the_weights():
    model = linear({"is_p": 3, "in_article": 2, "ends_stop": 1}, bias=9)
    reasons, without = find_reasons(model, row(is_p=1, in_article=1, ends_stop=1))
    assert [one.feature for one in reasons] == ["is_p", "in_article", "ends_stop"]
    assert all(0 < one.change < 0.001 for one in reasons)
    assert without == pytest.approx(sigma(9), abs=1e-4)


def test_four_features_are_told_those_that_move_most_whatever_the_direction():
    weights = {"is_p": 0.1, "is_li": -2.0, "in_nav": -1.5, "in_ul": 1.0, "in_aside": 0.5, "in_main": 0.2}
    reasons, without = find_reasons(linear(weights), row(**dict.fromkeys(weights, 1.0)))
    assert [one.feature for one in reasons] == ["is_li", "in_nav", "in_ul", "in_aside"]
    assert [one.change > 0 for one in reasons] == [False, False, True, True]
    assert without == pytest.approx(sigma(0.3), abs=1e-4)


def test_nothing_is_told_where_nothing_stands_out():
    assert find_reasons(linear({"chars": 1.0}, bias=1), row()) == ((), pytest.approx(sigma(1), abs=1e-4))


def test_what_only_the_trees_look_at_is_told_too():
    """One tree: fewer than 0.5 of `in_best` is leaf 0 (-2), otherwise leaf 1 (+2)."""
    leaf = np.zeros((1, 16), np.float32)
    leaf[0, :2] = -2, 2
    trees = Trees(
        feature=np.array([FEATURES.index("in_best")], np.int16),
        threshold=np.array([0.5], np.float32),
        mask=np.array([0xFFFE], np.uint16),
        start=np.array([0], np.int32),
        leaf=leaf,
    )
    reasons, _ = find_reasons(replace(linear({}), trees=trees, share=0.5), row(in_best=1))
    assert told(reasons) == [("in_best", (sigma(2) - sigma(-2)) / 2)]
    assert reasons[0].said == "inside the element with the most text"


# ── verdicts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

PAGE = f"<body><nav><a href=/>Home</a></nav><article><p>{LONG}</p><p>{LONG}</p><p>{LONG[:86]}</p></article></body>"
BY_LENGTH = linear({"chars": 4.0}, bias=-16)  # a block of 54 characters is as likely as not


def explained(markup=PAGE, model=BY_LENGTH):
    tree = parse_tree(markup)
    page = segment(tree)
    return explain_choice(choose(tree, page, Told(), model), page, Told(), model)


def test_each_block_has_its_verdict_and_what_decided_it():
    found = explained()
    assert (found.by, found.version) == (By.BLOCKS, BY_LENGTH.version)
    assert [(one.number, one.tag, one.text[:11], one.is_taken) for one in found.verdicts] == [
        (0, "nav", "Home", False), (1, "p", "The harbour", True), (2, "p", "The harbour", False), (3, "p", "The harbour", True),
    ]  # fmt: skip
    assert [one.note for one in found.verdicts] == ["", "", "the same text is taken already", ""]
    assert found.verdicts[0].likely == found.verdicts[0].classified == pytest.approx(sigma(4 * math.log(5) - 16), abs=1e-4)
    assert [[reason.feature for reason in one.reasons] for one in found.verdicts] == [["chars"]] * 4
    assert found.verdicts[3].reasons[0].said == "86 characters"
    assert {one.is_kept for one in found.verdicts} == {None}


def test_without_a_classifier_there_are_verdicts_without_reasons():
    found = explained(model=None)
    assert (found.by, found.why) == (By.READABILITY, "the classifier is off")
    assert [(one.is_taken, one.is_kept) for one in found.verdicts] == [
        (False, False), (True, True), (False, True), (True, True),
    ]  # fmt: skip
    assert {(one.classified, one.reasons, one.without) for one in found.verdicts} == {(None, (), None)}
    assert [one.likely for one in found.verdicts] == [0, 1, 1, 1]


def test_a_page_without_text_has_no_verdicts():
    found = explained("<body><img src=a.png></body>")
    assert (found.why, found.verdicts) == ("the page holds no text", ())


def test_a_page_is_explained_from_its_bytes_as_it_is_extracted():
    found = explain(PAGE.encode(), url="https://a.example/1", headers={}, now=NOW, is_learned=False)
    assert [one.is_taken for one in found.verdicts] == [False, True, False, True]
    with pytest.raises(ExtractError, match="a PDF document"):
        explain(b"%PDF-1.7", url="", headers={}, now=NOW)


# ── why that one chose ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("likely", "kept", "by", "why"),
    [
        ((0.0, 1.0, 0.0, 0.9), (), By.BLOCKS, r"sure: \d% of the characters are in doubt \(16% may be\)"),
        (
            (0.0, 0.5, 0.5, 0.5), (1, 2), By.BOTH,
            r"unsure: 100% of the characters are in doubt \(16% may be\); readability was asked, its word counts 30%",
        ),
        (
            (1.0, 0.0, 0.0, 0.0), (0,), By.BOTH,
            r"few characters: 4 are taken \(300 are enough\); readability was asked, its word counts 30%",
        ),
        (
            (1.0, 0.0, 0.0, 0.0), (1, 3), By.READABILITY,
            r"few characters: 4 are taken .*; guard: with readability's word 4 characters would be taken, it keeps 433 itself",
        ),
        ((1.0, 0.0, 0.0, 0.0), (), By.BLOCKS, r"few characters: 4 are taken .*; readability was asked and keeps nothing"),
    ],
    ids=["sure", "unsure", "few characters", "guard", "readability keeps nothing"],
)  # fmt: skip
def test_a_choice_says_why_it_was_made(likely, kept, by, why):
    choice = settle(segment(parse_tree(PAGE)), np.array(likely, np.float32), lambda: frozenset(kept))
    assert choice.by is by
    assert re.fullmatch(why, choice.why)


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("feature", "value", "said"),
    [
        ("chars", math.log1p(1234), "1,234 characters"),
        ("links", math.log1p(1), "1 link"),
        ("link_share", 0.034, "3.4% of it links"),
        ("ends_stop", 0, "does not end like a sentence"),
        ("is_p", 1, "a <p>"),
        ("in_nav", 0, "not inside <nav>"),
        ("under_comment", 1, "inside something named comment"),
        ("under_nav", 2, "right inside something named navigation"),
        ("under_is_hidden", 1, "inside something hidden"),
        ("names_near", 1.25, "the three nearest names: as around articles (+1.2)"),
        ("names_own", -2, "its own names: as around other things (-2.0)"),
        ("names_all", 0, "all names around it: nothing known"),
        ("since_title", -math.log1p(3), "3 blocks before the title"),
        ("since_title", 0, "the title itself"),
        ("chars_since_title", -0.25, "25% of the page's text between it and the title below"),
        ("in_body", -1, "the page's data hold no text to compare"),
        ("in_body", 1, "100% of it stands in the page's data"),
        ("up1_paragraphs", 0.5, "the element around it: 50% paragraphs"),
        ("up3_blocks", math.log1p(7), "3 elements up: 7 blocks"),
        ("alike_count", math.log1p(12), "12 blocks built alike"),
        ("kin_ends_stop", 0.9, "90% of the blocks of its tag and class end like a sentence"),
        ("link_share-1", 1, "the one before: 100% of it links"),
        ("is_p+2", -1, "the next but one: none"),
        ("ends_stop_window", 0.5, "50% of the blocks near it end like a sentence"),
        ("chars_window", math.log1p(80), "near it on average: 80 characters"),
        ("chars", 1e9, f"{round(math.expm1(40)):,} characters"),
    ],
)
def test_a_feature_is_told_as_a_person_would(feature, value, said):
    assert say(feature, value) == said


@pytest.mark.parametrize("feature", ["unheard_of", "unheard", "up2_unheard", "alike_unheard"])
def test_a_feature_without_words_is_told_by_its_name(feature):
    assert say(feature, 0.123456).replace(" ", "_").endswith("unheard_0.123" if feature != "unheard_of" else "of_0.123")


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_has_words(feature):
    for value in (-1.0, 0.0, 1.0, 2.0):
        assert not re.search(r"\w_\w", say(feature, value))
        assert not say(feature, value).startswith(f"{feature} ")
