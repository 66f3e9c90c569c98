"""The gap ledger: what was probably missed between two polls, and what a repair found of it."""

from datetime import datetime

import sqlalchemy as sa

from ingest.model import GapInfo
from ingest.store.dialect import AnyRow
from ingest.store.engine import Database
from ingest.store.schema import feeds, gaps


class GapTable:
    """Gaps over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, limit: int) -> tuple[GapInfo, ...]:
        """Gaps that nobody has repaired yet, the oldest first."""
        return self._find(_INFOS.where(gaps.c.repaired_at.is_(None)).order_by(gaps.c.id).limit(limit))

    def infos(self, feed_id: int | None, limit: int) -> tuple[GapInfo, ...]:
        """Gaps of a feed (None: of all), the latest first."""
        is_wanted = sa.true() if feed_id is None else gaps.c.feed_id == feed_id
        return self._find(_INFOS.where(is_wanted).order_by(gaps.c.until_at.desc(), gaps.c.id.desc()).limit(limit))

    def repaired(self, gap_id: int, found: int, how: str, now: datetime) -> None:
        """Write what a repair found, and how."""
        values = {"found": found, "repair": how, "repaired_at": now}
        statement = sa.update(gaps).where(gaps.c.id == gap_id).values(values)
        self._database.transact(lambda connection: connection.execute(statement))

    def count_open(self) -> int:
        """Gaps that nobody has repaired yet."""
        query = sa.select(sa.func.count()).select_from(gaps).where(gaps.c.repaired_at.is_(None))
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def _find(self, query: sa.Select[*tuple[AnyRow, ...]]) -> tuple[GapInfo, ...]:
        with self._database.read() as connection:
            return tuple(_info(row) for row in connection.execute(query))


_INFOS = sa.select(gaps, feeds.c.url.label("feed_url")).join(feeds, feeds.c.id == gaps.c.feed_id)


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
    )
