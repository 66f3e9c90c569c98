"""A clock that was ahead and is set right: what was written by it holds nothing up."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from ingest.model import Action, EntryState, FeedState, Gap, GapRepair, HostLesson, Move, SubscriptionState
from ingest.outcome import Outcome
from ingest.store import SqlStore
from ingest.store.schema import subscriptions
from tests.contract.making import Make, OpenAs

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
BACK = 100 * DAY


def poll_ahead(store: SqlStore, make: Make, *new, url: str = "https://news.example/feed", ago=timedelta(), **plan) -> int:
    """A feed that was polled so long ago by a clock a hundred days ahead."""
    feed_id, at = make.feed(store, url), make.now + BACK - ago
    claim = store.feeds.claim_one(feed_id, at, at + 2 * MINUTE)
    store.feeds.apply([make.poll(claim, *new, **{"polled_at": at, "next_poll_at": at + 30 * MINUTE} | plan)])
    return feed_id


def set_right(store: SqlStore, make: Make) -> int:
    return store.feeds.follow_clock_back(make.now, BACK.total_seconds())


def due_at(store: SqlStore, make: Make, at) -> list[int]:
    claims = store.feeds.claim(at, limit=9, lease_until=at + MINUTE)
    store.feeds.release({claim.feed_id: claim.lease for claim in claims})
    return [claim.feed_id for claim in claims]


def test_polls_of_a_clock_that_was_set_right_while_nobody_ran_are_as_far_ahead_as_they_were(store: SqlStore, make: Make) -> None:
    last, before = poll_ahead(store, make), poll_ahead(store, make, url="https://b.example/", ago=10 * MINUTE)

    assert store.feeds.mend_future(make.now) == 2
    assert store.feeds.mend_future(make.now) == 0

    assert due_at(store, make, make.now + 19 * MINUTE) == []
    assert due_at(store, make, make.now + 20 * MINUTE) == [before]
    assert due_at(store, make, make.now + 30 * MINUTE) == [before, last]


def test_clocks_of_several_machines_that_differ_by_seconds_are_no_clock_ahead(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    claim = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    store.feeds.apply([make.poll(claim, polled_at=make.now + timedelta(seconds=50))])
    assert store.feeds.mend_future(make.now) == 0


def test_entries_that_came_or_failed_by_a_clock_ahead_are_due_as_they_would_have_been(store: SqlStore, make: Make) -> None:
    poll_ahead(store, make, make.entry("new"), make.entry("failed"))
    at = make.now + BACK
    claims = {one.entry.guid: one for one in store.articles.claim(at, limit=9, lease_until=at + 2 * MINUTE)}
    failed = {"outcome": Outcome.TIMEOUT, "state": EntryState.PENDING, "attempts": 1, "next_try_at": at + 60 * MINUTE}
    store.articles.apply([make.done(claims["failed"], Action.NONE, **failed)])
    store.articles.release({claims["new"].entry_id: claims["new"].lease})

    set_right(store, make)

    def due(moment) -> list[str]:
        found = store.articles.claim(moment, limit=9, lease_until=moment + MINUTE)
        store.articles.release({claim.entry_id: claim.lease for claim in found})
        return sorted(claim.entry.guid for claim in found)

    assert due(make.now) == ["new"]
    assert due(make.now + 59 * MINUTE) == ["new"]
    assert due(make.now + 60 * MINUTE) == ["failed", "new"]


def test_what_a_server_and_its_host_asked_for_by_a_clock_ahead_ends_when_they_meant(open_as: OpenAs, make: Make) -> None:
    store, at = open_as("me"), make.now + BACK
    until = at + 60 * MINUTE
    pause = HostLesson(63.0, until, "429")
    feed_id = poll_ahead(store, make, not_before_at=until, next_poll_at=until, lesson=pause)

    set_right(store, make)

    assert store.feeds.find(str(feed_id)).not_before_at == make.at(60)
    assert store.hosts.find("news.example").throttled_until == make.at(60)
    assert due_at(store, make, make.at(59)) == []
    assert due_at(store, make, make.at(60)) == [feed_id]


def test_a_pause_that_a_right_clock_wrote_stays_as_it_is(store: SqlStore, make: Make) -> None:
    poll_ahead(store, make, url="https://b.example/")
    store.hosts.learn("news.example", HostLesson(63.0, make.at(60), "429"), make.at(-5))
    set_right(store, make)
    assert store.hosts.find("news.example").throttled_until == make.at(60)


def test_a_feed_given_up_or_moved_by_a_clock_ahead_has_its_dates_set_right(store: SqlStore, make: Make) -> None:
    at = make.now + BACK
    given_up = poll_ahead(store, make, state=FeedState.DISABLED, probe_at=at + 30 * DAY)
    moving = poll_ahead(store, make, url="https://b.example/", full_at=at, move=Move("https://c.example/", at, 1))

    set_right(store, make)

    assert store.feeds.find(str(given_up)).probe_at == make.now + 30 * DAY
    info = store.feeds.find(str(moving))
    assert (info.full_at, info.move.since_at) == (make.now, make.now)


def test_a_gap_found_and_tried_by_a_clock_ahead_is_tried_again_when_it_was_meant(store: SqlStore, make: Make) -> None:
    at = make.now + BACK
    feed_id = poll_ahead(store, make, gap=Gap(at - MINUTE, at, 5.0, "no overlap"))
    (gap,) = store.gaps.open(at, 5)
    store.gaps.repaired(GapRepair(gap.gap_id, feed_id, at, "to be tried again", next_try_at=at + 15 * MINUTE))

    set_right(store, make)

    assert store.gaps.open(make.at(14), 5) == ()
    (gap,) = store.gaps.open(make.at(15), 5)
    assert (gap.since_at, gap.until_at) == (make.at(-1), make.at(0))


@pytest.mark.parametrize("is_by_wrong_clock", [True, False])
def test_a_subscription_is_renewed_when_it_was_meant_whoever_began_it(
    store: SqlStore,
    make: Make,
    is_by_wrong_clock: bool,
) -> None:
    feed_id, at = poll_ahead(store, make), make.now + BACK if is_by_wrong_clock else make.now - DAY
    times = {"asked_at": at, "confirmed_at": at, "next_ask_at": at + 8 * DAY, "lease_until": at + 10 * DAY}
    words = {"hub_url": "h", "topic_url": "t", "base_url": "b", "token": "k", "secret": "s"}
    values = {"feed_id": feed_id, "state": SubscriptionState.ACTIVE.value, **words, **times}
    store.database.transact(lambda connection: connection.execute(sa.insert(subscriptions).values(values)))

    set_right(store, make)

    found = store.subscriptions.of_feed(feed_id)
    began = make.now if is_by_wrong_clock else make.now - DAY
    assert (found.asked_at, found.next_ask_at, found.lease_until) == (began, began + 8 * DAY, began + 10 * DAY)


def test_where_another_process_has_set_all_right_nothing_moves_again(store: SqlStore, make: Make) -> None:
    feed_id = poll_ahead(store, make, make.entry("a"))
    set_right(store, make)
    (claim,) = store.articles.claim(make.now, limit=9, lease_until=make.lease_until)
    store.articles.apply([make.done(claim, Action.NONE, state=EntryState.PENDING, next_try_at=make.at(60))])

    assert set_right(store, make) == 0

    assert store.articles.claim(make.at(59), limit=9, lease_until=make.at(62)) == ()
    assert due_at(store, make, make.at(30)) == [feed_id]
