"""The elements that are open, and where what they say is kept: feedparser's own walk through a document, corrected.

A start tag goes into the text that is being read, where one is; else to the handler of its element, or of its kind. What a
handler keeps goes to the entry, the feed, the source an entry names, or the image or text input that is being read.
"""

import base64
import contextlib
import re
from typing import TYPE_CHECKING, Any

from ingest.parse.elements import HANDLED, is_transparent, kind_of
from ingest.text import strip_controls
from ingest.urls import resolve

# Far above what feeds do, far below where feedparser's quadratic places begin to cost (8,000 attributes: 0.6 s).
MAX_ATTRIBUTES = 200
_MAX_NAMESPACES = 200
_MAX_BASE_CHARS = 2_000
_MAX_UNCLOSED = 50  # elements inside a text that are looked through for the one that ends
# What feedparser is known to throw at hostile input: it converts numbers, names and dates without looking.
BREAKAGE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, RuntimeError)
_INSIDE_IMAGE = frozenset(("title", "link", "description", "url", "href", "width", "height", "name"))
_RETURNED = frozenset(("category", "tags", "itunes_keywords"))  # elements whose handlers keep what they say
_ADDRESSES = frozenset(("comments", "href", "icon", "link", "logo"))  # elements with an address that may be relative
_NO_ENTITY = re.compile("&([A-Za-z0-9_]+);")  # parameters of an address that were taken for one
# Control characters that are signs by the encoding of Windows, where a text was relabelled and not converted.
_WINDOWS = {code: char for code in range(0x80, 0xA0) if (char := bytes((code,)).decode("cp1252", "ignore"))}
_CONTROLS = re.compile("[\x80-\x9f]")
DRAWINGS = ("http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg")

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
        # Plain dictionaries: lookups in feedparser's own know more than what is in them, and cost ten times as much.
        self.feeddata: dict[str, Any] = {}
        self.sourcedata: dict[str, Any] = {}
        self.contentparams: dict[str, Any] = {}  # of the typed text that is being read: type, language, base, base64
        if language:
            self.feeddata["language"] = language
        self.inline: list[tuple[str, bool]] = []  # the elements open inside a text, and whether they were written into it
        self.foreign: list[int] = []  # depths of the elements around this one that nobody knows, inside an entry
        self.inner: dict[str, Any] = {}  # of the image or text input whose elements are being read
        self.depths: dict[str, int] = {}  # of the elements from which is taken what the entry says
        self._methods: dict[str, tuple[str, tuple[str, ...]]] = {}

    # ── elements ──

    def unknown_starttag(self, tag: str, attrs: Any) -> None:
        """An element begins. The order of steps is feedparser's."""
        self.depth += 1
        pairs = [self._normalize_attributes(attribute) for attribute in attrs[:MAX_ATTRIBUTES]]
        said = dict(pairs)
        if said:
            self._track(tag, said)
        self.basestack.append(self.baseuri)
        self.langstack.append(self.lang)
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
        at = (-1 if self.inline[-1][0] == tag else self._find_inline(tag)) if self.inline else 0
        is_written = self.inline[at][1] if at else False
        if at:
            del self.inline[at:]
        else:
            self._call("_end_", self._name(tag))
            is_written = bool(self.incontent) and self.is_loose and self._is_written(tag)
        if is_written:
            self.handle_data(f"</{tag.rpartition(':')[2]}>", escape=0)
        if self.inline and not self.incontent:
            self.inline.clear()
        self._untrack()

    def _find_inline(self, tag: str) -> int:
        """Where the element is among those open inside a text, from the end; 0 where it is not."""
        return next((n for n in range(-1, -1 - min(len(self.inline), _MAX_UNCLOSED), -1) if self.inline[n][0] == tag), 0)

    def _call(self, prefix: str, name: str, *said: Any) -> None:
        """The handler of an element, or what fits its kind. A handler that raises costs its element and no more."""
        method, named = (f"{prefix}other", (name,)) if self.foreign else self._method(prefix, name)
        try:
            getattr(self, method)(*named, *said)
        except BREAKAGE:
            if prefix == "_start_":
                self.push(name, 0)
            else:
                self.pop(name)

    def _method(self, prefix: str, name: str) -> tuple[str, tuple[str, ...]]:
        """The method for an element, and its first argument if it is one for many elements."""
        found = self._methods.get(prefix + name)
        if found is None:
            is_own = name in HANDLED and hasattr(self, prefix + name)
            kind = kind_of(name)
            found = (prefix + name, ()) if is_own else (prefix + kind, (name,))
            if is_own or kind != "other":  # names that nobody knows may be endlessly many
                self._methods[prefix + name] = found
        return found

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
            self.baseuri = resolve(self.baseuri, strip_controls(base)) or self.baseuri
        lang = said.get("xml:lang", said.get("lang"))
        if lang is not None:
            self.lang = lang or None
            if lang and tag in ("feed", "rss", "rdf:rdf"):
                self.feeddata["language"] = lang.replace("_", "-")
        for prefix, uri in said.items():
            if prefix.startswith("xmlns"):
                self.track_namespace(prefix[6:] or None, uri)

    def _untrack(self) -> None:
        self.depth -= 1
        if self.basestack:  # and langstack: they grow and shrink together
            self.basestack.pop()
            self.langstack.pop()
        if self.basestack:
            self.baseuri, self.lang = self.basestack[-1], self.langstack[-1]

    def track_namespace(self, prefix: str | None, uri: str) -> None:
        if len(self.namespaces_in_use) < _MAX_NAMESPACES:
            super().track_namespace(prefix, uri)

    def _write_start(self, tag: str, attributes: list[tuple[str, str]]) -> bool:
        """Whether the element is written into the text that is being read, and then it is."""
        if not self._is_written(tag):
            return False
        prefix, _, local = tag.rpartition(":")
        namespace = self.namespaces_in_use.get(prefix, "") if prefix else ""
        if namespace in DRAWINGS and local in ("math", "svg") and ("xmlns", namespace) not in attributes:
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

    def resolve_uri(self, uri: str) -> str:
        """The address as it is meant here; one that is no http(s) address as feedparser has it."""
        return resolve(self.baseuri, uri) or str(super().resolve_uri(uri))

    def handle_data(self, text: str, escape: int = 1) -> None:
        """A piece of the text that is being read; `escape` it where that is markup."""
        if self.elementstack:
            if escape and self.contentparams.get("type") == "application/xhtml+xml":
                text = text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;")
            self.elementstack[-1][2].append(text)

    def push_content(self, tag: str, attrs_d: dict[str, str], default_content_type: str, expecting_text: int) -> None:
        """A typed text begins."""
        self.incontent += 1
        self.lang = self.lang and self.lang.replace("_", "-")
        kind = self.map_content_type(attrs_d.get("type", default_content_type))
        self.contentparams = {"type": kind, "language": self.lang, "base": self.baseuri}
        self.contentparams["base64"] = self._is_base64(attrs_d, self.contentparams)
        self.push(tag, expecting_text)

    def pop(self, element: str, strip_whitespace: int = 1) -> str | None:
        """The text of the element that ends, put where it belongs; None where another element is open. Steps are feedparser's."""
        if not self.elementstack or self.elementstack[-1][0] != element:
            return None
        _, is_kept, pieces = self.elementstack.pop()
        if self.is_loose:
            pieces = [piece.decode("utf-8") if isinstance(piece, bytes) else piece for piece in pieces]
        if self.version == "atom10" and self.contentparams.get("type") == "application/xhtml+xml":
            pieces = _without_div(pieces)
        said = "".join(pieces)
        if strip_whitespace:
            said = said.strip()
        if is_kept:
            said = self._decode(element, said)
            if element not in _RETURNED and not (element == "title" and -1 < self.title_depth <= self.depth):
                self._keep(element, said)
        return said

    def _decode(self, element: str, said: str) -> str:
        """What an element means by what stands in it. Guesses the type of text that claims to be plain, outside of Atom."""
        is_packed = self.contentparams.pop("base64", 0)
        if is_packed:
            with contextlib.suppress(ValueError):  # binascii.Error and UnicodeDecodeError are
                said = base64.decodebytes(said.encode("utf-8")).decode("utf-8")
        if said and element in _ADDRESSES:
            said = self.resolve_uri(said)
        if not is_packed:
            said = self.decode_entities(element, said)
        is_guessed = self.contentparams.get("type") == "text/plain" and not self.version.startswith("atom")
        if is_guessed and ("</" in said or "&" in said) and self.looks_like_html(said):
            self.contentparams["type"] = "text/html"
        return said if said.isascii() or not _CONTROLS.search(said) else said.translate(_WINDOWS)

    def _keep(self, element: str, said: str) -> None:
        """Put it into the context. An empty element takes nothing back, one further in does not replace what is further out."""
        context = self._get_context()
        is_inner = self.inimage or self.intextinput
        is_entry = self.inentry and not self.insource and not is_inner
        if not (is_entry or is_inner or self.infeed or self.insource):
            return
        if element == "description":
            element = "summary" if is_entry else "subtitle"
        if element == "content" and is_entry:
            context.setdefault(element, []).append({**self.contentparams, "value": said})
        elif element == "link":
            self._keep_link(context, said)
        elif said or not context.get(element):
            if not is_entry or self.depth <= self.depths.get(element, self.depth):
                self.depths[element] = self.depth
                context[element] = said
            if self.incontent:
                context[f"{element}_detail"] = {**self.contentparams, "value": said}

    def _keep_link(self, context: dict[str, Any], said: str) -> None:
        if said:
            context["link"] = said = _NO_ENTITY.sub(r"&\1", said.replace("&amp;", "&"))
            if context.get("links"):
                context["links"][-1]["href"] = said

    def _enter(self, name: str) -> None:
        self.inner = self._outer().setdefault(name, {})
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


def _without_div(pieces: list[str]) -> list[str]:
    """XHTML without the one div that Atom puts around it, if all of it is in there. Source: RFC 4287 §3.1.1.3."""
    first = next((place for place, piece in enumerate(pieces) if piece.strip()), 0)
    last = next((place for place in range(len(pieces) - 1, first, -1) if pieces[place].strip()), first)
    inside = pieces[first + 1 : last]
    if last == first or pieces[last] != "</div>" or not (pieces[first] == "<div>" or pieces[first].startswith("<div ")):
        return pieces
    depth = 1
    for piece in inside:
        if piece.startswith("</"):
            depth -= 1
            if depth == 0:
                return pieces
        elif piece.startswith("<") and not piece.endswith("/>"):
            depth += 1
    return inside
