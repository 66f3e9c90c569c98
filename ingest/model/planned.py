"""What is decided: plans, each with all that one step writes, and the values they are made of."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ingest.model.asked import Validators
from ingest.model.configured import FeedState
from ingest.model.held import ArticleClaim, FeedClaim
from ingest.model.said import FeedHead, KeyedEntry, SeenItems
from ingest.outcome import Outcome


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
    seen_items: SeenItems | None = None  # None: keep what is stored
    validators: Validators | None = None  # None: keep what is stored
    body_hash: str | None = None  # None: keep what is stored
    failures: float = 0.0
    state: FeedState = FeedState.ACTIVE
    throttled_until: datetime | None = None  # the host asked to be left alone
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
