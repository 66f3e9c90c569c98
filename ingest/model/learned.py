"""What polls taught: about a feed, when it publishes; about a host, how often it may be asked."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hints:
    """A document's own word about when to come back."""

    ttl_s: int | None = None
    update_period_s: int | None = None  # sy:updatePeriod / sy:updateFrequency
    skip_hours: tuple[int, ...] = ()  # UTC hours, 0–23
    skip_days: tuple[str, ...] = ()  # Monday … Sunday


@dataclass(frozen=True, slots=True)
class Learned:
    """What the polls of a feed taught. Decay and watch are closed forms of time: a quiet poll changes nothing here."""

    entries: float = 0.0  # published while we watched; older ones count less
    days: float = 0.0  # of that watch, decayed alike
    until_at: datetime | None = None  # as of when the two hold
    hours: bytes = b""  # weights of the hours of the week, see `schedule.rate`; empty while the data carry no shape
    window: int = 0  # entries that the document shows
    newest_at: datetime | None = None  # latest believable date of an entry in the last document
    overlaps: int = 0  # polls in a row whose document overlapped the one before; capped
    hints: Hints = Hints()


@dataclass(frozen=True, slots=True)
class HostState:
    """What is known of a host, as of a claim."""

    host: str
    gap_s: float | None = None  # learned, between the starts of two requests
    crawl_delay_s: float | None = None  # of its robots.txt
    granted: int = 0  # requests granted since `window_at`
    window_at: datetime | None = None
    refused_at: datetime | None = None  # it last said that this was too much
    throttled_until: datetime | None = None
    feeds: int = 1  # active feeds on it


@dataclass(frozen=True, slots=True)
class Turn:
    """When the next request to a host may start, and whether that turn is now the asker's alone."""

    at: datetime
    is_ours: bool


@dataclass(frozen=True, slots=True)
class HostLesson:
    """What an answer taught about a host: from now on so far apart, and nothing before then."""

    gap_s: float | None  # None: as before
    throttled_until: datetime | None
    reason: str
    host: str = ""  # whose it is; empty: that of the claim
