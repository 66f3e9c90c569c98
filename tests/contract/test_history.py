"""Backfills: where the reading of a feed's history stands."""

import pytest

from ingest.errors import LeaseLost, StoreError
from ingest.model import Backfill, Checkpoint, EntryPlan, HistoryPlan, Strategy
from ingest.store import SqlStore
from tests.contract.making import Make


def page(backfill: Backfill, make: Make, *new: EntryPlan, checkpoint: Checkpoint, is_finished: bool = False) -> HistoryPlan:
    return HistoryPlan(backfill.backfill_id, backfill.feed_id, make.now, new, checkpoint, is_finished, "read")


def test_a_backfill_begins_at_its_start_and_goes_on_at_its_checkpoint(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    start = Checkpoint("https://news.example/archive/9")
    backfill = store.history.open(feed_id, Strategy.ARCHIVE, start, make.now)
    assert (backfill.feed_id, backfill.strategy, backfill.checkpoint, backfill.is_finished) == (
        feed_id,
        Strategy.ARCHIVE,
        start,
        False,
    )

    reached = Checkpoint("https://news.example/archive/8", pages=1, entries_new=2)
    store.history.apply(page(backfill, make, make.entry("a"), make.entry("b"), checkpoint=reached))

    again = store.history.open(feed_id, Strategy.ARCHIVE, start, make.at(5))
    assert (again.backfill_id, again.checkpoint, again.is_finished) == (backfill.backfill_id, reached, False)
    assert sorted(entry.guid for entry in store.feeds.entries(feed_id, 9)) == ["a", "b"]


def test_a_page_read_twice_stores_its_entries_once(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    backfill = store.history.open(feed_id, Strategy.PAGED, Checkpoint("https://news.example/2"), make.now)
    plan = page(backfill, make, make.entry("a"), checkpoint=Checkpoint(None, 1, 1), is_finished=True)

    store.history.apply(plan)
    store.history.apply(plan)

    assert len(store.feeds.entries(feed_id, 9)) == 1
    assert store.history.open(feed_id, Strategy.PAGED, Checkpoint("x"), make.now).is_finished


def test_each_strategy_has_a_checkpoint_of_its_own(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    other = make.feed(store, "https://other.example/feed")
    for strategy in (Strategy.ARCHIVE, Strategy.WORDPRESS):
        store.history.open(feed_id, strategy, Checkpoint(f"https://news.example/{strategy}"), make.now)
    store.history.open(other, Strategy.ARCHIVE, Checkpoint("https://other.example/2"), make.now)

    assert [backfill.strategy for backfill in store.history.infos(feed_id)] == [Strategy.ARCHIVE, Strategy.WORDPRESS]


def test_the_backfill_of_a_removed_feed_is_dropped_silently(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    backfill = store.history.open(feed_id, Strategy.PAGED, Checkpoint("https://news.example/2"), make.now)
    store.feeds.remove(feed_id)

    with pytest.raises(LeaseLost, match="is gone"):
        store.history.apply(page(backfill, make, make.entry("a"), checkpoint=Checkpoint(None)))
    assert store.history.infos(feed_id) == ()


def test_no_backfill_opens_for_a_feed_that_is_not_there(store: SqlStore, make: Make) -> None:
    with pytest.raises(StoreError) as caught:
        store.history.open(4711, Strategy.PAGED, Checkpoint("https://news.example/2"), make.now)
    assert "\n" not in str(caught.value)
