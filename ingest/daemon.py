"""The long run and the single pass: who feeds the runners, and how they end.

APScheduler only ticks: each tick wakes a runner, which claims what is due in the database. A job a feed would cost 500 times
as much and, at its defaults, drop every run that is a second late.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from ingest.clock import SystemClock
from ingest.config import Settings, changed
from ingest.errors import ConfigError, StoreError, StoreUnavailable
from ingest.log import get
from ingest.metrics import Metrics
from ingest.model import FeedState
from ingest.pipeline import FeedWork, Observer, Runner
from ingest.web import Health, serve
from ingest.wiring import Service, wire

GRACE_S = 8.0  # for work in flight; with taking everything down, SIGTERM ends within 10 s

_TICK_S = 1.0
_GAUGES_S = 15.0
_CLOCK_WATCH_S = 10.0
_CLOCK_JUMP_S = 5.0


class Signals:
    """SIGTERM and SIGINT ask to stop, SIGHUP asks to reload; a second request to stop ends the process at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()  # to stop or to reload
        self.stop_signal: int | None = None
        self.is_reload = False

    @contextlib.asynccontextmanager
    async def listening(self, *, reload: bool = False) -> AsyncIterator["Signals"]:
        loop = asyncio.get_running_loop()
        handlers: dict[int, Callable[[], None]] = {number: self._stopper(number) for number in (signal.SIGTERM, signal.SIGINT)}
        if reload:
            handlers[signal.SIGHUP] = self._reload
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield self
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    def _stopper(self, number: int) -> Callable[[], None]:
        def stop() -> None:
            if self.stop_signal is not None:
                os._exit(128 + number)
            self.stop_signal = number
            self.asked.set()
            get("ingest.daemon").info("stop_asked", signal=signal.Signals(number).name, grace_s=GRACE_S)

        return stop

    def _reload(self) -> None:
        self.is_reload = True
        self.asked.set()


async def run_once(service: Service, *, everything: bool) -> int | None:
    """One pass over what is due (`everything`: over every enabled feed), with the articles that come of it.

    Answers the signal that ended it early, or None.
    """
    start = service.clock.now()
    if everything:
        await service.in_thread(service.store.feeds.due_now, start)
    feeds = service.feed_runner(FeedWork(service.feeds, due_by=start))
    articles = service.article_runner()
    async with Signals().listening() as signals:
        polling = asyncio.create_task(feeds.drain())
        reading = asyncio.create_task(articles.drain(may_end=polling.done))
        await _until_done_or_asked(asyncio.gather(polling, reading), signals, (feeds, articles))
    return signals.stop_signal


async def _until_done_or_asked(work: Awaitable[object], signals: Signals, runners: tuple[Runner, ...]) -> None:  # type: ignore[type-arg]
    done = asyncio.ensure_future(work)
    asked = asyncio.create_task(signals.asked.wait())
    await asyncio.wait((done, asked), return_when=asyncio.FIRST_COMPLETED)
    if not done.done():
        await asyncio.gather(*(runner.stop(GRACE_S) for runner in runners))
    asked.cancel()
    await done


async def run_daemon(settings: Settings, load: Callable[[], Settings], *observers: Observer) -> None:
    """Work until SIGTERM or SIGINT. SIGHUP loads the configuration anew; a faulty one is refused and the old one stays."""
    signals, metrics, health = Signals(), Metrics(), Health(SystemClock())
    async with signals.listening(reload=True), serve(settings.policies.http, metrics, health):
        while signals.stop_signal is None:
            await _serve_settings(signals, partial(wire, settings, *observers, metrics=metrics), health)
            if signals.is_reload and signals.stop_signal is None:
                settings = _reloaded(settings, load)
            signals.is_reload = False
            if signals.stop_signal is None:
                signals.asked.clear()
    get("ingest.daemon").info("daemon_stopped", signal=signals.stop_signal)


def _reloaded(old: Settings, load: Callable[[], Settings]) -> Settings:
    log = get("ingest.daemon")
    try:
        new = load()
    except ConfigError as error:
        for problem in error.problems:
            log.error("config_refused", problem=str(problem))  # noqa: TRY400  a user's mistake needs no traceback
        return old
    differences = changed(old, new)
    log.info("config_reloaded", changed=[change.name for change in differences])
    for change in differences:
        if change.needs_restart:
            log.warning("config_needs_restart", setting=change.name)
    return new


async def _serve_settings(signals: Signals, wired: Callable[[], AbstractAsyncContextManager[Service]], health: Health) -> None:
    """Run with these settings until a signal; a database that is away is waited for."""
    pause_s = 1.0
    while not signals.asked.is_set():
        try:
            async with wired() as service:
                pause_s = 1.0
                await _work(service, signals, health)
        except StoreUnavailable as error:
            health.failed(str(error))
            get("ingest.daemon").error("database_away", error=str(error), next_try_s=pause_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(signals.asked.wait(), pause_s)
            pause_s = min(2 * pause_s, 60.0)


async def _work(service: Service, signals: Signals, health: Health) -> None:
    feeds, articles = service.feed_runner(FeedWork(service.feeds)), service.article_runner()
    scheduler = _scheduler(service, feeds, articles, health)
    watch = asyncio.create_task(_watch_clock(service, scheduler))
    running = asyncio.gather(feeds.run(), articles.run())
    health.started(service.store)
    get("ingest.daemon").info("daemon_started", feeds=service.store.feeds.counts_by_state().get(FeedState.ACTIVE, 0))
    scheduler.start()
    try:
        await _until_done_or_asked(running, signals, (feeds, articles))
    finally:
        health.stopping()
        watch.cancel()
        scheduler.shutdown(wait=False)


def _scheduler(service: Service, feeds: Runner, articles: Runner, health: Health) -> AsyncIOScheduler:  # type: ignore[type-arg]
    """A handful of jobs that only tick. Nothing is ever dropped for being late: what is due stays due in its row."""
    scheduler = AsyncIOScheduler(timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1})

    def tick() -> None:
        health.ticked()
        feeds.wake()
        articles.wake()

    async def measure() -> None:
        await service.in_thread(_measure, service)

    async def prune() -> None:
        before = service.clock.now() - timedelta(days=service.settings.policies.keep.polls_days)
        await service.in_thread(service.store.prune_polls, before)

    scheduler.add_job(_async(tick), "interval", seconds=_TICK_S, id="tick")
    scheduler.add_job(_guarded(measure), "interval", seconds=_GAUGES_S, id="measure", next_run_time=service.clock.now())
    scheduler.add_job(_guarded(prune), "interval", hours=6, id="prune", next_run_time=service.clock.now())
    return scheduler


def _async(call: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    """As a coroutine, which APScheduler runs on the loop; a plain function it would hand to a thread."""

    async def run() -> None:
        call()

    return run


def _guarded(call: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """A database that is away is the runners' business to report; the next tick tries again."""

    async def run() -> None:
        with contextlib.suppress(StoreError):
            await call()

    return run


def _measure(service: Service) -> None:
    now = service.clock.now()
    feeds = service.store.feeds
    service.metrics.measured(
        feeds_by_state=feeds.counts_by_state(),
        due_feeds=feeds.count_due(now),
        oldest_due_s=max((now - due_at).total_seconds(), 0.0) if (due_at := feeds.next_due_at(now)) else 0.0,
        pending_entries=service.store.articles.count_pending(now),
    )


async def _watch_clock(service: Service, scheduler: AsyncIOScheduler) -> None:
    """APScheduler runs nothing until a clock set back has caught up again; so start its intervals anew after a jump."""
    clock = service.clock
    offset_s = clock.now().timestamp() - clock.monotonic_s()
    while True:
        await asyncio.sleep(_CLOCK_WATCH_S)
        drift_s = clock.now().timestamp() - clock.monotonic_s() - offset_s
        if abs(drift_s) > _CLOCK_JUMP_S:
            get("ingest.daemon").warning("clock_jumped", by_s=round(drift_s))
            offset_s += drift_s
            for job in scheduler.get_jobs():
                job.reschedule(job.trigger)
