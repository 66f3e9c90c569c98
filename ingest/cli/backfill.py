"""`ingest backfill`: a feed's history."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.options import SOME_FAILED, ConfigOption, DatabaseOption, FeedsOption, load_settings, run_async

if TYPE_CHECKING:
    from ingest.backfill import History, Scope
    from ingest.config import Settings
    from ingest.pipeline import Tally

_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def backfill(
    context: typer.Context,
    feed: Annotated[list[str] | None, typer.Argument(help="Feed URLs or ids; a site's URL is searched for its feed.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=_DATES, help="Only entries published at or after (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_DATES, help="Only entries published before (UTC).")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="New entries of each feed at most.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask for the first page only and tell what would be asked for.")
    ] = False,
    config: ConfigOption = None,
    feeds: FeedsOption = None,
    database_url: DatabaseOption = None,
) -> None:
    """Store what feeds show now and then their history: RFC 5005 archives, paged feeds, JSON Feed, WordPress.

    May be ended at any moment; run it again and it goes on where it was. Without FEED: every feed that is known.
    """
    from ingest.backfill import History, Scope
    from ingest.pipeline import Tally

    settings = load_settings(context, config, feeds, database_url)
    scope = Scope(_utc(since), _utc(until), limit)
    tally, history = Tally(), History()
    work = (
        _look(settings, tuple(feed or ()), scope, history)
        if dry_run
        else _read(settings, tuple(feed or ()), scope, history, tally)
    )
    ended_by = run_async(work)
    for state in history.feeds:
        typer.echo(str(state))
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
        with showing_history(history, tally):
            await run_backfill(service, targets, scope, history, is_over=signals.asked.is_set)
        return signals.stop_signal


async def _look(settings: "Settings", targets: tuple[str, ...], scope: "Scope", history: "History") -> int | None:
    from ingest.backfill import look_at_all
    from ingest.wiring import wire

    async with wire(settings) as service:
        await look_at_all(service, targets, scope, history)
    return None


def _summary(history: "History", tally: "Tally") -> str:
    pages, new = sum(feed.pages for feed in history.feeds), sum(feed.entries_new for feed in history.feeds)
    failed = sum(feed.is_failed for feed in history.feeds)
    return (
        f"feeds {len(history.feeds) - failed} ok, {failed} failed · pages {pages} · entries {new} new"
        f" · articles {tally.articles_stored} stored, {tally.articles_known} known"
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
