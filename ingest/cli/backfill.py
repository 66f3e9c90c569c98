"""`ingest backfill`: a feed's history."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.ending import SOME_FAILED, USAGE, complain
from ingest.cli.options import (
    Given,
    check_order,
    hint_without_feeds,
    load_settings,
    moment,
    run_async,
    set_up_log_beside_bars,
    spread,
    web_address,
)
from ingest.cli.output import tell

if TYPE_CHECKING:
    from ingest.backfill import History, Scope
    from ingest.config import Settings
    from ingest.pipeline import Tally
    from ingest.wiring import Service


@spread
def backfill(
    context: typer.Context,
    feed: Annotated[
        list[str] | None, typer.Argument(metavar="FEED", help="Feed URLs or ids; a site's URL is searched for its feed.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(metavar="DATE", parser=moment, help="Only entries published at or after (UTC).")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(metavar="DATE", parser=moment, help="Only entries published before (UTC).")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="New entries of each feed at most.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask for the first page only and tell what would be asked for.")
    ] = False,
    *,
    given: Given,
) -> None:
    """Store what feeds show now and then their history: RFC 5005 archives, paged feeds, JSON Feed, WordPress.

    May be ended at any moment; run it again and it goes on where it was. Without FEED: every feed that is known.
    """
    from ingest.backfill import History, Scope
    from ingest.pipeline import Tally

    check_order(since, until)
    settings = load_settings(context, given)
    set_up_log_beside_bars(settings)
    targets, scope = tuple(feed or ()), Scope(since, until, limit)
    tally, history = Tally(), History()
    work = _look(settings, targets, scope, history) if dry_run else _read(settings, targets, scope, history, tally)
    ended_by = run_async(work)
    for state in history.feeds:
        typer.echo(tell(state))
    if not dry_run:
        typer.echo(_summary(history, tally))
    if ended_by is not None:
        raise typer.Exit(128 + ended_by)
    if history.has_failures:
        raise typer.Exit(SOME_FAILED)


async def _read(settings: "Settings", targets: tuple[str, ...], scope: "Scope", history: "History", tally: "Tally") -> int | None:
    from ingest.backfill import run_backfill
    from ingest.cli.progress import showing_history
    from ingest.daemon import Signals
    from ingest.wiring import wire

    async with wire(settings, tally) as service, Signals().listening() as signals:
        _check(service, targets)
        async with showing_history(history, tally, service):
            await run_backfill(service, targets, scope, history, is_over=signals.asked.is_set)
        return signals.stop_signal


async def _look(settings: "Settings", targets: tuple[str, ...], scope: "Scope", history: "History") -> int | None:
    from ingest.backfill import look_at_all
    from ingest.wiring import wire

    async with wire(settings) as service:
        _check(service, targets)
        await look_at_all(service, targets, scope, history)
    return None


def _check(service: "Service", targets: tuple[str, ...]) -> None:
    """Ends the command when a target is neither a feed that is known nor an address where one may be."""
    feeds = service.store.feeds
    if not targets:
        hint_without_feeds(feeds.counts_by_state())
    wrong = [reason for target in targets if feeds.find(target) is None and (reason := _why_not(target))]
    for reason in wrong:
        complain(reason)
    if wrong:
        raise typer.Exit(USAGE)


def _why_not(target: str) -> str:
    """Why a feed cannot be looked for there, or ''."""
    try:
        web_address(target)
    except typer.BadParameter as error:
        return f"no such feed (see `ingest feeds list`), and {error.message}"
    return ""


def _summary(history: "History", tally: "Tally") -> str:
    pages, new = sum(feed.pages for feed in history.feeds), sum(feed.entries_new for feed in history.feeds)
    failed = sum(feed.is_failed for feed in history.feeds)
    return (
        f"feeds {len(history.feeds) - failed} ok, {failed} failed · pages {pages} · entries {new} new"
        f" · articles {tally.articles_stored} stored, {tally.articles_known} known"
    )
