"""When in the week a feed publishes: weights of the 24 hours (UTC) and of the 7 days, learned from the dates of its entries.

Hour and day are taken to be independent: the rate of an hour of the week is the product of the two. 31 numbers can be learned
from a few dozen entries, 168 cannot.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

HOURS, DAYS = 24, 7
_WEIGHTS = struct.Struct(f"<{HOURS + DAYS}H")
_WHOLE = 65_535  # to which the weights of the hours sum up, and those of the days
_MEMORY = 300.0  # entries at most that old weights stand for: habits change
_ENOUGH = 8.0  # entries before weights say anything
_A_WEEK = 6.0  # days of a watch, decayed: a weekday that was not seen yet is not one without entries


@dataclass(frozen=True, slots=True)
class Shape:
    """How many times the mean rate an hour has, and a day (Monday first). The mean of each is 1."""

    hours: Sequence[float]
    days: Sequence[float]

    def at(self, moment: datetime) -> float:
        """How many times the mean rate the feed has at this moment."""
        return self.hours[moment.hour] * self.days[moment.weekday()]


def add_moments(weights: bytes, moments: Sequence[datetime], *, entries: float) -> bytes:
    """The weights after entries at these moments; `entries` is for how many the weights stood before."""
    if not moments or (not weights and len(moments) < _ENOUGH):
        return weights
    before = min(entries, _MEMORY) if weights else 0.0
    shares = _WEIGHTS.unpack(weights) if weights else (0,) * (HOURS + DAYS)
    kept = before / (before + len(moments)) / _WHOLE
    mixed = [share * kept for share in shares]
    each = 1.0 / (before + len(moments))
    for moment in moments:
        mixed[moment.hour] += each
        mixed[HOURS + moment.weekday()] += each
    return _WEIGHTS.pack(*(min(round(share * _WHOLE), _WHOLE) for share in mixed))


def find_shape(weights: bytes, entries: float, days: float) -> Shape | None:
    """What the weights of so many entries in so many days prove; None where that is nothing: the feed may publish evenly."""
    if not weights or entries < _ENOUGH:
        return None
    counted = min(entries, _MEMORY)
    shares = _WEIGHTS.unpack(weights)
    hours = _shrunk(_smooth([share * (HOURS / _WHOLE) for share in shares[:HOURS]]), counted, 0.4)
    weekdays = _shrunk([share * (DAYS / _WHOLE) for share in shares[HOURS:]], counted, 1.0) if days >= _A_WEEK else None
    if hours is None and weekdays is None:
        return None
    return Shape(hours or (1.0,) * HOURS, weekdays or (1.0,) * DAYS)


def _smooth(factors: list[float]) -> list[float]:
    """Each hour with its neighbours."""
    after = factors[1:] + factors[:1]
    before = factors[-1:] + factors[:-1]
    return [0.25 * a + 0.5 * b + 0.25 * c for a, b, c in zip(before, factors, after, strict=True)]


def _shrunk(factors: list[float], entries: float, noise: float) -> list[float] | None:
    """The factors drawn towards 1 by as much as chance alone would have moved them; None: chance explains them all.

    `noise` is the variance of a factor by chance, as a share of cells / entries. Source: James and Stein (1961), positive part.
    """
    cells = len(factors)
    seen = sum((factor - 1.0) ** 2 for factor in factors)
    by_chance = noise * cells * cells / entries
    if seen <= by_chance:
        return None
    kept = 1.0 - by_chance / seen
    return [1.0 + kept * (factor - 1.0) for factor in factors]


def roots(factors: Sequence[float]) -> list[float]:
    """Of each factor."""
    return [sqrt(factor) for factor in factors]
