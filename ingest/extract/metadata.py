"""What a page says about its article beside the text: title, authors, date, canonical address, language.

Read with patterns from the markup as it came, not from a tree: that stands up to any nesting and costs 1–2 ms. JSON-LD is
asked first, then meta elements, then what the page shows.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest.dates import is_believable, parse_date
from ingest.language import normal_code
from ingest.text import html_to_text, one_line, strip_controls, unescape
from ingest.urls import host_of, resolve

_MAX_CHARS = 3_000_000  # of a page looked at
_MAX_SCRIPTS = 50
_MAX_SCRIPT_CHARS = 500_000
_MAX_NODES = 2_000
_TITLE_CHARS = 500
_NAME_CHARS = 100
_MAX_AUTHORS = 20

_TITLES = ("og:title", "twitter:title", "parsely-title", "sailthru.title", "dc.title", "dcterms.title")
_DATES = (
    *("article:published_time", "og:article:published_time", "og:published_time", "article:published", "datepublished"),
    *("parsely-pub-date", "sailthru.date", "dc.date.issued", "dcterms.issued", "dcterms.created", "dc.date", "dc.date.created"),
    *("publishdate", "publish-date", "publish_date", "published_time", "publication_date", "pubdate", "article.published"),
    *("article:post_date", "cxenseparse:recs:publishtime", "bt:pubdate", "date.release", "rnews:datepublished", "displaydate"),
    *("originalpublicationdate", "date", "cdate", "article:created"),
)
_AUTHORS = (
    *("author", "article:author", "parsely-author", "sailthru.author", "dc.creator", "dcterms.creator"),
    *("og:article:author", "byl"),
)
_ARTICLE_TYPES = re.compile(r"(?:Article|Posting|Report|Review|Story|Recipe|BlogPost|CreativeWork)$")


@dataclass(frozen=True, slots=True)
class Metadata:
    """The facts of a page. Absent is None."""

    title: str | None = None
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    canonical_url: str | None = None
    language: str | None = None


def find_metadata(page: str, *, url: str, now: datetime) -> Metadata:
    """The facts of `page`, which was fetched from `url`. Never raises."""
    page = page[:_MAX_CHARS]
    linked = _linked_data(page)
    metas = _metas(page)
    return Metadata(
        title=_title(page, linked, metas),
        authors=_authors(linked, metas),
        published_at=_published_at(page, linked, metas, now),
        canonical_url=_canonical_url(page, url),
        language=_language(page, linked, metas),
    )


# ── the three sources ───────────────────────────────────────────────────────────────────────────────────────────────────

_ELEMENT = re.compile(r"""<(meta|link|html|time)\s((?:[^<>"']++|"[^"]{0,5000}+"|'[^']{0,5000}+')*+)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z:-]{1,40})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""")
_SCRIPT = re.compile(r"""<script\s[^<>]{0,500}?application/ld\+json[^<>]*+>""", re.IGNORECASE)


def _elements(page: str, wanted: str) -> Iterator[dict[str, str]]:
    for found in _ELEMENT.finditer(page):
        if found[1].lower() == wanted:
            pairs = ((a[1].lower(), a[2] or a[3] or a[4] or "") for a in _ATTRIBUTE.finditer(found[2]))
            yield {name: strip_controls(unescape(value)).strip() for name, value in pairs}


def _metas(page: str) -> dict[str, list[str]]:
    """Contents of meta elements by name, property or itemprop in lower case."""
    found: dict[str, list[str]] = {}
    for attributes in _elements(page, "meta"):
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ""
        if name and attributes.get("content"):
            found.setdefault(name.lower(), []).append(attributes["content"])
    return found


def _linked_data(page: str) -> dict[str, Any]:
    """The object of the page's JSON-LD that describes the article, or an empty one."""
    found: list[dict[str, Any]] = []
    at = 0
    for _ in range(_MAX_SCRIPTS):
        script = _SCRIPT.search(page, at)
        end = page.find("</", script.end()) if script else -1
        if script is None or end < 0:
            break
        at = end
        if end - script.end() <= _MAX_SCRIPT_CHARS:
            found += _objects(_load(page[script.end() : end]))
    found.sort(key=lambda thing: "datePublished" not in thing)
    return found[0] if found else {}


def _load(text: str) -> Any:
    try:
        return json.loads(re.sub(r"^\s*(?://)?\s*<!\[CDATA\[|(?://)?\s*\]\]>\s*$", "", text).strip().rstrip(";"), strict=False)
    except (ValueError, RecursionError):
        return None


def _objects(data: Any) -> list[dict[str, Any]]:
    """Everything in `data` that is an article, outer things first."""
    found, queue = [], [data]
    for thing in queue:
        if isinstance(thing, list):
            queue += thing[:_MAX_NODES]
        elif isinstance(thing, dict):
            types = thing.get("@type")
            if any(_ARTICLE_TYPES.search(name) for name in _strings(types)):
                found.append(thing)
            queue += [thing[key] for key in ("@graph", "mainEntity", "mainEntityOfPage", "itemListElement") if key in thing]
        if len(queue) > _MAX_NODES:
            break
    return found


def _strings(value: Any) -> list[str]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


# ── the facts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _title(page: str, linked: dict[str, Any], metas: dict[str, list[str]]) -> str | None:
    said = next((text for text in (*_strings(linked.get("headline")), *_first(metas, _TITLES)) if _line(text)), None)
    heading = _inside(page, "h1")
    return _without_site(_line(said) or heading or _line(_inside(page, "title")), metas)


def _first(metas: dict[str, list[str]], names: tuple[str, ...]) -> list[str]:
    return [value for name in names for value in metas.get(name, [])]


def _line(text: str | None) -> str | None:
    return one_line(html_to_text(text), _TITLE_CHARS) or None if text else None


def _inside(page: str, name: str) -> str | None:
    """The text of the first element of that name which has any."""
    for start in list(re.compile(rf"<{name}(?=[\s>])[^<>]*+>", re.IGNORECASE).finditer(page))[:5]:
        end = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(page, start.end(), start.end() + 5_000)
        text = _line(page[start.end() : end.start()]) if end else None
        if text:
            return text
    return None


def _without_site(title: str | None, metas: dict[str, list[str]]) -> str | None:
    """A title without the name of its site behind a dash or bar."""
    site = next(iter(metas.get("og:site_name", [])), "")
    if not title or not site:
        return title
    found = re.match(rf"(.{{5,}}?)\s+[-–—|·•:»]\s+{re.escape(one_line(site, 100))}\s*$", title, re.IGNORECASE)
    return found[1] if found else title


def _authors(linked: dict[str, Any], metas: dict[str, list[str]]) -> tuple[str, ...]:
    said = _names(linked.get("author")) or _names(linked.get("creator"))
    if not said:
        said = next((metas[name] for name in _AUTHORS if any(_is_name(value) for value in metas.get(name, []))), [])
    parts = (part for value in said for part in _split_names(value))
    names = dict.fromkeys(name for part in parts if (name := one_line(part, _NAME_CHARS)) and _is_name(name))
    return tuple(names)[:_MAX_AUTHORS]


def _names(value: Any) -> list[str]:
    """Names of people in any of the forms JSON-LD allows."""
    items = value if isinstance(value, list) else [value]
    found = [name for item in items for name in (_strings(item.get("name")) if isinstance(item, dict) else _strings(item))]
    return [unescape(name) for name in found]


def _split_names(value: str) -> list[str]:
    without_by = re.sub(r"^\s*(?:by|von|par|por|di|door)\s*:?\s+", "", value, flags=re.IGNORECASE)
    return re.split(r"\s*[;|]\s*|\s+(?:and|und|et|y|&)\s+|,\s+(?=\S+\s+\S)", without_by)


def _is_name(value: str) -> bool:
    return not re.match(r"(?:https?:)?//|@", value.strip()) and any(char.isalpha() for char in value)


def _published_at(page: str, linked: dict[str, Any], metas: dict[str, list[str]], now: datetime) -> datetime | None:
    said = [*_strings(linked.get("datePublished")), *_first(metas, _DATES), *_strings(linked.get("dateCreated"))]
    said += [time["datetime"] for time in list(_elements(page, "time"))[:20] if time.get("datetime")]
    dates = (date for text in said if (date := parse_date(text)) and is_believable(date, now))
    return next(dates, None)


def _canonical_url(page: str, url: str) -> str | None:
    """rel=canonical within the page's own site. A home page stands for no article but itself."""
    said = next((a.get("href", "") for a in _elements(page, "link") if "canonical" in a.get("rel", "").lower().split()), "")
    found = resolve(url, said) if said else None
    if not found or not _is_same_site(found, url):
        return None
    is_home = re.fullmatch(r"https?://[^/]+/?", found) and not re.fullmatch(r"https?://[^/]+/?", url)
    return None if is_home else found


def _is_same_site(one: str, other: str) -> bool:
    first, second = (re.sub(r"^(?:www\d?|m|mobile|amp)\.", "", host_of(url)) for url in (one, other))
    return first == second or first.endswith("." + second) or second.endswith("." + first)


def _language(page: str, linked: dict[str, Any], metas: dict[str, list[str]]) -> str | None:
    in_markup = next(
        (code for a in _elements(page[:50_000], "html") if (code := normal_code(a.get("lang") or a.get("xml:lang")))), None
    )
    said = (*_strings(linked.get("inLanguage")), *metas.get("og:locale", []), *metas.get("content-language", []))
    return in_markup or next((code for text in said if (code := normal_code(text))), None)
