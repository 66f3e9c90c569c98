"""Entries that came and went unseen: two documents of a feed that do not overlap prove that some may have.

How many is estimated from the dates: the entries of this document follow each other at some pace, and before the oldest of them
there is a hole back to the poll before. Without dates it is the learned rate that says how many should have come.
"""

from dataclasses import dataclass
from datetime import datetime

from ingest.model import Learned
from ingest.policy import PollPolicy
from ingest.schedule.rate import DAY_S, Arrival, Rate, find_rate
from ingest.schedule.shape import Shape

_PROVEN_OVERLAPS = 3  # so many in a row say that the feed's documents do overlap, as long as none is missed
_LEAST_MISSED = 1.5  # below, it is as likely that just as many came as the document shows
_DATED_SHARE = 0.5  # of the entries, so that their dates may speak for all
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class GapEstimate:
    """About how many entries were missed, and how that is known."""

    missed: float
    reason: str


def find_gap(learned: Learned, arrival: Arrival, policy: PollPolicy) -> GapEstimate | None:
    """Entries missed before this document; None where nothing says that there were any."""
    if not _may_gap(learned, arrival):
        return None
    since = arrival.polled_at or learned.until_at or arrival.at
    rate = find_rate(learned, since, policy)
    due = _expected(rate, since, arrival.at)
    is_habit = learned.overlaps >= _PROVEN_OVERLAPS
    dates = sorted(date for date in arrival.dates if date is not None and date <= arrival.at)
    if len(dates) >= max(_DATED_SHARE * len(arrival.dates), 2):
        return _by_dates(learned, arrival, dates=dates, since=since, rate=rate, is_plausible=is_habit or due > arrival.window)
    if is_habit and due - arrival.window >= _LEAST_MISSED:
        return GapEstimate(due - arrival.window, f"{due:.0f} entries were due, the document shows {arrival.window}")
    return None


def _may_gap(learned: Learned, arrival: Arrival) -> bool:
    """Whether the documents can have a hole between them: both complete, both full, and nothing in common."""
    if learned.until_at is None or arrival.is_delta or arrival.overlap:
        return False
    return 0 < learned.window <= arrival.window and len(arrival.dates) >= arrival.window


def _by_dates(
    learned: Learned, arrival: Arrival, *, dates: list[datetime], since: datetime, rate: Rate, is_plausible: bool
) -> GapEstimate | None:
    """From the oldest date of the document back to the latest that was seen, at the pace of the document itself."""
    start = max(since, learned.newest_at or since)
    if dates[0] <= (learned.newest_at or since) or not is_plausible:
        return None  # it reaches back to what was seen: renamed, not missed
    hole_s, span_s = (dates[0] - start).total_seconds(), (arrival.at - dates[0]).total_seconds()
    if hole_s <= 0.0 or span_s <= 0.0:
        return None
    # Where n entries were seen, n − ½ of their intervals passed, and the hole ends half an interval before the oldest. Of 15
    # evenly published ones that finds 15 ± 2 in 91 of 100 cases at any phase; of random ones 15 in the median, ± 12.
    pace = (len(dates) - 0.5) / span_s * _shape_ratio(rate.shape, start, dates[0], arrival.at)
    missed = pace * hole_s - 0.5
    if missed < _LEAST_MISSED:
        return None
    return GapEstimate(missed, f"no entry in common with the last document, whose place about {missed:.0f} others took")


def _shape_ratio(shape: Shape | None, start: datetime, oldest: datetime, end: datetime) -> float:
    """How busy the hole is by habit, compared with the time that the document spans: a night holds few entries."""
    if shape is None:
        return 1.0
    return _mean_factor(shape, start, oldest) / max(_mean_factor(shape, oldest, end), 0.01)


def _mean_factor(shape: Shape, start: datetime, end: datetime) -> float:
    steps = max(min(int((end - start).total_seconds() / _HOUR_S), 168), 1)
    return sum(shape.at(start + (end - start) * ((step + 0.5) / steps)) for step in range(steps)) / steps


def _expected(rate: Rate, start: datetime, end: datetime) -> float:
    """Entries due by the learned rate."""
    factor = _mean_factor(rate.shape, start, end) if rate.shape and end > start else 1.0
    return rate.per_day * factor * (end - start).total_seconds() / DAY_S
