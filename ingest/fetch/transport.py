"""The transport below httpx: every request goes to addresses that the guard has judged, by a kept connection if there is one.

    handle_async_request ── a kept connection to the same origin? ── yes ──▶ ask; gone stale: once more on a new one
                         └─ no ──▶ guard (one lookup, every address judged) ──▶ connect ──▶ TLS ──▶ ask
                                   proxy: guard judges the destination, the connection goes to the proxy

Requests keep their host name: the Host header, SNI and the certificate check all see the name, only the connect sees addresses.
"""

import asyncio
import base64
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import httpx

from ingest.fetch.ask import Unsendable
from ingest.fetch.guard import Guard
from ingest.fetch.http1 import Connection, Head, NoAnswer
from ingest.fetch.network import NotConnected, connect

_KEPT_CONNECTIONS = 32
_KEPT_S = 10.0  # a host's next turn comes after its gap; servers close idle connections after 5 s and more
_DEFAULT_PORTS = {"http": 80, "https": 443}


class ProxyRefused(Exception):
    """The proxy does not lead where we want to go."""


class HandshakeBroken(Exception):
    """The other side hung up while TLS was being agreed on; many do so who expect no TLS."""


class _Origin(NamedTuple):
    """Where a connection leads; through a tunnel too, and then it is the far end."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class _Proxy:
    at: _Origin
    authorization: bytes | None


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests to judged destinations only; through a proxy if one is named. Serves one event loop."""

    def __init__(self, guard: Guard, ssl_context: ssl.SSLContext, *, proxy: str | None = None) -> None:
        self._guard = guard
        self._ssl_context = ssl_context
        self._proxy = _proxy(httpx.URL(proxy)) if proxy else None
        self._kept = KeptConnections()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises Blocked, Unresolved, NotConnected, ProxyRefused, OSError and what a Connection raises."""
        to = _origin(request.url)
        if self._proxy is not None:
            await self._guard.check(to.host, to.port)
        connection, head = await self._ask(request, to)
        return httpx.Response(head.status, headers=head.headers, stream=_Body(connection, self._kept, to))

    async def aclose(self) -> None:
        self._kept.close()

    async def _ask(self, request: httpx.Request, to: _Origin) -> tuple[Connection, Head]:
        """Ask over a kept connection, and once more over a new one if it turns out dead: servers close as we write.

        What is not idempotent gets a new connection at once, for it must not be sent twice (RFC 9110 §9.2.2).
        """
        written = self._written(request, to)
        if request.method == "GET" and (kept := self._kept.take(to)) is not None:
            try:
                return kept, await _asked(kept, written)
            except NoAnswer:
                pass
        connection = await self._connect(to, request.extensions["timeout"]["connect"])
        return connection, await _asked(connection, written)

    async def _connect(self, to: _Origin, timeout_s: float) -> Connection:
        if self._proxy is None:
            addresses = await self._guard.addresses_of(to.host, to.port)
            connection = await connect(addresses, to.port, timeout_s=timeout_s)
        else:
            connection = await self._connect_by_proxy(self._proxy, to, timeout_s)
        if to.scheme == "https":
            await self._secure(connection, to.host, timeout_s)
        return connection

    async def _connect_by_proxy(self, proxy: _Proxy, to: _Origin, timeout_s: float) -> Connection:
        addresses = await self._guard.unjudged_addresses_of(proxy.at.host, proxy.at.port)
        connection = await connect(addresses, proxy.at.port, timeout_s=timeout_s)
        if proxy.at.scheme == "https":
            await self._secure(connection, proxy.at.host, timeout_s)
        if to.scheme == "https":
            await _open_tunnel(connection, proxy, to)
        return connection

    async def _secure(self, connection: Connection, host: str, timeout_s: float) -> None:
        """Put TLS over a connection. Raises ssl.SSLError, HandshakeBroken and NotConnected, and closes the connection then."""
        try:
            async with asyncio.timeout(timeout_s):
                connection.speak_over(await _under_tls(connection, self._ssl_context, host))
        except TimeoutError as error:
            connection.close()
            raise NotConnected("no TLS handshake in time") from error
        except BaseException:
            connection.close()
            raise

    def _written(self, request: httpx.Request, to: _Origin) -> bytes:
        """The request as it goes out. Raises Unsendable when a header would not stay one line."""
        is_forwarded = self._proxy is not None and to.scheme == "http"
        target = str(request.url).encode("ascii") if is_forwarded else request.url.raw_path
        headers = request.headers.raw
        if is_forwarded and self._proxy is not None and self._proxy.authorization is not None:
            headers = [*headers, (b"proxy-authorization", self._proxy.authorization)]
        return _head(request.method.encode("ascii"), target, headers) + request.content


class _Body(httpx.AsyncByteStream):
    """The body of an answer; closing it gives the connection back."""

    def __init__(self, connection: Connection, kept: "KeptConnections", to: _Origin) -> None:
        self._connection = connection
        self._kept = kept
        self._to = to

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.pieces()

    async def aclose(self) -> None:
        if self._connection.can_serve_again:
            self._kept.put(self._to, self._connection)
        else:
            self._connection.close()


class KeptConnections:
    """Connections that wait for the next request to their origin: few, and not for long."""

    def __init__(self, at_most: int = _KEPT_CONNECTIONS, keep_s: float = _KEPT_S) -> None:
        self._at_most = at_most
        self._keep_s = keep_s
        self._since: OrderedDict[Connection, tuple[_Origin, float]] = OrderedDict()  # oldest first
        self._by_origin: dict[_Origin, list[Connection]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._since)

    def put(self, to: _Origin, connection: Connection) -> None:
        """Keep a connection; the one that has waited longest goes if there are too many."""
        self._since[connection] = (to, asyncio.get_running_loop().time())
        self._by_origin.setdefault(to, []).append(connection)
        if len(self._since) > self._at_most:
            self._let_go(next(iter(self._since)))
        self._sweep_later()

    def take(self, to: _Origin) -> Connection | None:
        """A connection to this origin that still stands, the latest first."""
        while waiting := self._by_origin.get(to):
            connection = waiting[-1]
            self._forget(connection)
            if connection.can_serve_again:
                return connection
            connection.close()
        return None

    def close(self) -> None:
        """Close all, for good."""
        for connection in list(self._since):
            self._let_go(connection)
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def _sweep_later(self) -> None:
        if self._sweep is None and self._since:
            _, since_s = next(iter(self._since.values()))
            self._sweep = asyncio.get_running_loop().call_at(since_s + self._keep_s, self._let_go_of_old)

    def _let_go_of_old(self) -> None:
        self._sweep = None
        too_old_s = asyncio.get_running_loop().time() - self._keep_s
        for connection, (_, since_s) in list(self._since.items()):
            if since_s > too_old_s:
                break
            self._let_go(connection)
        self._sweep_later()

    def _let_go(self, connection: Connection) -> None:
        self._forget(connection)
        connection.close()

    def _forget(self, connection: Connection) -> None:
        to, _ = self._since.pop(connection)
        waiting = self._by_origin[to]
        waiting.remove(connection)
        if not waiting:
            del self._by_origin[to]


async def _under_tls(connection: Connection, context: ssl.SSLContext, host: str) -> asyncio.Transport:
    loop = asyncio.get_running_loop()
    try:
        secured = await loop.start_tls(connection.transport, connection, context, server_hostname=host)
    except ConnectionError as error:
        raise HandshakeBroken("TLS failed: the connection was closed in the handshake") from error
    if secured is None:  # closed without a reset
        raise HandshakeBroken("TLS failed: the connection was closed in the handshake")
    return secured


async def _asked(connection: Connection, request: bytes) -> Head:
    try:
        return await connection.ask(request)
    except BaseException:
        connection.close()
        raise


async def _open_tunnel(connection: Connection, proxy: _Proxy, to: _Origin) -> None:
    """Have the proxy connect to the far end. Raises ProxyRefused. Source: RFC 9110 §9.3.6."""
    place = f"[{to.host}]:{to.port}" if ":" in to.host else f"{to.host}:{to.port}"
    headers = [(b"host", place.encode("ascii"))]
    if proxy.authorization is not None:
        headers.append((b"proxy-authorization", proxy.authorization))
    head = await _asked(connection, _head(b"CONNECT", place.encode("ascii"), headers))
    if not HTTPStatus.OK <= head.status < HTTPStatus.MULTIPLE_CHOICES:
        connection.close()
        raise ProxyRefused(f"the proxy refused: {_words(head.status)}")


def _words(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _head(method: bytes, target: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    lines = [b"%b %b HTTP/1.1" % (method, target), *(b"%b: %b" % header for header in headers)]
    head = b"\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head or target.count(b" "):
        raise Unsendable("the request could not be sent")
    return head + b"\r\n\r\n"


def _origin(url: httpx.URL) -> _Origin:
    return _Origin(url.scheme, url.raw_host.decode("ascii"), url.port or _DEFAULT_PORTS[url.scheme])


def _proxy(url: httpx.URL) -> _Proxy:
    if not url.userinfo:
        return _Proxy(_origin(url), None)
    return _Proxy(_origin(url), b"Basic " + base64.b64encode(unquote_to_bytes(url.userinfo)))
