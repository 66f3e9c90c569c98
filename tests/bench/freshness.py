"""How late entries are found at equal requests: python -m tests.bench.freshness [--feeds 150] [--days 28] [--interval 60]

Plays publication traces (tests/bench/traces.py) against our schedule, called exactly as the service calls it, and against others:
all feeds alike, polls in proportion to the rate (learned as we learn it), and what other programs document of theirs
(tests/bench/peer_rules.py). Ours runs as it is; each other is stretched until it makes as many requests. All start
with nothing but
the first document and stay between 5 minutes and 24 hours. The delay is that of every entry published after the first poll, from
publication to the next poll, whether the document still showed it (else it is counted as missed, too).
"""

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heapify, heapreplace

from ingest.model import Hints, Learned
from ingest.policy import PollPolicy
from ingest.schedule import Arrival, Bounds, Pace, find_gap, find_pace, find_rate, learn, next_poll
from tests.bench.peer_rules import RULES, Poll, Rule
from tests.bench.traces import DAY_S, HOUR_S, TRACES, Published, make_trace

EPOCH = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
SHORTEST_S, LONGEST_S, JITTER = 300.0, DAY_S, 0.1
_CLOSE = 0.01  # share by which numbers of requests may differ
_BOUNDS = Bounds()
_HINTS = Hints()


@dataclass
class Result:
    requests: int = 0
    entries: int = 0
    delay_s: float = 0.0
    missed: int = 0

    @property
    def mean_s(self) -> float:
        return self.delay_s / max(self.entries, 1)


class World:
    """The clock, and what all feeds share: the pace."""

    def __init__(self, policy: PollPolicy) -> None:
        self.policy = policy
        self.roots: list[float | None] = []
        self.pace = Pace(policy.interval_s)
        self._paced_at = -DAY_S

    def share_out(self, now: float) -> None:
        """Share the budget out anew, now and then, as the service does."""
        if now - self._paced_at >= HOUR_S / 2:
            self.pace, self._paced_at = find_pace(self.roots, self.policy), now


class _Learner:
    """A feed of which we learn; what is done with it is the business of those below."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number = world, number
        self.learned = Learned()
        self.polled_at: datetime | None = None

    def take_in(self, poll: Poll) -> datetime:
        now = EPOCH + timedelta(seconds=poll.now)
        if poll.new < poll.last or self.learned.until_at is None:
            arrival = Arrival(
                at=now, dates=self._dates(poll), window=poll.last - poll.first, overlap=poll.new - poll.first,
                polled_at=self.polled_at, hints=_HINTS,
            )  # fmt: skip
            gap = find_gap(self.learned, arrival, self.world.policy)
            self.learned = learn(self.learned, arrival, self.world.policy, missed=gap.missed if gap else 0.0)
        self.polled_at = now
        return now

    def _dates(self, poll: Poll) -> tuple[datetime | None, ...]:
        if not poll.feed.is_dated:
            return (None,) * (poll.last - poll.new)
        return tuple(EPOCH + timedelta(seconds=moment) for moment in poll.feed.times[poll.new : poll.last])


class Ours(_Learner):
    """As the service does it."""

    def wait_s(self, poll: Poll) -> float:
        now, world = self.take_in(poll), self.world
        world.share_out(poll.now)
        found = next_poll(now, world.policy, pace=world.pace, learned=self.learned, bounds=_BOUNDS, chance=0.5)
        world.roots[self.number] = found.root
        return (found.at - now).total_seconds()


class Proportional(_Learner):
    """Polls in proportion to the rate: each finds as many entries as any other."""

    def __init__(self, world: World, number: int, scale: float) -> None:
        super().__init__(world, number)
        self.scale = scale

    def wait_s(self, poll: Poll) -> float:
        return HOUR_S * self.scale / find_rate(self.learned, self.take_in(poll), self.world.policy).per_day


def play(trace: list[Published], rules: list[Rule], days: float) -> Result:
    """All polls of the trace, one after the other. The feeds start within the first half hour."""
    chance = random.Random(7)
    end, result, known = days * DAY_S, Result(), [0] * len(trace)
    queue = [(1800.0 * number / len(trace), number) for number in range(len(trace))]
    started = [False] * len(trace)
    heapify(queue)
    while queue[0][0] < float("inf"):
        now, number = queue[0]
        feed = trace[number]
        last = feed.shown(now)
        first = max(last - feed.window, 0)
        if started[number]:
            _count(result, feed, (known[number], first, last), now, end)
        new = max(known[number], first) if started[number] else first
        started[number], known[number] = True, last
        if now >= end:
            heapreplace(queue, (float("inf"), number))
            continue
        result.requests += 1
        wait_s = rules[number].wait_s(Poll(feed, now, first, new, last))
        wait_s *= 1.0 - JITTER + 2.0 * JITTER * chance.random()
        heapreplace(queue, (now + min(max(wait_s, SHORTEST_S), LONGEST_S), number))
    return result


def _count(result: Result, feed: Published, places: tuple[int, int, int], now: float, end: float) -> None:
    known, first, last = places
    for place in range(known, last):
        moment = feed.times[place]
        if moment < end:
            result.entries += 1
            result.delay_s += now - moment
            result.missed += place < first


def play_ours(trace: list[Published], days: float, policy: PollPolicy) -> Result:
    world = World(policy)
    world.roots = [None] * len(trace)
    return play(trace, [Ours(world, number) for number in range(len(trace))], days)


def play_equal(run: Callable[[float], Result], requests: int) -> tuple[Result, float]:
    """The rule stretched until it makes so many requests, and the stretch: regula falsi on a scale of doublings."""
    low, high, scale = 2.0**-12, 2.0**12, 1.0
    result = run(scale)
    for _ in range(12):
        ratio = result.requests / requests
        if abs(ratio - 1) <= _CLOSE:
            break
        low, high = (scale, high) if ratio > 1 else (low, scale)
        guess = scale * ratio
        scale = guess if low < guess < high else (low * high) ** 0.5
        result = run(scale)
    return result, scale


def runs(trace: list[Published], days: float, policy: PollPolicy) -> dict[str, Callable[[float], Result]]:
    """Each other rule as a function of its stretch."""

    def proportional(scale: float) -> Result:
        world = World(policy)
        return play(trace, [Proportional(world, number, scale) for number in range(len(trace))], days)

    def peer(rule: Callable[[float], Rule]) -> Callable[[float], Result]:
        return lambda scale: play(trace, [rule(scale) for _ in trace], days)

    return {"proportional": proportional} | {name: peer(rule) for name, rule in RULES.items()}


def compare(name: str, *, feeds: int, days: float, policy: PollPolicy) -> None:
    """One trace: a line for each rule."""
    trace = make_trace(name, feeds=feeds, days=days)
    ours = play_ours(trace, days, policy)
    asked = feeds * days * DAY_S / policy.interval_s
    print(f"\n{name}: {ours.entries} entries; {ours.requests / asked:.0%} of the request budget used")
    _print("ours", ours, ours, 1.0)
    for rule, run in runs(trace, days, policy).items():
        result, scale = play_equal(run, ours.requests)
        _print(rule, result, ours, scale)


def _print(rule: str, result: Result, ours: Result, scale: float) -> None:
    ratio = ours.mean_s / result.mean_s
    print(
        f"  {rule:<14}{result.mean_s / 60:>9.1f} min{result.requests:>9} requests{result.missed:>7} missed"
        f"   ours/this {ratio:5.2f}   stretch {scale:.3g}", flush=True,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--feeds", type=int, default=150)
    parser.add_argument("--days", type=float, default=28)
    parser.add_argument("--interval", type=float, default=60, help="mean minutes between two polls")
    parser.add_argument("--trace", choices=TRACES, action="append")
    given = parser.parse_args()
    policy = PollPolicy(interval_s=given.interval * 60, min_interval_s=SHORTEST_S, max_interval_s=LONGEST_S)
    started_s = time.process_time()
    for name in given.trace or TRACES:
        compare(name, feeds=given.feeds, days=given.days, policy=policy)
    print(f"\n{time.process_time() - started_s:.0f} s of CPU")


if __name__ == "__main__":
    main()
