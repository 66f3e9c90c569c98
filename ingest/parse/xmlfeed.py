"""RSS, RDF and Atom documents → feeds: tried as they are, then mended, then read as far as they can be.

text from the root element on ─ expat ──────────────────────────────▶ entries
                                └ broken ─ mend ─ expat ────────────▶ entries, repaired
                                                  └ cut off ────────▶ entries that were complete, repaired
                                                  └ broken ─ sgml ──▶ entries, repaired
"""

from dataclasses import replace
from datetime import datetime
from functools import partial

from ingest.errors import ParseError
from ingest.model import ParsedFeed
from ingest.outcome import Outcome
from ingest.parse.by_feedparser import BREAKAGE, Reading, read_loosely, read_strictly
from ingest.parse.mend import is_cut_off, mend, trim
from ingest.parse.shape import Raw, shape_feed
from ingest.parse.sniff import Sniffed
from ingest.policy import ParsePolicy


def parse_xml(sniffed: Sniffed, *, url: str, language: str | None, policy: ParsePolicy, now: datetime) -> ParsedFeed:
    """The feed in an XML document. Raises ParseError where not even its head can be read."""
    try:
        reading, repaired = _read(sniffed, url, language, policy.max_entries)
        raw = Raw(reading.format, reading.head, reading.entries, repaired, reading.is_cut)
        return shape_feed(raw, url=url, now=now)
    except BREAKAGE as error:
        raise ParseError(Outcome.PARSE_ERROR, f"cannot be read as a feed: {type(error).__name__}: {error}"[:300]) from error


def _read(sniffed: Sniffed, url: str, language: str | None, max_entries: int) -> tuple[Reading, str | None]:
    """What feedparser makes of the document, and what had to be repaired for that."""
    strictly = partial(read_strictly, url=url, language=language, max_entries=max_entries)
    text, tail = trim(sniffed.text)
    junk = _describe_junk(sniffed.junk, tail)
    first = strictly(text)
    if not first.error:
        return first, junk
    mended = mend(text, sniffed.prolog)
    second = strictly(mended)
    if not second.error:
        return second, junk or first.error
    if second.ends_early and is_cut_off(mended) and second.complete:
        complete = second.entries[: second.complete]
        return replace(second, entries=complete), f"the document ends early: {second.error}"
    return read_loosely(mended, url=url, language=language, max_entries=max_entries), junk or first.error


def _describe_junk(before: str, behind: str) -> str | None:
    if before:
        return f"junk before the document: {before!r}"
    return f"junk behind the document: {behind!r}" if behind else None
