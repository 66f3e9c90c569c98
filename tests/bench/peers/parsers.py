"""Other parsers, as a process: reads {"parser", "path"} a line, answers {"ms", "entries"} or {"error"} a line.

Runs in an environment of its own (parse.txt beside it). The body is read before the clock starts, and parsers get bytes, never a
path: feedparser would take them for one.
"""

import gc
import io
import json
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

# Of one document; some parsers are quadratic. Wall time: a timer of CPU time makes the clock of CPU time count in steps of 4 ms.
_MAX_S = 60


def main() -> None:
    signal.signal(signal.SIGALRM, _give_up)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(_measure(asked["parser"], Path(asked["path"]).read_bytes())), flush=True)


def _measure(parser: str, body: bytes) -> dict[str, Any]:
    try:
        parse = PARSERS[parser]()
        gc.collect()
        signal.alarm(_MAX_S)
        started = time.process_time()
        entries = parse(body)
        ms = 1000 * (time.process_time() - started)
    except Exception as error:  # noqa: BLE001  whatever a parser throws, it is what we want to know
        return {"error": f"{type(error).__name__}: {error}"[:200]}
    finally:
        signal.alarm(0)
    return {"ms": ms, "entries": entries}


def _give_up(*_: object) -> None:
    raise TimeoutError(f"more than {_MAX_S} s")


def _feedparser(**options: bool) -> Callable[[bytes], int]:
    library = import_module("feedparser")

    def parse(body: bytes) -> int:
        found = library.parse(io.BytesIO(body), **options)
        if not found.version and not found.entries:
            raise ValueError("no feed")
        return len(found.entries)

    return parse


def _fastfeedparser() -> Callable[[bytes], int]:
    library = import_module("fastfeedparser")
    return lambda body: len(library.parse(body)["entries"])


def _lxml() -> Callable[[bytes], int]:
    etree = import_module("lxml.etree")
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    return lambda body: len(etree.fromstring(body, parser))


PARSERS: dict[str, Callable[[], Callable[[bytes], int]]] = {
    "feedparser": _feedparser,
    "feedparser bare": lambda: _feedparser(sanitize_html=False, resolve_relative_uris=False),
    "fastfeedparser": _fastfeedparser,
    "lxml (tree only)": _lxml,
}

if __name__ == "__main__":
    main()
