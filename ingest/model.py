"""The values that travel between stages. All frozen; times are aware UTC; absent is None, never "failed".

In the order of the walk: what is configured (`FeedSpec`), what a worker holds (`FeedClaim`, `ArticleClaim`), what the world
answered (`Fetched`, `NotModified`, `ParsedFeed`, `Extracted`), what is decided (`FeedPlan`, `ArticlePlan`), what people are
shown (`FeedInfo`, `ArticleInfo`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ingest.outcome import Outcome

# ── what is configured ──────────────────────────────────────────────────────────────────────────────────────────────────


class FeedOrigin(StrEnum):
    """Who put a feed into the database; decides who may take it out again."""

    FILE = "file"  # listed in the feed file, which is the truth for it
    COMMAND = "command"  # added by `feeds add`, `feeds import` or `backfill`; stays until `feeds remove`


class FeedState(StrEnum):
    """Whether a feed is polled."""

    ACTIVE = "active"
    PAUSED = "paused"  # disabled or no longer listed; its articles stay
    DISABLED = "disabled"  # given up on by the program, with the reason


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """What a feed may override. None means: the default of the configuration."""

    title: str | None = None
    tags: tuple[str, ...] = ()
    is_enabled: bool = True
    interval_s: float | None = None
    full_text: bool | None = None
    user_agent: str | None = None
    keep: tuple[str, ...] = ()  # regular expressions; an entry must match one in title, URL or categories
    block: tuple[str, ...] = ()  # regular expressions; an entry that matches one is not stored as an article


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """One feed as configured, without its secrets."""

    url: str
    options: FeedOptions = FeedOptions()
    origin: FeedOrigin = FeedOrigin.FILE


@dataclass(frozen=True, slots=True)
class FeedSecrets:
    """What is sent only to a feed's own origin and never stored or logged."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)


# ── what a worker holds ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to finish one piece of work. `fence` grows with every claim, so a late finisher is recognised."""

    owner: str
    fence: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag and Last-Modified exactly as received."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class FeedClaim:
    """One feed that is due, with all that a poll of it needs."""

    feed_id: int
    url: str
    lease: Lease
    options: FeedOptions = FeedOptions()
    validators: Validators = Validators()
    body_hash: str | None = None  # of the last document that was parsed
    failures: float = 0.0  # weighted failures in a row
    polled_at: datetime | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class ArticleClaim:
    """One entry that has no article yet, or whose article must be looked at again."""

    entry_id: int
    feed_id: int
    entry: "Entry"
    lease: Lease
    options: FeedOptions = FeedOptions()
    attempts: int = 0  # failed ones so far
    article_id: int | None = None
    feed_url: str = ""
    feed_language: str | None = None


# ── what the world answered ─────────────────────────────────────────────────────────────────────────────────────────────


class Purpose(StrEnum):
    """What a request is for; sets its size cap and its Accept header."""

    FEED = "feed"
    PAGE = "page"
    LIST = "list"  # an OPML document that serves as the feed list


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One document to fetch. `secrets` go to the origin of `url` only."""

    url: str
    purpose: Purpose
    validators: Validators = Validators()
    user_agent: str | None = None
    secrets: FeedSecrets = FeedSecrets()


@dataclass(frozen=True, slots=True)
class Hop:
    """One redirect that was followed."""

    status: int
    url: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete, decoded response body (status 200)."""

    url: str
    final_url: str
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = field(repr=False)
    fetched_at: datetime
    elapsed_ms: int
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class NotModified:
    """The server says that what we have is current. `validators` replace ours where it sent new ones."""

    url: str
    status: int
    headers: Mapping[str, str]
    validators: Validators
    fetched_at: datetime
    elapsed_ms: int


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


# ── what is decided ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """What the store knows of an entry key."""

    entry_id: int
    key: str
    content_hash: str


class EntryState(StrEnum):
    """Where an entry stands on its way to an article."""

    PENDING = "pending"  # its article has to be made, at `next_try_at`
    STORED = "stored"  # it has its article
    FAILED = "failed"  # given up after the last attempt; `reason` says why
    BLOCKED = "blocked"  # a filter of the feed keeps it out


@dataclass(frozen=True, slots=True)
class EntryPlan:
    """One entry to write: new, or changed when `entry_id` is set."""

    keyed: KeyedEntry
    state: EntryState
    reason: str
    entry_id: int | None = None


class Priority(StrEnum):
    """Live entries are made into articles before those of a backfill."""

    LIVE = "live"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """All that one poll writes, applied in one transaction."""

    claim: FeedClaim
    polled_at: datetime
    outcome: Outcome
    reason: str
    next_poll_at: datetime
    status: int | None = None
    elapsed_ms: int = 0
    body_bytes: int = 0
    seen: int = 0  # entries in the document
    overlap: int = 0  # of them, known before
    new: tuple[EntryPlan, ...] = ()
    changed: tuple[EntryPlan, ...] = ()
    head: FeedHead | None = None
    validators: Validators | None = None  # None: keep what is stored
    body_hash: str | None = None  # None: keep what is stored
    failures: float = 0.0
    state: FeedState = FeedState.ACTIVE
    throttled_until: datetime | None = None  # the host asked to be left alone
    final_url: str | None = None
    moved_to: str | None = None  # where a permanent redirect leads; recorded, adopted by policy


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it will be stored. Each fact that may come from several places names its source."""

    url: str | None
    final_url: str | None
    canonical_url: str | None
    title: str | None
    title_source: str  # feed, page, derived, none
    authors: tuple[str, ...]
    published_at: datetime | None
    published_source: str  # feed, page, seed, none
    language: str | None
    text: str = field(repr=False)
    html: str = field(repr=False)
    words: int
    body_source: str  # page, feed, seed, none
    quality: str  # full, short, summary, none
    extractor: str
    extractor_version: str
    text_hash: str | None
    credit: str | None = None


class IdentityKind(StrEnum):
    """By what an article can be recognised."""

    URL = "url"  # canonical URL
    TEXT = "text"  # exact text, normalised
    SEED = "seed"  # content of a seed document


@dataclass(frozen=True, slots=True)
class Identity:
    kind: IdentityKind
    value: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored article that shares an identity with the one in hand."""

    article_id: int
    shared: tuple[Identity, ...]
    title: str | None
    canonical_url: str | None
    text_hash: str | None
    words: int
    body_source: str
    revision: int
    feed_ids: tuple[int, ...] = ()  # feeds with an entry that leads to it


@dataclass(frozen=True, slots=True)
class Match:
    """The verdict of recognition: which article this is (None: a new one), and why."""

    article_id: int | None
    reason: str


class Action(StrEnum):
    """What an article plan does to the articles table."""

    NEW = "new"  # a new article
    LINK = "link"  # the entry leads to an article that is known
    REVISE = "revise"  # the known article says something else now
    NONE = "none"  # nothing to write but the entry's own state


@dataclass(frozen=True, slots=True)
class ArticlePlan:
    """All that one attempt at an entry writes, applied in one transaction."""

    claim: ArticleClaim
    action: Action
    outcome: Outcome
    reason: str
    tried_at: datetime
    state: EntryState
    article: Article | None = None
    article_id: int | None = None
    identities: tuple[Identity, ...] = ()  # to be written; each must be free or the article's own
    attempts: int = 0
    next_try_at: datetime | None = None
    throttled_until: datetime | None = None


class Applied(StrEnum):
    """What became of an article plan."""

    DONE = "done"
    LEASE_LOST = "lease_lost"
    TAKEN = "taken"  # another article got one of the identities in between: match and plan again


@dataclass(frozen=True, slots=True)
class SeedDocument:
    """One seed document read."""

    name: str
    text: str = field(repr=False)
    title: str
    published_at: datetime | None = None
    credit: str | None = None
    language: str | None = None


# ── history ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Strategy(StrEnum):
    """Where older entries of a feed are found."""

    ARCHIVE = "archive"  # RFC 5005 §4, prev-archive
    PAGED = "paged"  # RFC 5005 §3 next, or JSON Feed next_url
    WORDPRESS = "wordpress"  # ?paged=N


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far the history of a feed has been read: the page to ask for next (None: the end was reached)."""

    next_url: str | None
    pages: int = 0
    entries_new: int = 0
    page_mark: str | None = None  # of the page read last: the same entries again mean that the server knows no paging


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill of one feed by one strategy, as stored."""

    backfill_id: int
    feed_id: int
    strategy: Strategy
    checkpoint: Checkpoint
    is_finished: bool


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """All that one page of history writes: its new entries and the checkpoint behind it, in one transaction."""

    backfill_id: int
    feed_id: int
    read_at: datetime
    new: tuple[EntryPlan, ...]
    checkpoint: Checkpoint
    is_finished: bool
    reason: str


# ── what people are shown ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FeedInfo:
    """A feed as `feeds list|show` tells it."""

    feed_id: int
    url: str
    origin: FeedOrigin
    state: FeedState
    state_reason: str
    title: str | None
    site_url: str | None
    options: FeedOptions
    polled_at: datetime | None
    next_poll_at: datetime | None
    outcome: Outcome | None
    reason: str
    failures: float
    entries: int
    pending: int
    failed: int
    articles: int
    moved_to: str | None = None


@dataclass(frozen=True, slots=True)
class PollInfo:
    """One past visit of a feed."""

    polled_at: datetime
    outcome: Outcome
    status: int | None
    elapsed_ms: int
    body_bytes: int
    seen: int
    new: int
    changed: int
    reason: str


@dataclass(frozen=True, slots=True)
class EntryInfo:
    """An entry on its way to an article, or given up."""

    entry_id: int
    feed_id: int
    feed_url: str
    guid: str | None
    url: str | None
    title: str | None
    published_at: datetime | None
    state: EntryState
    outcome: Outcome | None  # of the last try
    reason: str
    attempts: int
    next_try_at: datetime | None
    article_id: int | None
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class ArticleInfo:
    """A stored article with the entries that lead to it."""

    article_id: int
    url: str | None
    final_url: str | None
    canonical_url: str | None
    title: str | None
    title_source: str
    authors: tuple[str, ...]
    published_at: datetime | None
    published_source: str
    language: str | None
    text: str = field(repr=False)
    html: str = field(repr=False)
    words: int
    body_source: str
    quality: str
    extractor: str
    extractor_version: str
    credit: str | None
    revision: int
    first_seen_at: datetime
    feeds: tuple[str, ...]
    entries: int


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """Which articles to list. None means: no limit by this."""

    feed: str | None = None  # feed URL or id
    since: datetime | None = None  # published (or, without a date, first seen) at or after
    until: datetime | None = None  # before
    language: str | None = None
    text: str | None = None  # words that must all occur in title or text
    limit: int | None = None
