"""RSS, RDF and Atom documents → feeds: tried as they are, then mended, then read as far as they can be.

text from the root element on ─ scan ─ feedparser (unseen items) ──────────────────▶ entries
                                └ broken ─ mend ─ scan ─ feedparser ───────────────▶ entries, repaired
                                                  └ cut off ─ feedparser ──────────▶ entries that were complete, repaired
                                                  └ broken ─ feedparser, loosely ──▶ entries, repaired
"""

from dataclasses import dataclass, replace
from datetime import datetime

from ingest.errors import ParseError
from ingest.model import ParsedFeed, SeenItems
from ingest.outcome import Outcome
from ingest.parse.by_feedparser import BREAKAGE, Reading, read_loosely, read_strictly
from ingest.parse.mend import is_cut_off, mend, trim
from ingest.parse.prune import Pruned, prune
from ingest.parse.scan import MalformedError
from ingest.parse.shape import Raw, shape_feed
from ingest.parse.sniff import Sniffed
from ingest.policy import ParsePolicy


@dataclass(frozen=True, slots=True)
class _Request:
    """What is known beside the document itself."""

    url: str
    language: str | None  # of the HTTP header
    seen: SeenItems | None
    max_entries: int


def parse_xml(
    sniffed: Sniffed, *, url: str, language: str | None, policy: ParsePolicy, now: datetime, seen: SeenItems | None = None
) -> ParsedFeed:
    """The feed in an XML document. Raises ParseError where not even its head can be read."""
    request = _Request(url, language, seen, policy.max_entries)
    try:
        reading, repaired, pruned = _read(sniffed, request)
        is_cut = reading.is_cut or (pruned is not None and pruned.is_cut)
        parsed = shape_feed(Raw(reading.format, reading.head, reading.entries, repaired, is_cut), url=url, now=now)
    except BREAKAGE as error:
        raise ParseError(Outcome.PARSE_ERROR, f"cannot be read as a feed: {type(error).__name__}: {error}"[:300]) from error
    return replace(parsed, pruned=pruned.pruned, seen=pruned.seen) if pruned else parsed


def _read(sniffed: Sniffed, request: _Request) -> tuple[Reading, str | None, Pruned | None]:
    """What feedparser makes of the document, what had to be repaired for that, and what was left out."""
    text, tail = trim(sniffed.text)
    junk = _describe_junk(sniffed.junk, tail)
    try:
        return _read_unseen(text, junk, request)
    except MalformedError as error:
        fault = junk or str(error)
    mended = mend(text, sniffed.prolog)
    try:
        return _read_unseen(mended, fault, request)
    except MalformedError as error:
        if error.ends_early and is_cut_off(mended):
            whole = _strictly(mended, request)
            if whole.complete:
                return replace(whole, entries=whole.entries[: whole.complete]), f"the document ends early: {error}", None
    loose = read_loosely(mended, url=request.url, language=request.language, max_entries=request.max_entries)
    return loose, fault, None


def _read_unseen(text: str, repaired: str | None, request: _Request) -> tuple[Reading, str | None, Pruned]:
    pruned = prune(text, url=request.url, language=request.language, seen=request.seen, max_entries=request.max_entries)
    reading = _strictly(pruned.text, request)
    if reading.error:
        raise MalformedError(reading.error, ends_early=reading.ends_early)
    return reading, repaired, pruned


def _strictly(text: str, request: _Request) -> Reading:
    return read_strictly(text, url=request.url, language=request.language, max_entries=request.max_entries)


def _describe_junk(before: str, behind: str) -> str | None:
    if before:
        return f"junk before the document: {before!r}"
    return f"junk behind the document: {behind!r}" if behind else None
