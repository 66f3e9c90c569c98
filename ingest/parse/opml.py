"""Lists of feeds as OPML: read as programs write it, written as the specification says.

Source: http://opml.org/spec2.opml
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.sax.saxutils import quoteattr

from ingest.errors import ParseError
from ingest.model import FeedOptions, FeedSpec
from ingest.outcome import Outcome
from ingest.parse.mend import mend
from ingest.text import decode, find_charset, one_line, strip_controls
from ingest.urls import is_http_url

_TEXT_CHARS = 300
_ROOT = re.compile(r"<opml(?=[\s>/])", re.IGNORECASE)


def read_opml(body: bytes) -> tuple[tuple[FeedSpec, ...], tuple[str, ...]]:
    """The feeds of an OPML document and, in words, what could not be used of it. Raises ParseError if it is no OPML.

    Folders and `category` become tags. A feed listed twice is one feed with the tags of both. Entities and DTDs are never
    expanded: the document is read from its root element on.
    """
    text = decode(body, find_charset(body, None))
    root_at = _ROOT.search(text)
    if root_at is None:
        raise ParseError(Outcome.PARSE_ERROR, "not an OPML document")
    root = _parse(mend(text[root_at.start() :]))
    found: dict[str, FeedSpec] = {}
    problems: list[str] = []
    for outline, folders in _walk(root, ()):
        url = _attribute(outline, "xmlurl")
        if not is_http_url(url):
            if url:
                problems.append(f"line {outline.sourceline}: {one_line(url, 100)!r} is no http(s) address")
            continue
        spec = _spec(outline, url, folders)
        if url in found:
            problems.append(f"line {outline.sourceline}: {one_line(url, 100)} is listed twice")
            spec = _merge(found[url], spec)
        found[url] = spec
    return tuple(found.values()), tuple(problems)


def _parse(text: str) -> Any:
    from lxml import etree

    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise ParseError(Outcome.PARSE_ERROR, f"unreadable OPML: {error}"[:300]) from error
    if root is None:
        raise ParseError(Outcome.PARSE_ERROR, "unreadable OPML")
    return root


def _walk(element: Any, folders: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Every outline with the names of the folders around it. A stack, not recursion: nesting has no bound."""
    stack = [(element, folders)]
    while stack:
        parent, names = stack.pop()
        for child in reversed(parent):
            if not isinstance(child.tag, str):
                continue
            is_outline = child.tag.lower() == "outline"
            is_feed = is_outline and bool(_attribute(child, "xmlurl"))
            stack.append((child, names if is_feed or not is_outline else (*names, _name(child))))
        if isinstance(parent.tag, str) and parent.tag.lower() == "outline":
            yield parent, tuple(name for name in names if name)


def _attribute(element: Any, name: str) -> str:
    """An attribute, whatever the case of its name."""
    said = next((value for key, value in element.attrib.items() if key.lower() == name), "")
    return strip_controls(str(said)).strip()


def _name(element: Any) -> str:
    return one_line(_attribute(element, "title") or _attribute(element, "text"), _TEXT_CHARS)


def _spec(outline: Any, url: str, folders: tuple[str, ...]) -> FeedSpec:
    categories = (part.strip().strip("/") for part in _attribute(outline, "category").split(","))
    tags = dict.fromkeys((*folders, *(one_line(part, _TEXT_CHARS) for part in categories if part)))
    title = _name(outline)
    return FeedSpec(url, FeedOptions(title=title if title and title != url else None, tags=tuple(tags)))


def _merge(first: FeedSpec, second: FeedSpec) -> FeedSpec:
    tags = tuple(dict.fromkeys((*first.options.tags, *second.options.tags)))
    return FeedSpec(first.url, FeedOptions(title=first.options.title or second.options.title, tags=tags))


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
    first, *others = spec.options.tags or ("",)
    return tuple(tag for tag in (first, *(tag for tag in others if not _is_category(tag))) if tag)


def _is_category(tag: str) -> bool:
    return "," not in tag and tag == tag.strip().strip("/")


def _outline(spec: FeedSpec) -> str:
    text = spec.options.title or spec.url
    categories = ",".join(tag for tag in spec.options.tags if _is_category(tag))
    category = f" category={_quote(categories)}" if categories else ""
    return f'<outline type="rss" text={_quote(text)} title={_quote(text)} xmlUrl={_quote(spec.url)}{category}/>'


def _quote(value: str) -> str:
    return quoteattr(strip_controls(value))


def _escape(value: str) -> str:
    return strip_controls(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
