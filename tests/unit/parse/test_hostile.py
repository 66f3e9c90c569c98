"""The hostile feeds of tests/data/hostile, and others made here: nothing but ParseError escapes, nothing takes long, grows or
touches the world, and each file keeps the rule that its README gives it."""

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import ParseError
from ingest.extract.clean import clean_html
from ingest.model import Entry, ParsedFeed
from ingest.outcome import Outcome
from ingest.parse import key_entries
from ingest.text import html_to_text
from tests.unit.parse.hostile import FILES, FOLDER, MADE, body_of, say, understand

JUNE_2 = datetime(2025, 6, 2, 10, tzinfo=UTC)
RULES: dict[str, Callable[[str], None]] = {}


def rule(*names: str) -> Callable[[Callable[[str], None]], Callable[[str], None]]:
    """Marks what holds for the files of these names."""

    def mark(check: Callable[[str], None]) -> Callable[[str], None]:
        for name in names:
            assert name not in RULES
            RULES[name] = check
        return check

    return mark


def read(name: str) -> ParsedFeed:
    return understand(body_of(name))


def only(name: str) -> Entry:
    (entry,) = read(name).entries
    return entry


def refused(name: str) -> tuple[Outcome, str]:
    with pytest.raises(ParseError) as caught:
        read(name)
    return caught.value.outcome, caught.value.reason


# ── what it costs ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, Any]]:
    """What each document cost, in a process of its own that can open neither file nor connection."""
    program = [sys.executable, "-m", "tests.unit.parse.hostile"]
    done = subprocess.run(program, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True, timeout=100)
    assert not done.stderr
    return {report["name"]: report for report in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", FILES)
def test_hostile_file_is_cheap_and_touches_nothing(measured: dict[str, dict[str, Any]], name: str) -> None:
    report = measured[name]
    assert report["touched"] == []
    assert report["cpu_s"] < 1
    assert report["mb"] < 200
    assert report["said"] == say(body_of(name))[0], "what is understood does not depend on files or the network"


@pytest.mark.parametrize("name", MADE)
def test_made_document_is_cheap_and_touches_nothing(measured: dict[str, dict[str, Any]], name: str) -> None:
    report = measured[name]
    assert report["touched"] == []
    assert report["cpu_s"] < 5  # 1.6 at most on an idle machine
    assert report["mb"] < 200


@pytest.mark.parametrize("name", FILES)
def test_result_can_be_stored_and_sent_to_another_process(name: str) -> None:
    try:
        parsed = read(name)
    except ParseError as error:
        assert error.reason  # noqa: PT017
        assert pickle.loads(pickle.dumps(error)).reason == error.reason  # noqa: PT017
        return
    keyed = key_entries(parsed.entries)
    assert len({entry.key for entry in keyed}) == len(keyed)
    assert pickle.loads(pickle.dumps(parsed)) == parsed
    assert "\\x00" not in ascii([(entry.title, entry.summary, entry.content, entry.guid) for entry in parsed.entries])


# ── what each file is for ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", FILES)
def test_hostile_file_keeps_its_rule(name: str) -> None:
    RULES[name](name)


def test_every_rule_is_in_the_readme_and_every_file_has_one() -> None:
    listed = {
        line.split("|")[1].strip() for line in (FOLDER / "README.md").read_text("utf-8").splitlines() if line.count("|") == 4
    }
    assert set(RULES) == set(FILES) == listed - {"file", "---"}


@rule("billion-laughs.xml", "quadratic-entity.xml")
def entities_are_not_expanded(name: str) -> None:
    entry = only(name)
    assert (entry.title or "").startswith("&")
    assert sum(len(text or "") for text in (entry.title, entry.summary, entry.content)) < 40_000


@rule("xxe-file.xml")
def no_file_is_read_for_an_entity(name: str) -> None:
    assert only(name).title == "[&x;]"


@rule("netscape-dtd.xml")
def old_doctype_is_harmless(name: str) -> None:
    assert only(name).title == "café ©"


@rule("xxe-http-dtd.xml", "gzip-served-raw.bin", "gzip-double.xml.gz", "bom-utf8.xml", "utf16-declared-utf8.xml",
      "utf16le-bom.xml", "space-before-decl.xml", "no-guid-no-link.xml")  # fmt: skip
def both_entries_are_read_and_told_apart(name: str) -> None:
    parsed = read(name)
    assert (len(parsed.entries), parsed.repaired) == (2, None)
    first, second = key_entries(parsed.entries)
    assert first.key != second.key
    assert key_entries(read(name).entries) == (first, second)


@rule("nul-bytes.xml", "control-chars.xml")
def control_characters_are_gone(name: str) -> None:
    first, second = read(name).entries
    assert (first.guid, second.guid) == ("id-1", "id-2")
    said = "".join(text or "" for entry in (first, second) for text in (entry.title, entry.summary, entry.content, entry.guid))
    assert not [char for char in said if char < " "]


@rule("unclosed-tag.xml", "junk-after-root.xml", "junk-before.xml")
def both_entries_are_read_and_the_repair_is_said(name: str) -> None:
    parsed = read(name)
    assert len(parsed.entries) == len(key_entries(parsed.entries)) == 2
    assert parsed.repaired


@rule("many-attributes.xml", "style-url.xml", "comment-openers.xml", "xml-base-nest.xml", "deep-xml.xml", "odd-prefix.xml")
def its_one_entry_is_read(name: str) -> None:
    entry = only(name)
    assert (entry.guid, bool(entry.title)) == ("1", True)


@rule("uppercase.xml")
def tags_in_capitals_are_read(name: str) -> None:
    assert only(name).title == "x"


@rule("many-categories.xml")
def categories_are_capped(name: str) -> None:
    assert 0 < len(only(name).categories) <= 100


@rule("long-author.xml")
def author_is_cut(name: str) -> None:
    (author,) = only(name).authors
    assert 0 < len(author) <= 200


@rule("deep-html.xml")
def later_reading_survives_the_depth(name: str) -> None:
    entry = only(name)
    markup = entry.content or entry.summary or ""
    assert len(markup) > 10_000
    html_to_text(markup)
    clean_html(markup, "http://feeds.example.org/")


@rule("nested-items.xml")
def nested_items_are_bounded(name: str) -> None:
    assert 1 <= len(read(name).entries) <= 200


@rule("many-items.xml")
def entries_beyond_the_cap_are_left_out_and_said(name: str) -> None:
    parsed = read(name)
    assert parsed.is_cut
    # Without dates the top of a feed is its newest end.
    assert [entry.guid for entry in parsed.entries] == [str(number) for number in range(2_000)]


@rule("bomb.xml.gz")
def unpacking_ends_at_the_cap(name: str) -> None:
    assert refused(name) == (Outcome.TOO_LARGE, "more than 10,000,000 bytes when unpacked")


@rule("script-content.xml")
def what_is_stored_is_inert(name: str) -> None:
    entry = only(name)
    stored = clean_html(entry.content or entry.summary or "", "http://example.org/1").lower()
    assert "<p>ok</p>" in stored
    assert not [active for active in ("<script", "alert", "onerror", "javascript:") if active in stored]


@rule("javascript-link.xml")
def links_that_are_not_http_are_dropped_and_counted(name: str) -> None:
    parsed = read(name)
    assert [entry.url for entry in parsed.entries] == [None, None, "http://127.0.0.1:22/"]
    assert any(warning.startswith("2 ") and "not http(s)" in warning for warning in parsed.warnings)


@rule("latin1-declared-utf8.xml", "utf8-declared-latin1.xml")
def accents_are_read_whatever_the_label_says(name: str) -> None:
    assert only(name).title == "café"


@rule("one-bad-byte.xml")
def one_bad_byte_costs_itself(name: str) -> None:
    assert only(name).title == "naïve 日本 \ufffd end"


@rule("shift-jis.xml")
def japanese_encoding_is_read(name: str) -> None:
    assert only(name).title == "日本語"


@rule("gb2312-is-gb18030.xml")
def chinese_label_means_its_superset(name: str) -> None:
    title = only(name).title or ""
    assert title
    assert all(ord(char) > 0x2E7F and char != "\ufffd" for char in title)
    assert title.encode("gb18030") in body_of(name)


@rule("unknown-encoding.xml")
def unknown_label_is_tried_as_utf8(name: str) -> None:
    assert read(name).entries[0].title == "Item 1"


@rule("win1252-controls.xml")
def latin1_label_means_windows_1252(name: str) -> None:
    assert only(name).title == "it’s"


@rule("mojibake-on-purpose.xml")
def text_is_decoded_once(name: str) -> None:
    assert only(name).title == "Martine Ã©crit en UTF-8"


@rule("truncated.xml", "truncated-cdata.xml")
def entry_that_was_cut_off_is_left_out(name: str) -> None:
    parsed = read(name)
    assert [entry.title for entry in parsed.entries] == ["Item 1"]
    assert "ends early" in (parsed.repaired or "")


@rule("lone-ampersand.xml")
def lone_ampersands_stay(name: str) -> None:
    entry = only(name)
    assert (entry.title, entry.url) == ("AT&T & Co", "http://example.org/?a=1&b=2")


@rule("html-entities.xml")
def entities_of_html_are_known(name: str) -> None:
    assert only(name).title == "café … end"


@rule("undeclared-ns.xml")
def prefixes_nobody_declared_keep_their_usual_meaning(name: str) -> None:
    entry = only(name)
    assert (entry.authors, entry.content, entry.image_urls) == (("Jo",), "<p>full</p>", ("http://example.org/t.jpg",))


@rule("empty-channel.xml")
def empty_feed_is_a_success(name: str) -> None:
    parsed = read(name)
    assert (parsed.entries, parsed.repaired, parsed.warnings) == ((), None, ())


@rule("empty.xml", "spaces.xml")
def empty_body_is_named(name: str) -> None:
    assert refused(name) == (Outcome.NOT_A_FEED, "an empty body")


@rule("html-page.html")
def page_is_no_feed_and_offers_the_one_it_names(name: str) -> None:
    with pytest.raises(ParseError) as caught:
        read(name)
    assert (caught.value.outcome, caught.value.reason) == (Outcome.NOT_A_FEED, "an HTML page titled “Login” (a login page)")
    assert caught.value.feed_url == "http://feeds.example.org/feed.xml"


@rule("challenge-200.html")
def challenge_is_no_feed(name: str) -> None:
    assert refused(name) == (Outcome.NOT_A_FEED, "an HTML page titled “Just a moment...” (a check for robots)")


@rule("json-error.json")
def error_in_json_is_no_feed(name: str) -> None:
    assert refused(name) == (Outcome.NOT_A_FEED, 'a JSON error: "rate limited"')


@rule("opml.xml")
def list_of_feeds_is_no_feed(name: str) -> None:
    assert refused(name) == (Outcome.NOT_A_FEED, "an OPML list of feeds")


@rule("no-guid.xml")
def link_is_the_identity_where_there_is_no_guid(name: str) -> None:
    first, second = read(name).entries
    assert (first.guid, second.guid) == (None, None)
    keys = [entry.key for entry in key_entries((first, second))]
    assert len(set(keys)) == 2
    assert [entry.key for entry in key_entries((second, first))] == keys[::-1]


@rule("same-guid.xml")
def entries_that_share_a_guid_have_keys_of_their_own(name: str) -> None:
    first, second = key_entries(read(name).entries)
    assert first.key != second.key
    assert second.entry.url == "http://example.org/b"


@rule("same-item-twice.xml")
def entry_that_stands_there_twice_is_one(name: str) -> None:
    assert len(key_entries(read(name).entries)) == 1


@rule("guid-url-not-permalink.xml")
def guid_is_a_link_only_where_the_feed_says_so(name: str) -> None:
    first, second = read(name).entries
    assert (first.url, second.url) == (None, "http://example.org/b")


@rule("opaque-guid-base.xml")
def guid_is_kept_verbatim_while_the_link_is_resolved(name: str) -> None:
    entry = only(name)
    assert (entry.guid, entry.url) == ("1", "http://cdn.example.net/x/post/1")


@rule("relative-links.xml")
def relative_links_are_resolved(name: str) -> None:
    entry = only(name)
    assert (entry.url, entry.summary) == ("http://feeds.example.org/a?x=1", '<img src="http://feeds.example.org/i.png">')


@rule("long-guid.xml")
def long_guid_makes_a_short_key(name: str) -> None:
    (keyed,) = key_entries(read(name).entries)
    assert len(keyed.key) == 64


@rule("guid-spaces.xml")
def guid_is_trimmed(name: str) -> None:
    guid = only(name).guid
    assert guid
    assert guid == guid.strip()


@rule("future-date.xml")
def dates_that_cannot_be_are_not_believed(name: str) -> None:
    entries = read(name).entries
    assert [entry.published_at for entry in entries] == [None, None, None, JUNE_2, JUNE_2]
    assert all(entry.published_raw for entry in entries)


@rule("media-description.xml")
def media_elements_replace_no_words(name: str) -> None:
    entry = only(name)
    assert (entry.title, entry.summary) == ("Item 1", "Real summary")


@rule("double-escaped-title.xml")
def title_that_is_escaped_twice_is_plain(name: str) -> None:
    assert only(name).title == "Tom & Jerry <3"


@rule("atom-feed-author.xml")
def author_of_the_feed_is_the_author_of_its_entries(name: str) -> None:
    assert only(name).authors == ("Jo",)


@rule("atom-id-moved.xml")
def atom_links_are_told_apart_by_their_relation(name: str) -> None:
    entry = only(name)
    assert (entry.guid, entry.url) == ("tag:x,2025:1", "http://example.org/a")
    assert [enclosure.url for enclosure in entry.enclosures] == ["http://example.org/e.mp3"]


@rule("jsonfeed-minimal.json")
def json_feed_of_version_1_0_is_read(name: str) -> None:
    first, second = read(name).entries
    assert (first.guid, second.guid, second.authors) == ("1", "2", ("Jo",))
    assert second.published_at == datetime(2025, 6, 2, 8, tzinfo=UTC)


@rule("jsonfeed-hostile.json")
def wrong_types_in_a_json_feed_are_absent(name: str) -> None:
    assert [entry.guid for entry in read(name).entries] == ["3"]


@rule("jsonfeed-deep.json")
def json_that_is_nested_too_deeply_is_refused(name: str) -> None:
    assert refused(name) == (Outcome.PARSE_ERROR, "JSON nested too deeply")


@rule("surrogate-json.json")
def lone_surrogate_does_not_reach_the_database(name: str) -> None:
    entry = only(name)
    for text in (entry.title, entry.content, entry.summary, entry.guid):
        (text or "").encode("utf-8")


# ── what the made ones are for ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", sorted(MADE.keys() - {"gzip of UTF-16 that is too much"}))
def test_entry_before_the_trick_is_read(measured: dict[str, dict[str, Any]], name: str) -> None:
    report = measured[name]
    assert report["guids"][:1] == ["1"], report["said"]
    assert len(report["guids"]) <= 2_000


@pytest.mark.parametrize("name", ["external parameter entity", "external stylesheet", "XInclude"])
def test_nothing_from_elsewhere_is_taken_in(name: str) -> None:
    assert not [entry for entry in read(name).entries if "root:" in f"{entry.title} {entry.summary} {entry.content}"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("end of CDATA in text", "a ]]> ]]> b"), ("CDATA in CDATA", "a <![CDATA[b c]]>"), ("NUL in names", "words"),
        ("declaration in the middle", "words"),
    ],
)  # fmt: skip
def test_words_survive_the_trick(name: str, said: str) -> None:
    entry = read(name).entries[1]
    assert html_to_text(entry.summary or entry.content or "") == html_to_text(said)


def test_feed_that_is_too_much_when_unpacked_is_refused() -> None:
    assert refused("gzip of UTF-16 that is too much")[0] is Outcome.TOO_LARGE
