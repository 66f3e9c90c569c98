"""What parsing costs: CPU beside feedparser (default and bare), fastfeedparser and the lxml floor, in one run, turn about.

    python tests/bench/parse.py [FOLDER] [--rounds N] [--only WORD]   feeds it generates, and the files of FOLDER
    python tests/bench/parse.py --caps                                50 MB and a million entries under the caps of a worker
    python tests/bench/parse.py --heartbeat                           how long parsing holds up the event loop

Ours includes the keys of the entries, since that is what a poll pays: at first; when only dates and counts of the channel
changed; with one new item on top; with one changed in the middle. Times are the best of N rounds; × says how many of it fit into
one run of feedparser as it comes. The others run in an environment of their own (tests/bench/peers), made when first needed.
"""

import argparse
import gc
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.errors import ParseError
from ingest.model import SeenItems
from ingest.parse import key_entries, parse
from ingest.policy import ParsePolicy
from tests import feeds
from tests.bench.apart import python_with

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PEERS = ("feedparser", "feedparser bare", "fastfeedparser", "lxml (tree only)")
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One generated feed, and what becomes of it until the next poll."""

    name: str
    first: bytes
    later: dict[str, bytes] = field(default_factory=dict)


def cases() -> Iterator[Case]:
    """The feeds that are generated: summaries, full items, many items, in every format."""
    summaries: dict[str, Any] = {"summary_chars": 400}
    full: dict[str, Any] = {"content_chars": 7_600}
    many: dict[str, Any] = {"summary_chars": 400, "content_chars": 2_000}
    yield _case("20 summaries, RSS 2.0", feeds.make_document("rss20", 20, **summaries))
    yield _case("50 full items, RSS 2.0", feeds.make_document("rss20", 50, **full))
    yield _case("1,000 items, RSS 2.0", feeds.make_document("rss20", 1_000, **many))
    yield _case("50 full items, Atom 1.0 (XHTML)", feeds.make_document("atom10", 50, **full, form="xhtml"))
    yield _case("1,000 items, Atom 1.0 (XHTML)", feeds.make_document("atom10", 1_000, **many, form="xhtml"))
    yield _case("50 full items, RSS 1.0 (RDF)", feeds.make_document("rdf10", 50, **full, form="escaped"))
    yield _case("50 full items, JSON Feed", feeds.make_document("rss20", 50, **full), feeds.make_json)
    yield _case("1,000 items, JSON Feed", feeds.make_document("rss20", 1_000, **many), feeds.make_json)


def _case(name: str, document: feeds.Document, write: Callable[[feeds.Document], bytes] | None = None) -> Case:
    items = document.items
    newest = feeds.make_document(document.kind, 1, seed=2, content_chars=len(items[0].content or ""), form=items[0].form).items[0]
    new = replace(newest, guid="urn:new", link="https://news.example/new", title="Fresh bread")
    middle = len(items) // 2
    changed = replace(items[middle], title="Corrected: " + (items[middle].title or ""))
    first = write(document) if write else document.body()
    write = write or (lambda later: later.body(tick=7))
    later = {
        "ours, nothing new": write(document),
        "ours, one new": write(replace(document, items=(new, *items))),
        "ours, one changed": write(document.with_item(middle, changed)),
    }
    return Case(name, first, later)


# ── ours ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Ours:
    """One run of ours."""

    ms: float
    entries: int
    pruned: int
    seen: SeenItems | None


def measure_ours(body: bytes, url: str, *, seen: SeenItems | None = None, headers: dict[str, str] | None = None) -> Ours:
    """Parse and key. Raises ParseError."""
    gc.collect()
    started = time.process_time()
    parsed = parse(body, url=url, headers=headers or {}, policy=ParsePolicy(), now=NOW, seen=seen)
    keyed = key_entries(parsed.entries)
    return Ours(1000 * (time.process_time() - started), len(keyed), parsed.pruned, parsed.seen)


# ── theirs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Peers:
    """The other parsers, behind a pipe; without them every question is answered with the reason."""

    def __init__(self, process: subprocess.Popen[str] | None, missing: str) -> None:
        self._process, self.missing = process, missing

    def measure(self, parser: str, path: Path) -> dict[str, Any]:
        """`ms` and `entries`, or `error`."""
        if self._process is None or not self._process.stdin or not self._process.stdout:
            return {"error": self.missing}
        print(json.dumps({"parser": parser, "path": str(path)}), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            self._process, self.missing = None, "its process died"
            return {"error": self.missing}
        return dict(json.loads(answer))


@contextmanager
def peers() -> Iterator[Peers]:
    """The other parsers, ready to be asked."""
    try:
        python = python_with(_HERE / "peers" / "parse.txt")
    except RuntimeError as error:
        yield Peers(None, f"cannot be installed: {error}")
        return
    command = [str(python), str(_HERE / "peers" / "parsers.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Peers(process, "")
        if process.stdin:
            process.stdin.close()


# ── generated feeds ─────────────────────────────────────────────────────────────────────────────────────────────────────


def compare(case: Case, others: Peers, rounds: int) -> None:
    """Print what one feed costs everyone."""
    times: dict[str, list[float]] = {name: [] for name in (*PEERS, "ours, first", *case.later)}
    notes: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="ingest-bench-") as folder:
        path = Path(folder) / "feed"
        path.write_bytes(case.first)
        for _ in range(rounds):
            for parser in PEERS:
                answer = others.measure(parser, path)
                times[parser] += [answer["ms"]] if "ms" in answer else []
                notes[parser] = answer.get("error") or f"{answer['entries']} entries"
            first = measure_ours(case.first, feeds.URL)
            times["ours, first"].append(first.ms)
            notes["ours, first"] = f"{first.entries} entries"
            for name, body in case.later.items():
                again = measure_ours(body, feeds.URL, seen=first.seen)
                times[name].append(again.ms)
                notes[name] = f"{again.entries} entries, {again.pruned} pruned"
    notes["lxml (tree only)"] = notes["lxml (tree only)"] if not times["lxml (tree only)"] else "no entries, just the tree"
    _print_case(case, {name: min(all_ms, default=None) for name, all_ms in times.items()}, notes)


def _print_case(case: Case, best: dict[str, float | None], notes: dict[str, str]) -> None:
    print(f"\n{case.name}, {len(case.first) / 1000:,.0f} kB")
    standard = best["feedparser"]
    for name, ms in best.items():
        ratio = f"{standard / ms:7.1f}×" if standard and ms else "       –"
        print(f"  {name:<20}{f'{ms:9.2f} ms' if ms is not None else '        –   '}{ratio}   {notes[name]}", flush=True)


# ── a folder ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_OURS = ("ours, first", "ours, same again")


def compare_folder(folder: Path, others: Peers, rounds: int) -> None:
    """Print what the files of a folder cost everyone, and how many each could not read."""
    skipped = ("README", "LICENSE")
    paths = sorted(
        p for p in folder.iterdir() if p.is_file() and not p.name.endswith(".expect.json") and not p.name.startswith(skipped)
    )
    costs = {path: _best_of(path, others, rounds) for path in paths}
    read_by_all = [path for path, cost in costs.items() if all(cost.get(name) is not None for name in (*PEERS, *_OURS))]
    print(f"\n{folder}: {len(paths)} files, {len(read_by_all)} read by everyone; ms are the mean over those")
    totals = {name: sum(costs[path][name] or 0 for path in read_by_all) for name in (*PEERS, *_OURS)}
    for name, total in totals.items():
        failed = sum(cost.get(name) is None for cost in costs.values())
        ratio = totals["feedparser"] / total if total else 0
        print(f"  {name:<20}{total / max(1, len(read_by_all)):9.2f} ms{ratio:7.1f}×   {failed} files not read")


def _best_of(path: Path, others: Peers, rounds: int) -> dict[str, float | None]:
    """The best time of each parser on a file; None where it cannot read it."""
    found: dict[str, float | None] = {}
    url, headers = _circumstances(path)
    body = path.read_bytes()
    for _ in range(rounds):
        for parser in PEERS:
            _keep_best(found, parser, others.measure(parser, path.absolute()).get("ms"))
        try:
            first = measure_ours(body, url, headers=headers)
        except ParseError:
            continue
        _keep_best(found, _OURS[0], first.ms)
        _keep_best(found, _OURS[1], measure_ours(body, url, headers=headers, seen=first.seen).ms)
    return found


def _keep_best(found: dict[str, float | None], name: str, ms: float | None) -> None:
    before = found.get(name)
    found[name] = ms if before is None or (ms is not None and ms < before) else before


def _circumstances(path: Path) -> tuple[str, dict[str, str]]:
    """URL and headers of a file, as the file beside it names them."""
    beside = path.with_name(path.name + ".expect.json")
    said = json.loads(beside.read_text("utf-8")) if beside.exists() else {}
    return said.get("url") or feeds.URL, {name.lower(): value for name, value in (said.get("headers") or {}).items()}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path, nargs="?")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--only", default="", help="of the generated feeds those whose name has this word; '-' for none")
    arguments.add_argument("--caps", action="store_true")
    arguments.add_argument("--heartbeat", action="store_true")
    given = arguments.parse_args()
    if given.caps:
        from tests.bench import parse_caps

        return parse_caps.main()
    if given.heartbeat:
        from tests.bench import parse_heartbeat

        return parse_heartbeat.main(given.rounds)
    with peers() as others:
        for case in cases():
            if given.only in case.name:
                compare(case, others, given.rounds)
        if given.folder:
            compare_folder(given.folder, others, given.rounds)
    return None


if __name__ == "__main__":
    main()
