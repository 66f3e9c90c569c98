"""Backfills as checkpoints: how far the history of a feed has been read."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.errors import LeaseLost
from ingest.model import Backfill, Checkpoint, HistoryPlan, Priority, Strategy
from ingest.store import dialect
from ingest.store.dialect import AnyRow
from ingest.store.engine import Database
from ingest.store.entries import Arrivals, insert_new
from ingest.store.schema import backfills


class HistoryTable:
    """The port HistoryStore over a database, and what the commands need besides."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, feed_id: int, strategy: Strategy, start: Checkpoint, now: datetime) -> Backfill:
        """The stored backfill of this feed and strategy, or a new one that begins at `start`."""
        return self._database.transact(lambda connection: _open(connection, feed_id, strategy, start=start, now=now))

    def apply(self, plan: HistoryPlan) -> None:
        """Write the entries of one page and the checkpoint behind it in one transaction.

        Raises LeaseLost when the backfill is gone, as it is once its feed was removed.
        """
        self._database.transact(lambda connection: _apply(connection, plan))

    def infos(self, feed_id: int) -> tuple[Backfill, ...]:
        """All backfills of a feed."""
        query = sa.select(backfills).where(backfills.c.feed_id == feed_id).order_by(backfills.c.id)
        with self._database.read() as connection:
            return tuple(_backfill(row) for row in connection.execute(query))


def _open(connection: sa.Connection, feed_id: int, strategy: Strategy, *, start: Checkpoint, now: datetime) -> Backfill:
    values = _position(start) | {
        "feed_id": feed_id,
        "strategy": strategy.value,
        "is_finished": False,
        "started_at": now,
        "updated_at": now,
        "reason": "",
    }
    statement = dialect.insert(connection, backfills).values(values)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["feed_id", "strategy"]))
    is_it = sa.and_(backfills.c.feed_id == feed_id, backfills.c.strategy == strategy.value)
    return _backfill(connection.execute(sa.select(backfills).where(is_it)).one())


def _apply(connection: sa.Connection, plan: HistoryPlan) -> None:
    values = _position(plan.checkpoint) | {
        "is_finished": plan.is_finished,
        "updated_at": plan.read_at,
        "reason": plan.reason,
    }
    is_it = sa.and_(backfills.c.id == plan.backfill_id, backfills.c.feed_id == plan.feed_id)
    if connection.execute(sa.update(backfills).where(is_it).values(values)).rowcount != 1:
        raise LeaseLost(f"backfill {plan.backfill_id} is gone, and its feed with it")
    insert_new(connection, [Arrivals(plan.feed_id, plan.new, plan.read_at)], priority=Priority.BACKFILL)


def _position(checkpoint: Checkpoint) -> dict[str, Any]:
    return {"next_url": checkpoint.next_url, "pages": checkpoint.pages, "entries_new": checkpoint.entries_new}


def _backfill(row: AnyRow) -> Backfill:
    return Backfill(
        backfill_id=row.id,
        feed_id=row.feed_id,
        strategy=Strategy(row.strategy),
        checkpoint=Checkpoint(row.next_url, row.pages, row.entries_new),
        is_finished=row.is_finished,
    )
