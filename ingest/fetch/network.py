"""From a host to a connection: names are resolved here, judged by the guard, and only judged addresses are connected to.

`GuardedTransport` is a transport of httpx over the connection pool of httpcore. Requests keep their host name, so the pool, the
Host header, SNI and the certificate check all see the name; only the connect itself sees the address. That is why the guard sits
below the pool and not in the URL. Exceptions of httpcore pass through as they are; `faults` translates them.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import TypeVar

import httpcore
import httpx

from ingest.fetch.guard import Guard

T = TypeVar("T")

_LOOKUPS_AT_ONCE = 32  # threads that may hang in getaddrinfo; the resolver's own patience is 10 s and more
_ADDRESSES_TRIED = 4  # of one host, so that each gets a fair share of the connect timeout
_IDLE_CONNECTIONS = 8  # the pool of httpcore looks at all of them, pairwise, at every request: 692 µs CPU per 304, with 32 1125
_IDLE_S = 10.0

# Whether the request of this task had to open a connection; a failure on a kept one may only mean that it had gone stale.
_has_connected: ContextVar[bool] = ContextVar("has_connected", default=False)


class SystemResolver:
    """Asks the system for the addresses of a name, in daemon threads of its own.

    `getaddrinfo` cannot be interrupted: in the loop's default executor a few dead names would block every other user of it, and
    any joined thread would hold up the end of the program.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_LOOKUPS_AT_ONCE)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        await self._places.acquire()
        lookup = _in_daemon_thread(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        lookup.add_done_callback(lambda _: self._places.release())
        answers = await asyncio.shield(lookup)  # given up on, it still holds its place until the thread is done
        return [str(answer[4][0]) for answer in answers]


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to addresses that passed the guard, one after the other until one answers."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(  # noqa: PLR0917  # the signature is httpcore's
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = (await self._guard.addresses_of(host, port))[:_ADDRESSES_TRIED]
        _has_connected.set(True)
        share_s = None if timeout is None else timeout / len(addresses)
        for address in addresses[:-1]:
            try:
                return await self._plain.connect_tcp(address, port, share_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._plain.connect_tcp(addresses[-1], port, share_s, local_address, socket_options)


class ProxyBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to the configured proxy, wherever it is; what lies behind it is judged before each request."""

    def __init__(self) -> None:
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(  # noqa: PLR0917  # the signature is httpcore's
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        _has_connected.set(True)
        return await self._plain.connect_tcp(host, port, timeout, local_address, socket_options)


class GuardedTransport(httpx.AsyncBaseTransport):
    """One connection pool whose every destination is judged by the guard; through a proxy if one is named."""

    def __init__(self, guard: Guard, ssl_context: ssl.SSLContext, *, proxy: str | None = None) -> None:
        self._judge = guard.check if proxy else None
        self._pool = _pool_through(proxy, ssl_context) if proxy else _pool(guard, ssl_context)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises Blocked, Unresolved and what httpcore raises."""
        if self._judge is not None:
            port = request.url.port or (443 if request.url.scheme == "https" else 80)
            await self._judge(request.url.raw_host.decode("ascii"), port)
        response = await self._send(_to_httpcore(request))
        return httpx.Response(
            response.status, headers=response.headers, stream=_ResponseStream(response), extensions=response.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def _send(self, request: httpcore.Request) -> httpcore.Response:
        """Send once more when a kept connection turns out to be dead: the server may close it just as we write."""
        _has_connected.set(False)
        try:
            return await self._pool.handle_async_request(request)
        except (httpcore.NetworkError, httpcore.RemoteProtocolError):
            if _has_connected.get():
                raise
        return await self._pool.handle_async_request(request)


class _ResponseStream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


def _pool(guard: Guard, ssl_context: ssl.SSLContext) -> httpcore.AsyncConnectionPool:
    # No limit on connections: how many there are is decided by who claims work, and waiting here would eat the deadline.
    return httpcore.AsyncConnectionPool(
        ssl_context=ssl_context,
        max_connections=None,
        max_keepalive_connections=_IDLE_CONNECTIONS,
        keepalive_expiry=_IDLE_S,
        network_backend=GuardedBackend(guard),
    )


def _pool_through(proxy: str, ssl_context: ssl.SSLContext) -> httpcore.AsyncHTTPProxy:
    named = httpx.Proxy(proxy)
    return httpcore.AsyncHTTPProxy(
        proxy_url=httpcore.URL(
            scheme=named.url.raw_scheme, host=named.url.raw_host, port=named.url.port, target=named.url.raw_path
        ),
        proxy_auth=named.raw_auth,
        proxy_ssl_context=ssl_context if named.url.scheme == "https" else None,
        ssl_context=ssl_context,
        max_connections=None,
        max_keepalive_connections=_IDLE_CONNECTIONS,
        keepalive_expiry=_IDLE_S,
        network_backend=ProxyBackend(),
    )


def _to_httpcore(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


def _in_daemon_thread(call: Callable[[], T]) -> asyncio.Future[T]:
    """The result of a blocking call; its thread is left behind if nobody waits for it any more."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
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
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name="lookup", daemon=True).start()
    return future
