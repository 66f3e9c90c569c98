"""What is odd about each entry of a document, in words: for people who debug a feed.

Nothing here changes what is understood; it is said again, with what a reader of the feed would stumble over.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ingest.dates import parse_date
from ingest.model import Entry, KeyedEntry, ParsedFeed
from ingest.parse import key_entries, parse
from ingest.policy import ParsePolicy
from ingest.text import one_line
from ingest.urls import is_http_url

_RAW_CHARS = 80  # of a date that cannot be used, shown


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A feed document understood, and its entries (only there: they cross a process border) with what is odd about each."""

    parsed: ParsedFeed
    entries: tuple[KeyedEntry, ...]
    warnings: tuple[tuple[str, ...], ...]  # one tuple an entry


def parse_and_review(body: bytes, *, url: str, headers: Mapping[str, str], policy: ParsePolicy, now: datetime) -> Reviewed:
    """The feed in `body` as `parse` reads it, reviewed. Raises ParseError and nothing else. Runs in a worker process."""
    parsed = parse(body, url=url, headers=headers, policy=policy, now=now)
    keyed = key_entries(parsed.entries)
    return Reviewed(replace(parsed, entries=(), seen=None), keyed, review(parsed, keyed))


def review(parsed: ParsedFeed, keyed: Sequence[KeyedEntry]) -> tuple[tuple[str, ...], ...]:
    """For each of `keyed`, the entries of `parsed` as `key_entries` made them: its oddities in words, none where it has none."""
    guids = Counter(entry.entry.guid for entry in keyed)
    copies = _copies(parsed.entries, keyed)
    return tuple(tuple(_oddities(one.entry, uses=guids[one.entry.guid], copies=copies[one.key])) for one in keyed)


def _copies(entries: Sequence[Entry], keyed: Sequence[KeyedEntry]) -> Counter[str]:
    """How often each entry stands in the document besides its first place, by key.

    The keyed ones are the entries in their order, without those that only repeat an earlier one.
    """
    copies: Counter[str] = Counter()
    by_content = {(one.content_hash, one.entry.guid): one.key for one in reversed(keyed)}
    at = 0
    for entry in entries:
        if at < len(keyed) and entry == keyed[at].entry:
            at += 1
            continue
        (alone,) = key_entries((entry,))
        copies[by_content.get((alone.content_hash, entry.guid), "")] += 1
    return copies


def _oddities(entry: Entry, *, uses: int, copies: int) -> Iterator[str]:
    yield from _identity(entry, uses)
    if copies:
        yield f"stands {copies + 1} times in the document, alike but for dates at most: kept once"
    if not entry.url:
        yield "no http(s) link: there is no page to fetch"
    elif not is_http_url(entry.url):
        yield "its link is relative, and nobody said where the document came from"
    if not entry.title:
        yield "no title"
    if not entry.summary and not entry.content:
        yield "no text: neither summary nor content"
    yield from _dates(entry)


def _identity(entry: Entry, uses: int) -> Iterator[str]:
    if not entry.guid:
        yield f"no guid: recognised by its {'link' if entry.url else 'title, date and text'}"
    elif uses > 1:
        yield f"its guid stands on {uses} entries: told apart by {'link, then ' if entry.url else ''}title, date and text"


def _dates(entry: Entry) -> Iterator[str]:
    said = (("published", entry.published_at, entry.published_raw), ("updated", entry.updated_at, entry.updated_raw))
    for what, when, raw in said:
        if raw and not when:
            why = "is not believed (before 1990 or in the future)" if parse_date(raw) else "cannot be read as a date"
            yield f"{what} “{one_line(raw, _RAW_CHARS)}” {why}"
    if not any(when or raw for _, when, raw in said):
        yield "no date"
