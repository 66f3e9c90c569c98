"""One poll of a feed that failed → its plan."""

from dataclasses import replace
from datetime import datetime, timedelta

from ingest.decide.terms import Terms
from ingest.errors import FetchError, IngestError, NoTurn, ParseError, WorkKilled
from ingest.model import FeedClaim, FeedPlan, FeedState, HostLesson
from ingest.outcome import Outcome
from ingest.policy import HostPolicy
from ingest.schedule import (
    Setback,
    after_refusal,
    after_refusal_elsewhere,
    is_throttling,
    next_turn_at,
    past_skipped,
    plan_setback,
    throttled_until,
)
from ingest.urls import host_of

_OUTAGE_S = 60.0  # until a feed is tried again while our own network is away
_BACK_S = 300.0  # until the old address is tried, when the one that a feed moved to has failed for good


def plan_feed_failure(claim: FeedClaim, error: IngestError, *, now: datetime, terms: Terms, elapsed_ms: int = 0) -> FeedPlan:
    """The poll failed: entries and validators stay as they are, the feed waits longer, and after many failures is given up."""
    outcome, status, reason = _read_error(error)
    retry_after_s = error.retry_after_s if isinstance(error, FetchError) else None
    usual = terms.next_poll(claim, now)
    setback = plan_setback(
        now,
        terms.poll,
        outcome=outcome,
        status=status,
        failures=claim.failures,
        interval_s=(usual.at - now).total_seconds(),
        is_last_probe=claim.is_last_probe,
        chance=terms.chance,
    )
    plan = FeedPlan(
        claim=claim,
        polled_at=now,
        outcome=outcome,
        reason=reason,
        next_poll_at=setback.at,
        next_reason=setback.reason,
        rate_root=usual.root,
        status=status,
        elapsed_ms=elapsed_ms,
        failures=setback.failures,
        not_before_at=throttled_until(retry_after_s, now, terms.hosts),
        lesson=_lesson(claim, error, now, terms.hosts),
        move=claim.move,
    )
    plan = _given_up(plan, setback, now) if setback.is_over else plan
    return _outside_skipped(_not_before(plan))


def plan_feed_in_outage(claim: FeedClaim, error: FetchError, *, now: datetime, terms: Terms, elapsed_ms: int = 0) -> FeedPlan:
    """Nearly everything fails: it is our own network, no fault of the feed. Nothing is counted, and it is tried again soon."""
    plan = _uncounted(claim, error, now, terms, why="our own network is away")
    wait_s = _OUTAGE_S * (0.5 + terms.chance)
    return _outside_skipped(replace(plan, next_poll_at=now + timedelta(seconds=wait_s), elapsed_ms=elapsed_ms))


def plan_feed_without_turn(claim: FeedClaim, error: NoTurn, *, now: datetime, terms: Terms, elapsed_ms: int = 0) -> FeedPlan:
    """A host on the way to the feed had no turn to give: nobody was asked. Nothing is counted; it is tried when there is one."""
    plan = _uncounted(claim, error, now, terms, why="nobody was asked")
    at = next_turn_at(error.retry_after_s, now, chance=terms.chance)
    return _outside_skipped(replace(plan, next_poll_at=at, elapsed_ms=elapsed_ms))


def _uncounted(claim: FeedClaim, error: FetchError, now: datetime, terms: Terms, *, why: str) -> FeedPlan:
    """A poll that is no failure of the feed: all stays as it was."""
    return FeedPlan(
        claim=claim,
        polled_at=now,
        outcome=error.outcome,
        reason=f"{error.reason}; not counted, {why}",
        next_poll_at=now,
        next_reason=why,
        rate_root=terms.next_poll(claim, now).root,
        failures=claim.failures,
        is_last_probe=claim.is_last_probe,
        move=claim.move,
    )


def _given_up(plan: FeedPlan, setback: Setback, now: datetime) -> FeedPlan:
    """Given up; but a feed that has moved is first looked for where it was listed."""
    claim = plan.claim
    if claim.listed_url and claim.listed_url != claim.url:
        back = "the address it had moved to failed for good: back to the one it was listed under"
        return replace(
            plan,
            failures=0.0,
            moved_to=claim.listed_url,
            moved_reason=back,
            next_poll_at=now + timedelta(seconds=_BACK_S),
            next_reason=back,
        )
    return replace(
        plan, state=FeedState.DISABLED, reason=f"{plan.reason}; {setback.reason}", probe_at=setback.at, next_poll_at=setback.at
    )


def _not_before(plan: FeedPlan) -> FeedPlan:
    """Not before the server allows, whatever we would like."""
    until = plan.not_before_at
    if until is None or plan.next_poll_at is None or plan.next_poll_at >= until:
        return plan
    return replace(plan, next_poll_at=until, next_reason=f"{plan.next_reason}; not before Retry-After")


def _outside_skipped(plan: FeedPlan) -> FeedPlan:
    """Not in the hours and on the days that the feed wants skipped, unless a person said how often it is polled."""
    if plan.next_poll_at is None or plan.claim.options.interval_s is not None:
        return plan
    at = past_skipped(plan.next_poll_at, plan.claim.learned.hints)
    if at == plan.next_poll_at:
        return plan
    return replace(plan, next_poll_at=at, next_reason=f"{plan.next_reason}; then past the feed's skipHours and skipDays")


def _lesson(claim: FeedClaim, error: IngestError, now: datetime, hosts: HostPolicy) -> HostLesson | None:
    """What the answer says about the host, if it says "too often" rather than "no"."""
    if not isinstance(error, FetchError):
        return None
    has_worked = claim.polled_at is not None and not claim.has_failed
    if not is_throttling(error.status, error.retry_after_s, worked_lately=has_worked):
        return None
    host = host_of(error.url)
    if host and host != claim.host.host:
        return after_refusal_elsewhere(host, now, hosts, retry_after_s=error.retry_after_s)
    return after_refusal(claim.host, now, hosts, retry_after_s=error.retry_after_s)


def _read_error(error: IngestError) -> tuple[Outcome, int | None, str]:
    if isinstance(error, FetchError):
        return error.outcome, error.status, error.reason
    if isinstance(error, ParseError):
        offer = f"; it points to the feed {error.feed_url}" if error.feed_url else ""
        return error.outcome, None, error.reason + offer
    if isinstance(error, WorkKilled):
        return Outcome.PARSE_KILLED, None, str(error)
    return Outcome.INTERNAL_ERROR, None, str(error)
