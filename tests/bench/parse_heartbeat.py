"""How long polls of large feeds hold up the event loop. Called by parse.py --heartbeat.

Real polls (poll_feed, worker processes, a SQLite store) of documents that a scripted fetcher hands over, beside a heart that
wants to beat every 5 ms; what it is late is what the loop was held up. The same without polls shows what the machine itself adds.
Then each thing that the loop itself does with a document, alone.
"""

import asyncio
import pickle
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ingest.clock import SystemClock
from ingest.decide import body_hash
from ingest.model import FeedSecrets, FeedSpec, Fetched, FetchRequest
from ingest.offload import WorkerPool
from ingest.pipeline import Edges, FeedTools, Observers
from ingest.pipeline.feeds import poll_feed, read_feed
from ingest.policy import DatabasePolicy, FetchPolicy, HostPolicy, ParsePolicy, PollPolicy, WorkerPolicy
from ingest.store import SqlStore, migrate, open_store
from tests import feeds

_BEAT_S = 0.005
_FEEDS = 4
_CLOCK = SystemClock()


@dataclass(frozen=True)
class Documents:
    """A fetcher: every feed has its document, which `turn` changes."""

    bodies: tuple[tuple[bytes, ...], ...]
    turn: list[int]

    async def fetch(self, request: FetchRequest) -> Fetched:
        await asyncio.sleep(0)
        body = self.bodies[self.turn[0]][int(request.url.rpartition("/")[2])]
        return Fetched(request.url, request.url, 200, {}, body, _CLOCK.now(), 1)


def main(rounds: int) -> None:
    asyncio.run(_main(rounds))


async def _main(rounds: int) -> None:
    pool = WorkerPool(WorkerPolicy())
    try:
        await pool(60.0, _nothing)
        print(f"loop lag in ms, {_FEEDS} feeds polled at once, {rounds} rounds            p50     p99     max    beats")
        await _beat_while("nothing happens", lambda: asyncio.sleep(2.0))
        for name, items, chars in (("400 kB", 50, 7_600), ("3 MB", 1_000, 2_000), ("10 MB", 1_080, 7_600)):
            await _polls(name, items, chars, pool, rounds)
    finally:
        await asyncio.to_thread(pool.close)


async def _polls(name: str, items: int, chars: int, pool: WorkerPool, rounds: int) -> None:
    bodies = _bodies(items, chars, rounds)
    size_mb = len(bodies[0][0]) / 1e6
    assert size_mb < FetchPolicy().max_feed_bytes / 1e6
    with tempfile.TemporaryDirectory(prefix="ingest-bench-") as folder, ThreadPoolExecutor(3) as threads:
        store = await asyncio.to_thread(_store, Path(folder))
        fetcher = Documents(bodies, [0])
        tools = _tools(store, fetcher, pool, threads)
        await _beat_while(f"{name}: first polls", partial(_poll_all, tools))
        lags = []
        for turn in range(1, rounds + 1):
            fetcher.turn[0] = turn
            lags += await _beats(partial(_poll_all, tools))
        _print_lags(f"{name}: later polls, one new entry each", lags)
        store.close()
    await _parts(bodies[0][0])


def _bodies(items: int, chars: int, rounds: int) -> tuple[tuple[bytes, ...], ...]:
    """Of each turn the documents of all feeds; with each turn one more item."""
    documents = [feeds.make_document("rss20", items, seed=number, content_chars=chars) for number in range(_FEEDS)]
    turns = []
    for turn in range(rounds + 1):
        turns.append(tuple(document.body(turn) for document in documents))
        newest = [feeds.Item(title=f"New {turn}", guid=f"urn:new:{turn}", link=f"https://news.example/new/{turn}")]
        documents = [replace(document, items=(*newest, *document.items[:-1])) for document in documents]
    return tuple(turns)


# ── the walk ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _store(folder: Path) -> SqlStore:
    store = open_store(replace(DatabasePolicy(), url=f"sqlite:///{folder / 'ingest.db'}"))
    migrate.upgrade(store.database)
    specs = [FeedSpec(f"https://h{number}.example/{number}") for number in range(_FEEDS)]
    store.feeds.sync(specs, _CLOCK.now(), first_poll_at=lambda _: _CLOCK.now())
    return store


def _tools(store: SqlStore, fetcher: Documents, pool: WorkerPool, threads: ThreadPoolExecutor) -> FeedTools:
    def in_thread(call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        return asyncio.get_running_loop().run_in_executor(threads, partial(call, *args, **kwargs))

    edges = Edges(
        fetcher=fetcher,
        in_thread=in_thread,
        offload=pool,
        clock=_CLOCK,
        observer=Observers(),
        secrets=lambda _: FeedSecrets(),
        chance=lambda: 0.5,
        hosts=HostPolicy(),
    )
    return FeedTools(store=store.feeds, edges=edges, poll=PollPolicy(), parse=ParsePolicy(timeout_s=60.0))


async def _poll_all(tools: FeedTools) -> None:
    """Every feed once, all at the same time, due or not."""
    now = _CLOCK.now()
    claims = [
        await tools.edges.in_thread(tools.store.claim_one, feed_id, now, now.replace(year=now.year + 1))
        for feed_id in range(1, _FEEDS + 1)
    ]
    plans = await asyncio.gather(*(poll_feed(claim, tools) for claim in claims if claim))
    assert [plan.outcome for plan in plans] == ["ok"] * _FEEDS, [plan.reason for plan in plans]


def _nothing() -> None:
    """So that the workers have started before anything is measured."""


# ── the heart ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _beat_while(what: str, act: Callable[[], Awaitable[None]]) -> None:
    _print_lags(what, await _beats(act))


async def _beats(act: Callable[[], Awaitable[None]]) -> list[float]:
    """How late each beat was while `act` ran, in ms."""
    lags: list[float] = []
    heart = asyncio.create_task(_beat(lags))
    await act()
    await asyncio.sleep(2 * _BEAT_S)
    heart.cancel()
    return lags


async def _beat(lags: list[float]) -> None:
    while True:
        due = time.perf_counter() + _BEAT_S
        await asyncio.sleep(_BEAT_S)
        lags.append(1000 * (time.perf_counter() - due))


def _print_lags(what: str, lags: list[float]) -> None:
    ordered = sorted(lags)
    p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    print(f"  {what:<58}{p50:8.1f}{p99:8.1f}{ordered[-1]:8.1f}{len(ordered):9}", flush=True)


# ── what the loop itself does ───────────────────────────────────────────────────────────────────────────────────────────


async def _parts(body: bytes) -> None:
    fetched = Fetched(feeds.URL, feeds.URL, 200, {}, body, _CLOCK.now(), 1)
    result = await asyncio.to_thread(read_feed, fetched, ParsePolicy())
    packed_in, packed_out = pickle.dumps(fetched), pickle.dumps(result)
    parts: dict[str, Callable[[], object]] = {
        f"sha256 of {len(body) / 1e6:.1f} MB": partial(body_hash, body),
        "pickling what goes in": partial(pickle.dumps, fetched),
        f"pickling what comes back, {len(packed_out) / 1e6:.1f} MB": partial(pickle.dumps, result),
        "unpickling it": partial(pickle.loads, packed_out),
        "comparing two bodies byte for byte": partial(bytes.__eq__, body, bytes(bytearray(body))),
    }
    assert len(packed_in) > len(body)
    for what, act in parts.items():
        print(f"    alone: {what:<48}{min(_wall_ms(act) for _ in range(5)):10.1f} ms", flush=True)


def _wall_ms(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - started)
