"""Pages and robots.txt in the walk: who is asked for what, and what becomes of the entries. On SQLite, everything wired."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from ingest.config.settings import ConfiguredFeed, Settings
from ingest.daemon import run_once
from ingest.model import FeedOptions, FeedSecrets, FeedSpec, FetchRequest, Purpose, RobotsVerdict
from ingest.policy import DEFAULTS, DatabasePolicy, FetchPolicy, HostPolicy, RobotsPolicy, WorkerPolicy
from ingest.wiring import wire
from tests.clocks import MovableClock
from tests.news import item, page, prose, rss
from tests.site import Answer, Site

NONE, HOUR, DAY = timedelta(), timedelta(hours=1), timedelta(days=1)
FORBIDDEN = "User-agent: *\nDisallow: /a/\n"


class World:
    """A site with a feed of three stories, and a database of its own."""

    def __init__(self, site, folder):
        self.site, self.clock = site, MovableClock()
        self.path = folder / "ingest.db"
        self.policies = replace(
            DEFAULTS,
            database=DatabasePolicy(f"sqlite:///{self.path}"),
            fetch=FetchPolicy(allow=("127.0.0.0/8",)),
            hosts=HostPolicy(gap_s=0, at_once=16),
            workers=WorkerPolicy(processes=1),
        )
        self.options, self.secrets = FeedOptions(), FeedSecrets()
        self.publish(range(3))

    def publish(self, numbers, text="words", **links):
        """Stories with a page each; with `text` the feed has some of its own."""
        base = self.site.url("").rstrip("/")
        items = [item(base, n, text=prose(("feed", n)) if text else "", **links) for n in numbers]
        self.site.page("/feed.xml", rss(base, items))
        for n in numbers:
            self.site.page(f"/a/{n}", page(f"story {n}"))

    def robots(self, text="", status=200):
        self.site.page("/robots.txt", text, status=status)

    def play(self, script):
        """What `script` of the wired service answers."""
        feed = ConfiguredFeed(FeedSpec(self.site.url("/feed.xml"), self.options), self.secrets, "here")
        settings = Settings(self.policies, "feeds.toml", full_text=True, path=None, feed_list=(feed,), provenance={})

        async def act():
            async with wire(settings, clock=self.clock) as service:
                return await asyncio.wait_for(script(service), 30)

        return asyncio.run(act())

    def run(self, *pauses):
        """Passes over what is due, each after so long a time."""

        async def passes(service):
            for pause in pauses or (NONE,):
                self.clock.ahead += pause
                await run_once(service, everything=False)

        self.play(passes)

    def rows(self, query):
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    def pages_asked(self):
        return sorted(seen.path for seen in self.site.requests if seen.path.startswith("/a/"))


@pytest.fixture
def world(tmp_path):
    with Site() as site:
        yield World(site, tmp_path)


ENTRIES = "SELECT state, outcome, reason FROM entries"
ARTICLES = "SELECT body_source, robots FROM articles"
HOST = "127.0.0.1"

# ── what it allows and forbids ──


def test_where_robots_txt_allows_it_pages_are_asked_for_and_the_verdict_is_kept(world):
    world.robots("User-agent: *\nDisallow: /private/\n")
    world.run()
    assert (len(world.site.seen("/robots.txt")), world.pages_asked()) == (1, ["/a/0", "/a/1", "/a/2"])
    assert world.rows(ARTICLES) == [("page", "allowed")] * 3


def test_where_there_is_no_robots_txt_pages_are_asked_for(world):
    world.run()
    assert world.rows(ARTICLES) == [("page", "no_rules")] * 3


def test_a_forbidden_page_is_never_asked_for_and_the_feeds_text_is_the_article(world):
    world.robots(FORBIDDEN)
    world.run(NONE, HOUR, 30 * DAY)
    assert world.pages_asked() == []
    reason = f"robots.txt of {HOST} forbids the page; text from the feed"
    assert world.rows(ENTRIES) == [("stored", "ok", reason)] * 3
    assert world.rows(ARTICLES) == [("feed", "disallowed")] * 3


def test_without_a_text_in_the_feed_the_entry_of_a_forbidden_page_has_failed(world):
    world.publish(range(3), text="")
    world.robots(FORBIDDEN)
    world.run(NONE, 30 * DAY)
    assert world.pages_asked() == []
    assert world.rows(ENTRIES) == [("failed", "disallowed", f"robots.txt of {HOST} forbids the page")] * 3
    assert world.rows(ARTICLES) == []


def test_feeds_are_named_by_people_and_need_no_leave(world):
    world.robots("User-agent: *\nDisallow: /\n")
    world.run()
    assert len(world.site.seen("/feed.xml")) == 1


def test_where_no_page_is_wanted_robots_txt_is_not_asked_for(world):
    world.options = FeedOptions(full_text=False)
    world.run()
    assert [seen.path for seen in world.site.requests] == ["/feed.xml"]
    assert world.rows(ARTICLES) == [("feed", "not_asked")] * 3


def test_who_does_not_obey_does_not_ask(world):
    world.policies = replace(world.policies, robots=RobotsPolicy(is_obeyed=False))
    world.robots(FORBIDDEN)
    world.run()
    assert (world.site.seen("/robots.txt"), len(world.pages_asked())) == ([], 3)
    assert world.rows(ARTICLES) == [("page", "not_asked")] * 3


def test_the_rules_for_the_name_that_a_feed_gives_us_count(world):
    world.options = FeedOptions(user_agent="DeskBot/1.0 (+https://desk.example)")
    world.robots("User-agent: *\nDisallow: /\n\nUser-agent: deskbot\nDisallow: /a/1\n")
    world.run()
    assert world.pages_asked() == ["/a/0", "/a/2"]
    assert {seen.headers["user-agent"] for seen in world.site.requests} == {"DeskBot/1.0 (+https://desk.example)"}


def test_what_is_secret_of_a_feed_is_not_sent_with_the_question(world):
    world.secrets = FeedSecrets(headers={"X-Api-Key": "sesame"}, username="me", password="sesame")
    world.run()
    (asked,) = world.site.seen("/robots.txt")
    assert {"x-api-key", "authorization"} & set(asked.headers) == set()
    assert world.site.seen("/a/0")[0].headers["x-api-key"] == "sesame"


# ── how often it is asked for ──


def test_it_is_asked_for_once_a_day_whatever_restarts_lie_between(world):
    world.robots("User-agent: *\nDisallow: /private/\n")
    world.run()
    for number in range(3, 9):
        world.publish([number])
        world.clock.ahead += 4 * HOUR
        world.run()
    assert len(world.site.seen("/robots.txt")) == 2
    assert len(world.pages_asked()) == 9


def test_many_pages_of_a_host_at_once_ask_for_it_once(world):
    world.publish(range(40))
    answers = []

    def slow(request):
        answers.append(len(world.pages_asked()))
        return Answer(b"User-agent: *\nDisallow: /private/\n")

    world.site.serve("/robots.txt", slow)
    world.run()
    assert (answers, len(world.pages_asked())) == ([0], 40)


async def check_many(service, urls):
    requests = [FetchRequest(url, Purpose.PAGE) for url in urls]
    return await asyncio.gather(*(service.articles.robots.check(request) for request in requests), return_exceptions=True)


def test_of_those_who_wait_for_it_the_one_who_asks_may_be_ended(world):
    world.robots(FORBIDDEN)

    async def end_the_first(service):
        gate, request = service.articles.robots, FetchRequest(world.site.url("/a/1"), Purpose.PAGE)
        first, *others = [asyncio.create_task(gate.check(request)) for _ in range(5)]
        await asyncio.sleep(0)
        first.cancel()
        ended, *rulings = await asyncio.gather(first, *others, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)
        return {ruling.verdict for ruling in rulings}, gate._flights

    assert world.play(end_the_first) == ({RobotsVerdict.DISALLOWED}, {})


def test_what_is_remembered_is_bounded_and_what_is_forgotten_is_in_the_store(world, monkeypatch):
    monkeypatch.setattr("ingest.pipeline.robots._MAX_FILES", 2)
    hosts = [f"127.0.0.{n}" for n in range(1, 5)]

    async def visit(service):
        gate = service.articles.robots
        with Site(hosts[1]) as b, Site(hosts[2]) as c, Site(hosts[3]) as d:
            sites = [world.site, b, c, d]
            for site in sites:
                site.page("/robots.txt", FORBIDDEN)
            for _ in range(2):
                rulings = [await gate.check(FetchRequest(site.url("/a/1"), Purpose.PAGE)) for site in sites]
                assert {ruling.verdict for ruling in rulings} == {RobotsVerdict.DISALLOWED}
            assert [len(site.seen("/robots.txt")) for site in sites] == [1, 1, 1, 1]
            return len(gate._files), gate._chars

    assert world.play(visit) == (2, 2 * len(FORBIDDEN))


def test_a_crawl_delay_keeps_requests_apart_from_then_on(world):
    world.robots("User-agent: *\nCrawl-delay: 0.3\n")
    world.run()
    assert world.rows(f"SELECT crawl_delay_s FROM hosts WHERE host = '{HOST}'") == [(0.3,)]
    asked = [seen.at for seen in world.site.requests if seen.path != "/feed.xml"]
    assert len(asked) == 4
    assert min(after - before for before, after in pairwise(asked)) > 0.29
    world.robots("User-agent: *\nDisallow:\n")
    world.publish([9])
    world.run(25 * HOUR)
    assert world.rows(f"SELECT crawl_delay_s FROM hosts WHERE host = '{HOST}'") == [(None,)]


def test_a_file_of_half_a_megabyte_is_obeyed_up_to_the_limit(world):
    filler = "".join(f"Disallow: /x{n}/\n" for n in range(40_000))
    world.robots(f"User-agent: *\nDisallow: /a/\n{filler}")
    world.run()
    assert (world.pages_asked(), world.rows(ARTICLES)) == ([], [("feed", "disallowed")] * 3)


def test_it_may_lie_behind_redirects_also_elsewhere(world):
    with Site("127.0.0.2") as other:
        other.page("/rules", FORBIDDEN)
        world.site.page("/robots.txt", status=301, headers={"Location": "/one"})
        world.site.page("/one", status=302, headers={"Location": other.url("/rules")})
        world.run()
    assert (world.pages_asked(), world.rows(ARTICLES)) == ([], [("feed", "disallowed")] * 3)


# ── when nobody can tell ──


def test_while_it_cannot_be_had_no_page_is_asked_for_and_afterwards_each_is(world):
    world.robots(status=503)
    world.run()
    assert world.pages_asked() == []
    reason = f"robots.txt of {HOST} cannot be had (503 Service Unavailable), which is to be taken as a no; text from the feed"
    assert world.rows(ENTRIES) == [("pending", "disallowed", reason)] * 3
    assert world.rows(ARTICLES) == [("feed", "unreachable")] * 3
    assert len(world.site.seen("/robots.txt")) == 1
    world.robots("User-agent: *\nDisallow: /private/\n")
    world.run(2 * HOUR)
    assert (len(world.pages_asked()), world.rows(ARTICLES)) == (3, [("page", "allowed")] * 3)


def test_it_is_not_asked_for_again_before_an_hour_has_passed(world):
    world.robots(status=500)
    world.run()
    world.publish([9])
    world.run(HOUR * 3 / 4)
    assert len(world.site.seen("/robots.txt")) == 1


def test_rules_known_from_before_count_while_it_cannot_be_had(world):
    world.robots("User-agent: *\nDisallow: /a/1\n")
    world.run()
    world.robots(status=503)
    world.publish([1, 10, 5])
    world.run(2 * DAY)
    assert world.pages_asked() == ["/a/0", "/a/2", "/a/5"]
    assert len(world.site.seen("/robots.txt")) == 2


def test_a_host_that_cannot_tell_for_thirty_days_has_no_rules(world):
    world.robots(status=503)

    async def wait(service):
        for day in range(60):
            world.publish([100 + day])
            world.clock.ahead += DAY
            await run_once(service, everything=False)
            if world.pages_asked():
                return day
        raise AssertionError("no page was ever asked for")

    days = world.play(wait)
    assert 30 <= days <= 33
    assert len(world.site.seen("/robots.txt")) <= days + 8


def test_a_robots_txt_that_is_refused_as_too_often_leaves_the_host_alone(world):
    world.site.page("/robots.txt", status=429, headers={"Retry-After": "7200"})
    world.run()
    assert (len(world.site.seen("/robots.txt")), world.pages_asked()) == (1, [])
    (until,) = world.rows(f"SELECT throttled_until FROM hosts WHERE host = '{HOST}'")
    assert until[0] is not None
    world.run(HOUR)
    assert len(world.site.requests) == 2  # the feed and robots.txt, at first


# ── pages that lead elsewhere ──


@pytest.fixture
def elsewhere(world):
    """Another origin, to which the three stories lead."""
    with Site("127.0.0.2") as other:
        for n in range(3):
            world.site.page(f"/a/{n}", status=302, headers={"Location": other.url(f"/b/{n}")})
            other.page(f"/b/{n}", page(f"story {n}"))
        yield other


def test_a_page_that_leads_to_where_it_is_forbidden_is_dropped(world, elsewhere):
    elsewhere.page("/robots.txt", "User-agent: *\nDisallow: /b/\n")
    world.run(NONE, 2 * DAY)
    reason = "robots.txt of 127.0.0.2 forbids the page; text from the feed"
    assert world.rows(ENTRIES) == [("stored", "ok", reason)] * 3
    assert world.rows(ARTICLES) == [("feed", "disallowed")] * 3
    assert world.pages_asked() == ["/a/0", "/a/1", "/a/2"]
    assert len(elsewhere.seen("/robots.txt")) == 1


def test_a_page_that_leads_to_where_it_is_allowed_is_the_article(world, elsewhere):
    elsewhere.page("/robots.txt", "User-agent: *\nDisallow: /c/\n")
    world.robots("User-agent: *\nDisallow: /b/\n")
    world.run()
    assert world.rows(ARTICLES) == [("page", "allowed")] * 3


def test_a_page_that_leads_to_where_nobody_can_tell_waits(world, elsewhere):
    elsewhere.page("/robots.txt", status=503)
    world.run()
    assert world.rows("SELECT DISTINCT state, outcome FROM entries") == [("pending", "disallowed")]
    assert world.rows(ARTICLES) == [("feed", "unreachable")] * 3
