"""A feed's own rules for its pages."""

import pytest

from ingest.extract.article import extract
from ingest.extract.rules import read_selector
from ingest.model import Beside
from tests.unit.make import NOW

SAID = "the harbour master said that the wind had fallen, and that he would look again."
STORY = "".join(f"<p>On day {day} {SAID}</p>" for day in range(9))
BOX = "<div class='fact-box'><p>The harbour was built a hundred years ago and has been widened twice since then.</p></div>"
NOTES = "<div class='notes'><p>These notes stand apart from the story, though the editors of the paper want them, too.</p></div>"
PAGE = f"<html><body><article><h1>Storm</h1>{STORY}{BOX}</article><aside>{NOTES}</aside></body></html>".encode()


def text_of(**rules: tuple[str, ...]) -> str:
    return extract(PAGE, url="https://a.example/1", headers={}, now=NOW, beside=Beside(**rules)).text


@pytest.mark.parametrize("selector", [".fact-box", "//div[@class='fact-box']"])
def test_what_is_excluded_goes_and_the_rest_stays(selector: str) -> None:
    assert "built a hundred years ago" not in text_of(exclude=(selector,))
    assert "On day 8" in text_of(exclude=(selector,))


def test_what_is_included_is_the_article_whatever_the_extractor_says() -> None:
    assert (
        text_of(include=("div.notes",))
        == "These notes stand apart from the story, though the editors of the paper want them, too."
    )


def test_where_nothing_is_found_to_include_the_extractor_chooses() -> None:
    assert "On day 0" in text_of(include=("div.gone",))


def test_what_is_included_can_be_narrowed() -> None:
    assert "hundred years" not in text_of(include=("article",), exclude=(".fact-box",))


@pytest.mark.parametrize("selector", ["//p/text()", "//@class", "//p[nonsense()]"])
def test_expressions_that_find_no_elements_change_nothing(selector: str) -> None:
    assert text_of(exclude=(selector,)) == text_of()


@pytest.mark.parametrize("selector", ["div[", "//p[", "a::b::c", ""])
def test_what_is_no_selector_is_refused_with_a_reason(selector: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_selector(selector)
