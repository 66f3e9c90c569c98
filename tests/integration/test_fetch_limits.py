"""Bodies that would not end and hosts that are busy: memory and time stay bounded."""

import asyncio
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.clock import SystemClock
from ingest.errors import PermanentFetchError, StoreUnavailable
from ingest.fetch.client import HttpFetcher
from ingest.fetch.gate import HostGate
from ingest.model import FetchRequest, Purpose
from ingest.outcome import Outcome
from ingest.policy import HostPolicy
from tests.fetching import POLICY, failure, fetched
from tests.site import HANG, Site

ROOT = Path(__file__).parents[2]
MB = 1_000_000
SMALL = replace(POLICY, max_feed_bytes=MB, max_page_bytes=MB // 2)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def bomb(decoded_bytes: int, *, wbits: int = 31) -> bytes:
    """So many zero bytes, compressed about a thousandfold."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join(packer.compress(bytes(MB)) for _ in range(decoded_bytes // MB)) + packer.flush()


@pytest.mark.parametrize(("encoding", "wbits"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
def test_a_bomb_is_stopped_at_the_cap(site: Site, encoding: str, wbits: int) -> None:
    site.page("/feed.xml", bomb(100 * MB, wbits=wbits), headers={"Content-Encoding": encoding})
    tracemalloc.start()
    try:
        error = failure(site.url("/feed.xml"), policy=SMALL)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(error, PermanentFetchError)
    assert (error.outcome, error.reason) == (Outcome.TOO_LARGE, "the body is larger than 1000000 bytes")
    assert peak < 5 * MB


BOMBS = {
    "gzip": ("gzip", lambda: bomb(500 * MB)),
    "brotli that nobody asked for": ("br", lambda: bytes.fromhex("9bffffff7f") * 200_000),
    "zstd that nobody asked for": ("zstd", lambda: bytes.fromhex("28b52ffd") * 200_000),
    "two encodings": ("gzip, gzip", lambda: bomb(500 * MB)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_memory_is_bounded_on_every_bomb(site: Site, name: str) -> None:
    """Measured from outside, as resident memory of a process of its own: what C libraries take is in it."""
    encoding, body = BOMBS[name]
    site.page("/feed.xml", body(), headers={"Content-Encoding": encoding})
    script = (
        "import resource, sys\n"
        "from tests.fetching import failure, fetched\n"
        f"fetched({site.url('/plain')!r})\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"outcome = failure({site.url('/feed.xml')!r}).outcome.value\n"
        "print(outcome, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    site.page("/plain", b"x")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    outcome, grown_kb = done.stdout.split()
    assert outcome in ("too_large", "decode_error")
    assert int(grown_kb) < 20_000 + 10_000  # the cap of 10 MB, held once, and 20 MB besides


def test_an_endless_body_is_stopped_at_the_cap(site: Site) -> None:
    site.endless("/feed.xml", b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65536)
    assert failure(site.url("/feed.xml"), policy=SMALL).outcome is Outcome.TOO_LARGE


def test_a_body_that_says_it_is_too_large_is_not_read(site: Site) -> None:
    site.raw("/feed.xml", b"HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n", HANG)
    assert failure(site.url("/feed.xml"), policy=SMALL).outcome is Outcome.TOO_LARGE


def test_pages_and_feeds_have_their_own_caps_and_the_cap_itself_fits(site: Site) -> None:
    site.page("/full", b"a" * MB)
    site.page("/half", b"a" * (MB // 2))
    assert len(fetched(site.url("/full"), policy=SMALL).body) == MB
    assert len(fetched(site.url("/half"), policy=SMALL, purpose=Purpose.PAGE).body) == MB // 2
    assert failure(site.url("/full"), policy=SMALL, purpose=Purpose.PAGE).outcome is Outcome.TOO_LARGE


def test_a_compressed_body_of_exactly_the_cap_fits(site: Site) -> None:
    site.page("/feed.xml", bomb(MB), headers={"Content-Encoding": "gzip"})
    assert len(fetched(site.url("/feed.xml"), policy=SMALL).body) == MB


def test_waiting_for_a_host_does_not_use_up_the_deadline(site: Site) -> None:
    site.raw("/slow", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 0.3, b"ok")

    async def all_at_once() -> list[object]:
        clock = SystemClock()
        gate = HostGate(HostPolicy(at_once=1, gap_s=0.0), clock)
        async with HttpFetcher(replace(POLICY, timeout_s=0.5), gate, clock) as fetcher:
            request = FetchRequest(site.url("/slow"), Purpose.PAGE)
            return list(await asyncio.gather(*(fetcher.fetch(request) for _ in range(3))))

    answers = asyncio.run(all_at_once())
    assert [getattr(answer, "body", None) for answer in answers] == [b"ok"] * 3
    assert all(getattr(answer, "elapsed_ms", 0) < 500 for answer in answers)


class NoTurns:
    async def reserve(self, host: str) -> float:
        raise StoreUnavailable(f"the database is away, {host} has to wait")


def test_where_no_turn_can_be_had_it_is_the_databases_error_and_nobody_is_asked(site: Site) -> None:
    async def ask() -> None:
        clock = SystemClock()
        async with HttpFetcher(POLICY, HostGate(HostPolicy(), clock, NoTurns()), clock) as fetcher:
            await fetcher.fetch(FetchRequest(site.url("/1"), Purpose.PAGE))

    with pytest.raises(StoreUnavailable):
        asyncio.run(ask())
    assert site.connections == 0


def test_every_redirect_waits_for_its_hosts_turn(site: Site) -> None:
    site.page("/1", status=302, headers={"Location": "/2"})
    site.page("/2", b"there")

    async def follow() -> None:
        clock = SystemClock()
        async with HttpFetcher(POLICY, HostGate(HostPolicy(at_once=1, gap_s=0.2), clock), clock) as fetcher:
            await fetcher.fetch(FetchRequest(site.url("/1"), Purpose.PAGE))

    asyncio.run(follow())
    first, second = site.requests
    assert second.at - first.at >= 0.19
