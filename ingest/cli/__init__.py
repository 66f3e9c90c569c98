"""The command `ingest`. Every command imports its libraries when it runs, so that `--help` is instant.

options   what all commands share: where the settings are, how to end
output    tables, JSON, NDJSON and CSV
run, backfill, seeds, feeds, articles, config, db, health   one module a verb
"""

from typing import Annotated

import typer

from ingest.cli import articles, backfill, config, db, feeds, health, run, seeds
from ingest.cli.options import ConfigOption, DatabaseOption, FeedsOption, Given, ending_honestly

app = typer.Typer(
    name="ingest",
    help="Turns web feeds into clean, deduplicated articles in a database, and keeps doing so for years.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: drawing boxes would triple its cost
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("backfill")(backfill.backfill)
app.command("healthcheck")(health.healthcheck)
app.add_typer(seeds.app, name="seeds")
app.add_typer(feeds.app, name="feeds")
app.add_typer(articles.app, name="articles")
app.add_typer(config.app, name="config")
app.add_typer(db.app, name="db")


@app.callback()
def _everywhere(
    context: typer.Context,
    config_path: ConfigOption = None,
    feed_list: FeedsOption = None,
    database_url: DatabaseOption = None,
    version: Annotated[bool, typer.Option("--version", help="Tell the version and end.")] = False,
) -> None:
    if version:
        from ingest import __version__

        typer.echo(f"ingest {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
    context.obj = Given(config_path, feed_list, database_url)


def main() -> None:
    """Run the command line; ends the process with the exit code that tells the truth."""
    ending_honestly(app)
