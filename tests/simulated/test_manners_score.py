"""The score catches each kind of rudeness: here the service is rude, by its knobs or because somebody tampers with it."""

import pytest
import sqlalchemy as sa

from ingest.model import FeedOptions, FetchRequest, Purpose
from ingest.store.queues import FEEDS
from ingest.store.schema import feeds, hosts
from tests.sim.documents import Says
from tests.sim.publishing import DAY_S, HOUR_S, every
from tests.sim.score import Offence
from tests.sim.web import Bucket, Robots, during

_PROMPT = {"is_adaptive": False, "interval_s": 600.0, "jitter": 0.0}
_QUIET = every(30 * DAY_S, days=2, before=5)


@pytest.fixture
def rude(world):
    """A world whose service has knobs that the score holds against it, with a host of so many feeds."""

    def make(number=1, *, rules=None, site=None, pages=False, **knobs):
        knobs.setdefault("poll", _PROMPT)
        here = world(rules={"poll": _PROMPT} | (rules or {}), has_articles=pages, **knobs)
        place = here.web.site("victim.example", **(site or {}))
        for one in range(number):
            feed = place.feed(f"/{one}", every(HOUR_S, days=2) if pages else _QUIET)
            here.options[feed.url] = FeedOptions(full_text=pages)
        return here, place

    return make


def _offences(here):
    return {offence for offence, times in here.score.offences.items() if times}


def test_it_is_silent_about_a_service_that_keeps_the_rules(rude):
    here, _ = rude(5, pages=True, site={"robots": Robots(disallow=("/0/",), crawl_delay_s=5.0), "rules": [Bucket(20.0, most=8)]})
    here.run(days=0.2)
    assert here.score.requests > 100
    assert here.score.refused
    assert _offences(here) == set()


def test_a_gap_that_is_not_kept_is_seen(rude):
    here, _ = rude(5, hosts={"gap_s": 0.2})
    here.run(seconds=1800)
    assert _offences(here) == {Offence.GAP}
    assert "the gap is 1.000 s" in here.score.told(Offence.GAP)


def test_a_learned_gap_that_is_not_kept_is_seen(rude):
    here, _ = rude(4, site={"rules": [Bucket(60.0)]})

    def forget(store):
        _write(store, hosts, gap_s=None, next_request_at=None)
        store.feeds.due_now(here.clock.now())

    _tamper(here, forget, at_s=HOUR_S)
    assert Offence.GAP in _offences(here)
    assert "the gap is 6" in here.score.told(Offence.GAP)  # 63 s and a little


def test_a_crawl_delay_that_is_not_kept_is_seen(rude):
    here, _ = rude(2, pages=True, site={"robots": Robots(crawl_delay_s=30.0)}, robots={"max_crawl_delay_s": 1.0})
    here.run(seconds=1800)
    assert _offences(here) == {Offence.GAP}


def test_more_requests_at_once_than_a_host_may_have_are_seen(rude):
    here, _ = rude(5, site={"answers_s": (5.0, 9.0)}, hosts={"gap_s": 0.0, "at_once": 4}, rules={"hosts": {"gap_s": 0.0}})
    here.run(seconds=1800)
    assert _offences(here) == {Offence.AT_ONCE}


def test_an_unconditional_repeat_is_seen(rude):
    here, _ = rude(poll={**_PROMPT, "probe_s": HOUR_S})
    here.run(seconds=3 * HOUR_S)
    assert _offences(here) == {Offence.UNCONDITIONAL}
    assert here.score.offences[Offence.UNCONDITIONAL] == 2


def test_a_request_before_retry_after_is_over_is_seen(rude):
    here, _ = rude(2, site={"rules": [during(HOUR_S, 2 * HOUR_S, 429, retry_after_s=3600)]}, hosts={"max_retry_after_s": 60.0})
    here.run(seconds=3 * HOUR_S)
    assert Offence.RETRY_AFTER in _offences(here)


def test_validators_that_are_not_those_of_the_document_are_seen(rude):
    here, _ = rude()
    _tamper(here, lambda store: _write(store, feeds, etag='"of another"'))
    assert _offences(here) == {Offence.VALIDATORS}


def test_a_poll_before_its_promised_moment_is_seen(rude):
    here, _ = rude()
    _tamper(here, lambda store: store.feeds.due_now(here.clock.now()))
    assert _offences(here) == {Offence.EARLY}


def test_a_poll_before_the_document_is_stale_is_seen(rude):
    here, place = rude(poll={**_PROMPT, "max_interval_s": 600.0})
    place.feed("/fresh", _QUIET, max_age_s=3600)
    here.run(seconds=1800)
    assert _offences(here) == {Offence.HINT}


def test_a_poll_in_an_hour_that_the_feed_wants_skipped_is_seen(rude):
    here, place = rude()
    feed = place.feed("/sleeper", _QUIET, skip_hours=(1, 2))
    here.options[feed.url] = FeedOptions(interval_s=600.0)  # a person's word, of which the score is not told

    async def story():
        await here.start()
        here.score.intervals.clear()
        await here.sleep(hours=2)

    here.play(story())
    assert _offences(here) == {Offence.HINT}


def test_a_feed_that_is_polled_twice_at_once_is_seen(rude):
    here, _ = rude(site={"answers_s": (20.0, 20.0)})

    async def story():
        daemon = await here.start()
        await here.sleep(seconds=10)
        daemon.store.feeds.release_gone(lambda owner: True)
        await here.start()
        await here.sleep(seconds=60)

    here.play(story())
    assert _offences(here) == {Offence.TWICE}


def test_a_page_that_robots_txt_forbids_is_seen(rude):
    here, _ = rude(pages=True, site={"robots": Robots(disallow=("/0/",))}, robots={"is_obeyed": False}, rules={})
    here.run(seconds=1800)
    assert _offences(here) == {Offence.ROBOTS}
    assert "forbids" in here.score.told(Offence.ROBOTS)


def test_a_page_that_was_asked_for_without_robots_txt_is_seen(rude):
    here, _ = rude(pages=True, robots={"is_obeyed": False}, rules={})
    here.run(seconds=1800)
    assert _offences(here) == {Offence.ROBOTS}
    assert "was not asked for" in here.score.told(Offence.ROBOTS)


def test_a_robots_txt_that_is_asked_for_all_the_time_is_seen(rude):
    here, _ = rude(pages=True, robots={"keep_s": 60.0})
    here.run(seconds=3 * HOUR_S)
    assert _offences(here) == {Offence.ROBOTS_REPEAT}


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/0/archive/1"])
def test_what_nobody_named_is_seen(rude, path):
    here, _ = rude()

    async def story():
        daemon = await here.start()
        await here.sleep(seconds=60)
        with pytest.raises(Exception, match="404"):
            await daemon.service.fetcher.fetch(FetchRequest(f"https://victim.example{path}", Purpose.PAGE))

    here.play(story())
    assert _offences(here) == {Offence.STRAY}


def test_a_liar_that_was_not_found_out_is_to_be_asked_with_validators(rude):
    here, place = rude(poll={**_PROMPT, "probe_s": HOUR_S})
    place.feed("/liar", _QUIET, says=Says.LIES)
    here.run(seconds=2 * HOUR_S)
    assert here.score.offences[Offence.UNCONDITIONAL] == 2  # it did not lie yet


def _tamper(here, do, *, at_s=300.0):
    """Something is done to the database behind the service's back."""

    async def story():
        daemon = await here.start()
        await here.sleep(seconds=at_s)
        do(daemon.store)
        here.due(FEEDS, here.clock.now())
        await here.sleep(seconds=900)

    here.play(story())


def _write(store, table, **values):
    store.database.transact(lambda connection: connection.execute(sa.update(table).values(values)))
