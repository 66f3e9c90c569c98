"""Opening a database, and what is said when it cannot be had: one clear line, no password, and no file made anew."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from ingest.errors import ConfigError, StoreError, StoreUnavailable
from ingest.policy import DatabasePolicy
from ingest.store import SqlStore, open_store
from ingest.store.engine import open_database
from ingest.store.faults import translate
from ingest.store.owner import this_owner
from tests.contract.making import Make
from tests.databases import new_postgres_database


def refusal(url: str, kind: type[Exception] = StoreError) -> str:
    """The one line with which opening, or the first use, of this database is refused."""
    with pytest.raises(kind) as caught:
        use(url)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_store_is_opened_under_the_name_of_its_process(migrated_url: str) -> None:
    store = open_store(DatabasePolicy(migrated_url))

    assert store.owner == this_owner()
    store.ping()
    store.close()


def test_a_database_without_tables_fails_the_ping(database_url: str) -> None:
    assert "feeds" in refusal(database_url)


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "http://u:secret@h"])
def test_an_address_that_is_none_is_a_mistake_in_the_configuration(url: str) -> None:
    line = refusal(url, ConfigError)

    assert line.startswith("database.url: is no database address")
    assert "secret" not in line


def use(url: str) -> None:
    with contextlib.closing(open_store(DatabasePolicy(url, busy_timeout_s=0.1))) as store:
        store.ping()


# ── SQLite ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_file_is_made_with_its_folders_and_settings(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "ingest.db"
    database = open_database(DatabasePolicy(f"sqlite:///{path}"))
    full = open_database(DatabasePolicy(f"sqlite:///{path}", is_synchronous_full=True))

    with database.read() as connection:
        settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "foreign_keys")]
        normal = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    with full.read() as connection:
        strict = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()

    assert (settings, normal, strict) == (["wal", 1], 1, 2)
    assert {file.name for file in path.parent.iterdir()} <= {"ingest.db", "ingest.db-wal", "ingest.db-shm"}
    database.close()
    full.close()


@pytest.mark.parametrize("content", [b"\0" * 16_384, b"no database at all " * 300], ids=["zeros", "garbage"])
def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ingest.db"
    path.write_bytes(content)

    line = refusal(f"sqlite:///{path}")

    assert line.startswith(f"database {path} is damaged and was left as it is; restore a backup")
    assert path.read_bytes() == content


def test_a_file_that_was_cut_off_is_named_as_damaged(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "ingest.db"
    path.write_bytes(sqlite_template.read_bytes()[:20_000])

    assert "is damaged" in refusal(f"sqlite:///{path}")


def test_an_emptied_file_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "ingest.db"
    path.touch()

    assert "is an empty file" in refusal(f"sqlite:///{path}")
    assert path.stat().st_size == 0


def test_a_log_without_its_database_is_not_written_into_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "ingest.db-wal").write_bytes(b"x" * 5000)

    assert "its log ingest.db-wal is there" in refusal(f"sqlite:///{tmp_path / 'ingest.db'}")
    assert not (tmp_path / "ingest.db").exists()


def test_a_new_file_is_made_where_the_file_system_knows_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refuse)

    assert "feeds" in refusal(f"sqlite:///{tmp_path / 'ingest.db'}")
    assert (tmp_path / "ingest.db").stat().st_size > 0


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    assert "is a folder" in refusal(f"sqlite:///{tmp_path}")


def test_a_place_where_no_folder_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert "cannot be created" in refusal(f"sqlite:///{tmp_path / 'file' / 'ingest.db'}")


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """File permissions mean nothing to root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("is_folder", [False, True], ids=["file", "folder"])
def test_what_may_not_be_written_is_named(sqlite_template: Path, is_folder: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "ingest.db"
        shutil.copy(sqlite_template, path)
        path.chmod(0o666 if is_folder else 0o444)
        folder.chmod(0o555 if is_folder else 0o777)
        try:
            with without_privileges():
                assert "cannot be written: neither it nor its folder may be read-only" in refusal(f"sqlite:///{path}")
                line = refusal(f"sqlite:///{folder / 'new.db'}") if is_folder else "cannot be created"
            assert "cannot be created" in line
        finally:
            folder.chmod(0o755)


def test_a_file_that_turns_read_only_is_named(store_on_file: SqlStore, make: Make) -> None:
    def write(connection: sa.Connection) -> None:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        try:
            connection.execute(sa.text("DELETE FROM feeds"))
        finally:
            connection.exec_driver_sql("PRAGMA query_only = OFF")

    with pytest.raises(StoreError, match=r"cannot be written: attempt to write a readonly database$"):
        store_on_file.database.transact(write)
    make.feed(store_on_file)


@pytest.fixture
def store_on_file(sqlite_template: Path, tmp_path: Path) -> Iterator[SqlStore]:
    path = tmp_path / "ingest.db"
    shutil.copy(sqlite_template, path)
    store = open_store(DatabasePolicy(f"sqlite:///{path}", busy_timeout_s=0.1))
    yield store
    store.close()


def test_a_full_disk_is_waited_for_and_nothing_half_written_stays(store_on_file: SqlStore, make: Make) -> None:
    def fill(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 3}")
        try:
            connection.execute(
                sa.text("INSERT INTO templates VALUES ('a', '{}', 1, '2025'), ('b', :data, 1, '2025')"), {"data": "x" * 99_999}
            )
        finally:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")

    with pytest.raises(StoreUnavailable, match=r"the disk is full: database or disk is full$"):
        store_on_file.database.transact(fill)

    with store_on_file.database.read() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM templates")).scalar_one() == 0
    make.feed(store_on_file)


def test_a_database_that_others_keep_locked_is_asked_three_times(store_on_file: SqlStore, make: Make) -> None:
    database = store_on_file.database
    pauses: list[float] = []
    database._sleep = pauses.append
    with contextlib.closing(sqlite3.connect(database.place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="other programs kept it busy for too long: database is locked"):
            make.feed(store_on_file)
        assert len(pauses) == 2
        assert store_on_file.feeds.infos() == ()  # readers do not mind

        database._sleep = lambda _: other.execute("ROLLBACK") and None
        make.feed(store_on_file)
    assert len(store_on_file.feeds.infos()) == 1


# ── PostgreSQL ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_server_that_cannot_be_reached_is_waited_for_and_no_password_shown() -> None:
    line = refusal("postgresql://reader:secret@127.0.0.1:1/news", StoreUnavailable)

    assert line.startswith("database reader@127.0.0.1:1/news cannot be reached: ")
    assert "secret" not in line


@pytest.mark.postgres
def test_a_database_that_does_not_exist_is_a_refusal(postgres_server: str) -> None:
    line = refusal(sa.make_url(postgres_server).set(database="nowhere").render_as_string(hide_password=False))

    assert "refuses the log-in: " in line
    assert 'database "nowhere" does not exist' in line


@pytest.mark.postgres
def test_a_wrong_password_is_a_refusal_and_not_shown(postgres_server: str) -> None:
    with new_postgres_database(postgres_server) as url, psycopg.connect(url, autocommit=True) as connection:
        rules = Path(connection.execute("SHOW hba_file").fetchone()[0])  # type: ignore[index]
        if not (rules.exists() and os.access(rules, os.W_OK)):
            pytest.skip("the server's rules cannot be changed from here")
        connection.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
        before = rules.read_text()
        try:
            rules.write_text(f"local all locked scram-sha-256\nhost all locked all scram-sha-256\n{before}")
            connection.execute("SELECT pg_reload_conf()")
            given = sa.make_url(url).set(username="locked", password="wrongsecret")
            line = refusal(given.render_as_string(hide_password=False))
        finally:
            rules.write_text(before)
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("DROP ROLE locked")

    assert "refuses the log-in: " in line
    assert 'password authentication failed for user "locked"' in line
    assert "wrongsecret" not in line


def test_an_error_of_the_library_itself_is_told_in_one_line() -> None:
    assert str(translate(sa.exc.NoSuchTableError("first\nsecond"), "here")) == "database here failed: first"
    pool = translate(sa.exc.TimeoutError("no connection left"), "here")
    assert isinstance(pool, StoreUnavailable)
