"""One HTTP exchange within its limits: HttpFetcher, the Fetcher of this program.

    fetch → _fetch_following_redirects → _fetch_once (host gate, deadline) → _exchange → document, "not modified" or redirect

It drives a transport of httpx itself, not its client: the client would follow redirects on its own terms (it raises on odd
Location headers even when told not to follow, and carries a feed's own headers to other hosts), keeps cookies across feeds, and
logs whole addresses with the secrets in them.

The deadline `fetch.timeout_s` covers everything between the first connect and the last byte, redirects included, but not the
waiting for a host's turn, nor what a redirect asks to wait: a busy host is no failure of its feeds, and who waits loads nobody.
"""

import asyncio
import ssl
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx

from ingest.clock import Clock
from ingest.errors import ConfigError, PermanentFetchError, Problem, TransientFetchError
from ingest.fetch.answer import (
    REDIRECTS,
    Answer,
    Redirect,
    answer_of,
    body_of,
    finish_small,
    is_challenge,
    redirect_error,
    redirect_of,
)
from ingest.fetch.ask import Unsendable, ask_headers, asks_for_delta, conditional_headers, form_of, has_secrets
from ingest.fetch.faults import refusal, translated
from ingest.fetch.gate import HostGate, Sleep
from ingest.fetch.guard import Allow, Guard, Resolve
from ingest.fetch.network import SystemResolver
from ingest.fetch.transport import GuardedTransport
from ingest.headers import is_feed_delta, retry_after_s, validators
from ingest.model import Fetched, FetchRequest, Hop, NotModified, Purpose, Validators
from ingest.outcome import Outcome
from ingest.policy import FetchPolicy
from ingest.urls import host_of, is_http_url, redact, request_url

_NO_DOCUMENT = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.PARTIAL_CONTENT})
_KEEPING_THE_FORM = frozenset({HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT})
_MAX_ROBOTS_BYTES = 512_000  # RFC 9309 §2.5: at least 500 KiB must be read; what is longer is cut there
_MAX_HUB_BYTES = 16_384  # of what a hub answers; only its status counts
_PATIENCE_S = 5.0  # with a redirect that asks to wait; one that asks for longer is one of another day


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


class HttpFetcher:
    """Fetches documents by HTTP/1.1: guarded, bounded, polite. One for the whole program; an async context manager.

    `resolve` replaces the system's name lookup, `sleep` the waiting. Raises ConfigError when the policy names no usable allow
    list, proxy or certificates.
    """

    def __init__(
        self, policy: FetchPolicy, gate: HostGate, clock: Clock, *, resolve: Resolve | None = None, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._policy = policy
        self._gate = gate
        self._clock = clock
        self._sleep = sleep
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
        """The document, or the word that ours is current. Raises FetchError; StoreError where no turn could be had at a host.

        The FetchError's `url` is the address that failed, made safe to show; after a redirect it is not the one asked for.
        """
        if request_url(request.url) is None:
            raise PermanentFetchError(redact(request.url), Outcome.PROTOCOL_ERROR, "this is no http or https address")
        return await self._fetch_following_redirects(_Trip(request))

    async def _fetch_following_redirects(self, trip: _Trip) -> Fetched | NotModified:
        target = trip.request.url
        while True:
            answer = await self._fetch_once(trip, target)
            if not isinstance(answer, Redirect):
                return answer
            self._follow(trip, answer, at=target)
            if answer.wait_s > 0:
                await self._sleep(answer.wait_s)
            target = answer.target

    async def _fetch_once(self, trip: _Trip, target: str) -> Fetched | NotModified | Redirect:
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

    async def _exchange(self, trip: _Trip, target: str) -> Fetched | NotModified | Redirect:
        """Ask once; the connection is kept if the answer was read to its end, and closed otherwise."""
        url = request_url(target) or ""
        headers = ask_headers(trip.request, target, self._policy)
        form = form_of(trip.request)
        sent = httpx.Request("GET" if form is None else "POST", url, headers=headers, content=form, extensions=self._extensions)
        response = await self._transport(trip.request.secrets.proxy or self._policy.proxy).handle_async_request(sent)
        try:
            return await self._meaning(trip, answer_of(url, response))
        finally:
            await response.aclose()

    async def _meaning(self, trip: _Trip, answer: Answer) -> Fetched | NotModified | Redirect:
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return self._not_modified(trip, answer)
        if answer.status in REDIRECTS:
            wait_s = self._wait_s(answer)
            await finish_small(answer)
            return replace(redirect_of(answer), wait_s=wait_s)
        is_refused = not _brings_a_document(trip.request, answer)
        is_challenged = await is_challenge(answer)
        if is_refused or is_challenged:
            raise refusal(answer.url, answer.status, answer.headers, self._clock.now(), is_challenge=is_challenged)
        return await self._document(trip, answer)

    async def _document(self, trip: _Trip, answer: Answer) -> Fetched:
        max_bytes, cut = self._bounds(trip.request.purpose)
        body = await body_of(answer, max_bytes=max_bytes, cut=cut)
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

    def _not_modified(self, trip: _Trip, answer: Answer) -> NotModified:
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

    def _wait_s(self, answer: Answer) -> float:
        """Seconds that a redirect asks to wait. Raises where it is one of another day. Source: RFC 9110 §10.2.3."""
        wait_s = retry_after_s(answer.headers, self._clock.now()) or 0.0
        if wait_s > _PATIENCE_S:
            reason = f"a redirect that asks to wait for {wait_s:.0f} s"
            raise TransientFetchError(
                redact(answer.url), Outcome.RATE_LIMITED, reason, status=answer.status, retry_after_s=wait_s
            )
        return wait_s

    def _follow(self, trip: _Trip, redirect: Redirect, *, at: str) -> None:
        """Note a redirect as followed. Raises where it must not be: too far, in circles, out of TLS with secrets, with a form."""
        trip.visited.add(request_url(at) or at)
        reason = None
        if redirect.url in trip.visited:
            reason = "the redirects lead round in circles"
        elif len(trip.hops) >= self._policy.max_redirects:
            reason = f"more than {self._policy.max_redirects} redirects"
        elif trip.request.form is not None and redirect.status not in _KEEPING_THE_FORM:
            reason = "a redirect that would turn the form into a question"
        elif at.lower().startswith("https:") and redirect.url.startswith("http:") and has_secrets(trip.request):
            reason = "a redirect out of TLS, with secrets along"
        if reason is not None:
            raise redirect_error(at, redirect.status, reason)
        trip.hops.append(Hop(redirect.status, redirect.url))

    def _bounds(self, purpose: Purpose) -> tuple[int, bool]:
        """Bytes of a body at most, and whether a longer one is cut there instead of refused."""
        if purpose is Purpose.ROBOTS:
            return _MAX_ROBOTS_BYTES, True
        if purpose is Purpose.HUB:
            return _MAX_HUB_BYTES, True
        return (self._policy.max_page_bytes if purpose is Purpose.PAGE else self._policy.max_feed_bytes), False

    def _transport(self, proxy: str) -> GuardedTransport:
        """The transport through this proxy (or none): connections are shared by all that use the same."""
        if proxy not in self._transports:
            if proxy and not is_http_url(proxy):
                raise Unsendable("the proxy of this feed cannot be used: write http://host:port; socks is not supported")
            self._transports[proxy] = GuardedTransport(self._guard, self._ssl_context, proxy=proxy or None)
        return self._transports[proxy]


def _brings_a_document(request: FetchRequest, answer: Answer) -> bool:
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return False
    if answer.status == HTTPStatus.IM_USED:
        return asks_for_delta(request) and is_feed_delta(answer.headers)
    return request.purpose is Purpose.HUB or answer.status not in _NO_DOCUMENT


def _ssl_context() -> ssl.SSLContext:
    """The certificates to trust: those of certifi, or what SSL_CERT_FILE or SSL_CERT_DIR name. Reading them takes 20 ms."""
    try:
        context = httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        hint = "they must name readable PEM certificates"
        raise ConfigError(Problem("SSL_CERT_FILE, SSL_CERT_DIR", f"no certificates could be read: {error}", hint)) from error
    context.set_alpn_protocols(["http/1.1"])
    return context
