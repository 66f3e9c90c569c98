"""Webs to poll: one with every kind of manners that servers have, and large ones of feeds that only publish."""

import random
from collections.abc import Callable

from ingest.model import FeedOptions
from tests.sim.documents import Says
from tests.sim.publishing import DAY_S, HOUR_S, KINDS, bursts, by_day, every, lognormal_rates, poisson
from tests.sim.service import World
from tests.sim.web import Bucket, Robots, at_hours, during

_ALIKE = 0.2  # seconds; answers that come together are written together
_BEFORE_DAYS = 3.0  # of entries: first documents cost most
_FULL_TEXT = FeedOptions(full_text=True)

Kind = Callable[..., list[float]]
Publish = Callable[..., list[float]]  # so many entries a day, in this kind


def fill_evenly(
    world: World, feeds: int, *, days: float, crowds: int = 0, answers_s: tuple[float, float] = (_ALIKE, _ALIKE)
) -> None:
    """Honest feeds that publish at lognormal rates: evenly, by day or in bursts, each on a host of its own.

    `crowds`: the first of them live in crowds of so many on one host each, a tenth of all feeds.
    """
    chance = random.Random(f"{world.setup.seed} evenly")
    for number, rate in enumerate(lognormal_rates(feeds, chance)):
        is_crowded = crowds and number < feeds // 10
        name = f"crowd-{number // crowds}.example" if is_crowded else f"site-{number}.example"
        site = world.web.sites.get(name) or world.web.site(name, answers_s=answers_s)
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
    feed("/max-age", publish(20), max_age_s=3 * 3600)
    feed("/max-age-of-days", publish(20), max_age_s=7 * 86_400)
    feed("/ttl", publish(20), ttl_min=240)
    feed("/skip-hours", publish(20), skip_hours=tuple(range(7)))
    feed("/skip-days", publish(20), skip_days=("Tuesday", "Saturday"))
    feed("/own-interval", publish(20), ttl_min=600, skip_hours=(9, 10))
    world.options["https://hints.example/own-interval"] = FeedOptions(interval_s=HOUR_S)


def _crowds(world: World, days: float, publish: Publish) -> None:
    """Many feeds on one host; one that takes its time on another."""
    for number in range(15):
        world.web.site("crowd.example") if not number else None
        world.web.sites["crowd.example"].feed(f"/{number}", publish(5, by_day))
    slow = world.web.site("slow.example", answers_s=(1.0, 40.0))  # longer than the deadline, now and then
    for number in range(4):
        slow.feed(f"/{number}", publish(8))


def _refusals(world: World, days: float, publish: Publish) -> None:
    """Hosts that allow so many requests and no more, and one that is closed for some hours of the day."""
    buckets = {"one-a-minute.example": Bucket(60.0), "a-few.example": Bucket(600.0, most=5)}
    for name, bucket in buckets.items():
        site = world.web.site(name, rules=[bucket])
        for number in range(6):
            site.feed(f"/{number}", publish(4))
    closed = world.web.site("closed.example")
    for day in range(int(days) + 1):
        closed.rules.append(during(day * DAY_S + 4 * HOUR_S, day * DAY_S + 6 * HOUR_S, 503, retry_after_s=5400))
    closed.feed("/feed", publish(30))
    date = world.web.site("blind.example", rules=[during(5 * HOUR_S, 6 * HOUR_S, 429)])  # names no time
    date.feed("/feed", publish(30))


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
            feed = site.feed(path, publish(6), window=8)
            world.options[feed.url] = _FULL_TEXT
    world.web.sites["impatient.example"].rules.append(Bucket(20.0, most=3))
    world.web.sites["untold.example"].rules.append(during(0.0, 6 * HOUR_S, 503, path="/robots.txt"))


def _troubles(world: World, days: float, publish: Publish) -> None:
    """What comes and goes: errors for hours, every night, for good; and our own network."""
    troubles = {
        "gone.example": during(DAY_S, 1e12, 410),
        "missing-at-night.example": at_hours((1, 2, 3), 404),
        "broken.example": during(0.3 * DAY_S, 0.6 * DAY_S, 500),
        "forbidden.example": during(0.5 * DAY_S, 0.55 * DAY_S, 403),
    }
    for name, rule in troubles.items():
        world.web.site(name, rules=[rule]).feed("/feed", publish(10, by_day))
    world.web.outages.extend(((0.4 * DAY_S, 0.43 * DAY_S), (1.7 * DAY_S, 1.71 * DAY_S)))


def _moves(world: World, days: float, publish: Publish) -> None:
    """Feeds that live elsewhere now, on the same host or another; one only for some hours."""
    old, new = world.web.site("old.example"), world.web.site("new.example")
    for number, (start_s, end_s, status) in enumerate(
        ((0.0, 1e12, 301), (DAY_S, 1e12, 308), (DAY_S, 1.2 * DAY_S, 301), (0.0, 1e12, 302))
    ):
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
