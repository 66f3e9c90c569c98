"""The daemon: it keeps polling, tells how it is, reloads, and ends cleanly however it is ended."""

import json
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from contextlib import closing

import pytest

from tests.databases import new_postgres_database
from tests.e2e.conftest import Command, ask, end, until
from tests.news import item, page, rss
from tests.site import HANG


def publish(site, numbers):
    base = site.url("").rstrip("/")
    site.page("/feed.xml", rss(base, [item(base, n) for n in numbers]))
    for n in numbers:
        site.page(f"/a/{n}", page(f"story {n}"))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def count(command):
    return command.rows("SELECT count(*) FROM articles")[0][0]


@pytest.fixture
def daemon(command, site):
    """A running daemon that polls every 10 s at most, with its HTTP port."""
    publish(site, range(3))
    command.feeds(site.url("/feed.xml"), interval='"10s"')
    port = free_port()
    process = command.start("run", INGEST_HTTP_PORT=str(port))
    # Someone has to read what it writes, or it would stop writing one day.
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stderr.readline, "")), daemon=True)
    reader.start()
    try:
        until(lambda: (ask(port, "/healthz") or (0,))[0] == 200)
        yield process, port, lines
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=20)
        process.stdout.close()
        reader.join(timeout=10)
        process.stderr.close()


def test_what_is_published_while_it_runs_is_stored(daemon, command, site):
    until(lambda: count(command) == 3)
    publish(site, range(4))
    until(lambda: count(command) == 4)


def test_it_tells_how_it_is_over_http(daemon, command):
    _, port, _ = daemon
    until(lambda: count(command) == 3)
    assert ask(port, "/livez") == (200, '{"status":"ok"}')
    assert ask(port, "/readyz") == (200, '{"status":"ok"}')
    status, metrics = ask(port, "/metrics")
    assert status == 200
    assert 'ingest_articles_total{result="new"} 3.0' in metrics
    assert "/feed.xml" not in metrics
    assert command("healthcheck", INGEST_HTTP_PORT=str(port)).stdout == '{"status":"ok"}\n'


def test_healthcheck_of_no_daemon_says_so(lite):
    port = free_port()
    assert f"no answer at 127.0.0.1:{port}" in lite("healthcheck", code=1, INGEST_HTTP_PORT=str(port)).stderr


def test_sigterm_ends_it_with_0_and_a_line(daemon):
    process, _, lines = daemon
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0
    until(lambda: any("daemon_stopped" in line for line in lines))
    assert not any("Traceback" in line for line in lines)


def test_sigterm_in_the_middle_of_a_fetch_gives_the_work_back(command, site):
    site.raw("/feed.xml", HANG)
    command.feeds(site.url("/feed.xml"))
    process = command.start("run", INGEST_FETCH_TIMEOUT_S="60")
    site.wait_for(1)
    code, _, err = end(process)
    assert (code, "Traceback" in err) == (0, False)
    assert command.rows("SELECT count(*) FROM feeds WHERE lease_owner IS NOT NULL") == [(0,)]
    assert command.rows("SELECT count(*) FROM polls") == [(0,)]


def test_a_second_signal_ends_it_at_once(lite, site):
    site.raw("/feed.xml", HANG)
    lite.feeds(site.url("/feed.xml"))
    process = lite.start("run", INGEST_FETCH_TIMEOUT_S="60")
    site.wait_for(1)
    process.send_signal(signal.SIGTERM)
    while "stop_asked" not in process.stderr.readline():
        pass
    code, _, _ = end(process)
    assert code == 143


def test_sighup_takes_the_changed_files(daemon, command, site):
    process, _, _ = daemon
    until(lambda: count(command) == 3)
    base = site.url("").rstrip("/")
    site.page("/other.xml", rss(base, [item(base, 77)]))
    site.page("/a/77", page("story 77"))
    command.feeds(site.url("/other.xml"))
    process.send_signal(signal.SIGHUP)
    until(lambda: count(command) == 4)
    assert {f["url"]: f["state"] for f in command.json("feeds", "list")} == {
        site.url("/feed.xml"): "paused",
        site.url("/other.xml"): "active",
    }


def test_sighup_with_a_faulty_file_changes_nothing_and_says_why(daemon, command, site):
    process, port, lines = daemon
    (command.folder / "config/feeds.toml").write_text("[[feed]]\nuri = 'x'\n")
    process.send_signal(signal.SIGHUP)
    refused = until(lambda: [json.loads(line) for line in lines if "config_refused" in line])
    assert "config/feeds.toml:" in refused[0]["problem"]
    until(lambda: (ask(port, "/healthz") or (0,))[0] == 200)
    publish(site, range(5))
    until(lambda: count(command) == 5)


def test_sighup_with_settings_that_only_fail_in_use_keeps_the_old_ones(lite, site):
    publish(site, range(1))
    lite.feeds(site.url("/feed.xml"))
    del lite.env["INGEST_DATABASE_URL"]
    settings = lite.folder / "config/ingest.toml"
    settings.write_text('[database]\nurl = "sqlite:///ingest.db"\n')
    process = lite.start("run")
    logged(process, "daemon_started")
    settings.write_text('[database]\nurl = "sqlite:///config"\n')
    process.send_signal(signal.SIGHUP)
    assert "is a folder" in logged(process, "config_refused")
    logged(process, "daemon_started")
    assert end(process)[0] == 0


def logged(process, event):
    """The next line of its log that tells of this event."""
    for line in iter(process.stderr.readline, ""):
        if event in line:
            return line
    raise AssertionError(f"it ended without {event}")


def test_sigterm_ends_it_within_ten_seconds_though_the_database_hangs(lite, site):
    publish(site, range(1))
    lite.feeds(site.url("/feed.xml"))
    lite("feeds", "list")
    with closing(sqlite3.connect(lite.folder / "ingest.db", isolation_level=None)) as other:
        process = lite.start("run", INGEST_DATABASE_BUSY_TIMEOUT_S="60")
        logged(process, "daemon_started")
        other.execute("BEGIN IMMEDIATE")
        publish(site, range(2))
        asked_s = time.monotonic()
        code, _, err = end(process)
    assert time.monotonic() - asked_s < 10.5
    assert code in (0, 143)
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_one_clear_line(lite):
    lite.feeds()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = lite("run", code=4, INGEST_HTTP_PORT=str(port))
    assert f"cannot listen at 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_killed_at_random_moments_it_loses_nothing_and_repeats_nothing(command, site):
    publish(site, range(30))
    command.feeds(site.url("/feed.xml"))
    for delay_s in (0.9, 1.3, 1.6, 2.0):
        process = command.start("run", "--once", INGEST_FETCH_TIMEOUT_S="20")
        try:
            process.wait(timeout=delay_s)
        except subprocess.TimeoutExpired:  # still running, as meant
            process.kill()
        process.communicate(timeout=20)
    command("run", "--once")
    assert command.rows("SELECT count(*) FROM entries WHERE state = 'stored'") == [(30,)]
    assert count(command) == 30
    assert command.rows("SELECT count(*) FROM revisions") == [(0,)]


@pytest.mark.postgres
def test_several_daemons_share_the_work_and_poll_no_feed_twice(postgres_server, tmp_path, site, monkeypatch, capfd):
    base = site.url("").rstrip("/")
    for n in range(12):
        site.page(f"/{n}.xml", rss(base, [item(base, n)]))
        site.page(f"/a/{n}", page(f"story {n}"))
    with new_postgres_database(postgres_server) as url:
        command = Command(tmp_path, url, monkeypatch, capfd)
        command.feeds(*(site.url(f"/{n}.xml") for n in range(12)))
        command("feeds", "list")
        processes = [command.start("run") for _ in range(3)]
        try:
            until(lambda: count(command) == 12)
        finally:
            codes = [end(process)[0] for process in processes]
    assert codes == [0, 0, 0]
    asked = sorted(seen.path for seen in site.requests if seen.path != "/robots.txt")
    assert asked == sorted([f"/{n}.xml" for n in range(12)] + [f"/a/{n}" for n in range(12)])
    assert len(site.seen("/robots.txt")) <= len(processes)  # those that wanted to know before one of them had written it down
