"""When other programs come back to a feed, written anew from what they document of it.

Each rule is asked after a poll how many seconds to wait; `scale` stretches what it answers, so that rules can be
compared at equal
numbers of requests. What a rule knows is what it would know: the dates of the entries that it has seen.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tests.bench.traces import DAY_S, HOUR_S, Published

MINUTE_S = 60.0


@dataclass(frozen=True)
class Poll:
    """What a poll found: the entries feed.times[first:last] stand in the document, those from `new` on were not known."""

    feed: Published
    now: float
    first: int
    new: int
    last: int

    @property
    def dates(self) -> list[float]:
        """Of the entries of the document; a feed without dates has its entries dated when they were found."""
        return self.feed.times[self.first : self.last] if self.feed.is_dated else [self.now] * (self.last - self.first)


class Rule(Protocol):
    """One feed under one rule."""

    def wait_s(self, poll: Poll) -> float: ...


@dataclass
class Fixed:
    """All feeds alike."""

    scale: float

    def wait_s(self, poll: Poll) -> float:
        return 30 * MINUTE_S * self.scale


@dataclass
class Miniflux:
    """POLLING_SCHEDULER=entry_frequency of Miniflux 2.2: a week / (entries of a week × factor), between 5 minutes and 24 hours.

    Documented in its manual, miniflux(1), under SCHEDULER_ENTRY_FREQUENCY_FACTOR, …_MIN_INTERVAL and …_MAX_INTERVAL, and in the
    comment of WeeklyFeedEntryCount: a virtual count, from the mean interval between the entries of the last week; 0 (that is,
    the longest interval) for fewer than two. `scale` is 1 / factor.
    """

    scale: float
    seen: list[float] = field(default_factory=list)

    def wait_s(self, poll: Poll) -> float:
        self.seen += poll.dates[poll.new - poll.first :]
        week = self.seen[bisect_left(self.seen, poll.now - 7 * DAY_S) :]
        self.seen = week
        if len(week) < 2 or week[-1] == week[0]:
            return DAY_S
        between = (week[-1] - week[0]) / (len(week) - 1)
        return min(max(between * self.scale, 5 * MINUTE_S), DAY_S)


@dataclass
class CommaFeed:
    """commafeed.feed-refresh.interval-empirical of CommaFeed 5.6 to 7.3, on by default.

    Documented in the release notes of 5.6.0 and the comments of its settings: half the mean interval between the entries of the
    document, between `interval` (5 minutes) and a quarter of `max-interval` (4 hours); a quarter, half and all of max-interval
    where the last entry is 7, 14 and 30 days old. `scale` stretches both settings and what lies between.
    """

    scale: float
    latest: float | None = None
    between: float | None = None

    def wait_s(self, poll: Poll) -> float:
        if poll.new < poll.last or self.latest is None:
            dates = poll.dates
            self.latest = dates[-1] if dates else None
            self.between = (dates[-1] - dates[0]) / (len(dates) - 1) if len(dates) > 1 else None
        return self._unscaled(poll.now) * self.scale

    def _unscaled(self, now: float) -> float:
        shortest, longest = 5 * MINUTE_S, 4 * HOUR_S
        age_days = int((now - self.latest) / DAY_S) if self.latest is not None else 30
        if age_days >= 30:
            return longest
        if age_days >= 14:
            return longest / 2
        if age_days >= 7:
            return longest / 4
        return min(max(self.between / 2, shortest), longest / 4) if self.between is not None else longest


@dataclass
class MediaCloud:
    """The auto-adjustment of Media Cloud's rss-fetcher: longer where most of a document is known, shorter where little is.

    Documented with its settings (AUTO_ADJUST_…) in fetcher/config.py: from 6 hours on, 10 minutes longer (60 where nothing came
    for 31 days) when 67 % or more of the entries are known or nothing changed; an hour shorter, and at once down to 6 hours,
    when fewer than 33 % are; between 10 minutes and 24 hours. `scale` stretches all settings in minutes.
    """

    scale: float
    minutes: float = 360.0
    came_at: float | None = None
    is_first: bool = True

    def wait_s(self, poll: Poll) -> float:
        shown, new = poll.last - poll.first, poll.last - poll.new
        known_share = (shown - new) / shown if new else 1.0
        if new or self.came_at is None:
            self.came_at = poll.now
        if self.is_first:  # two polls in a row are needed
            self.is_first = False
        elif known_share >= 0.67:
            is_lively = poll.now - self.came_at <= 31 * DAY_S
            self.minutes = min(self.minutes + (10 if is_lively else 60), 1440)
        elif known_share < 0.33:
            self.minutes = 360 if self.minutes > 360 else max(self.minutes - 60, 10)
        return self.minutes * MINUTE_S * self.scale


RULES: dict[str, Callable[[float], Rule]] = {
    "fixed": Fixed,
    "Miniflux": Miniflux,
    "CommaFeed": CommaFeed,
    "Media Cloud": MediaCloud,
}
