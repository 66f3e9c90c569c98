"""What one transport costs: CPU µs per 304, httpx.Request in and httpx.Response out, `in_flight` requests at a time.

    python transports.py TRANSPORT URL IN_FLIGHT COUNT

Runs in an environment of its own (fetch.txt beside it), with ours on PYTHONPATH.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from importlib import import_module
from typing import Any

import httpx
import uvloop

Ask = Callable[[httpx.Request], Awaitable[httpx.Response]]

HEADERS = [(b"user-agent", b"bench"), (b"accept", b"*/*"), (b"accept-encoding", b"gzip"), (b"if-none-match", b'"1"')]
EXTENSIONS = {"timeout": {"connect": 30.0, "read": 30.0, "write": 30.0, "pool": 30.0}}
MAX_CPU_S = 5.0  # of one case; some transports are quadratic
MANY = 10_000  # connections, more than any case needs


def _httpcore() -> httpx.AsyncBaseTransport:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=MANY)
    return httpx.AsyncHTTPTransport(verify=httpx.create_ssl_context(), limits=limits)


def _httpx_aiohttp() -> httpx.AsyncBaseTransport:
    limits = httpx.Limits(max_connections=MANY)
    return import_module("httpx_aiohttp").AiohttpTransport(verify=httpx.create_ssl_context(), limits=limits)


def _ours() -> httpx.AsyncBaseTransport:
    guard, network, transport = (import_module(f"ingest.fetch.{name}") for name in ("guard", "network", "transport"))
    judge = guard.Guard(guard.Allow.parse(("127.0.0.0/8", "localhost")), network.SystemResolver(), dns_timeout_s=5.0)
    return transport.GuardedTransport(judge, httpx.create_ssl_context())


class _Aiohttp(httpx.AsyncBaseTransport):
    """aiohttp with as little of httpx around it as can be: what a transport of our own over its client would cost at least."""

    def __init__(self) -> None:
        aiohttp, self._url = import_module("aiohttp"), import_module("yarl").URL
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=httpx.create_ssl_context(), use_dns_cache=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=30.0),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = self._url(str(request.url), encoded=True)
        answer = await self._session.request("GET", url, headers=request.headers, allow_redirects=False)
        await answer.read()
        answer.release()
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=httpx.ByteStream(b""))

    async def aclose(self) -> None:
        await self._session.close()


TRANSPORTS: dict[str, Callable[[], httpx.AsyncBaseTransport]] = {
    "httpcore": _httpcore,
    "httpx-aiohttp": _httpx_aiohttp,
    "aiohttp": _Aiohttp,
    "ours": _ours,
}


async def measure(name: str, url: str, in_flight: int, count: int) -> float:
    transport = TRANSPORTS[name]()

    async def ask() -> None:
        response = await transport.handle_async_request(httpx.Request("GET", url, headers=HEADERS, extensions=EXTENSIONS))
        async for _ in response.aiter_raw():
            pass
        await response.aclose()
        assert response.status_code == 304

    asked = 0

    async def one_after_the_other(times: int, until: float) -> None:
        nonlocal asked
        for _ in range(times):
            if time.process_time() < until:
                await ask()
                asked += 1

    await _all(one_after_the_other(max(1, 50 // in_flight), MAX_CPU_S) for _ in range(in_flight))
    asked, before = 0, time.process_time()
    await _all(one_after_the_other(max(5, count // in_flight), before + MAX_CPU_S) for _ in range(in_flight))
    cost_us = (time.process_time() - before) / asked * 1e6
    await transport.aclose()
    return cost_us


async def _all(work: Any) -> None:
    tasks: list[Coroutine[Any, Any, None]] = list(work)
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    name, url, in_flight, count = sys.argv[1:]
    print(uvloop.run(measure(name, url, int(in_flight), int(count))))
