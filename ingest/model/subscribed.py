"""Feeds whose hub pushes what is new: what a feed names, and how far a subscription to it has come."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Hub:
    """What a feed names to be subscribed to: where to ask, and the address that stands for the feed there."""

    url: str
    topic_url: str


class SubscriptionState(StrEnum):
    """How far a subscription has come."""

    ASKED = "asked"  # the hub is to be asked, or was and has not verified yet
    ACTIVE = "active"  # verified: the hub pushes until `lease_until`
    DENIED = "denied"  # the hub said no; it is asked again after a long pause
    LEAVING = "leaving"  # the hub is to be told that nothing is wanted any more
    LEFT = "left"  # over; kept for a while, so that a late push is answered 410


@dataclass(frozen=True, slots=True)
class Subscription:
    """One feed at one hub. `token` is the secret end of the callback's address, `secret` signs what is pushed."""

    subscription_id: int
    feed_id: int | None  # None: the feed was removed
    feed_url: str  # where it is polled; empty once it was removed
    is_polled: bool  # its feed is active
    hub_url: str
    topic_url: str
    base_url: str  # where hubs reached this service when it was made
    token: str = field(repr=False)
    secret: str = field(repr=False)  # empty: the hub was given none, and what it pushes is not believed
    state: SubscriptionState = SubscriptionState.ASKED
    reason: str = ""
    asked_at: datetime | None = None
    next_ask_at: datetime | None = None  # of one that is over: when it is forgotten
    attempts: int = 0  # requests in a row without a verification
    confirmed_at: datetime | None = None  # the hub last verified
    active_since_at: datetime | None = None  # without a break
    lease_until: datetime | None = None
    pushed_at: datetime | None = None  # the last push that was believed
    proving_since_at: datetime | None = None  # the first push with new entries since one was last missed
    pushes: int = 0  # with new entries, since then
    brought: int = 0  # new entries that they brought, since then
    missed: int = 0  # new entries that only a poll found, in all
    usual_poll_at: datetime | None = None  # when the feed would be polled next if nothing were pushed
    is_relied_on: bool = False  # the feed is polled less: its hub has proven to push all of it


class PushResult(StrEnum):
    """What came of something that a hub sent."""

    NEW = "new"  # it brought new entries
    KNOWN = "known"  # what it brought was known
    PING = "ping"  # the hub was given no secret, so what it brought is not believed: its feed is polled
    UNREADABLE = "unreadable"  # no feed: it is polled
    LATE = "late"  # somebody else held the feed for too long: it is polled
    FORGED = "forged"  # the signature is missing or wrong
    REFUSED = "refused"  # too large, too slow, too many, or nothing is subscribed to any more


class AskedFor(StrEnum):
    """What a hub's question to the callback is about (`hub.mode`)."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Question:
    """A hub's question to the callback: did we ask for this? Or its word that it denies it."""

    mode: AskedFor
    topic_url: str
    challenge: str = ""
    lease_s: float | None = None  # None: it did not say
    reason: str = ""
