"""How often a host may be asked: what the policy says, what its robots.txt asks for, and what its refusals taught.

A refusal with Retry-After says how much was allowed: the requests granted since the window began, in the time from then until
more are allowed. A host that allows one a minute grants one and refuses the second: 1 in 60 s; one that allows 100 an hour grants
100 and names the rest of the hour: 100 in 3,600 s.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from ingest.model import HostLesson, HostState
from ingest.policy import HostPolicy
from ingest.schedule.words import lasting

_TOO_MANY, _UNAVAILABLE, _FORBIDDEN = 429, 503, 403
_MARGIN = 1.05  # two clocks differ, and requests take time
_LEAST_STEP = 1.25  # a refusal while keeping the learned gap proves it too short
_BLIND_STEP = 2.0  # without Retry-After nothing says by how much
_FIRST_GAP_S = 1.0  # doubled where the policy knows no gap
_BLIND_PAUSE_S = 60.0
_QUIET_DAYS = 30.0  # without a refusal: then the learned gap is halved
_CLOCKS_S = 5.0  # by which the clocks of two daemons differ
_WINDOW = timedelta(hours=1)  # older grants count half


def effective_gap_s(host: HostState, now: datetime, policy: HostPolicy) -> float:
    """Seconds between the starts of two requests to the host."""
    return max(policy.gap_s, host.crawl_delay_s or 0.0, _learned_gap_s(host, now))


def patience_s(host: HostState, now: datetime, policy: HostPolicy, *, least_s: float) -> float:
    """Seconds that a request on its way waits for its turn: `least_s`, and where the gap is longer than that, the whole gap.

    A redirect, the page after its robots.txt and the second page of a history come right after a turn: with less patience their
    turn would never come. A host that wants to be left alone is waited for no longer than others.
    """
    if host.throttled_until is not None and host.throttled_until > now:
        return least_s
    return max(least_s, effective_gap_s(host, now, policy) + _CLOCKS_S)


def poll_floor_s(host: HostState, now: datetime, policy: HostPolicy) -> float:
    """Seconds at least between two polls of one feed, so that all feeds of the host get their turn and pages, too.

    0 for a host with few feeds: then it is the gap that keeps them apart.
    """
    if host.feeds <= 1:
        return 0.0
    return host.feeds * effective_gap_s(host, now, policy) / policy.feed_share


def after_grant(host: HostState, now: datetime, *, requests: int = 1) -> HostState:
    """The host after so many requests that it did not refuse. Grants of the last hour or two are counted, older ones fade."""
    if host.window_at is None:
        return replace(host, granted=requests, window_at=now)
    if now - host.window_at > 2 * _WINDOW:
        return replace(host, granted=host.granted // 2 + requests, window_at=now - (now - host.window_at) / 2)
    return replace(host, granted=host.granted + requests)


def is_throttling(status: int | None, retry_after_s: float | None, *, worked_lately: bool = False) -> bool:
    """Whether an answer says "too often" rather than "no".

    429 does, 503 with a Retry-After does, and so does a 403 with one. Some hosts (Reddit) send a bare 403: it counts where
    the same feed could be had the last time (`worked_lately`).
    """
    if status == _TOO_MANY:
        return True
    if status == _UNAVAILABLE:
        return retry_after_s is not None
    return status == _FORBIDDEN and (retry_after_s is not None or worked_lately)


def after_refusal(host: HostState, now: datetime, policy: HostPolicy, *, retry_after_s: float | None) -> HostLesson:
    """What a refusal teaches. While the host is left alone already it teaches nothing: those were requests on their way."""
    until = now + timedelta(seconds=_pause_s(host, now, policy, retry_after_s))
    if host.throttled_until is not None and host.throttled_until > now:
        longer = max(until, host.throttled_until)
        return HostLesson(None, longer, f"refused again; left alone for {lasting((longer - now).total_seconds())}")
    gap_s, why = _lesson(host, now, policy, retry_after_s)
    gap_s = min(gap_s, policy.max_gap_s)
    return HostLesson(gap_s, until, f"{why}: from now on {lasting(gap_s)} apart")


def after_refusal_elsewhere(host: str, now: datetime, policy: HostPolicy, *, retry_after_s: float | None) -> HostLesson:
    """What a refusal teaches of a host that a redirect led to: to leave it alone, for what it was asked before is not at hand."""
    wait_s = _pause_s(HostState(host), now, policy, retry_after_s)
    return HostLesson(None, now + timedelta(seconds=wait_s), f"refused after a redirect; left alone for {lasting(wait_s)}", host)


def _lesson(host: HostState, now: datetime, policy: HostPolicy, retry_after_s: float | None) -> tuple[float, str]:
    current_s = max(effective_gap_s(host, now, policy), _FIRST_GAP_S)
    if retry_after_s is None or host.window_at is None:
        return current_s * _BLIND_STEP, "refused without a Retry-After"
    allowed = max(host.granted, 1)
    period_s = (now - host.window_at).total_seconds() + max(retry_after_s, 0.0)
    learned_s = max(_MARGIN * period_s / allowed, _LEAST_STEP * current_s)
    return learned_s, f"refused after {host.granted} requests, until {lasting(period_s)} after the first"


def _pause_s(host: HostState, now: datetime, policy: HostPolicy, retry_after_s: float | None) -> float:
    if retry_after_s is None:
        return max(_BLIND_PAUSE_S, _BLIND_STEP * effective_gap_s(host, now, policy))
    return min(max(retry_after_s, 0.0), policy.max_retry_after_s)


def _learned_gap_s(host: HostState, now: datetime) -> float:
    """The learned gap; after every 30 quiet days half of it, for hosts change their minds."""
    if host.gap_s is None or host.refused_at is None:
        return host.gap_s or 0.0
    quiet = max((now - host.refused_at).total_seconds(), 0.0) // (_QUIET_DAYS * 86_400.0)
    return float(host.gap_s * 0.5**quiet)
