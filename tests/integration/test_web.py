"""Health and metrics over HTTP."""

import asyncio
import threading

import httpx
import pytest

from ingest.metrics import Metrics
from ingest.policy import DatabasePolicy
from ingest.store import migrate, open_store
from ingest.web import Health, create_app
from tests.unit.make import NOW


class Clock:
    def __init__(self):
        self.at_s = 0.0

    def now(self):
        return NOW

    def monotonic_s(self):
        return self.at_s


@pytest.fixture
def store(database_url):
    store = open_store(DatabasePolicy(url=database_url))
    migrate.upgrade(store.database)
    yield store
    store.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def health(clock):
    return Health(clock)


class Client:
    """Asks the application directly, without a socket."""

    def __init__(self, app):
        self.app = app

    def get(self, path):
        async def ask():
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://service") as client:
                return await client.get(path)

        return asyncio.run(ask())


@pytest.fixture
def client(health):
    return Client(create_app(Metrics(), health))


def answers(client):
    return [client.get(path).status_code for path in ("/livez", "/readyz", "/healthz", "/metrics")]


def test_before_the_start_it_lives_but_is_not_ready(client):
    assert answers(client) == [200, 503, 503, 200]
    assert client.get("/readyz").json() == {"status": "starting"}


def test_once_started_all_is_well(client, health, store):
    health.started(store)
    assert answers(client) == [200, 200, 200, 200]


def test_a_scheduler_that_stands_still_is_unhealthy_though_ready(client, health, store, clock):
    health.started(store)
    clock.at_s = 59
    assert client.get("/healthz").status_code == 200
    clock.at_s = 61
    assert (client.get("/readyz").status_code, client.get("/healthz").json()) == (200, {"status": "no tick for 61 s"})
    health.ticked()
    assert client.get("/healthz").status_code == 200


def test_a_database_that_is_away_is_told(client, health):
    health.failed("database at db.example cannot be reached")
    assert client.get("/healthz").json() == {"status": "database at db.example cannot be reached"}


def test_a_database_that_answers_but_hands_out_no_work_is_unhealthy_though_ready(client, health, store):
    problems = ["the disk is full"]
    health.started(store, lambda: problems[0])
    assert (client.get("/readyz").status_code, client.get("/healthz").json()) == (200, {"status": "the disk is full"})
    problems[0] = ""
    assert client.get("/healthz").status_code == 200


def test_a_database_that_hangs_is_told_in_time(monkeypatch):
    monkeypatch.setattr("ingest.web.app._PATIENCE_S", 0.05)
    let_go = threading.Event()

    class Hanging:
        def ping(self):
            let_go.wait(10)

    async def ask(health):
        app = create_app(Metrics(), health)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            answer = await client.get("/readyz")
            let_go.set()
            return answer

    health = Health(Clock())
    health.started(Hanging())
    answer = asyncio.run(ask(health))
    assert (answer.status_code, answer.json()) == (503, {"status": "the database does not answer within 0.05 s"})


def test_while_stopping_it_takes_no_more_work(client, health, store):
    health.started(store)
    health.stopping()
    assert client.get("/readyz").json() == {"status": "stopping"}


def test_a_database_that_lost_its_tables_is_not_ready(client, health, store):
    health.started(store)
    migrate.downgrade(store.database)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "\n" not in answer.json()["status"]


def test_metrics_are_in_the_format_of_prometheus(client):
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE ingest_polls_total counter" in answer.text
