"""`ingest run`: the daemon, or one pass."""

from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.ending import DATABASE, SOME_FAILED, UNEXPECTED, complain
from ingest.cli.options import Given, hint_without_feeds, load_settings, reader, run_async, set_up_log_beside_bars, spread

if TYPE_CHECKING:
    from ingest.config import Settings
    from ingest.pipeline import Tally


@spread
def run(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="One pass over what is due, pages included, then end.")] = False,
    now: Annotated[bool, typer.Option("--now", help="With --once: every enabled feed, due or not.")] = False,
    *,
    given: Given,
) -> None:
    """Poll the configured feeds and store their articles: for ever, or --once.

    The daemon ends cleanly on SIGTERM or Ctrl-C (a second one ends it at once) and loads its configuration anew on SIGHUP.
    """
    if now and not once:
        raise typer.BadParameter("goes with --once: the daemon polls what is due", param_hint="'--now'")
    settings = load_settings(context, given)
    if once:
        _run_once(settings, everything=now)
        return
    from ingest.daemon import run_daemon

    run_async(run_daemon(settings, reader(context, given)))


def _run_once(settings: "Settings", *, everything: bool) -> None:
    from ingest.pipeline import Tally

    set_up_log_beside_bars(settings)
    tally = Tally()
    ended_by = run_async(_pass(settings, tally, everything=everything))
    typer.echo(str(tally))
    if ended_by is not None:
        raise typer.Exit(128 + ended_by)
    if tally.store_problem:
        complain(tally.store_problem)
        raise typer.Exit(DATABASE)
    if tally.crashes:
        raise typer.Exit(UNEXPECTED)
    if tally.feeds_failed:
        raise typer.Exit(SOME_FAILED)


async def _pass(settings: "Settings", tally: "Tally", *, everything: bool) -> int | None:
    from ingest.cli.progress import showing
    from ingest.daemon import run_once
    from ingest.wiring import wire

    async with wire(settings, tally) as service:
        hint_without_feeds(service.store.feeds.counts_by_state())
        async with showing(tally, service, everything=everything):
            return await run_once(service, everything=everything)
