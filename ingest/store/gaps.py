"""The gap ledger: what was probably missed between two polls, and what a repair found of it."""

from datetime import datetime

import sqlalchemy as sa

from ingest.model import GapInfo, GapRepair, Priority
from ingest.store import queues
from ingest.store.dialect import AnyRow
from ingest.store.engine import Database
from ingest.store.entries import Arrivals, insert_new
from ingest.store.schema import ACTIVE, feeds, gaps, hosts


class GapTable:
    """Gaps over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, now: datetime, limit: int) -> tuple[GapInfo, ...]:
        """Gaps of active feeds that are still to be looked into and may be now, the oldest first.

        Those of feeds that somebody holds or whose server wants to be left alone are not: they would stand before all others.
        """
        is_due = sa.or_(gaps.c.next_try_at.is_(None), gaps.c.next_try_at <= now)
        is_left_alone = sa.exists().where(hosts.c.host == feeds.c.host, hosts.c.throttled_until > now)
        may_be_held = sa.and_(feeds.c.state == ACTIVE, queues.is_free(queues.FEEDS, now), ~is_left_alone)
        return self._find(_INFOS.where(_IS_OPEN, is_due, may_be_held).order_by(gaps.c.id).limit(limit))

    def infos(self, feed_id: int | None, limit: int) -> tuple[GapInfo, ...]:
        """Gaps of a feed (None: of all), the latest first."""
        is_wanted = sa.true() if feed_id is None else gaps.c.feed_id == feed_id
        return self._find(_INFOS.where(is_wanted).order_by(gaps.c.until_at.desc(), gaps.c.id.desc()).limit(limit))

    def repaired(self, plan: GapRepair) -> None:
        """Write what a look for missed entries brought, in one transaction."""
        self._database.transact(lambda connection: _write(connection, plan))

    def count_open(self) -> int:
        """Gaps that are still to be looked into."""
        query = sa.select(sa.func.count()).select_from(gaps).where(_IS_OPEN)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def _find(self, query: sa.Select[*tuple[AnyRow, ...]]) -> tuple[GapInfo, ...]:
        with self._database.read() as connection:
            return tuple(_info(row) for row in connection.execute(query))


_IS_OPEN = gaps.c.found.is_(None)
_INFOS = sa.select(gaps, feeds.c.url.label("feed_url")).join(feeds, feeds.c.id == gaps.c.feed_id)


def _write(connection: sa.Connection, plan: GapRepair) -> None:
    values = {
        "found": plan.found,
        "repair": plan.how,
        "repaired_at": None if plan.found is None else plan.tried_at,
        "tries": gaps.c.tries + int(plan.is_try),
        "next_try_at": plan.next_try_at,
    }
    is_it = sa.and_(gaps.c.id == plan.gap_id, gaps.c.feed_id == plan.feed_id, _IS_OPEN)
    if connection.execute(sa.update(gaps).where(is_it).values(values)).rowcount:  # else removed or repaired by somebody else
        insert_new(connection, [Arrivals(plan.feed_id, plan.new, plan.tried_at)], priority=Priority.BACKFILL)


def _info(row: AnyRow) -> GapInfo:
    return GapInfo(
        gap_id=row.id,
        feed_id=row.feed_id,
        feed_url=row.feed_url,
        since_at=row.since_at,
        until_at=row.until_at,
        missed=row.missed,
        found=row.found,
        repaired_at=row.repaired_at,
        reason=row.reason,
        repair=row.repair,
        tries=row.tries,
        next_try_at=row.next_try_at,
    )
