"""How often a feed publishes: learned from what each poll brings, forgotten with a half-life, known at any moment.

`Learned` holds a count of entries and the days they were watched in, both decayed to `until_at`. Polls that bring nothing need
not be written down: up to any later moment the count only decays and the watch only grows, both in closed form.

    rate = (entries + ½) / (days + 1 day, fading as entries come)        entries a day
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log, sqrt

from ingest.dates import is_believable
from ingest.model import Hints, Learned
from ingest.policy import PollPolicy
from ingest.schedule.shape import Shape, add_moments, find_shape, roots

DAY_S = 86_400.0
_PRIOR_ENTRIES, _PRIOR_DAYS = 0.5, 1.0
_STRAGGLERS = 0.1  # share of a document's entries that may be far older than the rest: pinned, forgotten, misdated
_MAX_OVERLAPS = 100
_MIDDLE_S = 2 * 3600.0  # an entry without a date that came within so long was published about half-way


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a document brought. On a first poll all its entries are new."""

    at: datetime
    dates: tuple[datetime | None, ...]  # of the new entries; None: it has none that can be read
    window: int  # entries that the document shows
    overlap: int  # of them, known before
    hints: Hints
    polled_at: datetime | None = None  # the last poll before this one that succeeded
    is_delta: bool = False  # a delta (RFC 3229) or a push: what is not in it may still be in the feed


@dataclass(frozen=True, slots=True)
class Rate:
    """Entries a day in the mean of the week, and the shape of that week (None: even)."""

    per_day: float
    shape: Shape | None

    @property
    def root(self) -> float:
        """Mean of √rate over the week: what the feed is to have of the request budget."""
        if self.shape is None:
            return sqrt(self.per_day)
        return sqrt(self.per_day) * _mean(roots(self.shape.hours)) * _mean(roots(self.shape.days))


def learn(learned: Learned, arrival: Arrival, policy: PollPolicy, *, missed: float = 0.0) -> Learned:
    """What is known after this document; `missed` entries came and went unseen before it."""
    known, days = _carry(learned, arrival.at, policy)
    if learned.until_at is None:
        counted, watched, moments = _read_first(arrival, policy)
    else:
        counted, watched, moments = _read_next(arrival, learned)
    return Learned(
        entries=known + counted + missed,
        days=days + _decayed_days(watched, policy),
        until_at=arrival.at,
        hours=add_moments(learned.hours, moments, entries=known),
        window=learned.window if arrival.is_delta else arrival.window,
        newest_at=_newest(arrival, learned.newest_at),
        overlaps=_overlaps(learned, arrival),
        hints=learned.hints if arrival.is_delta else arrival.hints,
    )


def find_rate(learned: Learned, now: datetime, policy: PollPolicy) -> Rate:
    """How often the feed publishes, as far as is known now."""
    entries, days = _carry(learned, now, policy)
    return Rate(mean_rate(entries, days), find_shape(learned.hours, entries, days) if learned.hours else None)


def mean_rate(entries: float, days: float) -> float:
    """Entries a day, from so many in so many days. Before anything is known it is half an entry a day."""
    return (entries + _PRIOR_ENTRIES) / (days + _PRIOR_DAYS / (1.0 + entries) ** 2)


def rate_at(rate: Rate, moment: datetime) -> float:
    """Entries a day at this moment."""
    return rate.per_day * rate.shape.at(moment) if rate.shape else rate.per_day


def _carry(learned: Learned, now: datetime, policy: PollPolicy) -> tuple[float, float]:
    """Entries and days, decayed and watched up to now."""
    if learned.until_at is None:
        return 0.0, 0.0
    passed = max((now - learned.until_at).total_seconds(), 0.0) / DAY_S
    kept = _kept(passed, policy)
    return learned.entries * kept, learned.days * kept + _decayed_days(passed, policy)


def _decayed_days(days: float, policy: PollPolicy) -> float:
    """What a watch of so many days up to now counts for."""
    return policy.half_life_days / log(2) * (1.0 - _kept(days, policy))


def _kept(days: float, policy: PollPolicy) -> float:
    """What is left after so many days of what counted 1."""
    return float(0.5 ** (days / policy.half_life_days))


def _read_first(arrival: Arrival, policy: PollPolicy) -> tuple[float, float, list[datetime]]:
    """Entries, days and moments of a first document: its dates tell what we would have seen.

    The oldest entry that counts only opens the watch: n entries span n − 1 intervals. A document whose dates are all alike
    (the moment it was made, as a rule) tells nothing.
    """
    dates = sorted(_past(arrival), reverse=True)
    dates = dates[: len(dates) - int(len(dates) * _STRAGGLERS)]
    if len(dates) < 2 or len(set(dates)) <= len(dates) // 4:  # noqa: PLR2004  two make an interval
        return 0.0, 0.0, []
    watched = (arrival.at - dates[-1]).total_seconds() / DAY_S
    counted = sum(_kept((arrival.at - date).total_seconds() / DAY_S, policy) for date in dates[:-1])
    return counted, watched, dates


def _read_next(arrival: Arrival, learned: Learned) -> tuple[float, float, list[datetime]]:
    """Entries, days and moments of a later document."""
    since = arrival.polled_at or learned.until_at or arrival.at
    if not arrival.overlap and _is_renamed(arrival, learned.newest_at):
        return 0.0, 0.0, []
    moments = [_published(date, since, arrival.at) for date in arrival.dates]
    return float(len(moments)), 0.0, [moment for moment in moments if moment]


def _is_renamed(arrival: Arrival, newest_at: datetime | None) -> bool:
    """Whether these are the old entries under new guids: nothing overlaps, and nothing is newer than what we had."""
    dates = _past(arrival)
    return newest_at is not None and len(dates) > 0 and max(dates) <= newest_at


def _overlaps(learned: Learned, arrival: Arrival) -> int:
    if arrival.is_delta:
        return learned.overlaps
    return min(learned.overlaps + 1, _MAX_OVERLAPS) if arrival.overlap else 0


def _published(date: datetime | None, since: datetime, now: datetime) -> datetime | None:
    """When an entry that is new was published: as it says, where that is believable, else half-way, if that is soon."""
    if date is not None and since <= date <= now:
        return date
    passed = now - since
    return since + passed / 2 if passed <= timedelta(seconds=_MIDDLE_S) else None


def _past(arrival: Arrival) -> list[datetime]:
    """The dates that can be believed and are not to come."""
    now = arrival.at
    return [date for date in arrival.dates if date is not None and date <= now and is_believable(date, now)]


def _newest(arrival: Arrival, before: datetime | None) -> datetime | None:
    """The latest date of the document; entries known before keep theirs, so that the latest can only grow."""
    return max(_past(arrival) + ([before] if before else []), default=None)


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
