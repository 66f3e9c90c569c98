"""The service among servers of every kind, killed and restarted all the while, and a score of each of its requests."""

from collections.abc import Iterator

import pytest

from ingest.policy import DatabasePolicy
from ingest.store import migrate, open_store
from tests.databases import new_postgres_database
from tests.sim import worlds
from tests.sim.documents import Says, SimFeed
from tests.sim.publishing import DAY_S
from tests.sim.score import Kind, Offence
from tests.sim.service import World
from tests.simulated.looking import stored_numbers

# A day of the real service in an hour or two: all that is said in minutes and hours keeps its proportions.
_QUICK = {
    "poll": {"interval_s": 300.0, "min_interval_s": 60.0, "probe_s": 3600.0, "move_after_days": 0.1},
    "robots": {"keep_s": 7200.0},
    "has_articles": True,
    "pace_s": 300.0,
    "tick_s": 15.0,
}


@pytest.mark.timeout(300)  # half a minute of CPU
def test_ten_thousand_requests_of_daemons_that_are_killed_and_restarted_give_no_offence(world, subtests):
    here, days = world(**_QUICK, is_http=True), 0.26
    _live(here, days=days, plain=80)
    score = here.score
    assert score.requests >= 10_000
    assert here.killed >= 10
    assert here.stopped >= 2
    assert here.networks_lost >= 2
    assert {Kind.FEED, Kind.PAGE, Kind.ROBOTS} <= set(score.by_kind)
    assert {200, 301, 302, 304, 308, 404, 410, 429, 500, 503} <= set(score.by_status)
    for offence in Offence:
        with subtests.test(offence.name):
            assert not score.offences[offence], score.told(offence)
    with subtests.test("nothing is lost"):
        _assert_that_nothing_is_lost(here, until_s=days * DAY_S - 3600)


def test_daemons_that_nobody_tells_of_the_dead_give_no_offence_either(world):
    here = world(**_QUICK, seed=2, frees_leases=False)  # what the dead held is held until its lease runs out
    _live(here, days=0.06, plain=0)
    assert here.killed >= 3
    here.score.assert_none()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    with new_postgres_database(postgres_server) as url:
        store = open_store(DatabasePolicy(url))
        migrate.upgrade(store.database)
        store.close()
        yield url


@pytest.mark.postgres
def test_daemons_on_postgresql_give_no_offence_either(world, postgres_url):
    here = world(**_QUICK, database_url=postgres_url)
    _live(here, days=0.04, plain=0)
    assert here.killed >= 1
    assert here.score.requests >= 500
    here.score.assert_none()


def _live(here: World, *, days: float, plain: int) -> None:
    worlds.fill_oddly(here, days=days)
    worlds.fill_evenly(here, plain, days=days)
    here.kill_share = 0.0006
    here.play(here.keep_running(processes=2, days=days, lives_s=3600.0, pause_s=60.0))


def _assert_that_nothing_is_lost(here: World, *, until_s: float) -> None:
    """Whatever the feeds showed while they could be polled is stored."""
    for site in here.web.sites.values():
        for feed in site.feeds.values():
            if feed.is_listed and not site.rules and _shows_all(feed):
                published = {number for number, moment in enumerate(feed.published) if 0.0 <= moment < until_s}
                missed = published - stored_numbers(here, feed)
                assert not missed, f"{feed.url}: {sorted(missed)}"


def _shows_all(feed: SimFeed) -> bool:
    """Whether nothing that it publishes is hidden from who polls it when it wants to be polled."""
    return feed.says is not Says.LIES and not feed.archived and not feed.skip_days and (feed.max_age_s or 0) < DAY_S
