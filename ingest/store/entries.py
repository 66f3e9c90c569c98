"""Entries as rows: how the entries of a plan are written, and how a row becomes an entry again."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.model import EntryInfo, EntryPlan, EntryState, KnownEntry, Priority
from ingest.outcome import Outcome
from ingest.store.codec import clean, to_data
from ingest.store.dialect import AnyRow
from ingest.store.many import ManyRows
from ingest.store.queues import FREE
from ingest.store.schema import HOST, entries, feeds
from ingest.urls import host_of

_MAX_KEY = 200  # a longer key is kept as its hash: PostgreSQL's index rows end at 2,704 bytes, and short ones are fast
_RANK = {Priority.LIVE: 0, Priority.BACKFILL: 1}
_KNOWN_BATCH = 1000  # keys asked for in one statement


def host_key(url: str | None) -> str:
    """The host whose turn it is when `url` is asked for; empty without one."""
    return host_of(url)[: HOST.length] if url else ""


def find_known(connection: sa.Connection, feed_id: int, keys: Collection[str]) -> Mapping[str, KnownEntry]:
    """Those of `keys` that the feed has had before."""
    by_stored = {_stored_key(key): key for key in keys}
    wanted = list(by_stored)
    known: dict[str, KnownEntry] = {}
    for start in range(0, len(wanted), _KNOWN_BATCH):
        for row in connection.execute(_KNOWN, {"of_feed": feed_id, "keys": wanted[start : start + _KNOWN_BATCH]}):
            key = by_stored[row.key]
            known[key] = KnownEntry(row.id, key, row.content_hash, row.first_seen_at)
    return known


_KNOWN = sa.select(*(entries.c[name] for name in ("id", "key", "content_hash", "first_seen_at"))).where(
    entries.c.feed_id == sa.bindparam("of_feed"), entries.c.key.in_(sa.bindparam("keys", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Entries of one feed that were not known."""

    feed_id: int
    plans: Sequence[EntryPlan]
    at: datetime


def insert_new(connection: sa.Connection, arrivals: Sequence[Arrivals], *, priority: Priority) -> None:
    """Write entries that were not known. One that is there by now stays as it is, so a plan may be written twice."""
    rank = {"priority": _RANK[priority], "attempts": 0, "fence": 0}
    rows = [
        rank | {"feed_id": one.feed_id, "first_seen_at": one.at, "key": _stored_key(plan.keyed.key)} | _said(plan, one.at)
        for one in arrivals
        for plan in one.plans
    ]
    _NEW.write(connection, rows)


_NEW = ManyRows(
    entries,
    (
        "feed_id", "key", "guid", "url", "title", "published_at", "content_hash", "data", "host", "priority", "state", "reason",
        "attempts", "next_try_at", "fence", "first_seen_at", "last_seen_at",
    ),
    unique=("feed_id", "key"),
)  # fmt: skip


def update_changed(connection: sa.Connection, feed_id: int, plans: Sequence[EntryPlan], *, now: datetime) -> None:
    """Write entries that say something else now. Their fence is raised: an article made of the old words is refused."""
    if not plans:
        return
    rows = [{"row_id": plan.entry_id} | _said(plan, now) for plan in sorted(plans, key=lambda plan: plan.entry_id or 0)]
    names = rows[0].keys() - {"row_id"}
    connection.execute(
        sa.update(entries)
        .where(entries.c.id == sa.bindparam("row_id"), entries.c.feed_id == feed_id)
        .values(
            {name: sa.bindparam(name) for name in names}
            | FREE
            | {"priority": _RANK[Priority.LIVE], "attempts": 0, "outcome": None, "changed_at": now, "fence": entries.c.fence + 1}
        ),
        rows,
    )


def _said(plan: EntryPlan, now: datetime) -> dict[str, Any]:
    """The columns that follow from what the feed says now."""
    entry = plan.keyed.entry
    return {
        "guid": entry.guid,
        "url": entry.url,
        "title": entry.title,
        "published_at": entry.published_at,
        "content_hash": plan.keyed.content_hash,
        "data": to_data(entry),
        "host": host_key(entry.url) if plan.wants_page else "",
        "state": plan.state.value,
        "reason": plan.reason,
        "next_try_at": now if plan.state is EntryState.PENDING else None,
        "last_seen_at": now,
    }


def _stored_key(key: str) -> str:
    key = clean(key)
    return key if len(key) <= _MAX_KEY else "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def find_infos(connection: sa.Connection, condition: sa.ColumnElement[bool], limit: int) -> tuple[EntryInfo, ...]:
    """Entries as people are shown them, newest first."""
    columns = [entries.c[name] for name in _SHOWN]
    rows = connection.execute(
        sa.select(feeds.c.url.label("feed_url"), *columns)
        .join(feeds, feeds.c.id == entries.c.feed_id)
        .where(condition)
        .order_by(entries.c.id.desc())
        .limit(limit)
    )
    return tuple(_info(row) for row in rows)


_SHOWN = (
    "id", "feed_id", "guid", "url", "title", "published_at", "state", "outcome", "reason", "attempts", "next_try_at",
    "article_id", "first_seen_at",
)  # fmt: skip


def _info(row: AnyRow) -> EntryInfo:
    return EntryInfo(
        entry_id=row.id,
        feed_id=row.feed_id,
        feed_url=row.feed_url,
        guid=row.guid,
        url=row.url,
        title=row.title,
        published_at=row.published_at,
        state=EntryState(row.state),
        outcome=Outcome(row.outcome) if row.outcome else None,
        reason=row.reason,
        attempts=row.attempts,
        next_try_at=row.next_try_at,
        article_id=row.article_id,
        first_seen_at=row.first_seen_at,
    )
