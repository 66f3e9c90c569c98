"""A migrated store of each kind, and short ways to say what a test needs to be given."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ingest.policy import DatabasePolicy, HostPolicy
from ingest.store import SqlStore, migrate, open_store
from tests.contract.making import Make, OpenAs
from tests.databases import new_postgres_database

UNHURRIED = HostPolicy(gap_s=0, at_once=64)  # where a test is not about hosts, they are asked without restraint


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "ingest.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a migrated database, of which each test gets a copy."""
    with new_postgres_database(postgres_server) as url:
        _migrate(url)
        with psycopg.connect(url) as connection:
            name = connection.info.dbname
        yield name


def _migrate(url: str) -> None:
    store = open_store(DatabasePolicy(url))
    migrate.upgrade(store.database)
    store.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind with all tables."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "ingest.db")
        yield f"sqlite:///{tmp_path / 'ingest.db'}"
        return
    template = request.getfixturevalue("postgres_template")
    with new_postgres_database(request.getfixturevalue("postgres_server"), template) as url:
        yield url


@pytest.fixture
def open_as(migrated_url: str) -> Iterator[OpenAs]:
    """Opens the database of this test as another owner of leases."""
    with contextlib.ExitStack() as stack:

        def open_it(owner: str, hosts: HostPolicy = UNHURRIED) -> SqlStore:
            store = open_store(DatabasePolicy(migrated_url), hosts, owner=owner)
            stack.callback(store.close)
            return store

        yield open_it


@pytest.fixture
def store(open_as: OpenAs) -> SqlStore:
    return open_as("me")
