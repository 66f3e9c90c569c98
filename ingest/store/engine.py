"""A database, opened: how it is connected to, how a transaction runs, and what happens when it fails.

SQLite has one writer: writing transactions queue for a lock of ours within the process, then take SQLite's own at once
(BEGIN IMMEDIATE), so none of them fails half way. PostgreSQL runs them side by side; one that collides with another is undone
and run again. `transact` therefore may call its function more than once, which must not touch anything but its connection.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from ingest.errors import ConfigError, Problem, StoreError
from ingest.policy import DatabasePolicy
from ingest.store.dialect import SQLITE, add_functions, to_json
from ingest.store.faults import Fault, fault_of, place_of, translate

T = TypeVar("T")

_PAUSES_S = (0.05, 0.25)  # before the second and the third run of a transaction
_CONNECT_TIMEOUT_S = 10
_LOCK_TIMEOUT = "30s"  # PostgreSQL: for any lock; a process that hangs in a transaction must not hang all others
_CHECKPOINT_PAGES = 4_000  # SQLite: in the log before they are written to their places, 16 MB; at 1,000 many were written twice
_JOURNAL_BYTES = 64 * 1024 * 1024  # SQLite: to which the write-ahead log shrinks again after a long reader made it grow
_POOL = {"pool_size": 8, "max_overflow": 24, "pool_timeout": 30}


class Database:
    """An open database. Safe to use from many threads."""

    def __init__(self, engine: sa.Engine, place: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.place = place
        self.is_sqlite = engine.dialect.name == SQLITE
        self._engine = engine
        self._writer = engine.execution_options(is_writing=True)
        self._turn = threading.Lock() if self.is_sqlite else contextlib.nullcontext()
        self._sleep = sleep

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading. Keep it short: a long reader keeps SQLite's log from shrinking."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except exc.SQLAlchemyError as error:
            raise translate(error, self.place) from error

    def transact(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` returns, once its writes are committed. Raises StoreError; then nothing is written.

        A transaction that collides with another, or whose connection breaks, is run again, three times at most.
        """
        for pause_s in _PAUSES_S:
            try:
                return self._transact_once(work)
            except exc.SQLAlchemyError as error:
                if not _may_succeed_now(error):
                    raise translate(error, self.place) from error
            self._sleep(pause_s)
        try:
            return self._transact_once(work)
        except exc.SQLAlchemyError as error:
            raise translate(error, self.place) from error

    def _transact_once(self, work: Callable[[sa.Connection], T]) -> T:
        with self._turn, self._writer.begin() as connection:
            return work(connection)

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


def _may_succeed_now(error: exc.SQLAlchemyError) -> bool:
    """Another transaction was in the way, or an open connection broke. One that could not be opened is not asked for again."""
    return fault_of(error) is Fault.CONFLICT or (isinstance(error, exc.DBAPIError) and error.connection_invalidated)


def open_database(policy: DatabasePolicy) -> Database:
    """The database that `policy` names, reached once. Raises StoreError in one line; ConfigError for an address that is none."""
    url = _read_url(policy.url)
    place = place_of(url)
    engine = _sqlite(url, policy) if url.get_backend_name() == SQLITE else _postgresql(url)
    database = Database(engine, place)
    with database.read() as connection:
        connection.execute(sa.select(1))
    return database


def _read_url(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except (exc.ArgumentError, ValueError):
        raise _no_database_url() from None
    backend = url.drivername.partition("+")[0]
    if backend in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if backend == SQLITE and url.database not in (None, "", ":memory:"):
        return url.set(drivername=SQLITE)
    raise _no_database_url()


def _no_database_url() -> ConfigError:
    return ConfigError(
        Problem("database.url", "is no database address", "sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME")
    )


# ── PostgreSQL ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _postgresql(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url.update_query_dict({"connect_timeout": url.query.get("connect_timeout", str(_CONNECT_TIMEOUT_S))}),
        json_serializer=to_json,
        pool_pre_ping=True,
        hide_parameters=True,
        **_POOL,
    )
    sa.event.listen(engine, "connect", _greet_postgresql)
    return engine


def _greet_postgresql(connection: Any, _record: object) -> None:
    """UTC, so that times near the ends of the calendar come back; by statement, because poolers refuse start-up options."""
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
    connection.commit()


# ── SQLite ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _sqlite(url: sa.URL, policy: DatabasePolicy) -> sa.Engine:
    _find_or_create(Path(str(url.database)))
    engine = sa.create_engine(
        url,
        json_serializer=to_json,
        connect_args={"timeout": policy.busy_timeout_s, "isolation_level": None},  # we say BEGIN ourselves
        hide_parameters=True,
        **_POOL,
    )
    synchronous = "FULL" if policy.is_synchronous_full else "NORMAL"

    def greet(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
        add_functions(connection)

    sa.event.listen(engine, "connect", greet)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _begin_sqlite(connection: sa.Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _find_or_create(path: Path) -> None:
    """See that a database file stands at `path`: an old one that may be written, or a new one in a place that may.

    A file of ours is never empty, because a new one is made beside and then given its name: an empty one has lost its content.
    """
    try:
        if path.exists():
            _check(path)
            return
        if _log_of(path).exists() and not path.exists():  # asked again: another process may just have made both
            raise StoreError(
                f"database {path} is missing, but its log {_log_of(path).name} is there: restore it, or remove the log"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path)
    except OSError as error:
        raise StoreError(f"database {path} cannot be created: {error.strerror}") from error
    except sqlite3.Error as error:
        raise StoreError(f"database {path} cannot be created: {error}") from error


def _check(path: Path) -> None:
    if path.is_dir():
        raise StoreError(f"database {path} is a folder: name a file in it")
    if path.stat().st_size == 0:
        raise StoreError(f"database {path} is an empty file: restore a backup, or remove it to begin anew")
    if not (_may(path, os.R_OK | os.W_OK) and _may(path.parent, os.W_OK | os.X_OK)):
        raise StoreError(f"database {path} cannot be written: neither it nor its folder may be read-only")


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _create(path: Path) -> None:
    made = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    try:
        with contextlib.closing(sqlite3.connect(made)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # writes the first page
        with contextlib.suppress(FileExistsError):  # another process was faster: its file is as good
            _give_name(made, path)
    finally:
        made.unlink(missing_ok=True)


def _give_name(made: Path, path: Path) -> None:
    """A link never replaces what is there; where the file system knows no links, renaming has to do."""
    try:
        path.hardlink_to(made)
    except FileExistsError:
        raise
    except OSError:
        made.rename(path)


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
