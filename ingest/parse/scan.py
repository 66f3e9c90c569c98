"""Where the items of a feed document stand, and a hash of each: one pass of expat, without looking at what they say.

The names that an item may be recognised by (guids, links) come with it; so does what all items inherit from the document around
them. Namespaces, CDATA, comments and entities are expat's business; the document has no DTD (see `sniff`).
"""

import re
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from ingest.parse.hashing import short_hash
from ingest.text import strip_controls

_MAX_ITEM_DEPTH = 8  # rdf:RDF/item is 2, rss/channel/item 3; what is nested deeper is left to feedparser

# As feedparser sees them: without regard to case, and any namespace below Userland's.
_FEED_SPACES = frozenset(
    {
        *("", "http://www.w3.org/2005/atom", "http://purl.org/atom/ns#", "http://purl.org/rss/1.0/"),
        *("http://my.netscape.com/rdf/simple/0.9/", "http://blogs.law.harvard.edu/tech/rss"),
    }
)
_USERLAND = "backend.userland.com/rss"
_ITEMS = frozenset(("item", "entry"))
_PARENTS = frozenset(("channel", "feed", "rdf", "rss", "items"))  # inside anything else, an item becomes part of its text
_GUIDS = frozenset(("guid", "id"))
_INHERITED = frozenset(("author", "contributor", "creator", "managingeditor", "webmaster", "owner", "publisher", "language"))
_BASE = "http://www.w3.org/XML/1998/namespace base"
_ABOUT = "http://www.w3.org/1999/02/22-rdf-syntax-ns# about"
_THREAD = "http://purl.org/syndication/thread/1.0 "
_COUNTERS = frozenset(
    {
        *(f"http://purl.org/rss/1.0/modules/slash/ {name}" for name in ("comments", "hit_parade")),
        *(f"http://search.yahoo.com/mrss/ {name}" for name in ("community", "statistics", "starRating")),
        f"{_THREAD}total",
    }
)
_COUNTING_ATTRIBUTES = frozenset((f"{_THREAD}count", f"{_THREAD}updated"))  # of a link to the replies
_ENDS_EARLY = frozenset(("no element found", "unclosed token", "unclosed CDATA section", "partial character"))  # expat's words
_START_TAG = re.compile(rb"<([^\s/>]+)")
_END_TAG = re.compile(rb"</([^\s>]+)\s*>")


class MalformedError(Exception):
    """The document is no XML from `line` on; `ends_early` if that is because it stops."""

    def __init__(self, message: str, *, line: int, ends_early: bool) -> None:
        super().__init__(message)
        self.line = line  # the root element's is 1
        self.ends_early = ends_early


@dataclass(frozen=True, slots=True)
class ScannedItem:
    """One item: where it begins and ends, in bytes, and by what it is known again."""

    start: int
    end: int
    hash: bytes = b""  # of its bytes, counters left out
    guids: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    is_odd: bool = False  # it may have other names: a guid or an address where they are not looked for


@dataclass(frozen=True, slots=True)
class Scanned:
    """The items of a document up to the cap, and the document around them."""

    document: bytes = field(repr=False)
    items: tuple[ScannedItem, ...]
    inherited: tuple[bytes, ...]  # what speaks for all items: elements beside them, start tags around them
    is_plain: bool  # no item inside another, in an odd place or in other surroundings than the first
    end: int  # where the document ends, or the first item too many begins
    closing: bytes  # the end tags that are missing there

    @property
    def is_cut(self) -> bool:
        """Whether there are more items than the cap."""
        return self.end < len(self.document)


def scan(document: bytes, max_entries: int, *, stand_ins: frozenset[int] = frozenset()) -> Scanned:
    """The items of a document in UTF-8, from its root element on. Raises MalformedError, also for what is not UTF-8.

    Of items that begin at one of `stand_ins` nothing is told but their place.
    """
    scanner = _Scanner(document, max_entries, stand_ins)
    scanner.run()
    closing = b"".join(b"</%b>" % scanner.name_at(tag.start) for tag in reversed(scanner.around))
    inherited = (*scanner.inherited, *scanner.chains)
    is_plain = not scanner.is_nested and len(scanner.chains) <= 1
    return Scanned(document, tuple(scanner.items), inherited, is_plain, scanner.end, closing)


class _Enough(Exception):
    """One item more than the cap."""


@dataclass(frozen=True, slots=True)
class _Tag:
    """A start tag around items."""

    start: int
    local: str
    hash: bytes


class _Scanner:
    """One pass over a document, in bytes. Handlers do next to nothing for elements inside an item: those are the many."""

    def __init__(self, document: bytes, max_entries: int, stand_ins: frozenset[int]) -> None:
        self.document = document
        self.max_entries = max_entries
        self.stand_ins = stand_ins
        self.items: list[ScannedItem] = []
        self.inherited: list[bytes] = []
        self.chains: dict[bytes, None] = {}  # of start tags around items
        self.end = len(document)  # where the first item too many begins
        self.is_nested = False  # there is an item or a feed inside an item, or an item in an odd place
        self.around: list[_Tag] = []  # open elements that are no part of an item
        self._is_chain_known = False  # that of `around`, among `chains`
        self._depth = 0
        self._declared: list[str] = []  # namespaces, for the start tag that follows
        self._inherited_from = (0, 0)  # depth and start of an element whose content is inherited
        self._item_depth = 0  # 0: not inside an item
        self._item_start = 0
        self._source_depth = 0  # of the source of the item that we are in: its names are not the item's
        self._has_odd_guid = False  # one where it is not looked for
        self._has_odd_link = False  # the same, or one with a base of its own
        self._counter_depth = 0  # of the counter we are in
        self._counters: list[tuple[int, int]] = []  # where the item's counters begin and end
        self._guids: list[str] = []
        self._links: list[str] = []
        self._naming: list[str] | None = None  # where the text that is being collected goes
        self._text: list[str] = []
        self._parser = self._make_parser()

    def _make_parser(self) -> Any:
        parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start_element
        parser.EndElementHandler = self._end_element
        parser.StartNamespaceDeclHandler = self._declare
        return parser

    def run(self) -> None:
        """Find the items. Raises MalformedError."""
        try:
            self._parser.Parse(self.document, True)
        except _Enough:
            return
        except expat.ExpatError as error:
            message = expat.errors.messages[error.code]
            raise MalformedError(message, line=error.lineno, ends_early=message in _ENDS_EARLY) from error

    def name_at(self, start: int) -> bytes:
        """The name of the tag that begins there, with its prefix."""
        found = _START_TAG.match(self.document, start)
        return found[1] if found else b""

    # outside of items

    def _declare(self, prefix: str | None, address: str | None) -> None:
        if not self._item_depth:
            self._declared += (prefix or "", address or "")

    def _start_element(self, name: str, attributes: list[str]) -> None:
        self._depth += 1
        if self._item_depth:
            self._start_inside(name, attributes)
        elif _is_item(name) and self._may_hold_items():
            self._start_item(attributes)
        else:
            self.is_nested = self.is_nested or self._may_be_item(name)
            self._start_around(name, attributes)

    def _may_hold_items(self) -> bool:
        return self._depth <= _MAX_ITEM_DEPTH and bool(self.around) and self.around[-1].local in _PARENTS

    def _start_around(self, name: str, attributes: list[str]) -> None:
        start, local = self._parser.CurrentByteIndex, _local(name)
        said = short_hash(name, *attributes, *self._declared)
        self._declared.clear()
        self._is_chain_known = False
        self.around.append(_Tag(start, local, said))
        if not self._inherited_from[0] and local in _INHERITED:
            self._inherited_from = (self._depth, start)

    def _end_element(self, _name: str) -> None:
        if self._item_depth:
            self._end_inside()
        else:
            self.around.pop()
            self._is_chain_known = False
            depth, start = self._inherited_from
            if depth == self._depth:
                self.inherited.append(self.document[start : self._end_of_element(start)])
                self._inherited_from = (0, 0)
        self._depth -= 1

    def _end_of_element(self, start: int) -> int:
        """Behind the element that began at `start` and ends where expat is: at its end tag; behind it, if it is one empty tag."""
        at: int = self._parser.CurrentByteIndex
        closing = _END_TAG.match(self.document, at)
        return closing.end() if closing and closing[1] == self.name_at(start) else at

    # inside of items

    def _start_item(self, attributes: list[str]) -> None:
        start = self._parser.CurrentByteIndex
        if len(self.items) >= self.max_entries:
            self.end = start
            raise _Enough
        self._item_depth, self._item_start = self._depth, start
        self._declared.clear()
        self._counters = []
        self._has_odd_guid, self._has_odd_link = False, _BASE in attributes[::2]
        self._guids, self._links = _values(attributes, _ABOUT), _values(attributes, "href")  # href: CDF

    def _start_inside(self, name: str, attributes: list[str]) -> None:
        local = _local(name)
        if self._counter_depth and name not in _COUNTERS:  # it holds more than counts
            self._counters.pop()
            self._counter_depth = 0
        elif not self._counter_depth and (name in _COUNTERS or (local == "link" and _is_counting(attributes))):
            self._counter_depth = self._depth
            self._counters.append((self._parser.CurrentByteIndex, 0))
        if self._naming is not None:  # what becomes of a name with an element inside depends on that
            self._note_odd(is_link=self._naming is self._links)
        if self._may_be_item(name) or (local in _PARENTS and _is_of_feeds(name)):
            self.is_nested = True
        elif local == "link" or local in _GUIDS:
            if _is_of_feeds(name):
                self._start_name(local, attributes)
            elif self._is_without_prefix():
                self._note_odd(is_link=local == "link")
        elif local == "origlink":
            self._note_odd(is_link=True)
        elif local == "source" and not self._source_depth:
            self._source_depth = self._depth

    def _may_be_item(self, name: str) -> bool:
        return _local(name) in _ITEMS and (_is_of_feeds(name) or self._is_without_prefix())

    def _is_without_prefix(self) -> bool:
        """What has no prefix is plain to feedparser, whatever its namespace, unless it knows that."""
        return b":" not in self.name_at(self._parser.CurrentByteIndex)

    def _start_name(self, local: str, attributes: list[str]) -> None:
        """Collect the text of a guid or a link; a link may also be an attribute."""
        is_link = local == "link"
        if self._depth > self._item_depth + 1:
            if not self._source_depth:
                self._note_odd(is_link=is_link)
            return
        if is_link:
            if _BASE in attributes[::2] or _values(attributes, "rel") not in ([], ["alternate"]):
                self._note_odd(is_link=True)
            self._links += [value for name in ("href", "url", "uri") for value in _values(attributes, name)]
        self._naming = self._links if is_link else self._guids
        self._text = []
        self._parser.CharacterDataHandler = self._text.append

    def _note_odd(self, *, is_link: bool) -> None:
        if is_link:
            self._has_odd_link = True
        else:
            self._has_odd_guid = True

    def _end_name(self, names: list[str]) -> None:
        self._parser.CharacterDataHandler = None
        text = strip_controls("".join(self._text)).strip()
        if text:
            names.append(text)
        self._naming = None

    def _end_inside(self) -> None:
        if self._naming is not None and self._depth == self._item_depth + 1:
            self._end_name(self._naming)
        if self._depth == self._counter_depth:
            start, _ = self._counters[-1]
            self._counters[-1] = (start, self._end_of_element(start))
            self._counter_depth = 0
        if self._depth == self._source_depth:
            self._source_depth = 0
        if self._depth == self._item_depth:
            self._item_depth = 0
            self._end_item()

    def _end_item(self) -> None:
        start, end = self._item_start, self._end_of_element(self._item_start)
        if not self._is_chain_known:
            self.chains[short_hash(*(tag.hash for tag in self.around))] = None
            self._is_chain_known = True
        if start in self.stand_ins:
            self.items.append(ScannedItem(start, end))
            return
        guids, links = tuple(dict.fromkeys(self._guids)), tuple(dict.fromkeys(self._links))
        is_odd = self._has_odd_guid or (self._has_odd_link and not guids)
        self.items.append(ScannedItem(start, end, short_hash(self._uncounted(end)), guids, links, is_odd))

    def _uncounted(self, end: int) -> bytes:
        """The bytes of the item without its counters."""
        parts, at = [], self._item_start
        for start, behind in self._counters:
            parts.append(self.document[at:start])
            at = behind
        return b"".join((*parts, self.document[at:end]))


def _is_item(name: str) -> bool:
    return _local(name) in _ITEMS and _is_of_feeds(name)


def _is_of_feeds(name: str) -> bool:
    space = name.lower().rpartition(" ")[0]
    return space in _FEED_SPACES or _USERLAND in space


def _is_counting(attributes: list[str]) -> bool:
    """Whether a link to the replies says how many there are."""
    return not _COUNTING_ATTRIBUTES.isdisjoint(attributes[::2]) and _values(attributes, "rel") == ["replies"]


def _local(name: str) -> str:
    return name.rpartition(" ")[2].lower()


def _values(attributes: list[str], name: str) -> list[str]:
    """The value of an attribute in expat's list of names and values, if it is there."""
    names = attributes[::2]
    return [attributes[2 * names.index(name) + 1]] if name in names else []
