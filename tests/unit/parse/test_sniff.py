"""What is no feed is told apart at its first element, quickly and in words."""

import gzip
import time

import pytest

from ingest.errors import ParseError
from ingest.outcome import Outcome
from ingest.parse.sniff import Kind, sniff

RSS = "<rss version='2.0'><channel><title>T</title></channel></rss>"


def refused(body: bytes, url: str = "https://a.example/feed") -> ParseError:
    with pytest.raises(ParseError) as caught:
        sniff(body, {}, url)
    return caught.value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "an empty body"),
        (b"\xef\xbb\xbf \r\n", "an empty body"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"<!doctype html><p>x", "an HTML page without a title"),
        (b"<html><head><title> A  &amp; B </title>", "an HTML page titled “A & B”"),
        (b"<p>Bad gateway</p>", "an HTML page without a title"),
        (b"<?xml version='1.0'?><urlset xmlns='x'/>", "a sitemap"),
        (b"<svg xmlns='x'/>", "an XML document of type <svg>"),
        (b"Not found", "plain text that begins “Not found”"),
        (b"\x1f\x8bnonsense", "broken gzip data: Error -3 while decompressing data: unknown compression method"),
    ],
)
def test_other_documents_are_named(body: bytes, reason: str) -> None:
    assert refused(body).reason == reason


@pytest.mark.parametrize(
    "text",
    [
        RSS,
        "\ufeff\n" + RSS,
        "<?xml version='1.0'?><!-- <html> --><!DOCTYPE rss [<!ENTITY a 'b>'> ]>" + RSS,
        "<?xml version='1.0'>" + RSS,
        "<?xml-stylesheet href='x'?>" + RSS,
        "<!DOCTYPE rss SYSTEM 'x'>" + RSS,
    ],
    ids=["bare", "mark and blank", "prolog", "unclosed declaration", "stylesheet", "doctype"],
)
def test_feed_is_found_behind_its_prolog(text: str) -> None:
    sniffed = sniff(text.encode(), {}, "")
    assert (sniffed.kind, sniffed.text, sniffed.junk) == (Kind.XML, RSS, "")


@pytest.mark.parametrize("junk", ["Notice: x in y.php", "<br /><b>Warning</b>", "1 < 2 "])
def test_junk_before_a_feed_is_cut_off_and_told(junk: str) -> None:
    sniffed = sniff((junk + RSS).encode(), {}, "")
    assert sniffed.text == RSS
    assert sniffed.junk


def test_page_that_shows_a_feed_in_its_text_stays_a_page() -> None:
    assert refused(f"<html><title>Help</title><body><pre>{RSS}".encode()).reason == "an HTML page titled “Help”"


def test_page_offers_the_feed_it_names() -> None:
    page = b"<html><head><link rel=alternate type='application/rss+xml' href='/f.xml'></head>"
    assert refused(page, "https://a.example/x").feed_url == "https://a.example/f.xml"


def test_json_is_left_to_the_json_parser() -> None:
    assert sniff(b' \n{"a": 1}', {}, "").kind is Kind.JSON


def test_encoding_of_the_response_is_used_where_the_document_names_none() -> None:
    body = RSS.replace("T", "Ёж").encode("windows-1251")
    assert "Ёж" in sniff(body, {"content-type": "text/xml; charset=windows-1251"}, "").text


def test_bomb_is_not_unpacked() -> None:
    assert refused(gzip.compress(b"\0" * 11_000_000)).outcome is Outcome.TOO_LARGE


@pytest.mark.parametrize("piece", ["<p>word <a href='/x'>y</a></p>", "<!--", "<?", "<!DOCTYPE x [", "< ", "word "])
def test_five_megabytes_are_refused_in_no_time(piece: str) -> None:
    body = ("<html>" + piece * (5_000_000 // len(piece))).encode()
    started = time.process_time()
    refused(body)
    assert time.process_time() - started < 0.5  # 0.05 on an idle machine
