"""When to come back after a failure, and when to give up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.outcome import Outcome
from ingest.policy import HostPolicy, PollPolicy
from ingest.schedule.words import lasting

# Weights of one failed poll, after Media Cloud's scheduler: hard 1, soft 0.5, passing 0.25.
_PASSING = frozenset({Outcome.TIMEOUT, Outcome.CONNECT_ERROR, Outcome.DNS_ERROR, Outcome.RATE_LIMITED, Outcome.INTERNAL_ERROR})
_SOFT = frozenset({Outcome.PROTOCOL_ERROR, Outcome.TRUNCATED, Outcome.TLS_ERROR, Outcome.PARSE_KILLED, Outcome.TOO_LARGE})
_PASSING_WEIGHT, _SOFT_WEIGHT, _HARD_WEIGHT = 0.25, 0.5, 1.0
_GONE_SHARE = 5.0  # a 410 is meant, but a single one may be a mistake: the fifth in a row, a day apart, ends it
_MOST_DOUBLINGS = 32.0
_LATER = 0.1  # at most, of the wait for a host's turn


@dataclass(frozen=True, slots=True)
class Setback:
    """What one failed poll leads to. `at` is None where the feed was given up before and stays so."""

    failures: float  # weighted, in a row
    at: datetime | None  # the next poll; of a feed that is over, its last probe
    is_over: bool
    reason: str  # why then, or why it is over


def failure_weight(outcome: Outcome, status: int | None) -> float:
    """How much one failure counts towards giving a feed up."""
    if outcome in _PASSING:
        return _PASSING_WEIGHT
    if outcome in _SOFT or (status is not None and status >= 500):  # noqa: PLR2004  the class of server errors
        return _SOFT_WEIGHT
    return _HARD_WEIGHT


def plan_setback(
    now: datetime,
    policy: PollPolicy,
    *,
    outcome: Outcome,
    status: int | None,
    failures: float,
    interval_s: float | None,
    is_last_probe: bool = False,
    chance: float,
) -> Setback:
    """What follows from one more failure after `failures` weighted ones in a row.

    `interval_s` is what a good poll would have been followed by. It is doubled for each weighted failure, a day at most (or that
    interval, where it is longer); after a 410 it is a day at once.
    """
    is_gone = outcome is Outcome.GONE
    counted = failures + (policy.disable_after / _GONE_SHARE if is_gone else failure_weight(outcome, status))
    if is_last_probe:
        return Setback(counted, None, is_over=True, reason="given up for good: the last probe failed, too")
    if counted >= policy.disable_after - 1e-9:
        at = now + timedelta(days=policy.last_probe_days)
        said = "the server says that it is gone" if is_gone else f"{counted:g} weighted failures in a row"
        return Setback(counted, at, is_over=True, reason=f"given up: {said}; one last probe in {policy.last_probe_days:g} days")
    base_s = interval_s or policy.interval_s
    most_s = max(policy.max_interval_s, base_s)
    wanted_s = most_s if is_gone else min(base_s * 2.0 ** min(counted, _MOST_DOUBLINGS), most_s)
    at = now + timedelta(seconds=min(_jittered(wanted_s, policy.jitter, chance), most_s))
    return Setback(counted, at, is_over=False, reason=f"{lasting(wanted_s)}: {counted:g} weighted failures in a row")


def next_try_at(now: datetime, *, attempts: int, first_s: float, max_s: float, chance: float) -> datetime:
    """The moment of the next try after `attempts` failed ones: doubling from `first_s` to `max_s`, spread by ± 10 %."""
    wanted = min(first_s * 2.0 ** min(max(attempts - 1, 0), 32), max_s)
    return now + timedelta(seconds=_jittered(wanted, 0.1, chance))


def next_turn_at(wait_s: float | None, now: datetime, *, chance: float) -> datetime:
    """The moment of the next try where a host had no turn to give for so long; a little later, for others wait for it, too."""
    return now + timedelta(seconds=(wait_s or 0.0) * (1.0 + _LATER * chance))


def throttled_until(retry_after_s: float | None, now: datetime, hosts: HostPolicy) -> datetime | None:
    """Until when a host that named a Retry-After is left alone; None where it named none."""
    if retry_after_s is None:
        return None
    return now + timedelta(seconds=min(max(retry_after_s, 0.0), hosts.max_retry_after_s))


def _jittered(seconds: float, share: float, chance: float) -> float:
    return seconds * (1.0 - share + 2.0 * share * chance)
