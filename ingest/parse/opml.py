"""Lists of feeds as OPML: read as programs write it, written as the specification says.

Source: http://opml.org/spec2.opml
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from ingest.errors import ParseError
from ingest.model import FeedOptions, FeedSpec
from ingest.outcome import Outcome
from ingest.parse.discover import plain_feed_url
from ingest.parse.mend import mend
from ingest.text import decode, find_charset, one_line, strip_controls
from ingest.urls import is_http_url

_TEXT_CHARS = 300
_MAX_FOLDERS = 20  # around one feed that become tags
_MAX_TAGS = 100  # of one feed
_ROOT = re.compile(r"<opml(?=[\s>/])", re.IGNORECASE)
# Programs write `xmlUrl`; some `xmlurl`, and a few other names.
_URL_NAMES = ("xmlurl", "feedurl", "rssurl")
_FEED_TYPES = frozenset(("", "rss", "atom", "rdf", "feed", "jsonfeed", "json", "rss1", "rss2", "pie", "podcast", "xml"))


@dataclass(frozen=True, slots=True)
class _Outline:
    """One outline with its attributes (names in lower case), its line, and the folders around it."""

    attributes: dict[str, str]
    line: int
    folders: tuple[str, ...] = ()
    is_comment: bool = False

    def get(self, name: str) -> str:
        return strip_controls(self.attributes.get(name, "")).strip()


def read_opml(body: bytes) -> tuple[tuple[FeedSpec, ...], tuple[str, ...]]:
    """The feeds of an OPML document and, in words, what could not be used of it. Raises ParseError if it is no OPML.

    Folders and `category` become tags. A feed listed twice is one feed with the tags of both. Entities and DTDs are never
    expanded: the document is read from its root element on. Lists that it includes are named, not followed.
    """
    text = decode(body, find_charset(body, None))
    root_at = _ROOT.search(text)
    if root_at is None:
        raise ParseError(Outcome.PARSE_ERROR, "not an OPML document")
    found: dict[str, FeedSpec] = {}
    problems: list[str] = []
    for outline in _read_outlines(mend(text[root_at.start() :])):
        url = _url(outline)
        if problem := _problem(outline, url, is_known=url in found):
            problems.append(f"line {outline.line}: {problem}")
        if not outline.is_comment and is_http_url(url):
            spec = _spec(outline, url)
            found[url] = _merge(found[url], spec) if url in found else spec
    return tuple(found.values()), tuple(problems)


def _url(outline: _Outline) -> str:
    """The address of a feed; empty for a folder or a note, and for a link to something else."""
    said = next((value for name in _URL_NAMES if (value := outline.get(name))), "")
    if not said and outline.get("type").lower() in _FEED_TYPES:
        said = outline.get("url")
    return plain_feed_url(said)


def _problem(outline: _Outline, url: str, *, is_known: bool) -> str:
    if not url:
        included = outline.get("url") if outline.get("type").lower() in ("include", "link") else ""
        is_list = included and (outline.get("type").lower() == "include" or included.lower().endswith(".opml"))
        return f"{one_line(included, 100)} is another list, which is not followed" if is_list else ""
    if not is_http_url(url):
        return f"{one_line(url, 100)!r} is no http(s) address"
    if outline.is_comment:
        return f"{one_line(url, 100)} is commented out"
    return f"{one_line(url, 100)} is listed twice" if is_known else ""


def _spec(outline: _Outline, url: str) -> FeedSpec:
    categories = (part.strip().strip("/") for part in outline.get("category").split(",", _MAX_TAGS)[:_MAX_TAGS])
    tags = dict.fromkeys((*outline.folders, *(one_line(part, _TEXT_CHARS) for part in categories if part)))
    title = _name(outline)
    return FeedSpec(url, FeedOptions(title=title if title and title != url else None, tags=tuple(tags)))


def _name(outline: _Outline) -> str:
    return one_line(outline.get("title") or outline.get("text"), _TEXT_CHARS)


def _merge(first: FeedSpec, second: FeedSpec) -> FeedSpec:
    tags = tuple(dict.fromkeys((*first.options.tags, *second.options.tags)))
    return FeedSpec(first.url, FeedOptions(title=first.options.title or second.options.title, tags=tags[:_MAX_TAGS]))


# ── outlines ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_outlines(text: str) -> list[_Outline]:
    """The outlines in the order of the document: as XML, and what is none as far as a forgiving parser reads it."""
    outlines = _Outlines()
    try:
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = lambda name, attributes: outlines.open(name, attributes, parser.CurrentLineNumber)
        parser.EndElementHandler = outlines.close
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError:
        outlines = _Outlines()
        _walk(_parse_forgivingly(text), outlines)
    return outlines.found


class _Outlines:
    """Collects outlines while a parser walks the document; no recursion: nesting has no bound."""

    def __init__(self) -> None:
        self.found: list[_Outline] = []
        self._names: list[str] = []  # of the open outlines that are folders; empty for others
        self._comments = 0  # open outlines at and below one that is commented out

    def open(self, name: str, attributes: Mapping[str, str], line: int) -> None:
        if name.lower() != "outline":
            return
        lower = {key.lower(): value for key, value in reversed(list(attributes.items()))}
        self._comments += bool(self._comments or lower.get("iscomment", "").lower() == "true")
        folders = tuple(name for name in self._names[: _MAX_FOLDERS * 2] if name)[:_MAX_FOLDERS]
        outline = _Outline(lower, line, folders, is_comment=self._comments > 0)
        self.found.append(outline)
        self._names.append("" if _url(outline) else _name(outline))

    def close(self, name: str) -> None:
        if name.lower() == "outline":
            self._comments = max(0, self._comments - 1)
            self._names.pop()


def _parse_forgivingly(text: str) -> Any:
    from lxml import etree

    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise ParseError(Outcome.PARSE_ERROR, f"unreadable OPML: {error}"[:300]) from error
    if root is None:
        raise ParseError(Outcome.PARSE_ERROR, "unreadable OPML")
    return root


def _walk(root: Any, outlines: _Outlines) -> None:
    from lxml import etree

    for event, element in etree.iterwalk(root, events=("start", "end")):
        if not isinstance(element.tag, str):
            continue
        if event == "start":
            outlines.open(element.tag, {str(key): str(value) for key, value in element.attrib.items()}, element.sourceline or 0)
        else:
            outlines.close(element.tag)


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_opml(specs: Iterable[FeedSpec], *, title: str = "Feeds") -> bytes:
    """An OPML 2.0 document of the feeds: in the folder of their first tag, with all tags as `category`."""
    folders: dict[tuple[str, ...], list[FeedSpec]] = {}
    for spec in specs:
        folders.setdefault(_folders(spec), []).append(spec)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<opml version="2.0">',
        f"<head><title>{_escape(title)}</title></head>",
        "<body>",
    ]
    for names, inside in folders.items():
        lines += [f"<outline text={_quote(name)} title={_quote(name)}>" for name in names]
        lines += [_outline(spec) for spec in inside]
        lines += ["</outline>" for _ in names]
    return "\n".join((*lines, "</body>", "</opml>", "")).encode()


def _folders(spec: FeedSpec) -> tuple[str, ...]:
    """The first tag; and as folders within it those that `category`, a list with commas of paths with slashes, cannot hold."""
    first, *others = _tags(spec) or ("",)
    return tuple(tag for tag in (first, *(tag for tag in others if not _is_category(tag))) if tag)


def _tags(spec: FeedSpec) -> list[str]:
    lines = (one_line(tag, _TEXT_CHARS) for tag in spec.options.tags)
    return list(dict.fromkeys(line for line in lines if line))


def _is_category(tag: str) -> bool:
    return "," not in tag and tag == tag.strip().strip("/")


def _outline(spec: FeedSpec) -> str:
    text = one_line(spec.options.title or "", _TEXT_CHARS) or spec.url
    categories = ",".join(tag for tag in _tags(spec) if _is_category(tag))
    category = f" category={_quote(categories)}" if categories else ""
    return f'<outline type="rss" text={_quote(text)} title={_quote(text)} xmlUrl={_quote(spec.url)}{category}/>'


def _quote(value: str) -> str:
    return quoteattr(strip_controls(value))


def _escape(value: str) -> str:
    return strip_controls(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
