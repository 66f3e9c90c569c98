"""What was missed is known and looked for, and nothing else is: the gap ledger and the trust in validators, over days."""

import random
from itertools import product

import pytest

from tests.sim.documents import Says, SimFeed
from tests.sim.publishing import DAY_S, HOUR_S, bursts, by_day, every, poisson
from tests.simulated.looking import stored_numbers

_EVERY_SIX_HOURS = {"is_adaptive": False, "interval_s": 6 * HOUR_S, "jitter": 0.0}


def _with_twenty(phase: float) -> list[float]:
    """An entry every two hours; on the third day twenty in the six hours between two polls, evenly from `phase` of a step on."""
    calm = every(2 * HOUR_S, days=2)
    return calm + [2 * DAY_S + (number + phase) * 0.3 * HOUR_S for number in range(20)] + every(2 * HOUR_S, days=5)[60:]


@pytest.mark.parametrize("phase", [0.1, 0.5, 0.9])
def test_of_twenty_entries_between_two_polls_the_ledger_says_that_fifteen_were_missed(world, phase):
    here = world(poll=_EVERY_SIX_HOURS)
    here.web.site("news.example").feed("/feed", _with_twenty(phase), window=5)
    here.run(days=4)
    assert [plan.gap.missed for plan in here.score.gaps] == [pytest.approx(15, abs=2)]


def test_what_was_missed_is_found_in_the_archives(world):
    here = world(poll=_EVERY_SIX_HOURS)
    feed = here.web.site("news.example").feed("/feed", _with_twenty(0.5), window=5, archived=10)
    here.run(days=4)
    assert len(here.score.gaps) == 1
    assert stored_numbers(here, feed) >= _published(feed, until_s=3.5 * DAY_S)


def _published(feed: SimFeed, *, until_s: float) -> set[int]:
    """The numbers of the entries published since the start."""
    return {number for number, moment in enumerate(feed.published) if 0 <= moment < until_s}


_STEADY = [(0.2, 10), (1, 10), (5, 10), (20, 20), (60, 25)]  # entries a day, and how many of them a document shows


def test_a_thousand_polls_of_steady_feeds_show_no_gap(world):
    here = world(is_written=False, tick_s=600.0, yields=False)
    chance = random.Random(1)
    for number, (kind, (rate, window)) in enumerate(product((poisson, by_day, bursts), _STEADY)):
        site = here.web.site(f"steady{number}.example", answers_s=(0.2, 0.2))
        site.feed("/feed", kind(rate, days=3, chance=chance), window=window)
    here.run(days=2)
    assert here.score.polls >= 1000
    assert here.score.gaps == []


def test_a_server_that_answers_304_for_ever_hides_an_entry_for_no_longer_than_a_day(world):
    here = world()
    feed = here.web.site("liar.example").feed("/feed", every(3 * HOUR_S, days=6), says=Says.LIES)
    here.run(days=5)
    assert stored_numbers(here, feed) >= _published(feed, until_s=4 * DAY_S)
    assert max(here.score.delays_s) <= 1.1 * DAY_S


def test_a_proven_liar_is_asked_for_whole_documents_and_hides_nothing_any_more(world):
    here = world()
    here.web.site("liar.example").feed("/feed", every(3 * HOUR_S, days=9), says=Says.LIES)
    here.run(days=8)
    late = here.score.delays_s[-16:]  # of the last two days
    assert max(late) <= 3 * HOUR_S
