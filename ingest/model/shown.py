"""What people are shown, and how they choose it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.model.configured import FeedOptions, FeedOrigin, FeedState
from ingest.model.held import Move
from ingest.model.learned import HostState, Learned
from ingest.model.planned import EntryState, RobotsVerdict
from ingest.model.said import Quality
from ingest.outcome import Outcome


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
    next_reason: str = ""
    listed_url: str | None = None  # as it was listed, where it has moved since
    move: Move | None = None
    trust: float = 1.0
    full_at: datetime | None = None
    learned: Learned = Learned()
    host: HostState = HostState("")
    probe_at: datetime | None = None
    not_before_at: datetime | None = None
    hub_url: str | None = None
    is_pushed: bool = False


@dataclass(frozen=True, slots=True)
class MoveInfo:
    """An address that a feed gave up for another."""

    from_url: str
    to_url: str
    moved_at: datetime
    reason: str
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class GapInfo:
    """Entries that came and went between two polls, and what became of them."""

    gap_id: int
    feed_id: int
    feed_url: str
    since_at: datetime
    until_at: datetime
    missed: float  # entries, estimated
    found: int | None  # by a repair; None: none was tried
    repaired_at: datetime | None
    reason: str
    repair: str  # how it went
    tries: int = 0  # to repair it
    next_try_at: datetime | None = None  # None: no further one

    @property
    def is_open(self) -> bool:
        """Whether it is still to be looked into."""
        return self.found is None


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
    quality: Quality
    extractor: str
    extractor_version: str
    credit: str | None
    revision: int
    first_seen_at: datetime
    feeds: tuple[str, ...]
    entries: int
    robots: RobotsVerdict | None = None  # what robots.txt said of its page; None: nobody asked
    evidence: Mapping[str, Any] = field(default_factory=dict)  # what the quality was judged by
    facts: Mapping[str, Any] = field(default_factory=dict)  # what the page says beside title, authors and date


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """Which articles to list. None means: no limit by this."""

    feed: str | None = None  # feed URL or id
    since: datetime | None = None  # published (or, without a date, first seen) at or after
    until: datetime | None = None  # before
    language: str | None = None
    text: str | None = None  # words that must all occur in title or text
    limit: int | None = None
