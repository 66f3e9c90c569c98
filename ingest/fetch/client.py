"""One HTTP exchange within its limits: HttpFetcher, the Fetcher of this program.

    fetch → _fetch_following_redirects → _fetch_once (host gate, deadline) → _exchange → document, "not modified" or redirect

It drives a transport of httpx itself, not its client: the client would follow redirects on its own terms (it raises on odd
Location headers even when told not to follow, and carries a feed's own headers to other hosts), keeps cookies across feeds, and
logs whole addresses with the secrets in them.

The deadline `fetch.timeout_s` covers everything between the first connect and the last byte, redirects included, but not the
waiting for a host's turn: a busy host is no failure of its feeds, and who waits loads nobody.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx

from ingest.clock import Clock
from ingest.errors import ConfigError, PermanentFetchError, Problem, TransientFetchError
from ingest.fetch.ask import Unsendable, ask_headers, conditional_headers
from ingest.fetch.body import TooLarge, read_body
from ingest.fetch.faults import refusal, translated
from ingest.fetch.gate import HostGate
from ingest.fetch.guard import Allow, Guard, Resolve
from ingest.fetch.network import SystemResolver
from ingest.fetch.transport import GuardedTransport
from ingest.headers import validators
from ingest.model import Fetched, FetchRequest, Hop, NotModified, Purpose, Validators
from ingest.outcome import Outcome
from ingest.policy import FetchPolicy
from ingest.urls import host_of, is_http_url, redact, request_url, resolve

_REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_NO_DOCUMENT = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.PARTIAL_CONTENT})
_WORTH_READING = 16_384  # bytes of an answer without use, read only to keep the connection for the next request
_MAX_DIGITS = 18  # of a Content-Length that can be meant

# Headers of which one value has a meaning; of others, several are one list (RFC 9110 §5.2).
_SINGLE = frozenset(
    {"age", "content-length", "content-type", "date", "etag", "expires", "last-modified", "location", "retry-after"}
)


@dataclass(slots=True)
class _Trip:
    """One call of `fetch`: what is left of its deadline and where it has been."""

    request: FetchRequest
    spent_s: float = 0.0  # of the deadline, by the hops that are over
    hop_began_s: float = 0.0  # monotonic
    hops: list[Hop] = field(default_factory=list)
    visited: set[str] = field(default_factory=set)

    is_grant_spent: bool = False

    def take_grant(self, host: str) -> bool:
        """Whether the turn that came with the claim is for this request; it is so once."""
        is_granted = host == self.request.host_granted and not self.is_grant_spent
        self.is_grant_spent = self.is_grant_spent or is_granted
        return is_granted

    def begin_hop(self, now_s: float) -> None:
        self.hop_began_s = now_s

    def end_hop(self, now_s: float) -> None:
        self.spent_s += now_s - self.hop_began_s

    def elapsed_ms(self, now_s: float) -> int:
        return round((self.spent_s + now_s - self.hop_began_s) * 1000)


@dataclass(frozen=True, slots=True)
class _Redirect:
    """Where an answer sends us: `target` as said, `url` as it will be asked, without the login that may be in it."""

    status: int
    url: str
    target: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a server answered, its body still unread."""

    url: str
    status: int
    headers: Mapping[str, str]
    response: httpx.Response


class HttpFetcher:
    """Fetches documents by HTTP/1.1: guarded, bounded, polite. One for the whole program; an async context manager.

    `resolve` replaces the system's name lookup. Raises ConfigError when the policy names no usable allow list, proxy or
    certificates.
    """

    def __init__(self, policy: FetchPolicy, gate: HostGate, clock: Clock, *, resolve: Resolve | None = None) -> None:
        self._policy = policy
        self._gate = gate
        self._clock = clock
        self._guard = Guard(Allow.parse(policy.allow), resolve or SystemResolver(), dns_timeout_s=policy.dns_timeout_s)
        self._ssl_context = _ssl_context()
        self._extensions = {"timeout": {"connect": policy.connect_timeout_s}}
        self._transports: dict[str, GuardedTransport] = {}
        if policy.proxy and not is_http_url(policy.proxy):
            raise ConfigError(
                Problem("fetch.proxy", "no proxy that can be used", "write http://host:port; socks is not supported")
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.aclose()
        self._transports.clear()

    async def fetch(self, request: FetchRequest) -> Fetched | NotModified:
        """The document, or the word that ours is current. Raises FetchError, and nothing else.

        The error's `url` is the address that failed, made safe to show; after a redirect it is not the one asked for.
        """
        if request_url(request.url) is None:
            raise PermanentFetchError(redact(request.url), Outcome.PROTOCOL_ERROR, "this is no http or https address")
        return await self._fetch_following_redirects(_Trip(request))

    async def _fetch_following_redirects(self, trip: _Trip) -> Fetched | NotModified:
        target = trip.request.url
        while True:
            answer = await self._fetch_once(trip, target)
            if not isinstance(answer, _Redirect):
                return answer
            self._follow(trip, answer, at=target)
            target = answer.target

    async def _fetch_once(self, trip: _Trip, target: str) -> Fetched | NotModified | _Redirect:
        """Ask one address, within what is left of the deadline once it is its host's turn."""
        host = host_of(target)
        is_granted = trip.take_grant(host)
        gap_s = trip.request.host_gap_s if host == trip.request.host_granted else None
        async with self._gate.enter(host, is_granted=is_granted, gap_s=gap_s):
            trip.begin_hop(self._clock.monotonic_s())
            try:
                with translated(target):
                    async with asyncio.timeout(self._policy.timeout_s - trip.spent_s):
                        return await self._exchange(trip, target)
            finally:
                trip.end_hop(self._clock.monotonic_s())

    async def _exchange(self, trip: _Trip, target: str) -> Fetched | NotModified | _Redirect:
        """Ask once; the connection is kept if the answer was read to its end, and closed otherwise."""
        url = request_url(target) or ""
        headers = ask_headers(trip.request, target, self._policy)
        sent = httpx.Request("GET", url, headers=headers, extensions=self._extensions)
        response = await self._transport(trip.request.secrets.proxy or self._policy.proxy).handle_async_request(sent)
        try:
            answer = _Answer(url, response.status_code, _received(response.headers.raw), response)
            return await self._meaning(trip, answer)
        finally:
            await response.aclose()

    async def _meaning(self, trip: _Trip, answer: _Answer) -> Fetched | NotModified | _Redirect:
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return self._not_modified(trip, answer)
        if answer.status in _REDIRECTS:
            await _finish_small(answer)
            return _redirect(answer)
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES or answer.status in _NO_DOCUMENT:
            raise refusal(answer.url, answer.status, answer.headers, self._clock.now())
        return await self._document(trip, answer)

    async def _document(self, trip: _Trip, answer: _Answer) -> Fetched:
        max_bytes = self._max_bytes(trip.request.purpose)
        if _declared_length(answer.headers) > max_bytes:
            raise TooLarge(max_bytes)
        encoding = answer.headers.get("content-encoding", "")
        body = await read_body(answer.response.aiter_raw(), encoding=encoding, max_bytes=max_bytes)
        return Fetched(
            url=trip.request.url,
            final_url=answer.url,
            status=answer.status,
            headers=answer.headers,
            body=body,
            fetched_at=self._clock.now(),
            elapsed_ms=trip.elapsed_ms(self._clock.monotonic_s()),
            hops=tuple(trip.hops),
        )

    def _not_modified(self, trip: _Trip, answer: _Answer) -> NotModified:
        ours = trip.request.validators
        if not conditional_headers(ours):
            reason = "304 Not Modified, although nothing was said about what we have"
            raise TransientFetchError(redact(answer.url), Outcome.PROTOCOL_ERROR, reason, status=answer.status)
        new = validators(answer.headers)
        return NotModified(
            url=trip.request.url,
            final_url=answer.url,
            status=answer.status,
            headers=answer.headers,
            validators=Validators(etag=new.etag or ours.etag, last_modified=new.last_modified or ours.last_modified),
            fetched_at=self._clock.now(),
            elapsed_ms=trip.elapsed_ms(self._clock.monotonic_s()),
            hops=tuple(trip.hops),
        )

    def _follow(self, trip: _Trip, redirect: _Redirect, *, at: str) -> None:
        """Note a redirect as followed. Raises when it leads round in circles or too far."""
        trip.visited.add(request_url(at) or at)
        if redirect.url in trip.visited:
            raise _redirect_error(at, redirect.status, "the redirects lead round in circles")
        if len(trip.hops) >= self._policy.max_redirects:
            raise _redirect_error(at, redirect.status, f"more than {self._policy.max_redirects} redirects")
        trip.hops.append(Hop(redirect.status, redirect.url))

    def _max_bytes(self, purpose: Purpose) -> int:
        return self._policy.max_page_bytes if purpose is Purpose.PAGE else self._policy.max_feed_bytes

    def _transport(self, proxy: str) -> GuardedTransport:
        """The transport through this proxy (or none): connections are shared by all that use the same."""
        if proxy not in self._transports:
            if proxy and not is_http_url(proxy):
                raise Unsendable("the proxy of this feed cannot be used: write http://host:port; socks is not supported")
            self._transports[proxy] = GuardedTransport(self._guard, self._ssl_context, proxy=proxy or None)
        return self._transports[proxy]


def _redirect(answer: _Answer) -> _Redirect:
    location = _as_sent(answer.headers.get("location", ""))
    if not location:
        raise _redirect_error(answer.url, answer.status, "a redirect that does not say where to")
    target = resolve(answer.url, location)
    url = request_url(target) if target else None
    if target is None or url is None:
        raise _redirect_error(answer.url, answer.status, f"a redirect to what is no http address: {redact(location)[:200]!r}")
    return _Redirect(answer.status, url, target)


def _redirect_error(url: str, status: int, reason: str) -> PermanentFetchError:
    return PermanentFetchError(redact(url), Outcome.REDIRECT_ERROR, reason, status=status)


def _received(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name in lower case, as Latin-1: every byte survives, so validators can be sent back as they came."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name not in headers:
            headers[name] = value
        elif name not in _SINGLE:
            headers[name] += f", {value}"
    return headers


def _as_sent(location: str) -> str:
    """A Location as its author meant it: browsers read it as UTF-8."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _declared_length(headers: Mapping[str, str]) -> int:
    value = headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS else 0


async def _finish_small(answer: _Answer) -> None:
    """Read an answer without use to its end if that is near: the connection can then be used again."""
    if "content-length" in answer.headers and _declared_length(answer.headers) <= _WORTH_READING:
        async for _ in answer.response.aiter_raw():
            pass


def _ssl_context() -> ssl.SSLContext:
    """The certificates to trust: those of certifi, or what SSL_CERT_FILE or SSL_CERT_DIR name. Reading them takes 20 ms."""
    try:
        context = httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        hint = "they must name readable PEM certificates"
        raise ConfigError(Problem("SSL_CERT_FILE, SSL_CERT_DIR", f"no certificates could be read: {error}", hint)) from error
    context.set_alpn_protocols(["http/1.1"])
    return context
