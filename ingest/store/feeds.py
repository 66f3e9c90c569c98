"""Feeds as work (claimed, polled, applied) and as people see them. Which feeds there are is the business of `roster`."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from ingest.model import (
    Applied,
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
    Move,
    MoveInfo,
    PollInfo,
    SeenItems,
    Validators,
)
from ingest.outcome import Outcome
from ingest.policy import HostPolicy
from ingest.store import ahead, dialect, moves, queues, roster, turns
from ingest.store import entries as entry_rows
from ingest.store.codec import learned_from_data, options_from_data
from ingest.store.dialect import AnyRow
from ingest.store.engine import Database
from ingest.store.polled import write_polls
from ingest.store.roster import SyncResult
from ingest.store.schema import entries, feeds, hosts, polls
from ingest.store.seen import find_seen

_LAST_PROBE = "one last probe"  # why a feed that was given up is active
_UNEVEN = timedelta(minutes=1)  # by so much the clocks of several machines may differ
_MAX_ID_DIGITS = 18  # below 2⁶³


class FeedTable:
    """The port FeedStore over a database, and what the commands need besides."""

    def __init__(self, database: Database, owner: str, hosts: HostPolicy) -> None:
        self._database = database
        self._owner = owner
        self._hosts = hosts

    # ── as work ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def claim(self, now: datetime, *, limit: int, lease_until: datetime, due_by: datetime | None = None) -> tuple[FeedClaim, ...]:
        """Up to `limit` feeds that were due by then (None: now), most overdue first, each with a turn at its host now."""
        wish = queues.Wish(now, self._owner, lease_until, limit, self._hosts, due_by or now)
        held = self._database.transact(lambda connection: queues.claim(connection, queues.FEEDS, wish))
        return tuple(_claim_of(one, Lease(self._owner, one.fence, lease_until)) for one in held)

    def claim_one(self, feed_id: int, now: datetime, lease_until: datetime, *, asks: bool = True) -> FeedClaim | None:
        """This feed, due or not, paused or not; None while someone else holds it or its server wants to be left alone.

        `asks`: its host will be asked, in its turn; not so where a hub has pushed the document.
        """
        return self._database.transact(lambda connection: self._claim_one(connection, feed_id, now, lease_until, asks=asks))

    def _claim_one(
        self, connection: sa.Connection, feed_id: int, now: datetime, lease_until: datetime, *, asks: bool
    ) -> FeedClaim | None:
        dialect.hold(connection, turns.LOCK)
        row = connection.execute(_ONE, {"feed_id": feed_id, "now": now, "asks": asks}).one_or_none()
        if row is None:
            return None
        fences = queues.take(connection, queues.FEEDS, [feed_id], owner=self._owner, now=now, until=lease_until)
        if feed_id not in fences:
            return None
        claimed = _claim_of(
            queues.Held(row, fences[feed_id], turns.state_of(row)), Lease(self._owner, fences[feed_id], lease_until)
        )
        return replace(claimed, has_turn=False)

    def is_waiting(self, now: datetime, *, due_by: datetime | None = None) -> bool:
        """Whether a feed that was due by then, and that nobody holds, waits for nothing but its host's turn."""
        with self._database.read() as connection:
            return queues.is_waiting(connection, queues.FEEDS, now, due_by or now)

    def seen_items(self, feed_ids: Sequence[int]) -> tuple[SeenItems | None, ...]:
        """Of each feed the items of its last document; None where nothing is known of them."""
        with self._database.read() as connection:
            found = find_seen(connection, feed_ids)
        return tuple(found.get(feed_id) for feed_id in feed_ids)

    def known_entries(self, asked: Sequence[tuple[int, Collection[str]]]) -> tuple[Mapping[str, KnownEntry], ...]:
        """Of each feed, asked about with keys of entries, those entries that it has had before."""
        with self._database.read() as connection:
            return tuple(entry_rows.find_known(connection, feed_id, keys) for feed_id, keys in asked)

    def apply(self, plans: Sequence[FeedPlan]) -> tuple[Applied, ...]:
        """Write the plans in one transaction, each whole or not at all, and give the leases back; says what became of each."""
        return self._database.transact(lambda connection: write_polls(connection, plans))

    def forgive(self, claims: Sequence[FeedClaim], now: datetime) -> None:
        """Make these feeds what they were when they were claimed, and due now: that their polls failed was not their fault.

        One that was given up for it is active again; one that was sent back to its old address is polled where it had moved to.
        """
        if claims:
            ordered = sorted(claims, key=lambda claim: claim.feed_id)
            self._database.transact(lambda connection: _forgive(connection, ordered, now))

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

    def rates(self) -> Iterator[float | None]:
        """Of each active feed what it takes of the request budget (see `schedule.pace`); None: not known yet."""
        with self._database.read() as connection:
            yield from connection.scalars(sa.select(feeds.c.rate_root).where(queues.FEEDS.is_open))

    def revive_for_last_probe(self, now: datetime) -> int:
        """Ask feeds that were given up once more, when that time has come; says how many."""
        is_time = sa.and_(feeds.c.state == FeedState.DISABLED.value, feeds.c.probe_at <= now)
        values = {"state": FeedState.ACTIVE.value, "is_last_probe": True, "probe_at": None, "next_poll_at": now}
        revive = sa.update(feeds).where(is_time).values(state_reason=_LAST_PROBE, **values)
        return self._database.transact(lambda connection: connection.execute(revive).rowcount)

    def follow_clock_back(self, now: datetime, by_s: float) -> int:
        """After the clock was set back by so many seconds: what was polled by the clock as it was moves along with it.

        Says how many feeds that were. Called twice it changes nothing more.
        """
        back = timedelta(seconds=by_s)
        return self._database.transact(lambda connection: ahead.follow_clock_back(connection, now, back))

    def mend_future(self, now: datetime) -> int:
        """At a start: move along what a clock wrote that was ahead and is set right by now; says how many feeds that were.

        How far it was ahead is told by the last poll.
        """
        return self._database.transact(lambda connection: _mend_future(connection, now))

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

    def undo_move(self, feed_id: int, now: datetime) -> None:
        """Poll the feed where it was listed again, and never follow it to where it had moved."""
        self._database.transact(lambda connection: moves.undo(connection, feed_id, now))

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

    def moves(self, feed_id: int) -> tuple[MoveInfo, ...]:
        """The moves of a feed, the latest first."""
        with self._database.read() as connection:
            return moves.infos(connection, feed_id)

    def counts_by_state(self) -> dict[FeedState, int]:
        """How many feeds are in each state that occurs."""
        query = sa.select(feeds.c.state, sa.func.count()).group_by(feeds.c.state)
        with self._database.read() as connection:
            return {FeedState(state): count for state, count in connection.execute(query)}


def is_feed(text: str) -> sa.ColumnElement[bool]:
    """The feed has this id or exactly this URL, now or as it was listed."""
    if text.isdecimal() and len(text) <= _MAX_ID_DIGITS:
        return feeds.c.id == int(text)
    key = roster.url_hash(text)
    return sa.or_(feeds.c.url_hash == key, feeds.c.listed_hash == key)


_NOW, _ASKS = sa.bindparam("now", type_=dialect.Utc), sa.bindparam("asks", type_=sa.Boolean)
_IS_SILENT = sa.or_(hosts.c.throttled_until > _NOW, feeds.c.not_before_at > _NOW)
_ONE = (
    sa.select(feeds.c.id, feeds.c.fence, feeds.c.host, *queues.FEEDS.columns, *turns.COLUMNS)
    .select_from(feeds.outerjoin(hosts, hosts.c.host == feeds.c.host))
    .where(feeds.c.id == sa.bindparam("feed_id"), sa.or_(~_ASKS, _IS_SILENT.is_not(sa.true())))
)


def _claim_of(held: queues.Held, lease: Lease) -> FeedClaim:
    row = held.row
    return FeedClaim(
        feed_id=row.id,
        url=row.url,
        lease=lease,
        options=options_from_data(row.options),
        validators=Validators(row.etag, row.last_modified),
        trust=row.validator_trust,
        full_at=row.full_at,
        body_hash=row.body_hash,
        failures=row.failures,
        polled_at=row.polled_at,
        outcome=Outcome(row.outcome) if row.outcome else None,
        language=row.language,
        listed_url=row.listed_url or "",
        move=_move_of(row),
        refused_url=row.refused_url,
        learned=learned_from_data(row.learned),
        host=held.host,
        is_pushed=row.is_pushed,
        is_last_probe=row.is_last_probe,
    )


def _move_of(row: AnyRow) -> Move | None:
    return Move(row.moved_to, row.moved_since_at, row.moved_polls) if row.moved_to and row.moved_since_at else None


def _forgive(connection: sa.Connection, claims: Sequence[FeedClaim], now: datetime) -> None:
    rows = [
        {
            "row_id": claim.feed_id,
            "failures": claim.failures,
            "is_last_probe": claim.is_last_probe,
            "why_active": _LAST_PROBE if claim.is_last_probe else "",
            "next_poll_at": now,
        }
        for claim in claims
    ]
    connection.execute(_FORGIVE, rows)
    for claim in claims:
        if claim.listed_url and claim.listed_url != claim.url:
            moves.take_back(connection, claim, now)


_IS_GIVEN_UP = feeds.c.state == FeedState.DISABLED.value  # since the claim: only active feeds are claimed
_FORGIVE = (
    sa.update(feeds)
    .where(feeds.c.id == sa.bindparam("row_id"), feeds.c.lease_owner.is_(None))
    .values(
        failures=sa.bindparam("failures"),
        is_last_probe=sa.bindparam("is_last_probe"),
        next_poll_at=sa.bindparam("next_poll_at"),
        next_reason="its last failure does not count: our own network was away",
        state=sa.case((_IS_GIVEN_UP, FeedState.ACTIVE.value), else_=feeds.c.state),
        state_reason=sa.case((_IS_GIVEN_UP, sa.bindparam("why_active")), else_=feeds.c.state_reason),
        probe_at=None,
    )
)


def _mend_future(connection: sa.Connection, now: datetime) -> int:
    lead = ahead.find_lead(connection, now)
    moved = ahead.follow_clock_back(connection, now, lead) if lead > _UNEVEN else 0
    return moved + ahead.forget_future(connection, now)


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
    known = feeds.outerjoin(hosts, hosts.c.host == feeds.c.host)
    rows = connection.execute(sa.select(feeds, *turns.COLUMNS).select_from(known).where(condition).order_by(feeds.c.id))
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
        next_reason=row.next_reason,
        listed_url=row.listed_url,
        move=_move_of(row),
        trust=row.validator_trust,
        full_at=row.full_at,
        learned=learned_from_data(row.learned),
        host=turns.state_of(row),
        probe_at=row.probe_at,
        not_before_at=row.not_before_at,
        hub_url=row.hub_url,
        is_pushed=row.is_pushed,
    )
