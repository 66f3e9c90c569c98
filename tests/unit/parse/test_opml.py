"""Lists of feeds: read as programs write them, written as the specification says, and back again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ingest.errors import ParseError
from ingest.model import FeedOptions, FeedSpec
from ingest.parse import read_opml, write_opml


def opml(body: str) -> bytes:
    return f'<?xml version="1.0"?><opml version="1.0"><head><title>x</title></head><body>{body}</body></opml>'.encode()


def test_feeds_are_read_with_folders_and_categories_as_tags() -> None:
    specs, problems = read_opml(
        opml(
            '<outline text="News"><outline title="Local" text="x"><outline text="A &amp; B" xmlUrl="https://a.example/f" '
            'category="port,/sea/fish"/></outline></outline><outline text="B" xmlurl=" https://b.example/f "/>'
        )
    )
    assert specs == (
        FeedSpec("https://a.example/f", FeedOptions(title="A & B", tags=("News", "Local", "port", "sea/fish"))),
        FeedSpec("https://b.example/f", FeedOptions(title="B")),
    )
    assert problems == ()


def test_feed_listed_twice_is_one_with_the_tags_of_both() -> None:
    entry = '<outline xmlUrl="https://a.example/f" text="A"/>'
    specs, problems = read_opml(opml(f'<outline text="x">{entry}</outline><outline text="y">{entry}</outline>'))
    assert specs == (FeedSpec("https://a.example/f", FeedOptions(title="A", tags=("x", "y"))),)
    assert problems == ("line 1: https://a.example/f is listed twice",)


def test_addresses_that_are_none_are_problems() -> None:
    specs, problems = read_opml(opml('<outline text="x" xmlUrl="javascript:alert(1)"/><outline text="only a note"/>'))
    assert specs == ()
    assert problems == ("line 1: 'javascript:alert(1)' is no http(s) address",)


def test_broken_list_gives_what_can_be_read() -> None:
    specs, _ = read_opml(
        b'junk <opml><body><outline text="a & b" xmlUrl="https://a.example/?x=1&y=2"><outline xmlUrl="https://b.example/"/>'
    )
    assert [spec.url for spec in specs] == ["https://a.example/?x=1&y=2", "https://b.example/"]


def test_entities_are_never_expanded() -> None:
    bomb = b'<!DOCTYPE opml [<!ENTITY a "x"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
    specs, _ = read_opml(bomb + b'<opml><body><outline text="&b;&f;" xmlUrl="https://a.example/"/></body></opml>')
    assert specs[0].options.title == "&b;&f;"


def test_nesting_without_bound_is_survived() -> None:
    body = '<outline text="x">' * 5_000 + '<outline xmlUrl="https://a.example/"/>' + "</outline>" * 5_000
    specs, _ = read_opml(opml(body))
    assert len(specs) <= 1


@pytest.mark.parametrize("body", [b"", b"<rss/>", b"https://a.example/feed", b"\x00\x01"])
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError, match="not an OPML document"):
        read_opml(body)


def test_written_list_is_well_formed_and_has_what_the_specification_asks_for() -> None:
    written = write_opml(
        [FeedSpec("https://a.example/?a=1&b=2", FeedOptions(title='"A" <&>', tags=("x",)))], title="Mine & yours"
    )
    root = etree.fromstring(written)
    assert (root.tag, root.get("version"), root.findtext("head/title")) == ("opml", "2.0", "Mine & yours")
    folder = root.find("body/outline")
    assert folder.get("text") == "x"
    assert dict(folder[0].attrib) == {
        "type": "rss", "text": '"A" <&>', "title": '"A" <&>', "xmlUrl": "https://a.example/?a=1&b=2", "category": "x",
    }  # fmt: skip


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zs", "Zl", "Zp", "Cn", "Co")), min_size=1, max_size=12
)
SPECS = st.lists(
    st.builds(
        lambda number, title, tags: FeedSpec(f"https://a.example/{number}?a=1&b", FeedOptions(title=title, tags=tuple(tags))),
        st.integers(0, 10**6), st.one_of(st.none(), TEXTS), st.lists(TEXTS, max_size=4, unique=True),
    ),
    max_size=6, unique_by=lambda spec: spec.url,
)  # fmt: skip


@given(SPECS)
def test_what_is_written_is_read_again(specs: list[FeedSpec]) -> None:
    read, problems = read_opml(write_opml(specs))
    assert problems == ()
    assert {(spec.url, spec.options.title, frozenset(spec.options.tags)) for spec in read} == {
        (spec.url, spec.options.title, frozenset(spec.options.tags)) for spec in specs
    }


@given(st.binary(max_size=300))
def test_nothing_but_parse_error_escapes(body: bytes) -> None:
    try:
        read_opml(b"<opml" + body)
    except ParseError as error:
        assert error.reason  # noqa: PT017
