"""A scripted web site on a loopback address, for tests: it says exactly what it is told to, good or broken.

    with Site() as site:
        site.page("/feed.xml", b"<rss/>", etag='"v1"')                     # answers 304 to a matching If-None-Match
        site.page("/old", status=301, headers={"Location": "/feed.xml"})
        site.answers("/flaky", Answer(status=503), Answer(b"better"))      # one per request, the last one stays
        site.serve("/echo", lambda request: Answer(request.body))
        site.raw("/drip", b"HTTP/1.1 200 OK\\r\\n\\r\\n", b"a", 0.05, b"b", HANG)  # bytes, pauses in seconds, HANG, RESET
        ... fetch site.url("/feed.xml") with anything, also from another process ...
        assert [request.path for request in site.requests] == ["/feed.xml"]

The site runs in a thread of its own, so tests may be plain functions, and ends with the block. Paths are looked up with their
query first, then without it; what nobody described is a 404. Other addresses of 127.0.0.0/8 serve as other hosts.
"""

import asyncio
import ssl
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from itertools import chain, repeat
from socket import SO_LINGER, SOL_SOCKET
from types import TracebackType
from typing import Self


class Step(Enum):
    """What a raw answer can do besides sending bytes and pausing."""

    HANG = "never go on"
    RESET = "break the connection off"


HANG, RESET = Step.HANG, Step.RESET


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str  # with the query
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    at: float  # time.monotonic()
    connection: int  # number of the connection, from 1


@dataclass(frozen=True)
class Answer:
    """A well-formed answer; Content-Length is added."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """An answer byte by byte: chunks of bytes, pauses in seconds, HANG, RESET; may be endless. The connection ends with it,
    unless `keep`."""

    steps: Callable[[], Iterable[bytes | float | Step]]
    keep: bool = False


Serve = Callable[[Seen], "Answer | Raw"]


class Site:
    """An HTTP/1.1 server for tests; see the module."""

    def __init__(self, host: str = "127.0.0.1", *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.port = port  # 0 takes a free one
        self.requests: list[Seen] = []
        self.connections = 0
        self._tls = tls
        self._serving: dict[str, Serve] = {}
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._arrived = threading.Condition()
        self._is_up = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"site {host}", daemon=True)

    # ── what it says ──

    def page(
        self,
        path: str,
        body: bytes | str = b"",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> None:
        """Always this answer; with `etag` or `last_modified` also 304 to who has it."""
        sent = dict(headers or {})
        if etag:
            sent["ETag"] = etag
        if last_modified:
            sent["Last-Modified"] = last_modified
        answer = Answer(body.encode() if isinstance(body, str) else body, status, sent)

        def serve(request: Seen) -> Answer:
            known = request.headers.get("if-none-match"), request.headers.get("if-modified-since")
            is_known = (known[0] == etag) if known[0] else (known[1] is not None and known[1] == last_modified)
            return Answer(status=304, headers=sent) if is_known else answer

        self._serving[path] = serve

    def answers(self, path: str, *answers: Answer | Raw) -> None:
        """These answers, one per request; the last one stays."""
        line = chain(answers, repeat(answers[-1]))
        self._serving[path] = lambda _: next(line)

    def serve(self, path: str, serve: Serve) -> None:
        """Whatever the function says."""
        self._serving[path] = serve

    def raw(self, path: str, *steps: bytes | float | Step, keep: bool = False) -> None:
        """These bytes and pauses, then the end of the connection."""
        self._serving[path] = lambda _: Raw(lambda: steps, keep)

    def endless(self, path: str, head: bytes, again: bytes, *, pause_s: float = 0.0) -> None:
        """`head`, then `again` for ever."""
        self._serving[path] = lambda _: Raw(
            lambda: chain([head], *repeat([again, pause_s])) if pause_s else chain([head], repeat(again))
        )

    # ── what it saw ──

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        return f"{'https' if self._tls else 'http'}://{host or self.host}:{self.port}{path}"

    def seen(self, path: str) -> list[Seen]:
        """The requests for a path, with or without a query."""
        return [request for request in self.requests if path in (request.path, request.path.partition("?")[0])]

    def wait_for(self, count: int, *, timeout_s: float = 30.0) -> None:
        """Until so many requests have arrived in all."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.requests) >= count, timeout_s), f"no {count} requests in {timeout_s} s"

    def forget(self) -> None:
        """Start counting anew."""
        self.requests.clear()
        self.connections = 0

    # ── how it runs ──

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()
        self._is_up.wait()
        if self._failure:
            raise self._failure

    def stop(self) -> None:
        """Close every connection, finished or not."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001  # start() raises it in the test
            self._failure = error
            self._is_up.set()

    async def _main(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, self.host, self.port, ssl=self._tls, limit=1_000_000, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._is_up.set()
        await self._stopping.wait()
        await _settled()  # who was let in at the last moment is in the book now; behind close() he would be lost
        server.close()
        open_now = dict(self._open)
        for task, writer in open_now.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)
        await _settled()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        self.connections += 1
        try:
            await self._converse(reader, writer, self.connections)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError):
            pass  # the other side has gone, or the site is stopping
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()  # what is still being sent can then be broken off by stop()
            del self._open[task]

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        async for request in _requests(reader, number):
            with self._arrived:
                self.requests.append(request)
                self._arrived.notify_all()
            serve = self._serving.get(request.path) or self._serving.get(request.path.partition("?")[0])
            answer = serve(request) if serve else Answer(b"not here", 404)
            if isinstance(answer, Answer):
                writer.write(_written(answer, request))
                await writer.drain()
            elif not await _play(answer, writer):
                return


async def _settled() -> None:
    """Until callbacks that were due, and those that they led to, have run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def _requests(reader: asyncio.StreamReader, number: int) -> AsyncIterator[Seen]:
    while line := await reader.readline():
        method, path, version = line.decode("latin-1").split(" ", 2)
        if not version.startswith("HTTP/"):
            raise ValueError("no HTTP")
        headers = {}
        while (raw := await reader.readline()) not in (b"\r\n", b""):
            name, _, value = raw.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        yield Seen(method, path, headers, body, time.monotonic(), number)


def _written(answer: Answer, request: Seen) -> bytes:
    known = answer.status in HTTPStatus._value2member_map_
    phrase = HTTPStatus(answer.status).phrase if known else "Unheard Of"
    lines = [f"HTTP/1.1 {answer.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    has_body = answer.status not in (204, 304)
    if has_body and "content-length" not in {name.lower() for name in answer.headers}:
        lines.append(f"Content-Length: {len(answer.body)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return head + (answer.body if has_body and request.method != "HEAD" else b"")


async def _play(answer: Raw, writer: asyncio.StreamWriter) -> bool:
    """Do as the steps say; whether the connection goes on."""
    for step in answer.steps():
        if step is HANG:
            await asyncio.Event().wait()
        elif step is RESET:
            socket = writer.get_extra_info("socket")
            socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))  # close() sends RST
            writer.transport.abort()
            return False
        elif isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
        elif isinstance(step, float):
            await asyncio.sleep(step)
    return answer.keep
