"""How due rows are handed out so that no two workers hold one.

A claim writes its owner and an end into the row (`lease_owner`, `lease_until`) and raises its `fence`. Whoever finishes shows
owner and fence; a worker that was too slow shows an old fence and is turned away. A crash leaves only a lease that runs out.

Claims of one kind of work go one after the other (they take about a millisecond), so that none comes back with empty hands while
another one is still choosing: a worker that gets nothing knows that nothing is due. Rows locked by someone who is just
finishing are passed over, not waited for.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.model import Lease
from ingest.store import dialect
from ingest.store.dialect import AnyRow
from ingest.store.schema import ACTIVE, PENDING, entries, feeds, hosts

_WINDOW = 64  # due rows looked at in one go, at least; the choice among them is made here, by host


@dataclass(frozen=True, slots=True)
class Queue:
    """One kind of work: its table, when a row is due, and in which order rows are handed out."""

    table: sa.Table
    due_at: sa.Column[datetime]
    is_open: sa.ColumnElement[bool]
    lanes: tuple[sa.ColumnElement[bool], ...]  # the first lane goes first; each is one stretch of the index of due rows
    not_before: sa.Column[datetime] | None = None


FEEDS = Queue(feeds, feeds.c.next_poll_at, feeds.c.state == ACTIVE, (sa.true(),), not_before=feeds.c.not_before_at)
ENTRIES = Queue(entries, entries.c.next_try_at, entries.c.state == PENDING, (entries.c.priority == 0, entries.c.priority == 1))


@dataclass(frozen=True, slots=True)
class Wish:
    """How much of a queue a worker wants, and for how long."""

    now: datetime
    owner: str
    until: datetime
    limit: int
    per_host: int
    skip_hosts: Collection[str] = ()


def is_due(queue: Queue, now: datetime) -> sa.ColumnElement[bool]:
    """The row may be claimed at `now`."""
    return sa.and_(queue.is_open, queue.due_at <= now, may_start(queue, now))


def may_start(queue: Queue, now: datetime) -> sa.ColumnElement[bool]:
    """Nobody holds the row, and its server has not asked to be left alone."""
    table = queue.table
    throttled = sa.select(hosts.c.host).where(hosts.c.throttled_until > now)
    conditions = [
        sa.or_(table.c.lease_until.is_(None), table.c.lease_until < now),
        table.c.host.not_in(throttled),
    ]
    if queue.not_before is not None:
        conditions.append(sa.or_(queue.not_before.is_(None), queue.not_before <= now))
    return sa.and_(*conditions)


def claim(connection: sa.Connection, queue: Queue, wish: Wish) -> dict[int, int]:
    """The ids of the rows now held, in the order of the queue, each with its fence."""
    dialect.hold(connection, f"claims of {queue.table.name}")
    choice = _Choice(wish)
    for lane in queue.lanes:
        _choose(connection, queue, lane, choice)
    return take(connection, queue, choice.ids, is_due(queue, wish.now), owner=wish.owner, until=wish.until)


class _Choice:
    """Rows chosen so far: no more than wished for, and of no host more than `per_host`."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.ids: list[int] = []
        self.full_hosts = set(wish.skip_hosts) - {""}
        self._counts: Counter[str] = Counter()

    @property
    def room(self) -> int:
        return self.wish.limit - len(self.ids)

    def add(self, rows: Sequence[AnyRow]) -> None:
        """Take the first rows that there is room for. One without a host asks nobody for anything."""
        for row_id, host in rows:
            if self.room > 0 and host not in self.full_hosts:
                self.ids.append(row_id)
                self._count(host)

    def _count(self, host: str) -> None:
        self._counts[host] += 1
        if host and self._counts[host] >= self.wish.per_host:
            self.full_hosts.add(host)


def select_due(queue: Queue, lane: sa.ColumnElement[bool], now: datetime) -> sa.Select[int, str]:
    """Ids and hosts of the due rows of a lane, in order: a walk along the index of due rows, which ends where `limit` says."""
    table = queue.table
    return sa.select(table.c.id, table.c.host).where(lane, is_due(queue, now)).order_by(queue.due_at, table.c.id)


def _choose(connection: sa.Connection, queue: Queue, lane: sa.ColumnElement[bool], choice: _Choice) -> None:
    """Look at due rows in order, window by window, until enough are chosen or none are left."""
    table = queue.table
    window = max(_WINDOW, 4 * choice.room)
    due = select_due(queue, lane, choice.wish.now).limit(window)
    while choice.room > 0:
        rows = connection.execute(due.where(table.c.host.not_in(choice.full_hosts), table.c.id.not_in(choice.ids))).all()
        choice.add(rows)
        if len(rows) < window:
            break


def take(
    connection: sa.Connection,
    queue: Queue,
    ids: Sequence[int],
    condition: sa.ColumnElement[bool],
    *,
    owner: str,
    until: datetime,
) -> dict[int, int]:
    """Hold those of `ids` for which `condition` still holds: id → fence, in the order of `ids`."""
    if not ids:
        return {}
    table = queue.table
    free = sa.select(table.c.id).where(table.c.id.in_(ids), condition).with_for_update(skip_locked=True)
    taken = connection.execute(
        sa.update(table)
        .where(table.c.id.in_(free))
        .values(lease_owner=owner, lease_until=until, fence=table.c.fence + 1)
        .returning(table.c.id, table.c.fence)
    )
    fences = {row.id: row.fence for row in taken}
    return {row_id: fences[row_id] for row_id in ids if row_id in fences}


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


def throttle(connection: sa.Connection, until: Mapping[str, datetime]) -> None:
    """Leave these hosts alone until then; a later end that is known already stays."""
    rows = [{"host": host, "throttled_until": moment} for host, moment in sorted(until.items()) if host]
    if not rows:
        return
    statement = dialect.insert(connection, hosts)
    told = statement.excluded.throttled_until
    known = hosts.c.throttled_until
    later = sa.case((sa.or_(known.is_(None), known < told), told), else_=known)
    connection.execute(statement.on_conflict_do_update(index_elements=["host"], set_={"throttled_until": later}), rows)
