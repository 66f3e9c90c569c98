"""What goes wrong in the middle of the walk costs one claim for a while and never an entry: on SQLite, everything wired."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ingest.config.settings import ConfiguredFeed, Settings
from ingest.daemon import run_once
from ingest.errors import StoreUnavailable, TransientFetchError
from ingest.model import FeedSecrets, FeedSpec
from ingest.outcome import Outcome
from ingest.pipeline import FeedWork, Tally
from ingest.policy import DEFAULTS, DatabasePolicy, ExtractPolicy, FetchPolicy, HostPolicy, WorkerPolicy
from ingest.store import open_store
from ingest.wiring import wire
from tests.clocks import MovableClock
from tests.news import item, page, prose, rss
from tests.site import Answer, Site

NONE, HOUR, DAY = timedelta(), timedelta(hours=1), timedelta(days=1)
POISON = "<p " + " ".join(f"a{number}=''" for number in range(40_000)) + ">ten seconds of a core, within one call of lxml</p>"


class Told:
    """An observer that keeps what crashed."""

    def __init__(self):
        self.crashes = []

    def network_lost(self, hosts): ...

    def network_back(self, away_s): ...

    def feed_polled(self, plan): ...

    def article_ingested(self, plan): ...

    def work_crashed(self, work, key, error):
        self.crashes.append(str(error))


class Tripping:
    """A store that fails once at `method`, in a way that nobody foresaw."""

    def __init__(self, store, method):
        self._store, self._method = store, method

    def __getattr__(self, name):
        if name != self._method:
            return getattr(self._store, name)
        self._method = None
        return self._trip

    def _trip(self, *args, **kwargs):
        raise ZeroDivisionError("nobody foresaw this")


class World:
    """A site with a feed of three stories, and a database of its own."""

    def __init__(self, site, folder):
        self.site, self.clock, self.told, self.tally = site, MovableClock(), Told(), Tally()
        self.path = folder / "ingest.db"
        self.policies = replace(
            DEFAULTS,
            database=DatabasePolicy(f"sqlite:///{self.path}"),
            fetch=FetchPolicy(allow=("127.0.0.0/8",)),
            hosts=HostPolicy(gap_s=0),
            workers=WorkerPolicy(processes=1),
        )
        self.publish(range(3))

    def publish(self, numbers, **text):
        base = self.site.url("").rstrip("/")
        self.site.page("/feed.xml", rss(base, [item(base, n, **text) for n in numbers]), etag=f'"{list(numbers)}"')
        for n in numbers:
            self.site.page(f"/a/{n}", page(f"story {n}"))

    def play(self, script):
        """What `script` of the wired service answers."""
        feed = ConfiguredFeed(FeedSpec(self.site.url("/feed.xml")), FeedSecrets(), "here")
        settings = Settings(self.policies, "feeds.toml", full_text=True, path=None, feed_list=(feed,), provenance={})

        async def act():
            async with wire(settings, self.tally, self.told, clock=self.clock) as service:
                return await asyncio.wait_for(script(service), 20)

        return asyncio.run(act())

    def run(self, *pauses):
        """Passes over what is due, each after so long a time."""

        async def passes(service):
            for pause in pauses or (NONE,):
                await self.once(service, after=pause)

        self.play(passes)

    async def once(self, service, *, after=NONE):
        self.clock.ahead += after
        await run_once(service, everything=False)

    def another(self):
        """The store as another process on another machine has it."""
        return open_store(self.policies.database, owner="elsewhere:1:1")

    def rows(self, query):
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    def states(self):
        return dict(self.rows("SELECT state, count(*) FROM entries GROUP BY state"))

    @property
    def soon(self):
        return self.clock.now() + timedelta(minutes=2)


@pytest.fixture
def world(tmp_path):
    with Site() as site:
        yield World(site, tmp_path)


def articles_with(service, **tools):
    """The runner of articles, with other tools."""
    return replace(service, articles=replace(service.articles, **tools)).article_runner()


# ── a page that takes its worker with it ──


def test_a_page_that_hangs_its_worker_is_given_up_after_three_tries_and_the_others_are_stored(world):
    world.policies = replace(world.policies, extract=ExtractPolicy(timeout_s=1))
    world.publish(range(4))
    world.site.page("/a/0", f"<!doctype html><html><body>{POISON}</body></html>")
    world.run(NONE, DAY, DAY, 30 * DAY)
    assert len(world.site.seen("/a/0")) == 3
    assert world.rows("SELECT attempts, outcome, reason FROM entries WHERE state = 'failed'") == [
        (3, "extract_killed", "took longer than 1 s, its worker was ended")
    ]
    assert world.states() == {"stored": 3, "failed": 1}


# ── a defect of ours ──


@pytest.mark.parametrize("method", ["known_entries", "apply"])
def test_a_defect_in_a_poll_is_a_failed_poll_and_the_feed_stays_claimable(world, method):
    async def trip(service):
        await service.feed_runner(FeedWork(replace(service.feeds, store=Tripping(service.store.feeds, method)))).drain()
        assert world.rows("SELECT outcome, reason FROM polls") == [("internal_error", "ZeroDivisionError: nobody foresaw this")]
        assert world.rows("SELECT state, lease_owner, failures FROM feeds") == [("active", None, 0.25)]
        assert world.states() == {}
        await world.once(service, after=DAY)

    world.play(trip)
    assert world.states() == {"stored": 3}


@pytest.mark.parametrize("method", ["candidates", "apply"])
def test_a_defect_in_the_making_of_an_article_is_a_failed_try_and_the_next_one_stores_it(world, method):
    world.publish([7])

    async def trip(service):
        await service.feed_runner(FeedWork(service.feeds)).drain()
        await articles_with(service, store=Tripping(service.store.articles, method)).drain()
        assert world.rows("SELECT state, outcome, reason, attempts, lease_owner FROM entries") == [
            ("pending", "internal_error", "ZeroDivisionError: nobody foresaw this", 1, None)
        ]
        await world.once(service, after=HOUR)

    world.play(trip)
    assert world.states() == {"stored": 1}


def test_a_defect_in_every_attempt_to_make_an_article_is_a_failed_try_too(world):
    world.publish([7])

    async def broken(timeout_s, call, /, *args, **kwargs):
        raise ZeroDivisionError("nobody foresaw this")

    async def trip(service):
        await service.feed_runner(FeedWork(service.feeds)).drain()
        await articles_with(service, edges=replace(service.articles.edges, offload=broken)).drain()

    world.play(trip)
    assert world.rows("SELECT state, outcome, reason, attempts, lease_owner FROM entries") == [
        ("pending", "internal_error", "ZeroDivisionError: nobody foresaw this", 1, None)
    ]


# ── a lease that is lost in the middle ──


def test_whoever_finishes_a_poll_after_its_lease_was_lost_writes_nothing(world):
    other = world.another()

    def take_over(request):
        world.clock.ahead += HOUR
        assert len(other.feeds.claim(world.clock.now(), limit=1, lease_until=world.soon)) == 1
        world.publish(range(3))
        return Answer(rss("http://late.example", [item("http://late.example", 99)]).encode())

    async def be_late(service):
        world.site.serve("/feed.xml", take_over)
        await world.once(service)
        assert world.rows("SELECT lease_owner, polled_at FROM feeds") == [("elsewhere:1:1", None)]
        assert (world.rows("SELECT * FROM polls"), world.states(), world.told.crashes) == ([], {}, [])
        await world.once(service, after=HOUR)  # the other one has died

    world.play(be_late)
    assert world.states() == {"stored": 3}
    other.close()


def test_whoever_finishes_an_article_after_its_lease_was_lost_writes_nothing(world):
    world.publish([7])
    other = world.another()

    def take_over(request):
        world.clock.ahead += HOUR
        assert len(other.articles.claim(world.clock.now(), limit=1, lease_until=world.soon)) == 1
        return Answer(page("late").encode())

    async def be_late(service):
        world.site.serve("/a/7", take_over)
        await world.once(service)
        assert world.rows("SELECT state, lease_owner, attempts FROM entries") == [("pending", "elsewhere:1:1", 0)]
        assert (world.rows("SELECT * FROM articles"), world.told.crashes) == ([], [])
        world.publish([7])
        await world.once(service, after=HOUR)

    world.play(be_late)
    assert world.states() == {"stored": 1}
    other.close()


# ── a database that cannot be written for a while ──

LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for _ in sys.stdin:
    connection.execute("BEGIN IMMEDIATE")
    print("locked", flush=True)
    time.sleep(2)
    connection.execute("COMMIT")
"""


@pytest.fixture
def locker(world):
    """A process that locks the database for two seconds on each line it is sent, and answers once it has."""
    with subprocess.Popen(
        [sys.executable, "-c", LOCK, world.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.stdin.close()


def lock_and_answer(process, answer):
    def serve(request):
        process.stdin.write("now\n")
        process.stdin.flush()
        assert process.stdout.readline() == "locked\n"
        return Answer(answer.encode())

    return serve


def test_a_database_that_another_process_locks_for_two_seconds_is_waited_for(world, locker):
    base = world.site.url("").rstrip("/")
    world.site.serve("/feed.xml", lock_and_answer(locker, rss(base, [item(base, n) for n in range(3)])))
    world.run()
    assert world.told.crashes == []
    assert world.states() == {"stored": 3}


def limit_pages(service, count):
    """From now on the database may have no more pages than it has, and `count`: what a full disk looks like from inside."""
    engine = service.store.database._engine

    def limit(connection, *_):
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + count}")

    sa.event.listen(engine, "checkout", limit)
    return lambda: (
        sa.event.remove(engine, "checkout", limit),
        sa.event.listen(engine, "checkout", lambda connection, *_: connection.execute("PRAGMA max_page_count = 1000000")),
    )


@pytest.mark.parametrize(("path", "left"), [("/feed.xml", {}), ("/a/7", {"pending": 1})], ids=["poll", "article"])
def test_a_full_disk_is_one_clear_line_and_everything_goes_on_once_there_is_room(world, path, left):
    world.publish([7], text=prose("long", 4000))
    base = world.site.url("").rstrip("/")
    answers = {"/feed.xml": rss(base, [item(base, 7, text=prose("long", 4000))]), "/a/7": page("story 7", words=9000)}

    async def fill(service):
        free = []

        def fill_and_answer(request):
            free[:] = free or [limit_pages(service, 0)]
            return Answer(answers[path].encode())

        world.site.serve(path, fill_and_answer)
        await world.once(service)
        before = world.states(), world.rows("SELECT * FROM articles")
        free[0]()
        await world.once(service, after=HOUR)  # the lease has run out
        return before

    assert world.play(fill) == (left, [])
    assert world.told.crashes == [f"database {world.path} the disk is full: database or disk is full"]
    assert world.states() == {"stored": 1}


def test_a_stop_does_not_wait_for_the_pause_after_a_store_that_is_away(world):
    async def stop_in_the_pause(service):
        loop, asked = asyncio.get_running_loop(), asyncio.Event()

        class Away:
            def claim(self, *args, **kwargs):
                loop.call_soon_threadsafe(asked.set)
                raise StoreUnavailable("away")

        runner = service.feed_runner(FeedWork(replace(service.feeds, store=Away())))
        running = asyncio.create_task(runner.run())
        await asked.wait()
        started_s = time.monotonic()
        await runner.stop(5)
        await running
        return time.monotonic() - started_s

    assert world.play(stop_in_the_pause) < 0.8  # the pause is a second


# ── a network of our own that is away ──


def lose_network(service):
    """Five hosts in a row are silent."""
    for number in range(5):
        url = f"http://h{number}.example/"
        service.feeds.edges.network.failed(f"h{number}.example", TransientFetchError(url, Outcome.CONNECT_ERROR, "no route"))


def test_a_server_that_answers_in_an_outage_is_heard_and_ends_it_though_its_feed_was_failing_before(world):
    world.site.page("/feed.xml", b"out of order", status=500)

    async def refuse(service):
        await world.once(service)
        world.site.page("/feed.xml", b"slow down", status=429, headers={"Retry-After": "3600"})
        lose_network(service)
        await world.once(service, after=3 * HOUR)
        return service.feeds.edges.network.is_away

    assert world.play(refuse) is False
    assert world.rows("SELECT outcome, status FROM polls ORDER BY id") == [("http_error", 500), ("rate_limited", 429)]
    assert world.rows("SELECT failures, not_before_at > polled_at FROM feeds") == [(0.75, 1)]
    assert world.rows("SELECT count(throttled_until) FROM hosts") == [(1,)]


def test_what_a_server_answered_just_before_an_outage_still_counts(world):
    world.site.page("/feed.xml", b"gone", status=410)

    async def lose(service):
        await world.once(service)
        lose_network(service)
        service.store.feeds.add(FeedSpec("http://127.0.0.11:9/feed"), world.clock.now())
        await world.once(service)

    world.play(lose)
    assert world.rows("SELECT outcome, failures FROM feeds ORDER BY id") == [("gone", 6.0), ("connect_error", 0.0)]


def test_a_feed_that_was_given_up_in_the_first_seconds_of_an_outage_is_polled_again(world):
    async def lose(service):
        await world.once(service)
        dying = service.store.feeds.add(FeedSpec("http://127.0.0.11:9/feed"), world.clock.now())
        with closing(sqlite3.connect(world.path)) as connection, connection:
            connection.execute("UPDATE feeds SET failures = 29.75 WHERE id = ?", (dying,))
        await world.once(service)
        assert world.rows("SELECT state, failures FROM feeds WHERE outcome = 'connect_error'") == [("disabled", 30.0)]
        lose_network(service)
        service.store.feeds.add(FeedSpec("http://127.0.0.12:9/feed"), world.clock.now())
        await world.once(service)

    world.play(lose)
    found = world.rows("SELECT state, failures, next_reason FROM feeds WHERE url LIKE '%.11%'")
    assert found == [("active", 29.75, "its last failure does not count: our own network was away")]


# ── a clock that jumps ──


def test_ten_years_ahead_each_feed_is_polled_once_and_no_more(world):
    world.run(NONE, 3650 * DAY, NONE)
    assert world.rows("SELECT outcome FROM polls ORDER BY id") == [("ok",), ("not_modified",)]


def test_an_hour_back_nothing_is_polled_twice_and_all_goes_on_when_the_clock_has_caught_up(world):
    async def set_back(service):
        await world.once(service)
        await world.once(service, after=-HOUR)
        assert world.rows("SELECT outcome FROM polls") == [("ok",)]
        await world.once(service, after=2 * HOUR)

    world.play(set_back)
    assert world.rows("SELECT outcome FROM polls ORDER BY id") == [("ok",), ("not_modified",)]


def test_a_clock_set_back_in_the_middle_of_a_poll_lets_it_finish_and_poll_no_second_time(world):
    base = world.site.url("").rstrip("/")

    def set_back(request):
        world.clock.ahead = -HOUR
        return Answer(rss(base, [item(base, n) for n in range(3)]).encode())

    world.site.serve("/feed.xml", set_back)
    world.run()
    assert len(world.site.seen("/feed.xml")) == 1
    assert world.states() == {"stored": 3}
    assert world.rows("SELECT lease_owner FROM feeds") == [(None,)]
