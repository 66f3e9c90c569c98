"""Leave to fetch pages: each robots.txt is asked for once at a time, kept in the store, and believed for a day.

A page that redirects to another origin has been fetched before anybody knows of it: whoever fetched it asks again for where it
ended, and drops it where that is forbidden.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ingest.errors import FetchError, NoTurn, RobotsUnreachable
from ingest.model import FeedSecrets, Fetched, FetchRequest, Purpose, RobotsFile, RobotsVerdict, Ruling
from ingest.pipeline.edges import Edges
from ingest.policy import RobotsPolicy
from ingest.ports import CrawlDelays, RobotsStore
from ingest.robots import QUICK, crawl_delay_s, is_current, judge, product_token, read_answer, read_failure, robots_url
from ingest.urls import host_of, origin_of

_MAX_FILES = 5_000  # remembered; a page of a host that is not costs a look into the store
_MAX_CHARS = 8_000_000  # of them together


@dataclass(slots=True)
class _Flight:
    """Those who want to know the file of one origin; the first one asks."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    has_asked: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """A file, and what it took to know it just now."""

    file: RobotsFile
    has_asked: bool = False
    error: FetchError | None = None


class RobotsGate:
    """Says which pages may be fetched. One for the whole program: what it remembers is bounded."""

    def __init__(self, store: RobotsStore, delays: CrawlDelays, edges: Edges, policy: RobotsPolicy, *, user_agent: str) -> None:
        self._store = store
        self._delays = delays
        self._edges = edges
        self._policy = policy
        self._user_agent = user_agent
        self._files: OrderedDict[str, RobotsFile] = OrderedDict()
        self._chars = 0
        self._flights: dict[str, _Flight] = {}

    async def check(self, request: FetchRequest) -> Ruling:
        """What the robots.txt of its origin says to the one who is about to make `request`.

        Where the file had to be asked for (`has_asked`), the turn at the host that `request` came with is used up.
        Raises RobotsUnreachable while the host cannot say; FetchError while our own network is away; StoreError.
        """
        origin = origin_of(request.url)
        if origin is None or not self._policy.is_obeyed:
            return Ruling(RobotsVerdict.NOT_ASKED)
        token = product_token(request.user_agent or self._user_agent)
        known = await self._find(origin, request, token)
        verdict, reason = await self._judge(known.file, request.url, token)
        if verdict is RobotsVerdict.UNREACHABLE:
            raise _unreachable(known, reason)
        return Ruling(verdict, reason, known.has_asked)

    async def _judge(self, file: RobotsFile, url: str, token: str) -> tuple[RobotsVerdict, str]:
        if len(file.body) <= QUICK:
            return judge(file, url, token)
        return await self._edges.in_thread(judge, file, url, token)

    async def _find(self, origin: str, request: FetchRequest, token: str) -> _Known:
        if file := self._remembered(origin):
            return _Known(file)
        async with self._in_turn(origin) as flight:
            if file := self._remembered(origin):
                return _Known(file, flight.has_asked)
            stored = await self._edges.in_thread(self._store.find, origin)
            if stored is not None and is_current(stored, self._edges.clock.now()):
                self._remember(stored)
                return _Known(stored, flight.has_asked)
            flight.has_asked = True
            return await self._ask(origin, stored, request, token)

    async def _ask(self, origin: str, stored: RobotsFile | None, request: FetchRequest, token: str) -> _Known:
        edges, host, error = self._edges, host_of(origin), None
        try:
            file = read_answer(origin, await self._fetch(request), self._policy)
            edges.network.answered(host)
        except NoTurn:
            raise
        except FetchError as failure:
            edges.network.failed(host, failure)
            if edges.network.is_away:  # which says nothing about the host
                raise
            error = failure
            file = read_failure(origin, failure, stored, now=edges.clock.now(), policy=self._policy)
        self._remember(file)
        await edges.in_thread(self._keep, file, token)
        return _Known(file, has_asked=True, error=error)

    async def _fetch(self, request: FetchRequest) -> Fetched:
        """The file for the page of `request`, without what is meant for the feed's own origin alone."""
        answer = await self._edges.fetcher.fetch(
            FetchRequest(
                robots_url(request.url) or request.url,
                Purpose.ROBOTS,
                user_agent=request.user_agent,
                secrets=FeedSecrets(proxy=request.secrets.proxy),
                host_granted=request.host_granted,
                host_gap_s=request.host_gap_s,
            )
        )
        assert isinstance(answer, Fetched)  # 304 answers conditions, and none were made
        return answer

    def _keep(self, file: RobotsFile, token: str) -> None:
        self._store.put(file)
        if file.unreachable_since_at is None:
            delay_s = crawl_delay_s(file, token, self._policy)
            self._delays.set_crawl_delay(host_of(file.origin), delay_s, file.fetched_at)

    # ── what is remembered ──

    def _remembered(self, origin: str) -> RobotsFile | None:
        file = self._files.get(origin)
        if file is None or not is_current(file, self._edges.clock.now()):
            return None
        self._files.move_to_end(origin)
        return file

    def _remember(self, file: RobotsFile) -> None:
        self._forget(file.origin)
        self._files[file.origin] = file
        self._chars += len(file.body)
        while len(self._files) > _MAX_FILES or self._chars > _MAX_CHARS:
            self._forget(next(iter(self._files)))

    def _forget(self, origin: str) -> None:
        if file := self._files.pop(origin, None):
            self._chars -= len(file.body)

    @asynccontextmanager
    async def _in_turn(self, origin: str) -> AsyncIterator[_Flight]:
        """One after the other for each origin."""
        flight = self._flights.setdefault(origin, _Flight())
        flight.users += 1
        try:
            async with flight.lock:
                yield flight
        finally:
            flight.users -= 1
            if not flight.users:
                del self._flights[origin]


def _unreachable(known: _Known, reason: str) -> RobotsUnreachable:
    error, url = known.error, f"{known.file.origin}/robots.txt"
    return RobotsUnreachable(
        url,
        reason,
        again_at=known.file.until_at,
        status=error.status if error else None,
        retry_after_s=error.retry_after_s if error else None,
    )
