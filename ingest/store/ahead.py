"""A clock that was ahead and is set right: what was written by it moves along, or all would wait until that time has come.

What the wrong clock wrote is told by what it did: a poll, a turn at a host, a question to a hub in the future. Entries have no
such mark; of them all that wait are moved, so that some are tried again early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ingest.store import dialect, turns
from ingest.store.schema import PENDING, entries, feeds, gaps, hosts, subscriptions

_FURTHEST = timedelta(days=400)  # nothing is ever planned further ahead


def forget_future(connection: sa.Connection, now: datetime) -> int:
    """Make due what a clock once far ahead has put years away; says how many feeds that were."""
    late = now + _FURTHEST
    for column in (feeds.c.not_before_at, hosts.c.next_request_at, hosts.c.throttled_until):
        connection.execute(sa.update(column.table).where(column > late).values({column.name: None}))
    return connection.execute(sa.update(feeds).where(feeds.c.next_poll_at > late).values(next_poll_at=now)).rowcount


def find_lead(connection: sa.Connection, now: datetime) -> timedelta:
    """How far ahead of now the last poll was made; nothing or less where no clock was ahead."""
    latest: datetime | None = connection.execute(sa.select(sa.func.max(feeds.c.polled_at))).scalar()
    return timedelta() if latest is None else latest - now


def follow_clock_back(connection: sa.Connection, now: datetime, back: timedelta) -> int:
    """Move along what was planned by the clock as it was, `back` ahead; says how many feeds that were.

    Where no feed was polled in the future nothing is moved: another process has done it.
    """
    moved = _move_feeds(connection, now, back)
    if not moved:
        return 0
    _move_entries(connection, now, back)
    _move(connection, _GAPS, now, back)
    _move(connection, _SUBSCRIPTIONS, now, back)
    dialect.hold(connection, turns.LOCK)
    _move(connection, _HOSTS, now, back)
    return moved


@dataclass(frozen=True)
class _Written:
    """What the wrong clock has written into a table: in rows where one of `marks` lies in the future, all `times` that do."""

    key: sa.Column[Any]
    marks: Sequence[sa.Column[datetime]]
    times: Sequence[sa.Column[datetime]]


_HOSTS = _Written(
    hosts.c.host,
    (hosts.c.granted_at, hosts.c.refused_at),
    tuple(hosts.c[name] for name in ("next_request_at", "granted_at", "throttled_until", "window_at", "refused_at")),
)
_GAPS = _Written(gaps.c.id, (gaps.c.next_try_at, gaps.c.until_at), (gaps.c.next_try_at, gaps.c.since_at, gaps.c.until_at))
_SUBSCRIPTIONS = _Written(
    subscriptions.c.id,
    (subscriptions.c.asked_at, subscriptions.c.confirmed_at, subscriptions.c.pushed_at),
    tuple(
        subscriptions.c[name]
        for name in (
            "asked_at", "next_ask_at", "confirmed_at", "active_since_at", "lease_until", "pushed_at", "proving_since_at",
            "usual_poll_at",
        )
    ),
)  # fmt: skip


def _move(connection: sa.Connection, written: _Written, now: datetime, back: timedelta) -> None:
    names = [column.name for column in written.times]
    query = sa.select(written.key.label("row_key"), *written.times).where(sa.or_(*(mark > now for mark in written.marks)))
    rows = connection.execute(query.order_by(written.key)).all()
    if rows:
        moved = [
            {"row_key": row.row_key} | {f"new_{name}": _earlier(getattr(row, name), now, back) for name in names} for row in rows
        ]
        values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
        connection.execute(sa.update(written.key.table).where(written.key == sa.bindparam("row_key")).values(values), moved)


def _earlier(moment: datetime | None, now: datetime, back: timedelta) -> datetime | None:
    return moment - back if moment is not None and moment > now else moment


def _move_feeds(connection: sa.Connection, now: datetime, back: timedelta) -> int:
    is_ahead = sa.and_(feeds.c.polled_at > now, feeds.c.lease_owner.is_(None))
    rows = connection.execute(sa.select(feeds.c.id, *_FEED_TIMES).where(is_ahead).order_by(feeds.c.id)).all()
    if rows:
        connection.execute(_MOVE_FEED, [_moved_feed(row, now, back) for row in rows])
    return len(rows)


_FEED_TIMES = tuple(
    feeds.c[name] for name in ("polled_at", "next_poll_at", "not_before_at", "full_at", "probe_at", "moved_since_at")
)
_MOVE_FEED = (
    sa.update(feeds)
    .where(feeds.c.id == sa.bindparam("row_id"), feeds.c.lease_owner.is_(None))
    .values({column.name: sa.bindparam(f"new_{column.name}") for column in _FEED_TIMES})
)


def _moved_feed(row: dialect.AnyRow, now: datetime, back: timedelta) -> dict[str, Any]:
    """Its poll is as far ahead as it was."""
    moved = {f"new_{column.name}": _earlier(getattr(row, column.name), now, back) for column in _FEED_TIMES}
    return moved | {
        "row_id": row.id,
        "new_polled_at": min(row.polled_at - back, now),
        "new_next_poll_at": row.next_poll_at - back,
    }


def _move_entries(connection: sa.Connection, now: datetime, back: timedelta) -> None:
    """Those that are due by now are so at once; of the others there are few."""
    is_waiting = sa.and_(entries.c.state == PENDING, entries.c.next_try_at > now, entries.c.lease_owner.is_(None))
    later = sa.select(entries.c.id, entries.c.next_try_at).where(is_waiting, entries.c.next_try_at > now + back)
    rows = connection.execute(later.order_by(entries.c.id)).all()
    is_due = sa.and_(is_waiting, entries.c.next_try_at <= now + back)
    connection.execute(sa.update(entries).where(is_due).values(next_try_at=now))
    if rows:
        is_it = sa.and_(entries.c.id == sa.bindparam("row_id"), entries.c.lease_owner.is_(None))
        statement = sa.update(entries).where(is_it).values(next_try_at=sa.bindparam("new_next_try_at"))
        connection.execute(statement, [{"row_id": row.id, "new_next_try_at": row.next_try_at - back} for row in rows])
