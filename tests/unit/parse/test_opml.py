"""Lists of feeds: read as programs write them, written as the specification says, and back again."""

import time

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
    body = '<outline text="x">' * 10_000 + '<outline xmlUrl="https://a.example/"/>' + "</outline>" * 10_000
    specs, _ = read_opml(opml(body))
    assert specs == (FeedSpec("https://a.example/", FeedOptions(tags=("x",))),)
    assert read_opml(opml(body + "&"))[0] == specs
    read_opml(opml(body + "<"))


@pytest.mark.parametrize(
    "outline",
    [
        '<outline XMLURL="https://a.example/f" TEXT="A"/>', '<OUTLINE feedUrl="https://a.example/f" title="A"/>',
        '<outline type="rss" url="https://a.example/f" text="A"/>', '<outline url="https://a.example/f" text="A"/>',
        '<outline type="rss" xmlUrl="feed:https://a.example/f" text="A"/>',
        "<outline xmlUrl='https://a.example/f' text='A'></outline>",
        '<outline xmlUrl="https://a.example/f" xmlUrl="https://b.example/f" text="A"/>',
        '<outline type="pie" text="A" xmlUrl=" https://a.example/f\n"/>', '<outline text="A" xmlUrl="https://a.example/f" & />',
        '<p:outline text="B"/><outline text="A" xmlUrl="https://a.example/f">', '<outline text="A\0" xmlUrl="https://a.example/f"/>\x0b',
    ],
)  # fmt: skip
def test_feed_is_read_however_programs_write_it(outline: str) -> None:
    specs, problems = read_opml(opml(outline))
    assert specs == (FeedSpec("https://a.example/f", FeedOptions(title="A")),)
    assert problems == ()


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-8", "iso-8859-1"), ("utf-16", "utf-16"), ("utf-16-le", "utf-8"), ("cp1251", "windows-1251"), ("utf-8-sig", "utf-8")],
)
def test_names_are_read_in_any_encoding(encoding: str, declared: str) -> None:
    body = (
        f'<?xml version="1.0" encoding="{declared}"?><opml><body><outline text="Ёж" xmlUrl="https://a.example/"/></body></opml>'
    )
    (spec,), _ = read_opml(body.encode(encoding))
    assert spec.options.title == "Ёж"


def test_lists_that_are_included_are_named_and_links_are_left_out() -> None:
    specs, problems = read_opml(
        opml(
            '<outline type="include" text="x" url="https://a.example/list"/><outline type="link" url="https://a.example/x.opml"/>'
            '<outline type="link" text="page" url="https://a.example/"/>'
        )
    )
    assert specs == ()
    assert problems == (
        "line 1: https://a.example/list is another list, which is not followed",
        "line 1: https://a.example/x.opml is another list, which is not followed",
    )


def test_what_is_commented_out_is_passed_over_with_all_below_it() -> None:
    inside = '<outline text="y"><outline xmlUrl="https://a.example/"/></outline>'
    specs, problems = read_opml(
        opml(f'<outline text="x" isComment="true">{inside}</outline><outline xmlUrl="https://b.example/"/>')
    )
    assert [spec.url for spec in specs] == ["https://b.example/"]
    assert problems == ("line 1: https://a.example/ is commented out",)


@pytest.mark.parametrize(
    "body",
    [
        "".join(f'<outline text="t{n}" xmlUrl="https://a.example/{n}"/>' for n in range(100_000)),
        "".join(f'<outline category="t{n}" xmlUrl="https://a.example/"/>' for n in range(50_000)),
        f'<outline category="{"a," * 1_000_000}" xmlUrl="https://a.example/"/>',
        '<outline text="x">' * 200_000,
        "&" * 500_000,
    ],
    ids=["many", "one feed many times", "many categories", "never closed", "ampersands"],
)
def test_lists_of_any_size_take_linear_time(body: str) -> None:
    started = time.process_time()
    specs, _ = read_opml(opml(body))
    assert time.process_time() - started < 10  # 2 on an idle machine
    assert all(len(spec.options.tags) <= 100 for spec in specs)


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


ODD_TEXTS = st.text(max_size=12) | st.sampled_from(
    ["a/b", "/a", "a,b", " a  b ", "\n", "\0", "]]>", "&amp;", '"', "'\t", "<x", "\ud800"]
)
ODD_SPECS = st.lists(
    st.builds(
        lambda number, title, tags: FeedSpec(f"https://a.example/{number}?'\"&c=<d>", FeedOptions(title=title, tags=tuple(tags))),
        st.integers(0, 10**6), st.one_of(st.none(), ODD_TEXTS), st.lists(ODD_TEXTS, max_size=4, unique=True),
    ),
    max_size=6, unique_by=lambda spec: spec.url,
)  # fmt: skip


@given(ODD_SPECS)
def test_list_of_odd_names_is_well_formed_and_the_same_after_another_round(specs: list[FeedSpec]) -> None:
    written = write_opml(specs)
    for outline in etree.fromstring(written).iter("outline"):
        assert outline.get("text")
        assert outline.get("type", "rss") == "rss"
    read, problems = read_opml(written)
    assert problems == ()
    assert {spec.url for spec in read} == {spec.url for spec in specs}
    assert read_opml(write_opml(read)) == (read, ())


@given(st.binary(max_size=300))
def test_nothing_but_parse_error_escapes(body: bytes) -> None:
    try:
        read_opml(b"<opml" + body)
    except ParseError as error:
        assert error.reason  # noqa: PT017
