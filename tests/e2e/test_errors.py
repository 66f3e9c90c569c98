"""Every mistake of a user ends in one clear line per problem on stderr, with the exit code that says where to look."""

import contextlib
import os
import socket
import sqlite3
import struct
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Command
from tests.news import item, rss


def complaints(command, *args, code, **env):
    """What a command that fails says; each line is one problem, told by us."""
    done = command(*args, code=code, **env)
    lines = done.stderr.splitlines()
    assert lines
    assert all(line.startswith("ingest: ") for line in lines), done.stderr
    return [line.removeprefix("ingest: ") for line in lines]


# ── usage: 2 ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_DATE = "is no date: write YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS"
_HTTP = "is no address that begins with http:// or https://"
_NUMBER = "Input should be a valid integer, unable to parse string as an integer"
_LOGIN = "holds a login, which would be stored: list it in config/feeds.toml with username and password_file"
_LIST = "`ingest feeds list` shows those there are"

USAGE = {
    "no such command": (["fetch"], "no such command 'fetch' (see `ingest -h`)"),
    "nearly a command": (["fedes"], "no such command 'fedes'. Did you mean 'feeds', 'seeds'? (see `ingest -h`)"),
    "no such subcommand": (["feeds", "delete"], "no such command 'delete' (see `ingest feeds -h`)"),
    "no such option": (["run", "--wait"], "no such option: --wait (see `ingest run -h`)"),
    "missing argument": (["feeds", "add"], "missing argument 'URL' (see `ingest feeds add -h`)"),
    "one argument too many": (["db", "status", "x"], "got unexpected extra argument(s) (x) (see `ingest db status -h`)"),
    "now without once": (
        ["run", "--now"],
        "invalid value for '--now': goes with --once: the daemon polls what is due (see `ingest run -h`)",
    ),
    "bad date": (
        ["articles", "list", "--since", "2026-13-01"],
        f"invalid value for '--since': '2026-13-01' {_DATE} (see `ingest articles list -h`)",
    ),
    "bad date of a backfill": (
        ["backfill", "--until", "monday"],
        f"invalid value for '--until': 'monday' {_DATE} (see `ingest backfill -h`)",
    ),
    "period the wrong way round": (
        ["backfill", "--since", "2026-02-01", "--until", "2026-01-01"],
        "invalid value for '--until': 2026-01-01T00:00:00 is not after --since (see `ingest backfill -h`)",
    ),
    "limit of nothing": (
        ["articles", "list", "--limit", "0"],
        "invalid value for '--limit': Input should be greater than or equal to 1 (see `ingest articles list -h`)",
    ),
    "unknown format": (
        ["articles", "export", "--format", "xml"],
        "invalid value for '--format': 'xml' is not one of 'ndjson', 'csv' (see `ingest articles export -h`)",
    ),
    "id that is none": (
        ["articles", "show", "first"],
        f"invalid value for 'ID': {_NUMBER} (see `ingest articles show -h`)",
    ),
    "id beyond all numbers": (
        ["articles", "show", "9" * 30],
        "invalid value for 'ID': Input should be less than or equal to 9223372036854775807 (see `ingest articles show -h`)",
    ),
    "unknown article": (["articles", "show", "7"], "no article 7; `ingest articles list` shows those there are"),
    "unknown feed": (["feeds", "show", "7"], f"no feed '7'; {_LIST}"),
    "unknown feed to remove": (["feeds", "remove", "http://a.example/"], f"no feed 'http://a.example/'; {_LIST}"),
    "unknown feed as filter": (
        ["articles", "export", "--feed", "7"],
        f"invalid value for '--feed': no feed '7', {_LIST} (see `ingest articles export -h`)",
    ),
    "feed that is no web address": (
        ["feeds", "add", "ftp://a.example/"],
        f"invalid value for 'URL': 'ftp://a.example/' {_HTTP} (see `ingest feeds add -h`)",
    ),
    "site that is no web address": (
        ["feeds", "discover", "a.example"],
        f"invalid value for 'URL': 'a.example' {_HTTP} (see `ingest feeds discover -h`)",
    ),
    "login in an address": (
        ["feeds", "add", "http://me:sesame@a.example/"],
        f"invalid value for 'URL': 'http://me:***@a.example/' {_LOGIN} (see `ingest feeds add -h`)",
    ),
    "output in no folder": (
        ["articles", "export", "-o", "missing/out.csv"],
        "cannot write missing/out.csv: No such file or directory",
    ),
    "output that is a folder": (["feeds", "export", "-o", "."], "cannot write .: Is a directory"),
}


@pytest.mark.parametrize(("args", "line"), USAGE.values(), ids=USAGE)
def test_a_mistake_on_the_command_line_is_one_line_with_the_way_to_help(lite, args, line):
    assert complaints(lite, *args, code=2) == [line]


def test_each_unknown_target_of_a_backfill_is_told_and_nothing_is_asked_for(lite, site):
    lines = complaints(lite, "backfill", site.url("/feed.xml"), "99", "a.example", code=2)
    assert lines == [f"no such feed (see `ingest feeds list`), and {target!r} {_HTTP}" for target in ("99", "a.example")]
    assert complaints(lite, "backfill", "99", "--dry-run", code=2) == lines[:1]
    assert site.requests == []


# ── configuration: 4 ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_all_problems_of_all_places_are_told_at_once_each_with_its_place_and_the_way_out(lite):
    (lite.folder / "my.toml").write_text('[fetch]\ntimeout = 3\ntimeout_s = "soon"\n\n[pol]\n\n[poll]\ninterval_s = 0\n')
    lite.feeds("http://a.example/feed", "http://A.example:80/feed", "ftp://b.example/", tag='["x"]')
    lines = complaints(lite, "run", "--once", "--config", "my.toml", code=4, INGEST_FECH_ALLOW="x", INGEST_HTTP_PORT="web")
    assert sorted(lines) == [
        "INGEST_FECH_ALLOW: unknown environment variable (did you mean INGEST_FETCH_ALLOW?)",
        "INGEST_HTTP_PORT: http.port must be a whole number, not text",
        "config/feeds.toml:10: url must be an http:// or https:// URL",
        "config/feeds.toml:11: unknown key tag (did you mean tags?)",
        "config/feeds.toml:3: unknown key tag (did you mean tags?)",
        "config/feeds.toml:5: the same feed as in config/feeds.toml:1 (remove one of the two)",
        "config/feeds.toml:7: unknown key tag (did you mean tags?)",
        "my.toml:2: unknown key fetch.timeout (did you mean timeout_s?)",
        'my.toml:3: fetch.timeout_s must be a number of seconds or a duration such as "30m", not text',
        "my.toml:5: unknown key pol (did you mean poll?)",
        "my.toml:8: poll.interval_s must be from 10 to 2592000 seconds, not 0",
    ]


def broken(folder):
    (folder / "broken.toml").write_text("[[feed]\n")
    (folder / "broken.opml").write_text("these are no feeds")
    (folder / "secret").mkdir()


CONFIGURATION = {
    "named file that is not there": (["--config", "x.toml"], {}, "--config: cannot read x.toml: No such file or directory"),
    "named by a variable": ([], {"INGEST_CONFIG": "x.toml"}, "INGEST_CONFIG: cannot read x.toml: No such file or directory"),
    "feed list that is not there": (["--feeds", "x.toml"], {}, "--feeds: cannot read x.toml: No such file or directory"),
    "OPML list that is not there": (["--feeds", "x.opml"], {}, "--feeds: cannot read x.opml: no such file"),
    "no TOML": (
        ["--feeds", "broken.toml"],
        {},
        "broken.toml:1: is not valid TOML: Expected ']]' at the end of an array declaration",
    ),
    "list by FTP": (["--feeds", "ftp://a.example/x"], {}, "--feeds: feeds must be a path or an http(s) URL"),
    "no database address": (
        ["--database-url", "mysql://me:sesame@host/db"],
        {},
        "--database-url: database.url must begin with sqlite:/// or postgresql://",
    ),
    "secret file that cannot be read": (
        [],
        {"INGEST_FETCH_PROXY_FILE": "secret"},
        "INGEST_FETCH_PROXY_FILE: cannot read secret: Is a directory",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("args", "env", "line"), CONFIGURATION.values(), ids=CONFIGURATION)
def test_a_mistake_in_the_configuration_is_told_with_its_place(lite, args, env, line):
    broken(lite.folder)
    assert complaints(lite, "config", "check", *args, code=4, **env) == [line]


def test_a_feed_list_that_cannot_be_had_or_read_is_told_with_its_place(lite, site):
    broken(lite.folder)
    (line,) = complaints(lite, "run", "--once", "--feeds", "broken.opml", code=4)
    assert line.startswith("broken.opml: cannot be read as a feed list: not an OPML document (name ")
    assert complaints(lite, "config", "check", "--feeds", "broken.opml", code=4) == [
        "broken.opml: cannot be read as a feed list: not an OPML document (name an OPML file)"
    ]
    url = site.url("/missing.opml")
    (line,) = complaints(lite, "run", "--once", "--feeds", url, code=4)
    assert line.startswith(f"{url}: cannot be read as a feed list: 404 Not Found (name ")


@pytest.mark.parametrize(("name", "reason"), [("x.opml", "No such file or directory"), ("broken.opml", "not an OPML document")])
def test_a_file_to_import_that_cannot_be_read_is_told(lite, name, reason):
    broken(lite.folder)
    assert complaints(lite, "feeds", "import", name, code=4) == [
        f"{name}: cannot be read as a feed list: {reason} (name an OPML file)"
    ]


def test_seeds_without_a_folder_say_what_to_name(lite):
    assert complaints(lite, "seeds", "load", code=4) == [
        "seeds: no such folder (name the folder that holds the seed documents (*.txt))"
    ]


def test_without_a_feed_a_run_says_what_to_do_and_is_no_failure(lite):
    for args in (("run", "--once"), ("backfill",), ("feeds", "list", "--json")):
        assert complaints(lite, *args, code=0) == [
            "no feeds yet: list them in config/feeds.toml, name a list with --feeds, or `ingest feeds add URL`"
        ]
    lite.feeds("http://a.example/", enabled="false")
    assert complaints(lite, "run", "--once", code=0) == [
        "none of 1 feeds is active: `ingest feeds list` shows their states, `ingest feeds show ID` the reason"
    ]


# ── the database: 5 ─────────────────────────────────────────────────────────────────────────────────────────────────────


def sqlite(path):
    return {"INGEST_DATABASE_URL": f"sqlite:///{path}"}


def test_a_database_that_is_damaged_empty_or_a_folder_is_told_and_left_alone(lite):
    (lite.folder / "damaged.db").write_bytes(b"These bytes were a database once, but not any more. " * 100)
    (lite.folder / "empty.db").touch()
    (lite.folder / "folder.db").mkdir()
    said = {
        "damaged.db": "is damaged and was left as it is; restore a backup or move it away: file is not a database",
        "empty.db": "is an empty file: restore a backup, or remove it to begin anew",
        "folder.db": "is a folder: name a file in it",
        "damaged.db/x.db": "cannot be created: File exists",
    }
    for name, reason in said.items():
        for args in (("run", "--once"), ("articles", "export"), ("db", "status")):
            assert complaints(lite, *args, code=5, **sqlite(name)) == [f"database {name} {reason}"]
    assert (lite.folder / "damaged.db").stat().st_size == 5200
    assert (lite.folder / "empty.db").stat().st_size == 0


@contextlib.contextmanager
def without_privileges():
    """File permissions mean nothing to root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_database_that_may_not_be_written_is_told(monkeypatch, capfd):
    with tempfile.TemporaryDirectory() as name:  # which others may enter, unlike the folder of the test
        folder = Path(name)
        lite = Command(folder, f"sqlite:///{folder / 'ingest.db'}", monkeypatch, capfd)
        lite("db", "upgrade")
        (folder / "ingest.db").chmod(0o444)
        folder.chmod(0o755)
        with without_privileges():
            assert complaints(lite, "feeds", "list", code=5) == [
                f"database {folder / 'ingest.db'} cannot be written: neither it nor its folder may be read-only"
            ]
            assert complaints(lite, "feeds", "list", code=5, **sqlite(folder / "new.db")) == [
                f"database {folder / 'new.db'} cannot be created: unable to open database file"
            ]


def test_a_schema_from_the_future_is_refused_in_one_line(lite):
    lite("db", "upgrade")
    with closing(sqlite3.connect(lite.folder / "ingest.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    for args in (("db", "upgrade"), ("db", "status"), ("run", "--once"), ("feeds", "list", "--json")):
        (line,) = complaints(lite, *args, code=5)
        assert "has schema 9999" in line
        assert "a newer version wrote it, install that" in line


def test_a_postgresql_server_that_is_not_there_is_told_without_the_password(lite):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"postgresql://me:sesame@127.0.0.1:{port}/news"
    for args in (("run", "--once"), ("feeds", "list")):
        (line,) = complaints(lite, *args, code=5, INGEST_DATABASE_URL=url)
        assert line.startswith(f"database me@127.0.0.1:{port}/news cannot be reached: ")
        assert "Connection refused" in line
        assert "sesame" not in line


@contextlib.contextmanager
def suspicious_server():
    """Speaks PostgreSQL's protocol just far enough to refuse every password. Source: PostgreSQL 18, chapter 54."""

    def message(kind, body):
        return kind + struct.pack("!i", len(body) + 4) + body

    def refuse(connection):
        while True:
            size = struct.unpack("!i", connection.recv(4, socket.MSG_WAITALL))[0]
            if struct.unpack("!i", connection.recv(size - 4, socket.MSG_WAITALL)[:4])[0] == 3 << 16:
                break
            connection.sendall(b"N")  # neither TLS nor GSSAPI
        connection.sendall(message(b"R", struct.pack("!i", 3)))  # a password, please
        connection.recv(1000)
        connection.sendall(message(b"E", b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "me"\0\0'))

    def serve(listener):
        with contextlib.suppress(OSError):  # closed: the test is over
            while True:
                with listener.accept()[0] as connection:
                    refuse(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_wrong_password_is_told_without_it(lite):
    with suspicious_server() as port:
        url = f"postgresql://me:sesame@127.0.0.1:{port}/news"
        for args in (("run",), ("feeds", "list")):  # the daemon does not wait for a password to become right
            line = complaints(lite, *args, code=5, INGEST_DATABASE_URL=url, INGEST_LOG_LEVEL="error")[-1]
            assert line.startswith(f"database me@127.0.0.1:{port}/news refuses the log-in: ")
            assert 'password authentication failed for user "me"' in line
            assert "sesame" not in line


# ── feeds: 3 ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_in_which_some_feeds_fail_ends_with_3_and_the_others_are_stored(lite, site):
    base = site.url("").rstrip("/")
    site.page("/feed.xml", rss(base, [item(base, 1, text="One.")]))
    lite.feeds(site.url("/feed.xml"), site.url("/missing.xml"))
    done = lite("run", "--once", code=3, INGEST_FULL_TEXT="no", INGEST_LOG_LEVEL="error")
    assert done.stdout == "feeds 1 ok, 0 not modified, 1 failed · entries 1 new, 0 changed · articles 1 stored, 0 known\n"
    assert done.stderr == ""


# ── ours: 1 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_daemon_that_is_not_there_is_unhealthy(lite):
    assert complaints(lite, "healthcheck", code=1, INGEST_HTTP_PORT="9") == [
        "no answer at 127.0.0.1:9: Connection refused (is `ingest run` running?)"
    ]
    assert complaints(lite, "healthcheck", code=1, INGEST_HTTP_IS_ENABLED="no") == ["nothing to ask: http.is_enabled is false"]
