"""When a daemon's tick has something to do: the moment from which on something can be claimed, found in the database."""

import asyncio
import contextlib
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.store import SqlStore
from ingest.store.queues import ENTRIES, FEEDS, Queue
from ingest.store.schema import hosts
from tests.sim.loop import SimClock

_FAR_S = 86_400.0  # looked for again after a day, whatever was found


class Ticker:
    """Wakes the runners on the grid of the daemon's ticks, whenever something can be claimed."""

    def __init__(
        self, clock: SimClock, tick_s: float, find_next: Callable[[], datetime | None], wake: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._tick_s = tick_s
        self._find_next = find_next
        self._wake = wake
        self._next_s = math.inf
        self._sooner = asyncio.Event()

    async def run(self) -> None:
        while True:
            self._next_s = self._clock.monotonic_s() + _FAR_S
            if (moment := self._find_next()) is not None:
                self.due(moment)
            while (left_s := self._next_s - self._clock.monotonic_s()) > 1e-6:
                self._sooner.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._sooner.wait(), left_s)
            self._next_s = math.inf
            self._wake()
            await asyncio.sleep(1e-3)  # whatever can be claimed is claimed meanwhile

    def due(self, moment: datetime) -> None:
        """There is something to claim from that moment on."""
        now_s = self._clock.monotonic_s()
        wanted_s = max(now_s + (moment - self._clock.now()).total_seconds(), now_s)
        at_s = (math.floor(wanted_s / self._tick_s) + 1) * self._tick_s  # ticks are never early
        if at_s < self._next_s:
            self._next_s = at_s
            self._sooner.set()


def find_next(store: SqlStore, queue: Queue, now: datetime) -> datetime | None:
    """From when on something can be claimed that cannot be now; None: nothing is planned."""
    with store.database.read() as connection:
        moments = [connection.execute(statement, {"now": now}).scalar_one() for statement in _NEXTS[queue.table.name]]
    return min((moment for moment in moments if moment is not None), default=None)


_NOW = sa.bindparam("now", type_=FEEDS.due_at.type)


def _next_planned(queue: Queue) -> sa.Select[Any]:
    return sa.select(sa.func.min(queue.due_at)).where(queue.is_open, queue.due_at > _NOW)


def _next_turn(queue: Queue) -> sa.Select[Any]:
    """Of what is due and waits: for the end of a lease, for its server's word or for its host's turn."""
    table = queue.table
    at: sa.ColumnElement[Any] = sa.cast(_NOW, queue.due_at.type)
    for bound in (table.c.lease_until, queue.not_before, hosts.c.next_request_at):
        if bound is not None:
            at = sa.case((bound > at, bound), else_=at)
    return (
        sa.select(sa.func.min(at))
        .select_from(table.outerjoin(hosts, hosts.c.host == table.c.host))
        .where(queue.is_open, queue.due_at <= _NOW)
    )


_NEXTS = {queue.table.name: (_next_planned(queue), _next_turn(queue)) for queue in (FEEDS, ENTRIES)}
