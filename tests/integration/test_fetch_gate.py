"""A host's turn: how many at once, how far apart, and in which order."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from ingest.fetch.gate import HostGate
from ingest.policy import HostPolicy
from ingest.ports import HostTurns


class SteppedClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_s, UTC)

    def monotonic_s(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


Work = Callable[[HostGate, SteppedClock], Coroutine[Any, Any, None]]


def walk(work: Work, *, at_once: int = 2, gap_s: float = 0.0, turns: HostTurns | None = None) -> None:
    clock = SteppedClock()
    gate = HostGate(HostPolicy(at_once=at_once, gap_s=gap_s), clock, turns, sleep=clock.sleep)
    asyncio.run(work(gate, clock))


def test_starts_at_one_host_keep_their_distance() -> None:
    starts: list[float] = []

    async def work(gate: HostGate, clock: SteppedClock) -> None:
        async def visit() -> None:
            async with gate.enter("a.example"):
                starts.append(clock.now_s - 1000)

        await asyncio.gather(*(visit() for _ in range(5)))

    walk(work, gap_s=2.0)
    assert starts == [0, 2, 4, 6, 8]


def test_a_host_that_rested_long_enough_is_asked_at_once() -> None:
    async def work(gate: HostGate, clock: SteppedClock) -> None:
        async with gate.enter("a.example"):
            pass
        clock.now_s += 60
        before = clock.now_s
        async with gate.enter("a.example"):
            assert clock.now_s == before

    walk(work, gap_s=2.0)


def test_no_more_than_the_allowed_number_is_in_flight_and_each_host_has_its_own() -> None:
    most: dict[str, int] = {}
    now: dict[str, int] = {}

    async def work(gate: HostGate, clock: SteppedClock) -> None:
        async def visit(host: str) -> None:
            async with gate.enter(host):
                now[host] = now.get(host, 0) + 1
                most[host] = max(most.get(host, 0), now[host])
                for _ in range(5):
                    await asyncio.sleep(0)
                now[host] -= 1

        await asyncio.gather(*(visit(host) for host in ("a.example", "b.example") for _ in range(9)))

    walk(work, at_once=3)
    assert most == {"a.example": 3, "b.example": 3}


def test_who_comes_first_goes_first() -> None:
    order: list[int] = []

    async def work(gate: HostGate, clock: SteppedClock) -> None:
        async def visit(number: int) -> None:
            async with gate.enter("a.example"):
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*(visit(number) for number in range(20)))

    walk(work, gap_s=1.0)
    assert order == list(range(20))


class Turns:
    """Turns as a store hands them out: each host's next one `waits_s` from now."""

    def __init__(self, waits_s: float = 0.0) -> None:
        self.waits_s = waits_s
        self.asked: list[str] = []

    async def reserve(self, host: str) -> float:
        self.asked.append(host)
        return self.waits_s


def test_a_request_whose_turn_came_with_the_claim_asks_for_none_and_any_other_waits_for_its_own() -> None:
    turns = Turns(waits_s=7.0)
    starts: list[float] = []

    async def work(gate: HostGate, clock: SteppedClock) -> None:
        async with gate.enter("a.example", is_granted=True):
            starts.append(clock.now_s)
        async with gate.enter("b.example"):
            starts.append(clock.now_s)

    walk(work, turns=turns)
    assert turns.asked == ["b.example"]
    assert starts[1] - starts[0] == 7.0


def test_a_learned_gap_keeps_starts_further_apart_than_the_policy() -> None:
    starts: list[float] = []

    async def work(gate: HostGate, clock: SteppedClock) -> None:
        for _ in range(3):
            async with gate.enter("a.example", is_granted=True, gap_s=60.0):
                starts.append(clock.now_s)

    walk(work, gap_s=1.0)
    assert [later - earlier for earlier, later in pairwise(starts)] == [60.0, 60.0]


def test_a_failure_and_a_cancellation_give_the_place_back() -> None:
    async def work(gate: HostGate, clock: SteppedClock) -> None:
        async def visit() -> None:
            async with gate.enter("a.example"):
                await asyncio.sleep(0)

        async def fail() -> None:
            async with gate.enter("a.example"):
                waiting = asyncio.create_task(visit())
                await asyncio.sleep(0)
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
                assert gate._hosts["a.example"].users == 1
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert gate._hosts["a.example"].users == 0
        await visit()

    walk(work, at_once=1)


def test_idle_hosts_are_forgotten_but_not_within_their_gap() -> None:
    async def work(gate: HostGate, clock: SteppedClock) -> None:
        for number in range(2_000):
            async with gate.enter(f"{number}.example"):
                pass
            clock.now_s += 0.5
        assert len(gate._hosts) < 300
        assert "1999.example" in gate._hosts

    walk(work, gap_s=1.0)
