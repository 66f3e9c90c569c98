"""What documents say: feeds, entries, pages and seed documents, understood but not yet judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Enclosure:
    """Attached media as the feed names it."""

    url: str
    media_type: str | None = None
    length: int | None = None  # bytes, as claimed
    duration_s: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the feed says it; markup is not sanitised yet.

    Links are absolute http(s) or absent. Only where a document was read without knowing its address do relative ones stay as
    they are written, for the eyes of who debugs it.
    """

    guid: str | None = None  # verbatim, trimmed
    is_permalink: bool = False  # the feed declares its guid to be the URL
    url: str | None = None
    title: str | None = None  # plain text
    summary: str | None = field(default=None, repr=False)  # HTML
    content: str | None = field(default=None, repr=False)  # HTML
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None  # None also where `published_raw` cannot be read or believed
    published_raw: str | None = None
    published_source: str | None = None  # the element it stood in: pubDate, dc:date, atom:updated, date_published …
    updated_at: datetime | None = None
    updated_raw: str | None = None
    updated_source: str | None = None
    categories: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    image_urls: tuple[str, ...] = ()
    language: str | None = None
    rights: str | None = None  # in words, or the address of a licence
    comments_url: str | None = None
    transcripts: tuple[Enclosure, ...] = ()  # what is said in the enclosures, as text (podcast:transcript)
    location: tuple[float, float] | None = None  # latitude and longitude in degrees, WGS84


@dataclass(frozen=True, slots=True)
class FeedHead:
    """What a feed says about itself and about when to come back."""

    format: str  # rss20, atom10, rss10, json11 …
    id: str | None = None  # atom:id: stays the same when the feed moves
    title: str | None = None
    description: str | None = None
    authors: tuple[str, ...] = ()  # inherited by entries where the format says so (Atom, JSON Feed)
    rights: str | None = None
    site_url: str | None = None
    self_url: str | None = None
    hub_url: str | None = None
    next_url: str | None = None  # RFC 5005 paged feed (or JSON Feed next_url)
    prev_archive_url: str | None = None  # RFC 5005 archived feed
    is_archive: bool = False  # RFC 5005: an old document that will not change; nothing to poll
    is_complete: bool = False  # RFC 5005: all entries there are; one that is missing was taken back
    language: str | None = None
    image_url: str | None = None
    generator: str | None = None
    updated_at: datetime | None = None
    ttl_s: int | None = None
    update_period_s: int | None = None  # sy:updatePeriod / sy:updateFrequency
    skip_hours: tuple[int, ...] = ()  # UTC hours, 0–23
    skip_days: tuple[str, ...] = ()  # Monday … Sunday


@dataclass(frozen=True, slots=True)
class SeenItems:
    """What stood in the last document of a feed, by hash: what stands there again unchanged need not be parsed again."""

    context: bytes  # of what the items inherit from the document around them; under another one nothing counts as seen
    hashes: bytes  # a record of fixed length an item (see `ingest.parse.prune`), in the order of the document
    head_hash: bytes = b""  # of the document without its items, its dates and its comments; empty: the head is always read
    head: FeedHead | None = None  # what it led to


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed document understood. Oddities are data here: `repaired` says what had to be mended, `warnings` what was odd."""

    head: FeedHead
    entries: tuple[Entry, ...]
    repaired: str | None = None
    is_cut: bool = False  # more entries than the cap; the first ones were kept
    warnings: tuple[str, ...] = ()
    pruned: int = 0  # items left out of `entries` because they were seen before, word for word
    seen: SeenItems | None = field(default=None, repr=False)  # of this document, for the next time; None: parse that whole


@dataclass(frozen=True, slots=True)
class KeyedEntry:
    """An entry with its identity within the feed (`key`) and a hash of what it says (`content_hash`)."""

    key: str
    content_hash: str
    entry: Entry


class Quality(StrEnum):
    """What a body is worth."""

    FULL = "full"
    SHORT = "short"  # little, and nothing says that there is more
    SUMMARY = "summary"  # the feed's own
    TEASER = "teaser"  # the start of a text that stands elsewhere
    PAYWALL = "paywall"  # the start of a text that is locked
    CONSENT = "consent"
    CHALLENGE = "challenge"
    SCRIPT_SHELL = "script_shell"
    SOFT_404 = "soft_404"
    ERROR_PAGE = "error_page"
    NOT_ARTICLE = "not_article"
    NONE = "none"  # no body, on a page that may hold one


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known of a page without reading it: how it came, what the entry that leads to it says, the rules of its feed."""

    status: int = 200
    entry_title: str | None = None
    feed_words: int | None = None  # of the feed's own text
    include: tuple[str, ...] = ()  # the feed's rules, see `rules`
    exclude: tuple[str, ...] = ()


NOTHING_BESIDE = Beside()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a page says of its article beside title, authors and date. Absent is None, or empty."""

    modified_at: datetime | None = None
    site_name: str | None = None
    image_url: str | None = None  # the lead image
    tags: tuple[str, ...] = ()
    direction: str = "ltr"  # or "rtl"
    sources: Mapping[str, str] = field(default_factory=dict)  # where on the page each fact was found, by its name


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a page yields, before the feed's word is weighed against it. `quality` is judged by `evidence`, which says why."""

    title: str | None
    text: str = field(repr=False)  # paragraphs separated by one blank line
    html: str = field(repr=False)  # sanitised
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    canonical_url: str | None = None  # rel=canonical, absolute
    language: str | None = None
    extractor: str = ""
    extractor_version: str = ""
    quality: Quality = Quality.FULL
    evidence: Mapping[str, Any] = field(default_factory=dict)
    facts: Facts = NO_FACTS


@dataclass(frozen=True, slots=True)
class SeedDocument:
    """One seed document read."""

    name: str
    text: str = field(repr=False)
    title: str
    published_at: datetime | None = None
    credit: str | None = None
    language: str | None = None
