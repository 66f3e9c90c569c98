"""Keys tell entries apart and recognise them again; hashes tell whether they changed."""

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.model import Enclosure, Entry
from ingest.parse import key_entries

ENTRY = Entry(guid="g", url="https://a.example/1", title="T", summary="<p>words</p>", authors=("A",), categories=("c",))


def keys(*entries: Entry) -> list[str]:
    return [keyed.key for keyed in key_entries(entries)]


def test_guid_alone_makes_the_key() -> None:
    moved = replace(ENTRY, url="https://b.example/2", title="Other", summary=None)
    assert keys(ENTRY) == keys(moved)


def test_a_guid_that_entries_share_has_the_address_added_for_each_of_them() -> None:
    other = replace(ENTRY, url="https://a.example/2")
    first, second = keys(ENTRY, other)
    assert first != second
    assert keys(ENTRY)[0] not in (first, second)


def test_a_newer_entry_with_a_shared_guid_takes_no_key_from_an_older_one() -> None:
    older = [replace(ENTRY, url=f"https://a.example/{n}", title=str(n)) for n in (2, 1)]
    newer = replace(ENTRY, url="https://a.example/3", title="3")
    assert keys(newer, *older)[1:] == keys(*older)


def test_entries_with_one_guid_and_one_address_but_other_words_are_all_kept() -> None:
    assert len(set(keys(ENTRY, replace(ENTRY, title="Two"), replace(ENTRY, title="Three")))) == 3


def test_address_makes_the_key_where_there_is_no_guid() -> None:
    plain = replace(ENTRY, guid=None)
    assert keys(plain) == keys(replace(plain, url="HTTPS://a.example:443/1?utm_source=x#y", title="Other"))
    assert keys(plain) != keys(replace(plain, url="https://a.example/2"))


def test_words_make_the_key_where_there_is_neither() -> None:
    bare = Entry(title="T", summary="words", published_raw="Mon")
    assert keys(bare) == keys(replace(bare, summary="<b>words</b>"))
    assert len(set(keys(bare, replace(bare, title="U"), replace(bare, summary="v"), replace(bare, published_raw="Tue")))) == 4


def test_entries_without_a_word_are_told_apart_by_their_enclosures() -> None:
    sounds = [Entry(enclosures=(Enclosure(f"https://a.example/{n}.mp3"),)) for n in (1, 2, 2)]
    assert len(key_entries(sounds)) == 2


def test_entry_repeated_word_for_word_is_one() -> None:
    assert len(key_entries([ENTRY, ENTRY, replace(ENTRY, published_raw="touched")])) == 1


@pytest.mark.parametrize(
    "changed",
    [
        replace(ENTRY, title="U"), replace(ENTRY, url="https://a.example/2"), replace(ENTRY, authors=("B",)),
        replace(ENTRY, summary="<p>other words</p>"), replace(ENTRY, content="<p>more</p>"), replace(ENTRY, categories=()),
        replace(ENTRY, enclosures=(Enclosure("https://a.example/e.mp3"),)),
    ],
)  # fmt: skip
def test_hash_changes_with_what_a_reader_would_notice(changed: Entry) -> None:
    assert key_entries([changed])[0].content_hash != key_entries([ENTRY])[0].content_hash


@pytest.mark.parametrize(
    "touched",
    [
        replace(ENTRY, published_raw="x", published_at=datetime(2025, 1, 1, tzinfo=UTC)),
        replace(ENTRY, updated_raw="x", updated_at=datetime(2025, 1, 1, tzinfo=UTC)),
        replace(ENTRY, summary='<p class="seen-5">words</p><img src="https://count.example/5.gif">'),
        replace(ENTRY, comments_url="https://a.example/1#c"),
    ],
)
def test_hash_stays_when_only_dates_and_counters_move(touched: Entry) -> None:
    assert key_entries([touched])[0].content_hash == key_entries([ENTRY])[0].content_hash


SOME = st.sampled_from([None, "a", "b"])
ENTRIES = st.lists(
    st.builds(
        Entry, guid=SOME, url=st.sampled_from([None, "https://a.example/1", "https://a.example/2"]), title=SOME, summary=SOME
    ),
    max_size=8,
)


@given(ENTRIES)
def test_keys_are_unique_and_the_same_each_time(entries: list[Entry]) -> None:
    found = key_entries(entries)
    assert len({keyed.key for keyed in found}) == len(found)
    assert found == key_entries(entries)


@given(ENTRIES)
def test_nothing_but_repetitions_is_lost(entries: list[Entry]) -> None:
    told = {(e.guid, e.url, e.title, e.summary) for e in entries}
    assert len(key_entries(entries)) == len(told)


@given(ENTRIES, st.randoms())
def test_the_order_of_entries_that_have_an_address_does_not_change_their_keys(entries: list[Entry], chance: Random) -> None:
    addressed = list({(entry.guid, entry.url): entry for entry in entries if entry.url}.values())
    shuffled = chance.sample(addressed, len(addressed))
    assert {keyed.entry: keyed.key for keyed in key_entries(addressed)} == {k.entry: k.key for k in key_entries(shuffled)}
