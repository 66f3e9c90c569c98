"""Entries that came and went between two polls, as an ordinary user is told of them."""

import json
import sqlite3
from contextlib import closing

import psycopg
import pytest

from tests.news import item, prose, rss

GENERATOR = "<generator>https://wordpress.org/?v=6.8</generator>"


def show(site, numbers, *, page=1, generator=GENERATOR):
    """The newest stories at /feed/, older ones on further pages."""
    base = site.url("").rstrip("/")
    path = "/feed/" if page == 1 else f"/feed/?paged={page}"
    site.page(path, rss(base, [item(base, n, text=prose(n)) for n in numbers], head=generator))
    return site.url("/feed/")


@pytest.fixture
def gap(command, site):
    """A feed with a gap that the ledger has since its second poll: stories 6 to 20 were not seen. Its id."""
    url = show(site, range(5, 0, -1))
    command.feeds(url)
    command("run", "--once", INGEST_FULL_TEXT="no", INGEST_GAPS_IS_REPAIRED="no")
    show(site, range(25, 20, -1))
    for page, newest in enumerate((20, 15, 10, 5), 2):
        show(site, range(newest, newest - 5, -1), page=page)
    site.page("/feed/?paged=6", status=404)
    command("run", "--once", "--now", INGEST_FULL_TEXT="no", INGEST_GAPS_IS_REPAIRED="no")
    (feed,) = command.json("feeds", "list")
    put_gap(command, 15.2)
    return feed


def put_gap(command, missed):
    """The day of the stories' dates lies in it."""
    write(
        command,
        "INSERT INTO gaps (feed_id, since_at, until_at, missed, reason)"
        f" VALUES (1, '2026-11-20 00:00:00.000000', '2026-11-22 00:00:00.000000', {missed}, 'no entry in common')",
    )


def write(command, statement):
    if command.database_url.startswith("sqlite"):
        with closing(sqlite3.connect(command.database_url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute(statement)
        return
    with psycopg.connect(command.database_url) as connection:
        connection.execute(statement)


def cells(text):
    head, *rows = (line.split("\t") for line in text.splitlines())
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_gaps_are_listed_and_repaired_on_demand(command, site, gap):
    (listed,) = cells(command("feeds", "gaps").stdout)
    assert (listed["feed"], listed["url"], listed["missed"], listed["found"], listed["state"]) == (
        str(gap["feed_id"]), gap["url"], "15", "", "open",
    )  # fmt: skip
    assert listed["how"] == "no entry in common"
    site.forget()

    (listed,) = cells(command("feeds", "gaps", gap["url"], "--repair", INGEST_GAPS_IS_REPAIRED="no").stdout)
    assert (listed["missed"], listed["found"], listed["state"]) == ("15", "15", "repaired")
    assert listed["how"] == "4 pages of WordPress paging: 15 found"
    assert [seen.path for seen in site.requests] == [f"/feed/?paged={n}" for n in range(2, 7)]  # the last one is not there

    site.forget()
    command("run", "--once", INGEST_FULL_TEXT="no")
    assert command.rows("SELECT count(*) FROM entries WHERE state = 'stored'") == [(25,)]
    assert cells(command("feeds", "gaps", "--open").stdout) == []
    assert command.json("feeds", "gaps", "--repair")[0]["tries"] == 1
    assert [seen.path for seen in site.requests] == []


def test_gaps_as_json_say_everything_that_is_known(lite, site, gap_of):
    gap_of(lite, missed=3.4)
    (told,) = lite.json("feeds", "gaps", "1")
    assert (told["missed"], told["found"], told["repair"], told["tries"], told["next_try_at"]) == (3.4, None, "", 0, None)
    assert told["since_at"] < told["until_at"]
    assert lite.json("feeds", "gaps", "1", "--open") == [told]


@pytest.fixture
def gap_of(site):
    """Puts a gap into the ledger of the only feed, which shows stories 1 to 5 and no older ones unless it is a WordPress."""

    def put(command, *, missed, generator=""):
        command.feeds(show(site, range(5, 0, -1), generator=generator))
        command("run", "--once", INGEST_FULL_TEXT="no")
        put_gap(command, missed)

    return put


@pytest.mark.parametrize(
    ("missed", "pages", "found", "state"),
    [(15, (), "0", "lost"), (5, (range(0, -5, -1),), "5", "repaired")],
    ids=["lost", "found"],
)
def test_what_became_of_a_gap_is_told_in_a_word(lite, site, gap_of, missed, pages, found, state):
    gap_of(lite, missed=missed, generator=GENERATOR)
    for number, numbers in enumerate(pages, 2):
        show(site, [200 - n for n in numbers], page=number)
    (listed,) = cells(lite("feeds", "gaps", "--repair").stdout)
    assert (listed["found"], listed["state"]) == (found, state)


def test_a_gap_that_was_repaired_in_part_says_so(lite, site, gap_of):
    gap_of(lite, missed=40, generator=GENERATOR)
    show(site, range(205, 200, -1), page=2)
    (listed,) = cells(lite("feeds", "gaps", "--repair").stdout)
    assert (listed["found"], listed["state"]) == ("5", "in part")


def test_a_page_that_cannot_be_had_leaves_the_gap_open_and_says_why(lite, site, gap_of):
    gap_of(lite, missed=9, generator=GENERATOR)
    site.page("/feed/?paged=2", status=503)
    (listed,) = cells(lite("feeds", "gaps", "--repair").stdout)
    assert (listed["found"], listed["state"]) == ("", "open")
    assert listed["how"] == "to be tried again: 0 pages of WordPress paging: 0 found; then 503 Service Unavailable"


def test_without_gaps_the_list_is_empty_and_all_is_well(lite, site):
    lite.feeds(show(site, range(5, 0, -1)))
    lite("run", "--once", INGEST_FULL_TEXT="no")
    assert json.loads(lite("feeds", "gaps", "--json").stdout) == []
    assert len(lite("feeds", "gaps").stdout.splitlines()) == 1


def test_an_unknown_feed_is_told_and_ends_with_2(lite):
    for more in ((), ("--repair",)):
        assert "no feed 'nowhere'" in lite("feeds", "gaps", "nowhere", *more, code=2).stderr
