"""Which feeds there are: the feed file's word against what the database knows, and what commands add and remove."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.model import FeedOrigin, FeedSpec, FeedState
from ingest.store.codec import clean, to_data
from ingest.store.dialect import AnyRow
from ingest.store.entries import host_key
from ingest.store.schema import feeds

NO_LONGER_LISTED = "no longer listed"
DISABLED_BY_HAND = "disabled in the configuration"

_COLUMNS = ("origin", "options", "state", "state_reason", "failures")
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SyncResult:
    """How many feeds the feed file added, changed, paused and resumed."""

    added: int = 0
    changed: int = 0
    paused: int = 0
    resumed: int = 0


def url_hash(url: str) -> str:
    """By which a feed is found: its address may be longer than an index allows."""
    return hashlib.sha256(clean(url).encode()).hexdigest()


def sync(
    connection: sa.Connection, specs: Sequence[FeedSpec], now: datetime, *, first_poll_at: Callable[[FeedSpec], datetime]
) -> SyncResult:
    """Make the feeds of the file those of `specs`. What is known keeps its time of the next poll."""
    listed: dict[str, FeedSpec] = {}
    for spec in specs:
        listed.setdefault(url_hash(spec.url), spec)
    rows = connection.execute(sa.select(feeds.c.id, feeds.c.url_hash, feeds.c.listed_hash, *_columns())).all()
    known = {_key_of(row, listed): row for row in rows}
    addresses = {row.url_hash for row in rows}  # that of a feed that has moved may be listed beside the old one
    added = [
        _new_row(spec, now, first_poll_at(spec)) for key, spec in listed.items() if key not in known and key not in addresses
    ]
    changes = [(row, _as_listed(row, listed[key])) for key, row in known.items() if key in listed]
    changes += [(row, _as_unlisted(row)) for key, row in known.items() if key not in listed]
    _insert(connection, added)
    return _update(connection, changes, added=len(added))


def _key_of(row: AnyRow, listed: Mapping[str, FeedSpec]) -> str:
    """The hash of the address under which the list names the feed: the first one, or where it has moved to since."""
    is_listed_anew = row.listed_hash not in listed and row.url_hash in listed
    return str(row.url_hash if row.listed_hash is None or is_listed_anew else row.listed_hash)


def _columns() -> list[sa.Column[Any]]:
    return [feeds.c[name] for name in _COLUMNS]


def _new_row(spec: FeedSpec, now: datetime, next_poll_at: datetime) -> Values:
    is_enabled = spec.options.is_enabled
    return {
        "url": spec.url,
        "url_hash": url_hash(spec.url),
        "origin": spec.origin.value,
        "options": to_data(spec.options),
        "state": (FeedState.ACTIVE if is_enabled else FeedState.PAUSED).value,
        "state_reason": "" if is_enabled else DISABLED_BY_HAND,
        "next_poll_at": next_poll_at,
        "host": host_key(spec.url),
        "created_at": now,
    }


def _as_listed(row: AnyRow, spec: FeedSpec) -> Values:
    """What a known feed looks like now that the file lists it."""
    values = {"origin": spec.origin.value, "options": to_data(spec.options)}
    if not spec.options.is_enabled:
        return values | _state_of(row, FeedState.PAUSED, DISABLED_BY_HAND)
    if row.state == FeedState.PAUSED:
        return values | _state_of(row, FeedState.ACTIVE, "") | {"failures": 0.0}  # a fair new start
    return values | _state_of(row, FeedState(row.state), row.state_reason)


def _as_unlisted(row: AnyRow) -> Values:
    """What a known feed looks like now that the file does not list it. Feeds of commands are none of its business."""
    values = {"origin": row.origin, "options": row.options}
    if row.origin == FeedOrigin.COMMAND or row.state == FeedState.PAUSED:
        return values | _state_of(row, FeedState(row.state), row.state_reason)
    return values | _state_of(row, FeedState.PAUSED, NO_LONGER_LISTED)


def _state_of(row: AnyRow, state: FeedState, reason: str) -> Values:
    return {"state": state.value, "state_reason": reason, "failures": row.failures}


def _insert(connection: sa.Connection, rows: Sequence[Values]) -> None:
    if rows:
        connection.execute(sa.insert(feeds), rows)


def _update(connection: sa.Connection, changes: Sequence[tuple[AnyRow, Values]], *, added: int) -> SyncResult:
    differing = [(row, values) for row, values in changes if any(getattr(row, name) != values[name] for name in _COLUMNS)]
    if differing:
        connection.execute(
            sa.update(feeds).where(feeds.c.id == sa.bindparam("row_id")).values({name: sa.bindparam(name) for name in _COLUMNS}),
            [{"row_id": row.id} | values for row, values in differing],
        )
    paused = sum(row.state != values["state"] == FeedState.PAUSED for row, values in differing)
    resumed = sum(row.state != values["state"] == FeedState.ACTIVE for row, values in differing)
    return SyncResult(added=added, changed=len(differing) - paused - resumed, paused=paused, resumed=resumed)


def add(connection: sa.Connection, spec: FeedSpec, now: datetime) -> int:
    """The id of the feed, which is new or known. Asking for a feed that was given up or fell out of the file revives it."""
    key = url_hash(spec.url)
    is_it = sa.or_(feeds.c.url_hash == key, feeds.c.listed_hash == key)
    row = connection.execute(sa.select(feeds.c.id, *_columns()).where(is_it).limit(1)).one_or_none()
    if row is None:
        return int(connection.execute(sa.insert(feeds).values(_new_row(spec, now, now)).returning(feeds.c.id)).scalar_one())
    if row.state == FeedState.DISABLED or row.state_reason == NO_LONGER_LISTED:
        origin = spec.origin if row.state_reason == NO_LONGER_LISTED else FeedOrigin(row.origin)
        revived = _state_of(row, FeedState.ACTIVE, "") | {"failures": 0.0, "origin": origin.value, "probe_at": None}
        connection.execute(sa.update(feeds).where(feeds.c.id == row.id).values(revived))
    return int(row.id)
