"""Many writers, few commits."""

import asyncio

import pytest

from ingest.errors import StoreError, StoreUnavailable
from ingest.model import Applied
from ingest.pipeline.batch import Together, applying


class Ledger:
    def __init__(self, error=None):
        self.batches, self.error = [], error

    def apply(self, plans):
        self.batches.append(list(plans))
        if self.error:
            raise self.error
        return tuple(Applied.TAKEN if plan == "taken" else Applied.DONE for plan in plans)


async def in_thread(call, /, *args, **kwargs):
    return await asyncio.to_thread(call, *args, **kwargs)


def test_plans_that_arrive_together_share_transactions_and_each_learns_its_own_fate():
    ledger = Ledger()

    async def apply_all():
        apply = applying(ledger, in_thread)
        return await asyncio.gather(*(apply(plan) for plan in ["one", "taken", *map(str, range(248))]))

    results = asyncio.run(apply_all())
    assert results[:3] == [Applied.DONE, Applied.TAKEN, Applied.DONE]
    assert sum(map(len, ledger.batches)) == 250
    assert len(ledger.batches) <= 4


def test_a_failed_transaction_is_told_to_everyone_in_it():
    async def apply_all():
        apply = applying(Ledger(StoreUnavailable("away")), in_thread)
        return await asyncio.gather(apply("a"), apply("b"), return_exceptions=True)

    results = asyncio.run(apply_all())
    assert [str(result) for result in results] == ["away", "away"]


def test_a_plan_that_the_database_refuses_does_not_cost_the_others_of_its_transaction_theirs():
    class Strict(Ledger):
        def apply(self, plans):
            if "poison" in plans:
                raise StoreError("refused")
            return super().apply(plans)

    async def apply_all():
        apply = applying(Strict(), in_thread)
        return await asyncio.gather(apply("a"), apply("poison"), apply("b"), return_exceptions=True)

    first, poison, last = asyncio.run(apply_all())
    assert (first, str(poison), last) == (Applied.DONE, "refused", Applied.DONE)


def test_a_writer_that_gave_up_waiting_does_not_disturb_the_others():
    async def cancel_one():
        apply = applying(Ledger(), in_thread)
        first, second = asyncio.create_task(apply("a")), asyncio.create_task(apply("b"))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(cancel_one()) is Applied.DONE


def test_without_plans_nothing_is_written():
    ledger = Ledger()
    applying(ledger, in_thread)
    assert ledger.batches == []


def test_what_is_asked_for_the_moment_a_call_ends_is_answered_too():
    async def ask_in_turn():
        async def call(batch):
            return batch

        together = Together(call)
        return [await together(n) for n in range(50)]

    assert asyncio.run(asyncio.wait_for(ask_in_turn(), 5)) == list(range(50))


def test_calls_run_side_by_side_in_as_many_lanes_as_there_are():
    running, most = 0, 0

    async def call(batch):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return [one * 2 for one in batch]

    async def ask():
        together = Together(call, most=3, lanes=2)
        return await asyncio.gather(*(together(n) for n in range(12)))

    assert asyncio.run(ask()) == [n * 2 for n in range(12)]
    assert most == 2


pytestmark = pytest.mark.timeout(30)
