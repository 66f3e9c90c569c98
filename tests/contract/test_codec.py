"""Entries and options through JSON and back."""

import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.model import Enclosure, Entry, FeedHead, FeedOptions
from ingest.store.codec import clean, entry_from_data, options_from_data, to_data
from ingest.store.dialect import to_json

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
MAYBE = st.none() | WORDS
SOME = st.lists(WORDS, max_size=3).map(tuple)
TIMES = st.none() | st.datetimes(timezones=st.just(UTC))
ENCLOSURES = st.builds(Enclosure, WORDS, MAYBE, st.none() | st.integers(), st.none() | st.integers())
ENTRIES = st.builds(
    Entry,
    guid=MAYBE,
    is_permalink=st.booleans(),
    url=MAYBE,
    title=MAYBE,
    summary=MAYBE,
    content=MAYBE,
    authors=SOME,
    published_at=TIMES,
    published_raw=MAYBE,
    published_source=MAYBE,
    updated_at=TIMES,
    updated_source=MAYBE,
    categories=SOME,
    enclosures=st.lists(ENCLOSURES, max_size=3).map(tuple),
    image_urls=SOME,
    language=MAYBE,
    transcripts=st.lists(ENCLOSURES, max_size=3).map(tuple),
    location=st.none() | st.tuples(*[st.floats(-90, 90)] * 2),
)
OPTIONS = st.builds(
    FeedOptions,
    title=MAYBE,
    tags=SOME,
    is_enabled=st.booleans(),
    interval_s=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    full_text=st.none() | st.booleans(),
    keep=SOME,
    block=SOME,
    extractor=MAYBE,
    include=SOME,
    exclude=SOME,
)


@given(ENTRIES)
def test_an_entry_comes_back_from_json_as_it_was(entry: Entry) -> None:
    assert entry_from_data(json.loads(to_json(to_data(entry)))) == entry


@given(OPTIONS)
def test_options_come_back_from_json_as_they_were(options: FeedOptions) -> None:
    assert options_from_data(json.loads(to_json(to_data(options)))) == options


@given(st.text(st.characters()))
def test_cleaned_text_can_be_encoded_and_stays_clean(text: str) -> None:
    cleaned = clean(text)

    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned
    assert clean(cleaned) == cleaned


def test_what_equals_its_default_takes_no_room() -> None:
    assert to_data(Entry()) == to_data(FeedOptions()) == {}
    assert to_data(FeedHead("rss20")) == {"format": "rss20"}


def test_rows_of_an_earlier_or_later_version_can_be_read() -> None:
    data = {"title": "T", "added later": [1], "enclosures": [{"url": "u", "bitrate": 128}]}

    assert entry_from_data(data) == Entry(title="T", enclosures=(Enclosure("u"),))
    assert options_from_data({"tags": ["x"], "added later": 1}) == FeedOptions(tags=("x",))


@pytest.mark.parametrize(("text", "cleaned"), [("a\0b", "ab"), ("\0é", "é"), ("\ud83d", "?"), ("plain", "plain"), ("😀", "😀")])
def test_only_what_no_database_takes_is_removed(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
