"""What a story left in the database."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ingest.model import FeedInfo
from ingest.outcome import Outcome
from ingest.policy import DatabasePolicy
from ingest.store import SqlStore, open_store
from ingest.store.schema import entries, feeds, polls
from tests.sim.documents import SimFeed, number_of
from tests.sim.service import World


@dataclass(frozen=True)
class Poll:
    polled_at: datetime
    outcome: Outcome
    status: int | None


@contextlib.contextmanager
def database_of(world: World) -> Iterator[SqlStore]:
    store = open_store(DatabasePolicy(world.setup.database_url), owner="visitor")
    with contextlib.closing(store):
        yield store


def stored_numbers(world: World, feed: SimFeed) -> set[int]:
    """The numbers of the entries of this feed that were stored, by their links."""
    with database_of(world) as store, store.database.read() as connection:
        urls = connection.scalars(sa.select(entries.c.url).where(entries.c.url.startswith(f"{feed.url}/", autoescape=True)))
        return {number_of(url) for url in urls}


def feed_info(world: World, url: str) -> FeedInfo:
    """By the address under which it is polled or was listed."""
    with database_of(world) as store:
        info = store.feeds.find(url)
    assert info is not None
    return info


def all_polls(world: World) -> Mapping[str, list[Poll]]:
    """Of each feed, by the address under which it was listed, the first one first."""
    url = sa.func.coalesce(feeds.c.listed_url, feeds.c.url)
    query = sa.select(url, polls.c.polled_at, polls.c.outcome, polls.c.status).join(feeds, feeds.c.id == polls.c.feed_id)
    found: dict[str, list[Poll]] = defaultdict(list)
    with database_of(world) as store, store.database.read() as connection:
        for listed, polled_at, outcome, status in connection.execute(query.order_by(polls.c.polled_at, polls.c.id)):
            found[listed].append(Poll(polled_at, Outcome(outcome), status))
    return found
