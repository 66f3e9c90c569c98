"""How far a run is: bars on a terminal, a plain line now and then otherwise."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ingest.backfill import History
    from ingest.pipeline import Tally
    from ingest.wiring import Service

_REDRAW_S = 0.2
_PLAIN_LINE_S = 10.0

Counts = tuple[tuple[str, int, int | None], ...]  # what, how many are done, of how many (None: nobody knows yet)


@contextlib.asynccontextmanager
async def showing(tally: "Tally", service: "Service", *, everything: bool) -> AsyncIterator[None]:
    """Show feeds and articles done, of how many, and how fast, while the block runs."""
    from ingest.model import FeedState

    store, now = service.store, service.clock.now()
    feeds = store.feeds.counts_by_state().get(FeedState.ACTIVE, 0) if everything else store.feeds.count_due(now)
    waiting = store.articles.count_pending(now)

    def state() -> Counts:
        articles = waiting + tally.entries_new + tally.entries_changed
        return (
            ("feeds", tally.feeds, max(feeds, tally.feeds) or None),
            ("articles", tally.articles, max(articles, tally.articles) or None),
        )

    async with _drawing(state):
        yield


@contextlib.asynccontextmanager
async def showing_history(history: "History", tally: "Tally", service: "Service") -> AsyncIterator[None]:
    """Show pages and articles of a backfill while the block runs."""
    waiting = service.store.articles.count_pending(service.clock.now())

    def state() -> Counts:
        expected = [feed.pages_expected for feed in history.feeds]
        known = [count for count in expected if count is not None]
        pages = sum(known) if known and len(known) == len(expected) else None
        articles = waiting + sum(feed.entries_new for feed in history.feeds)
        return (
            ("pages", sum(feed.pages for feed in history.feeds), pages),
            ("articles", tally.articles, max(articles, tally.articles) or None),
        )

    async with _drawing(state):
        yield


@contextlib.asynccontextmanager
async def showing_pages(done: Callable[[], int], total: int | None) -> AsyncIterator[None]:
    """Show how many pages are done while the block runs."""
    async with _drawing(lambda: (("pages", done(), total),)):
        yield


@contextlib.asynccontextmanager
async def _drawing(state: Callable[[], Counts]) -> AsyncIterator[None]:
    drawer = asyncio.create_task(_draw_bars(state) if sys.stderr.isatty() else _draw_lines(state))
    try:
        yield
    finally:
        drawer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await drawer  # so that the bars are gone when the next line is printed


async def _draw_bars(state: Callable[[], Counts]) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description:<8}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    console = Console(stderr=True, soft_wrap=True)  # log lines above the bars stay whole
    clock = asyncio.get_running_loop().time
    start_s = clock()
    with Progress(*columns, console=console, transient=True) as progress:
        for name, _, total in state():
            progress.add_task(name, total=total, pace="")
        while True:
            for task, (_, done, total) in zip(progress.tasks, state(), strict=True):
                progress.update(task.id, completed=done, total=total, pace=_pace(done, total, clock() - start_s))
            await asyncio.sleep(_REDRAW_S)


def _pace(done: int, total: int | None, elapsed_s: float) -> str:
    """How fast since the start, and how long the rest will take at that: rich forgets both whenever a total grows."""
    rate = done / elapsed_s if elapsed_s else 0.0
    if not rate:
        return ""
    left = f", {timedelta(seconds=round((total - done) / rate))} left" if total and total > done else ""
    return f"{rate:.1f}/s{left}"


async def _draw_lines(state: Callable[[], Counts]) -> None:
    before = 0
    while True:
        await asyncio.sleep(_PLAIN_LINE_S)
        counts = state()
        done = counts[-1][1]
        parts = [f"{name} {count}" + (f"/{total}" if total is not None else "") for name, count, total in counts]
        typer.echo(f"{' · '.join(parts)} · {(done - before) / _PLAIN_LINE_S:.1f}/s")
        before = done
