"""Several workers on one database: nothing is handed out twice, nothing is lost, nothing fails."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from ingest.model import Action, Applied, ArticleClaim, ArticleFilter, Sought
from ingest.policy import DatabasePolicy
from ingest.store import SqlStore, open_store
from ingest.store.engine import Database
from tests.contract.making import Make, OpenAs

WORKERS = 4


def at_once(work: Callable[[SqlStore], list[int]], open_as: OpenAs) -> list[list[int]]:
    """What `work` returns in each of four workers that begin together, each with its own connections."""
    stores = [open_as(f"worker {number}") for number in range(WORKERS)]
    start = threading.Barrier(WORKERS)

    def begin(store: SqlStore) -> list[int]:
        start.wait(10)
        return work(store)

    with ThreadPoolExecutor(WORKERS) as threads:
        return list(threads.map(begin, stores))


def test_four_workers_never_get_the_same_feed_and_leave_none_behind(open_as: OpenAs, make: Make) -> None:
    specs = [make.spec(f"https://h{number % 50}.example/{number}") for number in range(200)]
    open_as("me").feeds.sync(specs, make.now, first_poll_at=lambda _: make.now)

    def poll(store: SqlStore) -> list[int]:
        done: list[int] = []
        while claims := store.feeds.claim(make.now, limit=7, lease_until=make.lease_until):
            for claim in claims:
                store.feeds.apply([make.poll(claim, make.entry(str(claim.feed_id)))])
                done.append(claim.feed_id)
        return done

    counts = Counter(feed_id for done in at_once(poll, open_as) for feed_id in done)
    assert (len(counts), set(counts.values())) == (200, {1})


def test_one_due_feed_goes_to_exactly_one_of_four(open_as: OpenAs, make: Make) -> None:
    feed_id = make.feed(open_as("me"))

    def claim(store: SqlStore) -> list[int]:
        return [one.feed_id for one in store.feeds.claim(make.now, limit=1, lease_until=make.lease_until)]

    assert sorted(at_once(claim, open_as)) == [[], [], [], [feed_id]]


def test_articles_that_many_find_at_once_are_stored_once(open_as: OpenAs, make: Make) -> None:
    """Every entry leads to one of ten articles, and each worker learns of their identities in an order of its own."""
    mine = open_as("me")
    make.feed(mine)
    (held,) = mine.feeds.claim(make.now, limit=1, lease_until=make.lease_until)
    mine.feeds.apply([make.poll(held, *(make.entry(str(n), url=f"https://h{n}.example/") for n in range(80)))])

    def write(store: SqlStore) -> list[int]:
        done: list[int] = []
        while claims := store.articles.claim(make.now, limit=5, lease_until=make.lease_until):
            while claims:
                results = store.articles.apply([recognise(store, make, claim) for claim in claims])
                done += [c.entry_id for c, result in zip(claims, results, strict=True) if result is Applied.DONE]
                claims = tuple(c for c, result in zip(claims, results, strict=True) if result is Applied.TAKEN)
        return done

    written = [entry_id for done in at_once(write, open_as) for entry_id in done]
    assert (len(written), len(set(written))) == (80, 80)
    articles = list(mine.articles.infos(ArticleFilter()))
    assert (len(articles), sum(article.entries for article in articles)) == (10, 80)


def recognise(store: SqlStore, make: Make, claim: ArticleClaim):
    number = int(claim.entry.guid or 0)
    identities = make.urls(*(f"https://news.example/{number % 10}/{part}" for part in range(3)))
    if number % 2:
        identities = identities[::-1]
    if known := store.articles.candidates([Sought(tuple(identities))])[0]:
        return make.done(claim, Action.LINK, article_id=known[0].article_id, identities=identities)
    return make.done(claim, identities=identities)


def test_a_transaction_of_a_killed_process_leaves_nothing_and_blocks_nobody(
    store: SqlStore, make: Make, migrated_url: str
) -> None:
    feed_id = make.feed(store)
    script = (
        "import sys, time, sqlalchemy as sa\n"
        "from ingest.policy import DatabasePolicy\n"
        "from ingest.store import open_store\n"
        "def work(connection):\n"
        "    connection.execute(sa.text('DELETE FROM feeds'))\n"
        "    print('deleted', flush=True)\n"
        "    sys.stdin.read()\n"
        "open_store(DatabasePolicy(sys.argv[1])).database.transact(work)\n"
    )
    command = [sys.executable, "-c", script, migrated_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "deleted\n"
        os.kill(process.pid, signal.SIGKILL)

    (claim,) = store.feeds.claim(make.now, limit=1, lease_until=make.lease_until)
    store.feeds.apply([make.poll(claim, make.entry("a"))])
    assert store.feeds.find(str(feed_id)) is not None


@pytest.mark.postgres
def test_two_transactions_that_lock_each_other_out_both_succeed(postgres_server: str) -> None:
    store = open_store(DatabasePolicy(postgres_server))
    both_hold_one = threading.Barrier(2)
    runs: list[int] = []

    def lock(first: int, second: int) -> int:
        is_first_run = True

        def work(connection: sa.Connection) -> int:
            nonlocal is_first_run
            runs.append(first)
            connection.execute(sa.text("SET LOCAL deadlock_timeout = '10ms'"))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(first)))
            if is_first_run:
                is_first_run = False
                both_hold_one.wait(10)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(second)))
            return first

        return store.database.transact(work)

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lock, (101, 102), (102, 101))) == [101, 102]
    assert len(runs) == 3
    store.close()


@pytest.mark.postgres
def test_a_transaction_whose_connection_breaks_is_run_again(postgres_server: str) -> None:
    store = open_store(DatabasePolicy(postgres_server))
    runs: list[int] = []

    def work(connection: sa.Connection) -> int:
        runs.append(1)
        if len(runs) == 1:
            connection.execute(sa.select(sa.func.pg_terminate_backend(sa.func.pg_backend_pid())))
        return connection.execute(sa.select(sa.literal(7))).scalar_one()

    assert store.database.transact(work) == 7
    assert len(runs) == 2
    store.close()


def test_writers_in_threads_of_one_process_wait_for_each_other(store: SqlStore, make: Make) -> None:
    def add(number: int) -> int:
        return make.feed(store, f"https://h{number}.example/")

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(add, range(40)))) == 40


def test_a_reader_sees_the_last_commit_while_a_writer_is_at_work(store: SqlStore, make: Make) -> None:
    make.feed(store)

    def work(connection: sa.Connection) -> int:
        connection.execute(sa.text("DELETE FROM feeds"))
        return len(store.feeds.infos())

    assert store.database.transact(work) == 1
    assert isinstance(store.database, Database)
    assert store.feeds.infos() == ()
