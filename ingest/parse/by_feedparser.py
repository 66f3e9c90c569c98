"""feedparser's two parsers with their handlers corrected. The only room that knows feedparser; plain dictionaries leave it.

feedparser's own `parse` is not used but the parsers inside it: what has to be mended lies between them (see `xmlfeed`).
Handlers are overridden where feedparser loses what the feed said (media:* over the title, one skipHours of many, guids made
into URLs, text decoded twice) and where it is quadratic (authors, categories, attributes, nested xml:base). Sanitising and
resolving inside markup stay off: both happen once, where an article is stored.
"""

import io
import xml.sax
import xml.sax.handler
import xml.sax.xmlreader
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feedparser.api import LooseFeedParser, StrictFeedParser

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
# Far above what feeds do, far below where feedparser's quadratic places begin to cost (8,000 attributes: 0.6 s).
_MAX_ATTRIBUTES = 200
_MAX_CATEGORIES = 200
_MAX_NAMESPACES = 200
_MAX_AUTHOR_CHARS = 300
_MAX_BASE_CHARS = 2_000
# What feedparser is known to throw at hostile input: it converts numbers, names and dates without looking.
BREAKAGE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, RuntimeError)

_ENDS_EARLY = ("no element found", "unclosed token", "unclosed CDATA section", "partial character")  # expat's words


class _Enough(Exception):
    """The cap of entries is reached; the rest of the document is not read."""


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
    except _Enough:
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
    except _Enough:
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


# ── feedparser's handlers, corrected ────────────────────────────────────────────────────────────────────────────────────


_Parser: Any = Any if TYPE_CHECKING else object  # what stands below in the order of resolution is feedparser's


class _Corrected(_Parser):  # type: ignore[misc]  # feedparser has no types
    """Laid over both of feedparser's parsers. Names of methods are feedparser's: `_start_…` and `_end_…` of an element."""

    def __init__(self, url: str, language: str | None, max_entries: int) -> None:
        super().__init__(url, language, "utf-8")
        self.resolve_relative_uris = False
        self.sanitize_html = False
        # Not "utf-8": with that, every text that happens to be valid UTF-8 as Latin-1 would be decoded a second time.
        self.encoding = ""
        self.max_entries = max_entries
        self.closed = 0  # entries whose end was seen

    # Guids are taken as they stand: no resolving, and no guid that passes for a link behind our back.

    def _start_guid(self, attrs_d: Any) -> None:
        self.guidislink = 0
        self._get_context()["ingest_permalink"] = str(attrs_d.get("ispermalink", "true")).strip().lower() == "true"
        self.push("id", 1)

    def _start_id(self, _attributes: Any) -> None:
        self.guidislink = 0
        self.push("id", 1)

    def _end_guid(self) -> None:
        self.pop("id")

    _end_id = _end_guid

    # Media and podcast elements speak beside the entry's own words, never in place of them.

    def _start_media_title(self, _attributes: Any) -> None:
        self.push("media_title", 1)

    def _end_media_title(self) -> None:
        self._keep_first("media_title")

    def _start_media_description(self, _attributes: Any) -> None:
        self.push("media_description", 1)

    def _end_media_description(self) -> None:
        self._keep_first("media_description")

    def _keep_first(self, name: str) -> None:
        context = self._get_context()
        before = dict.get(context, name)
        value = self.pop(name)
        if before:
            dict.__setitem__(context, name, before)
        elif value:
            dict.__setitem__(context, name, value)

    # dc:date is the day of publication; feedparser files it under "updated".

    def _start_dc_date(self, _attributes: Any) -> None:
        self.push("dc_date", 1)

    def _end_dc_date(self) -> None:
        self._keep_first("dc_date")

    # Lists of which feedparser keeps the last only.

    def _start_hour(self, _attributes: Any) -> None:
        self.push("hour", 0)

    def _end_hour(self) -> None:
        self.feeddata.setdefault("ingest_skip_hours", []).append(self.pop("hour"))

    def _start_day(self, _attributes: Any) -> None:
        self.push("day", 0)

    def _end_day(self) -> None:
        self.feeddata.setdefault("ingest_skip_days", []).append(self.pop("day"))

    # Bounds.

    def _start_item(self, attrs_d: Any) -> Any:
        if len(self.entries) >= self.max_entries:
            raise _Enough
        return super()._start_item(attrs_d)

    _start_entry = _start_item

    def _end_item(self) -> None:
        super()._end_item()
        self.closed = len(self.entries)

    _end_entry = _end_item

    def unknown_starttag(self, tag: str, attrs: Any) -> Any:
        if len(self.baseuri or "") > _MAX_BASE_CHARS:
            attrs = [attribute for attribute in attrs if attribute[0].lower() not in ("xml:base", "base")]
        return super().unknown_starttag(tag, attrs[:_MAX_ATTRIBUTES])

    def track_namespace(self, prefix: str | None, uri: str) -> None:
        if len(self.namespaces_in_use) < _MAX_NAMESPACES:
            super().track_namespace(prefix, uri)

    def _add_tag(self, term: Any, scheme: Any, label: Any) -> None:
        if len(self._get_context().get("tags") or ()) < _MAX_CATEGORIES:
            super()._add_tag(term, scheme, label)

    def _sync_author_detail(self, key: str = "author") -> None:
        # feedparser would look for a mail address with a quadratic pattern that knows top-level domains of four letters at most.
        context = self._get_context()
        people = context.get(f"{key}s")
        said = dict.get(context, key)
        if people and not people[-1] and isinstance(said, str):
            people[-1]["name"] = said[:_MAX_AUTHOR_CHARS]


class _Strict(_Corrected, StrictFeedParser):  # type: ignore[misc]  # feedparser has no types
    """Well-formed documents."""

    def startElementNS(self, name: Any, qname: Any, attrs: Any) -> None:  # noqa: N802  the name is SAX's
        if len(attrs) > _MAX_ATTRIBUTES:
            kept = list(attrs.items())[:_MAX_ATTRIBUTES]
            attrs = xml.sax.xmlreader.AttributesNSImpl(dict(kept), {key: attrs.getQNameByName(key) for key, _ in kept})
        super().startElementNS(name, qname, attrs)


class _Loose(_Corrected, LooseFeedParser):  # type: ignore[misc]  # feedparser has no types
    """What no XML parser reads."""
