"""What polls taught, where feeds live, what was missed: kept with the feed."""

from datetime import timedelta

import pytest

from ingest.model import Applied, FeedState, Gap, GapRepair, Hints, HostLesson, Learned, Move, RobotsVerdict, Validators
from ingest.model.robots import RobotsFile
from ingest.outcome import Outcome
from ingest.policy import KeepPolicy
from ingest.store import SqlStore
from tests.contract.making import Make

MONTH = timedelta(days=30)
OLD, NEW = "https://news.example/feed", "https://new.example/feed"
LEARNED = Learned(
    entries=12.5, days=3.25, hours=bytes(range(62)), window=20, overlaps=4,
    hints=Hints(ttl_s=3600, update_period_s=7200, skip_hours=(1, 2), skip_days=("Sunday",)),
)  # fmt: skip


def poll(store: SqlStore, make: Make, feed_id: int, **plan):
    held = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    store.feeds.apply([make.poll(held, **plan)])
    return store.feeds.find(str(feed_id))


def claim_again(store: SqlStore, make: Make, feed_id: int):
    claimed = store.feeds.claim_one(feed_id, make.at(60), make.at(62))
    store.feeds.release({feed_id: claimed.lease})
    return claimed


def test_what_was_learned_comes_back_with_the_next_claim_and_stays_where_a_poll_taught_nothing(
    store: SqlStore, make: Make
) -> None:
    feed_id = make.feed(store)
    dated = Learned(3.0, 1.0, make.now, window=5, newest_at=make.at(-5))
    poll(store, make, feed_id, learned=dated, rate_root=1.75, trust=0.5, full_at=make.now, body_hash="b1")
    poll(store, make, feed_id, outcome=Outcome.NOT_MODIFIED)

    claimed = claim_again(store, make, feed_id)

    assert (claimed.learned, claimed.trust, claimed.full_at, claimed.body_hash) == (dated, 0.5, make.now, "b1")
    poll(store, make, feed_id, learned=LEARNED, rate_root=2.0)
    assert claim_again(store, make, feed_id).learned == LEARNED
    assert list(store.feeds.rates()) == [2.0]


def test_why_the_next_poll_is_when_it_is_is_kept(store: SqlStore, make: Make) -> None:
    info = poll(store, make, make.feed(store), next_reason="30 min: 3 entries a day")
    assert (info.next_poll_at, info.next_reason) == (make.at(30), "30 min: 3 entries a day")


def test_validators_that_a_failed_poll_did_not_touch_are_sent_again(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, validators=Validators('"v1"', "then"))
    poll(store, make, feed_id, outcome=Outcome.TIMEOUT, failures=0.25, status=None)
    assert claim_again(store, make, feed_id).validators == Validators('"v1"', "then")


# ── moves ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_move_is_remembered_with_its_age_until_a_poll_forgets_it(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, move=Move(NEW, make.at(-99), 3))
    assert claim_again(store, make, feed_id).move == Move(NEW, make.at(-99), 3)
    poll(store, make, feed_id)
    assert claim_again(store, make, feed_id).move is None


def test_a_feed_that_moved_is_polled_at_its_new_address_and_found_by_both(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, moved_to=NEW, moved_reason="the same answer for a week")

    claimed = claim_again(store, make, feed_id)
    assert (claimed.url, claimed.listed_url, claimed.secrets_url, claimed.host.host) == (NEW, OLD, OLD, "new.example")
    assert store.feeds.find(OLD).feed_id == store.feeds.find(NEW).feed_id == feed_id
    (move,) = store.feeds.moves(feed_id)
    assert (move.from_url, move.to_url, move.reason, move.undone_at) == (OLD, NEW, "the same answer for a week", None)


def test_a_list_that_still_names_the_old_address_or_names_the_new_one_means_the_same_feed(store: SqlStore, make: Make) -> None:
    store.feeds.sync([make.spec(OLD)], make.now, first_poll_at=lambda _: make.now)
    (feed,) = store.feeds.infos()
    poll(store, make, feed.feed_id, moved_to=NEW)

    for listed in ([OLD], [NEW], [OLD, NEW]):
        specs = [make.spec(url) for url in listed]
        assert store.feeds.sync(specs, make.now, first_poll_at=lambda _: make.now).added == 0
        (info,) = store.feeds.infos()
        assert (info.feed_id, info.state, info.url) == (feed.feed_id, FeedState.ACTIVE, NEW)
    assert make.feed(store, OLD) == make.feed(store, NEW) == feed.feed_id


def test_a_move_can_be_taken_back_and_is_not_followed_again(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, moved_to=NEW)
    store.feeds.undo_move(feed_id, make.at(5))

    claimed = claim_again(store, make, feed_id)
    assert (claimed.url, claimed.listed_url, claimed.refused_url, claimed.host.host) == (OLD, "", NEW, "news.example")
    assert store.feeds.moves(feed_id)[0].undone_at == make.at(5)


SEEN_THERE = {"validators": Validators('"new"', "then"), "body_hash": "h", "full_at": Make.now}


def test_a_move_that_is_taken_back_leaves_nothing_of_what_was_seen_there(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, moved_to=NEW, **SEEN_THERE)
    store.feeds.undo_move(feed_id, make.at(5))
    claimed = claim_again(store, make, feed_id)
    assert (claimed.validators, claimed.body_hash, claimed.full_at) == (Validators(), None, None)


def test_a_poll_on_its_way_while_its_move_is_taken_back_is_not_written(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, moved_to=NEW)
    there = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    store.feeds.undo_move(feed_id, make.at(1))
    assert store.feeds.apply([make.poll(there, **SEEN_THERE)]) == (Applied.LEASE_LOST,)
    assert claim_again(store, make, feed_id).url == OLD


def test_a_feed_that_goes_back_to_where_it_was_listed_takes_no_validators_along(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, moved_to=NEW, **SEEN_THERE)
    assert claim_again(store, make, feed_id).validators == Validators('"new"', "then")
    poll(store, make, feed_id, outcome=Outcome.GONE, status=410, moved_to=OLD)
    claimed = claim_again(store, make, feed_id)
    assert (claimed.url, claimed.validators, claimed.body_hash, claimed.full_at) == (OLD, Validators(), None, None)


def test_a_move_to_the_address_of_another_feed_is_not_adopted_and_said(store: SqlStore, make: Make) -> None:
    feed_id, other = make.feed(store), make.feed(store, NEW)
    info = poll(store, make, feed_id, moved_to=NEW)
    assert info.url == OLD
    assert info.state_reason == f"it has moved to {NEW}, which is feed {other} here: remove one of them"
    assert store.feeds.moves(feed_id) == ()


def test_a_feed_may_move_on_and_back_and_keeps_the_address_it_was_listed_under(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, moved_to=NEW)
    assert poll(store, make, feed_id, moved_to="https://third.example/").listed_url == OLD
    info = poll(store, make, feed_id, moved_to=OLD)
    assert (info.url, info.listed_url, len(store.feeds.moves(feed_id))) == (OLD, None, 3)


# ── the end, and the last probe ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_that_was_given_up_is_asked_once_more_at_its_time(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(
        store, make, feed_id, outcome=Outcome.GONE, state=FeedState.DISABLED, reason="gone", probe_at=make.at(100), failures=30.0
    )

    assert store.feeds.revive_for_last_probe(make.at(99)) == 0
    assert store.feeds.revive_for_last_probe(make.at(100)) == 1
    (claimed,) = store.feeds.claim(make.at(100), limit=5, lease_until=make.at(102))
    assert (claimed.is_last_probe, claimed.failures) == (True, 30.0)

    store.feeds.apply([make.poll(claimed, outcome=Outcome.GONE, state=FeedState.DISABLED, next_poll_at=None, failures=36.0)])
    assert store.feeds.revive_for_last_probe(make.at(999_999)) == 0


def test_a_last_probe_that_succeeds_is_a_new_start(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, outcome=Outcome.GONE, state=FeedState.DISABLED, probe_at=make.at(1), failures=30.0)
    store.feeds.revive_for_last_probe(make.at(1))
    poll(store, make, feed_id)
    claimed = claim_again(store, make, feed_id)
    assert (claimed.is_last_probe, claimed.failures) == (False, 0.0)
    assert store.feeds.find(str(feed_id)).state is FeedState.ACTIVE


def fail(store: SqlStore, make: Make, feed_id: int, **plan):
    """The claim of a poll that failed."""
    claim = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    store.feeds.apply([make.poll(claim, outcome=Outcome.DNS_ERROR, **plan)])
    return claim


def test_failures_that_were_our_own_fault_are_forgiven_and_the_feed_is_due(store: SqlStore, make: Make) -> None:
    feed_id, held_id = make.feed(store), make.feed(store, "https://b.example/")
    poll(store, make, feed_id, outcome=Outcome.DNS_ERROR, failures=1.0)
    claim = fail(store, make, feed_id, failures=1.25)
    held = store.feeds.claim_one(held_id, make.now, make.lease_until)

    store.feeds.forgive([claim, held], make.at(1))

    (claimed,) = store.feeds.claim(make.at(1), limit=5, lease_until=make.at(9))
    assert (claimed.feed_id, claimed.failures) == (feed_id, 1.0)


def test_a_claim_tells_that_the_last_poll_failed_even_if_that_was_forgiven(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    store.feeds.forgive([fail(store, make, feed_id, failures=0.25)], make.at(1))
    (claimed,) = store.feeds.claim(make.at(1), limit=5, lease_until=make.at(9))
    assert (claimed.failures, claimed.outcome, claimed.has_failed) == (0.0, Outcome.DNS_ERROR, True)


def test_a_feed_that_was_given_up_by_our_own_fault_is_polled_again(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, outcome=Outcome.DNS_ERROR, failures=29.75)
    claim = fail(store, make, feed_id, failures=30.0, state=FeedState.DISABLED, reason="given up", probe_at=make.at(999))

    store.feeds.forgive([claim], make.at(1))

    info = store.feeds.find(str(feed_id))
    assert (info.state, info.state_reason, info.probe_at, info.failures) == (FeedState.ACTIVE, "", None, 29.75)
    assert [one.feed_id for one in store.feeds.claim(make.at(1), limit=5, lease_until=make.at(9))] == [feed_id]


def test_a_last_probe_that_failed_by_our_own_fault_is_still_to_be_made(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, state=FeedState.DISABLED, probe_at=make.at(-1), failures=30.0)
    store.feeds.revive_for_last_probe(make.now)
    claim = fail(store, make, feed_id, failures=30.25, state=FeedState.DISABLED, next_poll_at=None)

    store.feeds.forgive([claim], make.at(1))

    (claimed,) = store.feeds.claim(make.at(1), limit=5, lease_until=make.at(9))
    assert (claimed.is_last_probe, claimed.failures) == (True, 30.0)
    assert store.feeds.find(str(feed_id)).state_reason == "one last probe"


def test_a_last_probe_that_does_not_count_is_still_to_be_made(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, state=FeedState.DISABLED, probe_at=make.at(-1), failures=30.0)
    store.feeds.revive_for_last_probe(make.now)
    fail(store, make, feed_id, failures=30.0, is_last_probe=True)
    assert claim_again(store, make, feed_id).is_last_probe


def test_a_feed_that_a_person_paused_meanwhile_stays_paused_though_it_is_forgiven(store: SqlStore, make: Make) -> None:
    store.feeds.sync([make.spec(OLD)], make.now, first_poll_at=lambda _: make.now)
    (feed,) = store.feeds.infos()
    claim = fail(store, make, feed.feed_id, failures=0.25)
    store.feeds.sync([], make.now, first_poll_at=lambda _: make.now)

    store.feeds.forgive([claim], make.at(1))

    assert store.feeds.find(str(feed.feed_id)).state is FeedState.PAUSED


def test_a_feed_that_was_sent_back_to_its_old_address_by_our_own_fault_is_polled_at_the_new_one_again(
    store: SqlStore, make: Make
) -> None:
    feed_id, third = make.feed(store), Move("https://third.example/", make.at(-99), 2)
    poll(store, make, feed_id, moved_to=NEW)
    poll(store, make, feed_id, outcome=Outcome.DNS_ERROR, failures=29.75, move=third)
    claim = fail(store, make, feed_id, failures=0.0, moved_to=OLD, moved_reason="failed for good")

    store.feeds.forgive([claim], make.at(1))

    claimed = claim_again(store, make, feed_id)
    assert (claimed.url, claimed.listed_url, claimed.host.host, claimed.failures) == (NEW, OLD, "new.example", 29.75)
    assert claimed.move == third
    assert [(move.to_url, move.undone_at) for move in store.feeds.moves(feed_id)] == [(OLD, make.at(1)), (NEW, None)]


def test_an_address_that_another_feed_has_meanwhile_or_that_a_person_took_back_is_not_restored(
    store: SqlStore, make: Make
) -> None:
    taken, refused = make.feed(store), make.feed(store, "https://b.example/")
    poll(store, make, taken, moved_to=NEW)
    poll(store, make, refused, moved_to="https://b.example/new")
    held = store.feeds.claim_one(refused, make.now, make.lease_until)
    store.feeds.undo_move(refused, make.at(0))
    store.feeds.apply([make.poll(held, outcome=Outcome.DNS_ERROR, moved_to="https://b.example/")])
    claim = fail(store, make, taken, moved_to=OLD)
    make.feed(store, NEW)

    store.feeds.forgive([claim, held], make.at(1))

    assert [store.feeds.find(str(feed_id)).url for feed_id in (taken, refused)] == [OLD, "https://b.example/"]


def test_what_a_clock_far_ahead_has_planned_is_due_again(store: SqlStore, make: Make) -> None:
    feed_id, ordinary = make.feed(store), make.feed(store, "https://b.example/")
    far = make.now + timedelta(days=3650)
    poll(store, make, feed_id, next_poll_at=far, not_before_at=far)
    poll(store, make, ordinary)

    assert store.feeds.mend_future(make.now) == 1

    assert [one.feed_id for one in store.feeds.claim(make.now, limit=5, lease_until=make.at(9))] == [feed_id]


def test_a_clock_that_is_set_back_leaves_polls_as_far_ahead_as_they_were(store: SqlStore, make: Make) -> None:
    ahead, behind = make.feed(store), make.feed(store, "https://b.example/")
    poll(store, make, ahead, polled_at=make.at(60), next_poll_at=make.at(75))
    poll(store, make, behind, polled_at=make.at(-5), next_poll_at=make.at(10))

    assert store.feeds.follow_clock_back(make.at(0), 3600.0) == 1
    assert store.feeds.follow_clock_back(make.at(0), 3600.0) == 0

    assert [one.feed_id for one in store.feeds.claim(make.at(14), limit=5, lease_until=make.at(20))] == [behind]
    assert [one.feed_id for one in store.feeds.claim(make.at(15), limit=5, lease_until=make.at(20))] == [ahead]


# ── pushes ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_push_brings_entries_and_changes_no_time_of_polling(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    before = poll(store, make, feed_id)
    held = store.feeds.claim_one(feed_id, make.at(5), make.at(9), asks=False)

    store.feeds.apply([make.poll(held, make.entry("a"), is_push=True, polled_at=make.at(5), next_poll_at=None, learned=LEARNED)])

    after = store.feeds.find(str(feed_id))
    assert (after.polled_at, after.next_poll_at, after.entries) == (before.polled_at, before.next_poll_at, 1)
    assert store.feeds.polls(feed_id, 1)[0].reason == "pushed by its hub"
    assert claim_again(store, make, feed_id).learned == LEARNED


# ── the gap ledger ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_gap_is_open_until_a_repair_says_what_it_found(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, gap=Gap(make.at(-60), make.now, 15.2, "no entry in common"))

    (gap,) = store.gaps.open(make.now, 10)
    assert (gap.feed_id, gap.feed_url, gap.since_at, gap.until_at) == (feed_id, OLD, make.at(-60), make.now)
    assert (gap.missed, gap.found, gap.reason, store.gaps.count_open()) == (15.2, None, "no entry in common", 1)

    store.gaps.repaired(GapRepair(gap.gap_id, feed_id, make.at(1), found=1, how="3 pages: 1 found", new=(make.entry("missed"),)))
    assert store.gaps.open(make.at(2), 10) == ()
    (gap,) = store.gaps.infos(feed_id, 10)
    assert (gap.found, gap.repair, gap.repaired_at) == (1, "3 pages: 1 found", make.at(1))
    assert [entry.guid for entry in store.feeds.entries(feed_id, 5)] == ["missed"]
    assert store.gaps.infos(None, 10) == (gap,)
    assert store.gaps.infos(feed_id + 1, 10) == ()


def test_a_repair_that_failed_is_tried_again_at_its_time(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    poll(store, make, feed_id, gap=Gap(make.at(-60), make.now, 4, ""))
    (gap,) = store.gaps.open(make.now, 10)

    store.gaps.repaired(GapRepair(gap.gap_id, feed_id, make.now, found=None, how="503", next_try_at=make.at(10)))

    assert store.gaps.open(make.at(9), 10) == ()
    (again,) = store.gaps.open(make.at(10), 10)
    assert (again.tries, again.repair) == (1, "503")


def test_gaps_are_forgotten_a_month_after_they_were_looked_into_and_never_before(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    for _ in range(2):
        poll(store, make, feed_id, gap=Gap(make.at(-60), make.now, 4, ""))
    open_gap, closed = store.gaps.infos(feed_id, 10)
    store.gaps.repaired(GapRepair(closed.gap_id, feed_id, make.at(1), found=0, how="none"))

    store.prune(make.at(1) + MONTH, KeepPolicy())
    assert len(store.gaps.infos(feed_id, 10)) == 2
    store.prune(make.at(2) + MONTH, KeepPolicy())
    assert store.gaps.infos(feed_id, 10) == (open_gap,)


def hold(store: SqlStore, make: Make, feed_id: int) -> None:
    store.feeds.claim_one(feed_id, make.now, make.at(90))


def leave_alone(store: SqlStore, make: Make, feed_id: int) -> None:
    poll(store, make, feed_id, not_before_at=make.at(90))


def leave_host_alone(store: SqlStore, make: Make, feed_id: int) -> None:
    store.hosts.learn("slow.example", HostLesson(2.0, make.at(90), "429"), make.now)


@pytest.mark.parametrize("stand_in_the_way", [hold, leave_alone, leave_host_alone])
def test_gaps_of_feeds_that_cannot_be_held_now_stand_before_no_others(store: SqlStore, make: Make, stand_in_the_way) -> None:
    slow, fine = make.feed(store, "https://slow.example/feed"), make.feed(store)
    for feed_id in (slow, slow, fine):
        poll(store, make, feed_id, gap=Gap(make.at(-60), make.now, 4, ""))

    stand_in_the_way(store, make, slow)

    assert [gap.feed_id for gap in store.gaps.open(make.at(89), 2)] == [fine]
    assert [gap.feed_id for gap in store.gaps.open(make.at(91), 2)] == [slow, slow]


# ── robots.txt ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_robots_txt_of_an_origin_is_kept_and_replaced(store: SqlStore, make: Make) -> None:
    first = RobotsFile("https://a.example", 200, "User-agent: *\nDisallow: /x", make.now, make.at(60))
    second = RobotsFile("https://a.example", None, "", make.at(60), make.at(90), make.at(60), "no answer")
    store.robots.put(first)
    assert store.robots.find("https://a.example") == first
    store.robots.put(second)
    assert store.robots.find("https://a.example") == second
    assert store.robots.find("https://b.example") is None


def test_a_robots_txt_that_nobody_wanted_for_a_month_is_forgotten(store: SqlStore, make: Make) -> None:
    file = RobotsFile("https://a.example", 200, "", make.now, make.now)
    store.robots.put(file)
    assert store.prune(make.now + MONTH, KeepPolicy()) == 0
    assert store.robots.find("https://a.example") == file
    assert store.prune(make.at(1) + MONTH, KeepPolicy()) == 1
    assert store.robots.find("https://a.example") is None


def test_an_article_keeps_what_robots_txt_said_of_its_page(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    held = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    store.feeds.apply([make.poll(held, make.entry("a"))])
    (claimed,) = store.articles.claim(make.now, limit=1, lease_until=make.lease_until)
    store.articles.apply([make.done(claimed, robots=RobotsVerdict.DISALLOWED)])
    assert store.articles.info(1).robots is RobotsVerdict.DISALLOWED
