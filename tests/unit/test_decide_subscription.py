"""What becomes of a subscription: when its hub is asked, what it may ask, whether it is relied on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ingest.decide import Explained, Found, Terms, body_hash, explain, plan_feed, plan_pushed_feed
from ingest.decide import subscription as decide
from ingest.errors import NoTurn, PermanentFetchError, TransientFetchError
from ingest.model import (
    AskedFor,
    FeedHead,
    FeedInfo,
    FeedOptions,
    FeedOrigin,
    FeedState,
    Hub,
    KnownEntry,
    Learned,
    ParsedFeed,
    Question,
    SubscriptionState,
)
from ingest.outcome import Outcome
from ingest.policy import HostPolicy, PollPolicy
from ingest.schedule import Pace
from ingest.schedule.shape import add_moments
from tests.unit.make import NOW, feed_claim, fetched, keyed, subscription

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
POLICY = PollPolicy()
TERMS = Terms(POLICY, HostPolicy(), Pace(3600.0), chance=0.5, slow_down=8.0)
HUB, TOPIC = "https://hub.example/", "https://news.example/feed.xml"
MIDDLE = 0.5  # of chance: pauses as they are
KNOWN = {"k1": KnownEntry(1, "k1", "h1")}
BUSY = Learned(entries=240, days=10, until_at=NOW - DAY, window=20)  # an entry an hour

ASKED, ACTIVE, DENIED = SubscriptionState.ASKED, SubscriptionState.ACTIVE, SubscriptionState.DENIED
LEAVING, LEFT = SubscriptionState.LEAVING, SubscriptionState.LEFT


def new(**given):
    """A subscription as it begins."""
    return subscription(state=ASKED, confirmed_at=None, active_since_at=None, lease_until=None, asked_at=None, **given)


def asked(**given):
    """One whose hub is just being asked for the first time."""
    return decide.asking(new(**given), NOW, until=NOW + 10 * MINUTE)


def proven(**given):
    """One that has shown all that it takes to be relied on."""
    values = {"pushes": 3, "brought": 5, "proving_since_at": NOW - 2 * DAY, "pushed_at": NOW - HOUR, "is_relied_on": True}
    return subscription(active_since_at=NOW - 3 * DAY, **{**values, **given})


def question(mode=AskedFor.SUBSCRIBE, topic=TOPIC, lease_s=None, reason=""):
    return Question(mode, topic, "challenge", lease_s, reason)


def answered(sub, mode=AskedFor.SUBSCRIBE, **given):
    return decide.after_question(sub, question(mode, **given), NOW, lease_s=864_000.0)


def refused(sub, error, now=NOW, *, chance=MIDDLE, **hosts):
    return decide.after_refusal(sub, error, now, hosts=HostPolicy(**hosts), chance=chance)


# ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_is_written_down_before_it_is_sent():
    sub = asked()
    assert (sub.state, sub.asked_at, sub.next_ask_at, sub.attempts) == (ASKED, NOW, NOW + 10 * MINUTE, 1)


@pytest.mark.parametrize(("attempts", "pause"), [(1, 30 * MINUTE), (2, HOUR), (3, 2 * HOUR), (40, DAY)])
def test_a_hub_that_takes_the_request_and_never_verifies_is_asked_again_ever_more_rarely(attempts, pause):
    sub = decide.after_acceptance(replace(asked(), attempts=attempts), NOW, chance=MIDDLE)
    assert (sub.state, sub.next_ask_at) == (ASKED, NOW + pause)


def test_a_hub_that_verifies_before_it_answers_the_request_has_answered():
    sub = answered(asked(), lease_s=3600.0)
    assert decide.after_acceptance(sub, NOW, chance=MIDDLE) == sub
    error = TransientFetchError(HUB, Outcome.TIMEOUT, "no complete answer in time")
    assert refused(sub, error, NOW, chance=MIDDLE) == sub


@pytest.mark.parametrize(("attempts", "pause"), [(1, 15 * MINUTE), (2, 30 * MINUTE), (3, HOUR), (40, DAY)])
def test_a_hub_that_cannot_be_reached_is_asked_again_with_growing_pauses(attempts, pause):
    error = TransientFetchError(HUB, Outcome.CONNECT_ERROR, "connection refused")
    sub = refused(replace(asked(), attempts=attempts), error, NOW, chance=MIDDLE)
    assert (sub.next_ask_at, sub.reason, sub.attempts) == (NOW + pause, "connection refused", attempts)


@pytest.mark.parametrize(("attempts", "pause"), [(1, DAY), (2, 2 * DAY), (40, 7 * DAY)])
def test_a_hub_that_refuses_is_asked_again_after_days(attempts, pause):
    error = PermanentFetchError(HUB, Outcome.HTTP_ERROR, "403 Forbidden", status=403)
    assert refused(replace(asked(), attempts=attempts), error, NOW, chance=MIDDLE).next_ask_at == NOW + pause


def test_a_hub_that_says_when_to_come_back_is_left_alone_until_then():
    error = TransientFetchError(HUB, Outcome.RATE_LIMITED, "429 Too Many Requests", status=429, retry_after_s=7200.0)
    sub = refused(asked(), error, NOW, chance=MIDDLE)
    assert (sub.next_ask_at, sub.attempts) == (NOW + 2 * HOUR, 1)


def test_a_hub_that_asks_for_a_year_is_believed_as_far_as_hosts_are():
    error = TransientFetchError(HUB, Outcome.RATE_LIMITED, "429 Too Many Requests", status=429, retry_after_s=366 * 86_400.0)
    assert refused(asked(), error, max_retry_after_s=7200.0).next_ask_at == NOW + 2 * HOUR


def test_a_request_that_found_no_turn_at_the_hubs_host_is_none():
    assert refused(asked(), NoTurn("hub.example", wait_s=90.0), NOW, chance=MIDDLE).attempts == 0


def test_pauses_are_spread_by_chance():
    error = TransientFetchError(HUB, Outcome.TIMEOUT, "no complete answer in time")
    waits = [refused(asked(), error, NOW, chance=chance).next_ask_at - NOW for chance in (0.0, 0.5, 0.999)]
    assert waits == sorted(waits)
    assert 0.7 * 15 * MINUTE < waits[0] < waits[2] < 1.3 * 15 * MINUTE


# ── being asked ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_verified_subscription_holds_as_long_as_the_hub_says_and_is_renewed_at_four_fifths_of_that():
    sub = answered(asked(), lease_s=100_000.0)
    assert (sub.state, sub.lease_until - NOW, sub.next_ask_at - NOW) == (
        ACTIVE,
        timedelta(seconds=100_000),
        timedelta(seconds=80_000),
    )
    assert (sub.confirmed_at, sub.active_since_at, sub.attempts) == (NOW, NOW, 0)


def test_a_hub_that_names_no_lease_gives_what_it_was_asked_for():
    assert answered(asked()).lease_until == NOW + 10 * DAY
    assert answered(asked(), lease_s=0.0).lease_until == NOW + 10 * DAY


def test_an_endless_lease_is_believed_for_ninety_days():
    assert answered(asked(), lease_s=1e11).lease_until == NOW + 90 * DAY


def test_a_lease_of_seconds_does_not_make_us_ask_every_second():
    sub = answered(asked(), lease_s=10.0)
    assert (sub.lease_until, sub.next_ask_at) == (NOW + timedelta(seconds=10), NOW + 15 * MINUTE)


def test_a_renewal_goes_on_where_it_was():
    sub = decide.asking(proven(next_ask_at=NOW), NOW, until=NOW + 10 * MINUTE)
    renewed = answered(sub, lease_s=86_400.0)
    assert (sub.state, renewed.state, renewed.lease_until) == (ACTIVE, ACTIVE, NOW + DAY)
    assert (renewed.active_since_at, renewed.pushes, renewed.is_relied_on) == (NOW - 3 * DAY, 3, True)


def test_a_hub_may_confirm_again_what_it_has_confirmed():
    assert decide.is_expected(subscription(), question())


@pytest.mark.parametrize(
    ("sub", "asking"),
    [
        (new(), question()),
        (asked(), question(topic="https://news.example/other.xml")),
        (asked(), question(AskedFor.UNSUBSCRIBE)),
        (subscription(), question(AskedFor.UNSUBSCRIBE)),
        (subscription(state=DENIED), question()),
        (subscription(state=LEAVING), question()),
        (subscription(state=LEFT), question()),
        (subscription(state=LEFT), question(AskedFor.DENIED)),
        (subscription(), question(AskedFor.DENIED, topic="")),
    ],
    ids=[
        "before it was asked", "another topic", "leaving while subscribing", "leaving while active", "denied", "while leaving",
        "after leaving", "denying what is over", "denying nothing",
    ],
)  # fmt: skip
def test_what_was_not_asked_for_is_not_confirmed_and_changes_nothing(sub, asking):
    assert not decide.is_expected(sub, asking)
    assert decide.after_question(sub, asking, NOW, lease_s=864_000.0) == sub


def test_a_denial_ends_what_was_and_is_followed_by_a_long_pause():
    sub = answered(proven(), AskedFor.DENIED, reason="no room")
    assert (sub.state, sub.reason, sub.next_ask_at) == (DENIED, "denied by the hub: no room", NOW + 7 * DAY)
    assert (sub.is_relied_on, sub.pushes, sub.lease_until) == (False, 0, None)


def test_after_that_pause_it_is_asked_for_again():
    sub = answered(asked(), AskedFor.DENIED)
    later = decide.asking(sub, NOW + 7 * DAY, until=NOW + 8 * DAY)
    assert (decide.mode_of(later), later.state) == (AskedFor.SUBSCRIBE, ASKED)
    assert decide.after_question(later, question(lease_s=60.0), NOW + 7 * DAY, lease_s=60.0).state is ACTIVE


# ── leaving ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hub_that_has_verified_is_told_that_we_leave():
    sub = decide.leave(proven(), NOW, "the feed was removed")
    assert (sub.state, sub.next_ask_at, sub.reason, sub.is_relied_on) == (LEAVING, NOW, "the feed was removed", False)
    assert decide.mode_of(sub) is AskedFor.UNSUBSCRIBE


@pytest.mark.parametrize("sub", [new(), asked(), subscription(state=DENIED)], ids=["new", "asked", "denied"])
def test_a_hub_that_has_not_need_not_be_told(sub):
    left = decide.leave(sub, NOW, "the feed is paused")
    assert (left.state, left.next_ask_at) == (LEFT, NOW + 30 * DAY)


def test_a_hub_that_confirms_has_let_us_go_and_may_ask_once_more():
    sub = answered(decide.asking(decide.leave(subscription(), NOW, "x"), NOW, until=NOW + DAY), AskedFor.UNSUBSCRIBE)
    assert sub.state is LEFT
    assert decide.is_expected(sub, question(AskedFor.UNSUBSCRIBE))
    assert answered(sub, AskedFor.UNSUBSCRIBE) == sub


def test_a_hub_that_does_not_confirm_is_asked_three_times():
    sub, asks = decide.leave(subscription(), NOW, "x"), 0
    for _ in range(9):
        sub = decide.asking(sub, NOW, until=NOW + DAY)
        asks += sub.state is LEAVING
    assert (asks, sub.state) == (3, LEFT)


def test_a_hub_whose_lease_is_over_is_not_told():
    sub = decide.leave(subscription(lease_until=NOW - HOUR), NOW, "x")
    assert decide.asking(sub, NOW, until=NOW + DAY).state is LEFT


def test_a_hub_that_refuses_to_let_us_go_is_not_asked_for_weeks():
    sub = decide.asking(decide.leave(subscription(), NOW, "x"), NOW, until=NOW + DAY)
    error = PermanentFetchError(HUB, Outcome.HTTP_ERROR, "400 Bad Request", status=400)
    assert refused(sub, error, NOW, chance=MIDDLE).next_ask_at == NOW + 15 * MINUTE


# ── relying on it ───────────────────────────────────────────────────────────────────────────────────────────────────────


def visit(*entries, push=False, claim=None, at=NOW, known=None):
    """The plan of a visit that brings these entries."""
    found = Found(ParsedFeed(FeedHead("rss20"), ()), entries, known or {}, body_hash(b"x"))
    plan = plan_pushed_feed if push else plan_feed
    return plan(claim or feed_claim(polled_at=at - HOUR), fetched(fetched_at=at), found, terms=TERMS)


def dated(*minutes_ago, at=NOW):
    return tuple(keyed(f"k{minutes}", guid=f"g{minutes}", published_at=at - minutes * MINUTE) for minutes in minutes_ago)


def reviewed(sub, learned=BUSY, at=NOW):
    return decide.review(sub, learned, at, POLICY)


def test_three_pushes_over_two_days_with_nothing_missed_make_a_hub_one_to_rely_on():
    sub = subscription(active_since_at=NOW - 3 * DAY, lease_until=NOW + DAY)
    verdicts = []
    for hours in (-48, -30, -10, -1):
        at = NOW + hours * HOUR
        sub = decide.after_visit(sub, visit(*dated(1, at=at), push=True, at=at))
        sub = decide.after_visit(sub, visit(*dated(1, at=at), at=at + MINUTE, known=KNOWN))
        sub = reviewed(sub, at=at + MINUTE)
        verdicts.append(sub.is_relied_on)
    assert verdicts == [False] * 4
    assert (sub.pushes, sub.brought, sub.proving_since_at) == (4, 4, NOW - 48 * HOUR)
    sub = reviewed(sub)
    assert (sub.is_relied_on, sub.reason) == (True, "it has proven to push all that is new")


@pytest.mark.parametrize(
    "lack",
    [
        {"pushes": 2},
        {"proving_since_at": NOW - 47 * HOUR},
        {"proving_since_at": None},
        {"lease_until": NOW},
        {"state": ASKED},
        {"pushed_at": NOW - DAY},
    ],
    ids=["two pushes", "under two days", "none", "a lease that is over", "not verified", "silent"],
)
def test_less_than_that_does_not(lack):
    assert reviewed(proven(is_relied_on=False)).is_relied_on
    assert not reviewed(proven(is_relied_on=False, **lack)).is_relied_on


def test_a_push_that_brings_nothing_new_proves_nothing():
    sub = decide.after_visit(subscription(), visit(*dated(1), push=True, known=KNOWN))
    assert (sub.pushed_at, sub.pushes, sub.proving_since_at) == (NOW, 0, None)


def test_an_entry_that_only_a_poll_found_ends_it():
    sub = decide.after_visit(proven(missed=1), visit(*dated(20, 30, 5)))
    assert (sub.is_relied_on, sub.pushes, sub.brought, sub.proving_since_at, sub.missed) == (False, 0, 0, None, 3)
    assert sub.reason == "a poll found 2 new that no push had brought"
    assert not reviewed(sub).is_relied_on


@pytest.mark.parametrize(
    "entries",
    [
        dated(14),
        dated(3 * 24 * 60 + 1),
        (keyed("k", published_at=None),),
        (keyed("k", published_at=NOW + DAY),),
        (),
    ],
    ids=["just published", "from before it was verified", "without a date", "of tomorrow", "none"],
)
def test_what_need_not_have_been_pushed_yet_is_not_missed(entries):
    claim = feed_claim(polled_at=NOW - 29 * MINUTE)
    assert decide.after_visit(proven(), visit(*entries, claim=claim)).is_relied_on


def test_an_entry_without_a_date_is_missed_when_the_poll_before_is_long_ago():
    claim = feed_claim(polled_at=NOW - 30 * MINUTE)
    assert not decide.after_visit(proven(), visit(keyed("k", published_at=None), claim=claim)).is_relied_on


def test_a_hub_without_a_secret_is_neither_praised_nor_blamed():
    plan = visit(*dated(20))
    assert decide.after_visit(subscription(secret=""), plan).missed == 0


def test_a_lease_that_ran_out_ends_it_and_the_hub_is_asked_at_once():
    sub = reviewed(proven(lease_until=NOW - MINUTE))
    assert (sub.state, sub.is_relied_on, sub.pushes, sub.next_ask_at) == (ASKED, False, 0, NOW)
    assert answered(sub, lease_s=3600.0).active_since_at == NOW


def test_a_lease_of_seconds_that_ran_out_does_not_make_us_ask_at_every_review():
    sub = answered(asked(), lease_s=10.0)
    lapsed = reviewed(sub, at=NOW + 5 * MINUTE)
    assert (lapsed.state, lapsed.next_ask_at) == (ASKED, NOW + 15 * MINUTE)
    assert reviewed(sub, at=NOW + 20 * MINUTE).next_ask_at == NOW + 20 * MINUTE


def test_silence_ends_it_until_the_next_push():
    sub = reviewed(proven(pushed_at=NOW - 7 * HOUR))
    assert (sub.is_relied_on, sub.pushes) == (False, 3)
    assert reviewed(decide.after_visit(sub, visit(*dated(1), push=True))).is_relied_on


def test_silence_of_a_feed_that_publishes_rarely_is_none():
    rarely = replace(BUSY, entries=5)
    assert reviewed(proven(pushed_at=NOW - 3 * DAY), rarely).is_relied_on


def test_the_night_is_no_silence():
    moments = [NOW + day * DAY + (hour - 12) * HOUR for day in range(28) for hour in range(8, 20) for _ in range(6)]
    learned = replace(BUSY, entries=2000, days=83, hours=add_moments(b"", moments, entries=0), until_at=NOW)
    evening, morning = NOW.replace(hour=20), NOW.replace(hour=8) + DAY
    lease = {"lease_until": NOW + 5 * DAY, "pushed_at": evening}
    assert reviewed(proven(**lease), learned, at=morning).is_relied_on
    assert not reviewed(proven(**lease), learned, at=morning + 6 * HOUR).is_relied_on


# ── what it means for polls ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_whose_hub_is_relied_on_is_polled_less_and_it_is_known_when_it_would_be_otherwise():
    pushed = visit(claim=feed_claim(polled_at=NOW - HOUR, is_pushed=True))
    usual = visit(claim=feed_claim(polled_at=NOW - HOUR))
    assert pushed.next_poll_at - NOW == 8 * (usual.next_poll_at - NOW)
    assert (pushed.usual_poll_at, usual.usual_poll_at) == (usual.next_poll_at, None)
    assert decide.after_visit(proven(), pushed).usual_poll_at == usual.next_poll_at


def test_the_poll_that_finds_what_was_not_pushed_is_followed_by_one_at_the_usual_time():
    claim = feed_claim(polled_at=NOW - HOUR, is_pushed=True)
    plan = visit(*dated(20), claim=claim)
    assert plan.next_poll_at == visit(*dated(20), claim=replace(claim, is_pushed=False)).next_poll_at
    assert plan.usual_poll_at is None


def test_a_document_names_the_hub_in_its_headers_or_in_itself():
    head = FeedHead("rss20", hub_url=HUB, self_url=TOPIC)
    found = Found(ParsedFeed(head, ()), (), {}, body_hash(b"x"))
    assert plan_feed(feed_claim(), fetched(), found, terms=TERMS).hub == Hub(HUB, TOPIC)
    told = fetched(headers={"link": "<https://other.example/>; rel=hub"})
    assert plan_feed(feed_claim(), told, found, terms=TERMS).hub == Hub("https://other.example/", TOPIC)
    assert plan_pushed_feed(feed_claim(), told, found, terms=TERMS).hub is None


# ── in words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def told(sub, hub_url=HUB):
    feed = FeedInfo(
        feed_id=7, url=TOPIC, origin=FeedOrigin.FILE, state=FeedState.ACTIVE, state_reason="", title=None, site_url=None,
        options=FeedOptions(), polled_at=NOW, next_poll_at=NOW, outcome=None, reason="", failures=0.0, entries=0, pending=0,
        failed=0, articles=0, hub_url=hub_url,
    )  # fmt: skip
    return dict(explain(Explained(feed, subscription=sub), now=NOW, poll=POLICY, hosts=HostPolicy())).get("hub")


def test_a_feed_without_a_hub_says_nothing_of_one():
    assert told(None, hub_url=None) is None


def test_what_is_known_of_a_hub_is_told_in_words():
    assert told(None) == "https://hub.example/: not subscribed to"
    assert told(new(reason="503 Service Unavailable", next_ask_at=NOW)) == (
        "https://hub.example/: asked, to be asked at 2026-11-22 12:00:00; not relied on (503 Service Unavailable)"
    )
    assert told(proven(missed=4, reason="it has proven to push all that is new")) == (
        "https://hub.example/: subscribed to until 2026-12-02 11:00:00, to be asked at 2026-11-30 12:00:00; "
        "the last push came at 2026-11-22 11:00:00; "
        "3 pushes brought 5 new entries since 2026-11-20 12:00:00, and polls no other; "
        "4 new entries came by polls alone; relied on (it has proven to push all that is new)"
    )
    assert "what it pushes is not believed" in told(subscription(secret=""))
