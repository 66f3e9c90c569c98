"""Many callers, few calls: what arrives while one call runs shares the next.

Transactions, queries and round trips to workers cost much more than one more row in them: SQLite stores 17k articles/s in batches
of 100 to 1000 against 221/s one by one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar, cast

from ingest.errors import StoreUnavailable
from ingest.model import Applied
from ingest.ports import InThread

A = TypeVar("A")
R = TypeVar("R")
P_contra = TypeVar("P_contra", contravariant=True)

_MOST = 100  # in one call


class Together(Generic[A, R]):
    """Groups what is asked for one by one into calls for many, without waiting for company.

    `call` answers for each of its arguments, in their order; at most `most` go into one, and `lanes` run side by side. Where a
    call for many fails, each is asked for alone, so that one cannot cost the others their answer; not so where the store is away.
    """

    def __init__(self, call: Callable[[Sequence[A]], Awaitable[Sequence[R]]], *, most: int = _MOST, lanes: int = 1) -> None:
        self._call = call
        self._most = most
        self._lanes = lanes
        self._waiting: deque[tuple[A, asyncio.Future[R]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, one: A) -> R:
        """The answer for `one`. Raises what the call raises."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, done))
        if len(self._running) < self._lanes:
            self._running.add(asyncio.create_task(self._work()))
        return await done

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._answer([self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))])
        finally:  # with no pause after the last look: what is asked for a moment later must find the lane free
            self._running.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _answer(self, batch: list[tuple[A, asyncio.Future[R]]]) -> None:
        try:
            results = await self._call([one for one, _ in batch])
        except Exception as error:  # noqa: BLE001  handed to everyone who waits; each decides
            if len(batch) > 1 and not isinstance(error, StoreUnavailable):
                for one in batch:
                    await self._answer([one])
                return
            for _, done in batch:
                if not done.done():
                    done.set_exception(error)
            return
        for (_, done), result in zip(batch, results, strict=True):
            if not done.done():
                done.set_result(result)


class Applier(Protocol[P_contra]):
    """A store of plans."""

    def apply(self, plans: Sequence[P_contra]) -> Sequence[Applied]: ...


def applying(store: Applier[A], in_thread: InThread) -> Together[A, Applied]:
    """Applies plans together, each whole or not at all."""

    async def apply(plans: Sequence[A]) -> Sequence[Applied]:
        return await in_thread(store.apply, plans)

    return Together(apply)
