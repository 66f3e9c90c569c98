"""The schema's history: up and down on both databases, and nothing between the migrations and the tables of today."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from ingest.errors import SchemaMismatch, StoreError
from ingest.policy import DatabasePolicy
from ingest.store import SqlStore, migrate
from ingest.store.dialect import EARLIEST
from ingest.store.engine import Database, open_database
from ingest.store.queues import ENTRIES, FEEDS, Queue
from ingest.store.schema import metadata
from tests.contract.making import Make


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(DatabasePolicy(database_url))
    yield opened
    opened.close()


def tables(database: Database) -> set[str]:
    with database.read() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_an_empty_database_gets_all_tables_and_a_second_upgrade_does_nothing(database: Database) -> None:
    assert migrate.status(database).current is None

    before = migrate.upgrade(database)

    assert (before.current, before.is_current) == (None, False)
    assert tables(database) == {*metadata.tables, "alembic_version"}
    assert migrate.status(database).is_current
    assert migrate.upgrade(database).is_current


def test_the_migrations_make_exactly_the_tables_that_the_program_uses(database: Database) -> None:
    migrate.upgrade(database)

    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_every_migration_can_be_taken_back_and_made_again(database: Database) -> None:
    migrate.upgrade(database)

    migrate.downgrade(database)

    assert tables(database) == {"alembic_version"}
    assert migrate.upgrade(database).current is None
    assert migrate.status(database).is_current


def test_a_database_of_the_first_schema_keeps_its_rows(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    (claimed,) = store.feeds.claim(make.now, limit=5, lease_until=make.lease_until)
    store.feeds.apply([make.poll(claimed, make.entry("a"))])
    migrate.downgrade(store.database, "0001")

    assert migrate.upgrade(store.database).current == "0001"

    assert [entry.guid for entry in store.feeds.entries(feed_id, 5)] == ["a"]
    assert store.feeds.seen_items([feed_id]) == (None,)


def test_a_newer_schema_is_refused_in_one_line_and_left_alone(store: SqlStore) -> None:
    store.database.transact(lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))

    for ask in (migrate.status, migrate.upgrade):
        with pytest.raises(SchemaMismatch, match=r"^the database has schema 9999, which Ingest .* does not know: [^\n]*$"):
            ask(store.database)


def test_two_programs_that_start_at_once_both_find_a_finished_schema(database_url: str) -> None:
    start = threading.Barrier(4)

    def begin(_: int) -> bool:
        start.wait(10)
        database = open_database(DatabasePolicy(database_url))
        migrate.upgrade(database)
        is_current = migrate.status(database).is_current
        database.close()
        return is_current

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(begin, range(4))) == [True] * 4


def test_a_migration_that_fails_half_way_leaves_the_database_as_it_was(database: Database) -> None:
    database.transact(lambda connection: connection.execute(sa.text("CREATE TABLE revisions (mine INTEGER)")))

    with pytest.raises(StoreError, match="already exists") as caught:
        migrate.upgrade(database)

    assert "\n" not in str(caught.value)
    assert tables(database) == {"revisions"}


@pytest.mark.parametrize("queue", [FEEDS, ENTRIES], ids=lambda queue: queue.table.name)
def test_due_rows_are_found_along_their_index(store: SqlStore, make: Make, queue: Queue) -> None:
    plans = []
    with store.database.read() as connection:
        if not store.database.is_sqlite:
            connection.execute(sa.text("SET enable_seqscan = off"))
            connection.execute(sa.text("SET enable_bitmapscan = off"))
            connection.execute(sa.text("SET enable_sort = off"))
        bound = {
            "now": make.now,
            "ahead": make.now,
            "far": make.now,
            "due_by": make.now,
            "after_at": EARLIEST,
            "after_id": 0,
            "window": 64,
        }
        for whole, without_some in queue.statements:
            for query in (whole.params(**bound), without_some.params(**bound, full=["crowd.example"])):
                text = query.compile(connection, compile_kwargs={"literal_binds": True})
                explain = "EXPLAIN QUERY PLAN " if store.database.is_sqlite else "EXPLAIN "
                plans.append("\n".join(str(row) for row in connection.exec_driver_sql(f"{explain}{text}".replace("%%", "%"))))

    for plan in plans:
        assert f"ix_{queue.table.name}_due" in plan
        assert "TEMP B-TREE" not in plan
