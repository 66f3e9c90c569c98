"""`ingest config`: is the configuration right, and what does it come to?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.ending import complain
from ingest.cli.feeds import read_opml_file
from ingest.cli.options import Given, JsonOption, load_settings, spread
from ingest.cli.output import print_json

if TYPE_CHECKING:
    from ingest.config import Settings

app = typer.Typer(help="Check and show the configuration.", no_args_is_help=True)


@app.command("check")
@spread
def check(context: typer.Context, *, given: Given) -> None:
    """Read files and environment; tell every problem with its place, or that all is well."""
    settings = load_settings(context, given)
    if settings.policies.websub.callback_url.lower().startswith("http:"):
        complain("websub.callback_url: https is better: over http the secret address of the callback can be overheard")
    typer.echo(f"configuration ok: {settings.path or 'defaults'}, {_feed_list(settings)}")


def _feed_list(settings: "Settings") -> str:
    """What the feed list comes to. Raises ConfigError for an OPML file that cannot be read."""
    from ingest.config import mask_url
    from ingest.urls import is_http_url

    place = settings.feeds
    if not place:
        return "no feed list"
    if is_http_url(place):
        return f"feed list {mask_url(place)}, read at start"
    if settings.feed_list is not None:
        count = len(settings.feed_list)
    else:
        listed, problems = read_opml_file(Path(place))
        for problem in problems:
            complain(f"{place}: {problem}")
        count = len(listed)
    return f"{count} feed{'' if count == 1 else 's'} in {place}"


@app.command("dump")
@spread
def dump(
    context: typer.Context,
    json: JsonOption = False,
    default: Annotated[bool, typer.Option("--default", help="The commented file with every default, instead.")] = False,
    *,
    given: Given,
) -> None:
    """Show every setting in force and where it comes from; secrets are masked."""
    from ingest.config import dump, dump_text, template

    if default:
        typer.echo(template(), nl=False)
        return
    settings = load_settings(context, given)
    if json:
        print_json(dump(settings))
    else:
        typer.echo(dump_text(settings), nl=False)
