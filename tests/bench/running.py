"""What the benchmarks of the whole service share: a world of invented feeds, fresh databases, and the service as a process.

Run as a program it runs the command it is given and counts what that costs: python -m tests.bench.running COMMAND…
The last line it writes to stdout is a JSON object with CPU seconds of the command and all its descendants. (Linux)
"""

import contextlib
import ctypes
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psutil
import psycopg

from tests.databases import new_postgres_database
from tests.news import item, page, prose, rss
from tests.site import Site

KINDS = ("sqlite", "postgresql")
_MARK = "BENCH_PROCESS"  # in the environment of a service and of all that it starts
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

_SETTINGS = {
    "INGEST_FETCH_ALLOW": "127.0.0.0/8",
    "INGEST_FETCH_TIMEOUT_S": "30",  # the machine may be busy with other things
    "INGEST_PARSE_TIMEOUT_S": "60",
    "INGEST_EXTRACT_TIMEOUT_S": "60",
    "INGEST_HOSTS_GAP_S": "0",
    "INGEST_HTTP_PORT": "0",
}
_PLAIN: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class World:
    """Feeds on a site, each on an address of its own, with `entries` entries that have pages.

    Odd ones besides: two neighbours share an entry (same link), every feed has one entry without a link, and every tenth
    feed is read without its pages. Whoever comes first, the articles are the same.
    """

    site: Site
    feeds: int
    entries: int = 10
    are_odd: bool = True
    first: int = 0  # number of the first feed: worlds on one site need different ones

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + self.feeds)

    def base(self, feed: int) -> str:
        return self.site.url("", host=f"127.1.{feed // 200}.{feed % 200 + 1}")

    def feed_url(self, feed: int) -> str:
        return f"{self.base(feed)}/feed/{feed}.xml"

    def has_pages(self, feed: int) -> bool:
        return not (self.are_odd and feed % 10 == 9)

    def publish(self) -> None:
        """Put every feed and page on the site."""
        for feed in self.numbers:
            base = self.base(feed)
            items = [item(base, number, text=prose(number, 60)) for number in self._entries_of(feed)]
            if self.are_odd:
                items.append(self._linkless(feed))
            if self.are_odd and self.has_pages(feed):
                items.append(self._shared(feed))
            self.site.page(f"/feed/{feed}.xml", rss(base, items, title=f"Feed {feed}"), etag=f'"{feed}"')
            for number in self._entries_of(feed):
                self.site.page(f"/a/{number}", page(f"story {number}"))
            if self.are_odd and feed % 2 == 0:
                self.site.page(f"/a/{_shared_number(feed)}", page(f"shared story {feed}"))

    def _entries_of(self, feed: int) -> range:
        return range(1000 * feed, 1000 * feed + self.entries)

    def _shared(self, feed: int) -> str:
        """An entry that feeds 2n and 2n+1 both carry; the page lies with the first."""
        return item(self.base(feed - feed % 2), _shared_number(feed))

    def _linkless(self, feed: int) -> str:
        base, number = self.base(feed), 1000 * feed + 998
        return item(base, number, text=prose(number, 60)).replace(f"<link>{base}/a/{number}</link>", "")

    def feed_paths(self) -> set[str]:
        return {f"/feed/{feed}.xml" for feed in self.numbers}

    def shared_paths(self) -> set[str]:
        return {f"/a/{_shared_number(feed)}" for feed in self.numbers} if self.are_odd else set()

    def write_list(self, folder: Path, *, full_text: bool = True) -> None:
        """The feed list as config/feeds.toml in `folder`."""
        (folder / "config").mkdir(exist_ok=True)
        tables = (
            f'[[feed]]\nurl = "{self.feed_url(feed)}"\n' + ("" if full_text and self.has_pages(feed) else "full_text = false\n")
            for feed in self.numbers
        )
        (folder / "config/feeds.toml").write_text("\n".join(tables))


def _shared_number(feed: int) -> int:
    return 1000 * (feed - feed % 2) + 999


# ── databases ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def fresh(kind: str, server: str | None) -> Iterator[tuple[Path, str]]:
    """A new folder and the URL of a database that is new, too: a file in it, or one in the PostgreSQL `server`."""
    with tempfile.TemporaryDirectory(prefix="ingest-bench-") as folder:
        if kind == "sqlite":
            yield Path(folder), f"sqlite:///{Path(folder) / 'ingest.db'}"
            return
        assert server is not None
        with new_postgres_database(server) as url:
            yield Path(folder), url


def rows(url: str, query: str) -> list[tuple]:
    """What a query finds."""
    if url.startswith("sqlite"):
        place = f"file:{url.removeprefix('sqlite:///')}?mode=rw"  # never makes a file
        with closing(sqlite3.connect(place, timeout=60, uri=True)) as connection:
            return connection.execute(query).fetchall()
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


# ── the service ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Service:
    """A started `ingest`. Its log goes to a file, so it never waits for a reader."""

    process: subprocess.Popen
    mark: str
    log: Path

    def remains(self) -> list[psutil.Process]:
        """What still lives of it and of everything it started."""
        return [process for process in psutil.process_iter() if _bears(process, self.mark)]


def start(folder: Path, database_url: str, *args: str, settings: Mapping[str, str] = _PLAIN) -> Service:
    """`settings` are INGEST_* variables over those that all benchmarks share."""
    mark = uuid.uuid4().hex
    log = folder / f"{mark}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "ingest", *args],
            cwd=folder, env=_environment(database_url) | settings | {_MARK: mark}, stdout=file, stderr=file,
        )  # fmt: skip
    return Service(process, mark, log)


def _environment(database_url: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("INGEST_")}
    return clean | _SETTINGS | {"INGEST_DATABASE_URL": database_url, "PYTHONPATH": str(Path.cwd())}


def _bears(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):  # gone meanwhile, or not ours to look into
        return False


# ── what it costs ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Cost:
    cpu_s: float
    wall_s: float
    peak_mb: float  # of the largest process
    last_line: str  # of the command's own output


def measure(folder: Path, database_url: str, *args: str, settings: Mapping[str, str] = _PLAIN, timeout_s: float = 600) -> Cost:
    """Run `ingest ARGS` to its end and count. `settings` as for `start`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.running", sys.executable, "-m", "ingest", *args],
        cwd=folder, env=_environment(database_url) | settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        timeout=timeout_s, check=True,
    )  # fmt: skip
    *said, counted = done.stdout.splitlines()
    return Cost(last_line=said[-1] if said else "", **json.loads(counted))


def _count(command: Sequence[str]) -> None:
    """Adopt what the command leaves behind, or the CPU of its workers would go to whoever adopts them."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    before = os.times().elapsed
    code = subprocess.run(command, check=False).returncode
    wall_s = os.times().elapsed - before
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"cpu_s": used.ru_utime + used.ru_stime, "wall_s": wall_s, "peak_mb": used.ru_maxrss / 1000}))
    sys.exit(code)


if __name__ == "__main__":
    _count(sys.argv[1:])
