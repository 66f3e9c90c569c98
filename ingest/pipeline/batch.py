"""Many writers, few commits: plans that arrive while one transaction runs share the next."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from ingest.errors import StoreUnavailable
from ingest.model import Applied
from ingest.ports import InThread

P_contra = TypeVar("P_contra", contravariant=True)

_BATCH = 100  # plans a transaction; SQLite stores 17k articles/s in batches of 100-1000 against 221/s one by one


class Applier(Protocol[P_contra]):
    """A store of plans."""

    def apply(self, plans: Sequence[P_contra]) -> Sequence[Applied]: ...


class ApplyInBatches(Generic[P_contra]):
    """Apply plans, grouped into transactions without waiting for company."""

    def __init__(self, store: Applier[P_contra], in_thread: InThread) -> None:
        self._store = store
        self._in_thread = in_thread
        self._waiting: deque[tuple[P_contra, asyncio.Future[Applied]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def __call__(self, plan: P_contra) -> Applied:
        """What became of `plan`, once it is committed. Raises StoreError."""
        done: asyncio.Future[Applied] = asyncio.get_running_loop().create_future()
        self._waiting.append((plan, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await done

    async def _write(self) -> None:
        while self._waiting:
            await self._write_batch([self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))])

    async def _write_batch(self, batch: "list[tuple[P_contra, asyncio.Future[Applied]]]") -> None:
        try:
            results = await self._in_thread(self._store.apply, [plan for plan, _ in batch])
        except Exception as error:  # noqa: BLE001  handed to everyone who waits; each decides
            if len(batch) > 1 and not isinstance(error, StoreUnavailable):
                for one in batch:  # a single plan that the database refuses must not cost the others their write
                    await self._write_batch([one])
                return
            for _, done in batch:
                if not done.done():
                    done.set_exception(error)
            return
        for (_, done), result in zip(batch, results, strict=True):
            if not done.done():
                done.set_result(result)
