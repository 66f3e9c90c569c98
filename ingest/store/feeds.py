"""Feeds as work (claimed, polled, applied) and as people see them. Which feeds there are is the business of `roster`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.errors import LeaseLost
from ingest.model import (
    EntryInfo,
    EntryState,
    FeedClaim,
    FeedInfo,
    FeedOrigin,
    FeedPlan,
    FeedSpec,
    FeedState,
    KnownEntry,
    Lease,
    PollInfo,
    Priority,
    SeenItems,
    Validators,
)
from ingest.outcome import Outcome
from ingest.store import entries as entry_rows
from ingest.store import queues, roster
from ingest.store.codec import options_from_data, to_data
from ingest.store.dialect import AnyRow
from ingest.store.engine import Database
from ingest.store.roster import SyncResult
from ingest.store.schema import entries, feeds, hosts, polls
from ingest.store.seen import find_seen, write_seen

_CONFIRMED = 304  # the server names only the validators that are new
_MAX_ID_DIGITS = 18  # below 2⁶³


class FeedTable:
    """The port FeedStore over a database, and what the commands need besides."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner

    # ── as work ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def claim(
        self, now: datetime, *, limit: int, lease_until: datetime, skip_hosts: Collection[str] = (), per_host: int = 2
    ) -> tuple[FeedClaim, ...]:
        """Up to `limit` due feeds, most overdue first, at most `per_host` of one host, none of them held by anyone else."""
        wish = queues.Wish(now, self._owner, lease_until, limit, per_host, skip_hosts)
        return self._database.transact(
            lambda connection: _find_claims(connection, queues.claim(connection, queues.FEEDS, wish), wish)
        )

    def claim_one(self, feed_id: int, now: datetime, lease_until: datetime) -> FeedClaim | None:
        """This feed, due or not, paused or not; None while someone else holds it or its server wants to be left alone."""
        wish = queues.Wish(now, self._owner, lease_until, limit=1, per_host=1)

        def take(connection: sa.Connection) -> FeedClaim | None:
            condition = queues.may_start(queues.FEEDS, now)
            held = queues.take(connection, queues.FEEDS, [feed_id], condition, owner=self._owner, until=lease_until)
            return next(iter(_find_claims(connection, held, wish)), None)

        return self._database.transact(take)

    def seen_items(self, feed_id: int) -> SeenItems | None:
        """The items of the feed's last document; None where nothing is known of them."""
        with self._database.read() as connection:
            return find_seen(connection, feed_id)

    def known_entries(self, feed_id: int, keys: Collection[str]) -> Mapping[str, KnownEntry]:
        """Those of `keys` that the feed has had before."""
        with self._database.read() as connection:
            return entry_rows.find_known(connection, feed_id, keys)

    def apply(self, plan: FeedPlan) -> None:
        """Write all of the plan in one transaction and give the lease back. Raises LeaseLost without writing anything."""
        self._database.transact(lambda connection: _apply(connection, plan))

    def renew(self, leases: Mapping[int, Lease], until: datetime) -> None:
        """Hold these feeds until `until`; those already lost are passed over."""
        self._database.transact(lambda connection: queues.renew(connection, queues.FEEDS, leases, until))

    def release(self, leases: Mapping[int, Lease]) -> None:
        """Give these feeds back unworked, due as before."""
        self._database.transact(lambda connection: queues.renew(connection, queues.FEEDS, leases, None))

    def release_gone(self, is_gone: Callable[[str], bool]) -> int:
        """Give back the feeds and entries of processes that live no longer; says how many."""
        return self._database.transact(lambda connection: queues.release_gone(connection, is_gone))

    def due_now(self, now: datetime) -> int:
        """Make every active feed due; says how many were not. Servers that asked to be left alone are still left alone."""
        later = sa.update(feeds).where(queues.FEEDS.is_open, feeds.c.next_poll_at > now).values(next_poll_at=now)
        return self._database.transact(lambda connection: connection.execute(later).rowcount)

    def next_due_at(self, now: datetime) -> datetime | None:
        """When the next feed can be claimed that nobody holds now; None when there is none at all."""
        with self._database.read() as connection:
            return connection.execute(_next_due(now)).scalar_one()

    def count_due(self, now: datetime) -> int:
        """Feeds that can be claimed now."""
        count = sa.select(sa.func.count()).select_from(feeds).where(queues.is_due(queues.FEEDS, now))
        with self._database.read() as connection:
            return connection.execute(count).scalar_one()

    # ── which there are ──────────────────────────────────────────────────────────────────────────────────────────────

    def sync(self, specs: Sequence[FeedSpec], now: datetime, *, first_poll_at: Callable[[FeedSpec], datetime]) -> SyncResult:
        """Make the feeds of the file those of `specs`. What is known keeps its time of the next poll."""
        return self._database.transact(lambda connection: roster.sync(connection, specs, now, first_poll_at=first_poll_at))

    def add(self, spec: FeedSpec, now: datetime) -> int:
        """The id of the feed, which is new or known."""
        return self._database.transact(lambda connection: roster.add(connection, spec, now))

    def remove(self, feed_id: int) -> None:
        """Forget the feed with its entries and polls. Its articles stay."""
        self._database.transact(lambda connection: connection.execute(sa.delete(feeds).where(feeds.c.id == feed_id)))

    # ── as people see them ───────────────────────────────────────────────────────────────────────────────────────────

    def find(self, text: str) -> FeedInfo | None:
        """The feed with this id or exactly this URL."""
        with self._database.read() as connection:
            return next(iter(_find_infos(connection, is_feed(text))), None)

    def infos(self, tag: str | None = None) -> tuple[FeedInfo, ...]:
        """All feeds, or those with this tag, in the order in which they came."""
        with self._database.read() as connection:
            found = _find_infos(connection, sa.true())
        return tuple(info for info in found if tag is None or tag in info.options.tags)

    def polls(self, feed_id: int, limit: int) -> tuple[PollInfo, ...]:
        """The last polls of a feed, the latest first."""
        query = sa.select(polls).where(polls.c.feed_id == feed_id).order_by(polls.c.polled_at.desc(), polls.c.id.desc())
        with self._database.read() as connection:
            return tuple(_poll_info(row) for row in connection.execute(query.limit(limit)))

    def entries(self, feed_id: int, limit: int, *, unfinished: bool = False) -> tuple[EntryInfo, ...]:
        """The last entries of a feed, the latest first; `unfinished`: those that wait for their article or were given up."""
        condition = entries.c.feed_id == feed_id
        if unfinished:
            condition &= entries.c.state.in_((EntryState.PENDING.value, EntryState.FAILED.value))
        with self._database.read() as connection:
            return entry_rows.find_infos(connection, condition, limit)

    def counts_by_state(self) -> dict[FeedState, int]:
        """How many feeds are in each state that occurs."""
        query = sa.select(feeds.c.state, sa.func.count()).group_by(feeds.c.state)
        with self._database.read() as connection:
            return {FeedState(state): count for state, count in connection.execute(query)}


def is_feed(text: str) -> sa.ColumnElement[bool]:
    """The feed has this id or exactly this URL."""
    if text.isdecimal() and len(text) <= _MAX_ID_DIGITS:
        return feeds.c.id == int(text)
    return feeds.c.url_hash == roster.url_hash(text)


def _find_claims(connection: sa.Connection, held: Mapping[int, int], wish: queues.Wish) -> tuple[FeedClaim, ...]:
    if not held:
        return ()
    rows = {row.id: row for row in connection.execute(sa.select(feeds).where(feeds.c.id.in_(held)))}
    return tuple(_claim_of(rows[feed_id], Lease(wish.owner, fence, wish.until)) for feed_id, fence in held.items())


def _claim_of(row: AnyRow, lease: Lease) -> FeedClaim:
    return FeedClaim(
        feed_id=row.id,
        url=row.url,
        lease=lease,
        options=options_from_data(row.options),
        validators=Validators(row.etag, row.last_modified),
        body_hash=row.body_hash,
        failures=row.failures,
        polled_at=row.polled_at,
        language=(row.head or {}).get("language"),
    )


_HELD_FEED = queues.held_row(feeds)


def _apply(connection: sa.Connection, plan: FeedPlan) -> None:
    feed_id, now = plan.claim.feed_id, plan.polled_at
    statement = _HELD_FEED if plan.state is FeedState.ACTIVE else _HELD_FEED.values(_state_after(plan))
    if not queues.update_held(connection, statement, feed_id, lease=plan.claim.lease, values=_after_poll(plan)):
        raise LeaseLost(f"feed {feed_id} is no longer held by {plan.claim.lease.owner}")
    connection.execute(sa.insert(polls), _poll_row(plan))
    entry_rows.insert_new(connection, feed_id, plan.new, now=now, priority=Priority.LIVE)
    entry_rows.update_changed(connection, feed_id, plan.changed, now=now)
    if plan.seen_items is not None:
        write_seen(connection, feed_id, plan.seen_items)
    if plan.throttled_until is not None:
        queues.throttle(connection, {entry_rows.host_key(plan.claim.url): plan.throttled_until})


def _after_poll(plan: FeedPlan) -> dict[str, Any]:
    """The feed's columns after this poll; what the plan does not know is left as it is."""
    values: dict[str, Any] = queues.FREE | {
        "polled_at": plan.polled_at,
        "next_poll_at": plan.next_poll_at,
        "not_before_at": plan.throttled_until,
        "outcome": plan.outcome.value,
        "reason": plan.reason,
        "failures": plan.failures,
    }
    if plan.head is not None:
        head = plan.head
        values |= {"head": to_data(head), "title": head.title, "site_url": head.site_url, "hub_url": head.hub_url}
    if plan.body_hash is not None:
        values["body_hash"] = plan.body_hash
    if plan.outcome.is_success or plan.moved_to is not None:
        values["moved_to"] = plan.moved_to
    return values | _validators_after(plan)


def _state_after(plan: FeedPlan) -> dict[str, Any]:
    """A poll may give a feed up; it never wakes one that was paused meanwhile."""
    is_active = queues.FEEDS.is_open
    return {
        "state": sa.case((is_active, plan.state.value), else_=feeds.c.state),
        "state_reason": sa.case((is_active, plan.reason), else_=feeds.c.state_reason),
    }


def _validators_after(plan: FeedPlan) -> dict[str, str | None]:
    if plan.validators is None:
        return {}
    told = {"etag": plan.validators.etag, "last_modified": plan.validators.last_modified}
    if plan.status == _CONFIRMED:
        return {name: value for name, value in told.items() if value is not None}
    return dict(told)


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
        "reason": plan.reason,
    }


def _poll_info(row: AnyRow) -> PollInfo:
    return PollInfo(
        polled_at=row.polled_at,
        outcome=Outcome(row.outcome),
        status=row.status,
        elapsed_ms=row.elapsed_ms,
        body_bytes=row.body_bytes,
        seen=row.seen,
        new=row.new,
        changed=row.changed,
        reason=row.reason,
    )


def _next_due(now: datetime) -> sa.Select[datetime | None]:
    """The earliest of the latest: a feed waits for its turn, for its own server's word and for its host's."""
    at: sa.ColumnElement[datetime] = feeds.c.next_poll_at
    for bound in (feeds.c.not_before_at, hosts.c.throttled_until):
        at = sa.case((bound > at, bound), else_=at)
    is_free = sa.or_(feeds.c.lease_until.is_(None), feeds.c.lease_until < now)
    return (
        sa.select(sa.func.min(at))
        .select_from(feeds.outerjoin(hosts, hosts.c.host == feeds.c.host))
        .where(queues.FEEDS.is_open, is_free)
    )


def _find_infos(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[FeedInfo]:
    is_state = {state: sa.func.count(sa.case((entries.c.state == state.value, 1))) for state in EntryState}
    counts = (
        sa.select(
            entries.c.feed_id,
            sa.func.count().label("total"),
            is_state[EntryState.PENDING].label("pending"),
            is_state[EntryState.FAILED].label("failed"),
            sa.func.count(entries.c.article_id.distinct()).label("articles"),
        )
        .where(entries.c.feed_id.in_(sa.select(feeds.c.id).where(condition)))
        .group_by(entries.c.feed_id)
    )
    counted = {row.feed_id: row for row in connection.execute(counts)}
    rows = connection.execute(sa.select(feeds).where(condition).order_by(feeds.c.id))
    return [_info(row, counted.get(row.id)) for row in rows]


def _info(row: AnyRow, counts: AnyRow | None) -> FeedInfo:
    options = options_from_data(row.options)
    return FeedInfo(
        feed_id=row.id,
        url=row.url,
        origin=FeedOrigin(row.origin),
        state=FeedState(row.state),
        state_reason=row.state_reason,
        title=options.title or row.title,
        site_url=row.site_url,
        options=options,
        polled_at=row.polled_at,
        next_poll_at=row.next_poll_at,
        outcome=Outcome(row.outcome) if row.outcome else None,
        reason=row.reason,
        failures=row.failures,
        entries=counts.total if counts else 0,
        pending=counts.pending if counts else 0,
        failed=counts.failed if counts else 0,
        articles=counts.articles if counts else 0,
        moved_to=row.moved_to,
    )
