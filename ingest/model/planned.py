"""What is decided: plans, each with all that one step writes, and the values they are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ingest.model.asked import Validators
from ingest.model.configured import FeedState
from ingest.model.held import ArticleClaim, FeedClaim, Move
from ingest.model.learned import HostLesson, Learned
from ingest.model.said import NO_FACTS, Facts, FeedHead, KeyedEntry, Quality, SeenItems
from ingest.model.subscribed import Hub
from ingest.outcome import Outcome


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """What the store knows of an entry key."""

    entry_id: int
    key: str
    content_hash: str
    first_seen_at: datetime | None = None


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
    wants_page: bool = True  # else nobody is asked for its article, and it waits for no host's turn


class Priority(StrEnum):
    """Live entries are made into articles before those of a backfill."""

    LIVE = "live"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class Gap:
    """Entries that came and went between two polls, unseen."""

    since_at: datetime  # the poll before
    until_at: datetime  # the poll after
    missed: float  # entries, estimated
    reason: str


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """All that one poll writes, applied in one transaction."""

    claim: FeedClaim
    polled_at: datetime
    outcome: Outcome
    reason: str
    next_poll_at: datetime | None  # None: as it was
    status: int | None = None
    elapsed_ms: int = 0
    body_bytes: int = 0
    seen: int = 0  # entries in the document
    overlap: int = 0  # of them, known before
    new: tuple[EntryPlan, ...] = ()
    changed: tuple[EntryPlan, ...] = ()
    head: FeedHead | None = None
    hub: Hub | None = None  # that a document with a new `head` names, in its headers or in itself
    seen_items: SeenItems | None = None  # None: keep what is stored
    validators: Validators | None = None  # None: keep what is stored
    body_hash: str | None = None  # None: keep what is stored
    next_reason: str = ""  # why it is polled then, in words
    usual_poll_at: datetime | None = None  # when it would be polled if its hub did not push; None: at `next_poll_at`
    rate_root: float | None = None  # what the feed takes of the request budget; None: not known yet
    failures: float = 0.0
    state: FeedState = FeedState.ACTIVE
    probe_at: datetime | None = None  # given up: when it is asked one last time
    is_last_probe: bool = False  # that is still to be done: this poll was meant to be it and does not count
    not_before_at: datetime | None = None  # the server's own word; holds even when everything is polled now
    lesson: HostLesson | None = None  # what the answer taught about the host
    move: Move | None = None  # a permanent redirect, not adopted yet
    moved_to: str | None = None  # adopt this address from now on
    moved_reason: str = ""
    learned: Learned | None = None  # None: keep what is stored
    trust: float | None = None  # None: keep what is stored
    full_at: datetime | None = None  # None: keep what is stored
    gap: Gap | None = None
    is_push: bool = False  # the hub brought the document; nobody asked


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
    quality: Quality
    extractor: str
    extractor_version: str
    text_hash: str | None
    credit: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)  # what the quality was judged by
    facts: Facts = NO_FACTS


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
    quality: Quality
    revision: int
    feed_ids: tuple[int, ...] = ()  # feeds with an entry that leads to it
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sought:
    """Stored articles are looked for that own one of these identities, and this one in any case."""

    identities: tuple[Identity, ...]
    article_id: int | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The verdict of recognition: which article this is (None: a new one), and why."""

    article_id: int | None
    reason: str


class RobotsVerdict(StrEnum):
    """What the host's robots.txt says about fetching the article's page."""

    ALLOWED = "allowed"
    DISALLOWED = "disallowed"
    NO_RULES = "no_rules"  # there is no robots.txt, or it says nothing about us
    UNREACHABLE = "unreachable"  # the host could not tell: to be taken as a no
    NOT_ASKED = "not_asked"  # no page was wanted, or the policy says not to ask


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
    lesson: HostLesson | None = None  # what the answer taught about the host
    robots: RobotsVerdict | None = None


class Applied(StrEnum):
    """What became of an article plan."""

    DONE = "done"
    LEASE_LOST = "lease_lost"
    TAKEN = "taken"  # another article got one of the identities in between: match and plan again
