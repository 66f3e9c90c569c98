"""Reading small feeds written down in tests."""

from datetime import UTC, datetime

from ingest.model import Entry, ParsedFeed
from ingest.parse import parse
from ingest.policy import ParsePolicy

NOW = datetime(2025, 7, 1, tzinfo=UTC)
PREFIXES = {
    "admin": "http://webns.net/mvcb/",
    "cc": "http://web.resource.org/cc/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "creativecommons": "http://backend.userland.com/creativeCommonsRssModule",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "fh": "http://purl.org/syndication/history/1.0",
    "geo": "http://www.w3.org/2003/01/geo/wgs84_pos#",
    "georss": "http://www.georss.org/georss",
    "gml": "http://www.opengis.net/gml",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "prism": "http://prismstandard.org/namespaces/basic/2.0/",
    "psc": "http://podlove.org/simple-chapters",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "xhtml": "http://www.w3.org/1999/xhtml",
    "x": "https://unknown.example/ns",
}
DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items())


def read(text: str, *, url: str = "https://a.example/feed", max_entries: int = 2_000, **headers: str) -> ParsedFeed:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse(text.encode(), url=url, headers=named, policy=ParsePolicy(max_entries=max_entries), now=NOW)


def rss(inside: str, *, head: str = "<title>T</title>") -> str:
    return f'<rss version="2.0" {DECLARED}><channel>{head}{inside}</channel></rss>'


def only(text: str) -> Entry:
    (entry,) = read(text).entries
    return entry
