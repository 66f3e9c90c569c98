"""What the robots.txt of each origin said, kept so that a restart does not ask again."""

import hashlib

import sqlalchemy as sa

from ingest.model.robots import RobotsFile
from ingest.store import dialect
from ingest.store.codec import clean
from ingest.store.engine import Database
from ingest.store.schema import robots

_COLUMNS = ("origin", "status", "body", "fetched_at", "until_at", "unreachable_since_at", "reason")


class RobotsTable:
    """robots.txt files over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, origin: str) -> RobotsFile | None:
        """The file of this origin as it was last told."""
        query = sa.select(*(robots.c[name] for name in _COLUMNS)).where(robots.c.origin_hash == _hash(origin))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return RobotsFile(*row) if row else None

    def put(self, file: RobotsFile) -> None:
        """Keep what an origin said."""
        values = {name: getattr(file, name) for name in _COLUMNS}

        def write(connection: sa.Connection) -> None:
            statement = dialect.insert(connection, robots).values(origin_hash=_hash(file.origin), **values)
            connection.execute(statement.on_conflict_do_update(index_elements=["origin_hash"], set_=values))

        self._database.transact(write)


def _hash(origin: str) -> str:
    return hashlib.sha256(clean(origin).encode()).hexdigest()
