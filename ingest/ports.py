"""What the walk needs from the world, written from the caller's side. Implementations do not inherit from these.

Stores are called from threads, never on the event loop: `InThread` carries the call. Work that costs CPU goes through
`Offload` into a process that can be killed.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import ParamSpec, Protocol, TypeVar

from ingest.model import (
    Applied,
    ArticleClaim,
    ArticlePlan,
    Backfill,
    Candidate,
    Checkpoint,
    FeedClaim,
    FeedPlan,
    Fetched,
    FetchRequest,
    HistoryPlan,
    KnownEntry,
    Lease,
    NotModified,
    RobotsFile,
    SeenItems,
    Sought,
    Strategy,
)

P = ParamSpec("P")
T = TypeVar("T")


class Fetcher(Protocol):
    """One HTTP exchange within its limits."""

    async def fetch(self, request: FetchRequest) -> Fetched | NotModified:
        """The document, or the word that ours is current.

        Raises FetchError; StoreError where turns at hosts are kept in a database that is away, and nobody was asked.
        """
        ...


class HostTurns(Protocol):
    """Turns at hosts, kept together by all daemons of one database."""

    async def reserve(self, host: str) -> float:
        """Seconds to wait for the turn that is now ours.

        Raises NoTurn where the host is to be left alone for longer than a request can wait; StoreError.
        """
        ...


class FeedStore(Protocol):
    """Feeds as work: claimed, polled, applied."""

    def claim(self, now: datetime, *, limit: int, lease_until: datetime, due_by: datetime | None = None) -> tuple[FeedClaim, ...]:
        """Up to `limit` feeds that were due by then (None: now), most overdue first, each with a turn at its host now.

        None of them is held by anyone else.
        """
        ...

    def is_waiting(self, now: datetime, *, due_by: datetime | None = None) -> bool:
        """Whether a feed that was due by then, and that nobody holds, waits for nothing but its host's turn."""
        ...

    def forgive(self, claims: Sequence[FeedClaim], now: datetime) -> None:
        """Make these feeds what they were when they were claimed, and due now: that their polls failed was not their fault."""
        ...

    def seen_items(self, feed_ids: Sequence[int]) -> Sequence[SeenItems | None]:
        """Of each feed the items of its last document; None where nothing is known of them."""
        ...

    def known_entries(self, asked: Sequence[tuple[int, Collection[str]]]) -> Sequence[Mapping[str, KnownEntry]]:
        """Of each feed, asked about with keys of entries, those entries that it has had before."""
        ...

    def apply(self, plans: Sequence[FeedPlan]) -> tuple[Applied, ...]:
        """Write the plans in one transaction, each whole or not at all, and give the leases back; says what became of each."""
        ...

    def renew(self, leases: Mapping[int, Lease], until: datetime) -> None:
        """Hold these feeds until `until`; those already lost are passed over."""
        ...

    def release(self, leases: Mapping[int, Lease]) -> None:
        """Give these feeds back unworked, due as before."""
        ...


class ArticleStore(Protocol):
    """Entries as work: claimed, made into articles, applied."""

    def claim(self, now: datetime, *, limit: int, lease_until: datetime, texts: int = 0) -> tuple[ArticleClaim, ...]:
        """Up to `limit` entries whose article is due, live ones before those of a backfill, each with a turn at its host.

        Of those for which nobody is asked up to `texts` more.
        """
        ...

    def is_waiting(self, now: datetime) -> bool:
        """Whether a due entry that nobody holds waits for nothing but its host's turn."""
        ...

    def candidates(self, sought: Sequence[Sought]) -> tuple[tuple[Candidate, ...], ...]:
        """For each of `sought` the stored articles that it looks for."""
        ...

    def apply(self, plans: Sequence[ArticlePlan]) -> tuple[Applied, ...]:
        """Write the plans in one transaction, each whole or not at all; says what became of each."""
        ...

    def renew(self, leases: Mapping[int, Lease], until: datetime) -> None:
        """Hold these entries until `until`; those already lost are passed over."""
        ...

    def release(self, leases: Mapping[int, Lease]) -> None:
        """Give these entries back unworked, due as before."""
        ...


class HistoryStore(Protocol):
    """Backfills as checkpoints."""

    def open(self, feed_id: int, strategy: Strategy, start: Checkpoint, now: datetime) -> Backfill:
        """The stored backfill of this feed and strategy, or a new one that begins at `start`."""
        ...

    def apply(self, plan: HistoryPlan) -> None:
        """Write the entries of one page and the checkpoint behind it in one transaction."""
        ...


class RobotsStore(Protocol):
    """robots.txt of origins, as they were last told."""

    def find(self, origin: str) -> RobotsFile | None:
        """What is known of that of `origin`, believed or not."""
        ...

    def put(self, file: RobotsFile) -> None:
        """Keep this instead of what was known."""
        ...


class CrawlDelays(Protocol):
    """What the robots.txt of hosts say about the pause between two requests."""

    def set_crawl_delay(self, host: str, delay_s: float | None, now: datetime) -> None:
        """From now on so long; None: it does not say."""
        ...


class InThread(Protocol):
    """Run a blocking call in a thread."""

    def __call__(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...


class Offload(Protocol):
    """Run a pure function in a worker process; raises WorkKilled when it takes too long or takes its process with it."""

    def __call__(self, timeout_s: float, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...
