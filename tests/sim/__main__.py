"""A simulation by command: so many feeds for so many days, and what became of it."""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ingest import log
from ingest.policy import DatabasePolicy, LogPolicy, Policies
from ingest.store import migrate, open_store
from tests.sim import worlds
from tests.sim.score import Offence
from tests.sim.service import Setup, World


def main() -> int:
    """1 where anybody was rude."""
    given = _arguments()
    log.set_up(LogPolicy(level="error"), is_terminal=True)
    with _database(given.database) as url:
        world = World(_setup(url, given))
        _fill(world, given)
        started_s = time.process_time()
        _live(world, given)
        print(_summary(world, given, cpu_s=time.process_time() - started_s))
    return 1 if world.score.offences.total() else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--feeds", type=int, default=2000, help="that only publish, at lognormal rates (2000)")
    parser.add_argument("--odd", action="store_true", help="and a hundred on hosts with every kind of manners")
    parser.add_argument("--crowds", type=int, default=0, help="a tenth of the feeds live in crowds of so many on one host")
    parser.add_argument("--days", type=float, default=14.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interval", type=float, default=1800.0, help="poll.interval_s (1800)")
    parser.add_argument("--processes", type=int, default=1, help="daemons over one database (1)")
    parser.add_argument("--lives", type=float, help="hours after which a daemon is killed or stopped, in the mean (never)")
    parser.add_argument("--kills", type=float, default=0.0, help="share of the calls of the store at which a daemon dies")
    parser.add_argument(
        "--tick", type=float, default=30.0, help="seconds between two looks for due feeds (30; the real one: 0.5)"
    )
    parser.add_argument("--articles", action="store_true", help="make articles of entries, too; implied by --odd")
    parser.add_argument("--written", action="store_true", help="write documents out and parse them; implied by --odd")
    parser.add_argument("--http", action="store_true", help="by the real HttpFetcher, not by its double at the port")
    parser.add_argument("--database", help="an empty one, e.g. postgresql://…; else SQLite in a temporary file")
    return parser.parse_args()


@contextmanager
def _database(given: str | None) -> Iterator[str]:
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="ingest-sim-", dir=memory if memory.is_dir() else None))
    try:
        url = given or f"sqlite:///{folder / 'sim.db'}"
        store = open_store(DatabasePolicy(url))
        migrate.upgrade(store.database)
        store.close()
        yield url
    finally:
        shutil.rmtree(folder)


def _setup(url: str, given: argparse.Namespace) -> Setup:
    defaults = Policies()
    poll = replace(defaults.poll, interval_s=given.interval, at_once=100)
    return Setup(
        url,
        seed=given.seed,
        policies=replace(defaults, poll=poll),
        is_http=given.http,
        is_written=given.written or given.odd or given.http,
        has_articles=given.articles or given.odd,
        yields=given.processes > 1,
        tick_s=given.tick,
        pace_s=3600.0,
    )


def _fill(world: World, given: argparse.Namespace) -> None:
    worlds.fill_evenly(world, given.feeds, days=given.days, crowds=given.crowds)
    if given.odd:
        worlds.fill_oddly(world, days=given.days)


def _live(world: World, given: argparse.Namespace) -> None:
    world.kill_share = given.kills
    lives_s = given.lives * 3600.0 if given.lives else float("inf")
    world.play(world.keep_running(processes=given.processes, days=given.days, lives_s=lives_s))


def _summary(world: World, given: argparse.Namespace, *, cpu_s: float) -> str:
    score, feeds = world.score, len(world.specs())
    offences = [score.told(offence) for offence in Offence if score.offences[offence]]
    kinds = ", ".join(f"{number} of {kind}" for kind, number in score.by_kind.most_common())
    statuses = ", ".join(f"{number} × {status}" for status, number in sorted(score.by_status.items()))
    lines = [
        f"{feeds} feeds, {given.days:g} days, seed {given.seed}",
        f"polls       {score.polls}: {score.polls / feeds / given.days:.1f} a feed and day",
        f"requests    {score.requests}: {kinds}; {statuses}; {score.refused} of them refusals",
        f"entries     {score.entries} stored; {len(score.gaps)} gaps, {len(score.moves)} moves",
        f"delay       {_delays(score.delays_s)}",
        f"processes   {world.killed} killed, {world.stopped} stopped; {world.networks_lost} times the network was lost",
        f"offences    {score.offences.total()}",
        *offences,
        f"CPU         {cpu_s:.1f} s, {1e6 * cpu_s / max(score.polls, 1):.0f} µs a poll",
        f"            {60 * feeds * given.days / max(cpu_s, 1e-9):.0f} feeds × days in a minute of it",
    ]
    return "\n".join(lines)


def _delays(delays_s: list[float]) -> str:
    if not delays_s:
        return "nothing was published"
    minutes = sorted(delay_s / 60 for delay_s in delays_s)
    late = minutes[int(0.95 * (len(minutes) - 1))]
    return (
        f"from publication to store {statistics.fmean(minutes):.1f} min in the mean, {statistics.median(minutes):.1f} median, "
        f"{late:.1f} at 95 %, of {len(minutes)} entries"
    )


if __name__ == "__main__":
    sys.exit(main())
