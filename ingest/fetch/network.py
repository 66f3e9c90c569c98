"""From a host to a connection: the system's name lookup, and a connect to the first of several addresses that answers.

Nothing here judges an address: who calls `connect` has had them judged by the guard.
"""

import asyncio
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from itertools import chain, zip_longest
from typing import TypeVar

from ingest.fetch.http1 import Connection

T = TypeVar("T")

# Threads that may hang in getaddrinfo, whose own patience is 10 s and more, while who asked has given up after `dns_timeout_s`.
_LOOKUPS_AT_ONCE = 128
_REST_S = 30.0  # until a thread without work ends
_ADDRESSES_TRIED = 4  # of one host
_HEAD_START_S = 0.25  # of an address before the next one is tried beside it: "Connection Attempt Delay", RFC 8305 §5


class NotConnected(Exception):
    """No address answered in time."""


class SystemResolver:
    """Asks the system for the addresses of a name, in daemon threads of its own.

    `getaddrinfo` cannot be interrupted: in the loop's default executor a few dead names would block every other user of it, and
    any joined thread would hold up the end of the program.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_LOOKUPS_AT_ONCE)
        self._threads = _DaemonThreads()

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        await self._places.acquire()
        lookup = self._threads.run(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        lookup.add_done_callback(lambda _: self._places.release())
        answers = await asyncio.shield(lookup)  # given up on, it still holds its place until the thread is done
        return [str(answer[4][0]) for answer in answers]


async def connect(addresses: Sequence[str], port: int, *, timeout_s: float | None) -> Connection:
    """A connection to the first of these addresses that answers. Raises NotConnected or OSError."""
    tried = _alternating(addresses)[:_ADDRESSES_TRIED]
    try:
        async with asyncio.timeout(timeout_s):
            return await (_connect_one(tried[0], port) if len(tried) == 1 else _connect_first(tried, port))
    except TimeoutError as error:
        raise NotConnected("no connection in time") from error


async def _connect_one(address: str, port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, address, port)
    return connection


async def _connect_first(addresses: Sequence[str], port: int) -> Connection:
    """The winner of a race in which each address starts when the one before it fails or has had its head start."""
    left = list(addresses)
    racing: set[asyncio.Task[Connection]] = set()
    failures: list[BaseException] = []
    try:
        while left or racing:
            if left:
                racing.add(asyncio.create_task(_connect_one(left.pop(0), port)))
            done, _ = await asyncio.wait(racing, timeout=_HEAD_START_S if left else None, return_when=asyncio.FIRST_COMPLETED)
            for attempt in done:
                racing.discard(attempt)
                if (failure := attempt.exception()) is None:
                    racing |= done - {attempt}
                    return attempt.result()
                failures.append(failure)
        raise failures[-1]
    finally:
        for attempt in racing:
            attempt.add_done_callback(_close_loser)
            attempt.cancel()


def _close_loser(attempt: asyncio.Task[Connection]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


def _alternating(addresses: Sequence[str]) -> list[str]:
    """IPv6 and IPv4 by turns, else in order: a host whose one family is broken is reached by the other (RFC 8305 §4)."""
    if len(addresses) == 1:
        return list(addresses)
    first = ip_address(addresses[0]).version
    families: tuple[list[str], list[str]] = ([], [])
    for address in addresses:
        families[ip_address(address).version != first].append(address)
    return [address for address in chain.from_iterable(zip_longest(*families)) if address]


class _DaemonThreads:
    """Runs blocking calls in threads that nobody waits for: as many as there are calls, each used again while it is young."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """The result of a blocking call; its thread is left behind if nobody waits for it any more."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: Exception | None) -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
                future.exception()  # seen: it is no fault if nobody waits for it any more
            else:
                future.set_result(result)  # type: ignore[arg-type]  # None only if T allows it

        def work() -> None:
            result, error = None, None
            try:
                result = call()
            except Exception as caught:  # noqa: BLE001  # carried over to the waiting task
                error = caught
            with suppress(RuntimeError):  # the loop has been closed meanwhile
                loop.call_soon_threadsafe(settle, result, error)

        self._calls.put(work)
        if not self._idle.acquire(blocking=False):
            threading.Thread(target=self._serve, name="lookup", daemon=True).start()
        return future

    def _serve(self) -> None:
        while True:
            try:
                call = self._calls.get(timeout=_REST_S)
            except queue.Empty:
                if self._idle.acquire(blocking=False):
                    return
                continue  # a call was counted on this thread just now
            call()
            self._idle.release()
