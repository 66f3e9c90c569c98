"""Which feeds a web page points to, and where a site keeps its feed when no page says so."""

import html
import re
from dataclasses import dataclass

from ingest.text import decode, find_charset, html_to_text, one_line
from ingest.urls import host_of, resolve

_MAX_CHARS = 500_000  # of a page looked at: links to feeds stand in the head, or in a footer of a page of sane size
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
_SIDE_FEED = re.compile(r"comment|kommentar|/oembed|/wp-json|podcast|[?&]author=|/tag/|/category/", re.IGNORECASE)
_LOOKS_LIKE_FEED = re.compile(
    r"(?:^|[/._=-])(?:feeds?|rss2?|atom|index\.rdf)(?:[/._?-]|xml|$)|\.(?:rss|atom|rdf)$", re.IGNORECASE
)


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
    base = _base(page, base_url)
    found: dict[str, tuple[int, FoundFeed]] = {}
    for name, attributes in _elements(page):
        rank = _rank(name, attributes, base_url)
        href = attributes.get("href", "").strip()
        url = resolve(base, href) if href else None
        if rank is not None and url and rank < found.get(url, (99,))[0]:
            title = one_line(attributes.get("title", ""), _TITLE_CHARS) or None
            found[url] = (rank, FoundFeed(url, title, attributes.get("type") or None))
    return tuple(feed for _, feed in sorted(found.values(), key=lambda ranked: ranked[0]))


def likely_feed_urls(site_url: str) -> tuple[str, ...]:
    """Addresses at which sites keep their feed, the commonest first."""
    paths = (
        "/feed/",
        "/rss.xml",
        "/feed.xml",
        "/atom.xml",
        "/index.xml",
        "/rss",
        "/feed",
        "/feed.json",
        "/index.rdf",
        "/feeds/posts/default",
    )
    return tuple(url for path in paths if (url := resolve(site_url, path)))


def find_title(page: str) -> str | None:
    """The title of a web page, on one line."""
    found = re.search(r"<title[^<>]*>([^<]{0,2000})", page[:_MAX_CHARS], re.IGNORECASE)
    return (one_line(html_to_text(found[1]), 100) or None) if found else None


# ── elements ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_ELEMENT = re.compile(r"""<(link|a|base)\s((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z:-]{1,40})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""")


def _elements(page: str) -> list[tuple[str, dict[str, str]]]:
    return [(found[1].lower(), _attributes(found[2])) for found in _ELEMENT.finditer(page)]


def _attributes(inside: str) -> dict[str, str]:
    pairs = ((found[1].lower(), found[2] or found[3] or found[4] or "") for found in _ATTRIBUTE.finditer(inside[:5_000]))
    return {name: html.unescape(value) for name, value in pairs}


def _base(page: str, base_url: str) -> str:
    href = next(
        (attributes["href"] for name, attributes in _elements(page[:20_000]) if name == "base" and "href" in attributes), ""
    )
    return (resolve(base_url, href) if href else None) or base_url


def _rank(name: str, attributes: dict[str, str], base_url: str) -> int | None:
    """0 is likeliest; None means no feed."""
    href = attributes.get("href", "")
    side = 4 if _SIDE_FEED.search(href) or _SIDE_FEED.search(attributes.get("title", "")) else 0
    if name == "link":
        relations = attributes.get("rel", "").lower().split()
        declared = _FEED_TYPES.get(attributes.get("type", "").split(";")[0].strip().lower())
        if "feed" in relations:
            return side
        return None if declared is None or "alternate" not in relations or "stylesheet" in relations else declared + side
    if name == "a" and _LOOKS_LIKE_FEED.search(href):
        elsewhere = resolve(base_url, href)
        return 10 + side + (5 if elsewhere and host_of(elsewhere) != host_of(base_url) else 0)
    return None


def _without_comments(page: str) -> str:
    parts, at = [], 0
    while (start := page.find("<!--", at)) >= 0:
        end = page.find("-->", start + 4)
        if end < 0:
            break
        parts.append(page[at:start])
        at = end + 3
    return "".join((*parts, page[at:]))
