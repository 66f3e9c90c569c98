"""`ingest config`: is the configuration right, and what does it come to?"""

from typing import Annotated

import typer

from ingest.cli.options import ConfigOption, DatabaseOption, FeedsOption, JsonOption, load_settings
from ingest.cli.output import print_json

app = typer.Typer(help="Check and show the configuration.", no_args_is_help=True)


@app.command("check")
def check(
    context: typer.Context, config: ConfigOption = None, feeds: FeedsOption = None, database_url: DatabaseOption = None
) -> None:
    """Read files and environment; tell every problem with its place, or that all is well."""
    settings = load_settings(context, config, feeds, database_url)
    count = f"{len(settings.feed_list)} feeds" if settings.feed_list is not None else f"feed list {settings.feeds}, read at start"
    typer.echo(f"configuration ok: {settings.path or 'defaults'}, {count}")


@app.command("dump")
def dump(
    context: typer.Context,
    json: JsonOption = False,
    default: Annotated[bool, typer.Option("--default", help="The commented file with every default, instead.")] = False,
    config: ConfigOption = None,
    feeds: FeedsOption = None,
    database_url: DatabaseOption = None,
) -> None:
    """Show every setting in force and where it comes from; secrets are masked."""
    from ingest.config import dump, dump_text, template

    if default:
        typer.echo(template(), nl=False)
        return
    settings = load_settings(context, config, feeds, database_url)
    if json:
        print_json(dump(settings))
    else:
        typer.echo(dump_text(settings), nl=False)
