"""How much work the store hands out and takes back: python -m tests.bench.store [N]  (default 5000 of each)

On SQLite and PostgreSQL: N feeds claimed and applied in batches of 20, each with one new entry; then the N entries claimed in
batches of 50 and applied as new articles; then claims out of a queue that one crowded host heads. Prints CPU seconds of this
process (the PostgreSQL server's own are not in it) and wall seconds.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ingest.model import Sought
from ingest.policy import DatabasePolicy
from ingest.store import SqlStore, migrate, open_store
from tests.contract.making import Make
from tests.databases import new_postgres_database, own_postgres_server

MAKE = Make()
TEXT = "The harbour reopened this morning after a night of storms. " * 60


def feeds(store: SqlStore, count: int) -> int:
    store.feeds.sync(
        [MAKE.spec(f"https://h{number % 500}.example/{number}") for number in range(count)],
        MAKE.now,
        first_poll_at=lambda _: MAKE.now,
    )
    done = 0
    while claims := store.feeds.claim(MAKE.now, limit=20, lease_until=MAKE.lease_until):
        for claim in claims:
            entry = MAKE.entry(str(claim.feed_id), url=claim.url, content=TEXT)
            store.feeds.apply([MAKE.poll(claim, entry)])
        done += len(claims)
    return done


def articles(store: SqlStore, _: int) -> int:
    done = 0
    while claims := store.articles.claim(MAKE.now, limit=50, lease_until=MAKE.lease_until):
        plans = []
        for claim in claims:
            identities = MAKE.urls(claim.entry.url or "")
            store.articles.candidates([Sought(tuple(identities))])[0]
            plans.append(MAKE.done(claim, article=MAKE.article(text=TEXT, html=TEXT), identities=identities))
        done += len(store.articles.apply(plans))
    return done


def crowded(store: SqlStore, count: int) -> int:
    """A claim of 16 where the first N due entries are all of one host."""
    feed_id = MAKE.feed(store, "https://crowd.example/feed")
    held = store.feeds.claim_one(feed_id, MAKE.now, MAKE.lease_until)
    assert held is not None
    crowd = [MAKE.entry(f"c{number}", url=f"https://crowd.example/{number}") for number in range(count)]
    others = [MAKE.entry(f"o{number}", url=f"https://o{number}.example/") for number in range(200)]
    store.feeds.apply([MAKE.poll(held, *crowd, *others)])
    for number in range(50):
        claims = store.articles.claim(MAKE.at(5 * number), limit=16, lease_until=MAKE.at(5 * number + 2))
        assert len(claims) == 16
        store.articles.release({claim.entry_id: claim.lease for claim in claims})
    return 50


def measure(what: str, work: Callable[[SqlStore, int], int], store: SqlStore, count: int) -> None:
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    done = work(store, count)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    print(f"{store.database.place[:12]:<14}{what:<22}{done:>7} {done / wall_s:>8.0f}/s  cpu {cpu_s:6.2f} s  wall {wall_s:6.2f} s")


@contextmanager
def database(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'ingest.db'}"
        return
    with own_postgres_server() as server, new_postgres_database(server) as url:
        yield url


def main(count: int) -> None:
    for kind in ("sqlite", "postgresql"):
        with database(kind) as url:
            store = open_store(replace(DatabasePolicy(), url=url))
            migrate.upgrade(store.database)
            measure("feeds polled", feeds, store, count)
            measure("articles stored", articles, store, count)
            measure("claims behind a crowd", crowded, store, count)
            store.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
