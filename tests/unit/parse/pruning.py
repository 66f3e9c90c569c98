"""Documents that follow one another, and what is read of the second by one who has read the first."""

from datetime import UTC, datetime

from ingest.model import ParsedFeed, SeenItems
from ingest.parse import parse
from ingest.policy import ParsePolicy

NOW = datetime(2026, 11, 22, tzinfo=UTC)
URL = "https://news.example/feed"
NAMESPACES = (
    'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:slash="http://purl.org/rss/1.0/modules/slash/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:thr="http://purl.org/syndication/thread/1.0"'
)


def item(name: str, inside: str = "") -> str:
    return f"<item><title>{name}</title><link>https://news.example/{name}</link><guid>tag:{name}</guid>{inside}</item>"


def bare(title: str, link: str = "") -> str:
    """An item without a guid."""
    return f"<item><title>{title}</title>{link and f'<link>{link}</link>'}</item>"


def rss(*items: str, head: str = "<title>News</title>", root: str = "") -> str:
    return f'<rss version="2.0" {NAMESPACES} {root}><channel>{head}{"".join(items)}</channel></rss>'


def atom(*entries: str, head: str = "", root: str = "", tail: str = "") -> str:
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES} {root}><title>News</title>{head}{"".join(entries)}{tail}</feed>'
    )


def read(document: str, seen: SeenItems | None = None, *, url: str = URL, max_entries: int = 2_000, **headers: str) -> ParsedFeed:
    policy = ParsePolicy(max_entries=max_entries)
    return parse(document.encode(), url=url, headers=headers, policy=policy, now=NOW, seen=seen)


def titles(parsed: ParsedFeed) -> list[str | None]:
    return [entry.title for entry in parsed.entries]


def after(first: str, second: str) -> ParsedFeed:
    """The second document read by one who has read the first."""
    return read(second, read(first).seen)
