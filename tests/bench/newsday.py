"""What a day of news costs: python -m tests.bench.newsday [--feeds 100] [--entries 10] [--database both]

CPU seconds of the service with all its processes, on invented sites on loopback, in passes of `ingest run --once`: feeds with
`entries` pages each; then ten times as many feeds of one entry each, without pages: their first polls, and a pass in which every
answer is 304. What a pass with nothing to do costs (start-up) is told once and taken off the others. The sites' own CPU is not in
it; that of the PostgreSQL server has a column of its own. (Linux)
"""

import argparse
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from tests.bench.running import KINDS, Cost, World, fresh, measure, rows
from tests.databases import own_postgres_server
from tests.site import Site

_POLLS_A_FEED = 10  # a 304 costs little: that many more feeds make it visible


@dataclass
class Meter:
    """Runs passes on one database and prints a line for each."""

    kind: str
    folder: Path
    url: str
    idle: Cost | None = None

    def start_up(self) -> None:
        """A pass with nothing due, on a database that has its tables."""
        measure(self.folder, self.url, "run", "--once")
        self.idle = measure(self.folder, self.url, "run", "--once")
        self._print("start-up, nothing due", "", self.idle.cpu_s, "", "", self.idle.wall_s, "", self.idle.peak_mb)

    def run(self, what: str, count: int, *args: str, counted: str, expected: int) -> None:
        """One pass: what a thousand of `count` cost, without starting up. The query `counted` proves that it did its work."""
        assert self.idle is not None
        with server_cpu(self.url) as server:
            cost = measure(self.folder, self.url, "run", "--once", *args)
        found = rows(self.url, counted)[0][0]
        if found != expected:
            sys.exit(f"{self.kind}, {what}: {found} instead of {expected}: {cost.last_line}")
        net_s, wall_s = cost.cpu_s - self.idle.cpu_s, max(cost.wall_s - self.idle.wall_s, 0.01)
        self._print(
            what, count, net_s, 1000 * net_s / count, 1000 * server["cpu_s"] / count, wall_s, count / wall_s, cost.peak_mb
        )

    def _print(self, what: str, count: int | str, *figures: float | str) -> None:
        columns = (f"{figure:>11.2f}" if isinstance(figure, float) else f"{figure:>11}" for figure in figures)
        print(f"{self.kind:<11}{what:<28}{count:>7}" + "".join(columns), flush=True)


@contextmanager
def server_cpu(url: str):
    """CPU seconds of the PostgreSQL server within the block; 0 for SQLite, which runs in the service."""
    used = {"cpu_s": 0.0}
    if url.startswith("sqlite"):
        yield used
        return
    with psycopg.connect(url) as connection:
        postmaster = psutil.Process(connection.info.backend_pid).parent()
        before = _cpu_s(postmaster)
        yield used
        used["cpu_s"] = _cpu_s(postmaster) - before


def _cpu_s(postmaster: psutil.Process) -> float:
    """Of the server, of its living processes and of those that have ended."""
    times = [process.cpu_times() for process in (postmaster, *postmaster.children())]
    ended = postmaster.cpu_times()
    return sum(time.user + time.system for time in times) + ended.children_user + ended.children_system


def play(kind: str, server: str | None, newspapers: World, tickers: World) -> None:
    with fresh(kind, server) as (folder, url):
        meter = Meter(kind, folder, url)
        (folder / "config").mkdir()
        (folder / "config/feeds.toml").touch()
        meter.start_up()
        newspapers.publish()
        newspapers.write_list(folder)
        count = newspapers.feeds * newspapers.entries
        stored = "SELECT count(*) FROM articles WHERE body_source = 'page'"
        meter.run("articles with their pages", count, counted=stored, expected=count)

        tickers.publish()
        tickers.write_list(folder, full_text=False)  # the newspapers are no longer listed, and so paused
        total = newspapers.feeds + tickers.feeds
        polls = "SELECT count(*) FROM polls"
        meter.run("polls, one new entry each", tickers.feeds, "--now", counted=polls, expected=total)
        same = "SELECT count(*) FROM polls WHERE outcome = 'not_modified'"
        meter.run("polls, all 304", tickers.feeds, "--now", counted=same, expected=tickers.feeds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.newsday")
    parser.add_argument("--feeds", type=int, default=100)
    parser.add_argument("--entries", type=int, default=10)
    parser.add_argument("--database", choices=[*KINDS, "both"], default="both")
    given = parser.parse_args()
    kinds = KINDS if given.database == "both" else (given.database,)
    titles = ("CPU s", "CPU s/1000", "+server", "wall s", "a second", "peak MB")
    print(f"{'database':<11}{'pass':<28}{'count':>7}" + "".join(f"{title:>11}" for title in titles))
    with ExitStack() as stack:
        server = stack.enter_context(own_postgres_server()) if "postgresql" in kinds else None
        site = stack.enter_context(Site("0.0.0.0"))
        for kind in kinds:
            newspapers = World(site, given.feeds, given.entries, are_odd=False)
            tickers = World(site, _POLLS_A_FEED * given.feeds, 1, are_odd=False, first=given.feeds)
            play(kind, server, newspapers, tickers)


if __name__ == "__main__":
    main()
