"""Turns at hosts: one budget for feeds, entries and requests on the way, kept by all daemons of a database together."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ingest.model import Action, EntryState, HostLesson, HostState, Turn
from ingest.outcome import Outcome
from ingest.policy import HostPolicy, KeepPolicy
from ingest.store import SqlStore, dialect, turns
from ingest.store.schema import hosts
from tests.contract.making import Make, OpenAs

SECOND = timedelta(seconds=1)
WORKERS = 4


def claim(store: SqlStore, make: Make, seconds: float = 0.0) -> list[str]:
    now = make.now + seconds * SECOND
    return [one.url for one in store.feeds.claim(now, limit=10, lease_until=now + timedelta(minutes=2))]


def crowd(store: SqlStore, make: Make, number: int = 5, host: str = "big.example") -> None:
    specs = [make.spec(f"https://{host}/{n}") for n in range(number)]
    store.feeds.sync(specs, make.now, first_poll_at=lambda _: make.now)


def set_gap(open_as: OpenAs) -> SqlStore:
    return open_as("me", HostPolicy(gap_s=300))


def learn_gap(open_as: OpenAs) -> SqlStore:
    store = open_as("me", HostPolicy(gap_s=1))
    store.hosts.learn("big.example", HostLesson(300.0, Make.now, "429"), Make.now)
    return store


def set_delay(open_as: OpenAs) -> SqlStore:
    store = open_as("me", HostPolicy(gap_s=1))
    store.hosts.set_crawl_delay("big.example", 300.0, Make().at(-5))
    return store


def test_starts_at_one_host_are_a_gap_apart_whoever_claims(open_as: OpenAs, make: Make) -> None:
    one, other = open_as("one", HostPolicy(gap_s=10, at_once=9)), open_as("other", HostPolicy(gap_s=10, at_once=9))
    crowd(one, make)

    assert claim(one, make) == ["https://big.example/0"]
    assert claim(other, make, 9.9) == []
    assert one.feeds.is_waiting(make.now + 9 * SECOND)
    assert claim(other, make, 10) == ["https://big.example/1"]
    assert claim(one, make, 11) == []


def test_entries_and_feeds_of_a_host_share_its_turns(open_as: OpenAs, make: Make) -> None:
    store = open_as("me", HostPolicy(gap_s=10))
    feed_id = make.feed(store, "https://news.example/feed")
    make.feed(store, "https://news.example/other")
    held = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    store.feeds.apply([make.poll(held, make.entry("a"))])

    assert claim(store, make) == ["https://news.example/other"]
    assert store.articles.claim(make.now, limit=9, lease_until=make.lease_until) == ()
    assert store.articles.is_waiting(make.now)
    later = make.now + 10 * SECOND
    assert len(store.articles.claim(later, limit=9, lease_until=make.lease_until)) == 1
    assert claim(store, make, 10) == []


def test_no_more_are_in_flight_at_a_host_than_allowed_feeds_and_entries_together(open_as: OpenAs, make: Make) -> None:
    store = open_as("me", HostPolicy(gap_s=0, at_once=2))
    first = make.feed(store, "https://news.example/feed")
    held = store.feeds.claim_one(first, make.now, make.lease_until)
    store.feeds.apply([make.poll(held, make.entry("a"), make.entry("b"), make.entry("c"))])
    make.feed(store, "https://news.example/other")

    assert claim(store, make) == ["https://news.example/other"]
    (page,) = store.articles.claim(make.now, limit=9, lease_until=make.lease_until)
    assert claim(store, make) == []
    store.articles.apply([make.done(page)])
    assert len(store.articles.claim(make.now, limit=9, lease_until=make.lease_until)) == 1


def test_four_workers_keep_the_gap_of_every_host_together(open_as: OpenAs, make: Make) -> None:
    policy = HostPolicy(gap_s=10, at_once=9)
    specs = [make.spec(f"https://h{number % 10}.example/{number}") for number in range(100)]
    open_as("me", policy).feeds.sync(specs, make.now, first_poll_at=lambda _: make.now)
    stores = [open_as(f"worker {number}", policy) for number in range(WORKERS)]
    for round_ in range(3):
        start = threading.Barrier(WORKERS)

        def work(store: SqlStore, start: threading.Barrier = start, at: float = 10.0 * round_) -> list[str]:
            start.wait(10)
            return claim(store, make, at) + claim(store, make, at + 5)

        with ThreadPoolExecutor(WORKERS) as threads:
            claimed = [url for urls in threads.map(work, stores) for url in urls]
        assert sorted(url.split("/")[2] for url in claimed) == sorted(f"h{n}.example" for n in range(10))


def test_reserved_turns_are_a_gap_apart_however_many_ask_at_once(open_as: OpenAs, make: Make) -> None:
    stores = [open_as(f"worker {number}", HostPolicy(gap_s=5)) for number in range(WORKERS)]

    with ThreadPoolExecutor(WORKERS) as threads:
        given = threads.map(lambda n: stores[n % WORKERS].hosts.reserve("h.example", make.now, within_s=60), range(12))

    assert sorted(turn.at for turn in given) == [make.now + 5 * n * SECOND for n in range(12)]


def test_a_turn_that_is_too_far_away_is_told_but_not_taken(open_as: OpenAs, make: Make) -> None:
    store = open_as("me", HostPolicy(gap_s=40))
    turns = [store.hosts.reserve("h.example", make.now, within_s=60) for _ in range(4)]
    assert turns == [
        Turn(make.now + seconds * SECOND, is_ours) for seconds, is_ours in ((0, True), (40, True), (80, False), (80, False))
    ]


def test_a_host_with_a_long_gap_is_waited_for_as_long_as_that(open_as: OpenAs, make: Make) -> None:
    store = open_as("me", HostPolicy(gap_s=300))
    turns = [store.hosts.reserve("h.example", make.now, within_s=60) for _ in range(3)]
    assert turns == [Turn(make.now, True), Turn(make.now + 300 * SECOND, True), Turn(make.now + 600 * SECOND, False)]


def test_a_host_that_wants_to_be_left_alone_is_not_waited_for_longer_than_others(open_as: OpenAs, make: Make) -> None:
    store = open_as("me", HostPolicy(gap_s=1))
    store.hosts.learn("h.example", HostLesson(300.0, make.at(2), "429"), make.now)
    assert store.hosts.reserve("h.example", make.now, within_s=60) == Turn(make.at(2), False)


@pytest.mark.parametrize("teach", [set_gap, learn_gap, set_delay], ids=["of the policy", "learned", "of robots.txt"])
def test_a_turn_that_is_a_long_gap_ahead_is_believed(open_as: OpenAs, make: Make, teach: Callable[[OpenAs], SqlStore]) -> None:
    store = teach(open_as)
    crowd(store, make, 2)
    assert len(claim(store, make)) == 1
    assert store.hosts.reserve("big.example", make.now, within_s=60) == Turn(make.at(5), True)
    assert claim(store, make, 1) == []
    assert store.hosts.reserve("big.example", make.now, within_s=60).at == make.at(10)
    assert claim(store, make, 599) == []
    assert len(claim(store, make, 600)) == 1


def test_a_learned_gap_and_a_pause_outlive_the_process_and_hold_for_every_kind_of_request(open_as: OpenAs, make: Make) -> None:
    first = open_as("first", HostPolicy())
    crowd(first, make)
    first.hosts.learn("big.example", HostLesson(63.0, make.at(1), "429"), make.now)

    second = open_as("second", HostPolicy())
    assert claim(second, make, 59) == []
    assert second.hosts.reserve("big.example", make.now, within_s=0) == Turn(make.at(1), False)
    assert claim(second, make, 60) == ["https://big.example/0"]
    assert claim(second, make, 60 + 62) == []
    assert claim(second, make, 60 + 63) == ["https://big.example/1"]


def test_requests_are_counted_since_the_last_refusal(open_as: OpenAs, make: Make) -> None:
    store = open_as("me", HostPolicy(gap_s=1))
    for second in range(3):
        store.hosts.reserve("h.example", make.now + second * SECOND, within_s=0)
    host = store.hosts.find("h.example")
    assert (host.granted, host.window_at) == (3, make.now)

    store.hosts.learn("h.example", HostLesson(2.0, make.at(1), "429"), make.now)
    assert store.hosts.find("h.example").granted == 0


def test_a_crawl_delay_widens_the_gap(open_as: OpenAs, make: Make) -> None:
    store = open_as("me", HostPolicy(gap_s=1))
    store.hosts.set_crawl_delay("big.example", 30.0, make.at(-1))
    crowd(store, make)
    assert claim(store, make) != []
    assert claim(store, make, 29) == []
    assert claim(store, make, 30) != []


def test_a_claim_tells_how_many_feeds_share_the_host(open_as: OpenAs, make: Make) -> None:
    store = open_as("me", HostPolicy(gap_s=1))
    crowd(store, make, 7)
    store.hosts.count_feeds()
    (claimed,) = store.feeds.claim(make.now, limit=1, lease_until=make.lease_until)
    assert (claimed.host.host, claimed.host.feeds) == ("big.example", 7)

    store.feeds.sync([make.spec("https://big.example/0")], make.now, first_poll_at=lambda _: make.now)
    store.hosts.count_feeds()
    assert store.hosts.find("big.example").feeds == 1


def test_a_thousand_due_feeds_of_one_host_starve_nobody_and_are_served_in_the_order_in_which_they_came_due(
    open_as: OpenAs, make: Make
) -> None:
    store = open_as("me", HostPolicy(gap_s=10, at_once=9))
    specs = [make.spec(f"https://big.example/{n}") for n in range(1000)] + [make.spec(f"https://s{n}.example/") for n in range(5)]
    due = {spec.url: make.at(-2000 + n) for n, spec in enumerate(specs)}
    store.feeds.sync(specs, make.now, first_poll_at=lambda spec: due[spec.url])

    assert claim(store, make) == ["https://big.example/0", *(f"https://s{n}.example/" for n in range(5))]
    assert [claim(store, make, 10.0 * turn) for turn in range(1, 4)] == [[f"https://big.example/{n}"] for n in range(1, 4)]


def test_a_refusal_of_a_page_holds_back_the_feeds_of_its_host(open_as: OpenAs, make: Make) -> None:
    store = open_as("me", HostPolicy(gap_s=0))
    feed_id = make.feed(store)
    held = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    store.feeds.apply([make.poll(held, make.entry("a"), next_poll_at=make.now)])
    (page,) = store.articles.claim(make.now, limit=9, lease_until=make.lease_until)
    refused = make.done(page, Action.NONE, outcome=Outcome.RATE_LIMITED, state=EntryState.PENDING, next_try_at=make.at(9))
    store.articles.apply([make.done(page, Action.NONE, lesson=HostLesson(2.0, make.at(5), "429"), state=refused.state)])

    assert claim(store, make, 299) == []
    assert claim(store, make, 300) == ["https://news.example/feed"]


def test_turns_that_a_clock_far_ahead_gave_hold_nobody_back_once_it_is_set_right(open_as: OpenAs, make: Make) -> None:
    store = open_as("me", HostPolicy(gap_s=1))
    crowd(store, make)
    store.hosts.reserve("big.example", make.at(60), within_s=0)

    assert store.hosts.reserve("big.example", make.now, within_s=0) == Turn(make.now, True)
    store.hosts.reserve("big.example", make.at(60), within_s=0)
    assert claim(store, make) == ["https://big.example/0"]


def test_hosts_that_nobody_asked_for_a_month_are_forgotten_unless_they_have_feeds_or_have_refused(
    open_as: OpenAs, make: Make
) -> None:
    store, month = open_as("me", HostPolicy(gap_s=1)), timedelta(days=30)
    for host in ("idle", "refused", "busy", "paused"):
        store.hosts.reserve(host, make.now, within_s=0)
    store.hosts.set_crawl_delay("idle", 5.0, make.now)
    make.feed(store, "https://big.example/feed")
    store.hosts.reserve("big.example", make.now, within_s=0)
    store.hosts.learn("refused", HostLesson(3600.0, make.at(1), "429"), make.now)
    store.hosts.learn("paused", HostLesson(None, make.now + 2 * month, "429"), make.now)
    store.hosts.reserve("busy", make.at(60), within_s=0)

    def kept(after: timedelta) -> list[str]:
        store.prune(make.now + after, KeepPolicy())
        return [host for host in ("idle", "refused", "busy", "paused", "big.example") if store.hosts.find(host)]

    assert kept(month) == ["idle", "refused", "busy", "paused", "big.example"]
    assert kept(month + 6 * SECOND) == ["refused", "busy", "paused", "big.example"]
    assert kept(3 * month + 6 * SECOND) == ["refused", "big.example"]
    assert kept(timedelta(days=366)) == ["big.example"]


def learn_pause(store: SqlStore, make: Make) -> None:
    store.hosts.learn("big.example", HostLesson(63.0, make.at(60), "429"), make.now)


def learn_delay(store: SqlStore, make: Make) -> None:
    store.hosts.set_crawl_delay("big.example", 3600.0, make.now)


@pytest.mark.parametrize("learn", [learn_pause, learn_delay], ids=["a refusal", "a robots.txt"])
def test_what_is_learned_while_a_turn_is_given_waits_for_that_and_holds(
    open_as: OpenAs, make: Make, learn: Callable[[SqlStore, Make], None]
) -> None:
    giver, learner = open_as("giver", HostPolicy(gap_s=1)), open_as("learner", HostPolicy(gap_s=1))
    crowd(giver, make)

    with ThreadPoolExecutor(1) as thread:

        def give(connection: sa.Connection) -> "Future[None]":
            dialect.hold(connection, turns.LOCK)
            learning = thread.submit(learn, learner, make)
            with pytest.raises(TimeoutError):
                learning.result(0.3)
            turns.grant(connection, [HostState("big.example")], make.now, HostPolicy(gap_s=1))  # as it was read before
            return learning

        giver.database.transact(give).result(20)

    assert claim(giver, make, 3599) == []
    assert len(claim(giver, make, 3600)) == 1


def test_a_pause_holds_whatever_is_known_of_the_next_turn(open_as: OpenAs, make: Make) -> None:
    store = open_as("me", HostPolicy(gap_s=1))
    crowd(store, make)
    store.hosts.learn("big.example", HostLesson(63.0, make.at(60), "429"), make.now)
    store.database.transact(lambda connection: connection.execute(sa.update(hosts).values(next_request_at=make.now)))

    assert claim(store, make, 3599) == []
    assert store.hosts.reserve("big.example", make.now, within_s=60) == Turn(make.at(60), False)
    assert len(claim(store, make, 3600)) == 1
