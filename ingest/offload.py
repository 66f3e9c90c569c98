"""Worker processes for what costs CPU: parsing and extracting. A worker can be killed; its pool lives on.

The event loop never runs such work itself, and a document that hangs, eats memory or crashes its interpreter takes one
worker with it and nothing else.
"""

import asyncio
import concurrent.futures
import contextlib
import ctypes
import gc
import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from ingest.errors import WorkKilled
from ingest.policy import WorkerPolicy

P = ParamSpec("P")
T = TypeVar("T")

_PRELOAD = ("ingest.warm",)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class WorkerPool:
    """The port Offload over a pool of processes that are replaced after `max_tasks` tasks."""

    def __init__(self, policy: WorkerPolicy, *, preload: Sequence[str] = _PRELOAD) -> None:
        """`preload` are the modules that workers share: worth their second for many tasks, not for one."""
        # forkserver: a fork of this process would copy its threads' locks; a spawn would import everything once a worker.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(preload))
        self._max_memory_bytes = policy.max_memory_bytes
        self._pool = ProcessPool(
            max_workers=policy.processes or os.cpu_count() or 1,
            max_tasks=policy.max_tasks,
            initializer=_prepare_worker,
            initargs=(policy.max_memory_bytes,),
            context=context,
        )
        # The first worker waits until the forkserver has loaded everything, seconds in which the event loop must not stand still.
        self._started: concurrent.futures.Future[None] = concurrent.futures.Future()
        threading.Thread(target=self._start, name="offload start", daemon=True).start()

    def _start(self) -> None:
        try:
            self._pool.submit(_nothing, None).result()
        finally:
            self._started.set_result(None)

    async def __call__(self, timeout_s: float, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `call` returns or raises, from a worker. Raises WorkKilled when the worker had to be ended or died."""
        if not self._started.done():
            await asyncio.shield(asyncio.wrap_future(self._started))  # shielded: one who gives up must not end it for all
        future = self._pool.submit(partial(call, *args, **kwargs), timeout_s)
        try:
            result: T = await asyncio.wrap_future(future)
        except concurrent.futures.TimeoutError as error:
            raise WorkKilled(f"took longer than {timeout_s:g} s, its worker was ended") from error
        except ProcessExpired as error:
            raise WorkKilled(f"its worker died ({_describe(error.exitcode)})") from error
        except MemoryError as error:
            raise WorkKilled(f"needed more than {self._max_memory_bytes / 1e6:.0f} MB in its worker") from error
        return result

    def close(self) -> None:
        """End all workers now. Blocks until they are gone."""
        self._started.result()
        self._pool.stop()  # type: ignore[no-untyped-call]  # pebble leaves it unannotated
        self._pool.join()


def _nothing() -> None:
    """The first task of a pool: that it ends shows that workers can be had."""


def _describe(exit_code: Any) -> str:
    with contextlib.suppress(ValueError, TypeError):
        if exit_code < 0:
            return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"


def _prepare_worker(max_memory_bytes: int) -> None:
    """Bound the worker's memory, leave Ctrl-C to the main process, and never outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # pebble's handler is Python: a call into C holds it off, and pebble waits 3 s
    resource.setrlimit(resource.RLIMIT_AS, (max_memory_bytes, max_memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.freeze()  # what came with the fork stays: the collector looking through it would cost time, and copies of shared pages
    if sys.platform == "linux":
        # The forkserver ends with the main process however that ends; this passes it on to a worker in mid-task.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        parent = multiprocessing.parent_process()
        if parent is None or not parent.is_alive():  # it died before that took effect
            os._exit(1)
