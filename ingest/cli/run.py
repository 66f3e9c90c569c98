"""`ingest run`: the daemon, or one pass."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.options import (
    SOME_FAILED,
    UNEXPECTED,
    ConfigOption,
    DatabaseOption,
    FeedsOption,
    load_settings,
    reader,
    run_async,
    set_up_log,
)

if TYPE_CHECKING:
    from ingest.config import Settings
    from ingest.pipeline import Tally


def run(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="One pass over what is due, pages included, then end.")] = False,
    now: Annotated[bool, typer.Option("--now", help="With --once: every enabled feed, due or not.")] = False,
    config: ConfigOption = None,
    feeds: FeedsOption = None,
    database_url: DatabaseOption = None,
) -> None:
    """Poll the configured feeds and store their articles: for ever, or --once.

    The daemon ends cleanly on SIGTERM or Ctrl-C (a second one ends it at once) and loads its configuration anew on SIGHUP.
    """
    if now and not once:
        raise typer.BadParameter("--now goes with --once", param_hint="--now")
    settings = load_settings(context, config, feeds, database_url)
    if once:
        _run_once(settings, everything=now)
        return
    from ingest.daemon import run_daemon

    run_async(run_daemon(settings, reader(context, config, feeds, database_url)))


def _run_once(settings: "Settings", *, everything: bool) -> None:
    from ingest.pipeline import Tally

    if sys.stderr.isatty():
        set_up_log(settings, level="error")  # the bar tells the rest
    tally = Tally()
    ended_by = run_async(_pass(settings, tally, everything=everything))
    typer.echo(str(tally))
    if ended_by is not None:
        raise typer.Exit(128 + ended_by)
    if tally.crashes:
        raise typer.Exit(UNEXPECTED)
    if tally.feeds_failed:
        raise typer.Exit(SOME_FAILED)


async def _pass(settings: "Settings", tally: "Tally", *, everything: bool) -> int | None:
    from ingest.cli.progress import showing
    from ingest.daemon import run_once
    from ingest.wiring import wire

    async with wire(settings, tally) as service:
        with showing(tally, service, everything=everything):
            return await run_once(service, everything=everything)
