"""What is known, in a database: SQLite for one machine, PostgreSQL for several. SQLAlchemy Core; one short transaction a step.

schema   all tables                       migrate  brings a database to them
engine   transactions                     dialect  what the two databases say differently
feeds, articles, history  the ports       queues   who holds what
turns    whose turn it is at a host       polled, writing  how plans are written
gaps, moves, robots, seen  what polls found
subscriptions  what is pushed             pruning  what is kept no longer
ahead    what a wrong clock wrote
"""

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from ingest.policy import DatabasePolicy, HostPolicy, KeepPolicy
from ingest.store.articles import ArticleTable
from ingest.store.engine import Database, open_database
from ingest.store.feeds import FeedTable
from ingest.store.gaps import GapTable
from ingest.store.history import HistoryTable
from ingest.store.owner import this_owner
from ingest.store.pruning import prune
from ingest.store.robots import RobotsTable
from ingest.store.roster import SyncResult
from ingest.store.schema import feeds
from ingest.store.subscriptions import SubscriptionTable
from ingest.store.turns import HostTable

__all__ = [
    "ArticleTable",
    "Database",
    "FeedTable",
    "GapTable",
    "HistoryTable",
    "HostTable",
    "RobotsTable",
    "SqlStore",
    "SubscriptionTable",
    "SyncResult",
    "open_store",
]


@dataclass(frozen=True, slots=True)
class SqlStore:
    """All stores over one database. `owner` is the name under which leases are held; `policy` how hard a host may be asked."""

    database: Database
    owner: str
    policy: HostPolicy = HostPolicy()
    feeds: FeedTable = field(init=False)
    articles: ArticleTable = field(init=False)
    history: HistoryTable = field(init=False)
    hosts: HostTable = field(init=False)
    gaps: GapTable = field(init=False)
    robots: RobotsTable = field(init=False)
    subscriptions: SubscriptionTable = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "feeds", FeedTable(self.database, self.owner, self.policy))
        object.__setattr__(self, "articles", ArticleTable(self.database, self.owner, self.policy))
        object.__setattr__(self, "history", HistoryTable(self.database))
        object.__setattr__(self, "hosts", HostTable(self.database, self.policy))
        object.__setattr__(self, "gaps", GapTable(self.database))
        object.__setattr__(self, "robots", RobotsTable(self.database))
        object.__setattr__(self, "subscriptions", SubscriptionTable(self.database))

    def prune(self, now: datetime, policy: KeepPolicy) -> int:
        """Drop what is to be kept no longer; says how many rows there were."""
        return prune(self.database, now, policy)

    def ping(self) -> None:
        """Reach the database and find our tables in it, or raise StoreError."""
        with self.database.read() as connection:
            connection.execute(sa.select(feeds.c.id).limit(1)).first()

    def close(self) -> None:
        """Give all connections back."""
        self.database.close()


def open_store(policy: DatabasePolicy, hosts: HostPolicy = HostPolicy(), *, owner: str | None = None) -> SqlStore:  # noqa: B008  a frozen value
    """The store in the database that `policy` names, reached once but not migrated. Raises StoreError, ConfigError."""
    return SqlStore(open_database(policy), owner or this_owner(), hosts)
