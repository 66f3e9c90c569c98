"""Connections below the fetcher: which are kept and for how long, which address is tried, and what counts as HTTP."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from socket import AF_INET, SOCK_STREAM, socket
from typing import TypeVar

import httpx
import pytest

from ingest.fetch import network
from ingest.fetch.guard import Allow, Guard
from ingest.fetch.http1 import Malformed
from ingest.fetch.network import NotConnected, SystemResolver, connect
from ingest.fetch.transport import GuardedTransport, KeptConnections
from tests.site import HANG, Answer, Raw, Site

T = TypeVar("T")

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def with_transport(work: Callable[[GuardedTransport], Awaitable[T]]) -> T:
    async def run() -> T:
        guard = Guard(Allow.parse(("127.0.0.0/8",)), SystemResolver(), dns_timeout_s=1.0)
        transport = GuardedTransport(guard, httpx.create_ssl_context())
        try:
            return await work(transport)
        finally:
            await transport.aclose()

    return asyncio.run(run())


async def asked(transport: GuardedTransport, url: str, method: str = "GET", content: bytes | None = None) -> httpx.Response:
    """An answer, its body read."""
    request = httpx.Request(method, url, content=content, extensions={"timeout": {"connect": 2.0}})
    response = await transport.handle_async_request(request)
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110  # what is waited for happens in a thread that knows no events
            await asyncio.sleep(0.01)


def answer_to(site: Site, *steps: bytes) -> httpx.Response:
    site.raw("/", *steps)
    return with_transport(lambda transport: asked(transport, site.url("/")))


# ── what counts as HTTP ──


@pytest.mark.parametrize(
    "steps",
    [
        (b"HTTP/1.1 200 OK\nContent-Length: 2\nX: a\n\nok",),
        (OK + b"X: a\r\n  folded\r\nContent-Length: 2\r\n\r\nok",),
        (OK + b"X: \x01\xe9\r\nContent-Length: 2\r\n\r\nok",),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",),
        (b"HTTP/1.0 200 Tr\xe8s bien\r\nContent-Length: 2\r\n\r\nok",),
        (b"\r\n" + OK + b"Content-Length: 2\r\n\r\nok",),
        (b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok",),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2 ;name=value\r\nok\r\n0\r\nTrailer: 1\r\n\r\n",),
        (OK + b"Transfer-Encoding: identity\r\n\r\nok",),
        (OK + b"Content-Length: 9\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",),
    ],
    ids=[
        "bare LF",
        "folded",
        "odd bytes",
        "no reason",
        "old",
        "blank line",
        "hints",
        "extension and trailer",
        "identity",
        "both",
    ],
)
def test_answers_that_browsers_take_are_taken(site: Site, steps: tuple[bytes, ...]) -> None:
    response = answer_to(site, *steps)
    assert (response.status_code, response.content) == (200, b"ok")


def test_headers_before_the_answer_and_behind_the_body_are_not_those_of_the_answer(site: Site) -> None:
    response = answer_to(
        site,
        b"HTTP/1.1 103 Early Hints\r\nETag: early\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nX: 1\r\n\r\n2\r\nok\r\n0\r\nETag: late\r\n\r\n",
    )
    assert "etag" not in response.headers
    assert response.headers["x"] == "1"


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((OK + b"Content-Length : 2\r\n\r\nok",), "space"),
        ((OK + b"Bad Name: x\r\n\r\n",), "not HTTP"),
        ((OK + b"X: a\rb\r\n\r\n",), "not HTTP"),
        ((b"HTTP/1.1 000 Nothing\r\n\r\n",), "no status is 000"),
        ((b"HTTP/2 200 OK\r\n\r\n",), "not HTTP"),
        ((OK + b"".join(b"X: 1\r\n" for _ in range(1_001)) + b"\r\n",), "longer than"),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n", *[b"X" * 50_000] * 9), "longer than"),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\n2;", *[b"x" * 50_000] * 9), "longer than"),
        ((b"HTTP/1.1 100 Continue\r\n\r\n" * 9_999,), "longer than"),
    ],
    ids=["space", "name", "bare CR", "000", "HTTP/2", "1,001 headers", "endless trailer", "endless extension", "1xx flood"],
)
def test_what_is_not_http_is_refused(site: Site, steps: tuple[bytes, ...], words: str) -> None:
    with pytest.raises(Malformed, match=words):
        answer_to(site, *steps)


def test_a_request_that_would_not_stay_one_is_not_sent(site: Site) -> None:
    async def ask(transport: GuardedTransport) -> None:
        headers = [(b"x", b"1\r\nX-Evil: 1")]
        request = httpx.Request("GET", site.url("/"), headers=headers, extensions={"timeout": {"connect": 2.0}})
        await transport.handle_async_request(request)

    with pytest.raises(Exception, match="could not be sent"):
        with_transport(ask)
    assert site.connections == 0


# ── kept connections ──


def test_what_comes_unasked_spoils_a_kept_connection(site: Site) -> None:
    smuggled = Raw(lambda: [OK + b"Content-Length: 2\r\n\r\nok", 0.05, OK + b"Content-Length: 4\r\n\r\nevil"], keep=True)
    site.answers("/", smuggled, Answer(b"fine"))

    async def twice(transport: GuardedTransport) -> list[bytes]:
        first = await asked(transport, site.url("/"))
        (kept,) = transport._kept._since
        await until(lambda: not kept.can_serve_again)
        return [first.content, (await asked(transport, site.url("/"))).content]

    assert with_transport(twice) == [b"ok", b"fine"]
    assert site.connections == 2


def test_an_answer_framed_in_two_ways_ends_its_connection(site: Site) -> None:
    both = OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    site.answers("/", Raw(lambda: [both], keep=True))

    async def twice(transport: GuardedTransport) -> None:
        for _ in range(2):
            await asked(transport, site.url("/"))

    with_transport(twice)
    assert site.connections == 2


def test_a_form_is_never_sent_over_a_kept_connection_and_so_never_twice(site: Site) -> None:
    site.page("/", b"x")

    async def mixed(transport: GuardedTransport) -> None:
        for method in ("GET", "POST", "GET"):
            await asked(transport, site.url("/"), method, b"a=1" if method == "POST" else None)

    with_transport(mixed)
    assert [(request.method, request.connection) for request in site.requests] == [("GET", 1), ("POST", 2), ("GET", 2)]
    assert site.requests[1].body == b"a=1"


def test_few_connections_are_kept_the_oldest_go_first() -> None:
    async def many(transport: GuardedTransport) -> None:
        transport._kept = KeptConnections(at_most=3)
        for number in range(1, 6):
            await asked(transport, everywhere.url("/", host=f"127.0.0.{number}"))
        assert [to.host for to, _ in transport._kept._since.values()] == ["127.0.0.3", "127.0.0.4", "127.0.0.5"]
        assert len(transport._kept._by_origin) == 3

    with Site("0.0.0.0") as everywhere:
        everywhere.page("/", b"x")
        with_transport(many)


def test_a_connection_is_kept_for_a_while_only(site: Site) -> None:
    site.page("/", b"x")

    async def wait(transport: GuardedTransport) -> None:
        transport._kept = KeptConnections(keep_s=0.05)
        await asked(transport, site.url("/"))
        (kept,) = transport._kept._since
        await until(lambda: len(transport._kept) == 0)
        assert not kept.is_open
        assert transport._kept._by_origin == {}
        assert transport._kept._sweep is None

    with_transport(wait)


def test_nothing_is_taken_in_that_nobody_takes_out(site: Site) -> None:
    """The sender is held up: memory stays at what was announced, whatever is sent."""
    site.endless("/", OK + b"\r\n", b"a" * 65_536)

    async def stall(transport: GuardedTransport) -> int:
        request = httpx.Request("GET", site.url("/"), extensions={"timeout": {"connect": 2.0}})
        response = await transport.handle_async_request(request)
        answer = response.stream._connection._answer  # type: ignore[union-attr]
        held = -1
        while held < len(answer.body):
            held = len(answer.body)
            await asyncio.sleep(0.1)
        await response.aclose()
        return held

    assert with_transport(stall) <= 2 * (1 << 18) + 1


# ── addresses ──


def test_a_silent_address_does_not_hold_up_the_next(site: Site) -> None:
    """The first address takes no connections: its queue is full. It stands for a broken IPv6 in front of a working IPv4."""
    with closing(socket(AF_INET, SOCK_STREAM)) as deaf:
        deaf.bind(("127.0.0.9", site.port))
        deaf.listen(0)
        fillers = [socket(AF_INET, SOCK_STREAM) for _ in range(3)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.9", site.port))

            async def race() -> tuple[str, float]:
                started = time.perf_counter()
                connection = await connect(["127.0.0.9", "127.0.0.1"], site.port, timeout_s=5.0)
                peer = connection.transport.get_extra_info("peername")[0]
                connection.close()
                return peer, time.perf_counter() - started

            peer, took_s = asyncio.run(race())
        finally:
            for filler in fillers:
                filler.close()
    assert peer == "127.0.0.1"
    assert took_s < 2.0


def test_an_address_that_never_answers_is_given_up(site: Site) -> None:
    with closing(socket(AF_INET, SOCK_STREAM)) as deaf:
        deaf.bind(("127.0.0.9", site.port))
        deaf.listen(0)
        fillers = [socket(AF_INET, SOCK_STREAM) for _ in range(3)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.9", site.port))
            with pytest.raises(NotConnected):
                asyncio.run(connect(["127.0.0.9"], site.port, timeout_s=0.2))
        finally:
            for filler in fillers:
                filler.close()


@pytest.mark.parametrize(
    ("addresses", "tried"),
    [
        (["1.1.1.1"], ["1.1.1.1"]),
        (["2::1", "2::2", "2::3", "2::4", "2::5", "1.1.1.1"], ["2::1", "1.1.1.1", "2::2", "2::3", "2::4", "2::5"]),
        (["1.1.1.1", "1.1.1.2", "2::1", "2::2"], ["1.1.1.1", "2::1", "1.1.1.2", "2::2"]),
    ],
)
def test_addresses_are_tried_by_turns_of_their_families(addresses: Sequence[str], tried: Sequence[str]) -> None:
    assert network._alternating(addresses) == tried


def test_lookups_that_hang_do_not_use_up_the_threads_of_others() -> None:
    """Each lookup has a thread of its own, used again when it is done, and no pool of anybody else is touched."""

    async def look_up() -> None:
        resolve = SystemResolver()
        await asyncio.gather(*(resolve("localhost", 80) for _ in range(20)))
        idle = resolve._threads._idle._value
        assert 1 <= idle <= 20
        for _ in range(20):
            await resolve("localhost", 80)
        assert resolve._threads._idle._value <= 20
        assert asyncio.get_running_loop()._default_executor is None  # type: ignore[attr-defined]

    asyncio.run(look_up())


def test_a_hanging_answer_is_let_go_when_its_reader_is_cancelled(site: Site) -> None:
    site.raw("/", OK, b"Content-Length: 9\r\n\r\nab", HANG)

    async def give_up(transport: GuardedTransport) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await asked(transport, site.url("/"))
        assert len(transport._kept) == 0

    with_transport(give_up)
