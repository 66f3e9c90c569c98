"""How the request budget is shared out: a feed of rate λ is polled every c / √λ, and c is such that the budget is spent.

That minimises the mean delay Σ λ·I/2 under Σ 1/I = budget; sharing it out by λ itself would give too much to the busiest.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log2, sqrt

from ingest.policy import PollPolicy

_STEPS = 8  # of the histogram, in each doubling of the root: ± 4 %
_LEAST_ROOT = 2.0**-10  # of a rate of an entry in 2,900 years
_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Pace:
    """How often feeds are polled today: one that publishes once a day in the mean every `daily_s` seconds."""

    daily_s: float

    def interval_s(self, per_day: float) -> float:
        """Seconds between two polls of a feed that publishes evenly."""
        return self.daily_s / sqrt(per_day)


def find_pace(roots: Iterable[float | None], policy: PollPolicy) -> Pace:
    """The pace at which feeds with these shares (`NextPoll.root`; None: not polled yet) spend the budget of the policy.

    The share of a feed that is polled for the first time is that of an entry a day.
    """
    feeds = Counter([_step(root) for root in roots])
    count = feeds.total()
    if not count:
        return Pace(policy.interval_s)
    per_s = count / policy.interval_s
    if policy.max_per_hour:
        per_s = min(per_s, policy.max_per_hour / 3600.0)
    return Pace(_solve({2.0 ** (step / _STEPS): number for step, number in feeds.items()}, per_s, policy))


def _step(root: float | None) -> int:
    return 0 if root is None else round(_STEPS * log2(max(root, _LEAST_ROOT)))


def _solve(feeds: Mapping[float, int], per_s: float, policy: PollPolicy) -> float:
    """By halving the range in which the pace lies, on a scale of doublings: with a slower pace fewer polls are made."""
    low = log2(policy.min_interval_s * min(feeds))
    high = log2(policy.max_interval_s * max(feeds))
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if _spent(feeds, 2.0**middle, policy) > per_s:
            low = middle
        else:
            high = middle
    return float(2.0 ** ((low + high) / 2))


def _spent(feeds: Mapping[float, int], daily_s: float, policy: PollPolicy) -> float:
    """Polls a second at this pace."""
    least, most = policy.min_interval_s, policy.max_interval_s
    return sum(number / min(max(daily_s / root, least), most) for root, number in feeds.items())
