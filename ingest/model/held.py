"""What a worker holds while it works: claims under a lease."""

from dataclasses import dataclass
from datetime import datetime

from ingest.model.asked import Validators
from ingest.model.configured import FeedOptions
from ingest.model.said import Entry


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to finish one piece of work. `fence` grows with every claim, so a late finisher is recognised."""

    owner: str
    fence: int
    until: datetime


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
    entry: Entry
    lease: Lease
    options: FeedOptions = FeedOptions()
    attempts: int = 0  # failed ones so far
    article_id: int | None = None
    feed_url: str = ""
    feed_language: str | None = None
