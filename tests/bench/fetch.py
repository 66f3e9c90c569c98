"""What a conditional request costs this process: CPU per 304 with and without kept connections; and the memory of a bomb.

    python tests/bench/fetch.py [requests]

The site runs in a process of its own, so its CPU is not counted.
"""

import asyncio
import multiprocessing
import resource
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import replace

import uvloop

from ingest.clock import SystemClock
from ingest.errors import FetchError
from ingest.fetch import HostGate, HttpFetcher
from ingest.model import FetchRequest, Purpose, Validators
from ingest.policy import FetchPolicy, HostPolicy
from tests.site import Answer, Site

AT_ONCE = 20
POLICY = FetchPolicy(allow=("127.0.0.0/8",))


def serve(ports: "multiprocessing.Queue[int]") -> None:
    with Site("0.0.0.0") as site:  # all of 127.0.0.0/8: as many hosts as are wanted
        site.page("/kept", b"<rss/>", etag='"1"')
        site.serve("/closed", lambda _: Answer(status=304, headers={"Connection": "close"}))
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(512)) + packer.flush()
        site.page("/bomb", packed, headers={"Content-Encoding": "gzip"})
        ports.put(site.port)
        site._thread.join()


async def ask(url: Callable[[int], str], count: int) -> float:
    """CPU microseconds per request."""
    clock = SystemClock()
    places = asyncio.Semaphore(AT_ONCE)
    async with HttpFetcher(POLICY, HostGate(HostPolicy(at_once=64, gap_s=0.0), clock), clock) as fetcher:

        async def one(number: int) -> None:
            async with places:
                await fetcher.fetch(FetchRequest(url(number), Purpose.FEED, Validators('"1"', None)))

        await asyncio.gather(*(one(number) for number in range(AT_ONCE)))
        before = time.process_time()
        await asyncio.gather(*(one(number) for number in range(count)))
        return (time.process_time() - before) / count * 1e6


async def defuse(url: str) -> tuple[str, float, float]:
    """Outcome, seconds and megabytes of peak memory that a bomb of 512 MB adds."""
    clock = SystemClock()
    async with HttpFetcher(replace(POLICY), HostGate(HostPolicy(gap_s=0.0), clock), clock) as fetcher:
        before, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            await fetcher.fetch(FetchRequest(url, Purpose.FEED))
        except FetchError as error:
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
            return error.outcome, time.perf_counter() - before, grown / 1000
    raise AssertionError("the bomb was swallowed")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    ports: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
    server.start()
    port = ports.get()
    outcome, seconds, megabytes = uvloop.run(defuse(f"http://127.0.0.1:{port}/bomb"))
    print(f"bomb 512 MB: {outcome} in {seconds:.2f} s, +{megabytes:.0f} MB")
    cases: dict[str, Callable[[int], str]] = {
        "one host, connections closed": lambda _: f"http://127.0.0.1:{port}/closed",
        "one host, connections kept": lambda _: f"http://127.0.0.1:{port}/kept",
        "many hosts, connections kept": lambda number: f"http://127.0.{1 + number // 250}.{1 + number % 250}:{port}/kept",
    }
    for words, url in cases.items():
        print(f"304, {words}: {uvloop.run(ask(url, count)):.0f} µs CPU per request")
    server.terminate()


if __name__ == "__main__":
    main()
