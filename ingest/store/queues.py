"""How due rows are handed out so that no two workers hold one, and no host is asked more than it may be.

A claim writes its owner and an end into the row (`lease_owner`, `lease_until`) and raises its `fence`. Whoever finishes shows
owner and fence; a worker that was too slow shows an old fence and is turned away. A crash leaves only a lease that runs out.

With the row goes a turn at its host: rows whose host's `next_request_at` has not come are passed over, and of each host only as
many are taken as may be in flight together, feeds and entries counted alike. So several daemons keep one budget.

Claims go one after the other (they take about a millisecond), so that none comes back with empty hands while another one is
still choosing: a worker that gets nothing knows that nothing is due. Rows that somebody is just finishing are passed over.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

import sqlalchemy as sa

from ingest.model import HostState, Lease
from ingest.policy import HostPolicy
from ingest.schedule import effective_gap_s
from ingest.store import dialect, turns
from ingest.store.dialect import AnyRow
from ingest.store.schema import ACTIVE, PENDING, entries, feeds, hosts

_NOW, _AHEAD, _FAR = (sa.bindparam(name, type_=dialect.Utc) for name in ("now", "ahead", "far"))
_LEAST_WINDOW = 16  # due rows looked at in one go; doubled with each further look


Lane: TypeAlias = tuple[sa.Select[*tuple[Any, ...]], sa.Select[*tuple[Any, ...]]]  # all of its rows; those of some hosts left out


@dataclass(frozen=True)
class Queue:
    """One kind of work: its table, when a row is due, in which order rows are handed out, and what of them a claim reads."""

    table: sa.Table
    due_at: sa.Column[datetime]
    is_open: sa.ColumnElement[bool]
    lanes: tuple[sa.ColumnElement[bool], ...]  # the first lane goes first; each is one stretch of the index of due rows
    columns: tuple[sa.ColumnElement[Any], ...]
    joined: sa.Table | None = None  # by feed_id
    not_before: sa.Column[datetime] | None = None

    @cached_property
    def statements(self) -> tuple[Lane, ...]:
        """Of each lane its due rows that may start, in order, from a place in that order on; and the same without some hosts."""
        found = [_select_free(self, lane) for lane in self.lanes]
        others = self.table.c.host.not_in(sa.bindparam("full", expanding=True))
        return tuple((whole, whole.where(others)) for whole in found)


FEEDS = Queue(
    feeds,
    feeds.c.next_poll_at,
    feeds.c.state == ACTIVE,
    (sa.true(),),
    tuple(
        feeds.c[name]
        for name in (
            "url", "listed_url", "options", "etag", "last_modified", "validator_trust", "full_at", "body_hash", "failures",
            "polled_at", "outcome", "language", "moved_to", "moved_since_at", "moved_polls", "refused_url", "learned",
            "is_pushed", "is_last_probe",
        )
    ),
    not_before=feeds.c.not_before_at,
)  # fmt: skip
ENTRIES = Queue(
    entries,
    entries.c.next_try_at,
    entries.c.state == PENDING,
    (entries.c.priority == 0, entries.c.priority == 1),
    (
        *(entries.c[name] for name in ("feed_id", "data", "attempts", "article_id")),
        feeds.c.options,
        feeds.c.url.label("feed_url"),
        feeds.c.language.label("feed_language"),
    ),
    joined=feeds,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """How much of a queue a worker wants, for how long, and what its hosts may be asked."""

    now: datetime
    owner: str
    until: datetime
    limit: int
    hosts: HostPolicy
    due_by: datetime
    hostless: int = 0  # rows that ask nobody, beyond the limit


@dataclass(frozen=True, slots=True)
class Held:
    """A row that was claimed, with its new fence and its host as it stood before."""

    row: AnyRow
    fence: int
    host: HostState


def is_due(queue: Queue, now: datetime, due_by: datetime | None = None) -> sa.ColumnElement[bool]:
    """The row may be claimed at `now`, if its host has a turn to give."""
    return sa.and_(queue.is_open, queue.due_at <= (due_by or now), is_free(queue, now))


def is_free(queue: Queue, now: datetime | sa.ColumnElement[datetime]) -> sa.ColumnElement[bool]:
    """Nobody holds the row, and its server has not asked to leave it alone."""
    table = queue.table
    conditions = [sa.or_(table.c.lease_until.is_(None), table.c.lease_until < now)]
    if queue.not_before is not None:
        conditions.append(sa.or_(queue.not_before.is_(None), queue.not_before <= now))
    return sa.and_(*conditions)


def _has_turn() -> sa.ColumnElement[bool]:
    """The host of the row (joined) may be asked now. Turns far ahead of now were given by a clock that has been set back."""
    gaps_s = (sa.func.coalesce(column, 0.0) for column in (hosts.c.gap_s, hosts.c.crawl_delay_s))
    is_quick = sa.and_(*(gap_s <= turns.LONG_GAP_S for gap_s in gaps_s))
    is_clock_set_back = sa.or_(hosts.c.granted_at > _FAR, sa.and_(is_quick, hosts.c.granted_at > _AHEAD))
    has_come = sa.or_(hosts.c.next_request_at.is_(None), hosts.c.next_request_at <= _NOW, is_clock_set_back)
    return sa.and_(has_come, sa.or_(hosts.c.throttled_until.is_(None), hosts.c.throttled_until <= _NOW))


def claim(connection: sa.Connection, queue: Queue, wish: Wish) -> tuple[Held, ...]:
    """The rows now held, in the order of the queue."""
    if wish.limit <= 0 and wish.hostless <= 0:
        return ()
    dialect.hold(connection, turns.LOCK)
    choice = _Choice(wish, _count_held(connection, wish.now))
    for lane in queue.statements:
        _choose(connection, lane, choice)
    held = _take(connection, queue, choice)
    turns.grant(connection, [one.host for one in held], wish.now, wish.hosts)
    return held


class _Choice:
    """Rows chosen so far: no more than wished for, and of no host more than it may be asked now."""

    def __init__(self, wish: Wish, in_flight: Mapping[str, int]) -> None:
        self.wish = wish
        self.rows: list[AnyRow] = []
        self.room = wish.limit
        self.hostless_room = wish.hostless
        self.hosts: dict[str, HostState] = {"": HostState("")}  # of the rows that were looked at
        self.full: set[str] = set()  # hosts of which a row was passed over: there may be thousands more
        self._in_flight = in_flight
        self._free: dict[str, int] = {}

    def add(self, rows: Sequence[AnyRow]) -> None:
        """Take the first rows that there is room for. One without a host asks nobody for anything."""
        for row in rows:
            if not row.host and self.hostless_room > 0:
                self.hostless_room -= 1
                self.rows.append(row)
            elif self.room > 0 and self._takes_turn(row):
                self.room -= 1
                self.rows.append(row)

    def _takes_turn(self, row: AnyRow) -> bool:
        host: str = row.host
        if not host:
            return True
        free = self._free.get(host)
        if free is None:
            free = self._places(row)
        self._free[host] = free - 1
        if free <= 0:
            self.full.add(host)
        return free > 0

    def _places(self, row: AnyRow) -> int:
        host = self.hosts[row.host] = turns.state_of(row)
        free = self.wish.hosts.at_once - self._in_flight.get(row.host, 0)
        has_gap = effective_gap_s(host, self.wish.now, self.wish.hosts) > 0
        return min(free, 1) if has_gap else free


def _choose(connection: sa.Connection, lane: Lane, choice: _Choice) -> None:
    """Look at due rows in order, window by window, until enough are chosen or none are left.

    Rows of hosts that can take no more are left to the database from the second window on: of a host with 10,000 due feeds all
    would be read each time, 98 ms, to find the one that may start.
    """
    moments = _moments(choice.wish)
    window = max(_LEAST_WINDOW, choice.room + choice.hostless_room)
    after: dict[str, Any] = {"after_at": dialect.EARLIEST, "after_id": 0}
    has_hostless = True  # in the last window: rows that ask nobody are not looked for among too many others
    while choice.room > 0 or (choice.hostless_room > 0 and has_hostless):
        bound = {**moments, "window": window, **after}
        statement = lane[bool(choice.full)]
        rows = connection.execute(statement, bound | {"full": sorted(choice.full)} if choice.full else bound).all()
        hostless_room = choice.hostless_room
        choice.add(rows)
        has_hostless = choice.hostless_room < hostless_room
        if len(rows) < window:
            return
        after = {"after_at": rows[-1].due_at, "after_id": rows[-1].id}
        window *= 2


def _moments(wish: Wish) -> dict[str, datetime]:
    ahead, far = turns.furthest(wish.hosts.gap_s), turns.furthest_of_all(wish.hosts)
    return {"now": wish.now, "ahead": wish.now + ahead, "far": wish.now + far, "due_by": wish.due_by}


def _select_free(queue: Queue, lane: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    """Due rows of a lane whose host has a turn, in order: a walk along the index of due rows, which ends where `window` says."""
    table, now = queue.table, _NOW
    after_at = sa.bindparam("after_at", type_=dialect.Utc)
    source: sa.FromClause = table.outerjoin(hosts, hosts.c.host == table.c.host)
    if queue.joined is not None:
        source = source.join(queue.joined, queue.joined.c.id == table.c.feed_id)
    return (
        sa.select(table.c.id, table.c.fence, table.c.host, queue.due_at.label("due_at"), *queue.columns, *turns.COLUMNS)
        .select_from(source)
        .where(lane, queue.is_open, queue.due_at <= sa.bindparam("due_by", type_=dialect.Utc), is_free(queue, now), _has_turn())
        .where(
            queue.due_at >= after_at,
            sa.or_(queue.due_at > after_at, table.c.id > sa.bindparam("after_id", type_=sa.Integer)),
        )
        .order_by(queue.due_at, table.c.id)
        .limit(sa.bindparam("window", type_=sa.Integer))
    )


def _count_held(connection: sa.Connection, now: datetime) -> Mapping[str, int]:
    """How many rows of each host somebody is working on."""
    return Counter(connection.scalars(_HELD_HOSTS, {"now": now}).all())


_HELD_HOSTS: Any = sa.union_all(
    *(
        sa.select(table.c.host).where(table.c.lease_owner.is_not(None), table.c.lease_until >= _NOW, table.c.host != "")
        for table in (feeds, entries)
    )
)


def _take(connection: sa.Connection, queue: Queue, choice: _Choice) -> tuple[Held, ...]:
    """Hold those of the chosen rows that are still free, in their order."""
    wish, rows = choice.wish, choice.rows
    fences = take(connection, queue, [row.id for row in rows], owner=wish.owner, now=wish.now, until=wish.until)
    return tuple(Held(row, fences[row.id], choice.hosts[row.host]) for row in rows if row.id in fences)


def take(
    connection: sa.Connection, queue: Queue, ids: Sequence[int], *, owner: str, now: datetime, until: datetime
) -> dict[int, int]:
    """Hold those of `ids` that are free: id → fence."""
    if not ids:
        return {}
    values = {"ids": ids, "now": now, "owner": owner, "until": until}
    return {row.id: row.fence for row in connection.execute(_TAKE[queue.table.name], values)}


def _take_statement(table: sa.Table) -> Any:
    is_one = table.c.id.in_(sa.bindparam("ids", expanding=True))
    nobody_has_it = sa.or_(table.c.lease_until.is_(None), table.c.lease_until < _NOW)
    free = sa.select(table.c.id).where(is_one, nobody_has_it).with_for_update(skip_locked=True)
    return (
        sa.update(table)
        .where(table.c.id.in_(free))
        .values(lease_owner=sa.bindparam("owner"), lease_until=sa.bindparam("until"), fence=table.c.fence + 1)
        .returning(table.c.id, table.c.fence)
    )


_TAKE = {table.name: _take_statement(table) for table in (feeds, entries)}


def is_waiting(connection: sa.Connection, queue: Queue, now: datetime, due_by: datetime) -> bool:
    """Whether a due row that nobody holds waits for nothing but its host's turn, which comes by itself."""
    table = queue.table
    is_paused = sa.and_(hosts.c.throttled_until.is_not(None), hosts.c.throttled_until > now)
    found = (
        sa.select(table.c.id)
        .select_from(table.outerjoin(hosts, hosts.c.host == table.c.host))
        .where(is_due(queue, now, due_by), sa.or_(hosts.c.host.is_(None), ~is_paused))
        .limit(1)
    )
    return connection.execute(found).first() is not None


def update_held(connection: sa.Connection, statement: sa.Update, row_id: int, *, lease: Lease, values: dict[str, Any]) -> bool:
    """Write `values` into the row if this very claim still holds it; says whether it does. `statement` is one of `held_row`."""
    return connection.execute(statement, values | _shown(row_id, lease)).rowcount == 1


def held_row(table: sa.Table) -> sa.Update:
    """An update of a row that is held, to be made once: building values into statements doubles the CPU of an apply."""
    return sa.update(table).where(
        table.c.id == sa.bindparam("row_id"),
        table.c.lease_owner == sa.bindparam("owner"),
        table.c.fence == sa.bindparam("held_fence"),
    )


def _shown(row_id: int, lease: Lease) -> dict[str, Any]:
    return {"row_id": row_id, "owner": lease.owner, "held_fence": lease.fence}


def renew(connection: sa.Connection, queue: Queue, leases: Mapping[int, Lease], until: datetime | None) -> None:
    """Hold these rows until `until`, or give them back (None). Those already lost are passed over."""
    if not leases:
        return
    values: dict[str, Any] = FREE if until is None else {"lease_until": until}
    connection.execute(held_row(queue.table), [values | _shown(row_id, lease) for row_id, lease in sorted(leases.items())])


FREE: dict[str, Any] = {"lease_owner": None, "lease_until": None}


def release_gone(connection: sa.Connection, is_gone: Callable[[str], bool]) -> int:
    """Give back what processes hold that live no longer; says how many rows that were."""
    return sum(_release_gone(connection, queue.table, is_gone) for queue in (FEEDS, ENTRIES))


def _release_gone(connection: sa.Connection, table: sa.Table, is_gone: Callable[[str], bool]) -> int:
    is_leased = table.c.lease_owner.is_not(None)
    owners = connection.scalars(sa.select(table.c.lease_owner).where(is_leased).distinct()).all()
    gone = [owner for owner in owners if is_gone(owner)]
    if not gone:
        return 0
    return connection.execute(sa.update(table).where(table.c.lease_owner.in_(gone)).values(**FREE)).rowcount
