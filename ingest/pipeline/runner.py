"""The step that walks every kind of work: claims a batch, works n at a time, renews leases, stops cleanly.

Nothing here is remembered across a restart: what is due lives in rows, and a lease that is not renewed runs out.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from ingest.errors import LeaseLost, StoreError, StoreUnavailable
from ingest.model import Lease
from ingest.pipeline.observer import Observer

C = TypeVar("C")

GRACE_S = 7.0  # for work in flight when a run is asked to end; with taking everything down, that stays within 10 s

_REFUSED_PAUSE_S = 1.0  # after a claim that the store refused: the database may be away for a while; doubles each time
_REFUSED_PAUSE_MAX_S = 30.0
_REFUSALS = 3  # in a row after which a pass gives up: 7 s, besides what the store itself waits for


class Work(Protocol[C]):
    """One kind of work."""

    name: str

    async def claim(self, limit: int) -> Sequence[C]: ...

    async def is_waiting(self) -> bool:
        """Whether something is due that only waits for its host's turn."""
        ...

    async def handle(self, claim: C) -> None: ...

    async def crashed(self, claim: C, error: Exception) -> None: ...

    def key(self, claim: C) -> int: ...

    def lease(self, claim: C) -> Lease: ...

    async def renew(self, leases: Mapping[int, Lease]) -> None: ...

    async def release(self, leases: Mapping[int, Lease]) -> None: ...


class Runner(Generic[C]):
    """Works on one kind of work, `at_once` claims at a time. What is claimed has its turn at its host."""

    def __init__(self, work: Work[C], observer: Observer, *, at_once: int, lease_s: float) -> None:
        self._work = work
        self._observer = observer
        self._at_once = at_once
        self._lease_s = lease_s
        self._held: dict[asyncio.Task[None], C] = {}
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._refusals = 0  # claims in a row that the store refused
        self.problem = ""  # why the store refused the last claim

    def wake(self) -> None:
        """Look for due work now. This is all that a scheduler's tick does."""
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`. Claims when woken and whenever a good part of the places is free."""
        async with self._renewing():
            while not self._stopping.is_set():
                self._wake.clear()
                try:
                    await self._fill()
                except StoreError as error:
                    await self._pause_after(error)
                else:
                    await self._wake.wait()

    async def drain(self, *, may_end: Callable[[], bool] = lambda: True) -> None:
        """Work until nothing is due any more, nothing is in flight and `may_end` agrees; or until `stop`.

        A store that goes on refusing to hand out work ends it too, early: `problem` says why then.
        """
        async with self._renewing():
            while not self._stopping.is_set():
                self._wake.clear()
                is_last_round = may_end()  # asked before looking: what comes due after the source has ended is seen
                try:
                    # With free hands, hosts whose gap is not over are waited for, or the end would come before their turn.
                    is_idle = not await self._fill() and not self._held and not await self._work.is_waiting()
                except StoreError as error:
                    await self._pause_after(error)
                    if self._refusals >= _REFUSALS and not self._held:
                        return
                    continue
                if is_idle and is_last_round:
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), 0.2)

    async def stop(self, grace_s: float) -> None:
        """Claim nothing more, give what is in flight `grace_s` to end, then give it back undone."""
        self._stopping.set()
        self.wake()
        if self._held:
            await asyncio.wait(self._held, timeout=grace_s)
        undone = dict(self._held)
        for task in undone:
            task.cancel()
        if undone:
            await asyncio.wait(undone)
            await self._give_back(list(undone.values()))

    async def _fill(self) -> int:
        """Claim and start as much as there are places for; says how much that was. Raises StoreError."""
        free = self._at_once - len(self._held)
        if self._stopping.is_set() or free <= 0:
            return 0
        claims = await self._work.claim(free)
        self._refusals, self.problem = 0, ""
        if self._stopping.is_set():  # asked while the claim was under way
            await self._give_back(claims)
            return 0
        for claim in claims:
            task = asyncio.create_task(self._work_on(claim), name=f"{self._work.name} {self._work.key(claim)}")
            self._held[task] = claim
            task.add_done_callback(self._finished)
        return len(claims)

    async def _pause_after(self, error: StoreError) -> None:
        """The store refused a claim: say so, and let growing pauses pass before the next one, unless asked to stop."""
        self._observer.work_crashed(self._work.name, 0, error)
        self.problem = str(error)
        pause_s = min(_REFUSED_PAUSE_S * 2 ** min(self._refusals, 16), _REFUSED_PAUSE_MAX_S)
        self._refusals += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause_s)

    async def _give_back(self, claims: Sequence[C]) -> None:
        """Undone, due as before; where the store refuses even that, the leases run out."""
        with contextlib.suppress(StoreError):
            await self._work.release(self._leases(claims))

    async def _work_on(self, claim: C) -> None:
        try:
            await self._work.handle(claim)
        except LeaseLost:
            return  # another worker has it now; what it does is as good
        except StoreUnavailable as error:  # no fault of the work: it is done again when its lease has run out
            self._observer.work_crashed(self._work.name, self._work.key(claim), error)
        except Exception as error:  # noqa: BLE001  the one place: a defect costs one claim, never the daemon
            self._observer.work_crashed(self._work.name, self._work.key(claim), error)
            with contextlib.suppress(Exception):
                await self._work.crashed(claim, error)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._held.pop(task, None)
        # Claims are cheaper in batches: wait for a quarter of the places, unless this was the last one.
        if not self._held or self._at_once - len(self._held) >= max(1, self._at_once // 4):
            self._wake.set()

    def _leases(self, claims: Sequence[C]) -> dict[int, Lease]:
        return {self._work.key(claim): self._work.lease(claim) for claim in claims}

    @contextlib.asynccontextmanager
    async def _renewing(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._renew_for_ever())
        try:
            yield
        finally:
            task.cancel()

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            if self._held:
                try:
                    await self._work.renew(self._leases(list(self._held.values())))
                except Exception as error:  # noqa: BLE001  the next round tries again, or all leases would be lost one day
                    self._observer.work_crashed(self._work.name, 0, error)
