"""Turns at hosts as rows: when the next request may start, what robots.txt and refusals taught. All daemons share them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ingest.model import HostLesson, HostState, Turn
from ingest.policy import HostPolicy
from ingest.schedule import after_grant, effective_gap_s, patience_s
from ingest.store import dialect
from ingest.store.dialect import AnyRow
from ingest.store.engine import Database
from ingest.store.many import ManyRows
from ingest.store.schema import HOST, feeds, hosts

LOCK = "turns"  # held by whoever hands out turns (claims of feeds and of entries, and requests on the way) or learns about them

_FURTHEST_S, _MARGIN_S = 120.0, 60.0  # ahead of now that turns are given; of a host with a long gap, that much beyond it
LONG_GAP_S = _FURTHEST_S - _MARGIN_S
_LONGEST_DELAY_S = 3600.0  # of a robots.txt, whatever the policy says

_STATE = ("gap_s", "crawl_delay_s", "granted", "window_at", "refused_at", "throttled_until", "feeds")
COLUMNS = tuple(hosts.c[name].label(f"host_{name}") for name in _STATE)


def state_of(row: AnyRow) -> HostState:
    """The host of a row that was read with COLUMNS beside its own; a host without a row is new."""
    return HostState(
        row.host,
        row.host_gap_s,
        row.host_crawl_delay_s,
        row.host_granted or 0,
        row.host_window_at,
        row.host_refused_at,
        row.host_throttled_until,
        row.host_feeds or 1,
    )


def grant(connection: sa.Connection, asked: Sequence[HostState], now: datetime, policy: HostPolicy) -> None:
    """Note one request for each of `asked` (a host may stand there several times); the next one may start a gap later."""
    counts: dict[str, tuple[HostState, int]] = {}
    for host in asked:
        if host.host:
            counts[host.host] = (host, counts.get(host.host, (host, 0))[1] + 1)
    _write_turns(connection, [_turn(host, now, policy, requests=number) for host, number in counts.values()])


def _turn(host: HostState, at: datetime, policy: HostPolicy, *, requests: int = 1) -> dict[str, Any]:
    after = after_grant(host, at, requests=requests)
    next_at = at + timedelta(seconds=effective_gap_s(host, at, policy))
    return {
        "host": host.host,
        "next_request_at": next_at,
        "granted_at": at,
        "granted": after.granted,
        "window_at": after.window_at,
    }


def furthest(gap_s: float) -> timedelta:
    """How far ahead of now a turn at a host with this gap can be; one that is further was given by a clock since set back."""
    return timedelta(seconds=max(_FURTHEST_S, gap_s + _MARGIN_S))


def furthest_of_all(policy: HostPolicy) -> timedelta:
    """The same for the host with the longest gap that there can be."""
    return furthest(max(policy.gap_s, policy.max_gap_s, _LONGEST_DELAY_S))


def _write_turns(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    _TURNS.write(connection, sorted(rows, key=lambda row: row["host"]))


_TURNS = ManyRows(hosts, ("host", "next_request_at", "granted_at", "granted", "window_at"), conflict="host")


def learn(connection: sa.Connection, lessons: Iterable[tuple[str, HostLesson]], now: datetime) -> None:
    """Write what refusals taught. A later end of a pause that is known already stays; grants are counted anew."""
    merged: dict[str, HostLesson] = {}
    for host, lesson in lessons:
        merged[host] = _stricter(merged[host], lesson) if host in merged else lesson
    rows = [_lesson_row(host, lesson, now) for host, lesson in sorted(merged.items()) if host]
    if not rows:
        return
    dialect.hold(connection, LOCK)  # else whoever is handing out a turn would write over it what was read before
    statement = dialect.insert(connection, hosts)
    told = statement.excluded
    changes = {
        "throttled_until": _later(hosts.c.throttled_until, told.throttled_until),
        "next_request_at": _later(hosts.c.next_request_at, told.next_request_at),
        "gap_s": sa.func.coalesce(told.gap_s, hosts.c.gap_s),
        "refused_at": sa.func.coalesce(told.refused_at, hosts.c.refused_at),
        "reason": told.reason,
        "granted": 0,
        "window_at": None,
    }
    connection.execute(statement.on_conflict_do_update(index_elements=["host"], set_=changes), rows)


def _stricter(one: HostLesson, other: HostLesson) -> HostLesson:
    """Both lessons of one host at once."""
    untils = [until for until in (one.throttled_until, other.throttled_until) if until]
    gaps = [gap_s for gap_s in (one.gap_s, other.gap_s) if gap_s is not None]
    return HostLesson(max(gaps, default=None), max(untils, default=None), one.reason)


def _lesson_row(host: str, lesson: HostLesson, now: datetime) -> dict[str, Any]:
    until = lesson.throttled_until
    return {
        "host": host,
        "throttled_until": until,
        "next_request_at": until,
        "gap_s": lesson.gap_s,
        "refused_at": None if lesson.gap_s is None else now,
        "reason": lesson.reason,
    }


def _later(known: sa.ColumnElement[datetime], told: sa.ColumnElement[datetime]) -> sa.ColumnElement[datetime]:
    return sa.case((sa.or_(known.is_(None), known < told), told), else_=known)


class HostTable:
    """Hosts over a database."""

    def __init__(self, database: Database, policy: HostPolicy) -> None:
        self._database = database
        self._policy = policy

    def reserve(self, host: str, now: datetime, *, within_s: float) -> Turn:
        """The next turn at this host. It is the caller's alone if it comes within so many seconds, or within the host's gap."""
        return self._database.transact(lambda connection: self._reserve(connection, host[: HOST.length], now, within_s))

    def _reserve(self, connection: sa.Connection, name: str, now: datetime, within_s: float) -> Turn:
        dialect.hold(connection, LOCK)
        found = _find(connection, name)
        host = state_of(found) if found else HostState(name)
        at = _next_turn(found, now, furthest(effective_gap_s(host, now, self._policy)))
        is_ours = (at - now).total_seconds() <= patience_s(host, now, self._policy, least_s=within_s)
        if is_ours:
            _write_turns(connection, [_turn(host, at, self._policy)])
        return Turn(at, is_ours)

    def find(self, host: str) -> HostState | None:
        """What is known of a host."""
        with self._database.read() as connection:
            found = _find(connection, host[: HOST.length])
        return state_of(found) if found else None

    def learn(self, host: str, lesson: HostLesson, now: datetime) -> None:
        """Write what a refusal taught."""
        self._database.transact(lambda connection: learn(connection, [(host[: HOST.length], lesson)], now))

    def set_crawl_delay(self, host: str, delay_s: float | None, now: datetime) -> None:
        """Write what robots.txt, asked for just now, asks for (None: nothing). It holds from this request on."""
        next_at = now + timedelta(seconds=delay_s or 0.0)
        row = {"host": host[: HOST.length], "crawl_delay_s": delay_s, "next_request_at": next_at}

        def write(connection: sa.Connection) -> None:
            dialect.hold(connection, LOCK)
            statement = dialect.insert(connection, hosts).values(row)
            later = _later(hosts.c.next_request_at, statement.excluded.next_request_at)
            changes = {"crawl_delay_s": delay_s, "next_request_at": later}
            connection.execute(statement.on_conflict_do_update(index_elements=["host"], set_=changes))

        self._database.transact(write)

    def count_feeds(self) -> None:
        """Count the active feeds of each host anew: those of a crowded one are polled less often."""
        self._database.transact(_count_feeds)


def _next_turn(found: AnyRow | None, now: datetime, ahead: timedelta) -> datetime:
    if found is None or found.next_request_at is None:
        return now
    next_at: datetime = found.next_request_at
    paused_until: datetime | None = found.host_throttled_until
    if paused_until is not None and paused_until > now:
        return max(paused_until, next_at)
    if found.granted_at is not None and found.granted_at > now + ahead:
        return now  # given by a clock that has been set back
    return max(now, next_at)


def _find(connection: sa.Connection, host: str) -> AnyRow | None:
    query = sa.select(hosts.c.host, hosts.c.next_request_at, hosts.c.granted_at, *COLUMNS).where(hosts.c.host == host)
    return connection.execute(query).one_or_none()


def _count_feeds(connection: sa.Connection) -> None:
    is_active = sa.and_(feeds.c.state == "active", feeds.c.host != "")
    number = sa.func.count().label("number")
    counts = sa.select(feeds.c.host, number).where(is_active).group_by(feeds.c.host).having(number > 1)
    crowded = {row.host: int(row.number) for row in connection.execute(counts)}
    known = connection.execute(sa.select(hosts.c.host, hosts.c.feeds).where(hosts.c.feeds > 1))
    rows = crowded | {host: crowded.get(host, 1) for host, number in known if number != crowded.get(host, 1)}
    statement = dialect.insert(connection, hosts)
    if rows:
        connection.execute(
            statement.on_conflict_do_update(index_elements=["host"], set_={"feeds": statement.excluded.feeds}),
            [{"host": host, "feeds": number} for host, number in sorted(rows.items())],
        )
