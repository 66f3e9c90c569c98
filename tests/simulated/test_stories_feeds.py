"""One feed and its server over weeks: moves, failures, what it asks for, restarts, clocks that are set."""

from datetime import timedelta

import pytest

from ingest.model import FeedOptions, FeedState
from tests.sim.documents import Says
from tests.sim.publishing import DAY_S, HOUR_S, every
from tests.sim.score import Offence
from tests.sim.web import at_hours, during
from tests.simulated.looking import all_polls, feed_info

# For weeks: as little as possible happens besides what the story is about.
_SELDOM = {
    "tick_s": 60.0,
    "pace_s": DAY_S,
    "poll": {"interval_s": 3 * HOUR_S, "lease_s": 3600.0},
    "keep": {"polls_days": 365},
}


@pytest.fixture
def moving(world):
    """A world with a feed that has moved, and how to say for how long the redirect is there."""

    def make(**redirect):
        here = world(**_SELDOM)
        target = here.web.site("new.example").feed("/feed", every(6 * HOUR_S, days=40), is_listed=False)
        old = here.web.site("old.example")
        listed = old.feed("/feed", target.published)
        old.moved("/feed", target.url, **redirect)
        return here, listed, target

    return make


def test_a_permanent_redirect_is_adopted_after_seven_days(moving):
    here, listed, target = moving()
    here.run(days=9)
    [move] = here.score.moves
    assert timedelta(days=7) <= move.polled_at - here.clock.start <= timedelta(days=8)
    assert feed_info(here, listed.url).url == target.url
    here.score.assert_none()


def test_a_redirect_of_three_days_is_followed_and_not_adopted(moving):
    here, listed, _ = moving(end_s=3 * DAY_S)
    here.run(days=9)
    assert here.score.moves == []
    assert feed_info(here, listed.url).url == listed.url
    here.score.assert_none()


def test_a_move_that_a_person_takes_back_is_not_made_again(moving):
    here, listed, _ = moving()

    async def story():
        daemon = await here.start()
        await here.sleep(days=8)
        feed_id = daemon.store.feeds.find(listed.url).feed_id
        daemon.store.feeds.undo_move(feed_id, here.clock.now())
        here.score.made_due(listed.url)
        await here.sleep(days=12)

    here.play(story())
    assert len(here.score.moves) == 1
    assert feed_info(here, listed.url).url == listed.url
    assert all_polls(here)[listed.url][-1].outcome.is_success


def test_404_for_some_hours_of_every_night_does_not_disable_a_feed(world):
    here = world(**_SELDOM)
    feed = here.web.site("tube.example", rules=[at_hours((1, 2, 3, 4), 404)]).feed("/feed", every(6 * HOUR_S, days=31))
    here.run(days=30)
    info = feed_info(here, feed.url)
    assert info.state is FeedState.ACTIVE
    assert here.score.by_status[404] >= 15
    here.score.assert_none()


def test_410_disables_a_feed_after_days_and_it_is_asked_once_more(world):
    here = world(**_SELDOM)
    feed = here.web.site("gone.example", rules=[during(2 * DAY_S, 1e12, 410)]).feed("/feed", every(6 * HOUR_S, days=60))
    here.run(days=60)
    info, polls = feed_info(here, feed.url), all_polls(here)[feed.url]
    assert info.state is FeedState.DISABLED
    gone = [poll.polled_at - here.clock.start for poll in polls if poll.status == 410]
    assert len(gone) == 6
    assert timedelta(days=3) <= gone[4] - gone[0] <= timedelta(days=5)
    assert timedelta(days=29) <= gone[5] - gone[4] <= timedelta(days=31)
    here.score.assert_none()


def test_a_feed_that_comes_back_by_its_last_probe_is_polled_as_before(world):
    here = world(**_SELDOM)
    feed = here.web.site("back.example", rules=[during(2 * DAY_S, 20 * DAY_S, 410)]).feed("/feed", every(6 * HOUR_S, days=60))
    here.run(days=40)
    assert feed_info(here, feed.url).state is FeedState.ACTIVE
    assert here.score.by_status[410] == 5
    here.score.assert_none()


def test_a_restart_every_few_minutes_makes_no_poll_early_and_none_late(world):
    here = world(tick_s=1.0)
    for number in range(20):
        here.web.site(f"site{number}.example").feed("/feed", every(HOUR_S, days=2))

    async def story():
        for _ in range(60):
            daemon = await here.start()
            await here.sleep(seconds=240)
            await (daemon.kill() if here.chance.random() < 0.5 else daemon.stop())
            await here.sleep(seconds=5)

    here.play(story())
    here.score.assert_none()
    assert max(late for lates in here.score.late_s.values() for late in lates) <= 10.0


@pytest.mark.parametrize("by_s", [3600.0, -3600.0], ids=["forward", "back"])
def test_a_clock_that_is_set_by_an_hour_neither_stops_polls_nor_makes_a_storm_of_them(world, by_s):
    here = world(tick_s=1.0)
    feeds = [here.web.site(f"site{number}.example").feed("/feed", every(HOUR_S, days=2)) for number in range(30)]
    counts = []

    async def story():
        await here.start()
        await here.sleep(hours=2)
        before = here.score.requests
        await here.set_clock(by_s)
        for _ in range(12):
            await here.sleep(seconds=300)
            counts.append(here.score.requests - before)

    here.play(story())
    assert counts[1] >= 1
    assert counts[0] <= len(feeds)  # each at most once, with those that were due anyway
    assert len(feeds) <= counts[-1] <= 4 * len(feeds)  # as in any other hour
    here.score.assert_none()


def test_the_interval_of_a_person_wins_over_all_that_feed_and_server_ask(world):
    here = world(tick_s=10.0)
    site = here.web.site("eager.example")
    feed = site.feed("/feed", every(HOUR_S, days=2), ttl_min=600, max_age_s=36_000, skip_hours=tuple(range(24)))
    here.options[feed.url] = FeedOptions(interval_s=600.0)
    here.run(days=0.5)
    assert len(all_polls(here)[feed.url]) == pytest.approx(72, abs=6)
    here.score.assert_none()


@pytest.mark.parametrize("trouble", [(), (503, 14), (404, 14)], ids=["calm", "503", "404"])
def test_hours_that_a_feed_wants_skipped_are_skipped_also_after_failures(world, trouble):
    here = world(tick_s=10.0)
    rules = [at_hours(trouble[1:], trouble[0])] if trouble else []
    site = here.web.site("sleeper.example", rules=rules)
    feed = site.feed("/feed", every(HOUR_S, days=6), skip_hours=(15, 16, 17), skip_days=("Wednesday",))
    here.run(days=4)
    polls = all_polls(here)[feed.url]
    assert {poll.polled_at.hour for poll in polls}.isdisjoint({15, 16, 17})
    assert 2 not in {poll.polled_at.weekday() for poll in polls}
    here.score.assert_none()


def test_what_a_server_calls_fresh_is_not_asked_for_again(world):
    here = world(tick_s=10.0)
    here.web.site("fresh.example").feed("/feed", every(HOUR_S, days=3), max_age_s=4 * 3600)
    here.run(days=2)
    assert here.score.requests <= 13
    here.score.assert_none()


def test_an_honest_server_sends_a_whole_document_without_need_once_a_day_at_most(world):
    here = world(**_SELDOM)
    for number, says in enumerate((Says.BOTH, Says.ETAG, Says.DATE)):
        here.web.site(f"quiet{number}.example").feed("/feed", every(30 * DAY_S, days=9, before=3), says=says)
    here.run(days=8)
    assert here.score.by_status[200] <= 3 * (1 + 8)
    assert here.score.by_status[304] >= 3 * 8 * 2
    here.score.assert_none(Offence.UNCONDITIONAL)
