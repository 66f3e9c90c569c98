"""A feed's history."""

import signal
import time

import pytest

from ingest.backfill import FeedHistory
from tests.e2e.conftest import end
from tests.news import item, page, prose, rss
from tests.site import HANG, Answer, Seen

GENERATOR = "<generator>https://wordpress.org/?v=6.8</generator>"


def archived(site, pages=5, each=4):
    """A feed whose archives (RFC 5005) hold the older entries: /feed.xml shows the newest, /archive/N the rest."""
    base = site.url("").rstrip("/")
    for number in range(pages + 1):
        first = number * each
        previous = f'<atom:link rel="prev-archive" href="{base}/archive/{number - 1}"/>' if number else ""
        archive = "" if number == pages else "<fh:archive/>"
        items = [item(base, n, text=prose(n)) for n in range(first, first + each)]
        path = "/feed.xml" if number == pages else f"/archive/{number}"
        site.page(path, rss(base, items, head=archive + previous), etag=f'"{number}"')
    return (pages + 1) * each


def wordpress(site, pages=5, each=4):
    """A WordPress feed: ?paged=N goes back, a page beyond the last is 404."""
    base = site.url("").rstrip("/")

    def serve(request: Seen):
        number = int(request.path.partition("paged=")[2] or 1)
        if number > pages:
            return Answer(b"no such page", 404)
        numbers = range((pages - number) * each, (pages - number + 1) * each)
        return Answer(rss(base, [item(base, n, text=prose(n)) for n in numbers], head=GENERATOR).encode())

    site.serve("/feed/", serve)
    return pages * each


@pytest.mark.parametrize(("made", "path"), [(archived, "/feed.xml"), (wordpress, "/feed/")], ids=["RFC 5005", "WordPress"])
def test_the_whole_history_is_stored(command, site, made, path):
    total = made(site)
    done = command("backfill", site.url(path), INGEST_FULL_TEXT="no")
    assert f"entries {total} new · articles {total} stored" in done.stdout
    assert command.rows("SELECT count(*) FROM entries WHERE state = 'stored'") == [(total,)]
    assert len(site.requests) == 6  # WordPress ends with a page that is not there


def test_a_second_run_asks_for_no_finished_page_again(command, site):
    archived(site)
    command("backfill", site.url("/feed.xml"), INGEST_FULL_TEXT="no")
    site.forget()
    done = command("backfill", site.url("/feed.xml"), INGEST_FULL_TEXT="no")
    assert "its history was read to the end before" in done.stdout
    assert [seen.path for seen in site.requests] == ["/feed.xml"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
@pytest.mark.parametrize(("made", "path"), [(archived, "/feed.xml"), (wordpress, "/feed/")], ids=["RFC 5005", "WordPress"])
def test_ended_in_the_middle_it_goes_on_where_it_was(command, site, made, path, number):
    total = made(site)
    process = command.start("backfill", site.url(path), INGEST_FULL_TEXT="no", INGEST_HOSTS_GAP_S="0.5")
    site.wait_for(3, timeout_s=30)
    code, _, _ = end(process, number)
    assert code == (130 if number is signal.SIGINT else -9)
    finished = {url for (url,) in command.rows("SELECT next_url FROM backfills")}
    before = [seen.path for seen in site.requests]
    site.forget()
    command("backfill", site.url(path), INGEST_FULL_TEXT="no")
    assert command.rows("SELECT count(*) FROM entries WHERE state = 'stored'") == [(total,)]
    again = {seen.path for seen in site.requests} & set(before) - {path}
    assert all(site.url(asked) in finished for asked in again)


def test_a_run_whose_first_request_fails_leaves_the_validators_of_the_feed(lite, site):
    archived(site)
    lite("feeds", "add", site.url("/feed.xml"))
    lite("run", "--once", INGEST_FULL_TEXT="no")
    site.page("/feed.xml", status=500)
    lite("backfill", site.url("/feed.xml"), code=3)
    site.forget()
    lite("run", "--once", "--now", code=3)
    assert [seen.headers.get("if-none-match") for seen in site.requests] == ['"5"']


def test_a_dry_run_asks_for_nothing_but_the_first_page_and_stores_nothing(command, site):
    archived(site)
    done = command("backfill", site.url("/feed.xml"), "--dry-run")
    assert "more pages by archive" in done.stdout
    assert [seen.path for seen in site.requests] == ["/feed.xml"]
    assert command.json("feeds", "list") == []


def test_a_dry_run_of_a_site_looks_for_its_feed_and_adds_nothing(command, site):
    archived(site, pages=1)
    site.page(
        "/", f'<!doctype html><title>x</title><link rel="alternate" type="application/rss+xml" href="{site.url("/feed.xml")}">'
    )
    assert "more pages by archive" in command("backfill", site.url("/"), "--dry-run").stdout
    assert [seen.path for seen in site.requests] == ["/", "/feed.xml"]
    assert command.rows("SELECT count(*) FROM feeds") == [(0,)]


def test_a_limit_is_kept_and_the_next_run_goes_on(command, site):
    archived(site)
    assert "entries 6 new" in command("backfill", site.url("/feed.xml"), "--limit", "6", INGEST_FULL_TEXT="no").stdout
    assert "entries 18 new" in command("backfill", site.url("/feed.xml"), INGEST_FULL_TEXT="no").stdout


@pytest.mark.parametrize(("option", "day"), [("--since", "2026-11-21T12:00:00"), ("--until", "2026-11-21T06:00:00")])
def test_what_one_run_leaves_out_a_later_one_finds(lite, site, option, day):
    total = archived(site)
    lite("backfill", site.url("/feed.xml"), option, day, INGEST_FULL_TEXT="no")
    assert 0 < lite.rows("SELECT count(*) FROM entries")[0][0] < total
    lite("backfill", site.url("/feed.xml"), INGEST_FULL_TEXT="no")
    assert lite.rows("SELECT count(*) FROM entries") == [(total,)]
    assert lite.rows("SELECT is_finished FROM backfills") == [(1,)]


def test_one_entry_dated_far_back_does_not_end_a_run_that_goes_back_to_a_day(lite, site):
    total = archived(site)
    base = site.url("").rstrip("/")
    old = item(base, 99).replace("21 Nov 2026", "21 Nov 2001")
    before = f'<fh:archive/><atom:link rel="prev-archive" href="{base}/archive/3"/>'
    site.page("/archive/4", rss(base, [*(item(base, n, text=prose(n)) for n in range(16, 20)), old], head=before))
    lite("backfill", site.url("/feed.xml"), "--since", "2026-11-21", INGEST_FULL_TEXT="no")
    assert lite.rows("SELECT count(*) FROM entries") == [(total,)]


def test_pages_that_lead_in_a_circle_are_read_once(lite, site):
    archived(site)
    base = site.url("").rstrip("/")
    back = f'<fh:archive/><atom:link rel="prev-archive" href="{base}/archive/4"/>'
    site.page("/archive/0", rss(base, [item(base, n, text=prose(n)) for n in range(4)], head=back))
    done = lite("backfill", site.url("/feed.xml"), INGEST_FULL_TEXT="no")
    assert "the end: its pages lead in a circle" in done.stdout
    assert len(site.requests) == 6


def test_a_wordpress_that_shuts_us_out_has_not_come_to_its_end(lite, site):
    wordpress(site)
    site.page("/feed/?paged=3", status=403)
    done = lite("backfill", site.url("/feed/"), code=3, INGEST_FULL_TEXT="no")
    assert "stopped: 403" in done.stdout
    assert lite.rows("SELECT is_finished FROM backfills") == [(0,)]


def test_ctrl_c_does_not_wait_for_a_page_that_never_comes(lite, site):
    archived(site)
    site.raw("/archive/3", HANG)
    process = lite.start("backfill", site.url("/feed.xml"), INGEST_FULL_TEXT="no", INGEST_FETCH_TIMEOUT_S="60")
    site.wait_for(3, timeout_s=30)
    asked_s = time.monotonic()
    code, out, err = end(process, signal.SIGINT)
    assert (code, "Traceback" in err) == (130, False)
    assert time.monotonic() - asked_s < 10
    assert "stopped after 2 pages; run again to go on" in out


def test_a_password_in_the_address_of_a_feed_is_not_shown():
    assert "opensesame" not in str(FeedHistory("https://reader:opensesame@news.example/feed.xml"))


def test_an_unknown_site_is_searched_for_its_feed_which_is_added(command, site):
    archived(site, pages=1)
    site.page(
        "/", f'<!doctype html><title>x</title><link rel="alternate" type="application/rss+xml" href="{site.url("/feed.xml")}">'
    )
    command("backfill", site.url("/"), INGEST_FULL_TEXT="no")
    (feed,) = command.json("feeds", "list")
    assert (feed["url"], feed["origin"], feed["entries"]) == (site.url("/feed.xml"), "command", 8)


def test_pages_of_the_history_are_read_too(command, site):
    archived(site, pages=1, each=2)
    for n in range(4):
        site.page(f"/a/{n}", page(f"story {n}"))
    command("backfill", site.url("/feed.xml"))
    assert command.rows("SELECT count(*) FROM articles WHERE body_source = 'page'") == [(4,)]


def test_a_feed_that_cannot_be_had_fails_alone_with_exit_code_3(command, site):
    archived(site, pages=1)
    done = command("backfill", site.url("/feed.xml"), site.url("/missing.xml"), code=3, INGEST_FULL_TEXT="no")
    assert "feeds 1 ok, 1 failed" in done.stdout
    assert "/missing.xml: 0 pages, 0 new entries; stopped: " in done.stdout
