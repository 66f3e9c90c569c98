"""What a worker holds while it works: claims under a lease."""

from dataclasses import dataclass
from datetime import datetime

from ingest.model.asked import Validators
from ingest.model.configured import FeedOptions
from ingest.model.learned import HostState, Learned
from ingest.model.said import Entry
from ingest.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to finish one piece of work. `fence` grows with every claim, so a late finisher is recognised."""

    owner: str
    fence: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """A permanent redirect that a feed has answered with: where to, since when, and how often in a row."""

    to_url: str
    since_at: datetime
    polls: int = 1


@dataclass(frozen=True, slots=True)
class FeedClaim:
    """One feed that is due, with all that a poll of it needs."""

    feed_id: int
    url: str
    lease: Lease
    options: FeedOptions = FeedOptions()
    validators: Validators = Validators()
    trust: float = 1.0  # in the validators, 0 to 1
    full_at: datetime | None = None  # of the last document that came whole: until then the validators are proven
    body_hash: str | None = None  # of the last document that was parsed
    failures: float = 0.0  # weighted failures in a row
    polled_at: datetime | None = None
    outcome: Outcome | None = None  # of that poll
    language: str | None = None
    listed_url: str = ""  # as it was listed, where that is another than `url`: the feed has moved since
    move: Move | None = None
    refused_url: str | None = None  # a target that a person took back: never adopted again
    learned: Learned = Learned()
    host: HostState = HostState("")
    has_turn: bool = True  # at its host, given with the claim; else a poll asks for one
    is_pushed: bool = False  # its hub has proven to push all that the feed publishes
    is_last_probe: bool = False  # it was given up; this poll decides whether for good

    @property
    def has_failed(self) -> bool:
        """Whether the last poll failed. It may not count as a failure: in an outage of our own network none does."""
        return bool(self.failures) or (self.outcome is not None and not self.outcome.is_success)

    @property
    def secrets_url(self) -> str:
        """The address under which the feed's secrets are configured."""
        return self.listed_url or self.url


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
    host: HostState = HostState("")
