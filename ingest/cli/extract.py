"""`ingest extract`: the article of a page, for people who wonder what is made of it. No database, nothing stored.

file, stdin or address ─▶ Document ─ worker process ─▶ Extracted ─▶ facts and text, markup, JSON, or an explanation
IN.ndjson ─▶ batch ─▶ OUT.ndjson
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.cli.documents import (
    BaseUrlOption,
    Document,
    check_base,
    describe_document,
    document_facts,
    document_name,
    give_up,
    read_document,
    understand,
)
from ingest.cli.facts import told, told_fields
from ingest.cli.options import Given, JsonOption, load_settings, spread
from ingest.cli.output import as_json, print_json

if TYPE_CHECKING:
    from ingest.errors import ExtractError
    from ingest.extract.explain import Explained
    from ingest.model import Extracted

_EXTRACTOR = ("ingest.extract.article", "ingest.extract.explain")
_LONG = ("text", "html")  # fields that are told at length, or not at all


class Extractor(StrEnum):
    """Who chooses the article among the blocks of a page."""

    BLOCKS = "blocks"
    READABILITY = "readability"


@spread
def extract(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(metavar="FILE|URL|-", parser=document_name, help="A page: a file, an address, or - for stdin."),
    ] = None,
    url: BaseUrlOption = None,
    json: JsonOption = False,
    html: Annotated[bool, typer.Option("--html", help="Print the article's clean markup, nothing else.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each block of the page: taken or left, how likely, and what decided it.")
    ] = False,
    extractor: Annotated[
        Extractor, typer.Option(help="Who chooses: the learned classifier of blocks, or readability alone.")
    ] = Extractor.BLOCKS,
    batch: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="IN OUT", help="Extract many pages on all cores: NDJSON in, NDJSON out, in the same order."),
    ] = None,
    *,
    given: Given,
) -> None:
    """Show the article of one page, or extract many with --batch; nothing is stored.

    A line of IN holds url, and html or the path of a file beside IN (.gz too); id and content_type if you like. A line of OUT
    holds id, url and all that was extracted, or an error with its outcome and reason.
    """
    _check(target, url, batch, {"--json": json, "--html": html, "--explain": explain})
    settings = load_settings(context, given)
    is_learned = extractor is Extractor.BLOCKS
    if batch:
        from ingest.cli.batch import extract_batch

        extract_batch(settings, *batch, is_learned=is_learned)
        return
    from ingest.model import Purpose

    assert target is not None  # checked
    document = read_document(settings, target, url, Purpose.PAGE)
    found = understand(
        settings,
        document,
        _extract_page,
        timeout_s=settings.policies.extract.timeout_s,
        preload=_EXTRACTOR,
        is_learned=is_learned,
        is_explained=explain,
    )
    _show(document, found, json=json, html=html)


def _check(target: str | None, url: str | None, batch: tuple[Path, Path] | None, shown: Mapping[str, bool]) -> None:
    """Raises BadParameter or MissingParameter for what does not go together."""
    named = [name for name, is_given in shown.items() if is_given]
    if batch:
        for name, is_given in {"FILE|URL|-": target is not None, "--url": url is not None, **shown}.items():
            if is_given:
                raise typer.BadParameter("does not go with --batch", param_hint=f"'{name}'")
        return
    if target is None:
        raise typer.BadParameter("name a page, or many with --batch IN OUT", param_hint="'FILE|URL|-'")
    if shown["--html"] and len(named) > 1:
        raise typer.BadParameter(f"does not go with {next(name for name in named if name != '--html')}", param_hint="'--html'")
    check_base(target, url)


# ── in a worker ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Found:
    """What was made of a page: an article or the reason why there is none, and the explanation where one was asked for."""

    article: "Extracted | None"
    error: "ExtractError | None" = None
    explained: "Explained | None" = None


def _extract_page(
    body: bytes, *, url: str, headers: Mapping[str, str], now: datetime, is_learned: bool, is_explained: bool
) -> _Found:
    from ingest.errors import ExtractError
    from ingest.extract.article import extract as extract_article
    from ingest.extract.explain import explain

    article, problem, explained = None, None, None
    try:
        explained = explain(body, url=url, headers=headers, now=now, is_learned=is_learned) if is_explained else None
        article = extract_article(body, url=url, headers=headers, now=now, is_learned=is_learned)
    except ExtractError as error:
        problem = error
    return _Found(article, problem, explained)


# ── shown ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _show(document: Document, found: _Found, *, json: bool, html: bool) -> None:
    """Print it. Ends the command where there is no article; an explanation of that is printed before."""
    if json and (found.article or found.explained):
        print_json(_as_json(document, found))
    elif html and found.article:
        _print_text(found.article.html)
    elif found.explained:
        from ingest.cli.explaining import print_explained

        sys.stdout.writelines(f"{line}\n" for line in _head(document, found.article))
        print_explained(found.explained)
    elif found.article:
        sys.stdout.writelines(f"{line}\n" for line in _head(document, found.article))
        sys.stdout.write("\n")
        _print_text(found.article.text)
    if found.error:
        give_up(document, str(found.error))


def _as_json(document: Document, found: _Found) -> dict[str, Any]:
    from ingest.text import count_words

    article, explained = found.article, found.explained
    return {
        "url": document.url or None,
        "document": document_facts(document) | {"bytes": len(document.body)},
        **(as_json(article) | {"words": count_words(article.text)} if article else {}),
        **({"explained": as_json(explained)} if explained else {}),
    }


def _head(document: Document, article: "Extracted | None") -> Iterator[str]:
    from ingest.text import count_words

    yield from told("document", describe_document(document))
    if article:
        yield from told_fields(article, without=(*_LONG, "facts"))
        yield from told_fields(article.facts, without=("sources",))
        yield from told("words", f"{count_words(article.text):,}")


def _print_text(text: str) -> None:
    """Many lines as they are, but for characters that a terminal would obey."""
    from ingest.text import strip_controls

    sys.stdout.write(strip_controls(text).replace("\x85", "\n") + "\n")
