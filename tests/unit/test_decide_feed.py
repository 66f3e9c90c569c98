"""One poll of a feed → its plan."""

from datetime import timedelta

import pytest

from ingest.decide import Found, body_hash, plan_entry, plan_feed, plan_feed_failure, plan_same_feed
from ingest.errors import IngestError, ParseError, PermanentFetchError, TransientFetchError, WorkKilled
from ingest.model import (
    EntryState,
    FeedHead,
    FeedOptions,
    FeedState,
    Hop,
    KnownEntry,
    NotModified,
    ParsedFeed,
    SeenItems,
    Validators,
)
from ingest.outcome import Outcome
from ingest.policy import HostPolicy, PollPolicy
from tests.unit.make import NOW, feed_claim, fetched, keyed

POLICY = PollPolicy()


def planned(entries=(), known=None, claim=None, answer=None, **parsed):
    document = ParsedFeed(FeedHead("rss20", title="News"), (), **parsed)
    claim, answer = claim or feed_claim(), answer or fetched()
    found = Found(document, entries, known or {}, body_hash(answer.body))
    return plan_feed(claim, answer, found, policy=POLICY, chance=0.5)


def failed(error, claim=None):
    return plan_feed_failure(claim or feed_claim(), error, now=NOW, policy=POLICY, hosts=HostPolicy(), chance=0.5)


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


def test_a_permanent_redirect_is_recorded_and_a_temporary_one_is_not():
    permanent = fetched(final_url="https://new.example/feed", hops=(Hop(301, "https://new.example/feed"),))
    mixed = fetched(
        final_url="https://new.example/feed", hops=(Hop(301, "https://b.example/"), Hop(302, "https://new.example/feed"))
    )
    assert planned(answer=permanent).moved_to == "https://new.example/feed"
    assert planned(answer=mixed).moved_to is None


def test_what_had_to_be_mended_is_said():
    assert planned(repaired="an undefined entity", is_cut=True).reason == (
        "repaired: an undefined entity; more entries than the cap, the first were kept"
    )


def test_a_304_writes_the_visit_and_the_validators_that_came_with_it():
    answer = NotModified("https://news.example/feed.xml", 304, {}, Validators('"v2"'), NOW, 5)
    plan = plan_same_feed(feed_claim(failures=2.0), answer, policy=POLICY, chance=0.5)
    assert (plan.outcome, plan.validators, plan.failures) == (Outcome.NOT_MODIFIED, Validators('"v2"'), 0)
    assert (plan.head, plan.body_hash, plan.new) == (None, None, ())


def test_the_same_bytes_again_are_not_modified():
    plan = plan_same_feed(feed_claim(), fetched(headers={"etag": '"v3"'}), policy=POLICY, chance=0.5)
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


def test_failures_add_up_and_at_last_the_feed_is_given_up_with_the_reason():
    plan = failed(PermanentFetchError("u", Outcome.HTTP_ERROR, "404 Not Found", status=404), feed_claim(failures=29.0))
    assert (plan.state, plan.failures) == (FeedState.DISABLED, 30.0)
    assert plan.reason == "404 Not Found; given up after 30 weighted failures in a row"


def test_retry_after_holds_the_host_and_the_feed_back():
    plan = failed(TransientFetchError("u", Outcome.RATE_LIMITED, "429", status=429, retry_after_s=7200))
    assert plan.throttled_until == NOW + timedelta(hours=2)
    assert plan.next_poll_at == NOW + timedelta(hours=2)


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
