"""Documents far beyond what feeds are, parsed under the caps of a worker: they end in a feed of the first entries or in a
ParseError, never in a killed worker. Called by parse.py --caps.
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ingest.errors import ParseError
from ingest.parse import key_entries, parse
from ingest.policy import ParsePolicy
from tests import feeds
from tests.bench.parse import NOW

_MAX_MEMORY_BYTES = 512_000_000
_MAX_CPU_S = 10.0  # ParsePolicy.timeout_s


def documents() -> Iterator[tuple[str, Iterable[bytes]]]:
    """Name and pieces of each document."""
    yield "50 MB, RSS 2.0, 8 kB an item", _rss(6_300, 7_600)
    yield "50 MB, RSS 2.0, one item", _rss(1, 50_000_000)
    yield "50 MB, Atom 1.0, XHTML", _atom(6_300, 7_600)
    yield "a million items, RSS 2.0", _million("<rss version='2.0'><channel><title>T</title>", _RSS_ITEM, "</channel></rss>")
    yield "a million entries, Atom 1.0", _million("<feed xmlns='http://www.w3.org/2005/Atom'>", _ATOM_ENTRY, "</feed>")
    yield "a million items, JSON Feed", _million('{"version":"https://jsonfeed.org/version/1","items":[', _JSON_ITEM, "{}]}")
    yield "a million items, broken XML", _million("<rss version='2.0'><channel>&bogus;", _RSS_ITEM, "<b></channel></rss>")
    yield "a million items, cut off", _million("<rss version='2.0'><channel>", _RSS_ITEM, "<item><title>half")


_RSS_ITEM = "<item><guid>{0}</guid><title>Item {0}</title></item>"
_ATOM_ENTRY = "<entry><id>urn:{0}</id><title>Entry {0}</title></entry>"
_JSON_ITEM = '{{"id":"{0}","content_text":"Item {0}"}},'


def _million(head: str, item: str, tail: str) -> Iterator[bytes]:
    yield head.encode()
    for start in range(0, 1_000_000, 10_000):
        yield "".join(item.format(number) for number in range(start, start + 10_000)).encode()
    yield tail.encode()


def _rss(count: int, size: int) -> Iterator[bytes]:
    yield _around("rss20", count, size, "cdata")


def _atom(count: int, size: int) -> Iterator[bytes]:
    yield _around("atom10", count, size, "xhtml")


def _around(kind: str, count: int, size: int, form: str) -> bytes:
    """Items with one body each of a few: a body is slow to invent."""
    chance = random.Random(kind)
    bodies = [feeds.make_body(chance, min(size, 20_000)) for _ in range(20)]
    items = (
        feeds.Item(title=f"Item {n}", guid=f"urn:{n}", content=bodies[n % 20] * (size // len(bodies[n % 20]) or 1), form=form)
        for n in range(count)
    )
    return feeds.Document(kind, tuple(items)).body()


def main() -> None:
    print(f"caps: {_MAX_CPU_S:.0f} s of CPU, {_MAX_MEMORY_BYTES / 1e6:.0f} MB of address space; peak is resident memory")
    with tempfile.TemporaryDirectory(prefix="ingest-bench-") as folder:
        path = Path(folder) / "feed"
        for name, pieces in documents():
            with path.open("wb") as file:
                file.writelines(pieces)
            _report(name, path)


def _report(name: str, path: Path) -> None:
    """First as one never seen before, then as one of which all was seen."""
    command = [sys.executable, "-m", "tests.bench.parse_caps", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    size = f"{path.stat().st_size / 1e6:.0f} MB"
    for said in lines:
        is_within = said["cpu_s"] <= _MAX_CPU_S and not said["result"].startswith("MemoryError")
        print(
            f"  {name:<30}{size:>6}  {said['what']:<10}{said['cpu_s']:6.2f} s  peak {said['peak_mb']:4.0f} MB  "
            f"{'ok' if is_within else 'NOT WITHIN'}: {said['result']}",
            flush=True,
        )
    if done.returncode:
        print(f"  {name:<30}{size:>6}  died: {done.returncode} {done.stderr.strip()[-200:]}", flush=True)


def _run(path: Path) -> None:
    """In a process of its own: parse under the caps and say how it went."""
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    body, seen = path.read_bytes(), None
    for what in ("first", "all seen"):
        started = time.process_time()
        result = "MemoryError"
        try:
            parsed = parse(body, url=feeds.URL, headers={}, policy=ParsePolicy(), now=NOW, seen=seen)
            keyed = key_entries(parsed.entries)
            result = f"{len(keyed)} entries, {parsed.pruned} pruned, {'cut' if parsed.is_cut else 'whole'}"
            result += f", repaired: {parsed.repaired[:60]}" if parsed.repaired else ""
            seen = parsed.seen
        except ParseError as error:
            result = f"{error.outcome}: {error.reason[:80]}"
        except MemoryError:
            seen = None
        cpu_s = time.process_time() - started
        print(json.dumps({"what": what, "cpu_s": cpu_s, "peak_mb": _peak_mb(), "result": result}), flush=True)
        if seen is None:
            return


def _peak_mb() -> float:
    """Of this process alone: what getrusage says counts the process that started it, too."""
    status = Path("/proc/self/status").read_text("ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1000


if __name__ == "__main__":
    _run(Path(sys.argv[1]))
