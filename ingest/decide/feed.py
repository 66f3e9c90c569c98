"""One poll of a feed → its plan."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ingest.decide.filters import plan_entry
from ingest.errors import FetchError, IngestError, ParseError, WorkKilled
from ingest.headers import freshness_s, validators
from ingest.model import (
    EntryPlan,
    FeedClaim,
    FeedPlan,
    FeedState,
    Fetched,
    KeyedEntry,
    KnownEntry,
    NotModified,
    ParsedFeed,
    SeenItems,
)
from ingest.outcome import Outcome
from ingest.policy import HostPolicy, PollPolicy
from ingest.schedule import failure_weight, next_poll_after_failure, next_poll_at, throttled_until

_PERMANENT = frozenset({301, 308})


def body_hash(body: bytes) -> str:
    """By which an unchanged document is recognised when the server does not say so."""
    return hashlib.sha256(body).hexdigest()


@dataclass(frozen=True, slots=True)
class Found:
    """What a document turned out to hold."""

    parsed: ParsedFeed
    keyed: tuple[KeyedEntry, ...]
    known: Mapping[str, KnownEntry]  # those of `keyed` that the feed has had before, by key
    body_hash: str


def plan_feed(claim: FeedClaim, fetched: Fetched, found: Found, *, policy: PollPolicy, chance: float) -> FeedPlan:
    """A document was parsed: its unseen entries are new, those that say something else now are changed.

    Items that were pruned are known: what was seen was stored with the entries it led to.
    """
    parsed, keyed = found.parsed, found.keyed
    new, changed = _sort_out(claim, keyed, found.known)
    return FeedPlan(
        claim=claim,
        polled_at=fetched.fetched_at,
        outcome=Outcome.OK,
        reason=_describe(parsed),
        status=fetched.status,
        elapsed_ms=fetched.elapsed_ms,
        body_bytes=len(fetched.body),
        seen=len(keyed) + parsed.pruned,
        overlap=sum(entry.key in found.known for entry in keyed) + parsed.pruned,
        new=new,
        changed=changed,
        head=parsed.head,
        seen_items=parsed.seen or SeenItems(b"", b""),  # what was seen before need not be what is stored now
        validators=validators(fetched.headers),
        body_hash=found.body_hash,
        next_poll_at=next_poll_at(
            fetched.fetched_at,
            policy,
            chance=chance,
            interval_s=claim.options.interval_s,
            head=parsed.head,
            freshness_s=freshness_s(fetched.headers, fetched.fetched_at),
        ),
        moved_to=_permanent_target(fetched),
    )


def plan_same_feed(claim: FeedClaim, answer: NotModified | Fetched, *, policy: PollPolicy, chance: float) -> FeedPlan:
    """The server says 304, or sent the very bytes of the last poll: nothing but the visit is written."""
    is_304 = isinstance(answer, NotModified)
    return FeedPlan(
        claim=claim,
        polled_at=answer.fetched_at,
        outcome=Outcome.NOT_MODIFIED,
        reason="304" if is_304 else "same bytes as at the last poll",
        status=answer.status,
        elapsed_ms=answer.elapsed_ms,
        body_bytes=0 if isinstance(answer, NotModified) else len(answer.body),
        validators=answer.validators if isinstance(answer, NotModified) else validators(answer.headers),
        next_poll_at=next_poll_at(
            answer.fetched_at,
            policy,
            chance=chance,
            interval_s=claim.options.interval_s,
            freshness_s=freshness_s(answer.headers, answer.fetched_at),
        ),
    )


def plan_feed_failure(
    claim: FeedClaim,
    error: IngestError,
    *,
    now: datetime,
    policy: PollPolicy,
    hosts: HostPolicy,
    chance: float,
    elapsed_ms: int = 0,
) -> FeedPlan:
    """The poll failed: entries and validators stay as they are, the feed waits longer, and after many failures is given up."""
    outcome, status, reason = _read_error(error)
    failures = claim.failures + failure_weight(outcome, status)
    is_over = failures >= policy.disable_after
    throttled = throttled_until(error.retry_after_s if isinstance(error, FetchError) else None, now, hosts)
    next_at = next_poll_after_failure(now, policy, chance=chance, failures=failures, interval_s=claim.options.interval_s)
    return FeedPlan(
        claim=claim,
        polled_at=now,
        outcome=outcome,
        reason=f"{reason}; given up after {failures:g} weighted failures in a row" if is_over else reason,
        status=status,
        elapsed_ms=elapsed_ms,
        next_poll_at=max(next_at, throttled or next_at),
        failures=failures,
        state=FeedState.DISABLED if is_over else FeedState.ACTIVE,
        throttled_until=throttled,
    )


def _sort_out(
    claim: FeedClaim, keyed: tuple[KeyedEntry, ...], known: Mapping[str, KnownEntry]
) -> tuple[tuple[EntryPlan, ...], tuple[EntryPlan, ...]]:
    new, changed = [], []
    for entry in keyed:
        before = known.get(entry.key)
        if before is None:
            new.append(plan_entry(entry, claim.options, reason="new in the feed"))
        elif before.content_hash != entry.content_hash:
            changed.append(plan_entry(entry, claim.options, reason="changed in the feed", entry_id=before.entry_id))
    return tuple(new), tuple(changed)


def _describe(parsed: ParsedFeed) -> str:
    notes = (
        parsed.repaired and f"repaired: {parsed.repaired}",
        parsed.is_cut and "more entries than the cap, the first were kept",
    )
    return "; ".join(note for note in notes if note)


def _permanent_target(fetched: Fetched) -> str | None:
    """Where a chain of nothing but permanent redirects led. A temporary one on the way makes the rest temporary too."""
    if fetched.hops and all(hop.status in _PERMANENT for hop in fetched.hops):
        return fetched.final_url
    return None


def _read_error(error: IngestError) -> tuple[Outcome, int | None, str]:
    if isinstance(error, FetchError):
        return error.outcome, error.status, error.reason
    if isinstance(error, ParseError):
        offer = f"; it points to the feed {error.feed_url}" if error.feed_url else ""
        return error.outcome, None, error.reason + offer
    if isinstance(error, WorkKilled):
        return Outcome.PARSE_KILLED, None, str(error)
    return Outcome.INTERNAL_ERROR, None, str(error)
