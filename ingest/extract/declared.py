"""What a page declares of itself in JSON-LD, microdata and meta elements, as far as its quality can be told from it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from ingest.extract.marks import Elements
from ingest.extract.tree import Element

_MAX_SCRIPT_CHARS = 200_000
_MAX_THINGS = 200
_MAX_ITEMS = 20  # of microdata
_ARTICLE_TYPE = re.compile(r"(?:Article|Posting|Report|Review|Story|Recipe)$")
_OTHER_TYPE = re.compile(
    r"(?:Product|ProductGroup|CollectionPage|ItemList|SearchResultsPage|ProfilePage|ContactPage|CheckoutPage|ImageGallery|JobPosting|"
    r"Event|EventSeries|DiscussionForum|Offer|Store|RealEstateListing|VideoObject|MusicRecording|PodcastSeries|"
    r"product|product\.item|product\.group|profile|video\.\w+|music\.\w+)$"
)
_IN_ADDRESS = re.compile(r"/(?:404|410|not-?found|error-?404)(?=[/.]|$)", re.IGNORECASE)
_SELECTOR = re.compile(r"([.#])([\w-]+)$")


@dataclass(frozen=True, slots=True)
class Declared:
    """The declarations. `locked` are class names and ids of the parts that are not free."""

    is_article: bool = False
    other_type: str = ""
    is_free: bool | None = None
    locked: tuple[str, ...] = ()
    is_locked_tier: bool = False
    is_noindex: bool = False
    description: str = field(default="", repr=False)
    error_mark: str = ""

    def is_locked(self, element: Element | None) -> bool:
        """Whether an element is one of the parts that are not free."""
        if element is None:
            return False
        classes = (element.get("class") or "").split()
        return any(name in classes for name in self.locked) or (element.get("id") or "\n") in self.locked


def find_declared(elements: Elements) -> Declared:
    """What the page of these elements declares. Never raises."""
    metas = _metas(elements.metas)
    things = list(_things(elements.scripts))
    types = [name for thing in things for name in _strings(thing.get("@type"))]
    og_type = metas.get("og:type", "")
    is_article = og_type == "article" or any(_ARTICLE_TYPE.search(name) for name in types)
    if not is_article:
        types += [value.rsplit("/", 1)[-1] for value in _find_item_types(elements.tree)[:_MAX_ITEMS]]
        is_article = any(_ARTICLE_TYPE.search(name) for name in types)
    others = [name for name in (*types, og_type) if _OTHER_TYPE.fullmatch(name)]
    return Declared(
        is_article=is_article,
        other_type="" if is_article or not others else others[0],
        is_free=_is_free(things),
        locked=tuple(_locked(things)),
        is_locked_tier=metas.get("article:content_tier") == "locked",
        is_noindex="noindex" in metas.get("robots", ""),
        description=metas.get("description", "") or metas.get("og:description", ""),
        error_mark=_error_address(elements.links, metas.get("og:url", "")),
    )


_find_item_types = etree.XPath("//@itemtype", smart_strings=False)


def _metas(elements: list[Element]) -> dict[str, str]:
    found: dict[str, str] = {}
    for meta in elements:
        name = (meta.get("property") or meta.get("name") or "").lower()
        content = meta.get("content")
        if name and content:
            found.setdefault(name, content.lower() if name != "description" else content)
    return found


def _things(scripts: list[Element]) -> Iterator[dict[str, object]]:
    """The objects that JSON-LD describes the page by: outermost ones, and those of a graph."""
    for script in scripts:
        text = script.text
        if not text or "ld+json" not in (script.get("type") or "") or len(text) > _MAX_SCRIPT_CHARS:
            continue
        try:
            data = json.loads(text.strip().rstrip(";"), strict=False)
        except (ValueError, RecursionError):
            continue
        queue = data if isinstance(data, list) else [data]
        for thing in queue[:_MAX_THINGS]:
            if isinstance(thing, dict):
                yield thing
                graph = thing.get("@graph")
                yield from (
                    inner for inner in (graph if isinstance(graph, list) else [])[:_MAX_THINGS] if isinstance(inner, dict)
                )


def _is_free(things: list[dict[str, object]]) -> bool | None:
    said = [flag for thing in things if (flag := _flag(thing.get("isAccessibleForFree"))) is not None]
    return None if not said else all(said)


def _flag(value: object) -> bool | None:
    """A truth as JSON-LD has it: its own, a word, or an address that ends in the word."""
    if isinstance(value, bool):
        return value
    word = value.rsplit("/", 1)[-1].lower() if isinstance(value, str) else ""
    return {"true": True, "false": False}.get(word)


def _locked(things: list[dict[str, object]]) -> Iterator[str]:
    for thing in things:
        parts = thing.get("hasPart")
        for part in parts if isinstance(parts, list) else [parts]:
            if isinstance(part, dict) and _flag(part.get("isAccessibleForFree")) is False:
                for selector in _strings(part.get("cssSelector")):
                    yield from (found[2] for one in selector.split(",") if (found := _SELECTOR.search(one.strip())))


def _error_address(links: list[Element], og_url: str) -> str:
    said = [link.get("href") or "" for link in links if link.get("rel") == "canonical"]
    return next((found[0] for address in (*said, og_url) if (found := _IN_ADDRESS.search(address))), "")


def _strings(value: object) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
