"""What the two databases say differently: column types, upserts, locks and case. Nothing else in this room asks which one it is.

Times are kept in SQLite as fixed-width ISO text (`2025-01-31T09:00:00.000000Z`): it sorts as it reads, holds the years 1 to
9999, and people, and SQLite's own date functions, can read it; integers would save 19 bytes a time and lose that.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ingest.store.codec import clean

AnyRow: TypeAlias = sa.Row[*tuple[Any, ...]]

EARLIEST = datetime.min.replace(tzinfo=UTC)
POSTGRESQL, SQLITE = "postgresql", "sqlite"
_MICROSECONDS = 26  # characters of a time up to there
_LOWER = "ingest_lower"  # SQLite's own lower() knows ASCII only

Id = sa.BigInteger().with_variant(sa.Integer(), SQLITE)  # SQLite numbers rows by itself only for INTEGER
Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), POSTGRESQL)


class Utc(sa.types.TypeDecorator[datetime]):
    """An aware UTC moment on both databases."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return sa.String(27) if dialect.name == SQLITE else sa.DateTime(timezone=True)

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[datetime | None], Any]:
        return _as_text if dialect.name == SQLITE else _as_utc  # one call a value: what TypeDecorator makes takes three

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        return self.bind_processor(dialect)(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if dialect.name == SQLITE else value
        return moment.astimezone(UTC)


def _as_utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError(f"a time without its zone: {value}")
    return value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    moment = _as_utc(value)
    return None if moment is None else moment.isoformat(timespec="microseconds")[:_MICROSECONDS] + "Z"


class Words(sa.types.TypeDecorator[str]):
    """Text of any length, cleaned of what a database refuses."""

    impl = sa.Text
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[str | None], str | None]:  # noqa: ARG002  the base class names it
        return _cleaned

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002  as above
        return _cleaned(value)


def _cleaned(value: str | None) -> str | None:
    return None if value is None else clean(value)


def to_json(value: Any) -> str:
    """JSON as it is stored: compact, and readable in every script."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def insert(connection: sa.Connection, table: sa.Table) -> "postgresql.Insert | sqlite.Insert":
    """An INSERT that knows ON CONFLICT."""
    return insert_on(connection.dialect.name, table)


def insert_on(database: str, table: sa.Table) -> "postgresql.Insert | sqlite.Insert":
    """The same, to be made once for each kind of database."""
    return postgresql.insert(table) if database == POSTGRESQL else sqlite.insert(table)


def take_ids(connection: sa.Connection, table: sa.Table, count: int) -> Sequence[int]:
    """Ids for so many new rows, in order. The transaction is a writing one: nobody else takes any in between on SQLite."""
    if connection.dialect.name == POSTGRESQL:
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        numbers = sa.func.generate_series(1, count).table_valued("number")
        return sorted(connection.scalars(sa.select(sa.func.nextval(sequence)).select_from(numbers)))
    last = connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}) or 0
    return range(last + 1, last + 1 + count)


def hold(connection: sa.Connection, name: str) -> None:
    """Be the only transaction that holds `name` until it ends. SQLite has one writer anyway."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(zlib.crc32(f"ingest {name}".encode()))))


def contains(connection: sa.Connection, column: sa.ColumnElement[Any], word: str) -> sa.ColumnElement[bool]:
    """`word` occurs in `column`, in any case. `%` and `_` mean themselves."""
    if connection.dialect.name == POSTGRESQL:
        return column.icontains(word, autoescape=True)
    if word.isascii():
        return column.contains(word, autoescape=True)  # LIKE is blind to case for ASCII
    return sa.Function(_LOWER, column).contains(word.lower(), autoescape=True)


def add_functions(dbapi_connection: Any) -> None:
    """Give a fresh SQLite connection the functions that `contains` calls."""
    dbapi_connection.create_function(_LOWER, 1, lambda text: text and text.lower(), deterministic=True)
