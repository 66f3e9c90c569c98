"""Feeds as work: who gets which feed, for how long, and what a finished poll leaves behind."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ingest.model import Applied, EntryState, FeedClaim, FeedHead, FeedState, HostLesson, Move, SeenItems, Validators
from ingest.outcome import Outcome
from ingest.policy import HostPolicy, KeepPolicy
from ingest.store import SqlStore
from tests.contract.making import Make, OpenAs


def claim(store: SqlStore, make: Make, *, now: datetime | None = None, limit: int = 10, **wishes: Any) -> tuple[FeedClaim, ...]:
    return store.feeds.claim(now or make.now, limit=limit, lease_until=make.lease_until, **wishes)


def test_a_due_feed_is_claimed_with_all_that_a_poll_needs(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store, "https://a.example/feed", tags=("x",), interval_s=600.0)

    (claimed,) = claim(store, make)

    assert (claimed.feed_id, claimed.url) == (feed_id, "https://a.example/feed")
    assert claimed.options.tags == ("x",)
    assert claimed.options.interval_s == 600.0
    assert (claimed.lease.owner, claimed.lease.fence, claimed.lease.until) == ("me", 1, make.lease_until)
    assert claimed.validators == Validators()
    assert (claimed.polled_at, claimed.body_hash, claimed.failures, claimed.language) == (None, None, 0.0, None)


def test_a_claimed_feed_is_not_handed_out_again_until_its_lease_has_run_out(store: SqlStore, make: Make) -> None:
    make.feed(store)
    claim(store, make)

    assert claim(store, make, now=make.at(1)) == ()
    (again,) = claim(store, make, now=make.at(2.01))
    assert again.lease.fence == 2


def test_the_most_overdue_feed_comes_first(store: SqlStore, make: Make) -> None:
    ids = [make.feed(store, f"https://{name}.example/feed") for name in "abc"]
    for claimed, minutes in zip(claim(store, make), (30, 10, 20), strict=True):
        store.feeds.apply([make.poll(claimed, next_poll_at=make.at(minutes))])

    due = claim(store, make, now=make.at(25))

    assert [one.feed_id for one in due] == [ids[1], ids[2]]


def test_no_more_than_the_limit_and_no_more_of_one_host_than_may_be_in_flight_are_claimed(
    open_as: OpenAs, store: SqlStore, make: Make
) -> None:
    for number in range(5):
        make.feed(store, f"https://big.example/{number}")
    for number in range(3):
        make.feed(store, f"https://small{number}.example/")

    two_at_once = open_as("me", HostPolicy(gap_s=0, at_once=2))
    urls = [one.url for one in claim(two_at_once, make, limit=4)]

    assert urls == ["https://big.example/0", "https://big.example/1", "https://small0.example/", "https://small1.example/"]
    assert [one.url for one in claim(two_at_once, make)] == ["https://small2.example/"]
    assert claim(two_at_once, make, limit=0) == ()


def test_a_crowd_of_one_host_does_not_hide_the_feeds_behind_it(open_as: OpenAs, make: Make) -> None:
    store = open_as("me", HostPolicy())
    specs = [make.spec(f"https://big.example/{number}") for number in range(300)] + [make.spec("https://small.example/")]
    store.feeds.sync(specs, make.now, first_poll_at=lambda spec: make.at(-1 if "big" in spec.url else 0))

    assert [one.url for one in claim(store, make)] == ["https://big.example/0", "https://small.example/"]


def test_a_host_that_asked_to_be_left_alone_is_passed_over_until_then(store: SqlStore, make: Make) -> None:
    slow = make.feed(store, "https://slow.example/one")
    make.feed(store, "https://slow.example/two")
    held = store.feeds.claim_one(slow, make.now, make.lease_until)
    lesson = HostLesson(4.0, make.at(10), "429")
    store.feeds.apply([make.poll(held, outcome=Outcome.RATE_LIMITED, next_poll_at=make.now, lesson=lesson, failures=0.25)])

    assert claim(store, make) == ()
    assert not store.feeds.is_waiting(make.now)  # a pause that was asked for is not waited for
    (again,) = claim(store, make, now=make.at(10))
    assert (again.host.gap_s, again.host.refused_at, again.host.throttled_until) == (4.0, make.now, make.at(10))


def test_what_a_server_imposed_holds_even_when_everything_is_made_due(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    (claimed,) = claim(store, make)
    store.feeds.apply([make.poll(claimed, not_before_at=make.at(60), next_poll_at=make.at(60))])

    assert store.feeds.due_now(make.at(1)) == 1
    assert claim(store, make, now=make.at(59)) == ()
    assert store.feeds.claim_one(feed_id, make.at(59), make.at(61)) is None
    assert store.feeds.next_due_at(make.at(1)) == make.at(60)
    assert len(claim(store, make, now=make.at(60))) == 1


def test_a_shorter_word_of_the_host_does_not_undo_a_longer_one(store: SqlStore, make: Make) -> None:
    first, second = (make.feed(store, f"https://h.example/{name}") for name in "ab")
    for feed_id, minutes in ((first, 60), (second, 5)):
        held = store.feeds.claim_one(feed_id, make.at(-1), make.lease_until)
        if held is None:  # the host is throttled already
            continue
        store.feeds.apply([make.poll(held, lesson=HostLesson(None, make.at(minutes), "429"))])

    assert store.feeds.claim_one(second, make.at(30), make.at(31)) is None


def test_a_poll_leaves_its_entries_its_record_and_the_next_time(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    (claimed,) = claim(store, make)
    head = FeedHead("rss20", title="News", site_url="https://news.example/", hub_url="https://hub.example/", language="de")

    store.feeds.apply(
        [
            make.poll(
                claimed,
                make.entry("a"),
                replace(make.entry("b"), state=EntryState.BLOCKED, reason="blocked by ads"),
                head=head,
                validators=Validators('"e1"', "Sat, 01 Mar 2025 12:00:00 GMT"),
                body_hash="b1",
                move=Move("https://news.example/new", make.now, 1),
                elapsed_ms=12,
                body_bytes=345,
                reason="fine",
            )
        ]
    )

    info = store.feeds.find("https://news.example/feed")
    assert (info.feed_id, info.title, info.site_url) == (feed_id, "News", "https://news.example/")
    assert info.move == Move("https://news.example/new", make.now, 1)
    assert (info.polled_at, info.next_poll_at, info.outcome, info.reason) == (make.now, make.at(30), Outcome.OK, "fine")
    assert (info.entries, info.pending, info.failed, info.articles) == (2, 1, 0, 0)
    (poll,) = store.feeds.polls(feed_id, 5)
    assert (poll.polled_at, poll.outcome, poll.status, poll.elapsed_ms, poll.body_bytes) == (make.now, Outcome.OK, 200, 12, 345)
    assert (poll.seen, poll.new, poll.changed, poll.reason) == (2, 2, 0, "fine")
    (again,) = claim(store, make, now=make.at(30))
    assert again.validators == Validators('"e1"', "Sat, 01 Mar 2025 12:00:00 GMT")
    assert (again.body_hash, again.language, again.polled_at) == ("b1", "de", make.now)


def test_a_failed_poll_keeps_what_was_known(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    (claimed,) = claim(store, make)
    store.feeds.apply([make.poll(claimed, head=FeedHead("rss20", title="News"), validators=Validators('"e1"'), body_hash="b1")])
    (claimed,) = claim(store, make, now=make.at(30))

    store.feeds.apply([make.poll(claimed, outcome=Outcome.TIMEOUT, status=None, failures=1.5, next_poll_at=make.at(60))])

    (again,) = claim(store, make, now=make.at(60))
    assert (again.validators, again.body_hash, again.failures) == (Validators('"e1"'), "b1", 1.5)
    assert store.feeds.find(str(feed_id)).title == "News"


def test_a_304_replaces_only_the_validators_that_it_names(store: SqlStore, make: Make) -> None:
    make.feed(store)
    (claimed,) = claim(store, make)
    store.feeds.apply([make.poll(claimed, validators=Validators('"e1"', "Monday"))])
    (claimed,) = claim(store, make, now=make.at(30))
    store.feeds.apply(
        [make.poll(claimed, outcome=Outcome.NOT_MODIFIED, status=304, validators=Validators('"e2"'), next_poll_at=make.at(60))]
    )

    (again,) = claim(store, make, now=make.at(60))
    assert again.validators == Validators('"e2"', "Monday")
    store.feeds.apply([make.poll(again, validators=Validators(last_modified="Tuesday"), next_poll_at=make.at(90))])
    (last,) = claim(store, make, now=make.at(90))
    assert last.validators == Validators(None, "Tuesday")


def test_a_feed_that_is_given_up_says_why_and_is_polled_no_more(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    (claimed,) = claim(store, make)

    store.feeds.apply([make.poll(claimed, outcome=Outcome.GONE, status=410, state=FeedState.DISABLED, reason="gone for good")])

    info = store.feeds.find(str(feed_id))
    assert (info.state, info.state_reason) == (FeedState.DISABLED, "gone for good")
    assert claim(store, make, now=make.at(1000)) == ()
    assert store.feeds.next_due_at(make.now) is None
    assert store.feeds.counts_by_state() == {FeedState.DISABLED: 1}


def test_a_feed_that_was_paused_during_its_poll_stays_paused(store: SqlStore, make: Make) -> None:
    store.feeds.sync([make.spec()], make.now, first_poll_at=lambda _: make.now)
    (claimed,) = claim(store, make)
    store.feeds.sync([], make.now, first_poll_at=lambda _: make.now)

    store.feeds.apply([make.poll(claimed, state=FeedState.DISABLED, reason="gone")])

    info = store.feeds.find("https://news.example/feed")
    assert (info.state, info.state_reason) == (FeedState.PAUSED, "no longer listed")


def test_a_late_finisher_is_turned_away_and_writes_nothing(open_as: OpenAs, make: Make) -> None:
    slow, quick = open_as("slow"), open_as("quick")
    feed_id = make.feed(slow)
    (late,) = claim(slow, make)
    (fresh,) = claim(quick, make, now=make.at(5))

    assert slow.feeds.apply([make.poll(late, make.entry("late"))]) == (Applied.LEASE_LOST,)

    assert slow.feeds.entries(feed_id, 10) == ()
    assert slow.feeds.polls(feed_id, 10) == ()
    quick.feeds.apply([make.poll(fresh, make.entry("fresh"))])
    assert [entry.guid for entry in slow.feeds.entries(feed_id, 10)] == ["fresh"]


def test_a_lease_that_ran_out_unnoticed_may_still_finish(store: SqlStore, make: Make) -> None:
    make.feed(store)
    (claimed,) = claim(store, make)

    store.feeds.apply([make.poll(claimed, polled_at=make.at(99))])

    assert store.feeds.infos()[0].polled_at == make.at(99)


def test_applying_a_plan_twice_is_applying_it_once(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    (claimed,) = claim(store, make)
    plan = make.poll(claimed, make.entry("a"), make.entry("b"))
    store.feeds.apply([plan])

    assert store.feeds.apply([plan]) == (Applied.LEASE_LOST,)
    (again,) = claim(store, make, now=make.at(30))
    store.feeds.apply([replace(plan, claim=again)])

    assert sorted(entry.guid for entry in store.feeds.entries(feed_id, 10)) == ["a", "b"]


def test_known_entries_are_found_by_their_keys(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    other = make.feed(store, "https://other.example/feed")
    for claimed in claim(store, make):
        keys = ("a", "x" * 5000) if claimed.feed_id == feed_id else ("b",)
        store.feeds.apply([make.poll(claimed, *map(make.entry, keys))])

    asked = (feed_id, ["a", "b", "x" * 5000, *(f"n{n}" for n in range(2500))])
    known, none, others = store.feeds.known_entries([asked, (feed_id, []), (other, ["a", "b"])])

    assert set(known) == {"a", "x" * 5000}
    assert known["a"].content_hash == "hash of a"
    assert known["x" * 5000].key == "x" * 5000
    assert none == {}
    assert set(others) == {"b"}


def test_what_stood_in_the_last_document_is_kept_with_its_entries(store: SqlStore, make: Make) -> None:
    feed_id, other = make.feed(store), make.feed(store, "https://other.example/feed")
    head = FeedHead("rss20", title="News", updated_at=make.now, skip_hours=(1, 2))
    first = SeenItems(b"context", b"0123456789abcdef", b"head", head)
    second = replace(first, hashes=b"0123456789abcdef" * 2_000)
    assert store.feeds.seen_items([feed_id]) == (None,)

    for minutes, seen in (
        (0, first),
        (30, second),
        (60, second),
        (90, replace(second, context=b"another")),
        (120, replace(second, head_hash=b"new")),
    ):
        claimed = next(one for one in claim(store, make, now=make.at(minutes)) if one.feed_id == feed_id)
        store.feeds.apply([make.poll(claimed, seen_items=seen, head=head, polled_at=make.at(minutes))])
        assert store.feeds.seen_items([other, feed_id]) == (None, seen)


def test_a_poll_that_parsed_nothing_leaves_what_was_seen_and_a_feed_takes_it_along(store: SqlStore, make: Make) -> None:
    feed_id, seen = make.feed(store), SeenItems(b"context", b"0123456789abcdef")
    for minutes, found in ((0, seen), (30, None)):
        (claimed,) = claim(store, make, now=make.at(minutes))
        store.feeds.apply([make.poll(claimed, seen_items=found, polled_at=make.at(minutes))])
    assert store.feeds.seen_items([feed_id]) == (seen,)

    store.feeds.remove(feed_id)

    assert store.feeds.seen_items([feed_id]) == (None,)


def test_a_changed_entry_is_written_anew_and_has_its_article_made_again(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    (claimed,) = claim(store, make)
    store.feeds.apply([make.poll(claimed, make.entry("a"), make.entry("b"))])
    known = store.feeds.known_entries([(feed_id, ["a"])])[0]["a"]
    for one in store.articles.claim(make.now, limit=5, lease_until=make.lease_until):
        store.articles.apply([make.done(one, article=make.article(url=one.entry.url))])
    (claimed,) = claim(store, make, now=make.at(30))

    changed = make.entry("a", title="Corrected")
    changed = replace(changed, entry_id=known.entry_id, keyed=replace(changed.keyed, content_hash="other"), reason="changed")
    store.feeds.apply([make.poll(claimed, changed=(changed,), polled_at=make.at(30))])

    (due,) = store.articles.claim(make.at(30), limit=5, lease_until=make.at(40))
    assert (due.entry.title, due.attempts) == ("Corrected", 0)
    assert due.article_id is not None
    assert store.feeds.known_entries([(feed_id, ["a"])])[0]["a"].content_hash == "other"
    assert store.feeds.polls(feed_id, 1)[0].changed == 1


def test_a_renewed_lease_holds_on_and_a_released_feed_is_due_as_before(open_as: OpenAs, make: Make) -> None:
    mine, other = open_as("mine"), open_as("other")
    first, second = (make.feed(mine, f"https://{name}.example/") for name in "ab")
    leases = {one.feed_id: one.lease for one in claim(mine, make)}

    mine.feeds.renew({first: leases[first]}, make.at(10))
    mine.feeds.release({second: leases[second]})
    mine.feeds.renew({}, make.at(10))

    assert [one.feed_id for one in claim(other, make, now=make.at(5))] == [second]
    mine.feeds.renew({second: leases[second]}, make.at(100))  # lost: passed over
    assert [one.feed_id for one in claim(mine, make, now=make.at(11))] == [first, second]


def test_leases_of_processes_that_are_gone_are_given_back(open_as: OpenAs, make: Make) -> None:
    dead, alive = open_as("dead"), open_as("alive")
    make.feed(dead, "https://a.example/")
    (claimed,) = claim(dead, make)
    dead.feeds.apply([make.poll(claimed, make.entry("a"))])
    dead.articles.claim(make.now, limit=1, lease_until=make.lease_until)
    make.feed(dead, "https://b.example/")
    claim(dead, make)
    make.feed(dead, "https://c.example/")
    claim(alive, make)

    assert alive.feeds.release_gone(lambda owner: owner == "dead") == 2
    assert [one.url for one in claim(alive, make)] == ["https://b.example/"]
    assert alive.feeds.release_gone(lambda owner: False) == 0


def test_one_feed_can_be_claimed_before_it_is_due_and_while_it_is_paused(open_as: OpenAs, make: Make) -> None:
    mine, other = open_as("mine"), open_as("other")
    feed_id = make.feed(mine, is_enabled=False)

    held = mine.feeds.claim_one(feed_id, make.now, make.lease_until)

    assert held.feed_id == feed_id
    assert other.feeds.claim_one(feed_id, make.now, make.lease_until) is None
    assert other.feeds.claim_one(feed_id + 1, make.now, make.lease_until) is None
    mine.feeds.apply([make.poll(held)])
    assert mine.feeds.find(str(feed_id)).state is FeedState.PAUSED


def test_due_feeds_are_counted_and_the_next_one_is_foreseen(store: SqlStore, make: Make) -> None:
    assert store.feeds.next_due_at(make.now) is None
    for name in "abc":
        make.feed(store, f"https://{name}.example/")
    first, *_ = claim(store, make, limit=1)
    store.feeds.apply([make.poll(first, next_poll_at=make.at(30))])

    assert store.feeds.count_due(make.now) == 2
    assert store.feeds.next_due_at(make.now) == make.now
    claim(store, make)
    assert store.feeds.count_due(make.now) == 0
    assert store.feeds.next_due_at(make.now) == make.at(30)


def test_polls_are_listed_latest_first_and_pruned_by_age(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    for minutes in (0, 30, 60):
        (claimed,) = claim(store, make, now=make.at(minutes))
        store.feeds.apply([make.poll(claimed, polled_at=make.at(minutes), next_poll_at=make.at(minutes + 30))])

    assert [poll.polled_at for poll in store.feeds.polls(feed_id, 2)] == [make.at(60), make.at(30)]
    assert store.prune(make.at(45) + timedelta(days=30), KeepPolicy()) == 2
    assert [poll.polled_at for poll in store.feeds.polls(feed_id, 9)] == [make.at(60)]
    assert store.prune(make.at(45) + timedelta(days=29), KeepPolicy()) == 0
