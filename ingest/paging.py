"""A feed's older pages, one after the other: what each holds, what of it is not known yet, and where to go on.

Shared by those who read a whole history (`backfill`) and by those who look for what was missed (`repair`); what they write of it
is their business.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from ingest.errors import PermanentFetchError
from ingest.history import next_checkpoint
from ingest.model import Checkpoint, FeedInfo, Fetched, FetchRequest, KeyedEntry, ParsedFeed, Purpose, Strategy
from ingest.pipeline import read_feed, scoped_secrets
from ingest.wiring import Service

_NO_SUCH_PAGE = (404, 410)


@dataclass(frozen=True, slots=True)
class Page:
    """One older page. The history goes on at `following`; it is over as far as it is wanted where `is_over`, and why."""

    url: str
    unseen: tuple[KeyedEntry, ...]  # entries that the feed has not had
    known_since_at: datetime | None  # when the first of the others came; None: all are unseen
    following: Checkpoint
    is_over: bool
    reason: str


@dataclass(slots=True)
class Pager:
    """Reads the older pages of one feed. Pages that lead in a circle are read once."""

    service: Service
    feed: FeedInfo
    strategy: Strategy
    asked: set[str] = field(default_factory=set)

    async def read(self, url: str, checkpoint: Checkpoint, *, since: datetime | None) -> Page:
        """The page at `url`, where `checkpoint` stands; over with pages that are older than `since` as a whole.

        Raises FetchError, ParseError, WorkKilled.
        """
        self.asked.add(url)
        try:
            parsed, keyed = await read_page(self.service, url, self.feed.url, user_agent=self.feed.options.user_agent)
        except PermanentFetchError as error:
            if self.strategy is not Strategy.WORDPRESS or error.status not in _NO_SUCH_PAGE:
                raise
            # WordPress ends its paging with 404.
            return Page(url, (), None, replace(checkpoint, next_url=None), True, f"the end: page answers {error.status}")
        store = self.service.store.feeds
        asked = (self.feed.feed_id, [entry.key for entry in keyed])
        (known,) = await self.service.in_thread(store.known_entries, [asked])
        unseen = tuple(entry for entry in keyed if entry.key not in known)
        following, is_over, reason = next_checkpoint(
            self.strategy, parsed, url, checkpoint, new_keys=len(unseen), newest=_newest(keyed), since=since
        )
        if following.next_url in self.asked:
            following, is_over, reason = replace(following, next_url=None), True, "the end: its pages lead in a circle"
        known_since_at = min((entry.first_seen_at for entry in known.values() if entry.first_seen_at), default=None)
        return Page(url, unseen, known_since_at, following, is_over, reason)


def _newest(keyed: tuple[KeyedEntry, ...]) -> datetime | None:
    dates = (entry.entry.published_at or entry.entry.updated_at for entry in keyed)
    return max((date for date in dates if date), default=None)


async def read_page(
    service: Service, url: str, feed_url: str, *, document: Fetched | None = None, user_agent: str | None = None
) -> tuple[ParsedFeed, tuple[KeyedEntry, ...]]:
    """The feed document at `url`, a page of the history of `feed_url`, with its entries. Raises FetchError, ParseError.

    A `document` that was fetched a moment ago is not asked for again.
    """
    answer = document or await fetch_feed(service, url, feed_url, user_agent=user_agent)
    parsed, keyed = await service.offload(service.feeds.parse.timeout_s, read_feed, answer, service.feeds.parse)
    return replace(parsed, entries=tuple(entry.entry for entry in keyed)), keyed


async def fetch_feed(service: Service, url: str, feed_url: str | None = None, *, user_agent: str | None = None) -> Fetched:
    """The document at `url`, with the secrets of `feed_url` where both have one origin. Raises FetchError."""
    secrets = scoped_secrets(service.feeds.edges.secrets, feed_url or url, url)
    answer = await service.fetch(FetchRequest(url, Purpose.FEED, user_agent=user_agent, secrets=secrets))
    assert isinstance(answer, Fetched)  # 304 answers conditions, and none were made
    return answer
