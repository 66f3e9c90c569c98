"""Subscriptions to hubs as rows: begun, asked, verified, relied on, ended; whatever comes at once."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from ingest.decide import subscription as decide
from ingest.model import AskedFor, FeedHead, Hub, Learned, Question, Subscription, SubscriptionState
from ingest.store import SqlStore
from tests.contract.making import Make, OpenAs

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
URL, HUB, TOPIC, BASE = "https://news.example/feed", "https://hub.example/", "https://news.example/self", "https://ingest.example"
LEASE_S = 864_000.0
ACTIVE, LEAVING, LEFT = SubscriptionState.ACTIVE, SubscriptionState.LEAVING, SubscriptionState.LEFT


def words(kind: str = "word") -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{kind}{next(numbers)}"


def name_hub(store: SqlStore, make: Make, feed_id: int, hub: Hub | None) -> None:
    """A poll of the feed that brings a document which names this hub."""
    claim = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    assert claim is not None
    store.feeds.apply([make.poll(claim, head=FeedHead("rss20"), hub=hub)])


@pytest.fixture
def feed_id(store: SqlStore, make: Make) -> int:
    """A feed that names a hub."""
    feed_id = make.feed(store, URL)
    name_hub(store, make, feed_id, Hub(HUB, TOPIC))
    return feed_id


def settle(store: SqlStore, make: Make, base_url: str | None = BASE, minutes: float = 0.0) -> int:
    return store.subscriptions.settle(make.at(minutes), base_url, make_secret=words())


def only(store: SqlStore, feed_id: int) -> Subscription:
    found = store.subscriptions.of_feed(feed_id)
    assert found is not None
    return found


def ask(store: SqlStore, make: Make, minutes: float = 0.0) -> tuple[Subscription, ...]:
    return store.subscriptions.claim(make.at(minutes), make.at(minutes + 10), limit=10)


def verify(store: SqlStore, make: Make, feed_id: int, minutes: float = 0.0) -> Subscription:
    """As begun, asked for and verified."""
    settle(store, make, minutes=minutes)
    ask(store, make, minutes)
    yes = Question(AskedFor.SUBSCRIBE, TOPIC, "challenge", LEASE_S)
    sub = store.subscriptions.change(
        only(store, feed_id).subscription_id, partial(decide.after_question, question=yes, now=make.at(minutes), lease_s=LEASE_S)
    )
    assert sub is not None
    return sub


def rely(store: SqlStore, make: Make, feed_id: int, **more: object) -> Subscription:
    """As verified and proven."""
    verify(store, make, feed_id, -3 * 24 * 60)
    proven = {"is_relied_on": True, "pushes": 3, "brought": 3, "proving_since_at": make.now - 2 * DAY, "pushed_at": make.now}
    sub = store.subscriptions.change(only(store, feed_id).subscription_id, lambda sub: replace(sub, **{**proven, **more}))
    assert sub is not None
    return sub


# ── which there are ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_that_names_a_hub_gets_a_subscription_once(store: SqlStore, make: Make, feed_id: int) -> None:
    make.feed(store, "https://other.example/feed")
    assert [settle(store, make), settle(store, make)] == [1, 0]

    sub = only(store, feed_id)

    assert (sub.hub_url, sub.topic_url, sub.base_url, sub.feed_url) == (HUB, TOPIC, BASE, URL)
    assert (sub.state, sub.next_ask_at, sub.is_polled, sub.is_relied_on) == (SubscriptionState.ASKED, make.now, True, False)
    assert (sub.token, sub.secret) == ("word1", "word2")
    assert store.subscriptions.find("word1") == sub
    assert store.subscriptions.find("word2") is None
    assert store.subscriptions.counts_by_state() == {SubscriptionState.ASKED: 1}


def test_without_an_address_of_our_own_there_is_none(store: SqlStore, make: Make, feed_id: int) -> None:
    assert settle(store, make, None) == 0
    assert store.subscriptions.of_feed(feed_id) is None


def test_a_hub_without_tls_gets_no_secret(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store, URL)
    name_hub(store, make, feed_id, Hub("http://hub.example/", TOPIC))
    settle(store, make)
    assert only(store, feed_id).secret == ""


def test_daemons_that_settle_at_once_begin_one_subscription_a_feed(open_as: OpenAs, make: Make) -> None:
    stores = [open_as(f"daemon {number}") for number in range(4)]
    for number in range(20):
        name_hub(stores[0], make, make.feed(stores[0], f"{URL}/{number}"), Hub(HUB, f"{TOPIC}/{number}"))
    make_secret = words()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda store: store.subscriptions.settle(make.now, BASE, make_secret=make_secret), stores))

    assert stores[0].subscriptions.counts_by_state() == {SubscriptionState.ASKED: 20}


def remove(store: SqlStore, make: Make, feed_id: int) -> str | None:
    store.feeds.remove(feed_id)
    return BASE


def pause(store: SqlStore, make: Make, feed_id: int) -> str | None:
    store.feeds.sync([make.spec(URL)], make.now, first_poll_at=lambda _: make.now)
    store.feeds.sync([make.spec(URL, is_enabled=False)], make.now, first_poll_at=lambda _: make.now)
    return BASE


def name_another(store: SqlStore, make: Make, feed_id: int) -> str | None:
    name_hub(store, make, feed_id, Hub("https://new.example/", TOPIC))
    return BASE


def name_itself_anew(store: SqlStore, make: Make, feed_id: int) -> str | None:
    name_hub(store, make, feed_id, Hub(HUB, "https://news.example/new"))
    return BASE


def name_none(store: SqlStore, make: Make, feed_id: int) -> str | None:
    name_hub(store, make, feed_id, None)
    return BASE


@pytest.mark.parametrize(
    ("leave", "reason", "goes_on"),
    [
        (remove, "its feed was removed", False),
        (pause, "its feed is paused", False),
        (name_another, "the feed names another hub now", True),
        (name_itself_anew, "the feed has another address there now", True),
        (name_none, "the feed names no hub any more", False),
        (lambda *_: None, "websub.callback_url is empty", False),
        (lambda *_: "https://moved.example", "websub.callback_url is another now", True),
    ],
    ids=["removed", "paused", "another hub", "another topic", "no hub", "switched off", "another callback"],
)
def test_a_subscription_that_is_wanted_no_longer_is_ended_with_its_reason(
    store: SqlStore, make: Make, feed_id: int, leave: Callable[..., str | None], reason: str, goes_on: bool
) -> None:
    token = rely(store, make, feed_id).token
    base_url = leave(store, make, feed_id)

    store.subscriptions.settle(make.now, base_url, make_secret=lambda: f"new {make.now}")

    ended = store.subscriptions.find(token)
    assert ended is not None
    assert (ended.state, ended.reason, ended.is_relied_on, ended.next_ask_at) == (LEAVING, reason, False, make.now)
    assert (store.subscriptions.of_feed(feed_id) is not None) is goes_on


def test_a_feed_that_is_removed_before_its_hub_was_asked_leaves_nothing_to_be_asked(
    store: SqlStore, make: Make, feed_id: int
) -> None:
    settle(store, make)
    store.feeds.remove(feed_id)
    settle(store, make)
    assert ask(store, make) == ()
    assert store.subscriptions.counts_by_state() == {LEFT: 1}


def test_what_is_over_is_forgotten_after_a_month(store: SqlStore, make: Make, feed_id: int) -> None:
    settle(store, make)
    store.feeds.remove(feed_id)
    settle(store, make)
    assert store.subscriptions.forget(make.now + 29 * DAY) == 0
    assert store.subscriptions.forget(make.now + 30 * DAY) == 1
    assert store.subscriptions.find("word1") is None


# ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hub_is_asked_when_it_is_time_and_by_one_daemon_only(open_as: OpenAs, make: Make) -> None:
    stores = [open_as(f"daemon {number}") for number in range(4)]
    for number in range(20):
        name_hub(stores[0], make, make.feed(stores[0], f"{URL}/{number}"), Hub(HUB, f"{TOPIC}/{number}"))
    settle(stores[0], make)

    with ThreadPoolExecutor(4) as threads:
        claimed = [sub for subs in threads.map(lambda store: ask(store, make) + ask(store, make), stores) for sub in subs]

    assert sorted(sub.topic_url for sub in claimed) == sorted(f"{TOPIC}/{number}" for number in range(20))
    assert ask(stores[0], make, 9.9) == ()
    assert len(ask(stores[0], make, 10)) == 10


def test_that_it_was_asked_is_known_before_it_answers(store: SqlStore, make: Make, feed_id: int) -> None:
    settle(store, make)
    (sub,) = ask(store, make)
    assert only(store, feed_id) == sub
    assert (sub.asked_at, sub.attempts) == (make.now, 1)


def test_the_verification_and_the_answer_to_the_request_may_come_in_either_order(
    store: SqlStore, make: Make, feed_id: int
) -> None:
    sub = verify(store, make, feed_id)
    store.subscriptions.change(sub.subscription_id, partial(decide.after_acceptance, now=make.now, chance=0.5))
    assert only(store, feed_id) == sub
    assert (sub.state, sub.lease_until) == (ACTIVE, make.now + 10 * DAY)
    assert ask(store, make, 60) == ()
    assert [sub.state for sub in store.subscriptions.claim(make.now + 8 * DAY, make.now + 9 * DAY, limit=9)] == [ACTIVE]


def test_changes_that_come_at_once_are_made_one_after_the_other(open_as: OpenAs, make: Make) -> None:
    store = open_as("me")
    feed_id = make.feed(store, URL)
    name_hub(store, make, feed_id, Hub(HUB, TOPIC))
    sub = verify(store, make, feed_id)

    def count(_: int) -> None:
        store.subscriptions.change(sub.subscription_id, lambda sub: replace(sub, brought=sub.brought + 1))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(40)))

    assert only(store, feed_id).brought == 40


def test_what_is_gone_is_not_changed(store: SqlStore, make: Make) -> None:
    assert store.subscriptions.change(77, lambda sub: sub) is None


# ── pushes and polls ────────────────────────────────────────────────────────────────────────────────────────────────────


def push(store: SqlStore, make: Make, feed_id: int, *keys: str) -> None:
    claim = store.feeds.claim_one(feed_id, make.now, make.lease_until, asks=False)
    assert claim is not None
    new = [make.entry(key, published_at=make.now) for key in keys]
    store.feeds.apply([make.poll(claim, *new, is_push=True, next_poll_at=None)])


def test_a_push_is_counted_and_leaves_the_next_poll_where_it_was(store: SqlStore, make: Make, feed_id: int) -> None:
    verify(store, make, feed_id)
    before = store.feeds.find(str(feed_id))

    push(store, make, feed_id, "a", "b")
    push(store, make, feed_id)

    sub, after = only(store, feed_id), store.feeds.find(str(feed_id))
    assert (sub.pushed_at, sub.pushes, sub.brought, sub.proving_since_at) == (make.now, 1, 2, make.now)
    assert before is not None
    assert after is not None
    assert (after.next_poll_at, after.polled_at, after.entries) == (before.next_poll_at, before.polled_at, 2)
    assert [poll.reason for poll in store.feeds.polls(feed_id, 2)] == ["pushed by its hub", "pushed by its hub"]


def test_a_push_comes_through_while_the_feeds_host_is_to_be_left_alone(store: SqlStore, make: Make, feed_id: int) -> None:
    verify(store, make, feed_id)
    claim = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    assert claim is not None
    store.feeds.apply([make.poll(claim, not_before_at=make.now + HOUR)])
    assert store.feeds.claim_one(feed_id, make.now, make.lease_until) is None
    push(store, make, feed_id, "a")
    assert only(store, feed_id).brought == 1


def test_a_poll_that_finds_what_was_not_pushed_ends_the_reliance(store: SqlStore, make: Make, feed_id: int) -> None:
    rely(store, make, feed_id)
    claim = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    assert claim is not None
    assert claim.is_pushed

    store.feeds.apply([make.poll(claim, make.entry("a", published_at=make.now - HOUR))])

    sub, feed = only(store, feed_id), store.feeds.find(str(feed_id))
    assert (sub.is_relied_on, sub.missed, sub.pushes) == (False, 1, 0)
    assert feed is not None
    assert not feed.is_pushed


def test_a_poll_that_finds_only_what_was_pushed_does_not(store: SqlStore, make: Make, feed_id: int) -> None:
    rely(store, make, feed_id)
    claim = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    assert claim is not None
    store.feeds.apply([make.poll(claim, usual_poll_at=make.at(30), next_poll_at=make.at(240))])
    sub = only(store, feed_id)
    assert (sub.is_relied_on, sub.usual_poll_at, sub.missed) == (True, make.at(30), 0)


def test_polls_and_pushes_of_many_feeds_in_one_transaction_are_told_apart(store: SqlStore, make: Make) -> None:
    feed_ids = [make.feed(store, f"{URL}/{number}") for number in range(3)]
    for feed_id in feed_ids:
        name_hub(store, make, feed_id, Hub(HUB, TOPIC))
    settle(store, make)
    ask(store, make)
    yes = Question(AskedFor.SUBSCRIBE, TOPIC, "challenge", LEASE_S)
    early = make.now - 2 * HOUR
    for feed_id in feed_ids[:2]:
        store.subscriptions.change(
            only(store, feed_id).subscription_id, partial(decide.after_question, question=yes, now=early, lease_s=LEASE_S)
        )
    claims = [store.feeds.claim_one(feed_id, make.now, make.lease_until) for feed_id in feed_ids]
    new = make.entry("a", published_at=make.now - HOUR)

    store.feeds.apply([make.poll(claim, new, is_push=number == 0) for number, claim in enumerate(claims) if claim])

    counts = [(sub.brought, sub.missed) for sub in (only(store, feed_id) for feed_id in feed_ids)]
    assert counts == [(1, 0), (0, 1), (0, 0)]


# ── verdicts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_subscriptions_on_which_a_verdict_is_due_are_found(store: SqlStore, make: Make) -> None:
    feed_ids = [make.feed(store, f"{URL}/{number}") for number in range(4)]
    for feed_id in feed_ids:
        name_hub(store, make, feed_id, Hub(HUB, TOPIC))
    trusted, lapsed, proving, _ = [verify(store, make, feed_id) for feed_id in feed_ids]
    changes = (
        (trusted, {"is_relied_on": True}),
        (lapsed, {"lease_until": make.now}),
        (proving, {"proving_since_at": make.now - 2 * DAY}),
    )
    for sub, values in changes:
        store.subscriptions.change(sub.subscription_id, lambda sub, values=values: replace(sub, **values))

    found = store.subscriptions.in_question(make.now, proving_since=make.now - 2 * DAY)

    assert sorted(sub.feed_id or 0 for sub, _ in found) == feed_ids[:3]
    assert all(learned == Learned() for _, learned in found)


def test_a_feed_whose_hub_is_relied_on_no_longer_is_polled_when_it_would_have_been_without(
    store: SqlStore, make: Make, feed_id: int
) -> None:
    sub = rely(store, make, feed_id)
    claim = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    assert claim is not None
    store.feeds.apply([make.poll(claim, usual_poll_at=make.at(30), next_poll_at=make.at(240))])

    store.subscriptions.change(sub.subscription_id, lambda sub: replace(sub, is_relied_on=False))

    feed = store.feeds.find(str(feed_id))
    assert feed is not None
    assert (feed.is_pushed, feed.next_poll_at) == (False, make.at(30))
    assert feed.next_reason == "its hub is relied on no longer: back to the usual"


def test_an_older_hub_that_lets_us_go_does_not_end_the_reliance_on_the_one_after_it(
    store: SqlStore, make: Make, feed_id: int
) -> None:
    old = rely(store, make, feed_id, usual_poll_at=make.at(-60))
    name_another(store, make, feed_id)
    store.subscriptions.settle(make.now, BASE, make_secret=words("new"))
    new = only(store, feed_id)
    proven = {"state": ACTIVE, "lease_until": make.now + 9 * DAY, "is_relied_on": True}
    store.subscriptions.change(new.subscription_id, lambda sub: replace(sub, **proven))
    left = store.subscriptions.find(old.token)
    assert left is not None
    assert (left.state, left.is_relied_on) == (LEAVING, False)

    yes = Question(AskedFor.UNSUBSCRIBE, TOPIC, "challenge", None)
    store.subscriptions.change(old.subscription_id, partial(decide.after_question, question=yes, now=make.now, lease_s=LEASE_S))

    feed = store.feeds.find(str(feed_id))
    assert feed is not None
    assert (feed.is_pushed, feed.next_poll_at, only(store, feed_id).is_relied_on) == (True, make.at(30), True)


def test_a_failed_poll_of_such_a_feed_keeps_its_pause(store: SqlStore, make: Make, feed_id: int) -> None:
    sub = rely(store, make, feed_id, usual_poll_at=make.at(-30))
    claim = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    assert claim is not None
    store.feeds.apply([make.poll(claim, next_poll_at=make.at(240), failures=1.0)])

    store.subscriptions.change(sub.subscription_id, lambda sub: replace(sub, is_relied_on=False))

    feed = store.feeds.find(str(feed_id))
    assert feed is not None
    assert feed.next_poll_at == make.at(240)


# ── pings ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def next_poll(store: SqlStore, feed_id: int) -> object:
    feed = store.feeds.find(str(feed_id))
    assert feed is not None
    return feed.next_poll_at


@pytest.mark.parametrize(("options", "minutes"), [({}, 5), ({"interval_s": 900.0}, 15), ({"interval_s": 7200.0}, 30)])
def test_a_feed_is_polled_soon_but_never_more_often_than_feeds_are(
    store: SqlStore, make: Make, options: dict[str, float], minutes: float
) -> None:
    feed_id = make.feed(store, URL, **options)
    name_hub(store, make, feed_id, Hub(HUB, TOPIC))
    assert next_poll(store, feed_id) == make.at(30)
    store.subscriptions.poll_soon([feed_id], make.at(1), min_interval_s=300.0)
    assert next_poll(store, feed_id) == make.at(minutes)


def test_a_feed_that_was_not_polled_for_long_is_polled_now(store: SqlStore, make: Make, feed_id: int) -> None:
    store.subscriptions.poll_soon([feed_id], make.at(20), min_interval_s=300.0)
    assert next_poll(store, feed_id) == make.at(20)


def test_a_paused_feed_is_not(store: SqlStore, make: Make, feed_id: int) -> None:
    pause(store, make, feed_id)
    store.subscriptions.poll_soon([feed_id], make.at(20), min_interval_s=300.0)
    assert next_poll(store, feed_id) == make.at(30)
