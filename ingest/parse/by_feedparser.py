"""feedparser's two parsers, driven by us. The only room that knows feedparser; plain dictionaries leave it.

feedparser's own `parse` is not used but the parsers inside it, with the handlers of `handlers` over theirs: what has to be
mended lies between them (see `xmlfeed`). Sanitising and resolving inside markup stay off: both happen once, where an article
is stored.
"""

import io
import xml.sax
import xml.sax.handler
import xml.sax.xmlreader
from dataclasses import dataclass, field
from typing import Any, ClassVar

from feedparser.api import LooseFeedParser, StrictFeedParser

from ingest.parse.elements import NAMESPACES
from ingest.parse.handlers import Corrected, Enough
from ingest.parse.stack import BREAKAGE, MAX_ATTRIBUTES

__all__ = ["BREAKAGE", "Reading", "read_loosely", "read_strictly"]

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
_ENDS_EARLY = ("no element found", "unclosed token", "unclosed CDATA section", "partial character")  # expat's words


@dataclass(frozen=True, slots=True)
class Reading:
    """What feedparser collected, as plain dictionaries with its keys."""

    format: str
    head: dict[str, Any] = field(repr=False)
    entries: tuple[dict[str, Any], ...] = field(repr=False)
    complete: int = 0  # entries whose end was seen
    error: str | None = None  # where XML ended and why
    ends_early: bool = False  # the error is that the document stops
    is_cut: bool = False  # there are more entries than were asked for


def read_strictly(text: str, *, url: str, language: str | None, max_entries: int) -> Reading:
    """The document as XML; with an `error` where it is none, and what was read until there. Raises BREAKAGE."""
    reader: Any = _Strict(url, language, max_entries)
    parser = xml.sax.make_parser()  # noqa: S317  no DTD gets here, and external entities are off
    parser.setFeature(xml.sax.handler.feature_namespaces, True)
    parser.setFeature(xml.sax.handler.feature_external_ges, False)
    parser.setContentHandler(reader)
    parser.setErrorHandler(reader)
    source = xml.sax.xmlreader.InputSource()
    source.setByteStream(io.BytesIO((_DECLARATION + text).encode("utf-8", "replace")))
    try:
        parser.parse(source)
    except Enough:
        return _reading(reader, is_cut=True)
    except xml.sax.SAXParseException as error:
        message = error.getMessage()
        return _reading(reader, error=f"line {error.getLineNumber()}: {message}", ends_early=message in _ENDS_EARLY)
    except xml.sax.SAXException as error:
        return _reading(reader, error=str(error)[:200])
    return _reading(reader)


def read_loosely(text: str, *, url: str, language: str | None, max_entries: int) -> Reading:
    """The document as whatever it is. Raises BREAKAGE."""
    reader: Any = _Loose(url, language, max_entries)
    try:
        reader.feed(text)
    except Enough:
        return _reading(reader, is_cut=True)
    return _reading(reader)


def _reading(reader: Any, *, error: str | None = None, ends_early: bool = False, is_cut: bool = False) -> Reading:
    return Reading(
        format=reader.version or "xml",
        head=_plain(reader.feeddata),
        entries=tuple(_plain(entry) for entry in reader.entries),
        complete=reader.closed,
        error=error,
        ends_early=ends_early,
        is_cut=is_cut,
    )


def _plain(value: Any) -> Any:
    """Without feedparser's classes, whose lookups know more than what is in them."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


# ── the two parsers ─────────────────────────────────────────────────────────────────────────────────────────────────────


class _Strict(Corrected, StrictFeedParser):  # type: ignore[misc]  # feedparser has no types
    """Well-formed documents."""

    namespaces = {**StrictFeedParser.namespaces, **NAMESPACES}  # noqa: RUF012  feedparser's, and as constant
    _matchnamespaces: ClassVar[dict[str, str]] = {}  # feedparser fills it from `namespaces`

    def startElementNS(self, name: Any, qname: Any, attrs: Any) -> None:  # noqa: N802  the name is SAX's
        if len(attrs) > MAX_ATTRIBUTES:
            kept = list(attrs.items())[:MAX_ATTRIBUTES]
            attrs = xml.sax.xmlreader.AttributesNSImpl(dict(kept), {key: attrs.getQNameByName(key) for key, _ in kept})
        super().startElementNS(name, qname, attrs)


class _Loose(Corrected, LooseFeedParser):  # type: ignore[misc]  # feedparser has no types
    """What no XML parser reads."""

    is_loose = True
    namespaces = _Strict.namespaces
    _matchnamespaces = _Strict._matchnamespaces  # noqa: SLF001  one table
