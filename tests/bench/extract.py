"""Quality and cost of extraction beside its peers, page by page in one run: python -m tests.bench.extract FOLDER [--sample N]

FOLDER holds *.jsonl files whose lines have `id`, `source`, `url`, `html_path` (gzip) and `truth.body`. Ours is the whole
extraction with metadata, markup, quality and language; the peers give text only, in an environment of their own
(tests/bench/peers/extract.txt). CPU milliseconds of the process, start-up not counted. The weights that come with the package may
have been learned from the same folder: the score that says how well it does elsewhere is the cross-validated one of
tests/bench/train_extract.py.

The exit code is 1 when ours costs more than 0.75 of trafilatura.
"""

import argparse
import gc
import gzip
import json
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from ingest.clock import utc_now
from ingest.errors import ExtractError
from ingest.extract.article import extract
from tests.bench.apart import python_with
from tests.bench.shingles import overlap, summarise

HERE = Path(__file__).parent
PEERS = ("trafilatura", "trafilatura fast", "trafilatura precision", "readability-lxml", "newspaper4k", "resiliparse")
GOAL = 0.75
BASE = "trafilatura"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=0, help="only every so many pages")
    parser.add_argument("--tools", nargs="*", default=list(PEERS), choices=PEERS)
    given = parser.parse_args()
    items = _items(given.folder)[:: given.sample or 1]
    peers = [str(python_with(HERE / "peers" / "extract.txt")), str(HERE / "peers" / "extractors.py")]
    rows, spent = defaultdict(list), defaultdict(list)
    _ours(gzip.decompress((given.folder / items[0]["html_path"]).read_bytes()), items[0]["url"])  # loads what is loaded once
    gc.freeze()  # as workers do, and the peers here
    with subprocess.Popen(peers, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        for item in items:
            path = given.folder / item["html_path"]
            print(json.dumps({"page": str(path), "url": item["url"], "tools": given.tools}), file=process.stdin, flush=True)
            found = json.loads(process.stdout.readline())
            found |= _ours(gzip.decompress(path.read_bytes()), item["url"])
            for tool, (text, cpu_s) in found.items():
                rows[item["source"], tool].append(overlap(item["truth"]["body"], text))
                spent[tool].append(cpu_s)
        process.stdin.close()
    return _report(rows, spent)


def _items(folder: Path) -> list[dict[str, Any]]:
    items = [json.loads(line) for index in sorted(folder.glob("*.jsonl")) for line in index.read_text("utf-8").splitlines()]
    return [item for item in items if item["truth"].get("body")]


def _ours(body: bytes, url: str) -> dict[str, tuple[str, float]]:
    found = {}
    for name, is_learned in (("ingest", True), ("ingest, model off", False)):
        started = time.process_time()
        try:
            text = extract(body, url=url, headers={"content-type": "text/html"}, now=utc_now(), is_learned=is_learned).text
        except ExtractError:
            text = ""
        found[name] = (text, time.process_time() - started)
    return found


def _report(rows: dict[tuple[str, str], list[Any]], spent: dict[str, list[float]]) -> int:
    sources = sorted({source for source, _ in rows})
    mean = {tool: sum(times) / len(times) for tool, times in spent.items()}
    for tool in sorted(mean, key=mean.__getitem__):
        scores = "  ".join(f"{source} {_score(rows[source, tool])}" for source in sources)
        print(f"{tool:<22} {1000 * mean[tool]:6.1f} ms  {mean[tool] / mean.get(BASE, mean[tool]):5.2f}x   {scores}")
    if BASE not in mean:
        return 0
    return int(mean["ingest"] > GOAL * mean[BASE])


def _score(rows: list[Any]) -> str:
    f1, low, high, _, _ = summarise(rows, rounds=200)
    return f"{f1:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    sys.exit(main())
