"""`ingest articles`: what was stored."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ingest.cli.options import USAGE, ConfigOption, DatabaseOption, JsonOption, complain, load_settings
from ingest.cli.output import print_json, print_table, tell, write_csv, write_ndjson

if TYPE_CHECKING:
    from ingest.model import ArticleFilter

app = typer.Typer(help="List, show and export articles.", no_args_is_help=True)

_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]

FeedFilter = Annotated[str | None, typer.Option("--feed", help="Only of this feed (URL or id).")]
SinceFilter = Annotated[datetime | None, typer.Option("--since", formats=_DATES, help="Published at or after (UTC).")]
UntilFilter = Annotated[datetime | None, typer.Option("--until", formats=_DATES, help="Published before (UTC).")]
LanguageFilter = Annotated[str | None, typer.Option("--language", help="ISO 639-1 code.")]
TextFilter = Annotated[str | None, typer.Option("--text", help="Words that must all occur in title or text.")]

CSV_COLUMNS = (
    "article_id", "url", "final_url", "canonical_url", "title", "authors", "published_at", "published_source", "language",
    "words", "body_source", "quality", "extractor", "credit", "revision", "first_seen_at", "feeds", "text",
)  # fmt: skip


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


@app.command("list")
def list_(
    context: typer.Context,
    feed: FeedFilter = None,
    since: SinceFilter = None,
    until: UntilFilter = None,
    language: LanguageFilter = None,
    text: TextFilter = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 20,
    json: JsonOption = False,
    config: ConfigOption = None,
    database_url: DatabaseOption = None,
) -> None:
    """List articles, newest first."""
    from ingest.opening import ready_store

    with ready_store(load_settings(context, config, None, database_url), sync=False) as store:
        found = list(store.articles.infos(_filter(feed, since, until, language, text, limit)))
    if json:
        print_json(found)
        return
    columns = ("id", "published at", "lang", "words", "text from", "title", "url")
    rows = ((a.article_id, a.published_at, a.language, a.words, a.body_source, a.title, a.url) for a in found)
    print_table(columns, rows)


@app.command("show")
def show(
    context: typer.Context,
    article_id: Annotated[int, typer.Argument(help="An article's id.")],
    json: JsonOption = False,
    config: ConfigOption = None,
    database_url: DatabaseOption = None,
) -> None:
    """Show one article whole."""
    from ingest.opening import ready_store

    with ready_store(load_settings(context, config, None, database_url), sync=False) as store:
        found = store.articles.info(article_id)
    if found is None:
        complain(f"no article {article_id}; `ingest articles list` shows those there are")
        raise typer.Exit(USAGE)
    if json:
        print_json(found)
        return
    for name in (
        "title",
        "url",
        "canonical_url",
        "authors",
        "published_at",
        "language",
        "words",
        "body_source",
        "quality",
        "credit",
        "feeds",
    ):
        typer.echo(f"{name:<15}{tell(getattr(found, name))}")
    typer.echo("\n" + "\n".join(tell(line) for line in found.text.split("\n")))


@app.command("export")
def export(
    context: typer.Context,
    format_: Annotated[Format, typer.Option("--format", help="One JSON object a line, or CSV.")] = Format.NDJSON,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout; whole or not at all.")
    ] = None,
    feed: FeedFilter = None,
    since: SinceFilter = None,
    until: UntilFilter = None,
    language: LanguageFilter = None,
    text: TextFilter = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, newest first.")] = None,
    config: ConfigOption = None,
    database_url: DatabaseOption = None,
) -> None:
    """Export articles as NDJSON or CSV (text that a spreadsheet would run as a formula is defused)."""
    from ingest.opening import ready_store

    wanted = _filter(feed, since, until, language, text, limit)
    with ready_store(load_settings(context, config, None, database_url), sync=False) as store, _opened(output) as file:
        articles = store.articles.infos(wanted)
        count = write_csv(articles, CSV_COLUMNS, file) if format_ is Format.CSV else write_ndjson(articles, file)
    if output:
        typer.echo(f"articles {count} written to {output}")


@contextlib.contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """stdout, or a file that appears under its name only when it is complete."""
    if output is None:
        yield sys.stdout
        return
    try:
        descriptor, partial = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    except OSError as error:
        complain(f"{output}: {error.strerror}")
        raise typer.Exit(USAGE) from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
        Path(partial).replace(output)
    except BaseException:
        Path(partial).unlink()
        raise


def _filter(
    feed: str | None, since: datetime | None, until: datetime | None, language: str | None, text: str | None, limit: int | None
) -> "ArticleFilter":
    from ingest.model import ArticleFilter

    return ArticleFilter(
        feed=feed,
        since=since.replace(tzinfo=UTC) if since else None,
        until=until.replace(tzinfo=UTC) if until else None,
        language=language,
        text=text,
        limit=limit,
    )
