"""When to come back after a good poll: what was learned decides, within what feed, server, host and policy ask."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from ingest.model import Hints, Learned
from ingest.policy import PollPolicy
from ingest.schedule.pace import Pace
from ingest.schedule.rate import DAY_S, Rate, find_rate
from ingest.schedule.shape import Shape, roots
from ingest.schedule.words import how_often, lasting

_HOUR_S = 3600.0
_WEEK_HOURS = 168
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SMALL_LIST = 100  # feeds that may start at once
_FIRST_POLLS_S = 10.0  # first polls a second of a longer list


@dataclass(frozen=True, slots=True)
class Bounds:
    """What others ask of the next poll."""

    interval_s: float | None = None  # the feed's own, from its options: wins over all
    freshness_s: float | None = None  # of the answer: max-age or Expires
    host_s: float = 0.0  # between two polls of one feed, so that all feeds of the host get their turn


@dataclass(frozen=True, slots=True)
class NextPoll:
    """When a feed is visited next, why then, and what share of the request budget it takes (see `find_pace`)."""

    at: datetime
    reason: str
    root: float
    usual_at: datetime | None = None  # without the slow-down of a feed whose hub pushes all of it


@dataclass(frozen=True, slots=True)
class _Wait:
    """Seconds, why so many, and how many of them somebody asked for: jitter does not cut into those."""

    seconds: float
    reason: str
    asked_s: float = 0.0
    is_natural: bool = False


def next_poll(now: datetime, policy: PollPolicy, *, pace: Pace, learned: Learned, bounds: Bounds, chance: float) -> NextPoll:
    """The moment of the next poll after a good one. `chance` in [0, 1) spreads polls by ± policy.jitter."""
    found = find_rate(learned, now, policy) if policy.is_adaptive else None
    wait = _wait(now, policy, pace=pace, learned=learned, bounds=bounds, found=found)
    at = now + timedelta(seconds=_jittered(wait, policy.jitter, chance))
    reason = wait.reason
    if bounds.interval_s is None:
        at, reason = _outside_skipped(at, wait, learned.hints, chance=chance)
    is_shared = wait.is_natural and found is not None
    return NextPoll(at, reason, found.root if is_shared and found else pace.daily_s / max(wait.seconds, 1.0))


def first_poll_at(url: str, now: datetime, policy: PollPolicy, *, feeds: int) -> datetime:
    """The moment of the first poll of a feed out of a list of so many new ones.

    A short list starts at once. A long one is spread over a ramp, each feed at a place that a hash of its URL names.
    """
    ramp_s = min(max(feeds - _SMALL_LIST, 0) / _FIRST_POLLS_S, policy.interval_s)
    place = int.from_bytes(hashlib.sha256(url.encode("utf-8", "surrogatepass")).digest()[:8]) / 2.0**64
    return now + timedelta(seconds=ramp_s * place)


def _wait(now: datetime, policy: PollPolicy, *, pace: Pace, learned: Learned, bounds: Bounds, found: Rate | None) -> _Wait:
    if bounds.interval_s is not None:
        return _Wait(bounds.interval_s, f"{lasting(bounds.interval_s)}: its own interval")
    wait = _natural(now, policy, pace=pace, learned=learned, found=found)
    asked_s, who = _asked(learned.hints, bounds, policy)
    if asked_s > wait.seconds:
        return _Wait(asked_s, f"{lasting(asked_s)}: {who}; alone it would be {wait.reason}", asked_s)
    return _Wait(wait.seconds, wait.reason, max(asked_s, policy.min_interval_s), wait.is_natural)


def _natural(now: datetime, policy: PollPolicy, *, pace: Pace, learned: Learned, found: Rate | None) -> _Wait:
    """What the learned rate alone asks for, within the policy's bounds."""
    if found is None:
        seconds = min(max(policy.interval_s, policy.min_interval_s), policy.max_interval_s)
        return _Wait(seconds, f"{lasting(seconds)}: the interval of all feeds")
    seconds, is_guarded = _learned_wait(now, found, pace, _most_unseen(learned.window))
    why = how_often(found.per_day)
    if seconds > policy.max_interval_s:
        return _Wait(policy.max_interval_s, f"{lasting(policy.max_interval_s)}: {why}, the longest interval", is_natural=True)
    if seconds < policy.min_interval_s:
        return _Wait(policy.min_interval_s, f"{lasting(policy.min_interval_s)}: {why}, the shortest interval", is_natural=True)
    if is_guarded:
        return _Wait(seconds, f"{lasting(seconds)}: {why}, and the document shows only {learned.window}")
    return _Wait(seconds, f"{lasting(seconds)}: {why}", is_natural=True)


def _most_unseen(window: int) -> float:
    """Entries that may be expected between two polls so that a document of so many hardly ever overflows.

    W − 3√W, three standard deviations of a Poisson count below; a quarter of W where that is more (W below 16).
    """
    return max(window - 3.0 * sqrt(window), window / 4.0) if window else float("inf")


def _learned_wait(now: datetime, found: Rate, pace: Pace, most: float) -> tuple[float, bool]:
    """Seconds until ∫ √rate is spent or `most` entries are expected, and whether it is the latter."""
    if found.shape is not None:
        return _walk(now, found, found.shape, pace=pace, most=most)
    by_pace, by_guard = pace.interval_s(found.per_day), most / found.per_day * DAY_S
    return min(by_pace, by_guard), by_guard < by_pace


def _walk(now: datetime, found: Rate, shape: Shape, *, pace: Pace, most: float) -> tuple[float, bool]:
    """The same hour by hour, where hours differ; a week at most."""
    hours, days, root = roots(shape.hours), roots(shape.days), sqrt(found.per_day)
    hour, day = now.hour, now.weekday()
    left_s = _HOUR_S - (now.minute * 60 + now.second + now.microsecond / 1e6)
    passed_s, to_spend, to_see = 0.0, pace.daily_s, most * DAY_S
    for _ in range(_WEEK_HOURS):
        here = root * hours[hour] * days[day]
        if here * left_s >= to_spend or here * here * left_s >= to_see:
            by_pace, by_guard = to_spend / here, to_see / (here * here)
            return passed_s + min(by_pace, by_guard), by_guard < by_pace
        to_spend -= here * left_s
        to_see -= here * here * left_s
        passed_s += left_s
        left_s = _HOUR_S
        hour += 1
        if hour == len(hours):
            hour, day = 0, (day + 1) % len(days)
    return passed_s, False


def _asked(hints: Hints, bounds: Bounds, policy: PollPolicy) -> tuple[float, str]:
    """The longest that feed, server or host ask for, and who does. No hint counts for more than the longest interval."""
    asked = (
        (hints.ttl_s, "the feed's ttl"),
        (hints.update_period_s, "the feed's sy:updatePeriod"),
        (bounds.freshness_s, "the answer stays fresh (max-age)"),
    )
    most_s, who = bounds.host_s, "so many feeds share its host"
    for seconds, name in asked:
        if seconds is not None and min(seconds, policy.max_interval_s) > most_s:
            most_s, who = min(float(seconds), policy.max_interval_s), name
    return most_s, who


def _jittered(wait: _Wait, share: float, chance: float) -> float:
    """Spread by ± share, reflected at what was asked for."""
    seconds = wait.seconds * (1.0 - share + 2.0 * share * chance)
    return seconds if seconds >= wait.asked_s else 2.0 * min(wait.asked_s, wait.seconds) - seconds


def past_skipped(at: datetime, hints: Hints) -> datetime:
    """The first moment from `at` on that the feed's skipHours and skipDays leave; `at` itself where they leave none."""
    start = at
    for _ in range(_WEEK_HOURS):
        if start.hour not in hints.skip_hours and _DAY_NAMES[start.weekday()] not in hints.skip_days:
            return start
        start = start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return at


def _outside_skipped(at: datetime, wait: _Wait, hints: Hints, *, chance: float) -> tuple[datetime, str]:
    """The first moment that the feed's skipHours and skipDays leave, and why then."""
    start = past_skipped(at, hints) if hints.skip_hours or hints.skip_days else at
    if start == at:
        return at, wait.reason
    spread_s = min(wait.seconds * 0.1, 600.0) * chance  # the hour ends for everybody at once
    return start + timedelta(seconds=spread_s), f"{wait.reason}; then past the feed's skipHours and skipDays"
