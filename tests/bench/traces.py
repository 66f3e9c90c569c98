"""Invented publication histories: when the feeds of a trace published, seeded and the same on every run.

Mean rates are lognormal, σ = 2 around an entry a day: that reproduces what simple intervals do on the rates of real feeds (mean
delay of 30, 20 and 11.7 minutes for equal, proportional and square-root intervals at 24 polls a feed and day).
"""

import math
import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

DAY_S, HOUR_S = 86_400.0, 3600.0
HISTORY_DAYS = 120  # before the first poll: what a first document shows comes out of these
_SIGMA = 2.0
_WINDOWS = (10, 10, 15, 20, 20, 25, 50, 100)  # entries that a document shows
_DATELESS = 0.1  # share of the feeds
_DAY = (0.3, 0.2, 0.15, 0.1, 0.15, 0.3, 0.7, 1.2, 1.6, 1.8, 1.8, 1.7, 1.6, 1.6, 1.7, 1.7, 1.6, 1.5, 1.2, 1.0, 0.9, 0.8, 0.6, 0.4)

Spread = Callable[[float, float, random.Random], list[float]]


@dataclass(frozen=True)
class Published:
    """A feed: when it published, in seconds since the first poll (negative: before), and what its document shows."""

    url: str
    times: list[float]
    window: int
    is_dated: bool

    def shown(self, now: float) -> int:
        """How many entries have been published until now."""
        return bisect_right(self.times, now)


def make_trace(name: str, *, feeds: int, days: float, seed: int = 1) -> list[Published]:
    """The feeds of the trace `name` (see TRACES), each with `days` of publications and the history before."""
    chance = random.Random(f"{name} {seed}")
    rates = [math.exp(_SIGMA * NormalDist().inv_cdf((number + 0.5) / feeds)) for number in range(feeds)]
    chance.shuffle(rates)
    return [_make_feed(f"https://feed.example/{number}", rate, days, (TRACES[name], chance)) for number, rate in enumerate(rates)]


def _make_feed(url: str, rate: float, days: float, how: tuple[Spread, random.Random]) -> Published:
    spread, chance = how
    length = HISTORY_DAYS + days + 1
    times = sorted((moment - HISTORY_DAYS) * DAY_S for moment in spread(rate, length, chance) if 0.0 <= moment < length)
    return Published(url, times, chance.choice(_WINDOWS), chance.random() >= _DATELESS)


# ── how the publications of a feed spread over time: a rate per day and days in, moments in days out ────────────────────


def _steady(rate: float, length: float, chance: random.Random) -> list[float]:
    """At random, evenly."""
    moments, now = [], chance.expovariate(rate)
    while now < length:
        moments.append(now)
        now += chance.expovariate(rate)
    return moments


def _by_day(rate: float, length: float, chance: random.Random) -> list[float]:
    """More by day than by night, less at weekends, each feed somewhere in the world."""
    zone, depth, weekend = chance.randint(-9, 10) / 24, chance.uniform(0.6, 1.0), chance.uniform(0.1, 0.9)
    mean = (5 + 2 * weekend) / 7

    def factor(moment: float) -> float:
        local = moment + zone
        hour = (local % 1.0) * 24
        here = _DAY[int(hour)]
        return (1 - depth + depth * here) * (weekend if int(local) % 7 >= 5 else 1.0) / mean

    return _thinned(rate, length, chance, (factor, 1.85 / mean))


def _thinned(rate: float, length: float, chance: random.Random, shape: tuple[Callable[[float], float], float]) -> list[float]:
    factor, most = shape
    return [moment for moment in _steady(rate * most, length, chance) if chance.random() * most < factor(moment)]


def _bursts(rate: float, length: float, chance: random.Random) -> list[float]:
    """One entry leads to others within the hour (Hawkes): breaking news, and quiet in between."""
    branching, decay = chance.uniform(0.4, 0.8), chance.choice((20, 60, 120)) / 1440
    return _with_children(_steady(rate * (1 - branching), length, chance), branching, decay, chance)


def _with_children(moments: list[float], branching: float, decay: float, chance: random.Random) -> list[float]:
    found, open_ = [], list(moments)
    while open_:
        moment = open_.pop()
        found.append(moment)
        open_.extend(moment + chance.expovariate(1 / decay) for _ in range(_poisson(branching, chance)))
    return found


def _batches(rate: float, length: float, chance: random.Random) -> list[float]:
    """Several entries at once, within two minutes."""
    mean = chance.choice((2, 3, 5, 8))
    return [
        moment + chance.random() * 2 / 1440
        for moment in _steady(rate / mean, length, chance)
        for _ in range(1 + _geometric(mean - 1, chance))
    ]


def _changes(rate: float, length: float, chance: random.Random) -> list[float]:
    """A rate that jumps every few weeks, up to tenfold either way, with pauses."""
    moments, start = [], 0.0
    while start < length:
        end = start + max(chance.expovariate(1 / 21), 1.0)
        level = rate * (0.02 if chance.random() < 0.15 else math.exp(chance.gauss(-0.5, 1.0)))
        moments += [start + moment for moment in _steady(level, end - start, chance)]
        start = end
    return moments


def _scheduled(rate: float, length: float, chance: random.Random) -> list[float]:
    """At fixed hours, give or take a quarter of an hour: podcasts, digests, wires by cron."""
    a_day = max(round(rate), 1)
    hours = sorted(chance.randrange(24) for _ in range(min(a_day, 24)))
    share = min(rate / len(hours), 1.0)
    slots = (day + hours[slot] / 24 for day in range(int(length) + 1) for slot in range(len(hours)))
    times = max(round(rate / len(hours)), 1)
    return [slot + chance.gauss(0, 1) * 15 / 1440 for slot in slots for _ in range(times) if chance.random() < share]


def _news(rate: float, length: float, chance: random.Random) -> list[float]:
    """Day and night with bursts: a newsroom."""
    branching, decay = chance.uniform(0.1, 0.5), chance.choice((20, 60)) / 1440
    return _with_children(_by_day(rate * (1 - branching), length, chance), branching, decay, chance)


def _mixture(rate: float, length: float, chance: random.Random) -> list[float]:
    """Feeds of all these kinds."""
    kind = chance.choice((_steady, _by_day, _by_day, _news, _news, _bursts, _batches, _changes, _scheduled))
    return kind(rate, length, chance)


def _poisson(mean: float, chance: random.Random) -> int:
    count, left = 0, math.exp(-mean)
    product = chance.random()
    while product > left:
        count += 1
        product *= chance.random()
    return count


def _geometric(mean: float, chance: random.Random) -> int:
    return int(math.log(1.0 - chance.random()) / math.log(mean / (1 + mean))) if mean > 0 else 0


TRACES: dict[str, Spread] = {
    "steady": _steady,
    "day and night": _by_day,
    "newsrooms": _news,
    "bursts": _bursts,
    "batches": _batches,
    "changing rates": _changes,
    "by the clock": _scheduled,
    "mixture": _mixture,
}
