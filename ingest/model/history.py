"""A feed's history: where it is found and how far it has been read."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ingest.model.planned import EntryPlan


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


@dataclass(frozen=True, slots=True)
class GapRepair:
    """What a look for missed entries led to: all that it writes, in one transaction."""

    gap_id: int
    feed_id: int
    tried_at: datetime
    how: str
    found: int | None = None  # None: it could not be looked for yet
    new: tuple[EntryPlan, ...] = ()
    next_try_at: datetime | None = None  # None: that was the last look
    is_try: bool = True  # else nobody was asked, and it does not count as one
