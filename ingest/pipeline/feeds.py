"""One poll of one feed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ingest.decide import Found, body_hash, plan_feed, plan_feed_failure, plan_same_feed
from ingest.errors import FetchError, IngestError, ParseError, WorkKilled
from ingest.model import (
    FeedClaim,
    FeedPlan,
    Fetched,
    FetchRequest,
    KeyedEntry,
    Lease,
    NotModified,
    ParsedFeed,
    Purpose,
    SeenItems,
)
from ingest.parse import key_entries, parse
from ingest.pipeline.edges import Edges
from ingest.pipeline.runner import claims_per_host
from ingest.policy import ParsePolicy, PollPolicy
from ingest.ports import FeedStore
from ingest.urls import host_of


@dataclass(frozen=True, slots=True)
class FeedTools:
    """What a poll needs."""

    store: FeedStore
    edges: Edges
    poll: PollPolicy
    parse: ParsePolicy


async def poll_feed(claim: FeedClaim, tools: FeedTools, *, document: Fetched | None = None) -> FeedPlan:
    """Visit the feed and write what came of it. Raises LeaseLost when another worker has it now; StoreError.

    A `document` of the feed that was fetched a moment ago is not asked for again.
    """
    started_s = tools.edges.clock.monotonic_s()
    try:
        plan = await _visit(claim, tools, document)
    except (FetchError, ParseError, WorkKilled) as error:
        elapsed_ms = round(1000 * (tools.edges.clock.monotonic_s() - started_s))
        plan = _failed(claim, error, tools, elapsed_ms)
    await tools.edges.in_thread(tools.store.apply, plan)
    tools.edges.observer.feed_polled(plan)
    return plan


async def _visit(claim: FeedClaim, tools: FeedTools, document: Fetched | None) -> FeedPlan:
    answer = document or await tools.edges.fetcher.fetch(
        FetchRequest(claim.url, Purpose.FEED, claim.validators, claim.options.user_agent, tools.edges.secrets(claim.url))
    )
    if isinstance(answer, NotModified):
        return plan_same_feed(claim, answer, policy=tools.poll, chance=tools.edges.chance())
    digest, seen = await tools.edges.in_thread(_recall, tools.store, claim, answer.body)
    if claim.body_hash == digest:
        return plan_same_feed(claim, answer, policy=tools.poll, chance=tools.edges.chance())
    parsed, keyed = await tools.edges.offload(tools.parse.timeout_s, read_feed, answer, tools.parse, seen)
    known = await tools.edges.in_thread(tools.store.known_entries, claim.feed_id, [entry.key for entry in keyed])
    found = Found(parsed, keyed, known, digest)
    return plan_feed(claim, answer, found, policy=tools.poll, chance=tools.edges.chance())


def _recall(store: FeedStore, claim: FeedClaim, body: bytes) -> tuple[str, SeenItems | None]:
    """The hash of the document and, if it is another than the last time, what the last one held. Blocks: 10 MB take 7 ms."""
    digest = body_hash(body)
    return digest, None if digest == claim.body_hash else store.seen_items(claim.feed_id)


def _failed(claim: FeedClaim, error: IngestError, tools: FeedTools, elapsed_ms: int = 0) -> FeedPlan:
    return plan_feed_failure(
        claim,
        error,
        now=tools.edges.clock.now(),
        policy=tools.poll,
        hosts=tools.edges.hosts,
        chance=tools.edges.chance(),
        elapsed_ms=elapsed_ms,
    )


def read_feed(fetched: Fetched, policy: ParsePolicy, seen: SeenItems | None = None) -> tuple[ParsedFeed, tuple[KeyedEntry, ...]]:
    """The document understood, its entries keyed (and only there: they cross a process border). Runs in a worker process.

    With `seen`, of the feed's last document, the entries are those that it did not have word for word.
    """
    parsed = parse(fetched.body, url=fetched.final_url, headers=fetched.headers, policy=policy, now=fetched.fetched_at, seen=seen)
    return replace(parsed, entries=()), key_entries(parsed.entries)


class FeedWork:
    """Due feeds, for the runner: what was due by `due_by` (None: what is due at the moment of each claim)."""

    name = "feed"

    def __init__(self, tools: FeedTools, *, due_by: datetime | None = None) -> None:
        self.tools = tools
        self.due_by = due_by

    async def claim(self, limit: int, busy_hosts: Sequence[str]) -> Sequence[FeedClaim]:
        tools, now = self.tools, self.tools.edges.clock.now()
        return await tools.edges.in_thread(
            tools.store.claim,
            min(self.due_by or now, now),  # a clock set back would make what was just polled due again
            limit=limit,
            lease_until=now + timedelta(seconds=tools.poll.lease_s),
            skip_hosts=busy_hosts,
            per_host=claims_per_host(tools.edges.hosts),
        )

    async def handle(self, claim: FeedClaim) -> None:
        await poll_feed(claim, self.tools)

    async def crashed(self, claim: FeedClaim, error: Exception) -> None:
        """A poll that trips over a defect of ours is a failed poll with a reason, not one repeated for ever."""
        plan = _failed(claim, IngestError(f"{type(error).__name__}: {error}"), self.tools)
        await self.tools.edges.in_thread(self.tools.store.apply, plan)
        self.tools.edges.observer.feed_polled(plan)

    def key(self, claim: FeedClaim) -> int:
        return claim.feed_id

    def host(self, claim: FeedClaim) -> str:
        return host_of(claim.url)

    def lease(self, claim: FeedClaim) -> Lease:
        return claim.lease

    async def renew(self, leases: Mapping[int, Lease]) -> None:
        until = self.tools.edges.clock.now() + timedelta(seconds=self.tools.poll.lease_s)
        await self.tools.edges.in_thread(self.tools.store.renew, leases, until)

    async def release(self, leases: Mapping[int, Lease]) -> None:
        await self.tools.edges.in_thread(self.tools.store.release, leases)
