"""Where feeds live: the address they are polled at, and the one they were listed under."""

from datetime import datetime

import sqlalchemy as sa

from ingest.model import FeedClaim, FeedPlan, MoveInfo
from ingest.store.dialect import AnyRow
from ingest.store.entries import host_key
from ingest.store.queues import FREE
from ingest.store.roster import url_hash
from ingest.store.schema import feeds, moves


def adopt(connection: sa.Connection, plan: FeedPlan) -> None:
    """Poll the feed at the plan's new address from now on. One that another feed has already is not adopted, and it is said."""
    assert plan.moved_to is not None
    feed_id, target = plan.claim.feed_id, plan.moved_to
    if (other := _find_other(connection, feed_id, target)) is not None:
        reason = f"it has moved to {target}, which is feed {other} here: remove one of them"
        connection.execute(sa.update(feeds).where(feeds.c.id == feed_id).values(state_reason=reason))
        return
    row = connection.execute(sa.select(feeds.c.url, feeds.c.listed_url).where(feeds.c.id == feed_id)).one()
    if target != row.url:
        _move(connection, feed_id, row, target)
        if not plan.outcome.is_success:  # given up there, and nobody has asked the target yet
            _forget_document(connection, feed_id)
        values = {"feed_id": feed_id, "from_url": row.url, "to_url": target}
        connection.execute(sa.insert(moves).values(**values, moved_at=plan.polled_at, reason=plan.moved_reason))


def _move(connection: sa.Connection, feed_id: int, row: AnyRow, target: str) -> None:
    listed_url = row.listed_url or row.url
    is_home = target == listed_url
    connection.execute(
        sa.update(feeds)
        .where(feeds.c.id == feed_id)
        .values(
            url=target,
            url_hash=url_hash(target),
            host=host_key(target),
            listed_url=None if is_home else listed_url,
            listed_hash=None if is_home else url_hash(listed_url),
            moved_to=None,
            moved_since_at=None,
            moved_polls=0,
        )
    )


def _forget_document(connection: sa.Connection, feed_id: int) -> None:
    """What was last seen was seen elsewhere: by its validators the address of now might say that nothing has changed."""
    values = dict.fromkeys(("etag", "last_modified", "body_hash", "full_at"))
    connection.execute(sa.update(feeds).where(feeds.c.id == feed_id).values(values))


def undo(connection: sa.Connection, feed_id: int, now: datetime) -> None:
    """Poll the feed where it was listed, now, and never follow it to that address again."""
    row = connection.execute(sa.select(feeds.c.url, feeds.c.listed_url).where(feeds.c.id == feed_id)).one_or_none()
    if row is None or row.listed_url is None:
        return
    _move(connection, feed_id, row, row.listed_url)
    _forget_document(connection, feed_id)
    values = {"refused_url": row.url, "next_poll_at": now, **FREE}  # a poll that is on its way there is not written
    connection.execute(sa.update(feeds).where(feeds.c.id == feed_id).values(values))
    is_open = sa.and_(moves.c.feed_id == feed_id, moves.c.undone_at.is_(None))
    connection.execute(sa.update(moves).where(is_open).values(undone_at=now))


def take_back(connection: sa.Connection, claim: FeedClaim, now: datetime) -> None:
    """Poll the feed where it had moved to when it was claimed, if a poll has sent it back from there to where it was listed."""
    is_sent_back = sa.and_(feeds.c.id == claim.feed_id, feeds.c.url_hash == url_hash(claim.listed_url), _IS_FREE)
    query = sa.select(feeds.c.url, feeds.c.listed_url, feeds.c.refused_url).where(is_sent_back)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None or row.refused_url == claim.url or _find_other(connection, claim.feed_id, claim.url) is not None:
        return
    _move(connection, claim.feed_id, row, claim.url)
    if claim.move is not None:
        known = {"moved_to": claim.move.to_url, "moved_since_at": claim.move.since_at, "moved_polls": claim.move.polls}
        connection.execute(sa.update(feeds).where(feeds.c.id == claim.feed_id).values(known))
    last_id = sa.select(sa.func.max(moves.c.id)).where(moves.c.feed_id == claim.feed_id).scalar_subquery()
    connection.execute(sa.update(moves).where(moves.c.id == last_id).values(undone_at=now))


def infos(connection: sa.Connection, feed_id: int) -> tuple[MoveInfo, ...]:
    """The moves of a feed, the latest first."""
    rows = connection.execute(sa.select(moves).where(moves.c.feed_id == feed_id).order_by(moves.c.id.desc()))
    return tuple(MoveInfo(row.from_url, row.to_url, row.moved_at, row.reason, row.undone_at) for row in rows)


_IS_FREE = feeds.c.lease_owner.is_(None)


def _find_other(connection: sa.Connection, feed_id: int, url: str) -> int | None:
    key = url_hash(url)
    is_there = sa.or_(feeds.c.url_hash == key, feeds.c.listed_hash == key)
    return connection.execute(sa.select(feeds.c.id).where(is_there, feeds.c.id != feed_id).limit(1)).scalar()
