"""`ingest articles`: what was stored."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.ending import USAGE, complain
from ingest.cli.options import Given, JsonOption, check_order, load_settings, moment, spread
from ingest.cli.output import OutputOption, opened, print_json, print_table, tell, write_csv, write_ndjson

if TYPE_CHECKING:
    from ingest.model import ArticleFilter, ArticleInfo
    from ingest.store import SqlStore

app = typer.Typer(help="List, show and export articles. Times are UTC.", no_args_is_help=True)

_MAX_ID = 2**63 - 1

_SHOWN = (
    "title", "url", "canonical_url", "authors", "published_at", "language", "words", "body_source", "quality", "credit", "feeds",
)  # fmt: skip
_CSV_COLUMNS = (
    "article_id", "url", "final_url", "canonical_url", "title", "authors", "published_at", "published_source", "language",
    "words", "body_source", "quality", "extractor", "credit", "revision", "first_seen_at", "feeds", "text",
)  # fmt: skip


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which articles."""

    feed: Annotated[str | None, typer.Option("--feed", metavar="URL|ID", help="Only of this feed.")] = None
    since: Annotated[datetime | None, typer.Option("--since", metavar="DATE", parser=moment, help="Published at or after.")] = (
        None
    )
    until: Annotated[datetime | None, typer.Option("--until", metavar="DATE", parser=moment, help="Published before.")] = None
    language: Annotated[str | None, typer.Option("--language", metavar="CODE", help="ISO 639-1 code; en finds en-GB, too.")] = (
        None
    )
    text: Annotated[str | None, typer.Option("--text", metavar="WORDS", help="Words that must all occur in title or text.")] = (
        None
    )


@app.command("list")
@spread
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most so many, newest first.")] = 20,
    json: JsonOption = False,
    *,
    filters: Filters,
    given: Given,
) -> None:
    """List articles, newest first."""
    from ingest.opening import ready_store

    with ready_store(load_settings(context, given), sync=False) as store:
        found = list(store.articles.infos(_wanted(store, filters, limit)))
    if json:
        print_json(found)
        return
    columns = ("id", "published at", "lang", "words", "text from", "title", "url")
    rows = ((a.article_id, a.published_at, a.language, a.words, a.body_source, a.title, a.url) for a in found)
    print_table(columns, rows, spare=("text from", "words", "url"))


@app.command("show")
@spread
def show(
    context: typer.Context,
    article: Annotated[int, typer.Argument(metavar="ID", min=1, max=_MAX_ID, help="An article's id.")],
    json: JsonOption = False,
    *,
    given: Given,
) -> None:
    """Show one article whole."""
    from ingest.opening import ready_store

    with ready_store(load_settings(context, given), sync=False) as store:
        found = store.articles.info(article)
    if found is None:
        complain(f"no article {article}; `ingest articles list` shows those there are")
        raise typer.Exit(USAGE)
    if json:
        print_json(found)
        return
    for name in _SHOWN:
        typer.echo(f"{name:<15}{tell(getattr(found, name))}{_because(found) if name == 'quality' else ''}")
    typer.echo("\n" + "\n".join(tell(line) for line in found.text.split("\n")))


def _because(article: "ArticleInfo") -> str:
    """What decided its quality, where that was judged."""
    why = article.evidence.get("why")
    return f" ({tell(why)})" if why else ""


@app.command("export")
@spread
def export(
    context: typer.Context,
    format_: Annotated[Format, typer.Option("--format", help="One JSON object a line, or CSV.")] = Format.NDJSON,
    output: OutputOption = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most so many, newest first.")] = None,
    *,
    filters: Filters,
    given: Given,
) -> None:
    """Export articles as NDJSON or CSV (text that a spreadsheet would run as a formula is defused)."""
    from ingest.opening import ready_store

    with ready_store(load_settings(context, given), sync=False) as store:
        articles = store.articles.infos(_wanted(store, filters, limit))
        with opened(output) as file:
            count = write_csv(articles, _CSV_COLUMNS, file) if format_ is Format.CSV else write_ndjson(articles, file)
    if output:
        typer.echo(f"articles {count} written to {output}", err=True)


def _wanted(store: "SqlStore", filters: Filters, limit: int | None) -> "ArticleFilter":
    """The filters as the store knows them. Raises BadParameter for a feed that is not there: it would silently find nothing."""
    from ingest.model import ArticleFilter

    check_order(filters.since, filters.until)
    if filters.feed is not None and store.feeds.find(filters.feed) is None:
        raise typer.BadParameter(f"no feed {filters.feed!r}, `ingest feeds list` shows those there are", param_hint="'--feed'")
    return ArticleFilter(
        feed=filters.feed,
        since=filters.since,
        until=filters.until,
        language=filters.language,
        text=filters.text,
        limit=limit,
    )
