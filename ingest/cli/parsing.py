"""`ingest feeds parse`: what is understood of a feed document, for people who debug a feed. No database, nothing stored.

file, stdin or address ─▶ _Document ─ worker process ─▶ Reviewed ─▶ lines for people, or JSON
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, NoReturn

import typer

from ingest.cli.ending import SOME_FAILED, USAGE, complain
from ingest.cli.options import Given, JsonOption, load_settings, run_async, spread, web_address
from ingest.cli.output import as_json, print_json, tell

if TYPE_CHECKING:
    from ingest.config import Settings
    from ingest.errors import ParseError
    from ingest.model import Fetched, FetchRequest, KeyedEntry
    from ingest.parse.review import Reviewed

_STDIN = "-"
_KEY_CHARS = 12  # of a key, shown to people: enough to tell the entries of a document apart
_PARSER = ("ingest.parse.xmlfeed", "ingest.parse.jsonfeed", "ingest.parse.review")
_EXCERPT_CHARS = 100  # of a text
_VALUE_CHARS = 300  # of any other value; JSON has all of it
_LABEL_CHARS = 14


def _target(text: str) -> str:
    """What to read: an address is checked like every address, anything else is a file's name."""
    return web_address(text) if "://" in text else text


@spread
def parse(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="FILE|URL|-", parser=_target, help="A feed document: a file, an address, or - for stdin.")
    ],
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", parser=web_address, help="The address a file came from: its relative links lead from there."),
    ] = None,
    json: JsonOption = False,
    *,
    given: Given,
) -> None:
    """Show what is understood of a feed, entry by entry, and what is odd about it; nothing is stored."""
    from ingest.urls import is_http_url

    if url and "://" in target:
        raise typer.BadParameter("goes with a file: an address is its own", param_hint="'--url'")
    settings = load_settings(context, given)
    document = _fetched(settings, target) if "://" in target else _read(settings, target, url)
    reviewed = _understood(settings, document)
    if json:
        print_json(_as_json(document, reviewed))
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(document, reviewed))
    if not document.url and any(one.entry.url and not is_http_url(one.entry.url) for one in reviewed.entries):
        complain(f"{document.name}: where links are relative, --url URL tells what they lead from")


# ── the document ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Document:
    """The bytes that somebody wants understood, and what is known of where they came from."""

    name: str  # as it was asked for
    url: str  # from which relative links lead; empty when nobody knows
    body: bytes = field(repr=False)
    read_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    fetched: "Fetched | None" = field(default=None, repr=False)


def _fetched(settings: "Settings", url: str) -> _Document:
    """The document at `url`. Raises FetchError."""

    async def fetch() -> "Fetched":
        from ingest.clock import SystemClock
        from ingest.fetch import HostGate, HttpFetcher
        from ingest.model import Fetched

        policies, clock = settings.policies, SystemClock()
        async with HttpFetcher(policies.fetch, HostGate(policies.hosts, clock), clock) as fetcher:
            answer = await fetcher.fetch(_request(settings, url))
        assert isinstance(answer, Fetched)  # 304 answers conditions, and none were made
        return answer

    answer = run_async(fetch())
    return _Document(url, answer.final_url, answer.body, answer.fetched_at, answer.headers, answer)


def _request(settings: "Settings", url: str) -> "FetchRequest":
    """Asked for as the poll of a listed feed asks, with its user agent and secrets."""
    from ingest.model import FetchRequest, Purpose

    listed = next((one for one in settings.feed_list or () if one.spec.url == url), None)
    if listed is None:
        return FetchRequest(url, Purpose.FEED)
    return FetchRequest(url, Purpose.FEED, user_agent=listed.spec.options.user_agent, secrets=listed.secrets)


def _read(settings: "Settings", name: str, url: str | None) -> _Document:
    """The document in a file or on stdin. Ends the command when it cannot be had or is larger than a feed may be."""
    from ingest.clock import utc_now

    max_bytes = settings.policies.fetch.max_feed_bytes
    try:
        if name == _STDIN:
            body = _stdin().read(max_bytes + 1)
        else:
            with Path(name).open("rb") as file:
                body = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        complain(f"{name}: {reason or error}")
        raise typer.Exit(USAGE) from None
    if len(body) > max_bytes:
        complain(f"{name}: larger than {max_bytes:,} bytes (fetch.max_feed_bytes)")
        raise typer.Exit(SOME_FAILED)
    return _Document(name, url or "", body, utc_now())


def _stdin() -> BinaryIO:
    if sys.stdin is None:  # closed by who started us
        raise OSError(0, "stdin is closed")
    return sys.stdin.buffer


def _understood(settings: "Settings", document: _Document) -> "Reviewed":
    """The document read in a worker process: one that hangs or explodes is ended as in a poll. Ends the command on failure.

    Only the parser is preloaded, so that its imports do not count as its work: this costs 0.2 CPU s more than to parse in this
    process, and 1.0 with what workers usually share.
    """
    from ingest.errors import ParseError, WorkKilled
    from ingest.offload import WorkerPool
    from ingest.parse.review import parse_and_review

    policies = settings.policies
    try:
        with closing(WorkerPool(replace(policies.workers, processes=1), preload=_PARSER)) as pool:
            task = pool(
                policies.parse.timeout_s,
                parse_and_review,
                document.body,
                url=document.url,
                headers=document.headers,
                policy=policies.parse,
                now=document.read_at,
            )
            return run_async(task)
    except ParseError as error:
        _give_up(document, _why(error))
    except WorkKilled as error:
        _give_up(document, str(error))


def _why(error: "ParseError") -> str:
    from ingest.outcome import Outcome

    kind = "not a feed: " if error.outcome is Outcome.NOT_A_FEED else ""
    offer = f"; it points to the feed {error.feed_url}" if error.feed_url else ""
    return f"{kind}{error.reason}{offer}"


def _give_up(document: _Document, reason: str) -> NoReturn:
    complain(f"{document.name}: {reason}")
    raise typer.Exit(SOME_FAILED) from None


# ── for programs ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _as_json(document: _Document, reviewed: "Reviewed") -> dict[str, Any]:
    parsed = reviewed.parsed
    return {
        "url": document.url or None,
        "document": _facts(document) | {"bytes": len(document.body), "format": parsed.head.format},
        "head": parsed.head,
        "entries": [
            {"key": one.key, "content_hash": one.content_hash, **as_json(one.entry), "warnings": warnings}
            for one, warnings in zip(reviewed.entries, reviewed.warnings, strict=True)
        ],
        "repaired": parsed.repaired,
        "is_cut": parsed.is_cut,
        "warnings": parsed.warnings,
    }


def _facts(document: _Document) -> dict[str, Any]:
    """Where the document came from."""
    answer = document.fetched
    if answer is None:
        return {"name": document.name}
    return {
        "name": document.name,
        "final_url": answer.final_url,
        "hops": answer.hops,
        "status": answer.status,
        "media_type": answer.headers.get("content-type"),
    }


# ── for people ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _lines(document: _Document, reviewed: "Reviewed") -> Iterator[str]:
    parsed = reviewed.parsed
    odd = sum(bool(warnings) for warnings in reviewed.warnings)
    yield from _told("document", _described(document))
    yield from _fields(parsed.head)
    yield from _told("entries", f"{len(reviewed.entries)}" + (f", {odd} with warnings" if odd else ""))
    yield from _told("repaired", parsed.repaired)
    if parsed.is_cut:
        yield from _told("warning", "more entries than parse.max_entries: the first ones were kept")
    for warning in parsed.warnings:
        yield from _told("warning", warning)
    for number, (one, warnings) in enumerate(zip(reviewed.entries, reviewed.warnings, strict=True), 1):
        yield from _entry_lines(number, one, warnings)


def _described(document: _Document) -> str:
    moves = [f"{hop.status} to {hop.url}" for hop in (document.fetched.hops if document.fetched else ())]
    media_type = document.headers.get("content-type")
    return ", ".join((document.name, *moves, *([media_type] if media_type else []), f"{len(document.body):,} bytes"))


def _entry_lines(number: int, one: "KeyedEntry", warnings: tuple[str, ...]) -> Iterator[str]:
    yield ""
    yield from _told(f"entry {number}", f"key {one.key[:_KEY_CHARS]}")
    yield from _fields(one.entry)
    for warning in warnings:
        yield from _told("warning", warning)


def _fields(value: Any) -> Iterator[str]:
    """A line for each field that is there. A moment is told with what was said of it (`_at` with `_raw` and `_source`)."""
    values = {one.name: getattr(value, one.name) for one in fields(value)}
    texts = {one.name for one in fields(value) if not one.repr}
    for name, found in values.items():
        stem, _, kind = name.rpartition("_")
        if kind == "at":
            yield from _told(stem, _moment(found, values.get(f"{stem}_raw"), values.get(f"{stem}_source")))
        elif kind not in ("raw", "source") or f"{stem}_at" not in values:
            yield from _told(_label(name), _text(found) if name in texts else _plain(name, found))


def _label(name: str) -> str:
    """`site_url` is told as `site`, `is_permalink` as `permalink`, `ttl_s` as `ttl`."""
    words = name.removeprefix("is_").split("_")
    return " ".join(words[:-1] if len(words) > 1 and words[-1] in ("url", "urls", "s") else words)


def _moment(when: datetime | None, raw: str | None, source: str | None) -> str | None:
    if not when and not raw:
        return None
    said = f"said “{raw}”" if raw and raw.replace("T", " ").removesuffix("Z") != tell(when) else ""
    notes = ", ".join(part for part in (said, f"in {source}" if source else "") if part)
    return tell(when) + (f" ({notes})" if notes else "")


def _text(markup: Any) -> Any:
    """How long a text is, and how it begins."""
    from ingest.text import count_words, html_to_text, one_line

    if not isinstance(markup, str):
        return markup
    text = html_to_text(markup)
    words = count_words(text)
    return f"{words:,} word{'' if words == 1 else 's'}: {one_line(text, _EXCERPT_CHARS)}"


def _plain(name: str, value: Any) -> Any:
    if name.endswith("_s") and isinstance(value, int | float):
        return timedelta(seconds=value)
    if is_dataclass(value):
        first, *others = fields(value)
        known = ((other.name, _plain(other.name, getattr(value, other.name))) for other in others)
        more = ", ".join(f"{_label(key)} {found}" for key, found in known if found is not None)
        return f"{getattr(value, first.name)}" + (f" ({more})" if more else "")
    if isinstance(value, tuple):
        parts = [_plain("", part) for part in value]
        return parts if name.endswith("_urls") or any(map(is_dataclass, value)) else ", ".join(map(str, parts))
    return value


def _told(label: str, value: Any) -> Iterator[str]:
    """The lines of one fact: none where it is not there, one for each of several."""
    from ingest.text import one_line

    for one in value if isinstance(value, list) else (value,):
        if one not in (None, "", False):
            said = "yes" if one is True else tell(one)
            yield f"{label:<{_LABEL_CHARS - 1}} {one_line(said, _VALUE_CHARS)}"
