"""Does a crash lose or repeat anything? python -m tests.bench.crash [--kills 25] [--feeds 40] [--database both] [--daemons 4]

One undisturbed `ingest run --once` says what there is to find. Then the same on fresh databases, killed (SIGKILL, the main
process alone) at random moments between start-up and end, restarted each time, and let finish once. Then several daemons on one
PostgreSQL share the work. Whatever differs from the undisturbed run is printed, and the exit code is 1. (Linux)
"""

import argparse
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil
import psycopg

from tests.bench.running import KINDS, Service, World, fresh, rows, start
from tests.databases import own_postgres_server
from tests.site import Site

_RUN_S = 300.0  # no run of one pass takes longer, however busy the machine is
_ORPHANS_S = 15.0  # a forkserver that is still loading sees the end only then; on a busy machine that takes a while
_TERM_S = 10.0  # from SIGTERM to the end
_STARTUP_S = 1.5  # every second round begins with a kill before this: migration, feed list, first claims
_KILLS_A_ROUND = 4


@dataclass(frozen=True)
class Found:
    """All that a reader can see of a finished database."""

    entries: Counter  # (feed URL, entry key, state, canonical URL and title of its article)
    articles: Counter  # (canonical URL, text hash, title, body source)
    revisions: int
    identities: int
    polls: Counter  # of feed URL

    def differences(self, other: "Found") -> Iterator[str]:
        for name in ("entries", "articles", "polls"):
            expected, got = getattr(self, name), getattr(other, name)
            for word, counts in (("missing", expected - got), ("too many", got - expected)):
                if counts:
                    yield f"{name}: {counts.total()} {word}, such as {next(iter(counts))}"
        for name in ("revisions", "identities"):
            if getattr(self, name) != getattr(other, name):
                yield f"{name}: {getattr(other, name)} instead of {getattr(self, name)}"


def look(url: str) -> Found:
    entries = rows(
        url,
        "SELECT f.url, e.key, e.state, a.canonical_url, a.title FROM entries e "
        "JOIN feeds f ON f.id = e.feed_id LEFT JOIN articles a ON a.id = e.article_id",
    )
    articles = rows(url, "SELECT canonical_url, text_hash, title, body_source FROM articles")
    return Found(
        Counter(map(tuple, entries)),
        Counter(map(tuple, articles)),
        count(url, "revisions"),
        count(url, "identities"),
        Counter(feed for (feed,) in rows(url, "SELECT f.url FROM polls p JOIN feeds f ON f.id = p.feed_id")),
    )


def count(url: str, what: str) -> int:
    return rows(url, f"SELECT count(*) FROM {what}")[0][0]


def unfinished(url: str) -> Iterator[str]:
    """What no finished run may leave."""
    for what in (
        "entries WHERE state <> 'stored'",
        "entries WHERE lease_owner IS NOT NULL",
        "feeds WHERE lease_owner IS NOT NULL",
    ):
        if left := count(url, what):
            yield f"{left} {what}"
    if url.startswith("sqlite"):
        verdict = rows(url, "PRAGMA integrity_check") + rows(url, "PRAGMA foreign_key_check")
        if verdict != [("ok",)]:
            yield f"integrity_check: {verdict}"


# ── one pass, killed or not ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Figures:
    troubles: list[str] = field(default_factory=list)
    kills: int = 0
    rounds: int = 0
    hits: Counter = field(default_factory=Counter)  # what was done when a kill came
    orphans_s: list[float] = field(default_factory=list)  # how long anything outlived its main process
    asked_again: int = 0
    litter: Counter = field(default_factory=Counter)

    def note(self, where: str, troubles: Iterator[str]) -> None:
        self.troubles += [f"{where}: {trouble}" for trouble in troubles]


def finish(folder: Path, url: str) -> tuple[float, list[str]]:
    """An undisturbed pass: its seconds and what was wrong with its end."""
    service, before = start(folder, url, "run", "--once"), time.monotonic()
    try:
        code = service.process.wait(_RUN_S)
    except subprocess.TimeoutExpired:
        end_all(service)
        return _RUN_S, [f"not done after {_RUN_S:.0f} s"]
    took_s = time.monotonic() - before
    return took_s, [] if code == 0 else [f"exit code {code}: {service.log.read_text()[-2000:]}"]


def kill(service: Service, after_s: float) -> bool:
    """End the main process, and it alone, the hard way; False if it had ended by itself before."""
    with suppress(subprocess.TimeoutExpired):
        service.process.wait(after_s)
        return False
    service.process.kill()
    service.process.wait()
    return True


def orphans(service: Service) -> tuple[float, list[psutil.Process]]:
    """How long anything lived on, and what does so still."""
    killed = time.monotonic()
    while (left := service.remains()) and time.monotonic() < killed + _ORPHANS_S:
        time.sleep(0.02)
    return time.monotonic() - killed, left


def end_all(*services: Service) -> None:
    for service in services:
        for process in service.remains():
            with suppress(psutil.Error):
                process.kill()
        service.process.wait()


def progress(folder: Path, url: str) -> str:
    """How far a killed run had come. Of SQLite's files a copy is read: reading would mend what the next run has to mend."""
    with tempfile.TemporaryDirectory() as copy:
        if url.startswith("sqlite"):
            for file in (path for path in folder.glob("ingest.db*") if not path.name.endswith("-shm")):
                shutil.copy(file, copy)
            url = f"sqlite:///{copy}/ingest.db"
        try:
            polled, stored = count(url, "polls"), count(url, "articles")
        except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
            return "before the tables"
    if not polled:
        return "before the first poll"
    return "while polling and reading" if stored else "while polling"


def play_round(
    kind: str, world: World, server: str | None, figures: Figures, *, chance: random.Random, budget: int, took_s: float
) -> Found | None:
    """A fresh database, killed again and again, then finished."""
    figures.rounds += 1
    where = f"{kind} round {figures.rounds}"
    with fresh(kind, server) as (folder, url):
        world.write_list(folder)
        for number in range(budget):
            is_early = number == 0 and figures.rounds % 2 == 1
            service = start(folder, url, "run", "--once")
            if not kill(service, chance.uniform(0.0, _STARTUP_S if is_early else took_s)):
                break
            figures.kills += 1
            figures.hits[progress(folder, url)] += 1
            lived_s, left = orphans(service)
            figures.orphans_s.append(lived_s)
            figures.note(where, (f"outlived its main process: {process}" for process in left))
            end_all(service)
        figures.litter.update(path.suffix for path in folder.glob(".*"))
        if troubles := finish(folder, url)[1]:
            figures.note(where, iter(troubles))
            return None
        figures.note(where, unfinished(url))
        return look(url)


def check_kills(kind: str, world: World, server: str | None, *, kills: int, chance: random.Random) -> tuple[Found, list[str]]:
    with fresh(kind, server) as (folder, url):
        world.write_list(folder)
        world.site.forget()
        took_s, troubles = finish(folder, url)
        if troubles := troubles or [*unfinished(url)]:
            sys.exit(f"{kind}: the undisturbed run failed: {troubles}")
        reference, asked = look(url), len(world.site.requests)
    print(
        f"{kind}: undisturbed {took_s:.1f} s, {reference.polls.total()} polls, {reference.entries.total()} entries, "
        f"{reference.articles.total()} articles, {asked} requests",
        flush=True,
    )
    figures, before = Figures(), time.monotonic()
    while figures.kills < kills and time.monotonic() < before + kills * (took_s + 10):
        world.site.forget()
        budget = min(_KILLS_A_ROUND, kills - figures.kills)
        found = play_round(kind, world, server, figures, chance=chance, budget=budget, took_s=took_s)
        figures.asked_again += len(world.site.requests) - asked
        if found:
            figures.note(f"{kind} round {figures.rounds}", reference.differences(found))
    if figures.kills < kills:
        figures.troubles.append(f"{kind}: only {figures.kills} of {kills} kills in the time there was")
    print(
        f"{kind}: {figures.kills} kills in {figures.rounds} rounds, {dict(figures.hits)}; "
        f"the last process gone after {median(figures.orphans_s):.2f} s (at most {max(figures.orphans_s):.2f} s); "
        f"{figures.asked_again} requests repeated; files left behind {dict(figures.litter)}; {len(figures.troubles)} troubles",
        flush=True,
    )
    return reference, figures.troubles


# ── several daemons ─────────────────────────────────────────────────────────────────────────────────────────────────────


def check_daemons(world: World, server: str, reference: Found, daemons: int) -> list[str]:
    """All start at once, on a database without tables."""
    troubles: list[str] = []
    with fresh("postgresql", server) as (folder, url):
        world.write_list(folder)
        world.site.forget()
        before = time.monotonic()
        services = [start(folder, url, "run") for _ in range(daemons)]
        try:
            troubles += wait_until_done(services, url, reference)
            took_s = time.monotonic() - before
            time.sleep(5)  # a second poll of anything would come within a few ticks
            slowest_s, ends = terminate(services)
        finally:
            end_all(*services)
        troubles += [*ends, *unfinished(url), *reference.differences(look(url)), *asked_twice(world)]
        shares = [service.log.read_text().count('"feed_polled"') for service in services]
    asked = Counter(seen.path for seen in world.site.requests)
    shared = sum(asked[path] - 1 for path in world.shared_paths())
    print(
        f"postgresql: {daemons} daemons, done in {took_s:.1f} s, feeds polled by each {shares}, pages that two feeds share asked "
        f"for again {shared} times, slowest end on SIGTERM {slowest_s:.1f} s; {len(troubles)} troubles"
    )
    return [f"{daemons} daemons: {trouble}" for trouble in troubles]


def wait_until_done(services: list[Service], url: str, reference: Found) -> list[str]:
    deadline = time.monotonic() + _RUN_S
    while time.monotonic() < deadline:
        if any(service.process.poll() is not None for service in services):
            return ["a daemon ended by itself"]
        with suppress(psycopg.errors.UndefinedTable):
            if count(url, "entries WHERE state = 'stored'") >= reference.entries.total():
                return []
        time.sleep(0.1)
    return [f"not done after {_RUN_S:.0f} s"]


def terminate(services: list[Service]) -> tuple[float, list[str]]:
    """How long the slowest took to end, and what was wrong with an end."""
    before, troubles = time.monotonic(), []
    for service in services:
        service.process.send_signal(signal.SIGTERM)
    for service in services:
        with suppress(subprocess.TimeoutExpired):
            service.process.wait(max(before + 2 * _TERM_S - time.monotonic(), 0.1))
    slowest_s = time.monotonic() - before
    if slowest_s > _TERM_S:
        troubles.append(f"SIGTERM took {slowest_s:.1f} s")
    for service in services:
        if service.process.poll() != 0 or "Traceback" in service.log.read_text():
            troubles.append(f"exit code {service.process.poll()}: {service.log.read_text()[-2000:]}")
        troubles += [f"outlived its main process: {process}" for process in orphans(service)[1]]
    return slowest_s, troubles


def asked_twice(world: World) -> Iterator[str]:
    """Feeds and pages that were not asked for exactly once. One that two feeds name may be under way for both at once."""
    asked = Counter(seen.path for seen in world.site.requests)
    for path in world.feed_paths():
        if asked[path] != 1:
            yield f"{path} was asked for {asked[path]} times"
    for path in asked.keys() - world.feed_paths():
        if asked[path] > (2 if path in world.shared_paths() else 1):
            yield f"{path} was asked for {asked[path]} times"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.crash")
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--feeds", type=int, default=40)
    parser.add_argument("--database", choices=[*KINDS, "both"], default="both")
    parser.add_argument("--daemons", type=int, default=4, help="0: none")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    kinds = KINDS if given.database == "both" else (given.database,)
    troubles: list[str] = []
    with ExitStack() as stack:
        server = stack.enter_context(own_postgres_server()) if "postgresql" in kinds else None
        world = World(stack.enter_context(Site("0.0.0.0")), given.feeds)
        world.publish()
        references = []
        for kind in kinds:
            reference, found = check_kills(kind, world, server, kills=given.kills, chance=random.Random(given.seed))
            references.append(reference)
            troubles += found
        troubles += [f"sqlite against postgresql: {trouble}" for trouble in references[0].differences(references[-1])]
        if server and given.daemons:
            troubles += check_daemons(world, server, references[-1], given.daemons)
    print("\n".join(troubles) or "nothing lost, nothing repeated")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
