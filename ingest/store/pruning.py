"""What is kept no longer: polls and gaps by the policy, and what was learned of hosts that nobody has asked for long."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from ingest.policy import KeepPolicy
from ingest.store.engine import Database
from ingest.store.schema import feeds, gaps, hosts, polls, robots

_AT_ONCE = 5_000  # rows a transaction: other writers get their turn in between
_UNWANTED = timedelta(days=30)  # as long as a robots.txt that cannot be had is taken for a no (RFC 9309 §2.3.1.4)
_UNLEARNED = timedelta(days=365)  # without a refusal: halved each month, the widest learned gap is below a second


def prune(database: Database, now: datetime, policy: KeepPolicy) -> int:
    """Drop what is old; says how many rows there were."""
    return sum(_drop(database, key, is_old) for key, is_old in _old(now, now - timedelta(days=policy.polls_days)))


def _old(now: datetime, before: datetime) -> Iterator[tuple[sa.Column[object], sa.ColumnElement[bool]]]:
    yield polls.c.id, polls.c.polled_at < before
    yield gaps.c.id, sa.and_(gaps.c.found.is_not(None), gaps.c.repaired_at < before)
    yield robots.c.origin_hash, robots.c.until_at < now - _UNWANTED
    yield hosts.c.host, _is_host_unwanted(now)


def _is_host_unwanted(now: datetime) -> sa.ColumnElement[bool]:
    """Nobody lists a feed there, nobody has asked it lately, and no refusal is remembered. Its robots.txt is asked for anew."""
    moments = (hosts.c.next_request_at, hosts.c.granted_at, hosts.c.throttled_until)
    is_idle = (sa.or_(moment.is_(None), moment < now - _UNWANTED) for moment in moments)
    has_feeds = sa.exists().where(feeds.c.host == hosts.c.host)
    has_learned = sa.and_(hosts.c.gap_s.is_not(None), hosts.c.refused_at >= now - _UNLEARNED)
    return sa.and_(*is_idle, has_learned.is_not(sa.true()), ~has_feeds)


def _drop(database: Database, key: sa.Column[object], is_old: sa.ColumnElement[bool]) -> int:
    some = sa.select(key).where(is_old).limit(_AT_ONCE)
    statement = sa.delete(key.table).where(key.in_(some), is_old)  # old still: a host may be asked meanwhile
    dropped = 0
    while number := database.transact(lambda connection: connection.execute(statement).rowcount):
        dropped += number
    return dropped
