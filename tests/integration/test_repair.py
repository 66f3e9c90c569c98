"""Entries that came and went between two polls are noted, looked for in the feed's older pages, and stored. Everything wired."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ingest.config.settings import ConfiguredFeed, Settings
from ingest.daemon import run_once
from ingest.errors import TransientFetchError
from ingest.model import Checkpoint, FeedOptions, FeedSecrets, FeedSpec, GapRepair, Strategy
from ingest.outcome import Outcome
from ingest.policy import DEFAULTS, DatabasePolicy, FetchPolicy, GapPolicy, HostPolicy, WorkerPolicy
from ingest.repair import repair, repair_gaps
from ingest.store import open_store
from ingest.store.schema import entries, feeds, gaps, hosts
from ingest.wiring import wire
from tests.clocks import MovableClock
from tests.news import prose
from tests.site import Answer, Site

EVERY = timedelta(minutes=10)
WINDOW, MISSED = 5, 15
HEADS = {
    "WordPress": "<generator>https://wordpress.org/?v=6.8</generator>",
    "paging": '<atom:link rel="next" href="{url}?paged={next}"/>',
    "archives": '<atom:link rel="prev-archive" href="{url}?until={until}"/>',
    "none": "",
}


class Newsroom:
    """A feed that shows the five latest of the stories that it publishes every ten minutes; older pages hold the others."""

    def __init__(self, site, clock, history="WordPress", *, dated=True):
        self.site, self.clock, self.head, self.dated = site, clock, HEADS[history], dated
        self.began_at = clock.now() - 10 * EVERY - EVERY / 5  # so that no poll falls on a story
        self.broken = {}  # what is answered instead, by the page's query
        site.serve("/feed/", self.serve)

    @property
    def published(self):
        return int((self.clock.now() - self.began_at) / EVERY)

    def serve(self, request):
        query = request.path.partition("?")[2]
        if query in self.broken:
            return self.broken[query]
        number = int(query.partition("paged=")[2] or 1)
        newest = int(query.partition("until=")[2] or self.published - (number - 1) * WINDOW)
        if newest <= 0:
            return Answer(b"no such page", 404)
        oldest = max(newest - WINDOW, 0)
        head = self.head.format(url=self.site.url("/feed/"), next=number + 1, until=oldest)
        stories = "".join(self.story(n) for n in range(newest - 1, oldest - 1, -1))
        channel = f"<title>Newsroom</title><link>{self.site.url('/')}</link><description>x</description>{head}{stories}"
        return Answer(f'<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>{channel}</channel></rss>'.encode())

    def story(self, n):
        at = self.began_at + (n + 1) * EVERY  # the moment at which it appears
        date = f"<pubDate>{at:%a, %d %b %Y %H:%M:%S} GMT</pubDate>" if self.dated else ""
        return (
            f"<item><title>Story {n}</title><link>{self.site.url(f'/a/{n}')}</link><guid isPermaLink='false'>s{n}</guid>{date}"
            f"<description>{prose(n)}</description></item>"
        )


class World:
    """A newsroom, and a database of its own."""

    def __init__(self, site, database_url, history="WordPress", **kind):
        self.clock = MovableClock()
        self.site, self.news = site, Newsroom(site, self.clock, history, **kind)
        self.policies = replace(
            DEFAULTS,
            database=DatabasePolicy(database_url),
            fetch=FetchPolicy(allow=("127.0.0.0/8",)),
            hosts=HostPolicy(gap_s=0),
            workers=WorkerPolicy(processes=1),
        )
        self.options = FeedOptions()

    def play(self, script, **knobs):
        """What `script` of the wired service answers, with these knobs of [gaps]."""
        feed = ConfiguredFeed(FeedSpec(self.site.url("/feed/"), self.options), FeedSecrets(), "here")
        policies = replace(self.policies, gaps=GapPolicy(**knobs))
        settings = Settings(policies, "feeds.toml", full_text=False, path=None, feed_list=(feed,), provenance={})

        async def act():
            async with wire(settings, clock=self.clock) as service:
                return await asyncio.wait_for(script(service), 60)

        return asyncio.run(act())

    async def poll(self, service, *, after=timedelta()):
        self.clock.ahead += after
        await run_once(service, everything=True)

    async def watch(self, service):
        """Polls that overlap, so that the feed is known."""
        for _ in range(5):
            await self.poll(service, after=2 * EVERY)

    async def miss(self, service):
        """Twenty stories come between two polls."""
        before = self.news.published
        await self.poll(service, after=20 * EVERY)
        assert self.news.published == before + 20

    def rows(self, *columns, **conditions):
        store = open_store(self.policies.database, self.policies.hosts)
        try:
            query = sa.select(*columns).order_by(columns[0].table.c.id)
            for name, value in conditions.items():
                query = query.where(columns[0].table.c[name] == value)
            with store.database.read() as connection:
                return [tuple(row) for row in connection.execute(query)]
        finally:
            store.close()

    def missing(self):
        """Stories that were published and are not stored, of those since the first poll."""
        have = {guid for (guid,) in self.rows(entries.c.guid)}
        return [n for n in range(8, self.news.published) if f"s{n}" not in have]

    def ledger(self):
        return self.rows(gaps.c.missed, gaps.c.found, gaps.c.repair)


@pytest.fixture
def site():
    with Site() as site:
        yield site


@pytest.fixture
def world(site, tmp_path):
    return World(site, f"sqlite:///{tmp_path / 'ingest.db'}")


@pytest.mark.parametrize(
    ("history", "how"),
    [
        ("WordPress", "4 pages of WordPress paging: 15 found"),
        ("paging", "4 pages of paging: 15 found"),
        ("archives", "4 pages of archives: 15 found"),
    ],
)
def test_twenty_published_between_two_polls_of_a_window_of_five_leave_none_missing(site, database_url, history, how):
    world = World(site, database_url, history)

    async def miss(service):
        await world.watch(service)
        assert await service.in_thread(service.store.gaps.count_open) == 0
        await world.miss(service)

    world.play(miss, is_repaired=False)
    ((missed, found, _),) = world.ledger()
    assert (abs(missed - MISSED) <= 2, found, len(world.missing())) == (True, None, MISSED)

    world.play(world.poll)
    assert world.missing() == []
    assert world.ledger() == [(missed, MISSED, how)]
    assert world.rows(entries.c.id, priority=0, state="pending") == []


def test_a_pass_repairs_what_it_finds_missing_and_makes_the_articles(world):
    async def miss(service):
        await world.watch(service)
        await world.miss(service)

    world.play(miss)
    assert (world.missing(), [found for _, found, _ in world.ledger()]) == ([], [MISSED])
    assert world.rows(entries.c.priority, priority=1) == [(1,)] * MISSED
    assert {state for (state,) in world.rows(entries.c.state)} == {"stored"}


def test_a_feed_without_older_pages_says_so_and_is_asked_for_nothing(site, tmp_path):
    world = World(site, f"sqlite:///{tmp_path / 'ingest.db'}", "none")

    async def miss(service):
        await world.watch(service)
        await world.miss(service)
        site.forget()
        return await repair_gaps(service, 5)

    assert world.play(miss) == ()
    assert [(found, how) for _, found, how in world.ledger()] == [(0, "the feed names no older pages")]
    assert (len(world.missing()), site.requests) == (MISSED, [])


def test_older_pages_without_dates_are_read_until_one_is_known(site, tmp_path):
    world = World(site, f"sqlite:///{tmp_path / 'ingest.db'}", dated=False)

    async def miss(service):
        await world.watch(service)
        await world.miss(service)

    world.play(miss)
    assert world.missing() == []
    assert [(found, how) for _, found, how in world.ledger()] == [(MISSED, "4 pages of WordPress paging: 15 found")]


def put_gap(service, feed_id, *, hours, ago_hours=0):
    """A gap of so many hours, that long ago."""
    until = service.clock.now() - timedelta(hours=ago_hours)
    row = {"feed_id": feed_id, "since_at": until - timedelta(hours=hours), "until_at": until, "missed": 9.0, "reason": "a test"}
    service.store.database.transact(lambda connection: connection.execute(sa.insert(gaps), row))


def test_no_more_pages_are_asked_for_than_the_knob_allows(world):
    async def miss(service):
        await world.watch(service)
        await world.miss(service)

    world.play(miss, max_pages=2)
    assert len(world.missing()) == 5
    assert [(found, how) for _, found, how in world.ledger()] == [
        (10, "2 pages of WordPress paging: 10 found; there are more pages than gaps.max_pages")
    ]


def test_what_a_filter_of_the_feed_keeps_out_is_found_and_kept_out(world):
    world.options = FeedOptions(block=(r"Story \d*3\b",))

    async def miss(service):
        await world.watch(service)
        await world.miss(service)

    world.play(miss)
    assert [found for _, found, _ in world.ledger()] == [MISSED]
    blocked = world.rows(entries.c.title, state="blocked")
    assert blocked
    assert all(title.endswith("3") for (title,) in blocked)


def test_entries_from_before_the_gap_are_left_to_a_backfill(world):
    async def miss(service):
        await world.poll(service)  # the feed was begun with five of ten stories
        for _ in range(4):
            await world.poll(service, after=2 * EVERY)
        await world.miss(service)

    world.play(miss, max_pages=100)
    assert {f"s{n}" for n in range(4)} & {guid for (guid,) in world.rows(entries.c.guid)} == set()


def test_a_later_gap_that_was_repaired_does_not_hide_an_earlier_one(world):
    async def miss_twice(service):
        await world.watch(service)
        await world.miss(service)
        await world.watch(service)
        await world.miss(service)
        open_gaps = await service.in_thread(service.store.gaps.infos, None, 10)
        assert len(open_gaps) == 2
        return await repair(service, open_gaps)  # the latest first

    written = world.play(miss_twice, is_repaired=False)
    assert [one.found for one in written] == [MISSED, MISSED]
    assert world.missing() == []


# ── what stands in the way ──


def test_a_page_that_fails_is_tried_again_ever_later_and_then_what_was_found_counts(world):
    world.news.broken = {"paged=3": Answer(status=500)}

    async def miss(service):
        await world.watch(service)
        await world.miss(service)
        tries = []
        for pause in (14, 2, 59, 2, 239, 2, 10_000):
            asked = len(world.site.seen("/feed/?paged=3"))
            world.clock.ahead += timedelta(minutes=pause)
            await repair_gaps(service, 5)
            tries.append(len(world.site.seen("/feed/?paged=3")) - asked)
        return tries

    assert world.play(miss) == [0, 1, 0, 1, 0, 1, 0]
    assert [(found, how) for _, found, how in world.ledger()] == [
        (5, "1 page of WordPress paging: 5 found; then 500 Internal Server Error")
    ]


def test_a_page_that_is_refused_with_a_retry_after_holds_back_the_whole_host_until_then(world):
    world.news.broken = {"paged=3": Answer(status=429, headers={"Retry-After": "7200"})}

    async def miss(service):
        await world.watch(service)
        await world.miss(service)
        (gap,) = await service.in_thread(service.store.gaps.infos, None, 10)
        now, feed_id = service.clock.now(), gap.feed_id
        claim = await service.in_thread(service.store.feeds.claim_one, feed_id, now, now + timedelta(minutes=2))
        host = await service.in_thread(service.store.hosts.find, "127.0.0.1")
        return claim, host.throttled_until - now, gap.next_try_at - now

    claim, *waits = world.play(miss)
    assert claim is None
    assert all(timedelta(seconds=7100) < wait <= timedelta(seconds=7200) for wait in waits)


AGAIN = "to be tried again: 1 page of WordPress paging: 5 found; then 500 Internal Server Error"


def test_what_was_found_before_a_page_failed_is_found_again_when_it_does_not(world):
    world.news.broken = {"paged=3": Answer(status=500)}

    async def miss(service):
        await world.watch(service)
        await world.miss(service)
        (gap,) = await service.in_thread(service.store.gaps.infos, None, 10)
        assert (gap.is_open, gap.tries, gap.repair) == (True, 1, AGAIN)
        world.news.broken = {}
        world.clock.ahead += timedelta(minutes=16)
        written = await repair_gaps(service, 5)
        await world.poll(service)
        return written

    (written,) = world.play(miss)
    assert (written.found, world.missing()) == (MISSED, [])


def test_a_page_that_is_gone_for_good_ends_the_look_at_once(site, tmp_path):
    world = World(site, f"sqlite:///{tmp_path / 'ingest.db'}", "archives")
    world.news.broken = {f"until={n}": Answer(status=404) for n in range(20, 31)}

    async def miss(service):
        await world.watch(service)
        await world.miss(service)

    world.play(miss)
    ((_, found, how),) = world.ledger()
    assert (found, how) == (5, "1 page of archives: 5 found; then 404 Not Found")
    assert len(world.missing()) == MISSED - 5


def test_a_repair_that_trips_over_a_defect_is_tried_again_later_and_holds_up_no_other(world):
    async def miss(service):
        await world.watch(service)
        await world.miss(service)
        feed = await service.in_thread(service.store.feeds.find, site_url(world))
        put_gap(service, feed.feed_id, hours=4)
        calls = iter(range(9))

        async def trip_once(*args):
            if next(calls) == 0:
                raise ZeroDivisionError("a defect")
            return await service.offload(*args)

        await repair(replace(service, offload=trip_once), await open_gaps(service))
        first, second = sorted(await service.in_thread(service.store.gaps.infos, None, 5), key=lambda gap: gap.gap_id)
        return first.tries, first.found, first.repair, second.found, first.next_try_at - world.clock.now()

    tries, found, how, found_by_the_other, pause = world.play(miss, is_repaired=False)
    assert (tries, found, how, found_by_the_other) == (1, None, "to be tried again: ZeroDivisionError: a defect", MISSED)
    assert timedelta(minutes=14) < pause < timedelta(minutes=16)


def test_a_feed_that_somebody_polls_is_repaired_later(world):
    async def hold(service):
        await world.watch(service)
        await world.miss(service)
        feed = await service.in_thread(service.store.feeds.find, site_url(world))
        put_gap(service, feed.feed_id, hours=4)
        now = service.clock.now()
        claim = await service.in_thread(service.store.feeds.claim_one, feed.feed_id, now, now + timedelta(minutes=2))
        asked = len(world.site.requests)
        assert await repair_gaps(service, 5) == ()
        assert len(world.site.requests) == asked
        await service.in_thread(service.store.feeds.release, {feed.feed_id: claim.lease})
        return await repair_gaps(service, 5)

    assert [type(written) for written in world.play(hold)] == [GapRepair]


def site_url(world):
    return world.site.url("/feed/")


def test_two_that_repair_at_once_do_not_ask_for_the_same_pages(world):
    async def twice(service):
        await world.watch(service)
        await world.miss(service)
        world.site.forget()
        gaps_now = await open_gaps(service)
        both = await asyncio.gather(repair(service, gaps_now), repair(service, gaps_now))
        return [len(written) for written in both]

    assert sorted(world.play(twice, is_repaired=False)) == [0, 1]
    assert len({seen.path for seen in world.site.requests}) == len(world.site.requests) == 4


def test_a_host_that_has_no_turn_to_give_uses_up_no_try(world):
    async def miss(service):
        await world.watch(service)
        await world.miss(service)
        in_an_hour = service.clock.now() + timedelta(hours=1)
        service.store.database.transact(
            lambda connection: connection.execute(sa.update(hosts).values(next_request_at=in_an_hour))
        )
        gaps_now = await open_gaps(service)
        tried = [await repair(service, gaps_now) for _ in range(6)]
        return in_an_hour, [one for (one,) in tried]

    in_an_hour, written = world.play(miss, is_repaired=False)
    assert [(one.found, one.next_try_at >= in_an_hour - timedelta(seconds=1)) for one in written] == [(None, True)] * 6
    assert world.rows(gaps.c.tries) == [(0,)]


async def open_gaps(service):
    return await service.in_thread(service.store.gaps.open, service.clock.now(), 5)


def test_the_poll_after_a_repair_comes_when_it_was_due(world):
    async def miss(service):
        await world.watch(service)
        await world.miss(service)
        before = await service.in_thread(service.store.feeds.find, site_url(world))
        await repair_gaps(service, 5)
        after = await service.in_thread(service.store.feeds.find, site_url(world))
        return before.next_poll_at == after.next_poll_at

    assert world.play(miss, is_repaired=False)
    assert world.rows(feeds.c.lease_owner) == [(None,)]


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_a_feed_that_is_not_polled_is_not_repaired(world, state):
    async def stop(service):
        await world.watch(service)
        await world.miss(service)
        await service.in_thread(
            service.store.database.transact, lambda connection: connection.execute(sa.update(feeds).values(state=state))
        )
        world.site.forget()
        return await repair(service, await service.in_thread(service.store.gaps.infos, None, 5)), await open_gaps(service)

    assert world.play(stop, is_repaired=False) == ((), ())
    assert world.site.requests == []


def test_a_backfill_that_is_under_way_keeps_its_checkpoint(world):
    async def miss(service):
        await world.watch(service)
        feed = await service.in_thread(service.store.feeds.find, site_url(world))
        start = Checkpoint("http://127.0.0.1/elsewhere?paged=7", 6, 30)
        run = await service.in_thread(service.store.history.open, feed.feed_id, Strategy.WORDPRESS, start, service.clock.now())
        await world.miss(service)
        return [run] == list(await service.in_thread(service.store.history.infos, feed.feed_id))

    assert world.play(miss)
    assert world.missing() == []


def test_while_our_own_network_is_away_nothing_is_tried(world):
    async def miss(service):
        await world.watch(service)
        await world.miss(service)
        network = service.feeds.edges.network
        for n in range(30):
            network.failed(f"host{n}.example", TransientFetchError("https://a/", Outcome.TIMEOUT, "no complete answer in time"))
        assert network.is_away
        return await repair_gaps(service, 5)

    world.play(miss, is_repaired=False)

    async def look(service):
        (gap,) = await open_gaps(service)
        return gap.tries

    assert world.play(look, is_repaired=False) == 0


def test_steady_feeds_have_no_gaps(world):
    async def watch(service):
        for _ in range(4):
            await world.watch(service)

    world.play(watch)
    assert (world.ledger(), world.missing()) == ([], [])
