"""The elements that are open, and where what they say is kept: feedparser's own walk through a document, corrected.

A start tag goes into the text that is being read, where one is; else to the handler of its element, or of its kind. What a
handler keeps goes to the entry, the feed, the source an entry names, or the image or text input that is being read.
"""

from typing import TYPE_CHECKING, Any

from ingest.parse.elements import HANDLED, is_transparent, kind_of
from ingest.urls import resolve

# Far above what feeds do, far below where feedparser's quadratic places begin to cost (8,000 attributes: 0.6 s).
MAX_ATTRIBUTES = 200
_MAX_NAMESPACES = 200
_MAX_BASE_CHARS = 2_000
_MAX_UNCLOSED = 50  # elements inside a text that are looked through for the one that ends
# What feedparser is known to throw at hostile input: it converts numbers, names and dates without looking.
BREAKAGE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, RuntimeError)
_INSIDE_IMAGE = frozenset(("title", "link", "description", "url", "href", "width", "height", "name"))
_KEYS = {(True, "description"): "summary", (False, "description"): "subtitle"}  # under which feedparser keeps an element
_DRAWINGS = ("http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg")

_Parser: Any = Any if TYPE_CHECKING else object  # what stands below in the order of resolution is feedparser's


class Stack(_Parser):  # type: ignore[misc]  # feedparser has no types
    """Open elements and contexts. Which parser it stands before says `is_loose`: in broken markup nothing is sure to end."""

    is_loose = False
    baseuri: str  # feedparser's: of relative links, here
    infeed: int  # feedparser's: whether a feed, and an entry, is open
    inentry: int

    def __init__(self, url: str, language: str | None) -> None:
        # The response's language is not given to feedparser: it would pass for what the entries say of themselves.
        super().__init__(url, None, "utf-8")
        if language:
            self.feeddata["language"] = language
        self.resolve_relative_uris = False
        self.sanitize_html = False
        # Not "utf-8": with that, every text that happens to be valid UTF-8 as Latin-1 would be decoded a second time.
        self.encoding = ""
        self.inline: list[tuple[str, bool]] = []  # the elements open inside a text, and whether they were written into it
        self.foreign: list[int] = []  # depths of the elements around this one that nobody knows, inside an entry
        self.inner: dict[str, Any] = {}  # of the image or text input whose elements are being read

    # ── elements ──

    def unknown_starttag(self, tag: str, attrs: Any) -> None:
        """An element begins. The order of steps is feedparser's."""
        self.depth += 1
        pairs = [self._normalize_attributes(attribute) for attribute in attrs[:MAX_ATTRIBUTES]]
        said = dict(pairs)
        self._track(tag, said)
        if self.is_loose:
            self._leave_unclosed(tag)
        if self.incontent:
            self.inline.append((tag, self._write_start(tag, pairs)))
        else:
            self._call("_start_", self._name(tag), said)

    def _start_other(self, name: str, attributes: Any) -> None:
        if self.is_loose:
            if not attributes:
                self.push(name, 0)
            return
        self.push(name, 0)
        # What stands in an element that nobody knows is not the entry's own: the title of a related page, say.
        if self.inentry and not is_transparent(name):
            self.foreign.append(self.depth)

    def _end_other(self, name: str) -> None:
        self.pop(name)
        if self.foreign and self.foreign[-1] == self.depth:
            self.foreign.pop()

    def unknown_endtag(self, tag: str) -> None:
        """An element ends. The order of steps is feedparser's."""
        # In well-formed documents the last one of those open; in others, what is open under that name, markup or not.
        at = next((n for n in range(-1, -1 - min(len(self.inline), _MAX_UNCLOSED), -1) if self.inline[n][0] == tag), 0)
        is_written = self.inline[at][1] if at else False
        if at:
            del self.inline[at:]
        else:
            self._call("_end_", self._name(tag))
            is_written = bool(self.incontent) and self.is_loose and self._is_written(tag)
        if is_written:
            self.handle_data(f"</{tag.rpartition(':')[2]}>", escape=0)
        if not self.incontent:
            self.inline.clear()
        self._untrack()

    def _call(self, prefix: str, name: str, *said: Any) -> None:
        """The handler of an element, or what fits its kind. A handler that raises costs its element and no more."""
        is_ours = not self.foreign
        handler = getattr(self, prefix + name, None) if is_ours and name in HANDLED else None
        if handler is None:
            handler = getattr(self, prefix + (kind_of(name) if is_ours else "other"))
            said = (name, *said)
        try:
            handler(*said)
        except BREAKAGE:
            if prefix == "_start_":
                self.push(name, 0)
            else:
                self.pop(name)

    def _name(self, tag: str) -> str:
        prefix, colon, local = tag.partition(":")
        if not colon:
            return tag
        prefix = self.namespacemap.get(prefix, prefix)
        return f"{prefix.lower()}_{local}" if prefix else local

    def _track(self, tag: str, said: dict[str, str]) -> None:
        """Base, language and namespaces that begin with an element."""
        base = said.get("xml:base", said.get("base"))
        if base and len(self.baseuri or "") <= _MAX_BASE_CHARS:
            self.baseuri = resolve(self.baseuri, base) or self.baseuri
        lang = said.get("xml:lang", said.get("lang"))
        if lang is not None:
            self.lang = lang or None
            if lang and tag in ("feed", "rss", "rdf:rdf"):
                self.feeddata["language"] = lang.replace("_", "-")
        self.basestack.append(self.baseuri)
        self.langstack.append(self.lang)
        for prefix, uri in said.items():
            if prefix.startswith("xmlns"):
                self.track_namespace(prefix[6:] or None, uri)

    def _untrack(self) -> None:
        for stack, name in ((self.basestack, "baseuri"), (self.langstack, "lang")):
            if stack:
                stack.pop()
            if stack:
                setattr(self, name, stack[-1])
        self.depth -= 1

    def track_namespace(self, prefix: str | None, uri: str) -> None:
        if len(self.namespaces_in_use) < _MAX_NAMESPACES:
            super().track_namespace(prefix, uri)

    def _write_start(self, tag: str, attributes: list[tuple[str, str]]) -> bool:
        """Whether the element is written into the text that is being read, and then it is."""
        if not self._is_written(tag):
            return False
        prefix, _, local = tag.rpartition(":")
        namespace = self.namespaces_in_use.get(prefix, "") if prefix else ""
        if namespace in _DRAWINGS and local in ("math", "svg") and ("xmlns", namespace) not in attributes:
            attributes = [*attributes, ("xmlns", namespace)]
        self.handle_data(f"<{local}{self.strattrs(attributes)}>", escape=0)
        return True

    def _is_written(self, tag: str) -> bool:
        """All markup inside a text is its own, also where it was announced as escaped; but for the div that some put around."""
        if not self.contentparams.get("type", "xml").endswith("xml"):
            if tag in ("xhtml:div", "div"):
                return False
            self.contentparams["type"] = "application/xhtml+xml"
        return True

    def _leave_unclosed(self, tag: str) -> None:
        """What broken markup left open ends where an element stands that it cannot have."""
        if tag in ("item", "entry"):
            self._forget_unclosed()
        if ":" not in tag and tag not in _INSIDE_IMAGE:
            self.inimage = self.intextinput = 0

    def _forget_unclosed(self) -> None:
        """Nothing that was left open reaches into the next entry."""
        self.incontent = self.inimage = self.intextinput = self.insource = self.inauthor = self.hasContent = 0
        self.inline.clear()
        self._summaryKey = None
        self.contentparams.clear()
        self.elementstack.clear()
        self.sourcedata.clear()

    # ── where things are kept ──

    def _get_context(self) -> Any:
        return self.inner if self.inimage or self.intextinput else self._outer()

    def _outer(self) -> Any:
        if self.insource:
            return self.sourcedata
        return self.entries[-1] if self.inentry else self.feeddata

    def pop(self, element: str, strip_whitespace: int = 1) -> Any:
        context, key = self._get_context(), _KEYS.get((bool(self.inentry), element), element)
        before = dict.get(context, key)
        value = self._pop(element, strip_whitespace)
        if before and value == "":  # an empty element takes nothing back
            dict.__setitem__(context, key, before)
        return value

    def _pop(self, element: str, strip_whitespace: int) -> Any:
        if not (self.inimage or self.intextinput):
            return super().pop(element, strip_whitespace)
        # feedparser would write the words of an image into the entry around it.
        before, self.inentry, self.infeed = (self.inentry, self.infeed), 0, 1
        try:
            return super().pop(element, strip_whitespace)
        finally:
            self.inentry, self.infeed = before

    def _enter(self, name: str) -> None:
        outer = self._outer()
        self.inner = dict.setdefault(outer, name, {})
        self.title_depth = -1
        self.push(name, 0)

    def _start_image(self, _attributes: Any) -> None:
        self._enter("image")
        self.inimage = 1

    def _end_image(self) -> None:
        said = self.pop("image")
        if said and self.inimage and not self.inner.get("href"):
            self.inner["href"] = self.resolve_uri(said)  # not by the rules: an image that is nothing but an address
        self.inimage = 0

    def _start_textinput(self, _attributes: Any) -> None:
        self._enter("textinput")
        self.intextinput = 1
