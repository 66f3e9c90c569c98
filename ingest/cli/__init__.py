"""The command `ingest`. Every command imports its libraries when it runs, so that `--help` is instant.

options   what commands share on their way in: settings, values to check
output    what they print and write: tables, JSON, NDJSON, CSV, whole files
progress  how far a run is
ending    how they end: clear lines on stderr and the exit code
documents, facts   a file, an address or stdin as a document; what is known of it as lines
run, backfill, extract, seeds, feeds, articles, config, db, health   one module a verb
parsing   `feeds parse`
explaining, batch   `extract --explain` and `extract --batch`
"""

from functools import partial
from typing import Annotated

import typer

from ingest.cli import articles, backfill, config, db, extract, feeds, health, run, seeds
from ingest.cli.ending import QuietGroup, ending_honestly
from ingest.cli.options import Given, spread

app = typer.Typer(
    name="ingest",
    cls=QuietGroup,
    help="Turns web feeds into clean, deduplicated articles in a database, and keeps doing so for years.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: drawing boxes would triple its cost
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("backfill")(backfill.backfill)
app.command("extract")(extract.extract)
app.command("healthcheck")(health.healthcheck)
app.add_typer(seeds.app, name="seeds")
app.add_typer(feeds.app, name="feeds")
app.add_typer(articles.app, name="articles")
app.add_typer(config.app, name="config")
app.add_typer(db.app, name="db")


def _tell_version(is_asked: bool) -> None:  # noqa: FBT001  Typer's signature
    if is_asked:
        from ingest import __version__

        typer.echo(f"ingest {__version__}")
        raise typer.Exit


@app.callback()
@spread
def _everywhere(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  told by its callback, before a command is missed
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version and end.")
    ] = False,
    *,
    given: Given,
) -> None:
    context.obj = given


def main() -> None:
    """Run the command line; ends the process with the exit code that tells the truth."""
    ending_honestly(partial(app, prog_name="ingest", standalone_mode=False))
