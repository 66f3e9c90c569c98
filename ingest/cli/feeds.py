"""`ingest feeds`: which feeds there are and how they fare."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.cli.options import (
    SOME_FAILED,
    USAGE,
    ConfigOption,
    DatabaseOption,
    FeedsOption,
    JsonOption,
    complain,
    load_settings,
    run_async,
)
from ingest.cli.output import print_json, print_table, tell

if TYPE_CHECKING:
    from ingest.config import Settings
    from ingest.model import FeedInfo
    from ingest.store import SqlStore

app = typer.Typer(help="Add, list, show, remove, import, export and discover feeds.", no_args_is_help=True)

FeedArgument = Annotated[str, typer.Argument(help="A feed's URL or id.")]


@app.command("list")
def list_(
    context: typer.Context,
    tag: Annotated[str | None, typer.Option(help="Only feeds with this tag.")] = None,
    failing: Annotated[bool, typer.Option("--failing", help="Only feeds whose last poll failed.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
    feeds: FeedsOption = None,
    database_url: DatabaseOption = None,
) -> None:
    """List the feeds with their last outcome and what they brought."""
    from ingest.opening import ready_store

    with ready_store(load_settings(context, config, feeds, database_url)) as store:
        found = [feed for feed in store.feeds.infos(tag) if not failing or feed.failures]
    if json:
        print_json(found)
        return
    columns = ("id", "url", "title", "state", "last outcome", "polled at", "next poll at", "entries", "pending", "articles")
    print_table(columns, (_row(feed) for feed in found))


def _row(feed: "FeedInfo") -> tuple[Any, ...]:
    return (
        feed.feed_id,
        feed.url,
        feed.options.title or feed.title,
        feed.state.value,
        feed.outcome,
        feed.polled_at,
        feed.next_poll_at,
        feed.entries,
        feed.pending,
        feed.articles,
    )


@app.command("show")
def show(
    context: typer.Context,
    feed: FeedArgument,
    json: JsonOption = False,
    config: ConfigOption = None,
    database_url: DatabaseOption = None,
) -> None:
    """Show one feed: its state and why, its last polls, its entries that wait or failed."""
    from ingest.opening import ready_store

    with ready_store(load_settings(context, config, None, database_url)) as store:
        found = _find(store, feed)
        polls = store.feeds.polls(found.feed_id, limit=20)
        unfinished = store.feeds.entries(found.feed_id, limit=20, unfinished=True)
    if json:
        print_json({"feed": found, "polls": polls, "unfinished_entries": unfinished})
        return
    for name, value in _facts(found):
        typer.echo(f"{name:<14}{tell(value)}")
    print_table(
        ("polled at", "outcome", "status", "ms", "bytes", "seen", "new", "changed", "reason"),
        ((p.polled_at, p.outcome, p.status, p.elapsed_ms, p.body_bytes, p.seen, p.new, p.changed, p.reason) for p in polls),
    )
    if unfinished:
        typer.echo("entries without their page:")
        print_table(
            ("entry", "url", "state", "attempts", "next try at", "reason"),
            ((e.entry_id, e.url, e.state, e.attempts, e.next_try_at, e.reason) for e in unfinished),
        )


def _facts(feed: "FeedInfo") -> tuple[tuple[str, Any], ...]:
    return (
        ("id", feed.feed_id),
        ("url", feed.url),
        ("title", feed.options.title or feed.title),
        ("site", feed.site_url),
        ("listed by", feed.origin.value),
        ("tags", feed.options.tags),
        ("state", f"{feed.state.value}" + (f" ({feed.state_reason})" if feed.state_reason else "")),
        ("polled at", feed.polled_at),
        ("next poll at", feed.next_poll_at),
        ("last outcome", f"{feed.outcome or '–'}" + (f" ({feed.reason})" if feed.reason else "")),
        ("failures", f"{feed.failures:g} (weighted, in a row)"),
        ("moved to", feed.moved_to),
        ("entries", f"{feed.entries}, {feed.pending} pending, {feed.failed} failed"),
        ("articles", feed.articles),
    )


@app.command("add")
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="A feed's URL, or a site's, which is searched for its feed.")],
    title: Annotated[str | None, typer.Option(help="Call it so.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Tag it so; may be repeated.")] = None,
    check: Annotated[bool, typer.Option(help="Ask for the document and look for a feed there first.")] = True,
    config: ConfigOption = None,
    database_url: DatabaseOption = None,
) -> None:
    """Add a feed to the database; it stays until `feeds remove`."""
    from ingest.clock import utc_now
    from ingest.model import FeedOptions, FeedOrigin, FeedSpec
    from ingest.opening import ready_store
    from ingest.urls import is_http_url

    settings = load_settings(context, config, None, database_url)
    if not is_http_url(url):
        raise typer.BadParameter("needs an address that begins with http:// or https://", param_hint="URL")
    address = _discovered(settings, url) if check else url
    with ready_store(settings, sync=False) as store:
        is_known = store.feeds.find(address) is not None
        feed_id = store.feeds.add(
            FeedSpec(address, FeedOptions(title=title, tags=tuple(tag or ())), FeedOrigin.COMMAND), utc_now()
        )
    typer.echo(f"feed {feed_id} {'was there already' if is_known else 'added'}: {address}")


def _discovered(settings: "Settings", url: str) -> str:
    async def look() -> str:
        from ingest.discovery import discover
        from ingest.wiring import wire

        async with wire(settings) as service:
            return (await discover(service, url)).feed.url

    return run_async(look())


@app.command("remove")
def remove(context: typer.Context, feed: FeedArgument, config: ConfigOption = None, database_url: DatabaseOption = None) -> None:
    """Remove a feed that was added by command; its articles stay."""
    from ingest.model import FeedOrigin
    from ingest.opening import ready_store

    settings = load_settings(context, config, None, database_url)
    with ready_store(settings) as store:
        found = _find(store, feed)
        if found.origin is FeedOrigin.FILE:
            listed = next((f.where for f in settings.feed_list or () if f.spec.url == found.url), settings.feeds)
            complain(f"{found.url} is listed in {listed}: take it out there, and it is paused")
            raise typer.Exit(USAGE)
        store.feeds.remove(found.feed_id)
    typer.echo(f"feed {found.feed_id} removed: {found.url}; its {found.articles} articles stay")


@app.command("import")
def import_(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="An OPML file.", exists=True, dir_okay=False)],
    config: ConfigOption = None,
    database_url: DatabaseOption = None,
) -> None:
    """Add the feeds of an OPML file; folders become tags."""
    from dataclasses import replace

    from ingest.clock import utc_now
    from ingest.model import FeedOrigin
    from ingest.opening import ready_store
    from ingest.parse import read_opml

    settings = load_settings(context, config, None, database_url)
    specs, problems = read_opml(path.read_bytes())
    for problem in problems:
        complain(f"{path}: {problem}")
    with ready_store(settings, sync=False) as store:
        known = {feed.url for feed in store.feeds.infos()}
        for spec in specs:
            store.feeds.add(replace(spec, origin=FeedOrigin.COMMAND), utc_now())
    new = sum(spec.url not in known for spec in specs)
    typer.echo(f"feeds {new} added, {len(specs) - new} known, {len(problems)} passed over")


@app.command("export")
def export(
    context: typer.Context,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout.")] = None,
    config: ConfigOption = None,
    database_url: DatabaseOption = None,
) -> None:
    """Write all feeds as OPML 2.0; tags become folders."""
    from ingest.model import FeedSpec
    from ingest.opening import ready_store
    from ingest.parse import write_opml

    with ready_store(load_settings(context, config, None, database_url)) as store:
        document = write_opml([FeedSpec(feed.url, feed.options, feed.origin) for feed in store.feeds.infos()])
    if output:
        output.write_bytes(document)
    else:
        sys.stdout.buffer.write(document)


@app.command("discover")
def discover(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="A site's URL.")],
    json: JsonOption = False,
    config: ConfigOption = None,
    database_url: DatabaseOption = None,
) -> None:
    """Look for feeds at a site; nothing is stored."""
    settings = load_settings(context, config, None, database_url)

    async def look() -> Any:
        from ingest.discovery import discover_all
        from ingest.wiring import wire

        async with wire(settings) as service:
            return [found.feed for found in await discover_all(service, url)]

    found = run_async(look())
    if json:
        print_json(found)
    else:
        for feed in found:
            typer.echo(f"{feed.url}\t{feed.title or ''}")
    if not found:
        complain(f"{url}: no feed found there")
        raise typer.Exit(SOME_FAILED)


def _find(store: "SqlStore", feed: str) -> "FeedInfo":
    found = store.feeds.find(feed)
    if found is None:
        complain(f"no feed {feed!r}; `ingest feeds list` shows those there are")
        raise typer.Exit(USAGE)
    return found
