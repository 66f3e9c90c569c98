"""The store alone, ready to be used: all that most commands need of the service."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime

from ingest.clock import Clock, SystemClock
from ingest.config import Settings
from ingest.model import FeedSpec
from ingest.policy import PollPolicy
from ingest.schedule import first_poll_at
from ingest.store import SqlStore, migrate, open_store
from ingest.store.owner import is_gone


@contextmanager
def ready_store(settings: Settings, *, sync: bool = True) -> Iterator[SqlStore]:
    """The store as `open_ready_store` gives it, closed at the end of the block."""
    with closing(open_ready_store(settings, sync=sync)) as store:
        yield store


def open_ready_store(settings: Settings, clock: Clock | None = None, *, sync: bool = True) -> SqlStore:
    """The store with its schema up to date, the leases of dead processes freed, and (`sync`) the feeds as a TOML list says."""
    store = open_store(settings.policies.database, settings.policies.hosts)
    try:
        migrate.upgrade(store.database)
        store.feeds.release_gone(is_gone)
        now = (clock or SystemClock()).now()
        store.feeds.mend_future(now)
        if sync and settings.feed_list is not None:
            specs = [configured.spec for configured in settings.feed_list]
            store.feeds.sync(specs, now, first_poll_at=spread(len(specs), now, settings.policies.poll))
    except BaseException:
        store.close()
        raise
    return store


def spread(feeds: int, now: datetime, policy: PollPolicy) -> Callable[[FeedSpec], datetime]:
    """When each feed of a list of so many is polled for the first time."""
    return lambda spec: first_poll_at(spec.url, now, policy, feeds=feeds)
