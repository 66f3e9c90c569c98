"""Brings a database to the tables of this version, and says where it stands.

A migration runs in one transaction, which no other process shares: SQLite's writer lock, an advisory lock on PostgreSQL. Two
programs that start at once both find a finished schema, and one that is killed half way leaves the database as it was.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import exc

from ingest import __version__
from ingest.errors import SchemaMismatch, StoreError
from ingest.store.dialect import hold
from ingest.store.engine import Database

if TYPE_CHECKING:
    from alembic.config import Config

NEEDED = "0004"  # the newest migration, known without loading Alembic: most starts find it done, 0.2 CPU s sooner

_VERSION = sa.table("alembic_version", sa.column("version_num"))
_SCRIPTS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """The schema in the database (None: no tables yet) and the one this version needs."""

    current: str | None
    needed: str

    @property
    def is_current(self) -> bool:
        return self.current == self.needed


def status(database: Database) -> SchemaStatus:
    """Where the database stands. Raises SchemaMismatch if this version does not know its schema."""
    with database.read() as connection:
        return _status(connection)


def upgrade(database: Database) -> SchemaStatus:
    """Bring the database to the schema of this version; says where it stood before. Raises SchemaMismatch, StoreError."""
    if _is_done(database):
        return SchemaStatus(NEEDED, NEEDED)
    before = status(database)
    return before if before.is_current else database.transact(_upgrade)


def _is_done(database: Database) -> bool:
    try:
        with database.read() as connection:
            return connection.execute(sa.select(_VERSION.c.version_num)).scalar() == NEEDED
    except StoreError as error:
        if isinstance(error.__cause__, exc.ProgrammingError | exc.OperationalError):  # no such table
            return False
        raise


def downgrade(database: Database, revision: str = "base") -> None:
    """Take the database back to an earlier schema, with the data that only later ones can hold."""
    from alembic import command

    database.transact(lambda connection: command.downgrade(_held_config(connection), revision))


def _upgrade(connection: sa.Connection) -> SchemaStatus:
    from alembic import command

    config = _held_config(connection)
    before = _status(connection)  # once more, now that nobody else can change it
    if not before.is_current:
        command.upgrade(config, "head")
    return before


def _held_config(connection: sa.Connection) -> "Config":
    hold(connection, "migration")
    config = _config()
    config.attributes["connection"] = connection
    return config


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


def _status(connection: sa.Connection) -> SchemaStatus:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config())
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise SchemaMismatch(
            f"the database has schema {current}, which Ingest {__version__} does not know: a newer version wrote it, install that"
        )
    head = scripts.get_current_head()
    assert head is not None
    return SchemaStatus(current, head)
