"""`ingest seeds`: seed documents as fixtures."""

from pathlib import Path
from typing import Annotated

import typer

from ingest.cli.ending import CONFIG, complain
from ingest.cli.options import Given, load_settings, spread

app = typer.Typer(help="Load seed documents as articles.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A group of its own, though it holds one command."""


@app.command("load")
@spread
def load(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of *.txt documents.")] = Path("seeds"),
    *,
    given: Given,
) -> None:
    """Store every seed document of FOLDER; loading twice changes nothing.

    A document is plain text. Its first line may begin with `date YYYY-MM-DD`.
    A last short line such as `XX/Agency` is its credit.
    """
    from ingest.clock import SystemClock
    from ingest.opening import ready_store
    from ingest.seeds import load_seeds

    settings = load_settings(context, given)
    with ready_store(settings, sync=False) as store:
        tally = load_seeds(folder, store, clock=SystemClock(), matching=settings.policies.match, complain=complain)
    typer.echo(str(tally))
    if tally.failed:
        raise typer.Exit(CONFIG)
