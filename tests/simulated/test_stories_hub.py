"""A feed whose hub pushes: polled less once the hub has proven itself, and as before as soon as it fails."""

from datetime import timedelta

from tests.sim.publishing import DAY_S, HOUR_S, every
from tests.simulated.looking import database_of, stored_numbers

_PUBLIC = {"callback_url": "https://ingest.example"}


def _pushed_world(world, days, **hub):
    here = world(tick_s=30.0, websub=_PUBLIC)
    there = here.hub(**hub)
    feed = there.serve(here.web.site("news.example").feed("/feed", every(2 * HOUR_S, days=days)))
    return here, there, feed


def _asked_on(here, day):
    """How often the only feed was polled on this day."""
    start = here.clock.start + timedelta(days=day)
    with database_of(here) as store:
        polls = store.feeds.polls(1, 100_000)
    return sum(start <= poll.polled_at < start + timedelta(days=1) for poll in polls if "pushed" not in poll.reason)


def test_a_feed_whose_hub_pushes_everything_is_polled_less_and_stored_at_once(world):
    here, hub, _ = _pushed_world(world, days=7)
    here.run(days=6)
    assert _asked_on(here, 1) >= 40
    assert 3 <= _asked_on(here, 5) <= 8
    assert hub.delivered >= 70
    assert max(here.score.delays_s[3:]) <= 10.0
    here.score.assert_none()


def test_when_the_pushes_stop_the_feed_is_polled_as_before(world):
    here, *_ = _pushed_world(world, days=8, silent_from_s=5 * DAY_S)
    here.run(days=7)
    assert _asked_on(here, 4) <= 8
    assert _asked_on(here, 6) >= 40
    assert max(here.score.delays_s) <= 6.5 * HOUR_S
    here.score.assert_none()


def test_what_was_pushed_to_a_process_that_was_killed_is_found_by_a_poll(world):
    here, hub, feed = _pushed_world(world, days=4)
    here.kill_share = 0.01
    here.play(here.keep_running(processes=2, days=3, pause_s=900.0))
    assert here.killed >= 10
    assert hub.delivered >= 10
    published = {number for number, moment in enumerate(feed.published) if 0 <= moment < 3 * DAY_S - HOUR_S}
    assert stored_numbers(here, feed) >= published
    here.score.assert_none()
