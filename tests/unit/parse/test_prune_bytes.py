"""Bytes that were an item once are cut out before XML is read, and only where they are an item again."""

from dataclasses import replace

import pytest

from ingest.model import ParsedFeed, SeenItems
from ingest.parse import parse
from ingest.policy import ParsePolicy
from tests.unit.parse.pruning import NOW, URL, after, item, read, rss, titles


@pytest.mark.parametrize(
    "quoting",
    ["<description><![CDATA[{}]]></description>", "<!-- {} -->", "<description><item>{}</item></description>"],
    ids=["quoted", "in a comment", "nested"],
)
def test_bytes_of_a_seen_item_inside_a_new_one_stay_what_they_are(quoting):
    document = rss(item("a"), item("new", quoting.format(item("b"))), item("b"))
    parsed = read(document, read(rss(item("a"), item("b"))).seen)
    expected = [entry for entry in read(document).entries if entry.title not in ("a", "b")]
    assert [entry for entry in parsed.entries if entry.title not in ("a", "b")] == expected


def test_an_end_tag_quoted_in_an_item_ends_nothing():
    quoting = item("a", "<description><![CDATA[an </item> and an <item> in HTML]]></description>")
    parsed = after(rss(quoting, item("b")), rss(item("new"), quoting, item("b")))
    assert (titles(parsed), parsed.pruned) == (["new"], 2)


@pytest.mark.parametrize(
    "document",
    [
        rss(item("a", item("inner")), item("b")),
        rss(item("a"), head=f"<title>News{item('b')}</title>"),
        rss(item("a", '<feed xml:lang="de"/>'), item("b")),
        "<rss><channel>" + "<a>" * 10 + item("deep") + "</a>" * 10 + item("a") + "</channel></rss>",
        f'<rss><channel xml:base="https://a.example/">{item("a")}</channel><channel>{item("b")}</channel></rss>',
    ],
    ids=["in an item", "in a text", "feed in an item", "too deep", "two channels"],
)
def test_a_document_with_items_in_odd_places_is_parsed_whole(document):
    parsed = after(document, document)
    assert (parsed.entries, parsed.head, parsed.pruned) == (read(document).entries, read(document).head, 0)


def test_an_item_that_moves_to_other_surroundings_is_parsed_again():
    moving = "<item><guid>1</guid><link>1</link></item>"
    channels = '<rss><channel xml:base="https://a.example/">{}</channel><channel xml:base="https://b.example/">{}</channel></rss>'
    parsed = after(channels.format(moving + item("a"), item("b")), channels.format(item("a"), moving + item("b")))
    assert "https://b.example/1" in [entry.url for entry in parsed.entries]


def test_a_list_of_items_is_no_item():
    rdf = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel><items><rdf:Seq>'
        '<rdf:li rdf:resource="https://a.example/1"/>{}</rdf:Seq></items></channel>{}<item rdf:about="https://a.example/1"/></rdf:RDF>'
    )
    second = '<rdf:li rdf:resource="https://a.example/2"/>', '<item rdf:about="https://a.example/2"></item>'
    parsed = after(rdf.format("", ""), rdf.format(*second))
    assert ([entry.guid for entry in parsed.entries], parsed.pruned) == (["https://a.example/2"], 1)


def test_items_of_another_encoding_are_known_again():
    def body(*items: str) -> bytes:
        return ('<?xml version="1.0" encoding="iso-8859-1"?>' + rss(*items)).encode("latin-1")

    def read_body(document: bytes, seen: SeenItems | None = None) -> ParsedFeed:
        return parse(document, url=URL, headers={}, policy=ParsePolicy(), now=NOW, seen=seen)

    parsed = read_body(body(item("neu: ä"), item("café")), read_body(body(item("café"))).seen)
    assert (titles(parsed), parsed.pruned) == (["neu: ä"], 1)


def test_a_fault_is_told_by_its_line_in_the_document_as_it_came():
    first = rss(item("a"), "\n" * 5)
    parsed = after(
        first, rss(item("a").replace("</title>", "</title>\n\n"), item("b"), "\n" * 5, "<item><title>&bogus;</title></item>")
    )
    assert parsed.repaired == "line 8: undefined entity"


def test_hashes_that_make_no_whole_record_count_for_nothing():
    seen = read(rss(item("a"))).seen
    assert seen
    assert titles(read(rss(item("a")), replace(seen, hashes=seen.hashes[:-1]))) == ["a"]
