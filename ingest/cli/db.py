"""`ingest db`: the schema."""

from contextlib import closing

import typer

from ingest.cli.ending import DATABASE
from ingest.cli.options import Given, JsonOption, load_settings, spread
from ingest.cli.output import print_json

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command("upgrade")
@spread
def upgrade(context: typer.Context, *, given: Given) -> None:
    """Bring the schema up to date. `ingest run` does so by itself."""
    from ingest.store import migrate, open_store

    settings = load_settings(context, given)
    with closing(open_store(settings.policies.database)) as store:
        before = migrate.upgrade(store.database)
    typer.echo(
        f"schema {before.needed}, as it was" if before.is_current else f"schema {before.current or 'none'} → {before.needed}"
    )


@app.command("status")
@spread
def status(context: typer.Context, json: JsonOption = False, *, given: Given) -> None:
    """Tell which schema the database has and which this program needs; exit code 5 when they differ."""
    from ingest.config import mask_url
    from ingest.store import migrate, open_store

    settings = load_settings(context, given)
    with closing(open_store(settings.policies.database)) as store:
        found = migrate.status(store.database)
    url = mask_url(settings.policies.database.url)
    if json:
        print_json({"url": url, "current": found.current, "needed": found.needed, "is_current": found.is_current})
    else:
        typer.echo(f"{url}: schema {found.current or 'none'}, " + ("up to date" if found.is_current else f"needs {found.needed}"))
    if not found.is_current:
        raise typer.Exit(DATABASE)
