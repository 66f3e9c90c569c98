"""Which feeds a web page points to, and where a site keeps its feed when no page says so."""

import re
from dataclasses import dataclass
from itertools import islice

from ingest.text import decode, find_charset, html_to_text, one_line, unescape
from ingest.urls import host_of, resolve

_MAX_CHARS = 2_000_000  # of a page looked at: video sites write a megabyte of script into their head
_MAX_LINKS = 1_000  # that could be feeds; a page with more is a list of links
_MAX_FOUND = 100
_TITLE_CHARS = 200

# By how likely the link is the feed a reader wants.
_FEED_TYPES = {
    "application/atom+xml": 0,
    "application/rss+xml": 0,
    "application/feed+json": 1,
    "application/rdf+xml": 1,
    "text/xml": 2,
    "application/xml": 2,
    "application/json": 3,
}
# As people write it too: text/rss+xml, application/rss, application/x-atom+xml, "rss".
_ODD_TYPE = re.compile(r"(?:(?:application|text)/)?(?:x-)?(?:rss|atom|rdf)(?:\+?xml)?")
_NO_FEED = re.compile(r"oembed|/wp-json(?:/|$)|[?&]rest_route=|/xmlrpc\.php|/opensearch|manifest\.json", re.IGNORECASE)
_SIDE_FEED = re.compile(r"comment|kommentar|podcast|[?&]author=|/tag/|/category/|/search/", re.IGNORECASE)
_LOOKS_LIKE_FEED = re.compile(
    r"(?:^|[/._=-])(?:feeds?|rss2?|atom|index\.rdf)(?:[/._?-]|xml|$)|\.(?:rss|atom|rdf)$|^(?:feed|itpc|pcast|podcast):",
    re.IGNORECASE,
)
# Schemes that open a reader or a podcast player: the address behind them is the feed's.
_READER_SCHEME = re.compile(r"(?:feed|itpc|pcast|podcast):(?://)?(?=(https?:)?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed that a page points to."""

    url: str
    title: str | None = None
    media_type: str | None = None


def find_feeds(page: str | bytes, base_url: str) -> tuple[FoundFeed, ...]:
    """The feeds that `page` links to, the likeliest first: declared ones, then plain links that look like one."""
    if isinstance(page, bytes):
        page = decode(page, find_charset(page, None))
    page = _without_comments(page[:_MAX_CHARS])
    elements = _elements(page)
    base = _base(elements, base_url)
    found: dict[str, tuple[int, FoundFeed]] = {}
    for name, attributes in elements:
        rank = _rank(name, attributes, base_url)
        href = plain_feed_url(attributes.get("href", ""))
        url = resolve(base, href) if href and rank is not None else None
        if rank is not None and url and rank < found.get(url, (99,))[0]:
            title = one_line(attributes.get("title", ""), _TITLE_CHARS) or None
            found[url] = (rank, FoundFeed(url, title, attributes.get("type") or None))
    return tuple(feed for _, feed in sorted(found.values(), key=lambda ranked: ranked[0]))[:_MAX_FOUND]


def plain_feed_url(said: str) -> str:
    """An address without a scheme that opens a reader: `feed:https://…`, `feed://…`, `itpc://…`, `podcast://…`."""
    said = said.strip()
    scheme = _READER_SCHEME.match(said)
    if scheme is None:
        return said
    return said[scheme.end() :] if scheme[1] else f"http://{said[scheme.end() :]}"


def likely_feed_urls(site_url: str) -> tuple[str, ...]:
    """Addresses at which sites keep their feed, the commonest first: below the page that was asked for, then at the root."""
    folder = site_url.partition("?")[0].partition("#")[0]
    folder = folder if folder.endswith("/") or folder.rpartition("/")[2].count(".") else f"{folder}/"
    near = [resolve(folder, path) for path in ("feed/", "rss.xml", "feed.xml", "atom.xml", "index.xml", "rss")]
    roots = [resolve(site_url, path) for path in _ROOT_PATHS]
    return tuple(dict.fromkeys(url for url in (*near, *roots) if url))


_ROOT_PATHS = (
    "/feed/", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/rss", "/feed", "/feed.json", "/index.rdf",
    "/feeds/posts/default", "/blog-feed.xml", "/?feed=rss2",
)  # fmt: skip


_TITLE = re.compile(r"<title[^<>]{0,500}>([^<]{0,2000})", re.IGNORECASE)


def find_title(page: str) -> str | None:
    """The title of a web page, on one line."""
    found = _TITLE.search(page, 0, _MAX_CHARS)
    return (one_line(html_to_text(found[1]), 100) or None) if found else None


# ── elements ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_ELEMENT = re.compile(r"""<(link|a|base)\s((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z:-]{1,40})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""")
_MAY_BE_FEED = re.compile(r"rss|atom|feed|rdf|xml|json|itpc|pcast|podcast|<base", re.IGNORECASE)


def _elements(page: str) -> list[tuple[str, dict[str, str]]]:
    """The links of the page that could lead to a feed, and its base."""
    found = (element for element in _ELEMENT.finditer(page) if _MAY_BE_FEED.search(element[0][:5_000]))
    return [(element[1].lower(), _attributes(element[2])) for element in islice(found, _MAX_LINKS)]


def _attributes(inside: str) -> dict[str, str]:
    """Names in lower case; of an attribute that is given twice the first counts, as in browsers."""
    pairs = [(found[1].lower(), found[2] or found[3] or found[4] or "") for found in _ATTRIBUTE.finditer(inside[:5_000])]
    return {name: unescape(value) for name, value in reversed(pairs)}


def _base(elements: list[tuple[str, dict[str, str]]], base_url: str) -> str:
    href = next((attributes["href"] for name, attributes in elements if name == "base" and "href" in attributes), "")
    return (resolve(base_url, href) if href else None) or base_url


def _rank(name: str, attributes: dict[str, str], base_url: str) -> int | None:
    """0 is likeliest; None means no feed."""
    href = attributes.get("href", "")
    if _NO_FEED.search(href):
        return None
    side = 4 if _SIDE_FEED.search(href) or _SIDE_FEED.search(attributes.get("title", "")) else 0
    declared = _declared_rank(attributes)
    if name == "link":
        return _link_rank(attributes, declared, side)
    if name == "a" and (_LOOKS_LIKE_FEED.search(href) or declared == 0 or "feed" in _relations(attributes)):
        elsewhere = resolve(base_url, plain_feed_url(href))
        return 10 + side + (5 if elsewhere and host_of(elsewhere) != host_of(base_url) else 0)
    return None


def _relations(attributes: dict[str, str]) -> list[str]:
    return attributes.get("rel", "").lower().split()


def _declared_rank(attributes: dict[str, str]) -> int | None:
    plain = attributes.get("type", "").partition(";")[0].strip().lower()
    return 0 if _ODD_TYPE.fullmatch(plain) else _FEED_TYPES.get(plain)


_OTHER_RELATIONS = frozenset(("stylesheet", "icon", "preload", "prefetch", "search", "edituri", "hub", "manifest"))


def _link_rank(attributes: dict[str, str], declared: int | None, side: int) -> int | None:
    """Links that say `alternate` and a type lead; those that say one of the two follow where the rest looks like a feed."""
    relations = _relations(attributes)
    if "feed" in relations:
        return side
    if _OTHER_RELATIONS.intersection(relations):
        return None
    if "alternate" in relations and declared is not None:
        return declared + side
    is_untyped = "alternate" in relations and not attributes.get("type") and _LOOKS_LIKE_FEED.search(attributes.get("href", ""))
    return 8 + side if is_untyped or declared in (0, 1) else None


def _without_comments(page: str) -> str:
    parts, at = [], 0
    while (start := page.find("<!--", at)) >= 0:
        end = page.find("-->", start + 4)
        if end < 0:
            break
        parts.append(page[at:start])
        at = end + 3
    return "".join((*parts, page[at:]))
