"""The service itself on virtual time: real runners, walks, planner and store; only clock, web, threads and processes are ours.

    World ─ clock, web, score, chance
      └ Daemon (one process): store ─ wiring's tools ─ runners ─ jobs      start, stop, kill; several over one database

A daemon ticks on the grid of the real one, but ticks on which a runner could claim nothing are left out: after each round it
looks in the database for the moment from which on something can be claimed.
"""

import asyncio
import contextlib
import math
import random
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from ingest import wiring
from ingest.config import Settings
from ingest.errors import StoreError
from ingest.fetch import HostGate
from ingest.metrics import Metrics
from ingest.model import ArticlePlan, FeedClaim, FeedOptions, FeedPlan, FeedSecrets, FeedSpec, RobotsFile
from ingest.opening import spread
from ingest.pipeline import GRACE_S, Edges, FeedWork, NetworkWatch, Observers, Runner, Tally
from ingest.pipeline.feeds import read_feed
from ingest.policy import DatabasePolicy, Policies
from ingest.pushes import Pushes
from ingest.repair import repair_gaps
from ingest.store import Database, SqlStore
from ingest.store.engine import open_database
from ingest.store.queues import ENTRIES, FEEDS, Queue
from ingest.subscribing import review_subscriptions, tend_subscriptions
from ingest.urls import host_of
from ingest.web import Reply
from tests.sim.documents import read_unwritten
from tests.sim.hub import SimHub
from tests.sim.loop import SimClock, play
from tests.sim.score import Score
from tests.sim.ticks import Ticker, find_next
from tests.sim.web import ScriptedHttpFetcher, SimFetcher, Web

T = TypeVar("T")

_PRUNE_S, _REVIVE_S, _REPAIR_S = 6 * 3600.0, 3600.0, 60.0  # as `ingest.daemon` has them
_REPAIRS_AT_ONCE = 5
_HUBS_S, _HUBS_AT_ONCE, _VERDICTS_S = 3600.0, 20, 3600.0  # rarer than there: all that they decide takes hours
_CLOCK_WATCH_S = 10.0

_PROCESS: ContextVar["Daemon | None"] = ContextVar("process", default=None)


@dataclass(frozen=True)
class Setup:
    """What a simulation is made of.

    `is_http`: the real HttpFetcher asks, else its double at the port. `is_written`: documents are rendered and parsed. `yields`:
    other work may come in between at every call of the store, as with threads. `tick_s` and `pace_s` are those of the daemon.
    """

    database_url: str
    seed: int = 1
    policies: Policies = field(default_factory=Policies)
    full_text: bool = False
    is_http: bool = False
    is_written: bool = True
    yields: bool = True
    has_articles: bool = True
    tick_s: float = 0.5
    pace_s: float = 300.0
    frees_leases: bool = True  # a new process finds out that the old one is gone; else leases run out


class World:
    """A web, a database and the daemons that poll it, on one clock."""

    def __init__(self, setup: Setup, rules: Policies | None = None) -> None:
        """The score is kept by `rules`, if they are other than those that the service has."""
        self.setup = setup
        self.chance = random.Random(setup.seed)
        self.clock = SimClock()
        rules = rules or setup.policies
        self.score = Score(self.clock, rules.hosts, rules.poll, rules.robots)
        self.web = Web(self.clock, self.score, self.chance, is_written=setup.is_written)
        self.options: dict[str, FeedOptions] = {}  # of feeds, by URL
        self.daemons: dict[str, Daemon] = {}
        self.gone: set[str] = set()  # owners that live no longer
        self.kill_share = 0.0  # of the calls of the store, before or after which the process dies
        self.tally = Tally()
        self.networks_lost = 0
        self.defects: list[BaseException] = []  # of the service: a simulation that meets any fails
        self.killed = 0  # processes
        self.stopped = 0
        self._names = 0
        self._database: Database | None = None

    # ── what a story may do ─────────────────────────────────────────────────────────────────────────────────────────────

    def play(self, story: Coroutine[Any, Any, T]) -> T:
        """What `story` returns; then nothing runs any more. Raises what a defect of the service raised meanwhile."""

        async def whole() -> T:
            try:
                told = await story
                for defect in self.defects:
                    raise defect
                return told
            finally:
                for daemon in list(self.daemons.values()):
                    await daemon.vanish()
                self._close()

        return play(whole(), self.clock, _note_task)

    def run(self, *, days: float = 0.0, seconds: float = 0.0) -> None:
        """One daemon for so long, stopped as it should be."""

        async def story() -> None:
            daemon = await self.start()
            await self.sleep(days=days, seconds=seconds)
            await daemon.stop()

        self.play(story())

    async def sleep(self, *, days: float = 0.0, hours: float = 0.0, seconds: float = 0.0) -> None:
        """Let time pass."""
        await asyncio.sleep(days * 86_400.0 + hours * 3600.0 + seconds)

    async def set_clock(self, by_s: float) -> None:
        """Somebody sets the clock of the machine; the daemons notice in ten seconds."""
        self.clock.set_by(by_s)
        self.score.clock_set(by_s)
        await self.sleep(seconds=_CLOCK_WATCH_S)
        for daemon in self.daemons.values():
            await daemon.follow_clock(by_s)

    async def start(self) -> "Daemon":
        """A new process over the database. Raises what its start raises."""
        self._names += 1
        daemon = Daemon(self, f"process-{self._names}")
        self.daemons[daemon.name] = daemon
        await daemon.start()
        return daemon

    async def keep_running(self, *, processes: int, days: float, lives_s: float = math.inf, pause_s: float = 300.0) -> None:
        """So many daemons for so long. Each is killed or stopped at some moment, after `lives_s` in the mean, and replaced after
        up to `pause_s`.
        """
        until_s = self.clock.monotonic_s() + days * 86_400.0
        slots = [asyncio.create_task(self._keep_one(until_s, lives_s, pause_s)) for _ in range(processes)]
        await asyncio.gather(*slots)

    async def _keep_one(self, until_s: float, lives_s: float, pause_s: float) -> None:
        while (left_s := until_s - self.clock.monotonic_s()) > 0:
            daemon = await self.start()
            life_s = self.chance.expovariate(1.0) * lives_s
            if not await daemon.wait_for_end(min(left_s, life_s)):
                is_murder = life_s < left_s and self.chance.random() < 0.5
                await (daemon.kill() if is_murder else daemon.stop())
            await asyncio.sleep(min(self.chance.random() * pause_s, max(until_s - self.clock.monotonic_s(), 0.0)))

    def hub(self, name: str = "hub.example", **options: Any) -> SimHub:
        """A hub on a host of this name. It speaks to whatever process lives."""

        async def receiver(call: Callable[[Pushes], Awaitable[Reply]]) -> Reply | None:
            living = [daemon for daemon in self.daemons.values() if daemon.is_ready]
            return await self.chance.choice(living).take(call) if living else None

        return SimHub(self.web, self.web.site(name), receiver, **options)

    def specs(self) -> list[FeedSpec]:
        """The feed list: all feeds of the web that live where they were listed."""
        feeds = (feed for site in self.web.sites.values() for feed in site.feeds.values() if feed.is_listed)
        return [FeedSpec(feed.url, self.options.get(feed.url, FeedOptions())) for feed in feeds]

    # ── for daemons ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def strikes(self) -> bool:
        """Whether the process that asks dies now."""
        return self.kill_share > 0 and self.chance.random() < self.kill_share

    @property
    def database(self) -> Database:
        """One for all processes: opening it and compiling its statements costs more than a day of a small world."""
        if self._database is None:
            self._database = open_database(DatabasePolicy(self.setup.database_url))
        return self._database

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def due(self, queue: Queue, at: datetime) -> None:
        """Something of this queue can be claimed from then on."""
        for daemon in self.daemons.values():
            if queue in daemon.tickers:
                daemon.tickers[queue].due(at)


class Daemon:
    """One process: a service over the database, with its ticks and jobs."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.world = world
        self.tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self.is_dead = False
        self._ended = asyncio.Event()
        self._ready = asyncio.Event()
        self._runners: dict[Queue, Runner[Any]] = {}
        self._main: asyncio.Task[None] | None = None
        self._may_have_gaps = asyncio.Event()
        self._may_have_gaps.set()  # of another process
        self.pushes = Pushes()
        self._leaving = contextlib.AsyncExitStack()
        self.store: SqlStore
        self.service: wiring.Service
        self.tickers = {queue: self._ticker(queue) for queue in ((FEEDS, ENTRIES) if world.setup.has_articles else (FEEDS,))}

    # ── from outside ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Come up. Returns when it works; raises what keeps it from that."""
        self._main = asyncio.create_task(self._run())
        self.tasks.add(self._main)
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait((self._main, ready), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._main.done() and not self.is_dead:
            self._main.result()

    async def follow_clock(self, by_s: float) -> None:
        """As the daemon does when it sees that the clock was set."""
        now = self.world.clock.now()
        if by_s < 0:
            await self._in_thread(self.store.feeds.follow_clock_back, now, -by_s)
        for ticker in self.tickers.values():
            ticker.due(now)

    async def stop(self) -> None:
        """End as after SIGTERM: what is in flight is finished or given back."""
        await asyncio.gather(*(runner.stop(GRACE_S) for runner in self._runners.values()))
        await self._leaving.aclose()
        self.world.stopped += not self.is_dead
        await self.vanish()

    async def kill(self) -> None:
        """End as after SIGKILL: nothing is finished, nothing is given back. Returns when its tasks are no more."""
        self.world.killed += not self.is_dead
        await self.vanish()

    async def vanish(self) -> None:
        self.die()
        left = [task for task in self.tasks if task is not asyncio.current_task() and not task.done()]
        if left:
            await asyncio.wait(left)

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set() and not self.is_dead

    async def wait_for_end(self, seconds: float) -> bool:
        """Whether it ended within so many seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)
        return self._ended.is_set()

    def die(self) -> None:
        """Be no more, from one call of the store to the next."""
        if self.is_dead:
            return
        self.is_dead = True
        self.world.gone.add(self.name)
        self.world.daemons.pop(self.name, None)
        for task in list(self.tasks):
            task.cancel()
        self.world.score.died(self.name)
        self._ended.set()

    async def take(self, call: Callable[[Pushes], Awaitable[Reply]]) -> Reply | None:
        """What it answers to somebody elsewhere; None where it dies meanwhile."""
        task = self._inside(call(self.pushes))
        await asyncio.wait((task,))
        return None if task.cancelled() else task.result()

    def _inside(self, work: Awaitable[T]) -> asyncio.Task[T]:
        """A task of this process, whoever led to it."""

        async def whole() -> T:
            return await work

        context = Context()
        context.run(_PROCESS.set, self)
        return context.run(asyncio.get_running_loop().create_task, whole())

    # ── its life ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self) -> None:
        _PROCESS.set(self)
        policies = self.world.setup.policies
        self.store = SqlStore(self.world.database, self.name, policies.hosts)
        self._open()
        self.service = self._wire()
        await self.service.feeds.pacer.refresh()
        both: dict[Queue, Runner[Any]] = {FEEDS: self._feed_runner(), ENTRIES: self.service.article_runner()}
        self._runners = {queue: both[queue] for queue in self.tickers}
        work = [*(runner.run() for runner in self._runners.values()), *(ticker.run() for ticker in self.tickers.values())]
        await self._leaving.enter_async_context(self.pushes.open(self.service))  # left only by an orderly end
        self._ready.set()
        await asyncio.gather(*work, *self._jobs())

    def _feed_runner(self) -> Runner[Any]:
        return self.service.feed_runner(FeedWork(self.service.feeds))

    def _open(self) -> None:
        """As `ingest.opening` does, for a process whose name is not that of this one."""
        now, feeds, world = self.world.clock.now(), self.store.feeds, self.world
        if world.setup.frees_leases:
            feeds.release_gone(lambda owner: owner in world.gone)
        feeds.mend_future(now)
        specs = world.specs()
        world.score.intervals = {spec.url: spec.options.interval_s for spec in specs if spec.options.interval_s is not None}
        feeds.sync(specs, now, first_poll_at=spread(len(specs), now, world.setup.policies.poll))

    def _wire(self) -> wiring.Service:
        world, clock = self.world, self.world.clock
        setup, policies = world.setup, world.setup.policies
        settings = Settings(policies, "", setup.full_text, None, None, {})
        observer = Observers((world.tally, _Watcher(self)))
        turns = wiring.StoredTurns(self.store.hosts, self._in_thread, clock)
        gate = HostGate(policies.hosts, clock, turns)
        fetcher_of = ScriptedHttpFetcher if setup.is_http else SimFetcher
        edges = Edges(
            fetcher=fetcher_of(world.web, gate, clock, policies.fetch, by=self.name),
            in_thread=self._in_thread,
            offload=self._offload,
            clock=clock,
            observer=observer,
            secrets=lambda _: FeedSecrets(),
            chance=world.chance.random,
            hosts=policies.hosts,
            network=NetworkWatch(observer, clock),
        )
        feeds = wiring._feed_tools(settings, self.store, edges)
        articles = wiring._article_tools(settings, self.store, edges)
        pool: Any = edges.offload
        return wiring.Service(settings, self.store, edges.fetcher, pool, clock, Metrics(), observer, feeds, articles)

    def _jobs(self) -> Iterator[Coroutine[Any, Any, None]]:
        feeds, clock = self.store.feeds, self.world.clock

        async def revive() -> None:
            if await self._in_thread(feeds.revive_for_last_probe, clock.now()):
                self.world.due(FEEDS, clock.now())

        async def prune() -> None:
            await self._in_thread(self.store.prune, clock.now(), self.world.setup.policies.keep)

        async def repair() -> None:
            """Every minute while there is anything to look for."""
            while True:
                await self._may_have_gaps.wait()
                await asyncio.sleep(_REPAIR_S)
                self._may_have_gaps.clear()
                with contextlib.suppress(StoreError):
                    await repair_gaps(self.service, _REPAIRS_AT_ONCE)
                if await self._in_thread(self.store.gaps.count_open):
                    self._may_have_gaps.set()

        yield _for_ever(self.service.feeds.pacer.refresh, self.world.setup.pace_s)
        yield _for_ever(revive, _REVIVE_S)
        yield _for_ever(prune, _PRUNE_S)
        yield repair()
        if self.world.setup.policies.websub.callback_url:
            yield _for_ever(partial(tend_subscriptions, self.service, _HUBS_AT_ONCE), _HUBS_S)
            yield _for_ever(partial(review_subscriptions, self.service), _VERDICTS_S)

    # ── its edges ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _in_thread(self, call: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """The port InThread: at once, and the score is told what was written. Where the world strikes, the process ends."""
        self._live()
        if self.world.strikes():
            self._end_here()
        result = call(*args, **kwargs)
        self._tell(call, args, result)
        if self.world.strikes():
            self._end_here()
        if self.world.setup.yields:
            await asyncio.sleep(0)
            self._live()
        return result

    async def _offload(self, timeout_s: float, call: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """The port Offload: at once."""
        self._live()
        if call is read_feed and not self.world.setup.is_written:
            return read_unwritten(*args)  # type: ignore[return-value]  # it reads what the other one would
        return call(*args, **kwargs)

    def _live(self) -> None:
        if self.is_dead:
            raise asyncio.CancelledError

    def _end_here(self) -> None:
        self.world.killed += not self.is_dead
        self.die()
        raise asyncio.CancelledError

    def _tell(self, call: Callable[..., Any], args: Sequence[Any], result: Any) -> None:
        """The score of what was written, the tickers of what is due."""
        name, score, clock = getattr(call, "__name__", ""), self.world.score, self.world.clock
        match name, args:
            case "apply", [[FeedPlan(), *_] as plans]:
                score.wrote_polls(self.name, plans, result)
                if any(plan.gap for plan in plans):
                    self._may_have_gaps.set()
                self._expect(FEEDS, [plan.next_poll_at for plan in plans])
                if any(plan.new or plan.changed for plan in plans):
                    self.world.due(ENTRIES, clock.now())
            case "apply", [[ArticlePlan(), *_] as plans]:
                for plan in plans:
                    score.wrote_about(self.name, plan.claim.host.host)
                    if plan.lesson is not None:
                        score.wrote_lesson(plan.lesson.host or plan.claim.host.host, plan.lesson.gap_s)
                self._expect(ENTRIES, [plan.next_try_at for plan in plans])
            case "_keep", [RobotsFile() as file, *_]:
                score.wrote_robots(self.name, host_of(file.origin), is_told=file.unreachable_since_at is None)
            case "learn", [str() as host, lesson, *_]:
                score.wrote_about(self.name, host)
                score.wrote_lesson(host, lesson.gap_s)
            case "change", _:  # of a subscription: a feed may be polled as often as before
                self.world.due(FEEDS, clock.now())
            case "forgive" | "poll_soon", [feeds, *_]:
                for feed in feeds:
                    self.forgive(feed.feed_id if isinstance(feed, FeedClaim) else feed)

    def forgive(self, feed_id: int) -> None:
        """The promise to this feed was taken back."""
        info = self.store.feeds.find(str(feed_id))
        if info is not None:
            self.world.score.made_due(info.url)
        self.world.due(FEEDS, self.world.clock.now())

    def _expect(self, queue: Queue, moments: Sequence[datetime | None]) -> None:
        known = [moment for moment in moments if moment is not None]
        if known:
            self.world.due(queue, min(known))

    # ── its ticks ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _ticker(self, queue: Queue) -> Ticker:
        clock = self.world.clock
        return Ticker(
            clock,
            self.world.setup.tick_s,
            lambda: find_next(self.store, queue, clock.now()),
            lambda: self._wake(queue),
        )

    def _wake(self, queue: Queue) -> None:
        self._runners[queue].wake()


class _Watcher(Tally):
    """The observer of one daemon: crashes are defects and must be seen, an outage has an end that must be seen."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__()
        self._daemon = daemon

    def work_crashed(self, work: str, key: int, error: BaseException) -> None:
        self._daemon.world.defects.append(error)

    def network_lost(self, hosts: int) -> None:
        self._daemon.world.networks_lost += 1

    def network_back(self, away_s: float) -> None:
        world = self._daemon.world
        world.due(FEEDS, world.clock.now())
        world.due(ENTRIES, world.clock.now())


async def _for_ever(call: Callable[[], Awaitable[Any]], pause_s: float) -> None:
    while True:
        await asyncio.sleep(pause_s)
        with contextlib.suppress(StoreError):
            await call()


def _note_task(task: asyncio.Task[Any]) -> None:
    process = _PROCESS.get()
    if process is not None:
        process.tasks.add(task)
