"""A feed's history, page by page, through the same walk as live entries but behind them in the queue.

What a page brought and where to go on is written in one transaction, so a run may be ended at any moment; the next one goes
on there and asks for no finished page again.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from ingest.decide import plan_entry
from ingest.discovery import discover, find_or_add
from ingest.errors import FetchError, IngestError, LeaseLost, ParseError, PermanentFetchError, StoreError, WorkKilled
from ingest.history import estimate_pages, find_strategy, is_within
from ingest.model import (
    Backfill,
    Checkpoint,
    EntryPlan,
    FeedHead,
    FeedInfo,
    FeedState,
    Fetched,
    HistoryPlan,
    KeyedEntry,
)
from ingest.paging import Page, Pager, read_page
from ingest.pipeline import GRACE_S, poll_feed
from ingest.urls import redact
from ingest.wiring import Service


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the history is wanted."""

    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None  # new entries of one feed


@dataclass(slots=True)
class FeedHistory:
    """How the backfill of one feed goes; read by whoever shows progress, and told at the end."""

    url: str
    pages: int = 0
    pages_expected: int | None = None
    entries_new: int = 0
    outcome: str = ""
    is_failed: bool = False

    def failed(self, error: IngestError) -> None:
        self.is_failed, self.outcome = True, f"stopped: {error.reason if isinstance(error, FetchError) else error}"

    def __str__(self) -> str:
        pages = f"{self.pages} page" + ("s" if self.pages != 1 else "")
        return f"{redact(self.url)}: {pages}, {self.entries_new} new entries; {self.outcome}"


@dataclass(slots=True)
class History:
    """The whole run."""

    feeds: list[FeedHistory] = field(default_factory=list)

    @property
    def has_failures(self) -> bool:
        return any(feed.is_failed for feed in self.feeds)


async def run_backfill(
    service: Service, targets: tuple[str, ...], scope: Scope, history: History, *, is_over: Callable[[], bool]
) -> None:
    """Read the history of `targets` (feed URLs, ids, or site URLs; none: every active feed), and make what articles are due.

    Those of other feeds too: there is one queue, with live entries first. `history` is filled as it goes. `is_over` ends the run
    after the page in hand, or soon in the middle of one that takes long: it is asked for again. Raises StoreError.
    """
    articles = service.article_runner()
    reading = asyncio.create_task(_read_all(service, targets, scope, history, is_over=is_over))
    ingesting = asyncio.create_task(articles.drain(may_end=reading.done))
    try:
        while not ingesting.done() and not is_over():
            await asyncio.wait((ingesting,), timeout=0.2)
    finally:
        grace_s = GRACE_S if is_over() else 0
        await asyncio.gather(articles.stop(grace_s), asyncio.wait((reading,), timeout=grace_s))
        reading.cancel()
        results = await asyncio.gather(ingesting, reading, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):  # a cancellation is none, and is ours
            raise result


async def _read_all(
    service: Service, targets: tuple[str, ...], scope: Scope, history: History, *, is_over: Callable[[], bool]
) -> None:
    for target in targets or await _all_feeds(service):
        if is_over():
            return
        state = FeedHistory(target)
        history.feeds.append(state)
        try:
            feed, document = await find_or_add(service, target)
            state.url = feed.url
            reader = _HistoryReader(service, feed, scope, state, document)
            await reader.read(is_over)
        except (FetchError, ParseError, WorkKilled, LeaseLost) as error:  # the last one: the feed was removed meanwhile
            state.failed(error)


async def look_at_all(service: Service, targets: tuple[str, ...], scope: Scope, history: History) -> None:
    """What a backfill would do, from each feed's first page alone; nothing is written."""
    for target in targets or await _all_feeds(service):
        state = FeedHistory(target, pages=1)
        history.feeds.append(state)
        try:
            await _look(service, state, scope)
        except (FetchError, ParseError, WorkKilled) as error:
            state.failed(error)


async def _look(service: Service, state: FeedHistory, scope: Scope) -> None:
    found = await service.in_thread(service.store.feeds.find, state.url)
    document = None
    if found is None:  # a site's address is searched for its feed, as the run itself would
        discovered = await discover(service, state.url)
        state.url, document = discovered.feed.url, discovered.document
    else:
        state.url = found.url
    parsed, keyed = await read_page(service, state.url, state.url, document=document)
    planned = find_strategy(parsed.head, state.url)
    if planned is None:
        state.outcome = f"would store what the feed shows now ({len(keyed)} entries); it names no older pages"
        return
    strategy, _ = planned
    state.pages_expected, reason = estimate_pages(strategy, parsed.head, keyed, since=scope.since)
    count = "an unknown number of" if state.pages_expected is None else f"about {state.pages_expected}"
    state.outcome = f"would ask for {count} more pages by {strategy.value} ({reason})"


async def _all_feeds(service: Service) -> tuple[str, ...]:
    feeds = await service.in_thread(service.store.feeds.infos)
    return tuple(str(feed.feed_id) for feed in feeds if feed.state is FeedState.ACTIVE)


@dataclass(slots=True)
class _HistoryReader:
    """Reads one page of one feed's history after the other."""

    service: Service
    feed: FeedInfo
    scope: Scope
    state: FeedHistory
    document: Fetched | None  # the feed's own, if it was fetched just now
    is_done: bool = False
    pager: Pager | None = None
    first_left: str | None = None  # the first page of which the scope left something out: the next run begins there

    async def read(self, is_over: Callable[[], bool]) -> None:
        """First what the feed shows now, then page by page into the past."""
        runs = await self.service.in_thread(self.service.store.history.infos, self.feed.feed_id)
        seen = await self._poll(is_whole=not runs)
        run = runs[0] if runs else await self._open(seen)
        if run is None:
            self.state.outcome = "the feed names no older pages"
            return
        if run.is_finished:
            pages = run.checkpoint.pages
            self.state.outcome = f"its history was read to the end before ({pages} pages by {run.strategy.value})"
            return
        try:
            while not is_over() and not self.is_done:
                run = await self.read_next(run)
        finally:
            self.state.outcome = self.state.outcome or f"stopped after {self.state.pages} pages; run again to go on"

    async def _poll(self, *, is_whole: bool) -> tuple[FeedHead, tuple[KeyedEntry, ...]] | None:
        """Poll the feed, unless another process is just doing so; answers what it says of itself and its news, if it sent any.

        `is_whole` asks for the document even where ours is current: its head tells where the history begins.
        """
        service, feed = self.service, self.feed
        now = service.clock.now()
        until = now + timedelta(seconds=service.feeds.poll.lease_s)
        claim = await service.in_thread(service.store.feeds.claim_one, feed.feed_id, now, until)
        if claim is None:
            if not is_whole:
                return None
            parsed, keyed = await read_page(service, feed.url, feed.url)
            return parsed.head, keyed
        try:
            plan = await poll_feed(claim, service.feeds, document=self.document, is_whole=is_whole)
        finally:  # ended in the middle, it is due as before; after a finished poll nothing is left to give back
            with contextlib.suppress(StoreError):
                await service.in_thread(service.store.feeds.release, {feed.feed_id: claim.lease})
        if not plan.outcome.is_success:
            raise PermanentFetchError(redact(feed.url), plan.outcome, plan.reason)
        self.state.pages, self.state.entries_new = 1, len(plan.new)
        return (plan.head, tuple(entry.keyed for entry in plan.new)) if plan.head else None

    async def _open(self, seen: tuple[FeedHead, tuple[KeyedEntry, ...]] | None) -> Backfill | None:
        planned = find_strategy(seen[0], self.feed.url) if seen else None
        if seen is None or planned is None:
            return None
        strategy, first_url = planned
        older, _ = estimate_pages(strategy, *seen, since=self.scope.since)
        self.state.pages_expected = None if older is None else self.state.pages + older
        history = self.service.store.history
        return await self.service.in_thread(
            history.open, self.feed.feed_id, strategy, Checkpoint(first_url), self.service.clock.now()
        )

    async def read_next(self, run: Backfill) -> Backfill:
        """Ask for the next page, write what it brings; answers the backfill as it stands then. Raises FetchError, ParseError."""
        url = run.checkpoint.next_url
        if url is None or self.state.pages > self.service.settings.policies.backfill.max_pages:
            self.is_done = True
            return run
        if self.scope.limit is not None and self.state.entries_new >= self.scope.limit:
            return self._stop_at_limit(run)
        self.pager = self.pager or Pager(self.service, self.feed, run.strategy)
        return await self._take(run, await self.pager.read(url, run.checkpoint, since=self.scope.since))

    def _stop_at_limit(self, run: Backfill) -> Backfill:
        self.is_done, self.state.outcome = True, f"limit of {self.scope.limit} entries reached; run again to go on"
        return run

    async def _take(self, run: Backfill, page: Page) -> Backfill:
        wanted = [entry for entry in page.unseen if is_within(entry.entry, self.scope.since, self.scope.until)]
        if len(wanted) < len(page.unseen):
            self.first_left = self.first_left or page.url
        room = None if self.scope.limit is None else max(self.scope.limit - self.state.entries_new, 0)
        plan = partial(plan_entry, options=self.feed.options, full_text=self.service.settings.full_text)
        new = tuple(plan(entry, reason=f"history, {run.strategy.value}") for entry in wanted[:room])
        if room is not None and len(wanted) > room:  # the page is not finished: the checkpoint stays before it
            return self._stop_at_limit(
                await self._apply(run, new, run.checkpoint, f"limit of {self.scope.limit} entries reached")
            )
        if page.is_over:
            self.is_done, self.state.outcome = True, page.reason
        return await self._apply(run, new, page.following, page.reason)

    async def _apply(self, run: Backfill, new: tuple[EntryPlan, ...], checkpoint: Checkpoint, reason: str) -> Backfill:
        """Write a page and how far the history is read. The run in hand goes on at `checkpoint`, whatever the scope left out."""
        if checkpoint.next_url is None:
            self.is_done, self.state.outcome = True, reason
        checkpoint = replace(checkpoint, entries_new=run.checkpoint.entries_new + len(new))
        stored = replace(checkpoint, next_url=self.first_left) if self.first_left else checkpoint
        is_finished = stored.next_url is None
        plan = HistoryPlan(run.backfill_id, self.feed.feed_id, self.service.clock.now(), new, stored, is_finished, reason)
        await self.service.in_thread(self.service.store.history.apply, plan)
        self.state.pages += 1
        self.state.entries_new += len(new)
        return replace(run, checkpoint=checkpoint, is_finished=is_finished)
