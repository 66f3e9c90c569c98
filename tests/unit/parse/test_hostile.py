"""The hostile feeds of tests/data/hostile: nothing but ParseError escapes, nothing takes long, and each keeps its rule."""

import pickle
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.errors import ParseError
from ingest.model import Entry, ParsedFeed
from ingest.outcome import Outcome
from ingest.parse import key_entries, parse
from ingest.policy import ParsePolicy

FOLDER = Path(__file__).parents[2] / "data" / "hostile"
NOW = datetime(2025, 7, 1, tzinfo=UTC)
FILES = sorted(path.name for path in FOLDER.iterdir() if path.name != "README.md")


def read(name: str) -> ParsedFeed:
    return parse(
        (FOLDER / name).read_bytes(), url="http://feeds.example.org/f.xml", headers={"content-type": "application/xml"},
        policy=ParsePolicy(), now=NOW,
    )  # fmt: skip


def only(name: str) -> Entry:
    (entry,) = read(name).entries
    return entry


@pytest.mark.parametrize("name", FILES)
def test_nothing_but_parse_error_escapes_and_all_is_quick(name: str) -> None:
    started = time.process_time()
    try:
        parsed = read(name)
        keyed = key_entries(parsed.entries)
    except ParseError as error:
        assert error.reason  # noqa: PT017
        assert pickle.loads(pickle.dumps(error)).reason == error.reason  # noqa: PT017
    else:
        assert len({entry.key for entry in keyed}) == len(keyed)
        assert pickle.loads(pickle.dumps(parsed)) == parsed
        assert "\0" not in repr(parsed)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("xxe-http-dtd.xml", 2), ("deep-xml.xml", 1), ("deep-html.xml", 1), ("gzip-double.xml.gz", 2), ("gzip-served-raw.bin", 2),
        ("bom-utf8.xml", 2), ("utf16-declared-utf8.xml", 2), ("utf16le-bom.xml", 2), ("truncated.xml", 1),
        ("truncated-cdata.xml", 1),
        ("nul-bytes.xml", 2), ("control-chars.xml", 2), ("unclosed-tag.xml", 2), ("junk-after-root.xml", 2),
        ("junk-before.xml", 2),
        ("space-before-decl.xml", 2), ("odd-prefix.xml", 1), ("uppercase.xml", 1), ("empty-channel.xml", 0), ("no-guid.xml", 2),
        ("no-guid-no-link.xml", 2), ("same-guid.xml", 2), ("jsonfeed-minimal.json", 2), ("surrogate-json.json", 1),
        ("many-attributes.xml", 1), ("many-categories.xml", 1), ("long-author.xml", 1), ("style-url.xml", 1),
        ("comment-openers.xml", 1),
        ("xml-base-nest.xml", 1),
    ],
)  # fmt: skip
def test_as_many_entries_are_found_and_told_apart(name: str, count: int) -> None:
    entries = read(name).entries
    assert len(entries) == count
    assert len(key_entries(entries)) == count


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("netscape-dtd.xml", "café ©"), ("latin1-declared-utf8.xml", "café"), ("utf8-declared-latin1.xml", "café"),
        ("one-bad-byte.xml", "naïve 日本 \ufffd end"), ("shift-jis.xml", "日本語"), ("win1252-controls.xml", "it’s"),
        ("mojibake-on-purpose.xml", "Martine Ã©crit en UTF-8"), ("lone-ampersand.xml", "AT&T & Co"),
        ("html-entities.xml", "café … end"),
        ("double-escaped-title.xml", "Tom & Jerry <3"), ("media-description.xml", "Item 1"), ("unknown-encoding.xml", "Item 1"),
    ],
)  # fmt: skip
def test_title_is_what_the_author_wrote(name: str, title: str) -> None:
    assert only(name).title == title


@pytest.mark.parametrize(
    ("name", "outcome", "reason"),
    [
        ("empty.xml", Outcome.NOT_A_FEED, "an empty body"),
        ("spaces.xml", Outcome.NOT_A_FEED, "an empty body"),
        ("html-page.html", Outcome.NOT_A_FEED, "an HTML page titled “Login”"),
        ("challenge-200.html", Outcome.NOT_A_FEED, "an HTML page titled “Just a moment...”"),
        ("json-error.json", Outcome.NOT_A_FEED, 'a JSON document that is no feed: {"error":"rate limited"}'),
        ("opml.xml", Outcome.NOT_A_FEED, "an OPML list of feeds"),
        ("jsonfeed-deep.json", Outcome.PARSE_ERROR, "JSON nested too deeply"),
        ("bomb.xml.gz", Outcome.TOO_LARGE, "more than 10,000,000 bytes when unpacked"),
    ],
)
def test_what_is_no_feed_is_refused_with_its_reason(name: str, outcome: Outcome, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        read(name)
    assert (caught.value.outcome, caught.value.reason) == (outcome, reason)


def test_page_in_place_of_a_feed_offers_the_feed_it_names() -> None:
    with pytest.raises(ParseError) as caught:
        read("html-page.html")
    assert caught.value.feed_url == "http://feeds.example.org/feed.xml"


@pytest.mark.parametrize("name", ["billion-laughs.xml", "quadratic-entity.xml"])
def test_entities_are_not_expanded(name: str) -> None:
    assert len(repr(read(name))) < 200_000


def test_no_file_is_read_for_an_entity() -> None:
    assert only("xxe-file.xml").title == "[&x;]"


@pytest.mark.parametrize(
    "name", ["truncated.xml", "truncated-cdata.xml", "junk-before.xml", "junk-after-root.xml", "unclosed-tag.xml"]
)
def test_what_had_to_be_mended_is_said(name: str) -> None:
    assert read(name).repaired


def test_entry_that_was_cut_off_is_left_out() -> None:
    parsed = read("truncated.xml")
    assert [entry.title for entry in parsed.entries] == ["Item 1"]
    assert "ends early" in (parsed.repaired or "")


def test_entries_beyond_the_cap_are_left_out_and_said() -> None:
    parsed = read("many-items.xml")
    assert (len(parsed.entries), parsed.is_cut) == (2_000, True)


def test_prefixes_nobody_declared_keep_their_usual_meaning() -> None:
    entry = only("undeclared-ns.xml")
    assert (entry.authors, entry.content, entry.image_urls) == (("Jo",), "<p>full</p>", ("http://example.org/t.jpg",))


def test_guid_is_a_link_only_where_the_feed_says_so() -> None:
    first, second = read("guid-url-not-permalink.xml").entries
    assert (first.url, second.url) == (None, "http://example.org/b")


def test_guid_is_kept_verbatim_while_the_link_is_resolved() -> None:
    entry = only("opaque-guid-base.xml")
    assert (entry.guid, entry.url) == ("1", "http://cdn.example.net/x/post/1")


def test_relative_links_are_resolved() -> None:
    entry = only("relative-links.xml")
    assert (entry.url, entry.summary) == ("http://feeds.example.org/a?x=1", '<img src="http://feeds.example.org/i.png">')


def test_guid_is_trimmed() -> None:
    guid = only("guid-spaces.xml").guid
    assert guid
    assert guid == guid.strip()


def test_long_guid_makes_a_short_key() -> None:
    (keyed,) = key_entries(read("long-guid.xml").entries)
    assert len(keyed.key) == 64


def test_entries_that_share_a_guid_have_keys_of_their_own() -> None:
    first, second = key_entries(read("same-guid.xml").entries)
    assert first.key != second.key
    assert second.entry.url == "http://example.org/b"


def test_entry_that_stands_there_twice_is_one() -> None:
    assert len(key_entries(read("same-item-twice.xml").entries)) == 1


def test_dates_that_cannot_be_are_not_believed() -> None:
    days = [entry.published_at for entry in read("future-date.xml").entries]
    assert days == [None, None, None, datetime(2025, 6, 2, 10, tzinfo=UTC), datetime(2025, 6, 2, 10, tzinfo=UTC)]
    assert all(entry.published_raw for entry in read("future-date.xml").entries)


def test_links_that_are_not_http_are_dropped_and_counted() -> None:
    parsed = read("javascript-link.xml")
    assert [entry.url for entry in parsed.entries][:2] == [None, None]
    assert parsed.warnings == ("2 entries with a link that is not http(s)",)


def test_words_of_media_elements_replace_nothing() -> None:
    assert only("media-description.xml").summary == "Real summary"


def test_author_of_the_feed_is_the_author_of_its_entries() -> None:
    assert only("atom-feed-author.xml").authors == ("Jo",)


def test_atom_links_are_told_apart_by_their_relation() -> None:
    entry = only("atom-id-moved.xml")
    assert (entry.guid, entry.url) == ("tag:x,2025:1", "http://example.org/a")
    assert [enclosure.url for enclosure in entry.enclosures] == ["http://example.org/e.mp3"]


def test_json_feed_of_version_1_0_is_read() -> None:
    first, second = read("jsonfeed-minimal.json").entries
    assert (first.guid, second.guid, second.authors) == ("1", "2", ("Jo",))
    assert second.published_at == datetime(2025, 6, 2, 8, tzinfo=UTC)


def test_wrong_types_in_a_json_feed_are_absent() -> None:
    assert [entry.guid for entry in read("jsonfeed-hostile.json").entries] == ["3"]
    assert only("surrogate-json.json").title == "x"


def test_author_and_categories_are_capped() -> None:
    assert len(only("long-author.xml").authors[0]) <= 200
    assert len(only("many-categories.xml").categories) <= 100
