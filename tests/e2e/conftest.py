"""The command as people run it, in a folder of its own."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from ingest.cli import main
from tests.site import Site


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    stdout: str
    stderr: str


class Command:
    """`ingest` in a folder with a database; loopback may be polled and nobody has to wait for a host's gap.

    Called, it runs within this process, which spares the start of an interpreter; `start` makes a process of its own.
    """

    def __init__(self, folder: Path, database_url: str, monkeypatch, capfd):
        self._patch, self._capture = monkeypatch, capfd
        self.folder = folder
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("INGEST_")},
            "INGEST_DATABASE_URL": database_url,
            "INGEST_FETCH_ALLOW": "127.0.0.0/8",
            "INGEST_HOSTS_GAP_S": "0",
            "INGEST_FETCH_TIMEOUT_S": "2",
            "INGEST_HTTP_PORT": "0",
            "INGEST_WORKERS_PROCESSES": "1",
        }
        self.database_url = database_url

    def __call__(self, *args, code=0, **env):
        """What it wrote; its exit code must be `code`."""
        self._capture.readouterr()
        with self._patch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr("sys.argv", ["ingest", *map(str, args)])
            patch.setattr("os.environ", self.env | env)
            with pytest.raises(SystemExit) as ended:
                main()
        done = Done(*self._capture.readouterr())
        assert (ended.value.code or 0) == code, f"exit code {ended.value.code}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *args, **env):
        return json.loads(self(*args, "--json", **env).stdout)

    def start(self, *args, **env):
        """The running process."""
        return subprocess.Popen(
            [sys.executable, "-m", "ingest", *map(str, args)],
            cwd=self.folder, env=self.env | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def feeds(self, *urls, **keys):
        """Write config/feeds.toml with these feeds."""
        more = "".join(f"{key} = {value}\n" for key, value in keys.items())
        (self.folder / "config").mkdir(exist_ok=True)
        (self.folder / "config/feeds.toml").write_text("".join(f'[[feed]]\nurl = "{url}"\n{more}\n' for url in urls))

    def rows(self, query):
        """What a query of the database finds, as tuples."""
        if self.database_url.startswith("sqlite"):
            with closing(sqlite3.connect(self.database_url.removeprefix("sqlite:///"))) as connection:
                return connection.execute(query).fetchall()
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def command(tmp_path, database_url, monkeypatch, capfd):
    """`ingest` on each kind of database."""
    return Command(tmp_path, database_url, monkeypatch, capfd)


@pytest.fixture
def lite(tmp_path, monkeypatch, capfd):
    """`ingest` on SQLite, for what does not depend on the database."""
    return Command(tmp_path, f"sqlite:///{tmp_path / 'ingest.db'}", monkeypatch, capfd)


@pytest.fixture
def site():
    with Site() as site:
        yield site


def until(check, *, timeout_s=30.0):
    """What `check` answers, as soon as that is true."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {timeout_s} s: {check}")


def ask(port, path):
    """Status and body of a GET, or None while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None


def end(process, number=signal.SIGTERM):
    """End a process that a test started; its exit code and what it wrote."""
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err
