"""Bytes → feeds. Whatever arrives, `parse` answers with a ParsedFeed or a ParseError that a person understands.

Also lists of feeds (OPML), feeds that pages point to, seed documents, and the identity of entries. The parsers are imported when
first needed: reading a list of feeds should not cost the start of feedparser.
"""

from collections.abc import Mapping
from datetime import datetime

from ingest.model import ParsedFeed, SeenItems
from ingest.parse.discover import FoundFeed, find_feeds, likely_feed_urls
from ingest.parse.identity import key_entries
from ingest.parse.opml import read_opml, write_opml
from ingest.parse.seed import read_seed
from ingest.policy import ParsePolicy

__all__ = ["FoundFeed", "find_feeds", "key_entries", "likely_feed_urls", "parse", "read_opml", "read_seed", "write_opml"]


def parse(
    body: bytes,
    *,
    url: str,
    headers: Mapping[str, str],
    policy: ParsePolicy,
    now: datetime,
    seen: SeenItems | None = None,
) -> ParsedFeed:
    """The feed in `body`, fetched from `url` with `headers` (names in lower case). Raises ParseError and nothing else.

    With `seen`, from the last document of this feed, the items that stood there word for word are left out and counted.

    Runs in a worker process: what goes in and comes out can be pickled.
    """
    from ingest.parse.sniff import Kind, sniff
    from ingest.urls import resolve

    sniffed = sniff(body, headers, url)
    # By RFC 2616 §14.14 the base of relative links. RFC 9110 §8.7 takes that back, but feeds were written by it and parsers are.
    url = resolve(url, headers.get("content-location", "")) or url
    if sniffed.kind is Kind.JSON:
        from ingest.parse.jsonfeed import parse_json

        return parse_json(sniffed.text, url=url, policy=policy, now=now, seen=seen)
    from ingest.parse.xmlfeed import parse_xml

    return parse_xml(sniffed, url=url, language=headers.get("content-language"), policy=policy, now=now, seen=seen)
