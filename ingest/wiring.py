"""The only room that knows every edge: builds what the walk needs out of Settings, and takes it down again."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from ingest.clock import Clock, SystemClock
from ingest.config import Settings
from ingest.errors import ConfigError, FetchError, NoTurn, ParseError, Problem
from ingest.fetch import HostGate, HttpFetcher
from ingest.log import get
from ingest.metrics import Metrics
from ingest.model import (
    ArticleClaim,
    FeedClaim,
    FeedSecrets,
    FeedSpec,
    Fetched,
    FetchRequest,
    HostState,
    NotModified,
    Purpose,
)
from ingest.offload import WorkerPool
from ingest.opening import open_ready_store, spread
from ingest.parse import read_opml
from ingest.pipeline import (
    ArticleTools,
    ArticleWork,
    Edges,
    FeedTools,
    FeedWork,
    NetworkWatch,
    Observer,
    Observers,
    Pacer,
    RobotsGate,
    Runner,
    Work,
)
from ingest.ports import Fetcher, InThread
from ingest.reporting import LogObserver, MeteredFetcher, MetricsObserver
from ingest.schedule import after_refusal, is_throttling
from ingest.store import HostTable, SqlStore
from ingest.urls import host_of, is_http_url, login_of, without_login

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C")

_SQLITE_THREADS = 3  # one writes; the others read meanwhile
_POSTGRES_THREADS = 8
_PATIENCE_S = 60.0  # with a host's turn, for a request on the way, unless its gap is longer; what takes longer is tried again


@dataclass(frozen=True, slots=True)
class Service:
    """Everything a run needs, wired."""

    settings: Settings
    store: SqlStore
    fetcher: Fetcher
    offload: WorkerPool
    clock: Clock
    metrics: Metrics
    observer: Observer
    feeds: FeedTools
    articles: ArticleTools

    def feed_runner(self, work: FeedWork) -> Runner[FeedClaim]:
        policy = self.settings.policies.poll
        return self._runner(work, at_once=policy.at_once, lease_s=policy.lease_s)

    def article_runner(self) -> Runner[ArticleClaim]:
        policy = self.settings.policies.articles
        return self._runner(ArticleWork(self.articles), at_once=policy.at_once, lease_s=policy.lease_s)

    def _runner(self, work: Work[C], *, at_once: int, lease_s: float) -> Runner[C]:
        return Runner(work, self.observer, at_once=at_once, lease_s=lease_s)

    async def in_thread(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.feeds.edges.in_thread(call, *args, **kwargs)

    async def fetch(self, request: FetchRequest) -> Fetched | NotModified:
        """As the fetcher does, for requests of which no plan is written: a host that says "too often" is heard all the same.

        Raises FetchError, StoreError.
        """
        try:
            return await self.fetcher.fetch(request)
        except FetchError as error:
            if is_throttling(error.status, error.retry_after_s):
                await self.in_thread(self._learn, host_of(error.url), error.retry_after_s)
            raise

    def _learn(self, host: str, retry_after_s: float | None) -> None:
        hosts, now = self.store.hosts, self.clock.now()
        state = hosts.find(host) or HostState(host)
        hosts.learn(host, after_refusal(state, now, self.settings.policies.hosts, retry_after_s=retry_after_s), now)


@asynccontextmanager
async def wire(
    settings: Settings, *observers: Observer, clock: Clock | None = None, metrics: Metrics | None = None
) -> AsyncIterator[Service]:
    """A Service that is ready to work: schema current, feeds as configured. Raises ConfigError, StoreError.

    What takes long without being asynchronous (migrating, bringing in 10,000 feeds, ending processes) is done in threads: the
    event loop answers for the health of the process meanwhile.
    """
    clock = clock or SystemClock()
    policies = settings.policies
    async with AsyncExitStack() as taking_down:
        store = await asyncio.to_thread(open_ready_store, settings, clock)
        taking_down.push_async_callback(asyncio.to_thread, store.close)
        threads = ThreadPoolExecutor(
            _SQLITE_THREADS if store.database.is_sqlite else _POSTGRES_THREADS, thread_name_prefix="store"
        )
        taking_down.push_async_callback(asyncio.to_thread, threads.shutdown, wait=True, cancel_futures=True)
        in_thread = _in_threads(threads)
        gate = HostGate(policies.hosts, clock, StoredTurns(store.hosts, in_thread, clock))
        fetcher = await taking_down.enter_async_context(HttpFetcher(policies.fetch, gate, clock))
        pool = WorkerPool(policies.workers)
        taking_down.push_async_callback(asyncio.to_thread, pool.close)
        secrets = await _sync_listed_feeds(settings, store, fetcher, clock)
        metrics = metrics or Metrics()
        observer = Observers((LogObserver(), MetricsObserver(metrics), *observers))
        metered = MeteredFetcher(fetcher, metrics, clock)
        edges = Edges(
            fetcher=metered,
            in_thread=in_thread,
            offload=pool,
            clock=clock,
            observer=observer,
            secrets=lambda url: secrets.get(url, FeedSecrets()),
            chance=random.random,
            hosts=policies.hosts,
            network=NetworkWatch(observer, clock),
        )
        feeds, articles = _feed_tools(settings, store, edges), _article_tools(settings, store, edges)
        await feeds.pacer.refresh()
        yield Service(settings, store, metered, pool, clock, metrics, observer, feeds, articles)


@dataclass(frozen=True, slots=True)
class StoredTurns:
    """The port HostTurns over the store: all daemons of one database keep the same turns."""

    hosts: HostTable
    in_thread: InThread
    clock: Clock

    async def reserve(self, host: str) -> float:
        """Seconds to wait for the turn that is now ours. Raises NoTurn where that is too long for a request; StoreError."""
        now = self.clock.now()
        turn = await self.in_thread(self.hosts.reserve, host, now, within_s=_PATIENCE_S)
        wait_s = (turn.at - now).total_seconds()
        if not turn.is_ours:
            raise NoTurn(host, wait_s=wait_s)
        return wait_s


def _in_threads(threads: ThreadPoolExecutor) -> InThread:
    def in_thread(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(threads, partial(call, *args, **kwargs))

    return in_thread


def _feed_tools(settings: Settings, store: SqlStore, edges: Edges) -> FeedTools:
    policies = settings.policies

    def rates() -> Iterator[float | None]:
        store.hosts.count_feeds()
        return store.feeds.rates()

    pacer = Pacer(rates, edges.in_thread, policies.poll)
    return FeedTools(
        store=store.feeds,
        edges=edges,
        pacer=pacer,
        poll=policies.poll,
        parse=policies.parse,
        slow_down=policies.websub.slow_down,
        full_text=settings.full_text,
    )


def _article_tools(settings: Settings, store: SqlStore, edges: Edges) -> ArticleTools:
    policies = settings.policies
    return ArticleTools(
        store=store.articles,
        edges=edges,
        robots=RobotsGate(store.robots, store.hosts, edges, policies.robots, user_agent=policies.fetch.user_agent),
        full_text=settings.full_text,
        articles=policies.articles,
        extract=policies.extract,
        match=policies.match,
    )


async def _sync_listed_feeds(
    settings: Settings, store: SqlStore, fetcher: HttpFetcher, clock: Clock
) -> Mapping[str, FeedSecrets]:
    """Bring the database in line with the feed list; answers each feed's secrets by its URL."""
    if settings.feed_list is not None:  # synced already, with the store
        return {configured.spec.url: configured.secrets for configured in settings.feed_list}
    if not settings.feeds:
        return {}
    try:
        specs = await read_feed_list(settings.feeds, fetcher)
    except ConfigError as error:
        if not await asyncio.to_thread(store.feeds.counts_by_state):
            raise
        get("ingest.config").warning(
            "feed_list_unreadable", problem=str(error), meaning="going on with the feeds of the last reading"
        )
        return {}
    now = clock.now()
    listed = {without_login(spec.url): (spec, login_of(spec.url)) for spec in specs}
    bare = [replace(spec, url=url) for url, (spec, _) in listed.items()]
    first_poll_at = spread(len(bare), now, settings.policies.poll)
    await asyncio.to_thread(store.feeds.sync, bare, now, first_poll_at=first_poll_at)
    # A login written into an address is a secret like others: kept in memory, never stored or logged.
    return {url: FeedSecrets(username=login.username, password=login.password) for url, (_, login) in listed.items() if login}


async def read_feed_list(place: str, fetcher: HttpFetcher) -> tuple[FeedSpec, ...]:
    """The feeds of an OPML file or URL. Raises ConfigError when it cannot be had or read."""
    try:
        body = await _read_place(place, fetcher)
        specs, problems = await asyncio.to_thread(read_opml, body)
    except (FetchError, ParseError, OSError) as error:
        reason = error.reason if isinstance(error, FetchError) else str(error)
        raise ConfigError(
            Problem(place, f"cannot be read as a feed list: {reason}", "name a TOML or OPML file, or the URL of one")
        ) from error
    for problem in problems:
        get("ingest.config").warning("feed_list_odd", place=place, problem=problem)
    return tuple(specs)


async def _read_place(place: str, fetcher: HttpFetcher) -> bytes:
    if not is_http_url(place):
        return await asyncio.to_thread(Path(place).read_bytes)
    answer = await fetcher.fetch(FetchRequest(place, Purpose.LIST))
    assert isinstance(answer, Fetched)
    return answer.body
