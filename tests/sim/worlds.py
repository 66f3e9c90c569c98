"""Webs to poll: one with every kind of manners that servers have, and large ones of feeds that only publish."""

import random
from collections.abc import Callable

from ingest.model import FeedOptions
from tests.sim.documents import Says
from tests.sim.publishing import DAY_S, HOUR_S, KINDS, bursts, by_day, every, lognormal_rates, poisson
from tests.sim.service import World
from tests.sim.web import Bucket, Robots, at_hours, during

_BEFORE_DAYS = 3.0  # of entries: first documents cost most
_FULL_TEXT = FeedOptions(full_text=True)

Kind = Callable[..., list[float]]
Publish = Callable[..., list[float]]  # so many entries a day, in this kind


def fill_evenly(world: World, feeds: int, *, days: float, crowds: int = 0) -> None:
    """Honest feeds that publish at lognormal rates: evenly, by day or in bursts, each on a host of its own.

    `crowds`: the first of them live in crowds of so many on one host each, a tenth of all feeds.
    """
    chance = random.Random(f"{world.setup.seed} evenly")
    for number, rate in enumerate(lognormal_rates(feeds, chance)):
        is_crowded = crowds and number < feeds // 10
        name = f"crowd-{number // crowds}.example" if is_crowded else f"site-{number}.example"
        site = world.web.sites.get(name) or world.web.site(name)
        site.feed(f"/{number}", KINDS[number % len(KINDS)](rate, days=days, chance=chance))


def fill_oddly(world: World, *, days: float) -> None:
    """Hosts with every kind of manners: those that are honest, those that lie, refuse, move, break and are slow."""
    chance = random.Random(f"{world.setup.seed} oddly")

    def publish(per_day: float, kind: Kind = poisson) -> list[float]:
        return kind(per_day, days=days, chance=chance, before_days=_BEFORE_DAYS)

    for fill in (_validators, _hints, _crowds, _refusals, _pages, _troubles, _moves, _odd_documents):
        fill(world, days, publish)


def _validators(world: World, days: float, publish: Publish) -> None:
    """Each kind of validators, also none and those of a liar."""
    for says in Says:
        for number, rate in enumerate((0.3, 3.0, 40.0)):
            site = world.web.site(f"{says.name.lower()}-{number}.example")
            site.feed("/feed", publish(rate, KINDS[number]), says=says)


def _hints(world: World, days: float, publish: Publish) -> None:
    """What feeds and servers say about when to come back, and a person's word against it."""
    feed = world.web.site("hints.example").feed
    feed("/max-age", publish(20), max_age_s=1800)
    feed("/max-age-of-days", publish(20), max_age_s=7 * 86_400)
    feed("/ttl", publish(20), ttl_min=45)
    feed("/skip-hours", publish(20), skip_hours=(2, 3, 5))
    feed("/skip-days", publish(20), skip_days=("Tuesday", "Saturday"))
    feed("/own-interval", publish(20), ttl_min=600, skip_hours=(2, 3))
    world.options["https://hints.example/own-interval"] = FeedOptions(interval_s=900.0)


def _crowds(world: World, days: float, publish: Publish) -> None:
    """Many feeds on one host; one that takes its time on another."""
    for number in range(15):
        world.web.site("crowd.example") if not number else None
        world.web.sites["crowd.example"].feed(f"/{number}", publish(5, by_day))
    slow = world.web.site("slow.example", answers_s=(1.0, 40.0))  # longer than the deadline, now and then
    for number in range(4):
        slow.feed(f"/{number}", publish(8))


def _refusals(world: World, days: float, publish: Publish) -> None:
    """Hosts that allow so many requests and no more, and some that are closed for a while, twice."""
    buckets = {"one-a-minute.example": Bucket(60.0), "a-few.example": Bucket(600.0, most=5)}
    for name, bucket in buckets.items():
        site = world.web.site(name, rules=[bucket])
        for number in range(6):
            site.feed(f"/{number}", publish(4))
    closed = {"closed.example": (503, 1800), "throttling.example": (429, 600), "blind.example": (429, None)}
    for name, (status, retry_after_s) in closed.items():
        spans = ((0.2, 0.3), (0.6, 0.65))
        rules = [during(*_span(days, *span), status, retry_after_s=retry_after_s) for span in spans]
        site = world.web.site(name, rules=rules)
        for number in range(3):
            site.feed(f"/{number}", publish(10))


def _pages(world: World, days: float, publish: Publish) -> None:
    """Feeds whose articles are on pages; robots.txt forbids some of them, or asks for pauses, or is not to be had."""
    sites = {
        "open.example": None,
        "partly.example": Robots(disallow=("/private",)),
        "private.example": Robots(disallow=("/",)),
        "unhurried.example": Robots(crawl_delay_s=10.0),
        "impatient.example": Robots(disallow=("/private",)),
        "untold.example": None,
    }
    for name, robots in sites.items():
        site = world.web.site(name, robots=robots)
        for path in ("/feed", "/private"):
            feed = site.feed(path, publish(40), window=8)
            world.options[feed.url] = _FULL_TEXT
    world.web.sites["impatient.example"].rules.append(Bucket(20.0, most=3))
    world.web.sites["untold.example"].rules.append(during(*_span(days, 0.0, 0.3), 503, path="/robots.txt"))


def _troubles(world: World, days: float, publish: Publish) -> None:
    """What comes and goes: errors for hours, every night, for good; and our own network, twice."""
    troubles = {
        "gone.example": during(*_span(days, 0.4, 1.1), 410),
        "missing-at-night.example": at_hours((1, 2, 3), 404),
        "broken.example": during(*_span(days, 0.3, 0.6), 500),
        "forbidden.example": during(*_span(days, 0.5, 0.55), 403),
    }
    for name, rule in troubles.items():
        world.web.site(name, rules=[rule]).feed("/feed", publish(10, by_day))
    world.web.outages.extend(_span(days, *span) for span in ((0.45, 0.46), (0.8, 0.81)))


def _moves(world: World, days: float, publish: Publish) -> None:
    """Feeds that live elsewhere now, on another host; one only for a while, one that says so without meaning it for good."""
    old, new = world.web.site("old.example"), world.web.site("new.example")
    moves = ((0.0, 1.1, 301), (0.3, 1.1, 308), (0.3, 0.35, 301), (0.0, 1.1, 302))
    for number, (start, end, status) in enumerate(moves):
        start_s, end_s = _span(days, start, end)
        target = new.feed(f"/{number}", publish(6), is_listed=False)
        old.feed(f"/{number}", target.published)
        old.moved(f"/{number}", target.url, start_s=start_s, end_s=end_s, status=status)


def _odd_documents(world: World, days: float, publish: Publish) -> None:
    """Guids that rotate, entries that are edited, bursts that overflow the window, archives."""
    site = world.web.site("odd.example")
    site.feed("/rotating", publish(3), window=4, has_rotating_guids=True)
    site.feed("/edited", publish(3), edited=every(7 * HOUR_S, days=days, before=0))
    site.feed("/undated", publish(8), is_dated=False)
    site.feed("/overflowing", publish(60, bursts), window=5, archived=20)


def _span(days: float, start: float, end: float) -> tuple[float, float]:
    """From one share of the run to another, in seconds."""
    return start * days * DAY_S, end * days * DAY_S
