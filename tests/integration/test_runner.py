"""The step that walks every kind of work."""

import asyncio
import contextlib

import pytest

from ingest.errors import LeaseLost, StoreError, StoreUnavailable
from ingest.model import Lease
from ingest.pipeline import Runner
from tests.unit.make import NOW


class Chore:
    """Work of numbers: each is claimed once, handled by `handle`. Those of `in_turn` are handed out singly, every other time."""

    name = "chore"

    def __init__(self, numbers, handle=None, in_turn=()):
        self.waiting, self.in_turn, self.is_turn = list(numbers), list(in_turn), True
        self._handle = handle
        self.done, self.crashes, self.released, self.renewed = [], [], [], 0
        self.at_once = self.most_at_once = 0
        self.claim_error = None

    async def claim(self, limit):
        if self.claim_error:
            raise self.claim_error.pop()
        if not self.waiting and self.in_turn:
            self.is_turn = not self.is_turn
            return [self.in_turn.pop(0)] if self.is_turn else []
        free = self.waiting[:limit]
        self.waiting = [n for n in self.waiting if n not in free]
        return free

    async def handle(self, claim):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if self._handle:
                await self._handle(claim)
            self.done.append(claim)
        finally:
            self.at_once -= 1

    async def crashed(self, claim, error):
        self.crashes.append((claim, str(error)))

    def key(self, claim):
        return claim

    async def is_waiting(self):
        return bool(self.in_turn)

    def lease(self, claim):
        return Lease("me", claim, NOW)

    async def renew(self, leases):
        self.renewed += 1

    async def release(self, leases):
        self.released += leases


class Witness:
    def __init__(self):
        self.crashes = []

    def feed_polled(self, plan): ...

    def article_ingested(self, plan): ...

    def work_crashed(self, work, key, error):
        self.crashes.append((work, key, type(error).__name__))

    def network_lost(self, hosts): ...

    def network_back(self, away_s): ...


def runner_of(work, witness=None, **given):
    return Runner(work, witness or Witness(), **{"at_once": 4, "lease_s": 60, **given})


def play(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def test_all_due_work_is_done_and_never_more_than_allowed_at_once():
    work = Chore(range(50))
    play(runner_of(work).drain())
    assert sorted(work.done) == list(range(50))
    assert work.most_at_once == 4


def test_a_pass_waits_for_what_only_waits_for_its_hosts_turn():
    work = Chore([0, 1], in_turn=[2, 3, 4])
    play(runner_of(work).drain())
    assert work.done == [0, 1, 2, 3, 4]


def test_a_defect_costs_one_claim_and_never_the_rest():
    async def trip(number):
        if number == 3:
            raise ZeroDivisionError("oops")

    work, witness = Chore(range(6), trip), Witness()
    play(runner_of(work, witness).drain())
    assert sorted(work.done) == [0, 1, 2, 4, 5]
    assert work.crashes == [(3, "oops")]
    assert witness.crashes == [("chore", 3, "ZeroDivisionError")]


def test_a_lost_lease_is_dropped_silently():
    async def lose(number):
        raise LeaseLost(str(number))

    work, witness = Chore([1], lose), Witness()
    play(runner_of(work, witness).drain())
    assert (work.crashes, witness.crashes) == ([], [])


def test_a_store_that_is_away_is_told_and_asked_again(monkeypatch):
    monkeypatch.setattr("ingest.pipeline.runner._REFUSED_PAUSE_S", 0.01)
    work, witness = Chore([1, 2]), Witness()
    work.claim_error = [StoreUnavailable("away"), StoreUnavailable("away")]
    runner = runner_of(work, witness)

    async def until_done():
        running = asyncio.create_task(runner.run())
        while len(work.done) < 2:
            runner.wake()
            await asyncio.sleep(0.01)
        await runner.stop(1)
        await running

    with contextlib.suppress(IndexError):
        play(until_done())
    assert [crash[2] for crash in witness.crashes] == ["StoreUnavailable", "StoreUnavailable"]


def test_a_stop_does_not_wait_for_the_pause_after_a_refused_claim():
    work = Chore([1])
    work.claim_error = [StoreUnavailable("away")] * 99

    async def stop_in_the_pause():
        runner = runner_of(work)
        running = asyncio.create_task(runner.run())
        await asyncio.sleep(0.01)
        assert runner.problem == "away"
        await asyncio.wait_for(runner.stop(5), 0.5)
        await asyncio.wait_for(running, 0.5)

    play(stop_in_the_pause())


def test_a_pass_goes_on_after_a_refused_claim(monkeypatch):
    monkeypatch.setattr("ingest.pipeline.runner._REFUSED_PAUSE_S", 0.01)
    work = Chore([1, 2])
    work.claim = refusing_twice(work.claim)
    play(runner_of(work).drain())
    assert sorted(work.done) == [1, 2]


def refusing_twice(claim):
    refusals = [StoreUnavailable("away"), StoreUnavailable("away")]

    async def refuse_or_claim(*args):
        if refusals:
            raise refusals.pop()
        return await claim(*args)

    return refuse_or_claim


def test_a_pass_says_so_when_the_store_goes_on_refusing(monkeypatch):
    monkeypatch.setattr("ingest.pipeline.runner._REFUSED_PAUSE_S", 0.001)
    work = Chore([1])
    work.claim_error = [StoreUnavailable("away")] * 99
    runner = runner_of(work)
    play(runner.drain())
    assert (runner.problem, work.waiting) == ("away", [1])


@pytest.mark.parametrize(
    ("error", "is_failed_try"),
    [(StoreUnavailable("away"), False), (StoreError("too large for a row"), True)],
    ids=["away", "refused"],
)
def test_work_that_the_store_refuses_is_a_failed_try_but_not_when_the_store_is_away(error, is_failed_try):
    async def refuse(number):
        raise error

    work, witness = Chore([1], refuse), Witness()
    play(runner_of(work, witness).drain())
    assert len(witness.crashes) == 1
    assert work.crashes == ([(1, str(error))] if is_failed_try else [])


def test_what_cannot_even_be_given_back_while_stopping_ends_the_run_all_the_same():
    class Refusing(Chore):
        async def claim(self, limit):
            await asyncio.sleep(0.05)
            return await super().claim(limit)

        async def release(self, leases):
            raise StoreUnavailable("away")

    async def stop_while_claiming():
        runner = runner_of(Refusing([0]))
        running = asyncio.create_task(runner.run())
        await asyncio.sleep(0.01)
        await runner.stop(1)
        await running

    play(stop_while_claiming())


def test_stopping_lets_work_in_flight_end():
    async def slow(number):
        await asyncio.sleep(0.05)

    work = Chore(range(4), slow)

    async def stop_early():
        runner = runner_of(work)
        running = asyncio.create_task(runner.run())
        await asyncio.sleep(0.01)
        await runner.stop(5)
        await running

    play(stop_early())
    assert len(work.done) == 4
    assert work.released == []


def test_what_was_claimed_while_stopping_is_given_back():
    class SlowToClaim(Chore):
        async def claim(self, limit):
            await asyncio.sleep(0.05)
            return await super().claim(limit)

    work = SlowToClaim([0, 1])

    async def stop_while_claiming():
        runner = runner_of(work)
        running = asyncio.create_task(runner.run())
        await asyncio.sleep(0.01)
        await runner.stop(1)
        await running

    play(stop_while_claiming())
    assert (work.done, sorted(work.released)) == ([], [0, 1])


def test_what_does_not_end_in_time_is_given_back():
    async def hang(number):
        await asyncio.sleep(600)

    work = Chore([0, 1], hang)

    async def stop_hard():
        runner = runner_of(work)
        running = asyncio.create_task(runner.run())
        await asyncio.sleep(0.01)
        await runner.stop(0.05)
        await running

    play(stop_hard())
    assert work.done == []
    assert sorted(work.released) == [0, 1]


def test_leases_of_long_work_are_renewed():
    async def slow(number):
        await asyncio.sleep(0.2)

    work = Chore([0], slow)
    play(runner_of(work, lease_s=0.15).drain())
    assert work.renewed >= 2


@pytest.mark.parametrize("places", [1, 3])
def test_a_pass_ends_only_when_its_source_has_ended_too(places):
    work = Chore([])
    is_fed = asyncio.Event()

    async def feed_late():
        runner = runner_of(work, at_once=places)
        draining = asyncio.create_task(runner.drain(may_end=is_fed.is_set))
        await asyncio.sleep(0.05)
        work.waiting += [1, 2]
        is_fed.set()
        await draining

    play(feed_late())
    assert sorted(work.done) == [1, 2]
