"""A scripted web: hosts with feeds, pages and a robots.txt, each with its manners, on virtual time.

    web.site("news.example") ─ .feed("/feed", moments, …) ─ .pages ─ .robots ─ .bucket ─ .rules
    rule: what was asked → an answer, or None: the next rule, and at last the document itself

`SimFetcher` is the Fetcher of a simulated process: redirects, the real gate before every hop, one deadline. `ScriptedTransport`
puts the same web behind the real HttpFetcher.
"""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from ingest.clock import Clock
from ingest.errors import PermanentFetchError, TransientFetchError
from ingest.fetch import HostGate, HttpFetcher
from ingest.fetch.faults import refusal
from ingest.fetch.network import NotConnected
from ingest.model import Fetched, FetchRequest, Hop, NotModified, Validators
from ingest.outcome import Outcome
from ingest.policy import FetchPolicy
from ingest.urls import host_of
from tests.sim.documents import SimFeed, archive_of, unwritten
from tests.sim.loop import SimClock
from tests.sim.score import Exchange, Kind, Score

_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a server sees of a request."""

    at_s: float
    at: datetime
    path: str
    held: Validators
    form: Mapping[str, str] | None = None  # posted


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answers; headers by name in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Rule = Callable[[Asked], Answer | None]


@dataclass
class Bucket:
    """A host that allows one request in `period_s`, and `most` in a row after a rest. Refusals say when to come back."""

    period_s: float
    most: int = 1
    _left: float = field(init=False)
    _at_s: float = field(default=float("-inf"), init=False)

    def __post_init__(self) -> None:
        self._left = float(self.most)

    def __call__(self, asked: Asked) -> Answer | None:
        self._left = min(self._left + (asked.at_s - self._at_s) / self.period_s, float(self.most))
        self._at_s = asked.at_s
        if self._left >= 1.0 - 1e-9:
            self._left -= 1.0
            return None
        return Answer(429, {"retry-after": str(math.ceil((1.0 - self._left) * self.period_s))})


@dataclass(frozen=True)
class Robots:
    """A robots.txt: prefixes of paths that nobody may ask for, and the pause that it asks for."""

    disallow: tuple[str, ...] = ()
    crawl_delay_s: float | None = None

    def forbids(self, path: str) -> bool:
        return path.startswith(self.disallow) if self.disallow else False

    def render(self) -> bytes:
        lines = ["User-agent: *", *(f"Disallow: {prefix}" for prefix in self.disallow)]
        if self.crawl_delay_s is not None:
            lines.append(f"Crawl-delay: {self.crawl_delay_s:g}")
        return "\n".join((*lines, "")).encode()


@dataclass
class Site:
    """One host. `answers_s`: how long its answers take, at least and at most.

    Every entry of its feeds has a page under its link.
    """

    name: str
    answers_s: tuple[float, float] = (0.2, 0.2)  # alike: what comes together is written together
    robots: Robots | None = None
    rules: list[Rule] = field(default_factory=list)
    feeds: dict[str, SimFeed] = field(default_factory=dict)
    old_paths: set[str] = field(default_factory=set)  # of feeds that live elsewhere now
    hubs: set[str] = field(default_factory=set)  # paths
    _web: Any = field(default=None, repr=False)

    def feed(self, path: str, published: Sequence[float], **options: Any) -> SimFeed:
        """A feed at this path."""
        feed = SimFeed(f"https://{self.name}{path}", published, **options)
        self.feeds[path] = feed
        self._web.score.knows(feed)
        return feed

    def moved(self, path: str, to: str, *, start_s: float = 0.0, end_s: float = math.inf, status: int = 301) -> None:
        """What was asked for at this path is elsewhere, for a while or for good."""
        self.old_paths.add(path)
        self.rules.append(
            lambda asked: Answer(status, {"location": to}) if asked.path == path and start_s <= asked.at_s < end_s else None
        )

    def kind(self, path: str) -> Kind:
        if path in self.feeds or path in self.old_paths:
            return Kind.FEED
        if path == "/robots.txt":
            return Kind.ROBOTS
        if path in self.hubs:
            return Kind.HUB
        if (archive := archive_of(path)) and archive[0] in self.feeds:
            return Kind.HISTORY
        return Kind.PAGE if path.rpartition("/")[0] in self.feeds else Kind.STRAY


class Web:
    """All hosts, and whether our own network reaches them. `is_written`: documents are rendered and parsed for real."""

    def __init__(self, clock: SimClock, score: Score, chance: random.Random, *, is_written: bool = True) -> None:
        self.clock = clock
        self.score = score
        self.is_written = is_written
        self.no_connection_s = 3.0  # until the system gives up while our own network is away
        self.sites: dict[str, Site] = {}
        self.outages: list[tuple[float, float]] = []  # of our own network, from and until
        self._chance = chance

    def site(self, name: str, **options: Any) -> Site:
        """A host of this name."""
        site = Site(name, _web=self, **options)
        self.sites[name] = site
        return site

    @property
    def is_away(self) -> bool:
        """Whether our own network is away."""
        now_s = self.clock.monotonic_s()
        return any(start_s <= now_s < end_s for start_s, end_s in self.outages)

    @contextmanager
    def exchange(
        self, url: str, held: Validators, *, by: str, first: str, form: Mapping[str, str] | None = None
    ) -> Iterator[tuple[Exchange, Answer, float]]:
        """A request that arrives: what its server answers, and after how long. The score is kept from here to the end."""
        parts, now_s = urlsplit(url), self.clock.monotonic_s()
        site, path = self.sites[parts.hostname or ""], parts.path or "/"
        kind = site.kind(path)
        is_forbidden = kind is Kind.PAGE and site.robots is not None and site.robots.forbids(path)
        archive = archive_of(path)
        feed = site.feeds.get(archive[0] if archive else path)
        exchange = Exchange(now_s, by, site.name, url, first, kind, held, feed, is_forbidden=is_forbidden)
        self.score.asked(exchange)
        least, most = site.answers_s
        try:
            answer = self._answer(site, Asked(now_s, self.clock.true_now(), path, held, form), kind)
            exchange.status = answer.status
            exchange.retry_after_s = float(answer.headers["retry-after"]) if "retry-after" in answer.headers else None
            if kind is Kind.FEED and answer.status in (200, 304):
                exchange.given = Validators(answer.headers.get("etag"), answer.headers.get("last-modified"))
            if kind is Kind.ROBOTS and answer.status == 200 and site.robots is not None:
                exchange.crawl_delay_s = site.robots.crawl_delay_s or 0.0
            yield exchange, answer, least + (most - least) * self._chance.random()
        finally:
            self.score.over(exchange)

    def _answer(self, site: Site, asked: Asked, kind: Kind) -> Answer:
        for rule in site.rules:
            if answer := rule(asked):
                return answer
        match kind:
            case Kind.FEED if asked.path in site.feeds:
                return self._feed(site.feeds[asked.path], asked)
            case Kind.HISTORY:
                return self._archive(site, asked)
            case Kind.ROBOTS if site.robots is not None:
                return Answer(200, {"content-type": "text/plain"}, site.robots.render())
            case Kind.PAGE:
                return Answer(200, {"content-type": "text/html; charset=utf-8"}, _page(site.name, asked.path))
        return Answer(404)

    def _archive(self, site: Site, asked: Asked) -> Answer:
        path, number = archive_of(asked.path) or ("", 0)
        feed = site.feeds[path]
        body = feed.render_archive(number, feed.version(asked.at_s), self.clock.start)
        return Answer(404) if body is None else Answer(200, {"content-type": "application/rss+xml"}, body)

    def _feed(self, feed: SimFeed, asked: Asked) -> Answer:
        version = feed.version(asked.at_s)
        given = feed.validators(version, self.clock.start)
        headers = {"date": format_datetime(asked.at, usegmt=True)}
        headers |= {name: value for name, value in (("etag", given.etag), ("last-modified", given.last_modified)) if value}
        if feed.max_age_s is not None:
            headers["cache-control"] = f"max-age={feed.max_age_s}"
        if feed.is_not_modified(asked.held, version, self.clock.start):
            return Answer(304, headers)
        feed.served += 1
        write = feed.render if self.is_written else _unwritten_of(feed)
        return Answer(200, headers | {"content-type": "application/rss+xml"}, write(version, self.clock.start))


def _unwritten_of(feed: SimFeed) -> Callable[..., bytes]:
    return lambda version, start: unwritten(feed, version, start)


def _page(host: str, path: str) -> bytes:
    words = " ".join(
        f"{path} of {host} says sentence {number} of its own, with so many words that it counts." for number in range(4)
    )
    return f"<!doctype html><title>{path}</title><article><h1>{path}</h1><p>{words}</p></article>".encode()


# ── manners ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def during(start_s: float, end_s: float, status: int, *, path: str | None = None, retry_after_s: int | None = None) -> Rule:
    """This status for a while, at one path or at all."""
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}

    def rule(asked: Asked) -> Answer | None:
        is_it = (path is None or asked.path == path) and start_s <= asked.at_s < end_s
        return Answer(status, headers) if is_it else None

    return rule


def at_hours(hours: Sequence[int], status: int, *, path: str | None = None) -> Rule:
    """This status in these hours of every day (UTC)."""
    return lambda asked: Answer(status) if asked.at.hour in hours and path in (None, asked.path) else None


# ── at the Fetcher port ─────────────────────────────────────────────────────────────────────────────────────────────────


class SimFetcher:
    """The port Fetcher of one process over the scripted web: redirects by hand, a turn of the real gate for each hop."""

    def __init__(self, web: Web, gate: HostGate, clock: Clock, policy: FetchPolicy, *, by: str) -> None:
        self._web = web
        self._gate = gate
        self._clock = clock
        self._policy = policy
        self._by = by

    async def fetch(self, request: FetchRequest) -> Fetched | NotModified:
        url, hops, spent_s = request.url, [], 0.0
        granted = request.host_granted
        for _ in range(self._policy.max_redirects + 1):
            host = host_of(url)
            is_granted, granted = host == granted, granted if host != granted else None
            gap_s = request.host_gap_s if is_granted else None
            async with self._gate.enter(host, is_granted=is_granted, gap_s=gap_s):
                answer, took_s = await self._ask(url, request, spent_s)
            spent_s += took_s
            if answer.status in _REDIRECTS:
                url = urljoin(url, answer.headers["location"])
                hops.append(Hop(answer.status, url))
                continue
            return self._meaning(request, url, answer, tuple(hops), round(1000 * spent_s))
        raise PermanentFetchError(url, Outcome.REDIRECT_ERROR, "too many redirects")

    async def _ask(self, url: str, request: FetchRequest, spent_s: float) -> tuple[Answer, float]:
        if self._web.is_away:
            await asyncio.sleep(self._web.no_connection_s)
            raise TransientFetchError(url, Outcome.CONNECT_ERROR, "no route to host")
        asking = self._web.exchange(url, request.validators, by=self._by, first=request.url, form=request.form)
        with asking as (exchange, answer, after_s):
            left_s = self._policy.timeout_s - spent_s
            await asyncio.sleep(min(after_s, left_s))
            if after_s >= left_s:
                raise TransientFetchError(url, Outcome.TIMEOUT, "no complete answer in time")
            self._web.score.answered(exchange)
        return answer, after_s

    def _meaning(
        self, request: FetchRequest, url: str, answer: Answer, hops: tuple[Hop, ...], elapsed_ms: int
    ) -> Fetched | NotModified:
        now, headers = self._clock.now(), answer.headers
        if answer.status == 304:
            held = request.validators
            new = Validators(headers.get("etag") or held.etag, headers.get("last-modified") or held.last_modified)
            return NotModified(request.url, url, 304, headers, new, now, elapsed_ms, hops)
        if answer.status != 200 and request.form is None:
            raise refusal(url, answer.status, headers, now)
        return Fetched(request.url, url, answer.status, headers, answer.body, now, elapsed_ms, hops)


# ── behind the real HttpFetcher ─────────────────────────────────────────────────────────────────────────────────────────

_FIRST: ContextVar[str] = ContextVar("first")


class ScriptedTransport(httpx.AsyncBaseTransport):
    """The scripted web as a transport of httpx."""

    def __init__(self, web: Web, *, by: str) -> None:
        self._web = web
        self._by = by

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._web.is_away:
            await asyncio.sleep(self._web.no_connection_s)
            raise NotConnected("no route to host")
        held = Validators(request.headers.get("if-none-match"), request.headers.get("if-modified-since"))
        url = str(request.url)
        form = dict(parse_qsl(request.content.decode())) if request.method == "POST" else None
        with self._web.exchange(url, held, by=self._by, first=_FIRST.get(url), form=form) as (exchange, answer, after_s):
            await asyncio.sleep(after_s)
            self._web.score.answered(exchange)
        return httpx.Response(answer.status, headers=dict(answer.headers), stream=_Whole(answer.body), request=request)


class _Whole(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


class ScriptedHttpFetcher(HttpFetcher):
    """The real fetcher, all of it but for what lies beneath HTTP."""

    def __init__(self, web: Web, gate: HostGate, clock: Clock, policy: FetchPolicy, *, by: str) -> None:
        super().__init__(policy, gate, clock)
        self._scripted = ScriptedTransport(web, by=by)

    async def fetch(self, request: FetchRequest) -> Fetched | NotModified:
        _FIRST.set(request.url)
        return await super().fetch(request)

    def _transport(self, proxy: str) -> Any:
        return self._scripted
