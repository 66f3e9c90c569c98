"""The daemon sees that its clock was set, and what follows."""

import asyncio
from datetime import UTC, datetime, timedelta

from ingest.daemon import ClockWatch
from ingest.errors import StoreUnavailable

NOON, HOUR_S = datetime(2026, 11, 22, 12, tzinfo=UTC), 3600.0


class SetClock:
    """Ten seconds pass from look to look; the wall clock is set besides."""

    passed_s, set_s = 1000.0, 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_s + self.set_s)

    def monotonic_s(self) -> float:
        return self.passed_s


class Followed:
    """What the store was asked to move back; it is away at the first `refusals` times."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.by_s: list[float] = []

    async def __call__(self, now: datetime, by_s: float) -> int:
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("away")
        self.by_s.append(by_s)
        return 1


def watch(*set_s: float, refusals: int = 0) -> tuple[list[float], int]:
    """What was moved back, and how often the intervals began anew, when before each look the clock is set by so much."""
    clock, followed, restarts = SetClock(), Followed(refusals), []

    async def look() -> None:
        watching = ClockWatch(clock, restart=lambda: restarts.append(clock.now()), follow_back=followed)
        for by_s in set_s:
            clock.passed_s += 10.0
            clock.set_s += by_s
            await watching.look()

    asyncio.run(look())
    return followed.by_s, len(restarts)


def test_a_clock_that_is_set_back_takes_along_what_it_wrote_once() -> None:
    assert watch(0.0, -HOUR_S, 0.0, 0.0) == ([HOUR_S], 1)


def test_a_clock_that_is_set_ahead_begins_the_intervals_anew_and_moves_nothing() -> None:
    assert watch(0.0, HOUR_S, 0.0) == ([], 1)


def test_seconds_are_no_jump() -> None:
    assert watch(4.0, -4.0, 0.0) == ([], 0)


def test_what_a_store_that_was_away_could_not_move_is_moved_when_it_is_back() -> None:
    assert watch(-HOUR_S, 0.0, 0.0, 0.0, refusals=2) == ([HOUR_S], 1)


def test_jumps_while_the_store_is_away_are_added_up() -> None:
    assert watch(-HOUR_S, -HOUR_S, 0.0, refusals=2) == ([2 * HOUR_S], 2)
    assert watch(-HOUR_S, HOUR_S, 0.0, refusals=1) == ([], 2)
