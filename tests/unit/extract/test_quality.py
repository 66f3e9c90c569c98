"""Quality classes: over labelled pages that were kept apart, by values, and as a ratchet."""

from collections import Counter
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decide.ratchet import is_better
from ingest.errors import ExtractError
from ingest.extract.blocks import segment
from ingest.extract.quality import Evidence, find_evidence, judge
from ingest.extract.tree import parse_tree
from ingest.model import Quality
from tests.qualitypages import CLASSES, load_pages, read

PRECISION_OF_FULL, RECALL = 0.95, 0.9


@cache
def judged() -> tuple[tuple[str, Quality, Quality, str], ...]:
    """Name, label, verdict and reason of each page that was kept apart."""
    return tuple((page.name, page.expected, *judge(read(page).evidence())) for page in load_pages() if page.is_held_out)


def wrong(label: Quality) -> str:
    return "\n".join(
        f"{name}: {found} ({reason})"
        for name, expected, found, reason in judged()
        if label in (expected, found) != (label, label)
    )


@pytest.mark.parametrize("label", CLASSES)
def test_pages_kept_apart_get_their_class(label: str) -> None:
    verdicts = [found for _, expected, found, _ in judged() if expected == label]
    recall = verdicts.count(Quality(label)) / len(verdicts)
    assert recall >= RECALL, f"recall of {label} {recall:.2f}\n{wrong(Quality(label))}"


def test_what_is_called_full_is_full() -> None:
    labels = [expected for _, expected, found, _ in judged() if found is Quality.FULL]
    precision = labels.count(Quality.FULL) / len(labels)
    assert precision >= PRECISION_OF_FULL, f"precision of full {precision:.2f}\n{wrong(Quality.FULL)}"


def test_each_class_has_twenty_pages_in_many_languages() -> None:
    pages = list(load_pages())
    assert min(Counter(page.expected for page in pages).values()) >= 20
    assert all(page.expected == page.path.parent.name for page in pages)
    for label in CLASSES:
        assert len({page.markup.partition('<html lang="')[2][:2] for page in pages if page.expected == label}) >= 10


WHOLE = {"words": 400, "own_words": 400, "page_words": 600, "paragraphs": 8, "body_share": 0.7, "has_article_type": True}
START = WHOLE | {"words": 110, "own_words": 110, "page_words": 200, "paragraphs": 2}
NOTHING = {"words": 12, "own_words": 12, "page_words": 15}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (WHOLE, "full"),
        (WHOLE | {"consent_mark": "onetrust", "dialog_share": 0.3}, "full"),
        (WHOLE | {"captcha_mark": "recaptcha/api", "challenge_mark": "px-captcha"}, "full"),
        (WHOLE | {"is_free": False, "locked_words": 330}, "full"),
        (WHOLE | {"is_free": False, "wall_mark": "paywall"}, "full"),
        (WHOLE | {"is_noindex": True, "script_share": 0.95, "empty_root": "app"}, "full"),
        (WHOLE | {"feed_words": 900}, "full"),
        (START, "full"),
        (START | {"offer_mark": "subscribe-box", "is_free": True}, "full"),
        (START | {"own_words": 300, "unspaced_share": 1.0, "ends_cut": False}, "full"),
        (START | {"own_words": 45}, "short"),
        (START | {"ends_cut": True}, "teaser"),
        (START | {"leads_on": True}, "teaser"),
        (START | {"is_summary": True}, "teaser"),
        (START | {"feed_words": 300}, "teaser"),
        (START | {"is_free": False}, "paywall"),
        (START | {"wall_mark": "paywall"}, "paywall"),
        (START | {"offer_mark": "subscribe-offer"}, "paywall"),
        (START | {"is_locked_tier": True}, "paywall"),
        (START | {"locked_words": 0}, "paywall"),
        (START | {"status": 402}, "paywall"),
        (START | {"own_words": 0, "body_in_dialog": 1.0, "dialog_share": 0.8, "consent_mark": "didomi"}, "consent"),
        (START | {"consent_mark": "form collectConsent", "body_share": 1.0, "title_shown": 0.0}, "consent"),
        (NOTHING | {"challenge_mark": "_cf_chl_opt", "status": 403}, "challenge"),
        (NOTHING | {"captcha_mark": "cookie and reload"}, "challenge"),
        (START | {"own_words": 50, "title_shown": 1.0, "challenge_mark": "kpsdk", "is_free": False}, "paywall"),
        (NOTHING | {"captcha_mark": "recaptcha/api", "empty_root": "root"}, "script_shell"),
        (NOTHING | {"empty_root": "root", "script_share": 0.9}, "script_shell"),
        (NOTHING | {"title_status": 404}, "soft_404"),
        (NOTHING | {"error_mark": "error404"}, "soft_404"),
        (NOTHING | {"title_found": 0.1}, "soft_404"),
        (NOTHING | {"title_status": 503}, "error_page"),
        (NOTHING | {"trace_mark": "db.php on line 41"}, "error_page"),
        (WHOLE | {"status": 500}, "error_page"),
        (NOTHING | {"other_type": "Product"}, "not_article"),
        (NOTHING | {"has_password_field": True, "field_count": 2}, "not_article"),
        (NOTHING | {"cards": 20}, "not_article"),
        (WHOLE | {"own_words": 200, "body_link_share": 0.8}, "not_article"),
        (WHOLE | {"own_words": 200, "linked_headings": 8}, "not_article"),
        ({}, "none"),
        ({"page_words": 800, "link_share": 0.3}, "none"),
        ({"page_words": 100, "link_share": 0.9}, "not_article"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_decide(values: dict[str, object], expected: str) -> None:
    found, reason = judge(Evidence(**values))
    assert (found, bool(reason)) == (Quality(expected), True), reason


def test_reason_names_the_values_that_decided() -> None:
    assert judge(Evidence(**START, feed_words=300)) == (Quality.TEASER, "110 words, the feed has 300")


def test_good_body_stays_when_the_wall_comes() -> None:
    stored = (Quality.FULL, 640)
    for new in (
        (Quality.PAYWALL, 90),
        (Quality.CONSENT, 300),
        (Quality.CHALLENGE, 12),
        (Quality.ERROR_PAGE, 9),
        (Quality.TEASER, 900),
    ):
        if is_better(*new, *stored):
            stored = new
    assert stored == (Quality.FULL, 640)


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (("full", 500), ("paywall", 900), True),
        (("full", 620), ("full", 640), True),
        (("full", 300), ("full", 640), False),
        (("paywall", 120), ("teaser", 60), True),
        (("paywall", 50), ("teaser", 60), False),
        (("short", 50), ("teaser", 140), False),
        (("teaser", 140), ("short", 50), False),
        (("summary", 30), ("consent", 300), True),
        (("consent", 300), ("none", 0), False),
        (("soft_404", 40), ("paywall", 30), False),
    ],
)
def test_ratchet(new: tuple[str, int], old: tuple[str, int], expected: bool) -> None:
    assert is_better(Quality(new[0]), new[1], Quality(old[0]), old[1]) is expected


def test_free_and_full_text_may_be_much_shorter() -> None:
    assert is_better(Quality.FULL, 200, Quality.FULL, 900, is_new_free=True)


@given(st.sampled_from(Quality), st.integers(0, 2_000), st.integers(0, 2_000), st.booleans())
def test_full_body_gives_way_to_full_ones_only(new: Quality, new_words: int, old_words: int, is_free: bool) -> None:
    assert new is Quality.FULL or not is_better(new, new_words, Quality.FULL, old_words, is_new_free=is_free)


@given(st.builds(Evidence))
def test_every_evidence_has_a_verdict(evidence: Evidence) -> None:
    assert judge(evidence)[1]


PIECES = st.sampled_from(
    (
        *(
            "<p>",
            "</p>",
            "<div class=paywall>",
            "</div>",
            "<dialog>",
            "<form action=/consent>",
            "<input type=password>",
            "<h1>404</h1>",
        ),
        *(
            "<script type=application/ld+json>[{}]</script>",
            '<script type="application/ld+json">{"@graph":[1,{"hasPart":[2]}]}</script>',
        ),
        *(
            "<my-app>",
            "<meta http-equiv=refresh>",
            "<meta name=robots>",
            "<link rel=canonical>",
            "text, and more of it. " * 9,
            "試験" * 90,
            "…",
        ),
        *("<a href>", "<iframe>", "<noscript>", "<article hidden>", "<ul><li>a<li>b", "<div itemtype>", "<template>", "<svg><a>"),
    )
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=20), st.lists(st.integers(-3, 40), max_size=9), st.text(max_size=30))
def test_evidence_is_found_on_any_page(pieces: list[str], chosen: list[int], title: str) -> None:
    try:
        tree = parse_tree("<html>" + "".join(pieces))
    except ExtractError:
        return
    page = segment(tree)
    found = find_evidence(tree, page, chosen, status=200, feed_words=None, is_free=None, title=title, entry_title=title[::-1])
    assert judge(found)[1]
