"""feedparser's two parsers, driven by us. The only room that knows feedparser; plain dictionaries leave it.

feedparser's own `parse` is not used but the parsers inside it, with the handlers of `handlers` over theirs: what has to be
mended lies between them (see `xmlfeed`). Sanitising and resolving inside markup stay off: both happen once, where an article
is stored.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar
from xml.parsers import expat

from feedparser.api import LooseFeedParser, StrictFeedParser

from ingest.errors import ParseError
from ingest.outcome import Outcome
from ingest.parse.elements import NAMESPACES
from ingest.parse.handlers import Corrected, Enough
from ingest.parse.shape import Reading
from ingest.parse.stack import BREAKAGE, DRAWINGS, MAX_ATTRIBUTES

_USERLAND = "backend.userland.com/rss"  # feedparser takes whatever is below it for plain RSS
_DRAWING_TAGS = ("math", "svg")


def read_strictly(document: bytes, *, url: str, language: str | None, max_entries: int) -> Reading:
    """The document (in UTF-8) as XML, as far as it is that. Raises ParseError."""
    reader: Any = _Strict(url, language, max_entries)
    # Without the layer that xml.sax puts around expat: it costs as much as expat. External entities are off by default.
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.namespace_prefixes = True
    parser.buffer_text = True
    parser.StartNamespaceDeclHandler = reader.startPrefixMapping
    parser.StartElementHandler = reader.start_element
    parser.EndElementHandler = reader.end_element
    parser.CharacterDataHandler = reader.handle_data
    with suppress(expat.ExpatError):
        return _read(reader, lambda: parser.Parse(document, True))
    return _reading(reader)


def read_loosely(text: str, *, url: str, language: str | None, max_entries: int) -> Reading:
    """The document as whatever it is. Raises ParseError."""
    reader: Any = _Loose(url, language, max_entries)
    return _read(reader, lambda: reader.feed(text))


def _read(reader: Any, parse: Callable[[], Any]) -> Reading:
    try:
        parse()
    except Enough:
        return _reading(reader, is_cut=True)
    except BREAKAGE as error:
        raise ParseError(Outcome.PARSE_ERROR, f"cannot be read as a feed: {type(error).__name__}: {error}"[:300]) from error
    return _reading(reader)


def _reading(reader: Any, *, is_cut: bool = False) -> Reading:
    return Reading(
        format=reader.version or "xml",
        head=reader.feeddata,
        entries=tuple(reader.entries),
        complete=reader.closed,
        is_cut=is_cut,
    )


# ── the two parsers ─────────────────────────────────────────────────────────────────────────────────────────────────────


class _Strict(Corrected, StrictFeedParser):  # type: ignore[misc]  # feedparser has no types
    """Well-formed documents. Names come as expat has them: the namespace, the local name, and the prefix if there is one."""

    namespaces = {**StrictFeedParser.namespaces, **NAMESPACES}  # noqa: RUF012  feedparser's, and as constant
    _matchnamespaces: ClassVar[dict[str, str]] = {}  # feedparser fills it from `namespaces`
    decls: dict[str, str]  # feedparser's: declarations that are written into markup, for the start tag that follows

    def __init__(self, url: str, language: str | None, max_entries: int) -> None:
        super().__init__(url, language, max_entries)
        self._tags: dict[str, str] = {}  # of the names met so far
        self._version_before: str | None = None  # the version of the format before the declarations of the next element

    def startPrefixMapping(self, prefix: str | None, uri: str | None) -> None:  # noqa: N802  the name is SAX's
        """An element declares a namespace; it begins afterwards."""
        if self._version_before is None:
            self._version_before = self.version
        super().startPrefixMapping(prefix, uri)

    def start_element(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        tag = self._tags.get(name) or self._tag(name)
        if self._version_before is not None:
            if self.entries or tag in ("item", "entry"):  # what an item declares says nothing about the format of the rest
                self.version = self._version_before
            self._version_before = None
        said, self.decls = self.decls, {}
        if tag.endswith(_DRAWING_TAGS) and (space := name.partition(" ")[0]) in DRAWINGS:
            said["xmlns"] = space
        if attributes:
            said.update(self._plain_attributes(attributes))
        self.unknown_starttag(tag, list(said.items()))

    def end_element(self, name: str) -> None:
        """An element ends."""
        self.unknown_endtag(self._tags.get(name) or self._tag(name))

    def _tag(self, name: str) -> str:
        """The name of an element: in lower case, with the usual prefix of its namespace, else with that of the document."""
        space, _, local = name.partition(" ")
        if not local:
            return self._tags.setdefault(name, name.lower())
        local, _, prefix = local.lower().partition(" ")
        known = "" if _USERLAND in space.lower() else self._matchnamespaces.get(space.lower(), prefix)
        return self._tags.setdefault(name, f"{known.lower()}:{local}" if known else local)

    def _name(self, tag: str) -> str:
        # Not by feedparser's table of prefixes: what an item declares would count in those behind it.
        return tag.replace(":", "_", 1)

    def _plain_attributes(self, attributes: dict[str, str]) -> dict[str, str]:
        """Attributes under feedparser's names, and under those they have in the document."""
        said: dict[str, str] = {}
        written: dict[str, str] = {}
        for name, value in list(attributes.items())[:MAX_ATTRIBUTES]:
            space, _, local = name.partition(" ")
            if not local:
                said[name.lower()] = written[name.lower()] = value
                continue
            local, _, prefix = local.partition(" ")
            known = self._matchnamespaces.get(space.lower(), "")
            said[(f"{known}:{local}" if known else local).lower()] = value
            written[f"{prefix}:{local}".lower() if prefix else local.lower()] = value
        return said | written


class _Loose(Corrected, LooseFeedParser):  # type: ignore[misc]  # feedparser has no types
    """What no XML parser reads."""

    is_loose = True
    namespaces = _Strict.namespaces
    _matchnamespaces = _Strict._matchnamespaces  # noqa: SLF001  one table
