"""What polling costs, beside the library `reader`: python -m tests.bench.poll [--feeds 1000] [--rounds 2] [--memory] [--json]

CPU seconds of `ingest run --once --now` with all its processes on SQLite, full text off, for three kinds of pass over invented
feeds on as many loopback addresses: the first poll, with parsing and storing; all answers 304; two new items in every feed. What
a pass with nothing due costs (start-up) is taken off each. Between them, turn about, `reader` does the same as it comes, in one
process and an environment of its own (tests/bench/peers); its start-up is not counted either. The best of all rounds counts.

--memory asks for 10,000 feeds instead and tells the peak memory of the service: PSS, which counts what processes share once.
The exit code is 1 when a goal is missed. (Linux)
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.bench.apart import python_with
from tests.bench.newsstand import Newsstand, open_newsstand
from tests.bench.running import fresh, measure, start

SETTINGS = {"INGEST_FULL_TEXT": "false", "INGEST_HOSTS_GAP_S": ""}  # an empty one is the default
GOAL_MB = 200.0
_HERE = Path(__file__).parent
_SAMPLE_S = 0.2
_RUN_S = 1800.0


@dataclass(frozen=True)
class Kind:
    """One kind of pass, and how many times cheaper than reader it should be."""

    name: str
    goal: float
    stretch: float | None = None


FIRST = Kind("first poll, parsed and stored", 2.5)
SAME = Kind("all answers 304", 3.0)
NEWER = Kind("two new items in every feed", 5.0, stretch=8.0)
NEW_ITEMS = 2


@dataclass
class Costs:
    """The best figures so far of one kind of pass."""

    ours_s: float = float("inf")
    peak_mb: float = 0.0
    readers_s: dict[int, float] = field(default_factory=dict)  # by number of threads

    @property
    def ratio(self) -> float:
        return min(self.readers_s.values()) / self.ours_s if self.readers_s else 0.0


# ── the two ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Ours:
    """The service on a database of its own."""

    stand: Newsstand
    folder: Path
    url: str

    def prepare(self) -> None:
        """The feeds known, none polled yet."""
        (self.folder / "config").mkdir()
        (self.folder / "config/feeds.toml").write_text("\n".join(f'[[feed]]\nurl = "{url}"\n' for url in self.stand.urls))
        measure(self.folder, self.url, "feeds", "list", settings=SETTINGS)

    def run(self, *args: str, expected: str) -> tuple[float, float]:
        """CPU seconds and peak MB of a pass that tells what is `expected` of it."""
        cost = measure(self.folder, self.url, "run", "--once", *args, settings=SETTINGS)
        if expected not in cost.last_line:
            sys.exit(f"ours: {cost.last_line!r} instead of {expected!r}")
        return cost.cpu_s, cost.peak_mb


@dataclass(frozen=True)
class Reader:
    """The library `reader` on a database of its own."""

    stand: Newsstand
    folder: Path
    python: Path
    threads: int

    def prepare(self) -> None:
        self._call("add")

    def run(self, *, entries: int) -> float:
        """CPU seconds of an update after which there are so many entries."""
        found = json.loads(self._call("update", str(self.threads)))
        if found["entries"] != entries or found["failed"]:
            sys.exit(f"reader: {found} instead of {entries} entries")
        return float(found["cpu_s"])

    def _call(self, *args: str) -> str:
        command = [str(self.python), str(_HERE / "peers" / "reader_poll.py"), str(self.folder / f"{self.threads}.db"), *args]
        urls = "\n".join(self.stand.urls)
        return subprocess.run(command, input=urls, capture_output=True, text=True, timeout=_RUN_S, check=True).stdout


# ── a round ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def play(stand: Newsstand, python: Path, threads: tuple[int, ...], costs: dict[Kind, Costs]) -> float:
    """One round on fresh databases; answers what a pass with nothing due costs us."""
    feeds, items = stand.feeds, stand.items
    with fresh("sqlite", None) as (folder, url), tempfile.TemporaryDirectory(prefix="ingest-bench-") as theirs:
        ours = Ours(stand, folder, url)
        readers = [Reader(stand, Path(theirs), python, count) for count in threads]
        for one in (ours, *readers):
            one.prepare()
        first = ours.run("--now", expected=f"feeds {feeds} ok, 0 not modified, 0 failed · entries {items} new")
        _ask(readers, costs[FIRST], entries=items)
        idle_s, _ = ours.run(expected="feeds 0 ok, 0 not modified, 0 failed")
        _note(costs[FIRST], first, idle_s)
        stand.counts()
        _note(costs[SAME], ours.run("--now", expected=f"feeds 0 ok, {feeds} not modified, 0 failed"), idle_s)
        assert stand.counts() == {"304": feeds}
        _ask(readers, costs[SAME], entries=items)
        assert stand.counts()["304"] == feeds * len(readers)
        stand.publish(NEW_ITEMS)
        more = NEW_ITEMS * feeds
        newer = ours.run("--now", expected=f"feeds {feeds} ok, 0 not modified, 0 failed · entries {more} new, 0 changed")
        _note(costs[NEWER], newer, idle_s)
        _ask(readers, costs[NEWER], entries=items + more)
        return idle_s


def _note(costs: Costs, run: tuple[float, float], idle_s: float) -> None:
    cpu_s, peak_mb = run
    costs.ours_s = min(costs.ours_s, cpu_s - idle_s)
    costs.peak_mb = max(costs.peak_mb, peak_mb)


def _ask(readers: list[Reader], costs: Costs, *, entries: int) -> None:
    for reader in readers:
        cpu_s = reader.run(entries=entries)
        costs.readers_s[reader.threads] = min(costs.readers_s.get(reader.threads, cpu_s), cpu_s)


def compare(feeds: int, rounds: int, threads: tuple[int, ...]) -> tuple[dict[Kind, Costs], float]:
    """The costs by kind of pass, and those of starting up."""
    costs = {kind: Costs() for kind in (FIRST, SAME, NEWER)}
    python = python_with(_HERE / "peers" / "poll.txt")
    with open_newsstand(feeds) as stand:
        idle_s = min(play(stand, python, threads, costs) for _ in range(rounds))
    return costs, idle_s


def show(costs: dict[Kind, Costs], idle_s: float, feeds: int, threads: tuple[int, ...]) -> None:
    names = [f"reader ({count} threads)" if count > 1 else "reader" for count in threads]
    titles = ("ours", *names, "ratio", "goal", "peak MB")
    print(f"{f'CPU seconds for {feeds} feeds':<32}" + "".join(f"{title:>{max(9, len(title) + 2)}}" for title in titles))
    for kind, cost in costs.items():
        goal = f"{kind.goal:g}×" + (f" ({kind.stretch:g}×)" if kind.stretch else "")
        figures = [f"{cost.ours_s:.2f}", *(f"{cost.readers_s[count]:.2f}" for count in threads), f"{cost.ratio:.1f}×", goal]
        figures.append(f"{cost.peak_mb:.0f}")
        verdict = "" if cost.ratio >= kind.goal else "  missed"
        print(f"{kind.name:<32}" + "".join(f"{f:>{max(9, len(t) + 2)}}" for f, t in zip(figures, titles, strict=True)) + verdict)
    print(f"{'start-up, taken off ours':<32}{idle_s:>9.2f}")


# ── memory ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Memory:
    """The most that was seen at one moment of a run, in MB."""

    main_mb: float = 0.0
    workers_mb: float = 0.0  # with the process that forks them
    total_mb: float = 0.0
    main_rss_mb: float = 0.0

    def note(self, main: psutil.Process) -> None:
        """Look at a service now."""
        rss, pss = _memory_of(main)
        workers = sum(_memory_of(child)[1] for child in main.children(recursive=True))
        self.main_mb, self.workers_mb = max(self.main_mb, pss), max(self.workers_mb, workers)
        self.total_mb, self.main_rss_mb = max(self.total_mb, pss + workers), max(self.main_rss_mb, rss)


def _memory_of(process: psutil.Process) -> tuple[float, float]:
    """RSS and PSS in MB; nothing of one that has ended."""
    with suppress(psutil.Error):
        found = process.memory_full_info()
        return found.rss / 1e6, found.pss / 1e6
    return 0.0, 0.0


def watch(feeds: int) -> Iterator[tuple[Kind, Memory]]:
    """The peak memory of the service in each kind of pass."""
    with open_newsstand(feeds) as stand, fresh("sqlite", None) as (folder, url):
        ours = Ours(stand, folder, url)
        ours.prepare()
        for kind in (FIRST, SAME, NEWER):
            if kind is NEWER:
                stand.publish(NEW_ITEMS)
            yield kind, _watch_pass(ours)


def _watch_pass(ours: Ours) -> Memory:
    memory = Memory()
    service = start(ours.folder, ours.url, "run", "--once", "--now", settings=SETTINGS)
    while service.process.poll() is None:
        with suppress(psutil.Error):
            memory.note(psutil.Process(service.process.pid))
        time.sleep(_SAMPLE_S)
    if service.process.returncode:
        sys.exit(service.log.read_text()[-2000:])
    return memory


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.poll")
    parser.add_argument("--feeds", type=int, help="1,000; 10,000 with --memory")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, action="append", help="of reader, besides 1, its default")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.memory:
        return report_memory(given.feeds or 10_000, is_json=given.json)
    return report_costs(given.feeds or 1_000, given.rounds, (1, *(given.threads or ())), is_json=given.json)


def report_costs(feeds: int, rounds: int, threads: tuple[int, ...], *, is_json: bool) -> int:
    costs, idle_s = compare(feeds, rounds, threads)
    if is_json:
        told = {kind.name: {**vars(cost), "ratio": cost.ratio, "goal": kind.goal} for kind, cost in costs.items()}
        print(json.dumps({"feeds": feeds, "start_up_s": idle_s, "passes": told}))
    else:
        show(costs, idle_s, feeds, threads)
    return int(any(cost.ratio < kind.goal for kind, cost in costs.items()))


def report_memory(feeds: int, *, is_json: bool) -> int:
    peaks = dict(watch(feeds))
    if is_json:
        print(json.dumps({"feeds": feeds, "goal_mb": GOAL_MB, "passes": {kind.name: vars(peak) for kind, peak in peaks.items()}}))
    else:
        titles = f"{'total':>9}{'main':>9}{'workers':>9}{'main, RSS':>12}"
        print(f"{f'peak MB with {feeds} feeds':<32}{titles}   goal: total ≤ {GOAL_MB:g}")
        for kind, peak in peaks.items():
            print(
                f"{kind.name:<32}{peak.total_mb:>9.0f}{peak.main_mb:>9.0f}{peak.workers_mb:>9.0f}{peak.main_rss_mb:>12.0f}"
                + ("" if peak.total_mb <= GOAL_MB else "   missed")
            )
    return int(any(peak.total_mb > GOAL_MB for peak in peaks.values()))


if __name__ == "__main__":
    sys.exit(main())
