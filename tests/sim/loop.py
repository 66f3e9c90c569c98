"""Virtual time: an asyncio event loop that never waits, and the clock that goes with it.

When nothing is ready the loop jumps to its next timer. When there is none either, everybody waits for somebody who will not come:
that is an error here and would be a program that hangs elsewhere. There are no sockets, threads or signals.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2025, 6, 2, tzinfo=UTC)  # a Monday
_MANY_TURNS = 2_000_000  # of the loop in one instant: time will not pass any more


class Deadlock(Exception):
    """Nothing is ready, nothing is planned, and yet the program has not ended."""


class Livelock(Exception):
    """Something is always ready: time would never pass."""


class SimClock:
    """The port Clock. `monotonic_s` is the truth, 0 at the start; `now` is what the machine's clock says, which can be set."""

    def __init__(self, start: datetime = START) -> None:
        self.start = start
        self._shown = start  # where the machine's clock would stand at 0
        self._passed_s = 0.0

    def now(self) -> datetime:
        return self._shown + timedelta(seconds=self._passed_s)

    def monotonic_s(self) -> float:
        return self._passed_s

    def true_now(self) -> datetime:
        """What a clock says that nobody sets: that of the rest of the world."""
        return self.start + timedelta(seconds=self._passed_s)

    def set_by(self, seconds: float) -> None:
        """Somebody sets the machine's clock forward, or back."""
        self._shown += timedelta(seconds=seconds)

    def advance_to(self, passed_s: float) -> None:
        self._passed_s = max(passed_s, self._passed_s)


class _Jumps:
    """In place of a selector: there is nothing to select, waiting is done at once."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._turns = 0

    def select(self, timeout: float | None) -> tuple[()]:
        if timeout is None:
            raise Deadlock("everybody waits, and no timer is set")
        if timeout > 0:
            self._turns = 0
            self._clock.advance_to(self._clock.monotonic_s() + timeout)
        self._turns += 1
        if self._turns > _MANY_TURNS:
            raise Livelock(f"{_MANY_TURNS} turns of the loop at {self._clock.monotonic_s()} s")
        return ()

    def close(self) -> None:
        """Nothing is open."""


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop of asyncio itself with another time. `on_task` is told of every task that is made."""

    def __init__(self, clock: SimClock, on_task: Callable[[asyncio.Task[Any]], None] | None = None) -> None:
        super().__init__()
        self._clock = clock
        self._clock_resolution = 1e-6  # below it, timers are due together
        self._selector = _Jumps(clock)
        if on_task is not None:
            self.set_task_factory(_noting(on_task))

    def time(self) -> float:
        return self._clock.monotonic_s()

    def _process_events(self, event_list: object) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody has to be woken."""


def _noting(on_task: Callable[[asyncio.Task[Any]], None]) -> Any:
    def make(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
        on_task(task)
        return task

    return make


def play(work: Coroutine[Any, Any, T], clock: SimClock, on_task: Callable[[asyncio.Task[Any]], None] | None = None) -> T:
    """What `work` returns, run on virtual time. Raises Deadlock, Livelock, and what the work raises."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock, on_task)) as runner:
        return runner.run(work)
