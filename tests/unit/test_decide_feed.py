"""One poll of a feed → its plan."""

from datetime import timedelta

import pytest

from ingest.decide import (
    Found,
    Terms,
    body_hash,
    plan_entry,
    plan_feed,
    plan_feed_failure,
    plan_feed_in_outage,
    plan_feed_without_turn,
    plan_pushed_feed,
    plan_same_feed,
)
from ingest.errors import IngestError, NoTurn, ParseError, PermanentFetchError, TransientFetchError, WorkKilled
from ingest.model import (
    EntryState,
    FeedHead,
    FeedOptions,
    FeedState,
    Hints,
    Hop,
    HostState,
    KnownEntry,
    Learned,
    Move,
    NotModified,
    ParsedFeed,
    SeenItems,
    Validators,
)
from ingest.outcome import Outcome
from ingest.policy import HostPolicy, PollPolicy
from ingest.schedule import Pace
from tests.unit.make import NOW, feed_claim, fetched, keyed

TERMS = Terms(PollPolicy(), HostPolicy(), Pace(3600.0), chance=0.5, slow_down=8.0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Five entries a day for ten days, seen until a day ago; the document shows five.
STEADY = Learned(entries=50, days=10, until_at=NOW - DAY, window=5, newest_at=NOW - 25 * HOUR, overlaps=9)


def planned(entries=(), known=None, claim=None, answer=None, *, head=None, by=plan_feed, **parsed):
    document = ParsedFeed(head or FeedHead("rss20", title="News"), (), **parsed)
    claim, answer = claim or feed_claim(), answer or fetched()
    found = Found(document, entries, known or {}, body_hash(answer.body))
    return by(claim, answer, found, terms=TERMS)


def failed(error, claim=None):
    return plan_feed_failure(claim or feed_claim(), error, now=NOW, terms=TERMS)


def not_modified(**given):
    url = "https://news.example/feed.xml"
    values = {"url": url, "final_url": url, "status": 304, "headers": {}, "validators": Validators('"v2"')}
    return NotModified(**{**values, "fetched_at": NOW, "elapsed_ms": 5, **given})


def dated(*hours_ago):
    return tuple(keyed(f"k{hours}", guid=f"g{hours}", published_at=NOW - hours * HOUR) for hours in hours_ago)


def test_unseen_entries_are_new_and_unchanged_ones_are_left_alone():
    plan = planned((keyed("a"), keyed("b")), {"b": KnownEntry(2, "b", "h1")})
    assert [entry.keyed.key for entry in plan.new] == ["a"]
    assert plan.changed == ()
    assert (plan.seen, plan.overlap) == (2, 1)


def test_items_that_were_pruned_are_seen_and_known():
    plan = planned((keyed("a"), keyed("b")), {"b": KnownEntry(2, "b", "h1")}, pruned=7, seen=SeenItems(b"c", b"h" * 16))
    assert (plan.seen, plan.overlap, len(plan.new)) == (9, 8, 1)
    assert plan.seen_items == SeenItems(b"c", b"h" * 16)


def test_a_document_of_which_nothing_is_known_again_ends_what_was_known():
    assert planned((keyed("a"),)).seen_items == SeenItems(b"", b"")


def test_an_entry_that_says_something_else_is_changed_and_keeps_its_row():
    plan = planned((keyed("a", "now"),), {"a": KnownEntry(5, "a", "before")})
    assert [(entry.entry_id, entry.state) for entry in plan.changed] == [(5, EntryState.PENDING)]
    assert plan.new == ()


def test_a_good_poll_resets_failures_and_keeps_validators_and_hash():
    answer = fetched(headers={"etag": '"v1"', "last-modified": "Sat, 21 Nov 2026 00:00:00 GMT"})
    plan = planned(claim=feed_claim(failures=5.0), answer=answer)
    assert plan.failures == 0
    assert plan.validators == Validators('"v1"', "Sat, 21 Nov 2026 00:00:00 GMT")
    assert plan.body_hash == body_hash(answer.body)


# ── moves ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

NEW_HOME = "https://new.example/feed"
PERMANENT = fetched(final_url=NEW_HOME, hops=(Hop(301, NEW_HOME),))


def test_a_permanent_redirect_is_remembered_and_a_temporary_one_is_not():
    mixed = fetched(final_url=NEW_HOME, hops=(Hop(301, "https://b.example/"), Hop(302, NEW_HOME)))
    plan = planned(answer=PERMANENT)
    assert (plan.move, plan.moved_to) == (Move(NEW_HOME, NOW, 1), None)
    assert planned(answer=mixed).move is None


def test_a_redirect_that_has_stood_for_a_week_is_adopted_with_the_reason():
    plan = planned(answer=PERMANENT, claim=feed_claim(move=Move(NEW_HOME, NOW - 7 * DAY, 30)))
    assert (plan.moved_to, plan.move) == (NEW_HOME, None)
    assert plan.moved_reason == "the same permanent redirect for 7 days, 31 polls that parsed"


def test_a_304_from_the_new_address_counts_as_the_same_answer():
    claim = feed_claim(move=Move(NEW_HOME, NOW - 2 * DAY, 8))
    plan = plan_same_feed(claim, not_modified(final_url=NEW_HOME, hops=PERMANENT.hops), terms=TERMS)
    assert plan.move == Move(NEW_HOME, NOW - 2 * DAY, 9)


def test_a_failed_poll_neither_forgets_nor_furthers_a_move():
    move = Move(NEW_HOME, NOW - 2 * DAY, 8)
    assert failed(TransientFetchError("u", Outcome.TIMEOUT, "late"), feed_claim(move=move)).move == move


def test_https_at_the_same_place_is_adopted_at_once():
    secure = "https://news.example/feed.xml"
    answer = fetched(url="http://news.example/feed.xml", final_url=secure, hops=(Hop(301, secure),))
    plan = planned(answer=answer, claim=feed_claim(url="http://news.example/feed.xml"))
    assert (plan.moved_to, plan.moved_reason) == (secure, "the same address over https")


def test_a_feed_that_fails_for_good_where_it_moved_to_goes_back_to_where_it_was_listed():
    claim = feed_claim(url=NEW_HOME, listed_url="https://news.example/feed.xml", failures=29.5)
    plan = failed(PermanentFetchError("u", Outcome.HTTP_ERROR, "404 Not Found", status=404), claim)
    assert (plan.moved_to, plan.state, plan.failures) == ("https://news.example/feed.xml", FeedState.ACTIVE, 0.0)


# ── what documents teach ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_document_teaches_the_rate_the_window_and_the_hints():
    head = FeedHead("rss20", ttl_s=7200, skip_hours=(3,))
    plan = planned(dated(1, 6, 11, 16, 21), head=head)
    assert (plan.learned.window, plan.learned.newest_at) == (5, NOW - HOUR)
    assert plan.learned.hints == Hints(ttl_s=7200, skip_hours=(3,))
    assert 3 < plan.learned.entries / plan.learned.days < 6
    assert plan.next_poll_at >= NOW + 2 * HOUR
    assert "the feed's ttl" in plan.next_reason


def test_hints_of_the_last_document_hold_after_a_304():
    claim = feed_claim(learned=Learned(entries=50, days=10, until_at=NOW - HOUR, hints=Hints(ttl_s=7200)))
    plan = plan_same_feed(claim, not_modified(), terms=TERMS)
    assert plan.next_poll_at >= NOW + 2 * HOUR
    assert plan.learned is None


def test_documents_that_do_not_overlap_are_noted_as_a_gap_with_what_was_missed():
    plan = planned(dated(0.1, 1.3, 2.5, 3.7, 4.9), claim=feed_claim(learned=STEADY, polled_at=NOW - DAY))
    assert 14 <= plan.gap.missed <= 18
    assert (plan.gap.since_at, plan.gap.until_at) == (NOW - DAY, NOW)
    assert plan.learned.entries > STEADY.entries + 15  # those that were missed were published all the same


def test_a_delta_or_a_push_proves_no_gap_and_does_not_stand_for_the_document():
    claim = feed_claim(learned=STEADY, polled_at=NOW - DAY)
    entries = dated(0.1, 1.3, 2.5, 3.7, 4.9)
    for plan in (planned(entries, claim=claim, answer=fetched(status=226)), planned(entries, claim=claim, by=plan_pushed_feed)):
        assert plan.gap is None
        assert (plan.seen_items, plan.head, plan.body_hash, plan.full_at) == (None, None, None, None)
        assert plan.learned.window == 5
        assert len(plan.new) == 5


def test_a_push_moves_neither_the_next_poll_nor_the_validators():
    plan = planned(dated(1), by=plan_pushed_feed)
    assert (plan.next_poll_at, plan.validators, plan.is_push) == (None, None, True)


def test_a_feed_whose_hub_pushes_everything_is_polled_less_often_but_daily():
    learned = Learned(entries=500, days=10, until_at=NOW - HOUR)
    usual = plan_same_feed(feed_claim(learned=learned), not_modified(), terms=TERMS)
    pushed = plan_same_feed(feed_claim(learned=learned, is_pushed=True), not_modified(), terms=TERMS)
    assert pushed.next_poll_at - NOW == 8 * (usual.next_poll_at - NOW)
    quiet = plan_same_feed(feed_claim(is_pushed=True), not_modified(), terms=TERMS)
    assert quiet.next_poll_at - NOW <= DAY


# ── trust ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def liar(**given):
    values = {"validators": Validators('"v1"'), "full_at": NOW - 30 * HOUR, "polled_at": NOW - HOUR}
    return feed_claim(**{**values, **given})


def test_other_entries_under_the_same_validators_prove_that_304_lies():
    plan = planned((keyed("a"),), claim=liar(), answer=fetched(headers={"etag": '"v1"'}))
    assert plan.trust == 0.25
    assert plan.reason == "asked for whole, to prove what 304 says; other entries under the same validators"


def test_a_probe_that_brings_the_same_bytes_proves_the_server_honest():
    plan = plan_same_feed(liar(trust=0.9), fetched(headers={"etag": '"v1"'}), terms=TERMS)
    assert plan.trust == pytest.approx(0.95)
    assert plan.full_at == NOW


def test_a_304_proves_nothing():
    plan = plan_same_feed(liar(full_at=NOW - HOUR), not_modified(), terms=TERMS)
    assert (plan.trust, plan.full_at) == (None, None)


def test_a_poll_that_failed_without_counting_is_no_304():
    entries, polled_at = dated(2, 20, 26), NOW - timedelta(minutes=1)
    assert planned(entries, claim=liar(polled_at=polled_at, outcome=Outcome.NOT_MODIFIED)).trust == 0.25
    assert planned(entries, claim=liar(polled_at=polled_at, outcome=Outcome.TIMEOUT)).trust == 1.0


def test_a_gap_reaches_back_over_a_poll_that_failed_without_counting():
    claim = feed_claim(learned=STEADY, polled_at=NOW - HOUR, outcome=Outcome.CONNECT_ERROR)
    plan = planned(dated(0.1, 1.3, 2.5, 3.7, 4.9), claim=claim)
    assert plan.gap.since_at == STEADY.until_at


def test_what_had_to_be_mended_is_said():
    assert planned(repaired="an undefined entity", is_cut=True).reason == (
        "repaired: an undefined entity; more entries than the cap, the first were kept"
    )


def test_a_304_writes_the_visit_and_the_validators_that_came_with_it():
    plan = plan_same_feed(feed_claim(failures=2.0), not_modified(), terms=TERMS)
    assert (plan.outcome, plan.validators, plan.failures) == (Outcome.NOT_MODIFIED, Validators('"v2"'), 0)
    assert (plan.head, plan.body_hash, plan.new) == (None, None, ())


def test_the_same_bytes_again_are_not_modified():
    plan = plan_same_feed(feed_claim(full_at=NOW - HOUR), fetched(headers={"etag": '"v3"'}), terms=TERMS)
    assert (plan.outcome, plan.reason) == (Outcome.NOT_MODIFIED, "same bytes as at the last poll")
    assert plan.validators == Validators('"v3"')


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (TransientFetchError("u", Outcome.TIMEOUT, "no answer within 30 s"), Outcome.TIMEOUT, "no answer within 30 s"),
        (PermanentFetchError("u", Outcome.GONE, "410 Gone", status=410), Outcome.GONE, "410 Gone"),
        (ParseError(Outcome.NOT_A_FEED, "an HTML page", feed_url="https://x.example/f"), Outcome.NOT_A_FEED,
         "an HTML page; it points to the feed https://x.example/f"),
        (WorkKilled("took longer than 10 s"), Outcome.PARSE_KILLED, "took longer than 10 s"),
        (IngestError("odd"), Outcome.INTERNAL_ERROR, "odd"),
    ],
    ids=["timeout", "gone", "no feed", "killed", "defect"],
)  # fmt: skip
def test_each_kind_of_failure_has_its_outcome_and_reason(error, outcome, reason):
    plan = failed(error)
    assert (plan.outcome, plan.reason) == (outcome, reason)


def test_a_failure_touches_neither_validators_nor_hash_nor_head():
    plan = failed(PermanentFetchError("u", Outcome.GONE, "410 Gone", status=410))
    assert (plan.validators, plan.body_hash, plan.head, plan.new, plan.changed) == (None, None, None, (), ())


def test_failures_add_up_and_at_last_the_feed_is_given_up_with_the_reason_and_one_last_probe():
    plan = failed(PermanentFetchError("u", Outcome.HTTP_ERROR, "404 Not Found", status=404), feed_claim(failures=29.0))
    assert (plan.state, plan.failures, plan.probe_at) == (FeedState.DISABLED, 30.0, NOW + 30 * DAY)
    assert plan.reason == "404 Not Found; given up: 30 weighted failures in a row; one last probe in 30 days"


def test_a_last_probe_that_fails_ends_it_for_good():
    claim = feed_claim(failures=30.0, is_last_probe=True)
    plan = failed(PermanentFetchError("u", Outcome.GONE, "410 Gone", status=410), claim)
    assert (plan.state, plan.probe_at, plan.next_poll_at) == (FeedState.DISABLED, None, None)
    assert plan.reason == "410 Gone; given up for good: the last probe failed, too"


def test_a_410_slows_the_feed_down_to_a_day_before_it_ends_it():
    plan = failed(PermanentFetchError("u", Outcome.GONE, "410 Gone", status=410))
    assert (plan.state, plan.next_poll_at) == (FeedState.ACTIVE, NOW + DAY)


def test_retry_after_holds_the_host_and_the_feed_back_and_teaches_the_hosts_gap():
    host = HostState("news.example", granted=1, window_at=NOW - timedelta(seconds=1))
    error = TransientFetchError("u", Outcome.RATE_LIMITED, "429", status=429, retry_after_s=59)
    plan = failed(error, feed_claim(host=host))
    assert plan.not_before_at == NOW + timedelta(seconds=59)
    assert plan.next_poll_at >= plan.not_before_at
    assert plan.lesson.throttled_until == plan.not_before_at
    assert plan.lesson.gap_s == pytest.approx(63)


def test_a_refusal_by_the_host_that_a_redirect_led_to_is_a_lesson_of_that_host():
    host = HostState("news.example", granted=1, window_at=NOW - timedelta(seconds=1))
    error = TransientFetchError("https://other.example/feed", Outcome.RATE_LIMITED, "429", status=429, retry_after_s=59)
    plan = failed(error, feed_claim(host=host))
    assert (plan.lesson.host, plan.lesson.gap_s) == ("other.example", None)
    assert plan.lesson.throttled_until == plan.not_before_at == NOW + timedelta(seconds=59)


def test_a_long_retry_after_moves_the_next_poll_and_says_so():
    plan = failed(TransientFetchError("u", Outcome.RATE_LIMITED, "429", status=429, retry_after_s=40_000))
    assert plan.next_poll_at == NOW + timedelta(seconds=40_000)
    assert plan.next_reason.endswith("not before Retry-After")


@pytest.mark.parametrize(("polled_at", "is_lesson"), [(NOW - HOUR, True), (None, False)], ids=["worked before", "never did"])
def test_a_bare_403_is_a_refusal_of_the_host_only_where_the_feed_could_be_had_before(polled_at, is_lesson):
    error = PermanentFetchError("u", Outcome.HTTP_ERROR, "403 Forbidden", status=403)
    assert (failed(error, feed_claim(polled_at=polled_at)).lesson is not None) == is_lesson


def test_a_failure_leaves_the_feed_its_share_of_the_request_budget():
    learned = Learned(entries=500, days=10, until_at=NOW - HOUR)
    error = TransientFetchError("u", Outcome.TIMEOUT, "late")
    good = plan_same_feed(feed_claim(learned=learned), not_modified(), terms=TERMS)
    assert good.rate_root > 5
    assert failed(error, feed_claim(learned=learned)).rate_root == good.rate_root
    assert plan_feed_in_outage(feed_claim(learned=learned), error, now=NOW, terms=TERMS).rate_root == good.rate_root


def test_while_our_own_network_is_away_nothing_is_counted_and_the_feed_is_tried_again_soon():
    error = TransientFetchError("u", Outcome.DNS_ERROR, "the name server does not answer")
    plan = plan_feed_in_outage(feed_claim(failures=2.0), error, now=NOW, terms=TERMS)
    assert (plan.failures, plan.state, plan.next_poll_at) == (2.0, FeedState.ACTIVE, NOW + timedelta(seconds=60))
    assert plan.reason == "the name server does not answer; not counted, our own network is away"


def test_a_last_probe_in_an_outage_of_our_own_network_is_still_to_be_made():
    error = TransientFetchError("u", Outcome.DNS_ERROR, "the name server does not answer")
    plan = plan_feed_in_outage(feed_claim(failures=30.0, is_last_probe=True), error, now=NOW, terms=TERMS)
    assert (plan.is_last_probe, plan.state, plan.failures) == (True, FeedState.ACTIVE, 30.0)


def test_where_a_host_had_no_turn_to_give_nothing_is_counted_and_the_feed_is_tried_again_when_it_has_one():
    claim = feed_claim(failures=29.75, move=Move("https://new.example/", NOW - DAY, 3))
    plan = plan_feed_without_turn(claim, NoTurn("new.example", wait_s=600.0), now=NOW, terms=TERMS)
    assert (plan.outcome, plan.status, plan.failures, plan.state) == (Outcome.RATE_LIMITED, None, 29.75, FeedState.ACTIVE)
    assert (plan.lesson, plan.not_before_at, plan.move) == (None, None, claim.move)
    assert NOW + timedelta(seconds=600) <= plan.next_poll_at <= NOW + timedelta(seconds=660)
    assert plan.reason == "new.example is to be left alone for 600 s more; not counted, nobody was asked"


def test_in_an_outage_too_the_hours_that_a_feed_wants_skipped_are_skipped():
    claim = feed_claim(learned=Learned(hints=Hints(skip_hours=(NOW.hour,))))
    plan = plan_feed_in_outage(claim, TransientFetchError("u", Outcome.TIMEOUT, "silent"), now=NOW, terms=TERMS)
    assert plan.next_poll_at == NOW + HOUR


@pytest.mark.parametrize(
    ("options", "state", "reason"),
    [
        (FeedOptions(), EntryState.PENDING, "new"),
        (FeedOptions(block=("ships",)), EntryState.BLOCKED, "blocked by filter 'ships'"),
        (FeedOptions(keep=("football",)), EntryState.BLOCKED, "no keep filter matches"),
        (FeedOptions(keep=("GONE",)), EntryState.PENDING, "new"),
        (FeedOptions(keep=("harbour",)), EntryState.PENDING, "new"),
        (FeedOptions(keep=("gone",), block=("example/a",)), EntryState.BLOCKED, "blocked by filter 'example/a'"),
    ],
    ids=["no filter", "blocked by title", "not kept", "kept by title", "kept by category", "block wins"],
)
def test_filters_decide_which_entries_become_articles(options, state, reason):
    plan = plan_entry(keyed(categories=("harbour",)), options, reason="new")
    assert (plan.state, plan.reason) == (state, reason)


@pytest.mark.parametrize("interval_s", [None, 600.0], ids=["learned", "of a person"])
def test_after_a_failure_the_hours_that_a_feed_wants_skipped_are_skipped_unless_a_person_said_how_often(interval_s):
    hints = Hints(skip_hours=tuple(hour for hour in range(24) if hour != 5))
    claim = feed_claim(learned=Learned(hints=hints), options=FeedOptions(interval_s=interval_s))
    plan = failed(TransientFetchError("u", Outcome.RATE_LIMITED, "429", status=429, retry_after_s=3600.0), claim)
    assert (plan.next_poll_at.hour == 5) is (interval_s is None)
    assert plan.next_poll_at >= NOW + HOUR


def test_a_feed_whose_hub_pushes_is_not_polled_in_hours_that_it_wants_skipped():
    hints = Hints(skip_hours=tuple(hour for hour in range(24) if hour != 5))
    plan = plan_same_feed(feed_claim(learned=Learned(hints=hints), is_pushed=True), not_modified(), terms=TERMS)
    assert plan.next_poll_at.hour == 5
