"""RSS, RDF and Atom documents → feeds: tried as they are, then mended, then read as far as they can be.

text from the root element on ─ scan ─ feedparser (unseen items) ──────────────────▶ entries
                                └ broken ─ mend ─ scan ─ feedparser ───────────────▶ entries, repaired
                                                  └ cut off ─ feedparser ──────────▶ entries that were complete, repaired
                                                  └ broken ─ feedparser, loosely ──▶ entries, repaired
"""

from dataclasses import dataclass, replace
from datetime import datetime

from ingest.model import FeedHead, ParsedFeed, SeenItems
from ingest.parse.by_feedparser import read_loosely, read_strictly
from ingest.parse.mend import is_cut_off, mend, trim
from ingest.parse.prune import Pruned, prune
from ingest.parse.scan import MalformedError
from ingest.parse.shape import Reading, shape_feed
from ingest.parse.sniff import Sniffed
from ingest.policy import ParsePolicy


@dataclass(frozen=True, slots=True)
class _Request:
    """What is known beside the document itself."""

    url: str
    language: str | None  # of the HTTP header
    seen: SeenItems | None
    max_entries: int


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read, what had to be repaired for that, and what was left out."""

    reading: Reading | FeedHead  # the head of the last time: nothing had to be read
    repaired: str | None = None
    pruned: Pruned | None = None  # None: nothing could be


def parse_xml(
    sniffed: Sniffed, *, url: str, language: str | None, policy: ParsePolicy, now: datetime, seen: SeenItems | None = None
) -> ParsedFeed:
    """The feed in an XML document. Raises ParseError where not even its head can be read."""
    request = _Request(url, language, seen, policy.max_entries)
    found = _read(sniffed, request)
    return _finish(_shape(found, url, now), found.pruned)


def _shape(found: _Found, url: str, now: datetime) -> ParsedFeed:
    if isinstance(found.reading, FeedHead):
        return ParsedFeed(found.reading, (), found.repaired)
    return shape_feed(found.reading, repaired=found.repaired, url=url, now=now)


def _finish(parsed: ParsedFeed, pruned: Pruned | None) -> ParsedFeed:
    if pruned is None:
        return parsed
    seen = replace(pruned.seen, head=parsed.head)
    return replace(parsed, is_cut=parsed.is_cut or pruned.is_cut, pruned=pruned.pruned, seen=seen)


def _read(sniffed: Sniffed, request: _Request) -> _Found:
    """What feedparser makes of the document, and of what: most are UTF-8 and XML, whatever they say of themselves."""
    came, behind = trim(sniffed.document)
    try:
        return _read_unseen(came, _describe_junk(sniffed.junk, behind), request)
    except MalformedError as error:
        fault = error
    decoded, behind = trim(sniffed.text.encode("utf-8", "replace"))
    junk = _describe_junk(sniffed.junk, behind)
    if decoded != came:
        try:
            return _read_unseen(decoded, junk, request)
        except MalformedError as error:
            fault = error
    mended = mend(decoded.decode("utf-8"), sniffed.prolog)
    return _read_mended(mended, junk or _describe_fault(fault, sniffed.prolog), request)


def _read_mended(text: str, fault: str, request: _Request) -> _Found:
    document = text.encode("utf-8", "replace")
    try:
        return _read_unseen(document, fault, request)
    except MalformedError as error:
        if error.ends_early and is_cut_off(document):
            whole = _strictly(document, request)
            if whole.complete:
                entries = whole.entries[: whole.complete]
                return _Found(replace(whole, entries=entries), f"the document ends early: {_describe_fault(error)}")
    return _Found(read_loosely(text, url=request.url, language=request.language, max_entries=request.max_entries), fault)


def _read_unseen(document: bytes, repaired: str | None, request: _Request) -> _Found:
    pruned = prune(document, url=request.url, language=request.language, seen=request.seen, max_entries=request.max_entries)
    if request.seen and request.seen.head and pruned.is_as_before:
        return _Found(request.seen.head, repaired, pruned)
    return _Found(_strictly(pruned.document, request), repaired, pruned)


def _describe_fault(fault: MalformedError, prolog: str = "") -> str:
    """Where XML ended and why, by the line of the document as it came."""
    is_own = str(fault) == "undefined entity" and "<!ENTITY" in prolog
    what = "an entity of the document's own DTD" if is_own else str(fault)
    return f"line {fault.line + prolog.count(chr(10))}: {what}"


def _strictly(document: bytes, request: _Request) -> Reading:
    return read_strictly(document, url=request.url, language=request.language, max_entries=request.max_entries)


def _describe_junk(before: str, behind: str) -> str | None:
    if before:
        return f"junk before the document: {before!r}"
    return f"junk behind the document: {behind!r}" if behind else None
