"""What a page says about its article in JSON-LD, read once and made plain.

Publishers write it in many shapes: an object, a list, a graph whose parts name each other by `@id`, several scripts, and often
not quite JSON. What cannot be read is absent. Which of its words to believe is for others to say.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlsplit

from ingest.text import html_to_text, unescape

_MAX_SCRIPTS = 50
_MAX_SCRIPT_CHARS = 500_000
_MAX_CHARS = 3_000_000  # of all scripts together
_MAX_NODES = 2_000
_MAX_VALUES = 100  # of one fact

_ARTICLE = re.compile(r"(?:Article|Posting|Report|Review|Story|Recipe|BlogPost|CreativeWork)$")
_PAGE = re.compile(r"Page$")
_ORGANISATION = re.compile(r"(?:Organization|Organisation|Corporation|Company|NGO|WebSite|Brand)$")
_INNER = ("@graph", "mainEntity", "mainEntityOfPage", "hasPart", "itemListElement", "item")


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody as JSON-LD names them."""

    name: str
    is_organisation: bool = False


@dataclass(frozen=True, slots=True)
class LinkedData:
    """Words about the article, the best first, none of them judged. Text may hold markup, addresses may be relative."""

    headlines: tuple[str, ...] = ()
    authors: tuple[Named, ...] = ()
    publishers: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    is_free: bool | None = None
    body: str = ""


def read_linked_data(scripts: Iterable[str], *, url: str) -> LinkedData:
    """What `scripts` say about the article of the page at `url`. Never raises."""
    graph = _Graph()
    room = _MAX_CHARS
    for _, script in zip(range(_MAX_SCRIPTS), scripts, strict=False):
        room -= len(script)
        if len(script) <= _MAX_SCRIPT_CHARS and room >= 0:
            graph.add(_load(script))
    return graph.describe(url)


# ── characters to values ────────────────────────────────────────────────────────────────────────────────────────────────

_WRAPPING = re.compile(r"<!--|-->|(?://|/\*)?[ \t]{0,9}(?:<!\[CDATA\[|\]\]>)[ \t]{0,9}(?:\*/)?")
_TRAILING_COMMA = re.compile(r",(?=\s*+[}\]])")
_BAD_ESCAPE = re.compile(r'\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})')
_DECODER = json.JSONDecoder(strict=False)  # line ends within strings are common


def _load(text: str) -> object:
    """The value of `text`, repaired where that is cheap; what is still no JSON yields its plainest words."""
    text = text.strip().rstrip(";")
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        pass
    text = _WRAPPING.sub("", text)
    text = (unescape(text) if "&quot;" in text and '"' not in text else text).strip("\ufeff \t\r\n;")
    try:
        return _decode(_BAD_ESCAPE.sub("", _TRAILING_COMMA.sub("", text)))
    except (ValueError, RecursionError):
        return _find_words(text)


def _decode(text: str) -> object:
    """One value, or several in a row. Raises ValueError where the first cannot be read."""
    value, end = _DECODER.raw_decode(text)
    found = [value]
    for _ in range(_MAX_SCRIPTS):
        start = re.compile(r"[\s,;]*+(?=[{\[])").match(text, end)
        if not start:
            break
        try:
            value, end = _DECODER.raw_decode(text, start.end())
        except ValueError:
            break
        found.append(value)
    return found


_STRING = r'"((?:[^"\\]|\\.){1,5000}+)"'
_TYPE = re.compile(r'"@type"\s*+:\s*+"\w*(?:Article|Posting)"')
_WORDS = {
    key: re.compile(rf'"{key}"\s*+:\s*+{_STRING}')
    for key in ("headline", "datePublished", "dateModified", "inLanguage", "isAccessibleForFree")
}
_AUTHOR = re.compile(
    rf'"author"\s*+:\s*+[^"\]}}]{{0,20}}(?:"@?\w+"\s*+:\s*+"[^"]{{0,300}}+"\s*+,\s*+){{0,4}}"name"\s*+:\s*+{_STRING}'
)


def _find_words(text: str) -> object:
    """An article out of what is no JSON: the strings that stand behind well-known names."""
    if not _TYPE.search(text):
        return None
    said: dict[str, object] = {key: found[1] for key, pattern in _WORDS.items() if (found := pattern.search(text))}
    author = _AUTHOR.search(text)
    return {"@type": "Article", **said, **({"author": author[1]} if author else {})}


# ── values to what they say ─────────────────────────────────────────────────────────────────────────────────────────────

_Node = dict[str, object]


class _Graph:
    """The objects of all scripts: articles, pages, sites, and everything that can be named by its `@id`."""

    def __init__(self) -> None:
        self._articles: list[tuple[bool, _Node]] = []  # whether it stands in a list of several
        self._pages: list[_Node] = []
        self._sites: list[_Node] = []
        self._by_id: dict[str, _Node] = {}
        self._count = 0

    def add(self, data: object) -> None:
        queue: list[tuple[bool, object]] = [(False, data)]
        for is_listed, thing in queue:
            self._count += 1
            if self._count > _MAX_NODES:
                return
            if isinstance(thing, list):
                queue += [(is_listed, item) for item in thing[:_MAX_NODES]]
            elif isinstance(thing, dict):
                self._take(thing, is_listed=is_listed)
                queue += [(is_listed or key == "itemListElement", thing[key]) for key in _INNER if key in thing]

    def _take(self, node: _Node, *, is_listed: bool) -> None:
        for part in (node, *(inner for key in ("author", "publisher", "image") for inner in _items(node.get(key)))):
            name = part.get("@id") if isinstance(part, dict) else None
            if isinstance(part, dict) and isinstance(name, str) and len(part) > 1:
                self._by_id.setdefault(name, part)
        types = _strings(node.get("@type"))
        if any(_ARTICLE.search(name) for name in types):
            self._articles.append((is_listed, node))
        elif any(_PAGE.search(name) for name in types):
            self._pages.append(node)
        elif "WebSite" in types:
            self._sites.append(node)

    def describe(self, url: str) -> LinkedData:
        articles = self._find_same(url)
        nodes = [*articles, *self._pages]
        return LinkedData(
            headlines=(*_said(articles, "headline"), *_said(articles, "name")),
            authors=self._authors(nodes),
            publishers=tuple(
                [named.name for node in nodes for named in self._names(node.get("publisher"))]
                + [name for site in self._sites for name in _strings(site.get("name"))]
            ),
            published=_said(nodes, "datePublished"),
            created=_said(nodes, "dateCreated"),
            modified=_said(nodes, "dateModified"),
            languages=_said(nodes, "inLanguage"),
            descriptions=_said(nodes, "description"),
            images=tuple(
                address for node in nodes for key in ("image", "thumbnailUrl") for address in self._addresses(node.get(key))
            ),
            keywords=_first([self._keywords(node) for node in articles]),
            is_free=next((free for node in nodes if (free := _is_free(node)) is not None), None),
            body=next((text for node in articles for text in _strings(node.get("articleBody")) if text.strip()), ""),
        )

    def _find_same(self, url: str) -> list[_Node]:
        """The article of the page, and what else is said about the same one; other articles are others' business."""
        path = _path_of(url)
        ranked = sorted(
            self._articles,
            key=lambda found: (
                found[0],
                path not in {_path_of(address) for address in _addresses_of(found[1])} if len(self._articles) > 1 else 0,
                "headline" not in found[1],
                "datePublished" not in found[1],
            ),
        )
        if not ranked:
            return []
        best = ranked[0][1]
        return [best] + [
            node
            for is_listed, node in ranked[1:]
            if not is_listed and (not node.get("headline") or node.get("headline") == best.get("headline"))
        ]

    def _authors(self, nodes: list[_Node]) -> tuple[Named, ...]:
        named = (self._names(node.get(key)) for key in ("author", "creator") for node in nodes)
        return tuple(next((names for names in named if names), ()))

    def _names(self, value: object) -> list[Named]:
        """Those named in any of the forms that JSON-LD allows."""
        found: list[Named] = []
        for item in _items(value):
            thing = self._follow(item)
            if isinstance(thing, str):
                found.append(Named(unescape(thing)))
            elif isinstance(thing, dict):
                is_organisation = any(_ORGANISATION.search(name) for name in _strings(thing.get("@type")))
                whole = " ".join(part for key in ("givenName", "familyName") for part in _strings(thing.get(key)))
                names = _strings(thing.get("name")) or ([whole] if whole else [])
                found += [Named(unescape(name), is_organisation) for name in names[:_MAX_VALUES]]
        return found[:_MAX_VALUES]

    def _follow(self, item: object) -> object:
        """What stands elsewhere under the `@id` that `item` consists of, else `item`."""
        if isinstance(item, dict) and "name" not in item and "url" not in item and isinstance(item.get("@id"), str):
            return self._by_id.get(item["@id"], item)
        return item

    def _addresses(self, value: object) -> list[str]:
        things = [self._follow(item) for item in _items(value)]
        return [
            address
            for thing in things
            for address in (
                [text for key in ("url", "contentUrl") for text in _strings(thing.get(key))]
                if isinstance(thing, dict)
                else _strings(thing)
            )
        ]

    def _keywords(self, node: _Node) -> tuple[str, ...]:
        items = _items(node.get("keywords"))
        names = (text for item in items for text in (_strings(item.get("name")) if isinstance(item, dict) else _strings(item)))
        return tuple(names)


def _items(value: object) -> list[object]:
    return value[:_MAX_VALUES] if isinstance(value, list) else [] if value is None else [value]


def _strings(value: object) -> list[str]:
    return [item for item in _items(value) if isinstance(item, str)]


def _said(nodes: list[_Node], key: str) -> tuple[str, ...]:
    return tuple(islice((text for node in nodes for text in _strings(node.get(key))), _MAX_VALUES))


def _first(found: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return next((texts for texts in found if texts), ())


def _addresses_of(node: _Node) -> Iterator[str]:
    page = node.get("mainEntityOfPage")
    yield from (text for key in ("url", "@id") for text in _strings(node.get(key)))
    yield from (_strings(page.get("@id")) if isinstance(page, dict) else _strings(page))


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


def _is_free(node: _Node) -> bool | None:
    """What isAccessibleForFree says, as truth, as a word or as an address; a part that is not free makes the whole so."""
    said = [node.get("isAccessibleForFree")]
    said += [part.get("isAccessibleForFree") for part in _items(node.get("hasPart")) if isinstance(part, dict)]
    words = [str(value).strip().rpartition("/")[2].lower() for value in said if isinstance(value, bool | str)]
    return next(({"true": True, "false": False}[word] for word in words if word in ("true", "false")), None)


def plain(text: str) -> str:
    """`text` of JSON-LD without the markup that some write into it."""
    return html_to_text(text) if "<" in text or "&" in text else text.strip()
