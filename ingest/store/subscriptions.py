"""Subscriptions of feeds to their hubs: which there are to be, which hub is to be asked now, what came of it.

What becomes of a subscription is decided elsewhere, on the row as it stands, within the transaction that writes it: the hub's
question, the answer to our request and the polls of the feed may all come at once. Whoever locks both locks the feed first.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ingest.decide import subscription as decide
from ingest.model import FeedPlan, FeedState, Learned, Subscription, SubscriptionState
from ingest.store import dialect
from ingest.store.codec import learned_from_data, options_from_data
from ingest.store.dialect import AnyRow
from ingest.store.engine import Database
from ingest.store.schema import ACTIVE, feeds, subscriptions
from ingest.websub import may_keep_a_secret

_AT_ONCE = 500  # subscriptions begun or ended in one transaction; the next one takes the rest
_LIVE = (SubscriptionState.ASKED.value, SubscriptionState.ACTIVE.value, SubscriptionState.DENIED.value)
_HEARD = (SubscriptionState.ASKED.value, SubscriptionState.ACTIVE.value)
_NO_LONGER = "its hub is relied on no longer: back to the usual"

Decide = Callable[[Subscription], Subscription]


class SubscriptionTable:
    """Subscriptions over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, token: str) -> Subscription | None:
        """The subscription whose callback ends in this token, also one that is over."""
        with self._database.read() as connection:
            row = connection.execute(_ROWS.where(subscriptions.c.token == token)).one_or_none()
        return _subscription(row) if row else None

    def of_feed(self, feed_id: int) -> Subscription | None:
        """The subscription of the feed that is not over, if there is one."""
        is_it = sa.and_(subscriptions.c.feed_id == feed_id, subscriptions.c.state.in_(_LIVE))
        with self._database.read() as connection:
            row = connection.execute(_ROWS.where(is_it).order_by(subscriptions.c.id.desc()).limit(1)).one_or_none()
        return _subscription(row) if row else None

    def settle(self, now: datetime, base_url: str | None, *, make_secret: Callable[[], str]) -> int:
        """Begin and end subscriptions so that each active feed with a hub has one, made for `base_url`; says how many that were.

        None: nobody is to have any. `make_secret` gives words that nobody can guess.
        """
        with self._database.read() as connection:  # as a rule all is settled, and nobody has to wait for that to be found out
            if _is_settled(connection, base_url):
                return 0
        return self._database.transact(lambda connection: _settle(connection, now, base_url, make_secret))

    def claim(self, now: datetime, until: datetime, *, limit: int) -> tuple[Subscription, ...]:
        """Subscriptions whose hub is to be asked now, as they stand while it is; if nothing comes of it, again at `until`."""
        return self._database.transact(lambda connection: _claim(connection, now, until, limit))

    def change(self, subscription_id: int, change: Decide) -> Subscription | None:
        """The subscription after `change` of it as it stands; None where it is gone."""
        return self._database.transact(lambda connection: _change(connection, subscription_id, change))

    def in_question(self, now: datetime, *, proving_since: datetime) -> tuple[tuple[Subscription, Learned], ...]:
        """Subscriptions on which a verdict is due, with what is known of their feeds: whether they hold, and are relied on.

        Those that are relied on, whose lease is over, or that have been proving themselves since then.
        """
        is_due = sa.or_(feeds.c.is_pushed, subscriptions.c.lease_until <= now, subscriptions.c.proving_since_at <= proving_since)
        query = _ROWS.add_columns(feeds.c.learned).where(subscriptions.c.state == SubscriptionState.ACTIVE.value, is_due)
        with self._database.read() as connection:
            return tuple((_subscription(row), learned_from_data(row.learned)) for row in connection.execute(query))

    def poll_soon(self, feed_ids: Collection[int], now: datetime, *, min_interval_s: float) -> None:
        """Poll these feeds now, for a hub says that there is something new; not sooner than feeds may be polled anyway."""
        self._database.transact(lambda connection: _poll_soon(connection, sorted(set(feed_ids)), now, min_interval_s))

    def forget(self, now: datetime) -> int:
        """Drop subscriptions that have been over for long; says how many."""
        is_over = sa.and_(subscriptions.c.state == SubscriptionState.LEFT.value, subscriptions.c.next_ask_at <= now)
        return self._database.transact(lambda connection: connection.execute(sa.delete(subscriptions).where(is_over)).rowcount)

    def counts_by_state(self) -> dict[SubscriptionState, int]:
        """How many subscriptions are in each state that occurs."""
        query = sa.select(subscriptions.c.state, sa.func.count()).group_by(subscriptions.c.state)
        with self._database.read() as connection:
            return {SubscriptionState(state): count for state, count in connection.execute(query)}


def write_visits(connection: sa.Connection, plans: Sequence[FeedPlan]) -> None:
    """Write down what pushes and polls tell of hubs; the feeds of `plans` are locked."""
    telling = {plan.claim.feed_id: plan for plan in plans if plan.new or plan.is_push or plan.claim.is_pushed}
    if not telling:
        return
    for row in connection.execute(_HEARD_OF, {"ids": list(telling)}).all():
        before = _subscription(row)
        _write(connection, before, decide.after_visit(before, telling[row.feed_id]))


# ── rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_FROM_FEED = ("feed_url", "is_polled", "is_relied_on")
_COLUMNS = tuple(
    knob.name for knob in fields(Subscription) if knob.name not in (*_FROM_FEED, "subscription_id", "feed_id", "state")
)
_ROWS = sa.select(
    *(subscriptions.c[name] for name in ("id", "feed_id", "state", *_COLUMNS)),
    feeds.c.url.label("feed_url"),
    feeds.c.state.label("feed_state"),
    feeds.c.is_pushed,
).select_from(subscriptions.outerjoin(feeds, feeds.c.id == subscriptions.c.feed_id))
_LOCKED = _ROWS.with_for_update(of=subscriptions)
_HEARD_OF = _LOCKED.where(
    subscriptions.c.feed_id.in_(sa.bindparam("ids", expanding=True)), subscriptions.c.state.in_(_HEARD)
).order_by(subscriptions.c.feed_id, subscriptions.c.id)


def _subscription(row: AnyRow) -> Subscription:
    return Subscription(
        subscription_id=row.id,
        feed_id=row.feed_id,
        feed_url=row.feed_url or "",
        is_polled=row.feed_state == FeedState.ACTIVE.value,
        state=SubscriptionState(row.state),
        is_relied_on=bool(row.is_pushed) and row.state == SubscriptionState.ACTIVE.value,  # the feed may have an older one, too
        **{name: getattr(row, name) for name in _COLUMNS},
    )


def _write(connection: sa.Connection, before: Subscription, after: Subscription) -> None:
    if after == before:
        return
    values = {name: getattr(after, name) for name in _COLUMNS} | {"state": after.state.value}
    is_it = subscriptions.c.id == after.subscription_id
    connection.execute(sa.update(subscriptions).where(is_it).values(values))
    if after.is_relied_on != before.is_relied_on and after.feed_id is not None:
        connection.execute(sa.update(feeds).where(feeds.c.id == after.feed_id).values(is_pushed=after.is_relied_on))
    if before.is_relied_on and not after.is_relied_on and after.usual_poll_at is not None:
        _back_to_usual(connection, after)


def _back_to_usual(connection: sa.Connection, after: Subscription) -> None:
    """Poll the feed when it would have been polled without its hub."""
    is_later = sa.and_(feeds.c.id == after.feed_id, feeds.c.next_poll_at > after.usual_poll_at)
    values = {"next_poll_at": after.usual_poll_at, "next_reason": _NO_LONGER}
    connection.execute(sa.update(feeds).where(is_later).values(values))


def _change(connection: sa.Connection, subscription_id: int, change: Decide) -> Subscription | None:
    is_it = subscriptions.c.id == subscription_id
    feed_id = connection.execute(sa.select(subscriptions.c.feed_id).where(is_it)).scalar()
    if feed_id is not None:
        connection.execute(sa.select(feeds.c.id).where(feeds.c.id == feed_id).with_for_update())
    row = connection.execute(_LOCKED.where(is_it)).one_or_none()
    if row is None:
        return None
    before = _subscription(row)
    after = change(before)
    _write(connection, before, after)
    return after


# ── which there are ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_settled(connection: sa.Connection, base_url: str | None) -> bool:
    is_unwanted = connection.execute(_unwanted(base_url).limit(1)).first() is not None
    return not is_unwanted and (base_url is None or connection.execute(_WITHOUT.limit(1)).first() is None)


def _settle(connection: sa.Connection, now: datetime, base_url: str | None, make_secret: Callable[[], str]) -> int:
    dialect.hold(connection, "subscriptions")
    ended = _end(connection, now, base_url)
    return ended + (_begin(connection, now, base_url, make_secret) if base_url else 0)


def _unwanted(base_url: str | None) -> sa.Select[*tuple[Any, ...]]:
    """Subscriptions that are to end, with what their feeds name now."""
    is_other = sa.or_(
        feeds.c.id.is_(None),
        feeds.c.state != ACTIVE,
        feeds.c.hub_url.is_(None),
        feeds.c.topic_url.is_(None),
        feeds.c.hub_url != subscriptions.c.hub_url,
        feeds.c.topic_url != subscriptions.c.topic_url,
        subscriptions.c.base_url != base_url if base_url else sa.true(),
    )
    named = (feeds.c.hub_url.label("named_url"), feeds.c.topic_url.label("named_topic_url"))
    return _ROWS.add_columns(*named).where(subscriptions.c.state.in_(_LIVE), is_other)


def _end(connection: sa.Connection, now: datetime, base_url: str | None) -> int:
    query = _unwanted(base_url).order_by(subscriptions.c.feed_id, subscriptions.c.id)
    rows = connection.execute(query.limit(_AT_ONCE)).all()
    for row in rows:
        reason = _why_over(row, base_url)
        _change(connection, row.id, lambda before, reason=reason: decide.leave(before, now, reason))  # type: ignore[misc]
    return len(rows)


def _why_over(row: AnyRow, base_url: str | None) -> str:
    if row.feed_id is None:
        return "its feed was removed"
    if row.feed_state != FeedState.ACTIVE.value:
        return f"its feed is {row.feed_state}"
    if base_url is None:
        return "websub.callback_url is empty"
    if base_url != row.base_url:
        return "websub.callback_url is another now"
    if row.named_url is None:
        return "the feed names no hub any more"
    return "the feed names another hub now" if row.named_url != row.hub_url else "the feed has another address there now"


_WITHOUT = sa.select(feeds.c.id, feeds.c.hub_url, feeds.c.topic_url).where(
    feeds.c.state == ACTIVE,
    feeds.c.hub_url.is_not(None),
    feeds.c.topic_url.is_not(None),
    ~sa.exists().where(subscriptions.c.feed_id == feeds.c.id, subscriptions.c.state.in_(_LIVE)),
)


def _begin(connection: sa.Connection, now: datetime, base_url: str, make_secret: Callable[[], str]) -> int:
    without = connection.execute(_WITHOUT.order_by(feeds.c.id).limit(_AT_ONCE))
    rows = [_new_row(row, now, base_url, make_secret) for row in without]
    if rows:
        connection.execute(sa.insert(subscriptions), rows)
    return len(rows)


def _new_row(feed: AnyRow, now: datetime, base_url: str, make_secret: Callable[[], str]) -> Mapping[str, Any]:
    return {
        "feed_id": feed.id,
        "hub_url": feed.hub_url,
        "topic_url": feed.topic_url,
        "base_url": base_url,
        "token": make_secret(),
        "secret": make_secret() if may_keep_a_secret(feed.hub_url) else "",
        "state": SubscriptionState.ASKED.value,
        "next_ask_at": now,
    }


# ── what is to be done ──────────────────────────────────────────────────────────────────────────────────────────────────


def _claim(connection: sa.Connection, now: datetime, until: datetime, limit: int) -> tuple[Subscription, ...]:
    is_due = sa.and_(subscriptions.c.state != SubscriptionState.LEFT.value, subscriptions.c.next_ask_at <= now)
    due = sa.select(subscriptions.c.id).where(is_due).order_by(subscriptions.c.next_ask_at, subscriptions.c.id).limit(limit)
    ids = connection.scalars(due.with_for_update(skip_locked=True)).all()
    rows = connection.execute(_ROWS.where(subscriptions.c.id.in_(ids)).order_by(subscriptions.c.next_ask_at, subscriptions.c.id))
    claimed = []
    for before in [_subscription(row) for row in rows]:
        after = decide.asking(before, now, until=until)
        _write(connection, before, after)
        claimed.append(after)
    return tuple(after for after in claimed if after.state is not SubscriptionState.LEFT)


def _poll_soon(connection: sa.Connection, feed_ids: Sequence[int], now: datetime, min_interval_s: float) -> None:
    columns = (feeds.c.id, feeds.c.options, feeds.c.polled_at, feeds.c.next_poll_at)
    for row in connection.execute(
        sa.select(*columns).where(feeds.c.id.in_(feed_ids), feeds.c.state == ACTIVE).order_by(feeds.c.id)
    ).all():
        interval = timedelta(seconds=options_from_data(row.options).interval_s or min_interval_s)
        at = now if row.polled_at is None else max(now, row.polled_at + interval)
        values = {"next_poll_at": at, "next_reason": "its hub says that there is something new"}
        connection.execute(sa.update(feeds).where(feeds.c.id == row.id, feeds.c.next_poll_at > at).values(values))
