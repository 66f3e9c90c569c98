"""What a conditional request costs this process, CPU per 304: through the whole fetcher, and by transport.

    python tests/bench/fetch.py [requests]       # through HttpFetcher.fetch, and the memory of a bomb
    python tests/bench/fetch.py --transports     # ours beside httpcore (httpx's own), httpx-aiohttp and aiohttp

The site runs in a process of its own, so its CPU is not counted. The other transports come in an environment of their own
(tests/bench/peers/fetch.txt), and every figure of them from a process of its own.
"""

import asyncio
import multiprocessing
import os
import resource
import ssl
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from ingest.clock import SystemClock
from ingest.errors import FetchError
from ingest.fetch import HostGate, HttpFetcher
from ingest.model import FetchRequest, Purpose, Validators
from ingest.policy import FetchPolicy, HostPolicy
from tests.bench.apart import python_with
from tests.site import Answer, Site

AT_ONCE = 20
POLICY = FetchPolicy(allow=("127.0.0.0/8", "localhost"))
TRANSPORTS = ("httpcore", "httpx-aiohttp", "aiohttp", "ours")
IN_FLIGHT = (1, 10, 100, 1000)
ROUNDS = 3  # the best counts: the machine may be busy with other things
_HERE = Path(__file__).parent
_CERTIFICATE = _HERE.parent / "data" / "tls" / "good.pem"


# ── the site ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def serve(ports: "multiprocessing.Queue[int]") -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_CERTIFICATE)
    with Site("0.0.0.0") as plain, Site("0.0.0.0", tls=context) as tls:  # all of 127.0.0.0/8: as many hosts as are wanted
        plain.page("/bomb", _bomb(), headers={"Content-Encoding": "gzip"})
        for site in (plain, tls):
            site.page("/kept", b"<rss/>", etag='"1"')
            site.serve("/new", lambda _: Answer(status=304, headers={"Connection": "close"}))
            ports.put(site.port)
        plain._thread.join()


def _bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(512)) + packer.flush()


@contextmanager
def site() -> Iterator[tuple[int, int]]:
    """The ports of a plain and a TLS site."""
    ports: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
    server.start()
    try:
        yield ports.get(), ports.get()
    finally:
        server.terminate()


# ── through the fetcher ─────────────────────────────────────────────────────────────────────────────────────────────────


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
    async with HttpFetcher(POLICY, HostGate(HostPolicy(gap_s=0.0), clock), clock) as fetcher:
        before, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            await fetcher.fetch(FetchRequest(url, Purpose.FEED))
        except FetchError as error:
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
            return error.outcome, time.perf_counter() - before, grown / 1000
    raise AssertionError("the bomb was swallowed")


def measure_fetcher(count: int) -> None:
    os.environ["SSL_CERT_FILE"] = str(_CERTIFICATE)
    with site() as (plain, tls):
        outcome, seconds, megabytes = uvloop.run(defuse(f"http://127.0.0.1:{plain}/bomb"))
        print(f"bomb 512 MB: {outcome} in {seconds:.2f} s, +{megabytes:.0f} MB")
        cases: dict[str, Callable[[int], str]] = {
            "one host, new connections": lambda _: f"http://127.0.0.1:{plain}/new",
            "one host, kept connections": lambda _: f"http://127.0.0.1:{plain}/kept",
            "many hosts": lambda number: f"http://127.0.{1 + number // 250}.{1 + number % 250}:{plain}/kept",
            "TLS, new connections": lambda _: f"https://localhost:{tls}/new",
            "TLS, kept connections": lambda _: f"https://localhost:{tls}/kept",
        }
        for words, url in cases.items():
            best = min(uvloop.run(ask(url, count)) for _ in range(ROUNDS))
            print(f"304, {words}: {best:.0f} µs CPU per request")


# ── by transport ────────────────────────────────────────────────────────────────────────────────────────────────────────


def measure_transports() -> None:
    python = python_with(_HERE / "peers" / "fetch.txt")
    print(f"{'CPU µs per 304':30}" + "".join(f"{name:>15}" for name in TRANSPORTS))
    with site() as (plain, tls):
        for words, url, count in (
            ("plain, new connections", f"http://127.0.0.1:{plain}/new", 600),
            ("plain, kept connections", f"http://127.0.0.1:{plain}/kept", 1000),
            ("TLS, new connections", f"https://localhost:{tls}/new", 200),
            ("TLS, kept connections", f"https://localhost:{tls}/kept", 1000),
        ):
            for in_flight in IN_FLIGHT:
                costs = (_cost(python, name, url, in_flight=in_flight, count=count) for name in TRANSPORTS)
                print(f"{words}, {in_flight:4} at once".ljust(30) + "".join(f"{cost:15.0f}" for cost in costs), flush=True)


def _cost(python: Path, name: str, url: str, *, in_flight: int, count: int) -> float:
    environment = {"PYTHONPATH": str(_HERE.parent.parent), "SSL_CERT_FILE": str(_CERTIFICATE)}
    command = [str(python), str(_HERE / "peers" / "transports.py"), name, url, str(in_flight), str(count)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return float(done.stdout) if done.returncode == 0 else float("nan")


def main() -> None:
    if "--transports" in sys.argv:
        measure_transports()
        return
    measure_fetcher(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)


if __name__ == "__main__":
    main()
