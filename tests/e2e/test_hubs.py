"""The daemon and a hub: subscribed to, pushed to, killed and started again."""

import contextlib
import ssl
import threading
from pathlib import Path

import pytest

from tests.e2e.conftest import ask, end, until
from tests.e2e.test_daemon import count, free_port
from tests.hub import Hub
from tests.news import item, page, rss
from tests.site import Site

CERTIFICATE = Path(__file__).parent.parent / "data" / "tls" / "good.pem"


@pytest.fixture
def hub():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with Site(tls=context) as site:
        yield Hub(site, host="localhost")


def document(site, hub, numbers):
    base = site.url("").rstrip("/")
    head = f'<atom:link rel="hub" href="{hub.url}"/><atom:link rel="self" href="{site.url("/feed.xml")}"/>'
    for number in numbers:
        site.page(f"/a/{number}", page(f"story {number}"))
    return rss(base, [item(base, number) for number in numbers], head=head)


@contextlib.contextmanager
def daemon(command, port):
    """A running daemon that hubs can call back; killed at the end, if it still runs."""
    callback_url = f"http://127.0.0.1:{port}"
    process = command.start(
        "run", INGEST_HTTP_PORT=str(port), INGEST_WEBSUB_CALLBACK_URL=callback_url, SSL_CERT_FILE=str(CERTIFICATE)
    )
    reader = threading.Thread(target=process.stderr.read, daemon=True)
    reader.start()
    try:
        until(lambda: (ask(port, "/healthz") or (0,))[0] == 200)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=20)
        process.stdout.close()
        reader.join(timeout=10)
        process.stderr.close()


def test_a_daemon_takes_what_its_hub_pushes_also_after_it_was_killed(command, site, hub):
    site.page("/feed.xml", document(site, hub, range(3)))
    command.feeds(site.url("/feed.xml"))
    command("run", "--once")
    port = free_port()
    with daemon(command, port):
        until(lambda: len(hub.subscribed) == 1)
        assert hub.push(document(site, hub, [7]).encode()) == 202
        until(lambda: count(command) == 4)
        told = hub.tell(hub.callback, mode="unsubscribe", topic=site.url("/feed.xml"), challenge="c")
        assert told.status == 404
    with daemon(command, port) as process:
        assert hub.push(document(site, hub, [8]).encode()) == 202
        assert hub.push(document(site, hub, [9]).encode(), **{"X-Hub-Signature": "sha256=00"}) == 202
        until(lambda: count(command) == 5)
        _, metrics = ask(port, "/metrics")
        assert 'ingest_pushes_total{result="new"} 1.0' in metrics
        assert 'ingest_pushes_total{result="forged"} 1.0' in metrics
        assert 'ingest_subscriptions{state="active"} 1.0' in metrics
        process.terminate()
        assert process.wait(timeout=15) == 0
    assert [form["hub.mode"] for form in hub.asked] == ["subscribe"]
    assert len(site.seen("/feed.xml")) == 1


def test_a_daemon_without_an_address_of_its_own_knows_no_callback(lite, site, hub):
    site.page("/feed.xml", document(site, hub, range(1)))
    lite.feeds(site.url("/feed.xml"))
    lite("feeds", "list")
    port = free_port()
    process = lite.start("run", INGEST_HTTP_PORT=str(port))
    until(lambda: count(lite) == 1)
    assert ask(port, f"/websub/{'a' * 43}?hub.mode=subscribe&hub.topic=t&hub.challenge=c")[0] == 404
    assert end(process)[0] == 0
    assert hub.asked == []
