"""Feeds as their servers have them: what was published until now, shown through a window, with validators of one kind or another.

An entry is known by its number in the feed, which stands at the end of its link: whoever finds a stored entry knows when it was
published, whatever became of its guid.
"""

import math
import struct
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import Enum, auto
from urllib.parse import urlsplit

from ingest.model import Entry, FeedHead, Fetched, KeyedEntry, ParsedFeed, SeenItems, Validators
from ingest.policy import ParsePolicy

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_OPENING = '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">'
_ARCHIVE = "/archive/"


class Says(Enum):
    """What a server says about whether a document has changed."""

    BOTH = auto()  # ETag and Last-Modified, honestly
    ETAG = auto()
    DATE = auto()  # Last-Modified only
    NOTHING = auto()
    LIES = auto()  # it has an ETag, and answers 304 to whoever shows one, whatever happened since


@dataclass(frozen=True, slots=True)
class Version:
    """A document as it stands at one moment."""

    published: int  # entries so far
    edits: int  # of entries, so far
    served: int = 0  # times before, where that changes the document


@dataclass
class SimFeed:
    """A feed on the web. `published` and `edited` are moments in seconds since the start; an edit changes the entry that is the
    newest then.
    """

    url: str
    published: Sequence[float]
    window: int = 20
    says: Says = Says.BOTH
    max_age_s: int | None = None
    ttl_min: int | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[str, ...] = ()
    is_dated: bool = True
    has_rotating_guids: bool = False
    edited: Sequence[float] = ()
    archived: int = 0  # entries on each page of its archives (RFC 5005); 0: there are none
    hub_url: str | None = None
    is_listed: bool = True  # somebody wants it polled; else others lead to it
    served: int = field(default=0, init=False)
    _made: tuple[Version, bytes] | None = field(default=None, init=False, repr=False)
    _edited_numbers: tuple[int, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        self._edited_numbers = tuple(bisect_right(self.published, moment) - 1 for moment in self.edited)

    @property
    def is_honest(self) -> bool:
        return self.says is not Says.LIES

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def version(self, now_s: float) -> Version:
        served = self.served if self.has_rotating_guids else 0
        return Version(bisect_right(self.published, now_s), bisect_right(self.edited, now_s), served)

    def validators(self, version: Version, start: datetime) -> Validators:
        """What a whole answer bears."""
        if self.says is Says.LIES:
            return Validators(etag='"for-ever"')
        etag = f'"{version.published}-{version.edits}-{version.served}"' if self.says in (Says.BOTH, Says.ETAG) else None
        return Validators(etag, self._modified(version, start) if self.says in (Says.BOTH, Says.DATE) else None)

    def _modified(self, version: Version, start: datetime) -> str:
        latest = max(
            self.published[version.published - 1] if version.published else 0.0,
            self.edited[version.edits - 1] if version.edits else float("-inf"),
        )
        return format_datetime(start + timedelta(seconds=int(latest)), usegmt=True)

    def is_not_modified(self, held: Validators, version: Version, start: datetime) -> bool:
        """Whether the answer to who shows these validators is 304. The ETag decides where both are shown (RFC 9110 §13.2.2)."""
        if self.says is Says.LIES:
            return held != Validators()
        now = self.validators(version, start)
        if held.etag is not None:
            return held.etag == now.etag
        return held.last_modified is not None and held.last_modified == now.last_modified

    def render(self, version: Version, start: datetime) -> bytes:
        """The document as RSS 2.0."""
        if self._made is None or self._made[0] != version:
            self._made = (version, self._render(version, start))
        return self._made[1]

    def _render(self, version: Version, start: datetime) -> bytes:
        return self._document(shown(version.published, self.window), version, start, archive=self.archives(version))

    def archives(self, version: Version) -> int:
        """How many pages its archives have; the newest one is not full yet."""
        return math.ceil(version.published / self.archived) if self.archived else 0

    def archive_url(self, number: int) -> str:
        """Of the page with this number; 1 is the oldest."""
        return f"{self.url}{_ARCHIVE}{number}"

    def render_archive(self, number: int, version: Version, start: datetime) -> bytes | None:
        """The page of its archives with this number; None where there is none."""
        if not 1 <= number <= self.archives(version):
            return None
        numbers = range(min(number * self.archived, version.published) - 1, (number - 1) * self.archived - 1, -1)
        return self._document(numbers, version, start, archive=number - 1)

    def _document(self, numbers: Iterable[int], version: Version, start: datetime, *, archive: int) -> bytes:
        """RSS with these entries; what came before them is on the page of the archives with this number."""
        items = "".join(self._item(number, version, start) for number in numbers)
        before = f'<atom:link rel="prev-archive" href="{self.archive_url(archive)}"/>' if archive else ""
        hub = f'<atom:link rel="hub" href="{self.hub_url}"/><atom:link rel="self" href="{self.url}"/>' if self.hub_url else ""
        head = f"<title>{self.url}</title><link>{self.url}</link><description>Simulated</description>{self._hints()}{before}{hub}"
        return f"{_OPENING}<channel>{head}\n{items}</channel></rss>".encode()

    def _hints(self) -> str:
        ttl = f"<ttl>{self.ttl_min}</ttl>" if self.ttl_min is not None else ""
        hours = "".join(f"<hour>{hour}</hour>" for hour in self.skip_hours)
        days = "".join(f"<day>{day}</day>" for day in self.skip_days)
        return ttl + (f"<skipHours>{hours}</skipHours>" if hours else "") + (f"<skipDays>{days}</skipDays>" if days else "")

    def _item(self, number: int, version: Version, start: datetime) -> str:
        edits = self.edits_of(number, version)
        edit = f" (edit {edits})" if edits else ""
        guid = f"{number}.{version.served}" if self.has_rotating_guids else str(number)
        date = ""
        if self.is_dated:
            moment = start + timedelta(seconds=int(self.published[number]))
            date = f"<pubDate>{format_datetime(moment, usegmt=True)}</pubDate>"
        return (
            f'<item><guid isPermaLink="false">{guid}</guid><link>{self.url}/{number}</link><title>Entry {number}{edit}</title>'
            f"<description>What entry {number} of {self.url} says{edit}, in a sentence.</description>{date}</item>\n"
        )

    def edits_of(self, number: int, version: Version) -> int:
        """How often an entry was edited so far."""
        return self._edited_numbers[: version.edits].count(number)

    def edited_between(self, before: int, now: int) -> Collection[int]:
        """The numbers of the entries that these edits changed."""
        return self._edited_numbers[before:now]

    def skips(self, moment: datetime) -> bool:
        """Whether the feed asks not to be polled at this moment."""
        return moment.hour in self.skip_hours or _DAYS[moment.weekday()] in self.skip_days


def shown(published: int, window: int) -> range:
    """The numbers of the entries that a document shows, newest first."""
    return range(published - 1, max(published - window, 0) - 1, -1)


def number_of(url: str | None) -> int:
    """The number of an entry, by its link."""
    return int((url or "-1").rpartition("/")[2])


def archive_of(path: str) -> tuple[str, int] | None:
    """Of which feed this is a page of its archives, by the feed's path, and which page."""
    feed, mark, number = path.rpartition(_ARCHIVE)
    return (feed, int(number)) if mark and number.isdecimal() else None


# ── documents that are not written out and read again: for runs in which parsing would take most of the time ────────────


class Unwritten(bytes):
    """A document that carries what it would say. Only the same process can read it."""

    feed: SimFeed
    version: Version
    start: datetime


def unwritten(feed: SimFeed, version: Version, start: datetime) -> Unwritten:
    document = Unwritten(f"{feed.url} {version.published} {version.edits} {version.served}".encode())
    document.feed, document.version, document.start = feed, version, start
    return document


def read_unwritten(
    fetched: Fetched, policy: ParsePolicy, seen: SeenItems | None = None
) -> tuple[ParsedFeed, tuple[KeyedEntry, ...]]:
    """In place of `ingest.pipeline.feeds.read_feed`: the entries that the last document did not have."""
    document = fetched.body
    assert isinstance(document, Unwritten)
    feed, version = document.feed, document.version
    before, edits = _COUNTS.unpack(seen.hashes) if seen and seen.hashes else (0, 0)
    numbers = shown(version.published, feed.window)
    edited = feed.edited_between(edits, version.edits)
    unseen = [number for number in numbers if number >= before or number in edited]
    head = FeedHead("rss20", title=feed.url, ttl_s=feed.ttl_min * 60 if feed.ttl_min else None, skip_hours=feed.skip_hours)
    keyed = tuple(_keyed(number, document) for number in unseen)
    now_seen = SeenItems(b"unwritten", _COUNTS.pack(version.published, version.edits), b"", head)
    return ParsedFeed(head, (), pruned=len(numbers) - len(unseen), seen=now_seen), keyed


_COUNTS = struct.Struct("<II")


def _keyed(number: int, document: Unwritten) -> KeyedEntry:
    feed, version = document.feed, document.version
    said = f"{number} {feed.edits_of(number, version)}"
    entry = Entry(
        guid=f"{number}",
        url=f"{feed.url}/{number}",
        title=f"Entry {said}",
        summary=f"What entry {said} says.",
        published_at=document.start + timedelta(seconds=int(feed.published[number])) if feed.is_dated else None,
    )
    return KeyedEntry(f"guid {number}", said, entry)
