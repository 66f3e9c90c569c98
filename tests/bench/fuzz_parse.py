"""Bounded fuzzing of what reads strangers' documents: decode, sniff, parse, prune, keys, JSON Feed, OPML, discovery, dates.

    python tests/bench/fuzz_parse.py --minutes N [--seed S] [--findings FOLDER] [--engine coverage|mutation]
    python tests/bench/fuzz_parse.py --replay FILE [--minimise]

Coverage-guided where the fuzzer can be had (an environment of its own is made for it), else by mutations that know what feeds are
made of; the seeds are tests/data and generated feeds. Every input runs inside 10 s of CPU and 512 MB. A finding is an exception
other than ParseError, more than 1 s for up to 200 kB, more than 200 MB, a pruned parse that disagrees with the whole one, or a
value that breaks a promise of the model. Each is tried again on its own, saved with its reason, and told once for each place it
came from. Ends with 1 where there are findings.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.apart import python_with
from tests.bench.fuzzing.mutate import seeds
from tests.bench.fuzzing.worker import save

_ROOT = Path(__file__).parents[2]
_REQUIREMENTS = Path(__file__).parent / "peers" / "fuzz.txt"
_REPLAY_S = 60.0
_MINIMISE_S = 40.0


@dataclass
class Run:
    """What was done so far."""

    folder: Path
    python: Path
    engine: str
    tried: int = 0
    workers: int = 0
    coverage: str = "unknown"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=5.0)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--findings", type=Path, default=Path(tempfile.gettempdir()) / "ingest-fuzz")
    arguments.add_argument("--engine", choices=("coverage", "mutation"), default="coverage")
    arguments.add_argument("--replay", type=Path)
    arguments.add_argument("--minimise", action="store_true")
    given = arguments.parse_args()
    if given.replay:
        if given.minimise:
            given.replay = minimise(given.replay)
        said = replay(given.replay)
        print(f"{given.replay}: " + (f"{said['kind']} at {said['where']}\n{said['detail']}" if said else "holds"))
        return 1 if said else 0
    run = _prepare(given.findings, given.engine, given.seed)
    started = time.monotonic()
    _fuzz(run, given.seed, 60 * given.minutes)
    return _report(run, time.monotonic() - started)


def _prepare(folder: Path, engine: str, seed: int) -> Run:
    """A folder with seeds in it, and a Python that can do it."""
    for name in ("raw", "corpus", "found"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, body in enumerate(seeds(random.Random(seed))):
        (folder / "corpus" / f"seed-{number}").write_bytes(body)
    if engine == "coverage":
        try:
            return Run(folder, python_with(_REQUIREMENTS), engine)
        except RuntimeError as error:
            print(f"no coverage: the fuzzer cannot be installed ({error}); mutations alone", flush=True)
    return Run(folder, Path(sys.executable), "mutation")


# ── trying ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _fuzz(run: Run, seed: int, seconds: float) -> None:
    """Workers one after the other until the time is up: a worker that dies is a finding, and the next goes on."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 1.0:
        run.workers += 1
        code, log = _work(run, seed + run.workers, left)
        count = run.folder / "count"
        run.tried += int(count.read_text() or 0) if count.exists() else 0
        covered = re.findall(r"cov: (\d+) ft: (\d+)", log)
        run.coverage = "{} branches, {} features".format(*covered[-1]) if covered else run.coverage
        is_over = time.monotonic() >= until - 1.0
        if code and not (is_over and code > 0):
            kind = "hang" if code == -signal.SIGPROF else "died"
            said = {"kind": kind, "where": f"worker {run.workers}", "detail": f"ended with {code}\n{log[-1_000:]}"}
            save(run.folder, (run.folder / "current").read_bytes(), said)
        if time.monotonic() - until > 30.0:
            return


def _work(run: Run, seed: int, seconds: float) -> tuple[int, str]:
    """One worker; its exit code and the end of what it said."""
    command = [str(run.python), "-m", "tests.bench.fuzzing.worker", str(run.folder), str(seed), str(seconds)]
    command += ["--coverage"] if run.engine == "coverage" else []
    (run.folder / "count").unlink(missing_ok=True)
    log = run.folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=_ROOT, env=_environment(), stdout=file, stderr=file)
        try:
            code = process.wait(seconds + 60.0)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
    return code, log.read_text("utf-8", "replace")[-20_000:]


def _environment() -> dict[str, str]:
    """The project and what it needs, for a Python that has neither; and hashes that are the same in every process."""
    return os.environ | {"PYTHONPATH": f"{_ROOT}{os.pathsep}{sysconfig.get_path('purelib')}", "PYTHONHASHSEED": "0"}


# ── findings ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def replay(path: Path) -> dict[str, str]:
    """What is broken by the input in `path`, tried alone; nothing where nothing is."""
    command = [sys.executable, "-m", "tests.bench.fuzzing.worker", "--replay", str(path.absolute())]
    try:
        done = subprocess.run(
            command, cwd=_ROOT, env=_environment(), capture_output=True, text=True, timeout=_REPLAY_S, check=False
        )
    except subprocess.TimeoutExpired:
        return {"kind": "hang", "where": "replay", "detail": f"no end after {_REPLAY_S:.0f} s"}
    if done.returncode:
        return {"kind": "died", "where": f"exit {done.returncode}", "detail": done.stderr[-1_000:]}
    return dict(json.loads(done.stdout or "{}"))


def minimise(path: Path) -> Path:
    """The same finding with less: pieces are left out as long as it stays the same finding. The new file's place."""
    said = replay(path)
    until = time.monotonic() + _MINIMISE_S
    smaller = path.with_name(path.name + ".min")
    shutil.copyfile(path, smaller)
    if not said:
        return smaller
    body, size = path.read_bytes(), max(1, path.stat().st_size // 2)
    trial = path.with_name(path.name + ".trial")
    while size and time.monotonic() < until:
        is_smaller = False
        for less in _with_less(body, size):
            trial.write_bytes(less)
            now = replay(trial)
            if (now.get("kind"), now.get("where")) == (said["kind"], said["where"]):
                body, is_smaller = less, True
                break
            if time.monotonic() > until:
                break
        size = size if is_smaller else size // 2
    trial.unlink(missing_ok=True)
    smaller.write_bytes(body)
    return smaller


def _with_less(body: bytes, size: int) -> Iterator[bytes]:
    return (body[:at] + body[at + size :] for at in range(0, len(body), size))


def _report(run: Run, seconds: float) -> int:
    confirmed: dict[tuple[str, str], Path] = {}
    for path in sorted((run.folder / "raw").iterdir()):
        if path.suffix == ".json":
            continue
        said = replay(path)
        name = (said.get("kind", ""), said.get("where", ""))
        if said and name not in confirmed:
            confirmed[name] = run.folder / "found" / path.name
            shutil.copyfile(path, confirmed[name])
            confirmed[name].with_name(path.name + ".txt").write_text(f"{name[0]} at {name[1]}\n{said['detail']}\n")
            detail = (said["detail"].strip().splitlines() or [""])[-1][:200]
            print(f"  {name[0]} at {name[1]}: {detail}\n    {confirmed[name]}")
    rate = run.tried / max(1.0, seconds)
    print(f"{run.engine}: {run.tried:,} inputs in {seconds / 60:.1f} min ({rate:.0f}/s), {run.workers} workers")
    print(f"coverage: {run.coverage}")
    print(f"{len(confirmed)} findings, in {run.folder / 'found'}" if confirmed else "no findings")
    return 1 if confirmed else 0


if __name__ == "__main__":
    sys.exit(main())
