"""When feeds publish: moments in seconds since the start of the simulation, sorted; negative ones were before it."""

import math
import random
from collections.abc import Sequence

HOUR_S, DAY_S = 3600.0, 86_400.0
_DAY = (0.3, 0.2, 0.15, 0.1, 0.15, 0.3, 0.7, 1.2, 1.6, 1.8, 1.8, 1.7, 1.6, 1.6, 1.7, 1.7, 1.6, 1.5, 1.2, 1.0, 0.9, 0.8, 0.6, 0.4)


def every(period_s: float, *, days: float, before: int = 10) -> list[float]:
    """By the clock, with so many entries from before the start."""
    return [number * period_s for number in range(-before, math.ceil(days * DAY_S / period_s))]


def poisson(per_day: float, *, days: float, chance: random.Random, before_days: float = 30.0) -> list[float]:
    """At random, evenly."""
    moments, now = [], -before_days * DAY_S
    while (now := now + chance.expovariate(per_day) * DAY_S) < days * DAY_S:
        moments.append(now)
    return moments


def by_day(per_day: float, *, days: float, chance: random.Random, before_days: float = 30.0) -> list[float]:
    """More by day than by night (UTC)."""
    most = max(_DAY)
    moments = poisson(per_day * most, days=days, chance=chance, before_days=before_days)
    return [moment for moment in moments if chance.random() * most < _DAY[int(moment // HOUR_S) % 24]]


def bursts(per_day: float, *, days: float, chance: random.Random, before_days: float = 30.0) -> list[float]:
    """Four at a time within a quarter of an hour, and quiet in between."""
    starts = poisson(per_day / 4, days=days, chance=chance, before_days=before_days)
    return sorted(start + chance.random() * HOUR_S / 4 for start in starts for _ in range(4))


KINDS = (poisson, by_day, bursts)


def lognormal_rates(number: int, chance: random.Random) -> Sequence[float]:
    """Entries a day of so many feeds: the median publishes one, σ = 1.5."""
    return [math.exp(chance.gauss(0.0, 1.5)) for _ in range(number)]
