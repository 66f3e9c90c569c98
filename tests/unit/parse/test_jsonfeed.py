"""JSON feeds: what is no feed is refused, what has the wrong type is absent."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.errors import ParseError
from ingest.model import ParsedFeed
from ingest.outcome import Outcome
from ingest.parse import parse
from ingest.parse.jsonfeed import parse_json
from ingest.policy import ParsePolicy

NOW = datetime(2025, 7, 1, tzinfo=UTC)
VERSION = "https://jsonfeed.org/version/1.1"


def read(document: Any, max_entries: int = 100) -> ParsedFeed:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse(body, url="https://a.example/f", headers={}, policy=ParsePolicy(max_entries=max_entries), now=NOW)


@pytest.mark.parametrize(
    ("document", "outcome", "reason"),
    [
        ([1, 2], Outcome.NOT_A_FEED, "a JSON list, not a feed"),
        ({"items": "x", "version": VERSION}, Outcome.NOT_A_FEED, "a JSON document that is no feed"),
        ({"items": [{"id": 1}]}, Outcome.NOT_A_FEED, "a JSON document that is no feed"),
        (b"{nonsense", Outcome.NOT_A_FEED, "neither XML nor readable JSON"),
        (b'{"a":' * 100_000, Outcome.PARSE_ERROR, "JSON nested too deeply"),
    ],
)
def test_what_is_no_feed_is_refused(document: Any, outcome: Outcome, reason: str) -> None:
    text = document.decode() if isinstance(document, bytes) else json.dumps(document)
    with pytest.raises(ParseError) as caught:
        parse_json(text, url="https://a.example/f", policy=ParsePolicy(), now=NOW)
    assert caught.value.outcome is outcome
    assert caught.value.reason.startswith(reason)


def test_feed_that_leaves_out_its_version_is_read() -> None:
    assert read({"title": "T", "items": [{"id": "1"}]}).head.format == "json10"


def test_first_entries_are_kept_when_there_are_too_many() -> None:
    parsed = read({"version": VERSION, "items": [{"id": str(n)} for n in range(5)]}, max_entries=2)
    assert ([entry.guid for entry in parsed.entries], parsed.is_cut) == (["0", "1"], True)


def test_wrong_types_are_absent() -> None:
    parsed = read(
        {
            "version": VERSION, "title": 5, "authors": "x", "hubs": [None, {"url": "javascript:x"}], "next_url": {},
            "items": [
                {"id": True, "url": ["x"], "title": "t",
                 "attachments": [5, {"url": "ftp://x"}, {"url": "/a", "size_in_bytes": -1}]},
                {"id": "2", "date_published": 5, "date_modified": "2999-01-01", "tags": {}, "author": {"name": "N"}, "image": 7},
            ],
        }
    )  # fmt: skip
    first, second = parsed.entries
    assert (parsed.head.title, parsed.head.hub_url, parsed.head.next_url) == (None, None, None)
    assert (first.guid, first.url, [e.url for e in first.enclosures]) == (None, None, ["https://a.example/a"])
    assert first.enclosures[0].length is None
    assert (second.published_at, second.updated_at, second.updated_raw) == (None, None, "2999-01-01")
    assert (second.authors, second.categories, second.image_urls) == (("N",), (), ())


def test_infinite_numbers_are_no_counts() -> None:
    body = (
        b'{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","attachments":[{"url":"/a","size_in_bytes":Infinity}]}]}'
    )
    assert read(body).entries[0].enclosures[0].length is None


def test_dates_authors_and_ids_serve_where_nothing_better_is_said() -> None:
    parsed = read(
        {
            "version": VERSION, "title": "T", "authors": [{"name": "F"}],
            "items": [
                {"id": "https://a.example/1", "date_modified": "2025-06-02T10:00:00Z"},
                {"id": "2", "external_url": "/x", "date_published": "2025-06-01", "author": {"name": "N"}},
            ],
        }
    )  # fmt: skip
    first, second = parsed.entries
    assert (first.url, first.authors, parsed.head.authors) == ("https://a.example/1", ("F",), ("F",))
    assert (first.published_at, first.published_source, first.updated_source) == (
        first.updated_at,
        "date_modified",
        "date_modified",
    )
    assert (second.url, second.authors, second.published_source) == ("https://a.example/x", ("N",), "date_published")
    assert (second.updated_at, second.updated_source) == (None, None)


def test_no_address_keeps_control_characters_or_marks_of_direction() -> None:
    item = {"id": "1", "url": "m\x9dg", "image": "/\u202egnp.x", "attachments": [{"url": "https://a.example/\u200f1.mp3"}]}
    (entry,) = read({"version": VERSION, "title": "T", "items": [item, {}]}).entries
    assert (entry.url, entry.image_urls) == ("https://a.example/mg", ("https://a.example/gnp.x",))
    assert [enclosure.url for enclosure in entry.enclosures] == ["https://a.example/1.mp3"]


def test_items_left_out_are_counted_in_good_grammar() -> None:
    documents = ({"version": VERSION, "title": "T", "items": [{"id": "1"}, *({},) * count]} for count in (1, 2))
    found = [read(document).warnings for document in documents]
    assert found == [("1 item without id, address and words",), ("2 items without id, address and words",)]


def test_a_number_without_end_is_no_number() -> None:
    body = f'{{"version": "{VERSION}", "items": [{{"id": {"9" * 5_000}, "title": "a"}}, {{"id": 7}}]}}'
    assert [entry.guid for entry in read(body.encode()).entries] == [None, "7"]
