"""The loop that never waits, and its clock."""

import asyncio
import random
import time
from datetime import timedelta

import pytest

from tests.sim.loop import START, Deadlock, Livelock, SimClock, play


def test_a_year_of_sleep_takes_no_time():
    clock, started_s = SimClock(), time.monotonic()
    play(asyncio.sleep(365 * 86_400), clock)
    assert clock.now() == START + timedelta(days=365)
    assert time.monotonic() - started_s < 5


def test_sleepers_wake_in_the_order_of_their_time_and_not_of_their_start():
    clock, woken = SimClock(), []

    async def sleep(seconds):
        await asyncio.sleep(seconds)
        woken.append((seconds, clock.monotonic_s()))

    async def story():
        await asyncio.gather(*(sleep(seconds) for seconds in (30.0, 10.0, 20.0)))

    play(story(), clock)
    assert woken == [(10.0, 10.0), (20.0, 20.0), (30.0, 30.0)]


def test_time_stands_still_while_somebody_works():
    clock, seen = SimClock(), []

    async def story():
        for _ in range(1000):
            await asyncio.sleep(0)
            seen.append(clock.monotonic_s())

    play(story(), clock)
    assert set(seen) == {0.0}


def test_timeouts_run_out_on_virtual_time():
    clock = SimClock()

    async def story():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.sleep(31)
        return clock.monotonic_s()

    assert play(story(), clock) == 30.0


def test_a_clock_that_is_set_shows_another_time_and_no_timer_minds():
    clock = SimClock()

    async def story():
        await asyncio.sleep(60)
        clock.set_by(-3600)
        await asyncio.sleep(60)

    play(story(), clock)
    assert clock.now() == START + timedelta(seconds=120 - 3600)
    assert clock.true_now() == START + timedelta(seconds=120)
    assert clock.monotonic_s() == 120


def test_who_waits_for_nobody_is_an_error_and_does_not_hang():
    with pytest.raises(Deadlock):
        play(asyncio.Event().wait(), SimClock())


def test_who_never_lets_time_pass_is_an_error_and_does_not_hang(monkeypatch):
    monkeypatch.setattr("tests.sim.loop._MANY_TURNS", 1000)

    async def story():
        while True:  # noqa: ASYNC110  that it is of no use is the point
            await asyncio.sleep(0)

    with pytest.raises(Livelock):
        play(story(), SimClock())


def test_what_the_story_raises_comes_out():
    async def story():
        await asyncio.sleep(5)
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        play(story(), SimClock())


def test_the_same_seed_tells_the_same_story_and_another_seed_another(world):
    def tell(seed):
        here = world(seed=seed, is_written=False)
        for number in range(5):
            chance = random.Random(number)
            here.web.site(f"site{number}.example").feed("/feed", [-chance.random() * 86_400 for _ in range(20)])
        here.run(days=0.3)
        return [poll for lates in here.score.late_s.values() for poll in lates], here.score.requests

    assert tell(1) == tell(1)
    assert tell(1) != tell(2)
