"""`ingest feeds`: which feeds there are and how they fare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.cli.ending import SOME_FAILED, USAGE, complain
from ingest.cli.gaps import gaps
from ingest.cli.options import Given, JsonOption, hint_without_feeds, load_settings, run_async, spread, web_address
from ingest.cli.output import OutputOption, opened, print_json, print_table, tell
from ingest.cli.parsing import parse

if TYPE_CHECKING:
    from ingest.config import Settings
    from ingest.model import FeedInfo, FeedSpec
    from ingest.parse import FoundFeed
    from ingest.store import SqlStore

app = typer.Typer(help="Add, list, show, remove, import, export, discover and parse feeds. Times are UTC.", no_args_is_help=True)

_GAPS_SHOWN = 1000
FeedArgument = Annotated[str, typer.Argument(metavar="URL|ID", help="A feed's URL or id.")]


@app.command("list")
@spread
def list_(
    context: typer.Context,
    tag: Annotated[str | None, typer.Option(metavar="TAG", help="Only feeds with this tag.")] = None,
    failing: Annotated[bool, typer.Option("--failing", help="Only feeds whose last poll failed.")] = False,
    json: JsonOption = False,
    *,
    given: Given,
) -> None:
    """List the feeds with their last outcome and what they brought."""
    from ingest.opening import ready_store

    with ready_store(load_settings(context, given)) as store:
        found = [feed for feed in store.feeds.infos(tag) if not failing or feed.failures]
        if not found:
            hint_without_feeds(store.feeds.counts_by_state())
    if json:
        print_json(found)
        return
    columns = ("id", "url", "title", "state", "last outcome", "polled at", "next poll at", "entries", "pending", "articles")
    print_table(columns, (_row(feed) for feed in found), spare=("next poll at", "pending", "title", "polled at"))


def _row(feed: "FeedInfo") -> tuple[Any, ...]:
    return (
        feed.feed_id,
        feed.url,
        feed.title,
        feed.state.value,
        feed.outcome,
        feed.polled_at,
        feed.next_poll_at,
        feed.entries,
        feed.pending,
        feed.articles,
    )


@app.command("show")
@spread
def show(context: typer.Context, feed: FeedArgument, json: JsonOption = False, *, given: Given) -> None:
    """Show one feed: when it is polled and why then, what was learned, its last polls, its unfinished entries."""
    from ingest.opening import ready_store

    settings = load_settings(context, given)
    with ready_store(settings) as store:
        found = _find(store, feed)
        polls = store.feeds.polls(found.feed_id, limit=20)
        unfinished = store.feeds.entries(found.feed_id, limit=20, unfinished=True)
        why = _explained(settings, store, found)
    if json:
        print_json({"feed": found, "why": dict(why), "polls": polls, "unfinished_entries": unfinished})
        return
    for name, value in (*_facts(found), *why):
        typer.echo(f"{name:<14}{tell(value)}")
    print_table(
        ("polled at", "outcome", "status", "ms", "bytes", "seen", "new", "changed", "reason"),
        ((p.polled_at, p.outcome, p.status, p.elapsed_ms, p.body_bytes, p.seen, p.new, p.changed, p.reason) for p in polls),
        spare=("bytes", "ms"),
    )
    if unfinished:
        typer.echo("entries without their page:")
        print_table(
            ("entry", "url", "state", "attempts", "next try at", "reason"),
            ((e.entry_id, e.url, e.state, e.attempts, e.next_try_at, e.reason) for e in unfinished),
            spare=("attempts", "entry"),
        )


def _explained(settings: "Settings", store: "SqlStore", feed: "FeedInfo") -> tuple[tuple[str, str], ...]:
    from ingest.clock import utc_now
    from ingest.decide import Explained, explain

    policies = settings.policies
    feed_id = feed.feed_id
    moves, gaps = store.feeds.moves(feed_id), store.gaps.infos(feed_id, _GAPS_SHOWN)
    known = Explained(feed, moves, gaps, store.subscriptions.of_feed(feed_id))
    return explain(known, now=utc_now(), poll=policies.poll, hosts=policies.hosts)


def _facts(feed: "FeedInfo") -> tuple[tuple[str, Any], ...]:
    return (
        ("id", feed.feed_id),
        ("url", feed.url),
        ("title", feed.title),
        ("site", feed.site_url),
        ("listed by", feed.origin.value),
        ("tags", feed.options.tags or None),
        ("state", feed.state.value + (f" ({feed.state_reason})" if feed.state_reason else "")),
        ("listed as", feed.listed_url),
        ("polled at", feed.polled_at),
        ("last outcome", f"{feed.outcome or '–'}" + (f" ({feed.reason})" if feed.reason else "")),
        ("entries", f"{feed.entries}, {feed.pending} pending, {feed.failed} failed"),
        ("articles", feed.articles),
    )


@app.command("add")
@spread
def add(
    context: typer.Context,
    url: Annotated[
        str, typer.Argument(metavar="URL", parser=web_address, help="A feed's URL, or a site's, which is searched for its feed.")
    ],
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Call it so.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Tag it so; may be repeated.")] = None,
    check: Annotated[bool, typer.Option(help="Ask for the document and look for a feed there first.")] = True,
    *,
    given: Given,
) -> None:
    """Add a feed to the database; it stays until `feeds remove`."""
    from ingest.clock import utc_now
    from ingest.model import FeedOptions, FeedOrigin, FeedSpec
    from ingest.opening import ready_store

    settings = load_settings(context, given)
    address = _discovered(settings, url) if check else url
    options = FeedOptions(title=title, tags=tuple(dict.fromkeys(tag or ())))
    with ready_store(settings) as store:
        before = store.feeds.find(address)
        feed_id = store.feeds.add(FeedSpec(address, options, FeedOrigin.COMMAND), utc_now())
        now = _find(store, str(feed_id))
    is_as_before = before is not None and before.state is now.state
    typer.echo(
        f"feed {feed_id} {'was there already' if is_as_before else 'is polled again' if before else 'added'}: {tell(address)}"
    )
    if before and options != FeedOptions():
        complain(f"feed {feed_id} keeps its title and tags: `ingest feeds remove {feed_id}` and add it anew to change them")


def _discovered(settings: "Settings", url: str) -> str:
    from ingest.errors import FetchError, ParseError

    async def look() -> str:
        from ingest.discovery import discover
        from ingest.wiring import wire

        async with wire(settings) as service:
            return (await discover(service, url)).feed.url

    try:
        return run_async(look())
    except (FetchError, ParseError) as error:
        reason = f"{error.url}: {error.reason}" if isinstance(error, FetchError) else error.reason
        complain(f"{reason} (--no-check adds the address as it is)")
        raise typer.Exit(SOME_FAILED) from None


@app.command("remove")
@spread
def remove(context: typer.Context, feed: FeedArgument, *, given: Given) -> None:
    """Remove a feed that was added by command, or is listed no longer; its articles stay."""
    from ingest.opening import ready_store

    settings = load_settings(context, given)
    with ready_store(settings) as store:
        found = _find(store, feed)
        if place := _listed_in(settings, found):
            complain(f"{found.url} is listed in {place}: take it out there, and it is paused")
            raise typer.Exit(USAGE)
        store.feeds.remove(found.feed_id)
    typer.echo(f"feed {found.feed_id} removed: {tell(found.url)}; its {found.articles} articles stay")


def _listed_in(settings: "Settings", feed: "FeedInfo") -> str | None:
    """The place of a feed in the feed list, or None when it may be removed here."""
    from ingest.config import mask_url
    from ingest.model import FeedOrigin
    from ingest.store.roster import NO_LONGER_LISTED

    if feed.origin is FeedOrigin.COMMAND or feed.state_reason == NO_LONGER_LISTED or not settings.feeds:
        return None
    return next((f.where for f in settings.feed_list or () if f.spec.url == feed.url), mask_url(settings.feeds))


@app.command("unmove")
@spread
def unmove(context: typer.Context, feed: FeedArgument, *, given: Given) -> None:
    """Take a feed back to the address it was listed under, and do not follow it to the new one again."""
    from ingest.clock import utc_now
    from ingest.opening import ready_store

    with ready_store(load_settings(context, given)) as store:
        found = _find(store, feed)
        if found.listed_url is None:
            complain(f"feed {found.feed_id} has not moved: {found.url}")
            raise typer.Exit(USAGE)
        store.feeds.undo_move(found.feed_id, utc_now())
    typer.echo(f"feed {found.feed_id} is polled at {tell(found.listed_url)} again")


@app.command("import")
@spread
def import_(
    context: typer.Context, path: Annotated[Path, typer.Argument(metavar="PATH", help="An OPML file.")], *, given: Given
) -> None:
    """Add the feeds of an OPML file; folders become tags."""
    from dataclasses import replace

    from ingest.clock import utc_now
    from ingest.model import FeedOrigin
    from ingest.opening import ready_store

    settings = load_settings(context, given)
    specs, problems = read_opml_file(path)
    for problem in problems:
        complain(f"{path}: {problem}")
    with ready_store(settings) as store:
        known = {feed.url for feed in store.feeds.infos()}
        for spec in specs:
            store.feeds.add(replace(spec, origin=FeedOrigin.COMMAND), utc_now())
    new = sum(spec.url not in known for spec in specs)
    typer.echo(f"feeds {new} added, {len(specs) - new} known, {len(problems)} passed over")


def read_opml_file(path: Path) -> "tuple[list[FeedSpec], list[str]]":
    """The feeds of an OPML file, and what was passed over in it. Raises ConfigError when it cannot be read at all."""
    from ingest.errors import ConfigError, ParseError, Problem
    from ingest.parse import read_opml
    from ingest.urls import login_of, redact

    try:
        found, problems = read_opml(path.read_bytes())
    except (OSError, ParseError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(Problem(str(path), f"cannot be read as a feed list: {reason}", "name an OPML file")) from error
    secret = [spec for spec in found if login_of(spec.url)]
    with_login = [f"{redact(spec.url)} holds a login: list this feed in config/feeds.toml" for spec in secret]
    return [spec for spec in found if spec not in secret], [*problems, *with_login]


@app.command("export")
@spread
def export(context: typer.Context, output: OutputOption = None, *, given: Given) -> None:
    """Write all feeds as OPML 2.0; tags become folders."""
    from dataclasses import replace

    from ingest.model import FeedSpec
    from ingest.opening import ready_store
    from ingest.parse import write_opml

    with ready_store(load_settings(context, given)) as store:
        feeds = [FeedSpec(feed.url, replace(feed.options, title=feed.title)) for feed in store.feeds.infos()]
    with opened(output) as file:
        file.write(write_opml(feeds).decode())
    if output:
        typer.echo(f"feeds {len(feeds)} written to {output}", err=True)


@app.command("discover")
@spread
def discover(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", parser=web_address, help="A site's URL.")],
    json: JsonOption = False,
    *,
    given: Given,
) -> None:
    """Look for feeds at a site; nothing is stored."""
    settings = load_settings(context, given)

    async def look() -> "list[FoundFeed]":
        from ingest.discovery import discover_all
        from ingest.wiring import wire

        async with wire(settings) as service:
            return [found.feed for found in await discover_all(service, url)]

    found = run_async(look())
    if json:
        print_json(found)
    else:
        print_table(("url", "title"), ((feed.url, feed.title) for feed in found))
    if not found:
        complain(f"{url}: no feed found there")
        raise typer.Exit(SOME_FAILED)


app.command("gaps")(gaps)
app.command("parse")(parse)


def _find(store: "SqlStore", feed: str) -> "FeedInfo":
    found = store.feeds.find(feed)
    if found is None:
        complain(f"no feed {feed!r}; `ingest feeds list` shows those there are")
        raise typer.Exit(USAGE)
    return found
