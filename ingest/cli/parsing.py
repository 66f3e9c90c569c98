"""`ingest feeds parse`: what is understood of a feed document, for people who debug a feed. No database, nothing stored.

file, stdin or address ─▶ Document ─ worker process ─▶ Reviewed ─▶ lines for people, or JSON
"""

import sys
from collections.abc import Iterator
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
from ingest.cli.ending import complain
from ingest.cli.facts import told, told_fields
from ingest.cli.options import Given, JsonOption, load_settings, spread
from ingest.cli.output import as_json, print_json

if TYPE_CHECKING:
    from ingest.config import Settings
    from ingest.errors import ParseError
    from ingest.model import KeyedEntry
    from ingest.parse.review import Reviewed

_KEY_CHARS = 12  # of a key, shown to people: enough to tell the entries of a document apart
_PARSER = ("ingest.parse.xmlfeed", "ingest.parse.jsonfeed", "ingest.parse.review")


@spread
def parse(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(metavar="FILE|URL|-", parser=document_name, help="A feed document: a file, an address, or - for stdin."),
    ],
    url: BaseUrlOption = None,
    json: JsonOption = False,
    *,
    given: Given,
) -> None:
    """Show what is understood of a feed, entry by entry, and what is odd about it; nothing is stored."""
    from ingest.model import Purpose
    from ingest.urls import is_http_url

    check_base(target, url)
    settings = load_settings(context, given)
    document = read_document(settings, target, url, Purpose.FEED)
    reviewed = _understood(settings, document)
    if json:
        print_json(_as_json(document, reviewed))
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(document, reviewed))
    if not document.url and any(one.entry.url and not is_http_url(one.entry.url) for one in reviewed.entries):
        complain(f"{document.name}: where links are relative, --url URL tells what they lead from")


def _understood(settings: "Settings", document: Document) -> "Reviewed":
    """What the parser makes of the document. Ends the command where that is nothing."""
    from ingest.errors import ParseError
    from ingest.parse.review import parse_and_review

    policy = settings.policies.parse
    try:
        return understand(settings, document, parse_and_review, timeout_s=policy.timeout_s, preload=_PARSER, policy=policy)
    except ParseError as error:
        give_up(document, _why(error))


def _why(error: "ParseError") -> str:
    from ingest.outcome import Outcome

    kind = "not a feed: " if error.outcome is Outcome.NOT_A_FEED else ""
    offer = f"; it points to the feed {error.feed_url}" if error.feed_url else ""
    return f"{kind}{error.reason}{offer}"


# ── for programs ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _as_json(document: Document, reviewed: "Reviewed") -> dict[str, Any]:
    parsed = reviewed.parsed
    return {
        "url": document.url or None,
        "document": document_facts(document) | {"bytes": len(document.body), "format": parsed.head.format},
        "head": parsed.head,
        "entries": [
            {"key": one.key, "content_hash": one.content_hash, **as_json(one.entry), "warnings": warnings}
            for one, warnings in zip(reviewed.entries, reviewed.warnings, strict=True)
        ],
        "repaired": parsed.repaired,
        "is_cut": parsed.is_cut,
        "warnings": parsed.warnings,
    }


# ── for people ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _lines(document: Document, reviewed: "Reviewed") -> Iterator[str]:
    parsed = reviewed.parsed
    odd = sum(bool(warnings) for warnings in reviewed.warnings)
    yield from told("document", describe_document(document))
    yield from told_fields(parsed.head)
    yield from told("entries", f"{len(reviewed.entries)}" + (f", {odd} with warnings" if odd else ""))
    yield from told("repaired", parsed.repaired)
    if parsed.is_cut:
        yield from told("warning", "more entries than parse.max_entries: the first ones were kept")
    for warning in parsed.warnings:
        yield from told("warning", warning)
    for number, (one, warnings) in enumerate(zip(reviewed.entries, reviewed.warnings, strict=True), 1):
        yield from _entry_lines(number, one, warnings)


def _entry_lines(number: int, one: "KeyedEntry", warnings: tuple[str, ...]) -> Iterator[str]:
    yield ""
    yield from told(f"entry {number}", f"key {one.key[:_KEY_CHARS]}")
    yield from told_fields(one.entry)
    for warning in warnings:
        yield from told("warning", warning)
