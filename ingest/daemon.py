"""The long run and the single pass: who feeds the runners, and how they end.

APScheduler only ticks: each tick wakes a runner, which claims what is due in the database. A job a feed would cost 500 times
as much and, at its defaults, drop every run that is a second late.
"""

import asyncio
import contextlib
import gc
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from ingest.clock import Clock, SystemClock
from ingest.config import Settings, changed
from ingest.errors import ConfigError, StoreError, StoreUnavailable
from ingest.log import get
from ingest.metrics import Metrics
from ingest.model import FeedState
from ingest.pipeline import GRACE_S, FeedWork, Observer, Runner
from ingest.pushes import Pushes
from ingest.repair import repair_gaps
from ingest.subscribing import review_subscriptions, tend_subscriptions
from ingest.web import Health, serve
from ingest.wiring import Service, wire

_END_S = 9.5  # after a request to stop: what hangs in a thread (a database that does not answer) is not waited for any longer
_TICK_S = 0.5  # below the gap of a host, or every second turn would be missed
_GAUGES_S = 15.0
_PACE_S = 300.0  # the request budget is shared out anew
_REPAIR_S = 60.0
_REPAIRS_AT_ONCE = 5  # gaps
_HUBS_S = 20.0
_HUBS_AT_ONCE = 20  # asked; they wait for the turns of their hosts
_VERDICTS_S = 300.0  # which hubs are relied on
_CLOCK_WATCH_S = 10.0
_CLOCK_JUMP_S = 5.0


class Signals:
    """SIGTERM and SIGINT ask to stop, SIGHUP asks to reload.

    The process ends at once with a second request to stop, and when it has not ended by itself 9.5 s after the first one. That
    loses nothing: what is in the database is whole, and leases of a process that is gone are given back.
    """

    def __init__(self) -> None:
        self.asked = asyncio.Event()  # to stop or to reload
        self.stop_signal: int | None = None

    @contextlib.asynccontextmanager
    async def listening(self, *, reload: bool = False) -> AsyncIterator["Signals"]:
        loop = asyncio.get_running_loop()
        handlers: dict[int, Callable[[], None]] = {number: self._stopper(number) for number in (signal.SIGTERM, signal.SIGINT)}
        if reload:
            handlers[signal.SIGHUP] = self.asked.set
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
            last_word = threading.Timer(_END_S, _end_now, (number,))
            last_word.daemon = True
            last_word.start()
            get("ingest.daemon").info("stop_asked", signal=signal.Signals(number).name, grace_s=GRACE_S)

        return stop


def _end_now(number: int) -> None:
    get("ingest.daemon").error("stop_forced", after_s=_END_S, signal=signal.Signals(number).name)
    os._exit(128 + number)


async def run_once(service: Service, *, everything: bool) -> int | None:
    """One pass over what is due (`everything`: over every enabled feed), with the articles that come of it.

    Answers the signal that ended it early, or None.
    """
    _settle()
    start = service.clock.now()
    if everything:
        await service.in_thread(service.store.feeds.due_now, start)
    feeds = service.feed_runner(FeedWork(service.feeds, due_by=start))
    articles = service.article_runner()
    async with Signals().listening() as signals:
        polling = asyncio.create_task(_poll_and_repair(service, feeds, signals))
        reading = asyncio.create_task(articles.drain(may_end=polling.done))
        await _until_done_or_asked(asyncio.gather(polling, reading), signals, (feeds, articles))
    return signals.stop_signal


def _settle() -> None:
    """What is loaded by now stays for good: the garbage collector need not look through it again and again."""
    gc.freeze()


async def _poll_and_repair(service: Service, feeds: Runner[Any], signals: Signals) -> None:
    await feeds.drain()
    if not signals.asked.is_set():
        await repair_gaps(service, _REPAIRS_AT_ONCE)


async def _until_done_or_asked(work: "asyncio.Future[Any]", signals: Signals, runners: tuple[Runner[Any], ...]) -> None:
    """Wait for the `work` of `runners`, or for a signal; in either case, and when one of them fails, all have stopped then."""
    asked = asyncio.create_task(signals.asked.wait())
    try:
        await asyncio.wait((work, asked), return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        await asyncio.gather(*(runner.stop(GRACE_S) for runner in runners))
    await work


async def run_daemon(settings: Settings, load: Callable[[], Settings], *observers: Observer) -> None:
    """Work until SIGTERM or SIGINT. SIGHUP loads the configuration anew; a faulty one is refused and the old one stays."""
    _settle()
    signals, metrics, health, pushes = Signals(), Metrics(), Health(SystemClock()), Pushes()
    async with signals.listening(reload=True), serve(settings.policies.http, metrics, health, pushes):
        proven: Settings | None = None  # the last ones that a service could be built of
        while signals.stop_signal is None:
            try:
                await _serve_settings(signals, partial(_wire, settings, observers, metrics, pushes), health)
                proven = settings
            except (ConfigError, StoreError) as error:  # what only shows when it is used: a list of feeds, a database
                if proven is None or settings is proven:
                    raise
                settings = _refuse(error, proven)
                continue
            if signals.stop_signal is None:
                signals.asked.clear()  # before reading: another SIGHUP while we read is another reading
                settings = await _reloaded(settings, load)
    get("ingest.daemon").info("daemon_stopped", signal=signals.stop_signal)


@contextlib.asynccontextmanager
async def _wire(settings: Settings, observers: Sequence[Observer], metrics: Metrics, pushes: Pushes) -> AsyncIterator[Service]:
    """The service, with a place for what hubs push to it."""
    async with wire(settings, *observers, metrics=metrics) as service, pushes.open(service):
        yield service


def _refuse(error: ConfigError | StoreError, old: Settings) -> Settings:
    """Say what is wrong with the new settings, and stay with the old ones."""
    for problem in error.problems if isinstance(error, ConfigError) else (error,):
        get("ingest.daemon").error("config_refused", problem=str(problem))
    return old


async def _reloaded(old: Settings, load: Callable[[], Settings]) -> Settings:
    log = get("ingest.daemon")
    try:
        new = await asyncio.to_thread(load)
    except ConfigError as error:
        return _refuse(error, old)
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
                await _work(service, signals, health)
        except StoreUnavailable as error:
            health.failed(str(error))
            get("ingest.daemon").error("database_away", error=str(error), next_try_s=pause_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(signals.asked.wait(), pause_s)
            pause_s = min(2 * pause_s, 60.0)


async def _work(service: Service, signals: Signals, health: Health) -> None:
    counts = await service.in_thread(service.store.feeds.counts_by_state)
    feeds, articles = service.feed_runner(FeedWork(service.feeds)), service.article_runner()
    scheduler = _scheduler(service, feeds, articles, health)
    watch = asyncio.create_task(_watch_clock(service, scheduler).run())
    running = asyncio.gather(feeds.run(), articles.run())
    health.started(service.store, lambda: feeds.problem or articles.problem)
    get("ingest.daemon").info("daemon_started", feeds=counts.get(FeedState.ACTIVE, 0))
    scheduler.start()
    try:
        await _until_done_or_asked(running, signals, (feeds, articles))
    finally:
        health.stopping()
        watch.cancel()
        scheduler.shutdown(wait=False)


def _scheduler(service: Service, feeds: Runner[Any], articles: Runner[Any], health: Health) -> AsyncIOScheduler:
    """A handful of jobs that only tick. Nothing is ever dropped for being late: what is due stays due in its row."""
    scheduler = AsyncIOScheduler(timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1})

    def tick() -> None:
        health.ticked()
        feeds.wake()
        articles.wake()

    async def measure() -> None:
        await service.in_thread(_measure, service)

    async def prune() -> None:
        await service.in_thread(service.store.prune, service.clock.now(), service.settings.policies.keep)

    async def revive() -> None:
        revived = await service.in_thread(service.store.feeds.revive_for_last_probe, service.clock.now())
        if revived:
            get("ingest.daemon").info("feeds_probed_last", feeds=revived)

    async def repair() -> None:
        await repair_gaps(service, _REPAIRS_AT_ONCE)

    async def tend() -> None:
        await tend_subscriptions(service, _HUBS_AT_ONCE)

    async def judge() -> None:
        await review_subscriptions(service)

    now = service.clock.now()
    scheduler.add_job(_async(tick), "interval", seconds=_TICK_S, id="tick")
    for job, seconds in (
        (measure, _GAUGES_S),
        (service.feeds.pacer.refresh, _PACE_S),
        (repair, _REPAIR_S),
        (tend, _HUBS_S),
        (judge, _VERDICTS_S),
    ):
        scheduler.add_job(_guarded(job), "interval", seconds=seconds, id=job.__name__, next_run_time=now)
    for job, hours in ((prune, 6), (revive, 1)):
        scheduler.add_job(_guarded(job), "interval", hours=hours, id=job.__name__, next_run_time=now)
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


class ClockWatch:
    """Looks for jumps of the wall clock against the monotonic one.

    APScheduler runs nothing until a clock set back has caught up again; so its intervals start anew after a jump (`restart`). Nor
    would anything be due until then: what the clock wrote is moved along (`follow_back`), and again until the store has taken it.
    """

    def __init__(
        self, clock: Clock, *, restart: Callable[[], None], follow_back: Callable[[datetime, float], Awaitable[int]]
    ) -> None:
        self._clock = clock
        self._restart = restart
        self._follow_back = follow_back
        self._offset_s = self._measure()
        self._behind_s = 0.0  # by so much the clock was set back since what it wrote was last moved

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_CLOCK_WATCH_S)
            await self.look()

    async def look(self) -> None:
        """Do what follows from a jump since the last look."""
        drift_s = self._measure() - self._offset_s
        if abs(drift_s) > _CLOCK_JUMP_S:
            get("ingest.daemon").warning("clock_jumped", by_s=round(drift_s))
            self._offset_s += drift_s
            self._behind_s = max(self._behind_s - drift_s, 0.0)
            self._restart()
        if self._behind_s > _CLOCK_JUMP_S:
            with contextlib.suppress(StoreError):
                await self._follow_back(self._clock.now(), self._behind_s)
                self._behind_s = 0.0

    def _measure(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic_s()


def _watch_clock(service: Service, scheduler: AsyncIOScheduler) -> ClockWatch:
    def restart() -> None:
        for job in scheduler.get_jobs():
            job.reschedule(job.trigger)

    async def follow_back(now: datetime, by_s: float) -> int:
        return await service.in_thread(service.store.feeds.follow_clock_back, now, by_s)

    return ClockWatch(service.clock, restart=restart, follow_back=follow_back)
