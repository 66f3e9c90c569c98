"""One poll of one feed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ingest.decide import (
    Found,
    Terms,
    body_hash,
    plan_feed,
    plan_feed_failure,
    plan_feed_in_outage,
    plan_feed_without_turn,
    plan_pushed_feed,
    plan_same_feed,
)
from ingest.errors import FetchError, IngestError, LeaseLost, NoTurn, ParseError, WorkKilled
from ingest.model import (
    Applied,
    FeedClaim,
    FeedPlan,
    Fetched,
    FetchRequest,
    KeyedEntry,
    KnownEntry,
    Lease,
    NotModified,
    ParsedFeed,
    Purpose,
    SeenItems,
    Validators,
)
from ingest.parse import key_entries, parse
from ingest.pipeline.batch import Together, applying
from ingest.pipeline.edges import Edges
from ingest.pipeline.pace import Pacer
from ingest.pipeline.secrets import scoped_secrets
from ingest.policy import ParsePolicy, PollPolicy
from ingest.ports import FeedStore
from ingest.schedule import effective_gap_s, wants_probe

_HASHED_AT_ONCE = 500_000  # bytes: 0.4 ms
_CLAIMED_IN_OUTAGE = 2  # feeds: enough to see that the network is back


@dataclass(frozen=True, slots=True)
class FeedTools:
    """What a poll needs. `slow_down` and `full_text` are those of `Terms`."""

    store: FeedStore
    edges: Edges
    pacer: Pacer
    poll: PollPolicy
    parse: ParsePolicy
    slow_down: float = 1.0
    full_text: bool = True
    apply: Together[FeedPlan, Applied] = field(init=False)
    seen: Together[int, SeenItems | None] = field(init=False)  # of feeds by their ids
    known: Together[tuple[int, Collection[str]], Mapping[str, KnownEntry]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "apply", applying(self.store, self.edges.in_thread))
        object.__setattr__(self, "seen", Together(self._find_seen))
        object.__setattr__(self, "known", Together(self._find_known))

    async def _find_seen(self, feed_ids: Sequence[int]) -> Sequence[SeenItems | None]:
        return await self.edges.in_thread(self.store.seen_items, feed_ids)

    async def _find_known(self, asked: Sequence[tuple[int, Collection[str]]]) -> Sequence[Mapping[str, KnownEntry]]:
        return await self.edges.in_thread(self.store.known_entries, asked)

    def terms(self) -> Terms:
        """By what a poll is planned now."""
        return Terms(self.poll, self.edges.hosts, self.pacer.pace, self.edges.chance(), self.slow_down, self.full_text)


async def poll_feed(
    claim: FeedClaim, tools: FeedTools, *, document: Fetched | None = None, is_push: bool = False, is_whole: bool = False
) -> FeedPlan:
    """Visit the feed and write what came of it. Raises LeaseLost when another worker has it now; StoreError.

    A `document` of the feed that was fetched a moment ago, or that its hub pushed (`is_push`), is not asked for again. A pushed
    one that cannot be read raises ParseError or WorkKilled, and the feed stays claimed. `is_whole` asks for the document, and
    reads it, even where ours is current.
    """
    started_s = tools.edges.clock.monotonic_s()
    asked = replace(claim, validators=Validators(), body_hash=None) if is_whole else claim
    try:
        plan = await _visit(asked, tools, document, is_push=is_push)
    except (FetchError, ParseError, WorkKilled) as error:
        if is_push:  # a hub may send anything: that is no failure of the feed
            raise
        return await _fail(claim, error, tools, started_s=started_s)
    await _apply(plan, tools)
    return plan


async def _apply(plan: FeedPlan, tools: FeedTools) -> None:
    if await tools.apply(plan) is Applied.LEASE_LOST:
        raise LeaseLost(f"feed {plan.claim.feed_id} is no longer held by {plan.claim.lease.owner}")
    tools.edges.observer.feed_polled(plan)


async def _visit(claim: FeedClaim, tools: FeedTools, document: Fetched | None, *, is_push: bool) -> FeedPlan:
    answer = document or await _ask(claim, tools)
    if isinstance(answer, NotModified):
        return plan_same_feed(claim, answer, terms=tools.terms())
    digest = await _hash(answer.body, tools)
    is_same = claim.body_hash == digest
    if is_same and not is_push:
        return plan_same_feed(claim, answer, terms=tools.terms())
    seen = None if is_same else await tools.seen(claim.feed_id)
    parsed, keyed = await tools.edges.offload(tools.parse.timeout_s, read_feed, answer, tools.parse, seen)
    known = await tools.known((claim.feed_id, [entry.key for entry in keyed]))
    plan = plan_pushed_feed if is_push else plan_feed
    return plan(claim, answer, Found(parsed, keyed, known, digest), terms=tools.terms())


async def _ask(claim: FeedClaim, tools: FeedTools) -> Fetched | NotModified:
    edges = tools.edges
    now = edges.clock.now()
    is_whole = wants_probe(claim.trust, claim.full_at, now, tools.poll)
    try:
        answer = await edges.fetcher.fetch(
            FetchRequest(
                claim.url,
                Purpose.FEED,
                Validators() if is_whole else claim.validators,
                claim.options.user_agent,
                scoped_secrets(edges.secrets, claim.secrets_url, claim.url),
                host_granted=claim.host.host if claim.has_turn else None,
                host_gap_s=effective_gap_s(claim.host, now, edges.hosts),
            )
        )
    except FetchError as error:
        edges.network.failed(claim.host.host, error, was_failing=bool(claim.failures))
        raise
    edges.network.answered(claim.host.host)
    return answer


async def _hash(body: bytes, tools: FeedTools) -> str:
    """The hash of the document; in a thread where that takes more than a moment."""
    return body_hash(body) if len(body) <= _HASHED_AT_ONCE else await tools.edges.in_thread(body_hash, body)


async def _fail(claim: FeedClaim, error: IngestError, tools: FeedTools, *, started_s: float) -> FeedPlan:
    """Write a poll that failed. While our own network is away no failure counts, nor do those that led to that verdict, nor
    does one for which nobody was asked.
    """
    now, network = tools.edges.clock.now(), tools.edges.network
    elapsed_ms = round(1000 * (tools.edges.clock.monotonic_s() - started_s))
    if isinstance(error, NoTurn):
        plan = plan_feed_without_turn(claim, error, now=now, terms=tools.terms(), elapsed_ms=elapsed_ms)
        await _apply(plan, tools)
    elif isinstance(error, FetchError) and network.is_ours(error, since_s=started_s):
        plan = plan_feed_in_outage(claim, error, now=now, terms=tools.terms(), elapsed_ms=elapsed_ms)
        await _apply(plan, tools)
    else:
        plan = plan_feed_failure(claim, error, now=now, terms=tools.terms(), elapsed_ms=elapsed_ms)
        await _apply(plan, tools)
        network.counted(claim, error)
    if network.is_away and (counted := network.take_counted()):  # only what is written can be forgiven
        await tools.edges.in_thread(tools.store.forgive, counted, now)
    return plan


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

    async def claim(self, limit: int) -> Sequence[FeedClaim]:
        tools, now = self.tools, self.tools.edges.clock.now()
        if tools.edges.network.is_away:
            limit = min(limit, self._most_in_outage())
        if not limit:
            return ()
        return await tools.edges.in_thread(
            tools.store.claim,
            now,
            limit=limit,
            lease_until=now + timedelta(seconds=tools.poll.lease_s),
            due_by=self._due_by(now),
        )

    def _most_in_outage(self) -> int:
        """A few now and then: failing costs no time where there is no network at all. A single pass does not wait for it."""
        is_time = self.due_by is not None or self.tools.edges.network.is_time_to_try()
        return _CLAIMED_IN_OUTAGE if is_time else 0

    async def is_waiting(self) -> bool:
        now = self.tools.edges.clock.now()
        return await self.tools.edges.in_thread(self.tools.store.is_waiting, now, due_by=self._due_by(now))

    def _due_by(self, now: datetime) -> datetime:
        return min(self.due_by or now, now)  # a clock set back would make what was just polled due again

    async def handle(self, claim: FeedClaim) -> None:
        await poll_feed(claim, self.tools)

    async def crashed(self, claim: FeedClaim, error: Exception) -> None:
        """A poll that trips over a defect of ours is a failed poll with a reason, not one repeated for ever."""
        told = IngestError(f"{type(error).__name__}: {error}")
        await _fail(claim, told, self.tools, started_s=self.tools.edges.clock.monotonic_s())

    def key(self, claim: FeedClaim) -> int:
        return claim.feed_id

    def lease(self, claim: FeedClaim) -> Lease:
        return claim.lease

    async def renew(self, leases: Mapping[int, Lease]) -> None:
        until = self.tools.edges.clock.now() + timedelta(seconds=self.tools.poll.lease_s)
        await self.tools.edges.in_thread(self.tools.store.renew, leases, until)

    async def release(self, leases: Mapping[int, Lease]) -> None:
        await self.tools.edges.in_thread(self.tools.store.release, leases)
