"""What becomes of a subscription to a hub: when it is asked again, what its questions are answered, whether it is relied on.

    asked ──verified──▶ active ──80 % of the lease──▶ asked again, still active ──▶ …
      │ ▲                 │ └─ the lease runs out: asked
      │ └── a long pause ─┴─ denied
      └── the feed, its hub or our address is another now: leaving ──▶ left, and forgotten after a month

A hub is relied on, and its feed polled less, once pushes brought what is new several times over some days and no poll found
anything else. One entry that only a poll found, a lease that ran out or a suspicious silence ends that.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ingest.errors import FetchError, NoTurn, PermanentFetchError
from ingest.model import EntryPlan, FeedPlan, Learned
from ingest.model.subscribed import AskedFor, Question, Subscription, SubscriptionState
from ingest.policy import DAY_S, HOUR_S, MINUTE_S, HostPolicy, PollPolicy
from ingest.schedule import find_rate, rate_at

_RENEWED_AT = 0.8  # of the lease
_LEAST_RENEWAL_S = 15 * MINUTE_S  # whatever the hub thinks of leases
_LONGEST_LEASE_S = 90 * DAY_S  # believed

_UNVERIFIED_S = 30 * MINUTE_S  # after a request that the hub took, for its verification; doubles with each further one
_FAILED_S = 15 * MINUTE_S  # after a request that failed; doubles alike
_MAX_PAUSE_S = DAY_S
_REFUSED_S, _MAX_REFUSED_S = DAY_S, 7 * DAY_S  # after one that will hardly fare better soon
_DENIED_S = 7 * DAY_S

_LEAVING_TRIES = 3
_KEPT_S = 30 * DAY_S

_PROVING_PUSHES, PROVING_S = 3, 2 * DAY_S
_LATE_S = 15 * MINUTE_S  # an entry that is this old when a poll finds it should have been pushed
_SILENT_ENTRIES = 6.0  # that were due since the last push: by chance, none of so many comes once in 400 times
_MAX_STEPS = 168


# ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def mode_of(subscription: Subscription) -> AskedFor:
    """What its hub is to be asked."""
    return AskedFor.UNSUBSCRIBE if subscription.state is SubscriptionState.LEAVING else AskedFor.SUBSCRIBE


def asking(subscription: Subscription, now: datetime, *, until: datetime) -> Subscription:
    """The hub is about to be asked, and again at `until` if nothing comes of it. LEFT: it was asked often enough to let us go."""
    if subscription.state is SubscriptionState.LEAVING and _is_let_go(subscription, now):
        return _left(subscription, now, "the hub did not confirm that we leave")
    state = SubscriptionState.ASKED if subscription.state is SubscriptionState.DENIED else subscription.state
    return replace(subscription, state=state, asked_at=now, next_ask_at=until, attempts=subscription.attempts + 1)


def after_acceptance(subscription: Subscription, now: datetime, *, chance: float) -> Subscription:
    """The hub took the request; it has still to verify it, unless it did so meanwhile."""
    if _is_answered(subscription):
        return subscription
    wait_s = _growing(_UNVERIFIED_S, subscription.attempts, most_s=_MAX_PAUSE_S, chance=chance)
    return _again(subscription, now, wait_s, "the hub has taken the request and is to verify it")


def after_refusal(
    subscription: Subscription, error: FetchError, now: datetime, *, hosts: HostPolicy, chance: float
) -> Subscription:
    """The request failed. One that had to wait too long for the hub's turn is none."""
    if _is_answered(subscription):
        return subscription
    wait_s, attempts = _pause_s(error, subscription.attempts, chance), subscription.attempts
    if isinstance(error, NoTurn):
        attempts -= 1
    elif subscription.state is SubscriptionState.LEAVING:
        wait_s = _growing(_FAILED_S, attempts, most_s=_MAX_PAUSE_S, chance=chance)
    wait_s = max(wait_s, min(error.retry_after_s or 0.0, hosts.max_retry_after_s))
    return replace(_again(subscription, now, wait_s, error.reason), attempts=attempts)


def leave(subscription: Subscription, now: datetime, reason: str) -> Subscription:
    """Nothing more is wanted of this hub. One that never verified need not be told."""
    if subscription.state is not SubscriptionState.ACTIVE:
        return _left(subscription, now, reason)
    unproven = _unproven(subscription)
    return replace(unproven, state=SubscriptionState.LEAVING, next_ask_at=now, attempts=0, reason=reason)


def _is_let_go(subscription: Subscription, now: datetime) -> bool:
    return subscription.attempts >= _LEAVING_TRIES or (subscription.lease_until or now) <= now


def _left(subscription: Subscription, now: datetime, reason: str) -> Subscription:
    kept_until = now + timedelta(seconds=_KEPT_S)
    return replace(_unproven(subscription), state=SubscriptionState.LEFT, next_ask_at=kept_until, reason=reason)


def _is_answered(subscription: Subscription) -> bool:
    """Whether the hub came back before its answer to the request did."""
    if subscription.state not in (SubscriptionState.ASKED, SubscriptionState.ACTIVE, SubscriptionState.LEAVING):
        return True
    confirmed_at, asked_at = subscription.confirmed_at, subscription.asked_at
    return confirmed_at is not None and asked_at is not None and confirmed_at >= asked_at


def _again(subscription: Subscription, now: datetime, wait_s: float, reason: str) -> Subscription:
    return replace(subscription, next_ask_at=now + timedelta(seconds=wait_s), reason=reason)


def _pause_s(error: FetchError, attempts: int, chance: float) -> float:
    if isinstance(error, PermanentFetchError):
        return _growing(_REFUSED_S, attempts, most_s=_MAX_REFUSED_S, chance=chance)
    return _growing(_FAILED_S, attempts, most_s=_MAX_PAUSE_S, chance=chance)


def _growing(first_s: float, attempts: int, *, most_s: float, chance: float) -> float:
    """Doubled with each attempt, and varied by a quarter so that hubs are not asked by all at once."""
    return float(min(first_s * 2.0 ** min(max(attempts - 1, 0), 16), most_s) * (0.75 + 0.5 * chance))


# ── being asked ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_expected(subscription: Subscription, question: Question) -> bool:
    """Whether the hub may ask or say this: we did ask for it, under this topic. A hub may confirm and deny more than once."""
    if question.topic_url != subscription.topic_url or subscription.asked_at is None:
        return False
    if question.mode is AskedFor.UNSUBSCRIBE:
        return subscription.state in (SubscriptionState.LEAVING, SubscriptionState.LEFT)
    return subscription.state in (SubscriptionState.ASKED, SubscriptionState.ACTIVE)


def after_question(subscription: Subscription, question: Question, now: datetime, *, lease_s: float) -> Subscription:
    """What follows from the hub's question once it is answered; `lease_s` is what it was asked for. Nothing if unexpected."""
    if not is_expected(subscription, question):
        return subscription
    if question.mode is AskedFor.SUBSCRIBE:
        return _verified(subscription, now, min(question.lease_s or lease_s, _LONGEST_LEASE_S))
    if question.mode is AskedFor.UNSUBSCRIBE:
        is_new = subscription.state is SubscriptionState.LEAVING
        return _left(replace(subscription, confirmed_at=now), now, subscription.reason) if is_new else subscription
    reason = f"denied by the hub: {question.reason}" if question.reason else "denied by the hub"
    denied = replace(_unproven(subscription), state=SubscriptionState.DENIED, lease_until=None, attempts=0)
    return _again(denied, now, _DENIED_S, reason)


def _verified(subscription: Subscription, now: datetime, lease_s: float) -> Subscription:
    renewed_s = max(_RENEWED_AT * lease_s, _LEAST_RENEWAL_S)
    verified = replace(
        subscription,
        state=SubscriptionState.ACTIVE,
        attempts=0,
        confirmed_at=now,
        active_since_at=subscription.active_since_at if _holds(subscription, now) else now,
        lease_until=now + timedelta(seconds=lease_s),
    )
    return _again(verified, now, renewed_s, "the hub has verified it")


# ── relying on it ───────────────────────────────────────────────────────────────────────────────────────────────────────


def after_visit(subscription: Subscription, plan: FeedPlan) -> Subscription:
    """What a push or a poll of the feed tells of the hub. One that was given no secret proves nothing."""
    if plan.is_push:
        return _pushed(subscription, plan)
    visited = replace(subscription, usual_poll_at=plan.usual_poll_at)
    if not _holds(subscription, plan.polled_at) or not subscription.secret:
        return visited
    missed = count_unpushed(plan.new, plan.polled_at, polled_at=plan.claim.polled_at, since=subscription.active_since_at)
    if not missed:
        return visited
    reason = f"a poll found {missed} new that no push had brought"
    return replace(_unproven(visited), missed=visited.missed + missed, reason=reason)


def count_unpushed(new: Sequence[EntryPlan], now: datetime, *, polled_at: datetime | None, since: datetime | None = None) -> int:
    """New entries of a poll that a hub should have pushed before, published at `since` or later.

    One without a believable date is taken to have come half-way between the poll before (`polled_at`) and this one.
    """
    half_way = polled_at + (now - polled_at) / 2 if polled_at is not None else now
    dates = [entry.keyed.entry.published_at or entry.keyed.entry.updated_at for entry in new]
    moments = [date if date is not None and date <= now else half_way for date in dates]
    late = now - timedelta(seconds=_LATE_S)
    return sum(moment <= late and (since is None or moment >= since) for moment in moments)


def review(subscription: Subscription, learned: Learned, now: datetime, policy: PollPolicy) -> Subscription:
    """The verdict of now on a subscription: whether it holds, and whether its hub is relied on."""
    if subscription.state is SubscriptionState.ACTIVE and not _holds(subscription, now):
        lapsed = replace(_unproven(subscription), state=SubscriptionState.ASKED)
        return _again(lapsed, now, _renewal_wait_s(subscription, now), "its lease ran out before the hub renewed it")
    if not _is_proven(subscription, now):
        return replace(subscription, is_relied_on=False)
    if _is_silent(subscription, learned, now, policy):
        reason = "nothing was pushed for suspiciously long" if subscription.is_relied_on else subscription.reason
        return replace(subscription, is_relied_on=False, reason=reason)
    if subscription.is_relied_on:
        return subscription
    return replace(subscription, is_relied_on=True, reason="it has proven to push all that is new")


def _renewal_wait_s(subscription: Subscription, now: datetime) -> float:
    """Seconds to go until a hub that has just verified may be asked again, however short its lease was."""
    if subscription.confirmed_at is None:
        return 0.0
    return max(_LEAST_RENEWAL_S - (now - subscription.confirmed_at).total_seconds(), 0.0)


def _pushed(subscription: Subscription, plan: FeedPlan) -> Subscription:
    pushed = replace(subscription, pushed_at=plan.polled_at)
    if not plan.new or not _holds(subscription, plan.polled_at):
        return pushed
    return replace(
        pushed,
        pushes=pushed.pushes + 1,
        brought=pushed.brought + len(plan.new),
        proving_since_at=pushed.proving_since_at or plan.polled_at,
    )


def _holds(subscription: Subscription, now: datetime) -> bool:
    lease_until = subscription.lease_until
    return subscription.state is SubscriptionState.ACTIVE and lease_until is not None and lease_until > now


def _is_proven(subscription: Subscription, now: datetime) -> bool:
    since = subscription.proving_since_at
    is_tried = since is not None and now - since >= timedelta(seconds=PROVING_S) and subscription.pushes >= _PROVING_PUSHES
    return _holds(subscription, now) and is_tried


def _unproven(subscription: Subscription) -> Subscription:
    """From now on it has to prove itself anew."""
    return replace(subscription, is_relied_on=False, pushes=0, brought=0, proving_since_at=None)


def _is_silent(subscription: Subscription, learned: Learned, now: datetime, policy: PollPolicy) -> bool:
    """Whether the feed should have published many times over since the last push, by what was learned of it."""
    since = subscription.pushed_at
    if since is None or since >= now:
        return False
    rate = find_rate(learned, since, policy)
    steps = min(max(int((now - since).total_seconds() / HOUR_S), 1), _MAX_STEPS)
    step = (now - since) / steps
    due = sum(rate_at(rate, since + (number + 0.5) * step) for number in range(steps)) * step.total_seconds() / DAY_S
    return due >= _SILENT_ENTRIES
