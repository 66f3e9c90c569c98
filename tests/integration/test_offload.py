"""Worker processes that can be killed."""

import asyncio
import ctypes
import os
import time

import pytest

from ingest.errors import ParseError, WorkKilled
from ingest.offload import WorkerPool
from ingest.outcome import Outcome
from ingest.policy import WorkerPolicy


def double(number, *, plus=0):
    return 2 * number + plus


def refuse():
    raise ParseError(Outcome.NOT_A_FEED, "an HTML page", feed_url="https://x.example/feed")


def hang():
    while True:
        pass


def die():
    ctypes.string_at(0)


def leave():
    os._exit(3)


def gorge():
    return len(bytearray(8_000_000_000))


@pytest.fixture(scope="module")
def pool():
    pool = WorkerPool(WorkerPolicy(processes=2))
    yield pool
    pool.close()


def run(pool, *args, timeout_s=20, **kwargs):
    async def call():
        return await pool(timeout_s, *args, **kwargs)

    return asyncio.run(call())


def test_a_worker_answers_with_what_the_function_returns(pool):
    assert run(pool, double, 4, plus=1) == 9


def test_an_error_of_ours_crosses_the_border_whole(pool):
    with pytest.raises(ParseError) as caught:
        run(pool, refuse)
    assert (caught.value.outcome, caught.value.reason) == (Outcome.NOT_A_FEED, "an HTML page")
    assert caught.value.feed_url == "https://x.example/feed"


@pytest.mark.parametrize(
    ("task", "timeout_s", "reason"),
    [
        (hang, 0.3, "took longer than 0.3 s, its worker was ended"),
        (die, 20, "its worker died (SIGSEGV)"),
        (leave, 20, "its worker died (exit code 3)"),
        (gorge, 20, "needed more than 1024 MB in its worker"),
    ],
    ids=["hang", "segfault", "exit", "memory"],
)
def test_work_that_takes_its_worker_with_it_fails_alone_and_the_pool_lives_on(pool, task, timeout_s, reason):
    with pytest.raises(WorkKilled) as caught:
        run(pool, task, timeout_s=timeout_s)
    assert str(caught.value) == reason
    assert run(pool, double, 1) == 2


def test_the_event_loop_stays_responsive_while_workers_work(pool):
    async def measure():
        lags = []
        work = asyncio.gather(*(pool(20, _spin, 0.3) for _ in range(4)))
        while not work.done():
            before = time.perf_counter()
            await asyncio.sleep(0.01)
            lags.append(time.perf_counter() - before - 0.01)
        await work
        return sorted(lags)[len(lags) // 2]

    assert asyncio.run(measure()) < 0.1


def _spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
