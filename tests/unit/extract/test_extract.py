"""Pages that are none, pages that are hard, and articles out of the feed itself."""

import pickle
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ExtractError
from ingest.extract.article import extract
from ingest.extract.feed_text import from_feed
from ingest.model import Entry, Extracted, Quality
from ingest.outcome import Outcome

NOW = datetime(2025, 7, 1, tzinfo=UTC)
SENTENCE = "The harbour was closed on Friday because of the storm, and the ferries stayed in port. "
TEXT = f"<p>{SENTENCE * 4}</p>"
MORE = "".join(
    f"<p>On day {day} the harbour master said that the wind had fallen, and that he would look again.</p>" for day in range(6)
)


def read(page: str | bytes, content_type: str = "text/html") -> Extracted:
    body = page if isinstance(page, bytes) else page.encode()
    return extract(body, url="https://a.example/1", headers={"content-type": content_type}, now=NOW)


def refused(page: str | bytes, content_type: str = "text/html") -> tuple[Outcome, str]:
    with pytest.raises(ExtractError) as caught:
        read(page, content_type)
    return caught.value.outcome, caught.value.reason


@pytest.mark.parametrize(
    ("page", "content_type", "reason"),
    [
        (b"", "text/html", "an empty page"),
        (b" \r\n\0", "text/html", "an empty page"),
        (b"%PDF-1.7", "text/html", "a PDF document"),
        (b"\xff\xd8\xff\xe0", "image/jpeg", "a JPEG image"),
        (b'{"a": 1}', "application/json", "a JSON document"),
        (b"binary?", "application/octet-stream", "not a page but application/octet-stream"),
        (bytes(range(32)) * 9, "text/html", "binary data"),
        (b"<?xml version='1.0'?><rss><channel/></rss>", "text/xml", "an XML document without a page in it"),
    ],
)
def test_what_is_no_page_is_named(page: bytes, content_type: str, reason: str) -> None:
    assert refused(page, content_type) == (Outcome.NOT_HTML, reason)


@pytest.mark.parametrize(
    "page", ["<html><title>x</title><body><script>var a = '<p>no</p>'</script></body></html>", "<p> </p>", "<html>"]
)
def test_page_without_text_is_an_error_and_not_an_empty_article(page: str) -> None:
    assert refused(page) == (Outcome.EXTRACT_ERROR, "no text in the page")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_page_in_wide_characters_is_read(encoding: str) -> None:
    assert read(f"<html><body>{TEXT}</body></html>".encode(encoding)).text == (SENTENCE * 4).strip()


@pytest.mark.parametrize("tag", ["div", "span", "b", "blockquote", "table><tr><td", "ul><li"])
@pytest.mark.parametrize("depth", [300, 10_000])
def test_no_nesting_costs_the_text(tag: str, depth: int) -> None:
    assert SENTENCE.strip() in read("<html><body>" + f"<{tag}>" * depth + TEXT * 3 + "</body></html>").text


def test_huge_text_is_kept() -> None:
    assert len(read(f"<html><body><article><p>{SENTENCE * 130_000}</p></article></body></html>").text) > 11_000_000


def test_broken_tag_before_a_desert_of_spaces_costs_nothing() -> None:
    started = time.process_time()
    assert SENTENCE.strip() in read(f"<html><body>{TEXT * 3}<br{' ' * 200_000}").text
    assert time.process_time() - started < 2


def test_control_characters_do_no_harm() -> None:
    assert "\x0b" not in read(f"<html><body>{TEXT}\x0b\x00{TEXT}</body></html>").text


def test_a_body_in_hidden_elements_that_a_script_would_show_is_found() -> None:
    streamed = f"<div id='root'></div><div hidden id='S:0'><article><h1>Storm</h1>{TEXT}{MORE}</article></div>"
    found = read(f"<html><body><nav><a href='/'>Home</a></nav>{streamed}<script>show('S:0')</script></body></html>")
    assert (found.quality, SENTENCE.strip() in found.text) == (Quality.FULL, True)


def test_without_the_classifier_readability_alone_chooses() -> None:
    page = f"<html><body><article><h1>Storm</h1>{TEXT}{MORE}</article></body></html>".encode()
    found = extract(page, url="https://a.example/1", headers={}, now=NOW, is_learned=False)
    assert (found.extractor, SENTENCE.strip() in found.text) == ("readability", True)


def test_menus_and_offers_around_an_article_are_left_out() -> None:
    around = "<ul>" + "".join(f"<li><a href='/{n}'>Other story number {n}</a></li>" for n in range(12)) + "</ul>"
    offer = "<div class='newsletter-signup'><p>Get the best stories in your mailbox every morning.</p></div>"
    comments = "<section id='comments'><div class='comment'><p>I was there and saw it all, what a day.</p></div></section>"
    story = f"<article><h1>Storm</h1>{TEXT}{MORE}{offer}</article>"
    page = f"<html><body><nav>{around}</nav>{story}{comments}<aside>{around}</aside></body>"
    text = read(page).text
    assert SENTENCE.strip() in text
    assert not any(words in text for words in ("Other story", "mailbox", "I was there"))


def test_what_the_quality_was_judged_by_is_told() -> None:
    found = read(f"<html><body><article><h1>Storm</h1>{TEXT}{MORE}</article></body></html>")
    assert found.quality is Quality.FULL
    assert found.evidence["why"]
    assert found.evidence["words"] > 60


def test_plain_text_is_a_page_too() -> None:
    assert SENTENCE.strip() in read(SENTENCE * 3, "text/plain").text


def test_article_can_cross_to_another_process() -> None:
    found = read(f"<html><body>{TEXT}</body></html>")
    assert pickle.loads(pickle.dumps(found)) == found


@given(st.lists(st.sampled_from(["<p>", "</div>", "<!--", "<svg>", "<meta content='", "<script>", "word ", "&#0;", "\x00", "<body hidden>", "<a href='//['>"]), max_size=30))  # fmt: skip  # noqa: E501
def test_nothing_but_extract_error_escapes(pieces: list[str]) -> None:
    try:
        assert read("<html>" + "".join(pieces)).text
    except ExtractError as error:
        assert error.reason  # noqa: PT017


def test_feed_text_prefers_content_over_summary() -> None:
    entry = Entry(title="T", summary="short", content=f"{TEXT}<a href='/x'>x</a>", authors=("A",), updated_at=NOW, language="de")
    found = from_feed(entry, "https://a.example/1")
    assert found.text == f"{(SENTENCE * 4).strip()}\n\nx"
    assert 'href="https://a.example/x"' in found.html
    assert (found.title, found.authors, found.published_at, found.language) == ("T", ("A",), NOW, "en")
    assert (found.extractor, found.extractor_version) == ("feed", "1")


def test_feed_that_carries_no_text_gives_none() -> None:
    found = from_feed(Entry(language="de-AT"), "https://a.example/1")
    assert (found.text, found.html, found.language) == ("", "", "de")
    assert from_feed(Entry(summary="Kurz &amp; gut"), "").text == "Kurz & gut"
