"""A host's turn: how many requests it gets at once and how far apart they start, feeds and pages together.

Turns are given by the store, with the claim or one at a time (`HostTurns`), so that all daemons of a database keep one budget.
What is left to the gate is within this process: to wait for the turn, to count who is in flight, and to keep starts apart that a
busy event loop would let slide together.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from ingest.clock import Clock
from ingest.policy import HostPolicy
from ingest.ports import HostTurns

_SWEEP_FROM = 256  # hosts remembered before the idle ones are looked for

Sleep = Callable[[float], Awaitable[None]]


class _Host:
    """What is known of one host: its free places, whose turn it is to start, and when the next start may be."""

    __slots__ = ("next_start_s", "places", "turn", "users")

    def __init__(self, places: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.turn = asyncio.Lock()
        self.next_start_s = 0.0  # monotonic
        self.users = 0  # in flight or waiting


class HostGate:
    """Lets requests pass host by host: `policy.at_once` in flight, starts a gap apart, each in a turn of its own.

    One gate serves every fetcher of a process. A host is forgotten when nobody wants it and its gap is over.
    """

    def __init__(self, policy: HostPolicy, clock: Clock, turns: HostTurns | None = None, *, sleep: Sleep = asyncio.sleep) -> None:
        self._policy = policy
        self._clock = clock
        self._turns = turns
        self._sleep = sleep
        self._hosts: dict[str, _Host] = {}
        self._sweep_at = _SWEEP_FROM

    @asynccontextmanager
    async def enter(self, name: str, *, is_granted: bool = False, gap_s: float | None = None) -> AsyncIterator[None]:
        """Holds a place at the host from its turn to the end of the block.

        `is_granted`: its turn came with the claim. `gap_s` is the learned gap, where it is wider than the policy's. Raises what
        the store says of a host that is to be left alone for long.
        """
        host = self._host(name)
        host.users += 1
        try:
            async with host.places:
                if self._turns is not None and not is_granted:
                    await self._wait(await self._turns.reserve(name))
                await self._wait_for_turn(host, max(gap_s or 0.0, self._policy.gap_s))
                yield
        finally:
            host.users -= 1

    async def _wait_for_turn(self, host: _Host, gap_s: float) -> None:
        async with host.turn:
            await self._wait(host.next_start_s - self._clock.monotonic_s())
            # Sleeps may end a little early: count the gap from the planned start, or the rate creeps up.
            host.next_start_s = max(self._clock.monotonic_s(), host.next_start_s) + gap_s

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await self._sleep(seconds)

    def _host(self, name: str) -> _Host:
        if len(self._hosts) >= self._sweep_at:
            self._forget_idle_hosts()
        if name not in self._hosts:
            self._hosts[name] = _Host(self._policy.at_once)
        return self._hosts[name]

    def _forget_idle_hosts(self) -> None:
        now_s = self._clock.monotonic_s()
        self._hosts = {name: host for name, host in self._hosts.items() if host.users or host.next_start_s > now_s}
        self._sweep_at = max(_SWEEP_FROM, 2 * len(self._hosts))
