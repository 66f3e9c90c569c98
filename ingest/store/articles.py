"""Entries as work (claimed, made into articles, applied) and the counts of them. How articles are listed is in `listing`."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from ingest.model import (
    Applied,
    Article,
    ArticleClaim,
    ArticleFilter,
    ArticleInfo,
    ArticlePlan,
    Candidate,
    EntryInfo,
    EntryState,
    Identity,
    Lease,
    Quality,
    Sought,
)
from ingest.policy import HostPolicy
from ingest.store import entries as entry_rows
from ingest.store import listing, queues
from ingest.store.codec import entry_from_data, options_from_data
from ingest.store.dialect import AnyRow
from ingest.store.engine import Database
from ingest.store.schema import FAILED, articles, entries
from ingest.store.writing import find_owners, write_plans, write_seed


class ArticleTable:
    """The port ArticleStore over a database, and what the commands need besides."""

    def __init__(self, database: Database, owner: str, hosts: HostPolicy) -> None:
        self._database = database
        self._owner = owner
        self._hosts = hosts

    # ── as work ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def claim(self, now: datetime, *, limit: int, lease_until: datetime, texts: int = 0) -> tuple[ArticleClaim, ...]:
        """Up to `limit` entries whose article is due, live ones before those of a backfill, each with a turn at its host now.

        Entries for which nobody is asked belong to no host: up to `texts` more of them. Those of a paused feed are finished like
        all others.
        """
        wish = queues.Wish(now, self._owner, lease_until, limit, self._hosts, now, hostless=texts)
        held = self._database.transact(lambda connection: queues.claim(connection, queues.ENTRIES, wish))
        return tuple(_claim_of(one, Lease(self._owner, one.fence, lease_until)) for one in held)

    def is_waiting(self, now: datetime) -> bool:
        """Whether a due entry that nobody holds waits for nothing but its host's turn."""
        with self._database.read() as connection:
            return queues.is_waiting(connection, queues.ENTRIES, now, now)

    def candidates(self, sought: Sequence[Sought]) -> tuple[tuple[Candidate, ...], ...]:
        """For each of `sought` the stored articles that own one of its identities, and its own article in any case."""
        with self._database.read() as connection:
            return _find_candidates(connection, sought)

    def apply(self, plans: Sequence[ArticlePlan]) -> tuple[Applied, ...]:
        """Write the plans in one transaction, each whole or not at all; says what became of each."""
        return self._database.transact(lambda connection: write_plans(connection, plans))

    def renew(self, leases: Mapping[int, Lease], until: datetime) -> None:
        """Hold these entries until `until`; those already lost are passed over."""
        self._database.transact(lambda connection: queues.renew(connection, queues.ENTRIES, leases, until))

    def release(self, leases: Mapping[int, Lease]) -> None:
        """Give these entries back unworked, due as before."""
        self._database.transact(lambda connection: queues.renew(connection, queues.ENTRIES, leases, None))

    def put_seed(self, identities: Sequence[Identity], article: Article, now: datetime) -> bool:
        """Store an article that no feed brought, unless one of its identities is known. Says whether it is new."""
        return self._database.transact(lambda connection: write_seed(connection, identities, article, now))

    # ── as people see them ───────────────────────────────────────────────────────────────────────────────────────────

    def infos(self, wanted: ArticleFilter) -> Iterator[ArticleInfo]:
        """Articles, newest first, read in portions while they are taken."""
        return listing.find_all(self._database, wanted)

    def info(self, article_id: int) -> ArticleInfo | None:
        """One article."""
        with self._database.read() as connection:
            return listing.find_one(connection, article_id)

    def failed(self, limit: int) -> tuple[EntryInfo, ...]:
        """Entries that were given up, the latest first, each with its reason."""
        with self._database.read() as connection:
            return entry_rows.find_infos(connection, entries.c.state == FAILED, limit)

    def counts_by_state(self) -> dict[EntryState, int]:
        """How many entries are in each state that occurs."""
        query = sa.select(entries.c.state, sa.func.count()).group_by(entries.c.state)
        with self._database.read() as connection:
            return {EntryState(state): count for state, count in connection.execute(query)}

    def count_pending(self, now: datetime) -> int:
        """Entries whose article is due and not done, those being worked on included."""
        is_pending = sa.and_(queues.ENTRIES.is_open, entries.c.next_try_at <= now)
        with self._database.read() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(entries).where(is_pending)).scalar_one()

    def next_try_at(self) -> datetime | None:
        """When the next entry comes due: a waiting one by its time, a held one when its lease runs out."""
        is_open = queues.ENTRIES.is_open
        waiting = [
            sa.select(sa.func.min(entries.c.next_try_at)).where(is_open, lane, entries.c.lease_owner.is_(None))
            for lane in queues.ENTRIES.lanes
        ]
        held = sa.select(sa.func.min(entries.c.lease_until)).where(is_open, entries.c.lease_owner.is_not(None))
        with self._database.read() as connection:
            times = [connection.execute(query).scalar_one() for query in (*waiting, held)]
        return min((moment for moment in times if moment is not None), default=None)


def _claim_of(held: queues.Held, lease: Lease) -> ArticleClaim:
    row = held.row
    return ArticleClaim(
        entry_id=row.id,
        feed_id=row.feed_id,
        entry=entry_from_data(row.data),
        lease=lease,
        options=options_from_data(row.options),
        attempts=row.attempts,
        article_id=row.article_id,
        feed_url=row.feed_url,
        feed_language=row.feed_language,
        host=held.host,
    )


_RECOGNISED = ("id", "title", "canonical_url", "text_hash", "words", "body_source", "quality", "revision", "published_at")


def _find_candidates(connection: sa.Connection, sought: Sequence[Sought]) -> tuple[tuple[Candidate, ...], ...]:
    owners = dict(find_owners(connection, {identity for one in sought for identity in one.identities}))
    wanted = {*owners.values(), *(one.article_id for one in sought if one.article_id is not None)}
    if not wanted:
        return ((),) * len(sought)
    feed_ids = _find_feed_ids(connection, wanted)
    query = sa.select(*(articles.c[name] for name in _RECOGNISED)).where(articles.c.id.in_(wanted)).order_by(articles.c.id)
    rows = {row.id: row for row in connection.execute(query)}
    return tuple(_candidates_of(one, owners, rows, feed_ids) for one in sought)


def _candidates_of(
    one: Sought, owners: Mapping[Identity, int], rows: Mapping[int, AnyRow], feed_ids: Mapping[int, tuple[int, ...]]
) -> tuple[Candidate, ...]:
    shared: dict[int, list[Identity]] = defaultdict(list)
    if one.article_id is not None:
        shared[one.article_id] = []
    for identity in one.identities:
        if identity in owners:
            shared[owners[identity]].append(identity)
    return tuple(_candidate(rows[found], shared[found], feed_ids.get(found, ())) for found in sorted(shared) if found in rows)


def _find_feed_ids(connection: sa.Connection, article_ids: Collection[int]) -> dict[int, tuple[int, ...]]:
    query = sa.select(entries.c.article_id, entries.c.feed_id).where(entries.c.article_id.in_(article_ids)).distinct()
    found: dict[int, tuple[int, ...]] = {}
    for article_id, feed_id in connection.execute(query.order_by(entries.c.feed_id)):
        found[article_id] = (*found.get(article_id, ()), feed_id)
    return found


def _candidate(row: AnyRow, shared: Sequence[Identity], feed_ids: tuple[int, ...]) -> Candidate:
    return Candidate(
        article_id=row.id,
        shared=tuple(sorted(shared, key=lambda identity: (identity.kind, identity.value))),
        title=row.title,
        canonical_url=row.canonical_url,
        text_hash=row.text_hash,
        words=row.words,
        body_source=row.body_source,
        quality=Quality(row.quality),
        revision=row.revision,
        feed_ids=feed_ids,
        published_at=row.published_at,
    )
