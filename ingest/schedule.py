"""When to come back: the next poll of a feed, the next try for a page. Pure; chance comes in as a number."""

from datetime import datetime, timedelta

from ingest.model import FeedHead
from ingest.outcome import Outcome
from ingest.policy import HostPolicy, PollPolicy

# Weights of one failed poll, after Media Cloud's scheduler: hard 1, soft 0.5, passing 0.25.
_PASSING = frozenset({Outcome.TIMEOUT, Outcome.CONNECT_ERROR, Outcome.DNS_ERROR, Outcome.RATE_LIMITED, Outcome.INTERNAL_ERROR})
_SOFT = frozenset({Outcome.PROTOCOL_ERROR, Outcome.TRUNCATED, Outcome.TLS_ERROR, Outcome.PARSE_KILLED, Outcome.TOO_LARGE})


def failure_weight(outcome: Outcome, status: int | None) -> float:
    """How much one failure counts towards giving a feed up."""
    if outcome in _PASSING:
        return 0.25
    if outcome in _SOFT or (status is not None and status >= 500):  # noqa: PLR2004  the class of server errors
        return 0.5
    return 1.0


def next_poll_at(
    now: datetime,
    policy: PollPolicy,
    *,
    chance: float,
    interval_s: float | None = None,
    head: FeedHead | None = None,
    freshness_s: float | None = None,
) -> datetime:
    """The moment of the next poll after a good one.

    A feed's own `interval_s` (seconds, from its options) wins. Else the default interval, stretched to the feed's `ttl` and
    to the response's freshness, within the policy's bounds. `chance` in [0, 1) spreads polls by ± policy.jitter.
    """
    if interval_s is None:
        hints = (head.ttl_s if head else None, freshness_s)
        wanted = max([policy.interval_s, *(hint for hint in hints if hint is not None)])
        interval_s = min(max(wanted, policy.min_interval_s), policy.max_interval_s)
    return now + timedelta(seconds=_jittered(interval_s, policy.jitter, chance))


def next_poll_after_failure(
    now: datetime, policy: PollPolicy, *, chance: float, failures: float, interval_s: float | None = None
) -> datetime:
    """The moment of the next poll after a failed one: the interval, doubled for each weighted failure, a day at most."""
    base = interval_s or policy.interval_s
    wanted = min(base * 2.0 ** min(failures, 32.0), max(policy.max_interval_s, base))
    return now + timedelta(seconds=_jittered(wanted, policy.jitter, chance))


def next_try_at(now: datetime, *, attempts: int, first_s: float, max_s: float, chance: float) -> datetime:
    """The moment of the next try after `attempts` failed ones: doubling from `first_s` to `max_s`, spread by ± 10 %."""
    wanted = min(first_s * 2.0 ** min(max(attempts - 1, 0), 32), max_s)
    return now + timedelta(seconds=_jittered(wanted, 0.1, chance))


def throttled_until(retry_after_s: float | None, now: datetime, hosts: HostPolicy) -> datetime | None:
    """Until when a host that named a Retry-After is left alone; None where it named none."""
    if retry_after_s is None:
        return None
    return now + timedelta(seconds=min(max(retry_after_s, 0.0), hosts.max_retry_after_s))


def _jittered(seconds: float, share: float, chance: float) -> float:
    return seconds * (1 - share + 2 * share * chance)
