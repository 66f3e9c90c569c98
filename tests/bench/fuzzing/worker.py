"""A process that tries inputs until its time is up, inside the bounds of a parsing worker. Started by fuzz_parse.py.

    python -m tests.bench.fuzzing.worker FOLDER SEED SECONDS [--coverage]
    python -m tests.bench.fuzzing.worker --replay FILE          says as JSON what is broken, if anything is

What it tries stands in FOLDER/current, so that whoever finds it dead knows of what. A timer of CPU time ends it after 10 s.
"""

import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

_MAX_CPU_S = 10
_MAX_MEMORY_BYTES = 512_000_000
_MAX_GROWTH_KB = 200_000
_INSTRUMENTED = (  # imported before anything else is, or their branches are not counted; some import each other when first called
    *("ingest.text", "ingest.dates", "ingest.urls", "ingest.language", "feedparser", "ingest.parse", "ingest.parse.sniff"),
    *("ingest.parse.xmlfeed", "ingest.parse.jsonfeed", "ingest.parse.opml", "tests.bench.fuzzing.promises"),
)
_SLOWED_BY = 4.0  # by counting branches


class Trial:
    """Tries inputs one after the other, saves what breaks a promise, and counts."""

    def __init__(self, folder: Path, examine: Callable[..., None], broken: type[Exception], factor: float) -> None:
        self._folder, self._examine, self._broken, self._factor = folder, examine, broken, factor
        self._current = os.open(folder / "current", os.O_RDWR | os.O_CREAT)
        self._count, self._told_at = 0, time.monotonic()
        self._peak_kb = _memory_kb("VmHWM")

    def __call__(self, body: bytes) -> None:
        os.ftruncate(self._current, 0)
        os.pwrite(self._current, body, 0)
        self._count += 1
        signal.setitimer(signal.ITIMER_PROF, _MAX_CPU_S * max(1.0, self._factor))
        before_kb = _memory_kb("VmRSS")
        try:
            self._examine(body, factor=self._factor)
        except self._broken as error:
            self._save(body, str(error.kind), str(error.where), str(error.detail))  # type: ignore[attr-defined]
        signal.setitimer(signal.ITIMER_PROF, 0)
        self._watch_memory(body, before_kb)
        if time.monotonic() - self._told_at > 1.0:
            self.tell()

    def tell(self) -> None:
        """Leave the count where the parent finds it."""
        (self._folder / "count").write_text(str(self._count))
        self._told_at = time.monotonic()

    def _watch_memory(self, body: bytes, before_kb: int) -> None:
        peak_kb = _memory_kb("VmHWM")
        if peak_kb > self._peak_kb and peak_kb - before_kb > _MAX_GROWTH_KB:
            self._save(body, "memory", "growth", f"{(peak_kb - before_kb) / 1000:.0f} MB for {len(body):,} bytes")
        self._peak_kb = peak_kb

    def _save(self, body: bytes, kind: str, where: str, detail: str) -> None:
        save(self._folder, body, {"kind": kind, "where": where, "detail": detail})


def save(folder: Path, body: bytes, said: dict[str, str]) -> None:
    """A finding, unless one like it is there that is no longer."""
    digest = f"{abs(hash((said['kind'], said['where']))):016x}"
    name = "".join(char if char.isalnum() else "-" for char in said["kind"]) + "-" + digest
    path = folder / "raw" / name
    if not path.exists() or path.stat().st_size > len(body):
        path.write_bytes(body)
        path.with_suffix(".json").write_text(json.dumps(said))


def _memory_kb(name: str) -> int:
    with open("/proc/self/status", "rb") as file:  # noqa: PTH123  every microsecond counts
        for line in file:
            if line.startswith(name.encode()):
                return int(line.split()[1])
    return 0


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(1_000)


def by_mutation(folder: Path, seed: int, seconds: float) -> None:
    """Mutants of the seeds, and of mutants."""
    from tests.bench.fuzzing.mutate import mutate, seeds
    from tests.bench.fuzzing.promises import Broken, examine

    _bound()
    trial = Trial(folder, examine, Broken, 1.0)
    chance = random.Random(seed)
    pool = seeds(chance)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        mutant = mutate(chance.choice(pool), pool, chance)
        trial(mutant)
        if chance.random() < 0.02 and len(mutant) < 20_000:
            pool[chance.randrange(len(pool))] = mutant
    trial.tell()


def by_coverage(folder: Path, seed: int, seconds: float) -> None:
    """libFuzzer's search for new branches, with our mutations beside its own."""
    import atheris

    with atheris.instrument_imports(include=list(_INSTRUMENTED)):
        for name in _INSTRUMENTED:
            import_module(name)
    from tests.bench.fuzzing.mutate import MAX_BYTES, mutate, seeds
    from tests.bench.fuzzing.promises import Broken, examine

    pool = seeds(random.Random(seed))

    def change(body: bytes, max_size: int, number: int) -> bytes:
        chance = random.Random(number)
        if chance.random() < 0.4:
            return bytes(atheris.Mutate(body, max_size))
        return mutate(body, pool, chance)[:max_size]

    trial = Trial(folder, examine, Broken, _SLOWED_BY)
    options = [f"-seed={seed % 2**31}", f"-max_total_time={max(1, int(seconds))}", f"-max_len={MAX_BYTES}", "-timeout=100000"]
    options += [
        "-rss_limit_mb=0",
        "-print_final_stats=1",
        "-detect_leaks=0",
        f"-artifact_prefix={folder}/",
        str(folder / "corpus"),
    ]
    _bound()
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], trial, custom_mutator=change)
    atheris.Fuzz()


def replay(path: Path) -> None:
    """One input on its own, without instruments; what is slow is told by the function in which it was slow."""
    from tests.bench.fuzzing.promises import Broken, examine

    _bound()
    body = path.read_bytes()
    before_kb = _memory_kb("VmRSS")
    said: dict[str, str] = {}
    try:
        examine(body)
    except Broken as error:
        said = {"kind": error.kind, "where": error.where, "detail": error.detail}
    growth_kb = _memory_kb("VmHWM") - before_kb
    if not said and growth_kb > _MAX_GROWTH_KB:
        said = {"kind": "memory", "where": "growth", "detail": f"{growth_kb / 1000:.0f} MB for {len(body):,} bytes"}
    if said.get("kind") == "slow":
        said["where"] += f" {_slowest(lambda: examine(body, factor=100))}"
    print(json.dumps(said), flush=True)


def _slowest(act: Callable[[], None]) -> str:
    import cProfile
    import pstats

    profile = cProfile.Profile()
    profile.runcall(act)
    rows: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    file, _, name = max(rows, key=lambda row: rows[row][2])
    return f"{file.rpartition('/')[2]}:{name}"


if __name__ == "__main__":
    if sys.argv[1] == "--replay":
        replay(Path(sys.argv[2]))
    else:
        engine = by_coverage if "--coverage" in sys.argv else by_mutation
        engine(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
