"""How polls are written: many plans in one transaction, each whole, and only those whose claim still holds.

Whoever holds a feed knows its validators, its hash and its trust from the claim, so one and the same statement serves every poll.
What only a new document brings (its head, what it taught, its entries) is written besides.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from ingest.model import Applied, FeedClaim, FeedPlan, FeedState, Gap, Priority
from ingest.store import entries as entry_rows
from ingest.store import moves, queues, subscriptions, turns
from ingest.store.codec import learned_to_data, to_data
from ingest.store.dialect import EARLIEST
from ingest.store.many import ManyRows
from ingest.store.schema import feeds, gaps, polls
from ingest.store.seen import write_seen

_NOT_MODIFIED = 304  # the server names only the validators that are new


def write_polls(connection: sa.Connection, plans: Sequence[FeedPlan]) -> tuple[Applied, ...]:
    """What became of each plan."""
    held = _find_held(connection, [plan.claim for plan in plans])
    kept = sorted((plan for plan in plans if plan.claim.feed_id in held), key=lambda plan: plan.claim.feed_id)
    _VISITED.write(connection, [_after_visit(plan) for plan in kept if not plan.is_push])
    _POLLED.write(connection, [_poll_row(plan) for plan in kept])
    arrivals = [entry_rows.Arrivals(plan.claim.feed_id, plan.new, plan.polled_at) for plan in kept if plan.new]
    entry_rows.insert_new(connection, arrivals, priority=Priority.LIVE)
    for plan in kept:
        _write_rest(connection, plan)
    subscriptions.write_visits(connection, kept)
    lessons = [(plan.lesson.host or plan.claim.host.host, plan.lesson) for plan in kept if plan.lesson]
    turns.learn(connection, lessons, _latest(kept))
    return tuple(Applied.DONE if plan.claim.feed_id in held else Applied.LEASE_LOST for plan in plans)


def _latest(plans: Sequence[FeedPlan]) -> datetime:
    return max((plan.polled_at for plan in plans), default=EARLIEST)


def _find_held(connection: sa.Connection, claims: Sequence[FeedClaim]) -> set[int]:
    """The feeds that these very claims still hold; locked until the end of the transaction."""
    rows = connection.execute(_LEASES, {"ids": [claim.feed_id for claim in claims]})
    leases = {feed_id: (owner, fence) for feed_id, owner, fence in rows}
    return {claim.feed_id for claim in claims if leases.get(claim.feed_id) == (claim.lease.owner, claim.lease.fence)}


_LEASES = (
    sa.select(feeds.c.id, feeds.c.lease_owner, feeds.c.fence)
    .where(feeds.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(feeds.c.id)
    .with_for_update()
)

_COLUMNS = (
    "polled_at", "next_poll_at", "next_reason", "not_before_at", "outcome", "reason", "failures", "rate_root", "etag",
    "last_modified", "validator_trust", "full_at", "body_hash", "moved_to", "moved_since_at", "moved_polls",
    "is_last_probe",
)  # fmt: skip
_VISITED = ManyRows(feeds, [*_COLUMNS, "id"], key="id", fixed=queues.FREE)


def _after_visit(plan: FeedPlan) -> dict[str, Any]:
    """The feed's columns after this poll; what the plan does not know stays as the claim found it."""
    claim = plan.claim
    etag, last_modified = _validators_after(plan)
    return {
        "id": claim.feed_id,
        "polled_at": plan.polled_at,
        "next_poll_at": plan.next_poll_at or plan.polled_at,  # None: given up for good, and nobody looks
        "next_reason": plan.next_reason,
        "not_before_at": plan.not_before_at,
        "outcome": plan.outcome.value,
        "reason": plan.reason,
        "failures": plan.failures,
        "rate_root": plan.rate_root,
        "etag": etag,
        "last_modified": last_modified,
        "validator_trust": claim.trust if plan.trust is None else plan.trust,
        "full_at": plan.full_at or claim.full_at,
        "body_hash": plan.body_hash or claim.body_hash,
        "moved_to": plan.move.to_url if plan.move else None,
        "moved_since_at": plan.move.since_at if plan.move else None,
        "moved_polls": plan.move.polls if plan.move else 0,
        "is_last_probe": plan.is_last_probe,
    }


def _validators_after(plan: FeedPlan) -> tuple[str | None, str | None]:
    held, told = plan.claim.validators, plan.validators
    if told is None:
        return held.etag, held.last_modified
    if plan.status == _NOT_MODIFIED:
        return told.etag or held.etag, told.last_modified or held.last_modified
    return told.etag, told.last_modified


def _write_rest(connection: sa.Connection, plan: FeedPlan) -> None:
    """What not every poll brings."""
    feed_id = plan.claim.feed_id
    if values := _after_document(plan) | (queues.FREE if plan.is_push else {}):
        connection.execute(_update(tuple(values)), values | {"row_id": feed_id})
    if values := _after_failure(plan):
        connection.execute(sa.update(feeds).where(feeds.c.id == feed_id).values(values))
    entry_rows.update_changed(connection, feed_id, plan.changed, now=plan.polled_at)
    if plan.seen_items is not None:
        write_seen(connection, feed_id, plan.seen_items)
    if plan.gap is not None:
        connection.execute(sa.insert(gaps), _gap_row(feed_id, plan.gap))
    if plan.moved_to is not None:
        moves.adopt(connection, plan)


@cache
def _update(names: tuple[str, ...]) -> sa.Update:
    """Made once for each set of columns."""
    return sa.update(feeds).where(feeds.c.id == sa.bindparam("row_id")).values({name: sa.bindparam(name) for name in names})


def _after_document(plan: FeedPlan) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if plan.head is not None:
        head = plan.head
        values |= {"head": to_data(head), "title": head.title, "site_url": head.site_url, "language": head.language}
        values |= {"hub_url": plan.hub and plan.hub.url, "topic_url": plan.hub and plan.hub.topic_url}
    if plan.learned is not None:
        values["learned"] = learned_to_data(plan.learned)
    return values


def _after_failure(plan: FeedPlan) -> dict[str, Any]:
    """A poll may give a feed up; it never wakes one that was paused meanwhile."""
    if plan.state is FeedState.ACTIVE:
        return {}
    is_active = queues.FEEDS.is_open
    return {
        "state": sa.case((is_active, plan.state.value), else_=feeds.c.state),
        "state_reason": sa.case((is_active, plan.reason), else_=feeds.c.state_reason),
        "probe_at": plan.probe_at,
    }


def _gap_row(feed_id: int, gap: Gap) -> dict[str, Any]:
    times: Mapping[str, Any] = {"since_at": gap.since_at, "until_at": gap.until_at}
    return {"feed_id": feed_id, "missed": gap.missed, "reason": gap.reason, **times}


_POLLED = ManyRows(polls, [column.name for column in polls.columns if column.name != "id"])


def _poll_row(plan: FeedPlan) -> dict[str, Any]:
    return {
        "feed_id": plan.claim.feed_id,
        "polled_at": plan.polled_at,
        "outcome": plan.outcome.value,
        "status": plan.status,
        "elapsed_ms": plan.elapsed_ms,
        "body_bytes": plan.body_bytes,
        "seen": plan.seen,
        "overlap": plan.overlap,
        "new": len(plan.new),
        "changed": len(plan.changed),
        "reason": f"pushed by its hub; {plan.reason}".removesuffix("; ") if plan.is_push else plan.reason,
    }
