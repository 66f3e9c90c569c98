"""How far a run is: bars on a terminal, a plain line now and then otherwise."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ingest.backfill import History
    from ingest.pipeline import Tally
    from ingest.wiring import Service

_REDRAW_S = 0.2
_PLAIN_LINE_S = 10.0


@contextlib.contextmanager
def showing(tally: "Tally", service: "Service", *, everything: bool) -> Iterator[None]:
    """Show feeds and articles done, of how many, and how fast, while the block runs."""
    from ingest.model import FeedState

    store = service.store
    feeds = store.feeds.counts_by_state().get(FeedState.ACTIVE, 0) if everything else store.feeds.count_due(service.clock.now())
    waiting = store.articles.count_pending(service.clock.now())

    def state() -> tuple[tuple[str, int, int | None], ...]:
        return (("feeds", tally.feeds, feeds), ("articles", tally.articles, waiting + tally.entries_new + tally.entries_changed))

    with _drawing(state):
        yield


@contextlib.contextmanager
def showing_history(history: "History", tally: "Tally") -> Iterator[None]:
    """Show pages and articles of a backfill while the block runs."""

    def state() -> tuple[tuple[str, int, int | None], ...]:
        expected = [feed.pages_expected for feed in history.feeds]
        total = sum(count or 0 for count in expected) if expected and None not in expected else None
        return (
            ("pages", sum(feed.pages for feed in history.feeds), total),
            ("articles", tally.articles, tally.articles + 0 or None),
        )

    with _drawing(state):
        yield


@contextlib.contextmanager
def _drawing(state: Callable[[], tuple[tuple[str, int, int | None], ...]]) -> Iterator[None]:
    drawer = asyncio.create_task(_draw_bars(state) if sys.stderr.isatty() else _draw_lines(state))
    try:
        yield
    finally:
        drawer.cancel()


async def _draw_bars(state: Callable[[], tuple[tuple[str, int, int | None], ...]]) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>8}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks = {name: progress.add_task(name, total=total, rate="") for name, _, total in state()}
        while True:
            for name, done, total in state():
                speed = progress.tasks[list(tasks).index(name)].finished_speed or progress.tasks[list(tasks).index(name)].speed
                progress.update(tasks[name], completed=done, total=total, rate=f"{speed:.1f}/s" if speed else "")
            await asyncio.sleep(_REDRAW_S)


async def _draw_lines(state: Callable[[], tuple[tuple[str, int, int | None], ...]]) -> None:
    before = 0
    while True:
        await asyncio.sleep(_PLAIN_LINE_S)
        counts = state()
        done = counts[-1][1]
        parts = [f"{name} {count}" + (f"/{total}" if total is not None else "") for name, count, total in counts]
        typer.echo(f"{' · '.join(parts)} · {(done - before) / _PLAIN_LINE_S:.1f}/s")
        before = done
