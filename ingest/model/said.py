"""What documents say: feeds, entries, pages and seed documents, understood but not yet judged."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Enclosure:
    """Attached media as the feed names it."""

    url: str
    media_type: str | None = None
    length: int | None = None  # bytes, as claimed
    duration_s: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the feed says it. Links are absolute http(s) or None; markup is not sanitised yet."""

    guid: str | None = None  # verbatim, trimmed
    is_permalink: bool = False  # the feed declares its guid to be the URL
    url: str | None = None
    title: str | None = None  # plain text
    summary: str | None = field(default=None, repr=False)  # HTML
    content: str | None = field(default=None, repr=False)  # HTML
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    published_raw: str | None = None
    updated_at: datetime | None = None
    updated_raw: str | None = None
    categories: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    image_urls: tuple[str, ...] = ()
    language: str | None = None
    rights: str | None = None
    comments_url: str | None = None


@dataclass(frozen=True, slots=True)
class FeedHead:
    """What a feed says about itself and about when to come back."""

    format: str  # rss20, atom10, rss10, json11 …
    title: str | None = None
    description: str | None = None
    site_url: str | None = None
    self_url: str | None = None
    hub_url: str | None = None
    next_url: str | None = None  # RFC 5005 paged feed (or JSON Feed next_url)
    prev_archive_url: str | None = None  # RFC 5005 archived feed
    language: str | None = None
    image_url: str | None = None
    generator: str | None = None
    updated_at: datetime | None = None
    ttl_s: int | None = None
    update_period_s: int | None = None  # sy:updatePeriod / sy:updateFrequency
    skip_hours: tuple[int, ...] = ()  # UTC hours, 0–23
    skip_days: tuple[str, ...] = ()  # Monday … Sunday


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed document understood. Oddities are data here: `repaired` says what had to be mended, `warnings` what was odd."""

    head: FeedHead
    entries: tuple[Entry, ...]
    repaired: str | None = None
    is_cut: bool = False  # more entries than the cap; the first ones were kept
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyedEntry:
    """An entry with its identity within the feed (`key`) and a hash of what it says (`content_hash`)."""

    key: str
    content_hash: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a page yields, before the feed's word is weighed against it."""

    title: str | None
    text: str = field(repr=False)  # paragraphs separated by one blank line
    html: str = field(repr=False)  # sanitised
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    canonical_url: str | None = None  # rel=canonical, absolute
    language: str | None = None
    extractor: str = ""
    extractor_version: str = ""


@dataclass(frozen=True, slots=True)
class SeedDocument:
    """One seed document read."""

    name: str
    text: str = field(repr=False)
    title: str
    published_at: datetime | None = None
    credit: str | None = None
    language: str | None = None
