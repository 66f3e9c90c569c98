"""`ingest feeds parse`: what is understood of a feed, entry by entry, from a file, from stdin and from an address."""

import contextlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.cli import parsing
from ingest.cli.documents import Document
from ingest.errors import ParseError
from ingest.parse.review import parse_and_review
from ingest.policy import ParsePolicy
from tests.news import item, rss
from tests.site import Answer

HOSTILE = Path(__file__).parents[1] / "data/hostile"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

TWICE = 2 * item("https://a.example", 1, title="One", text="The ferry is late. &lt;b&gt;Again.&lt;/b&gt;")
BARE = """<item><guid>https://a.example/two</guid><link>two?x=1</link><pubDate>the day after</pubDate>
    <category>Sea</category><category>Air</category><enclosure url="two.mp3" type="audio/mpeg" length="7"/></item>"""
FEED = rss("https://a.example", [TWICE, BARE], head="<ttl>90</ttl><skipHours><hour>3</hour><hour>4</hour></skipHours>")

HEAD = {
    "format": "rss20",
    "title": "The Example",
    "description": "invented",
    "site": "https://a.example/",
    "language": "en",
    "ttl": "1:30:00",
    "skip hours": "3, 4",
    "entries": "2, 2 with warnings",
}
FIRST = {
    "guid": "urn:story:1",
    "url": "https://a.example/a/1",
    "title": "One",
    "summary": "5 words: The ferry is late. Again.",
    "published": "2026-11-21 01:01:00 (said “Sat, 21 Nov 2026 01:01:00 GMT”",
    "warning": "stands 2 times in the document, alike but for dates at most: kept once",
}
SECOND = {
    "guid": "https://a.example/two",
    "permalink": "yes",
    "url": "https://a.example/news/two?x=1",
    "published": "– (said “the day after”",
    "categories": "Sea, Air",
    "enclosures": "https://a.example/news/two.mp3 (media type audio/mpeg, length 7)",
    "warning": "no title",
}


def write(command, text, name="feed.xml"):
    path = command.folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def facts(said):
    """The lines of a reading by their label; entries and warnings come several times."""
    found = {}
    for line in said.splitlines():
        if line:
            found.setdefault(line[:14].strip(), []).append(line[14:])
    return found


# ── what is told ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_told_entry_by_entry_with_what_is_odd_about_each(lite):
    name = write(lite, FEED)
    keys = [one["key"][:12] for one in lite.json("feeds", "parse", name)["entries"]]
    done = lite("feeds", "parse", name, "--url", "https://a.example/news/feed.xml")
    head, *entries = (facts(part) for part in done.stdout.split("\n\n"))
    assert head["document"] == [f"feed.xml, {len(FEED.encode()):,} bytes"]
    assert [(one["entry 1"] if "entry 1" in one else one["entry 2"]) for one in entries] == [[f"key {key}"] for key in keys]
    for told, expected in zip((head, *entries), (HEAD, FIRST, SECOND), strict=True):
        for label, value in expected.items():
            assert told[label][0].startswith(value), told
    assert entries[1]["warning"] == [
        "no title",
        "no text: neither summary nor content",
        "published “the day after” cannot be read as a date",
    ]
    assert done.stderr == ""


def test_json_holds_everything_that_was_understood_and_how_it_is_recognised(lite):
    name = write(lite, FEED)
    read = lite.json("feeds", "parse", name, "--url", "https://a.example/news/feed.xml")
    assert list(read) == ["url", "document", "head", "entries", "repaired", "is_cut", "warnings"]
    assert read["url"] == "https://a.example/news/feed.xml"
    assert read["document"] == {"name": name, "bytes": len(FEED.encode()), "format": "rss20"}
    assert (read["head"]["title"], read["head"]["ttl_s"], read["head"]["skip_hours"]) == ("The Example", 5400, [3, 4])
    assert (read["repaired"], read["is_cut"]) == (None, False)
    assert isinstance(read["warnings"], list)
    first, second = read["entries"]
    assert (len(first["key"]), len(first["content_hash"])) == (64, 64)
    assert first["published_at"] == "2026-11-21T01:01:00+00:00"
    assert first["summary"] == "The ferry is late. <b>Again.</b>"
    assert second["enclosures"][0]["url"] == "https://a.example/news/two.mp3"
    assert second["warnings"] == [
        "no title", "no text: neither summary nor content", "published “the day after” cannot be read as a date",
    ]  # fmt: skip


def test_stdin_is_read_and_no_database_is_touched(lite):
    feed = rss("https://a.example", [TWICE])
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "feeds", "parse", "-"],
        cwd=lite.folder, env=lite.env, input=feed.encode(), capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.decode().startswith(f"document      -, {len(feed.encode()):,} bytes\nformat        rss20\n")
    assert done.stderr == b""
    assert list(lite.folder.iterdir()) == []


def test_a_json_feed_is_told_like_any_other(lite):
    one = {"id": "1", "url": "https://a.example/1", "title": "One", "content_text": "words"}
    dated = {**one, "date_published": "2026-11-21T01:00:00Z"}
    name = write(lite, json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [dated]}), "feed.json")
    told = facts(lite("feeds", "parse", name).stdout)
    assert (told["format"], told["title"], told["entries"]) == (["json11"], ["J", "One"], ["1"])
    assert told["published"][0].startswith("2026-11-21 01:00:00")
    assert "warning" not in told


def test_what_was_repaired_and_what_was_cut_off_is_told(lite):
    name = write(lite, "junk" + FEED)
    told = facts(lite("feeds", "parse", name, INGEST_PARSE_MAX_ENTRIES="1").stdout)
    assert told["repaired"] == ["junk before the document: 'junk'"]
    assert "more entries than parse.max_entries: the first ones were kept" in told["warning"]
    assert lite.json("feeds", "parse", name, INGEST_PARSE_MAX_ENTRIES="1")["is_cut"]


def test_where_links_cannot_be_resolved_the_option_that_helps_is_named(lite):
    name = write(lite, "<rss><channel><title>T</title><item><title>a</title><link>/1</link></item></channel></rss>")
    assert lite("feeds", "parse", name).stderr == (
        "ingest: feed.xml: where links are relative, --url URL tells what they lead from\n"
    )
    done = lite("feeds", "parse", name, "--url", "https://a.example/feed.xml")
    assert (facts(done.stdout)["url"], done.stderr) == (["https://a.example/1"], "")


# ── from an address ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_is_asked_once_as_a_listed_feed_is_and_where_it_led_is_told(lite, site):
    site.page("/old", status=301, headers={"Location": "/feed.xml"})
    site.page("/feed.xml", FEED, headers={"Content-Type": "application/rss+xml"})
    lite.feeds(site.url("/old"), user_agent='"Tester/1"', headers='{ "X-Api-Key" = "sesame" }')
    done = lite("feeds", "parse", site.url("/old"))
    size = len(FEED.encode())
    assert facts(done.stdout)["document"] == [
        f"{site.url('/old')}, 301 to {site.url('/feed.xml')}, application/rss+xml, {size:,} bytes"
    ]
    assert [(seen.path, seen.headers["user-agent"], seen.headers["x-api-key"]) for seen in site.requests] == [
        ("/old", "Tester/1", "sesame"),
        ("/feed.xml", "Tester/1", "sesame"),
    ]
    assert facts(done.stdout)["url"][1] == site.url("/two?x=1")
    read = lite.json("feeds", "parse", site.url("/old"))
    assert read["url"] == read["document"]["final_url"] == site.url("/feed.xml")
    assert read["document"]["hops"] == [{"status": 301, "url": site.url("/feed.xml")}]
    assert (read["document"]["status"], read["document"]["media_type"]) == (200, "application/rss+xml")
    assert [path.name for path in lite.folder.iterdir()] == ["config"]


def test_an_address_that_fails_says_why(lite, site):
    site.page("/big.xml", b" " * 20_000)
    for path, reason in (("/missing", "404 Not Found"), ("/big.xml", "larger than 10000 bytes")):
        done = lite("feeds", "parse", site.url(path), "--json", code=3, INGEST_FETCH_MAX_FEED_BYTES="10000")
        assert done.stdout == ""
        assert done.stderr.startswith(f"ingest: {site.url(path)}: ")
        assert reason in done.stderr
    site.forget()
    assert "127.0.0.1" in lite("feeds", "parse", site.url("/big.xml"), code=3, INGEST_FETCH_ALLOW="").stderr
    assert site.requests == []


# ── what cannot be understood ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("json_option", [[], ["--json"]], ids=["told", "as JSON"])
def test_a_page_is_no_feed_and_the_feed_that_it_names_is_offered(lite, site, json_option):
    page = '<!doctype html><title>Hello</title><link rel="alternate" type="application/rss+xml" href="/feed.xml">'
    site.serve("/", lambda _: Answer(page.encode()))
    done = lite("feeds", "parse", site.url("/"), *json_option, code=3)
    reason = "not a feed: an HTML page titled “Hello”; it points to the feed"
    assert (done.stdout, done.stderr) == ("", f"ingest: {site.url('/')}: {reason} {site.url('/feed.xml')}\n")
    name = write(lite, page, "page.html")
    done = lite("feeds", "parse", name, "--url", "https://a.example/", *json_option, code=3)
    assert (done.stdout, done.stderr) == ("", f"ingest: page.html: {reason} https://a.example/feed.xml\n")


def test_a_file_that_cannot_be_had_is_one_line(lite):
    (lite.folder / "folder").mkdir()
    for name, reason in (("missing.xml", "No such file or directory"), ("folder", "Is a directory"), ("", "Is a directory")):
        assert lite("feeds", "parse", name, code=2).stderr == f"ingest: {name}: {reason}\n"


def test_a_file_larger_than_a_feed_may_be_is_not_read_to_its_end(lite):
    reason = "larger than 10,000 bytes (fetch.max_feed_bytes)"
    name = write(lite, b"<rss/>" + b" " * 10_000)
    assert lite("feeds", "parse", name, code=3, INGEST_FETCH_MAX_FEED_BYTES="10000").stderr == f"ingest: {name}: {reason}\n"
    assert lite("feeds", "parse", "/dev/zero", code=3).stderr.endswith("larger than 10,000,000 bytes (fetch.max_feed_bytes)\n")


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            ["http://a.example/", "--url", "http://a.example/"],
            "invalid value for '--url': goes with a file: an address is its own",
        ),
        (["feed.xml", "--url", "feed.xml"], "invalid value for '--url': 'feed.xml' is no address that begins with http"),
        (["ftp://a.example/feed"], "invalid value for 'FILE|URL|-': 'ftp://a.example/feed' is no address that begins with http"),
        (["http://me:sesame@a.example/feed"], "invalid value for 'FILE|URL|-': 'http://me:***@a.example/feed' holds a login"),
        ([], "missing argument 'FILE|URL|-'"),
    ],
    ids=["an address has an address", "no address", "another scheme", "login", "nothing"],
)
def test_a_mistake_on_the_command_line_is_one_line(lite, args, line):
    done = lite("feeds", "parse", *args, code=2)
    assert done.stderr.startswith(f"ingest: {line}")
    assert (done.stderr.count("\n"), "sesame" in done.stderr) == (1, False)


def test_a_document_that_takes_too_long_costs_its_worker_only(lite):
    many = rss("https://a.example", (item("https://a.example", n, text="x" * 100) for n in range(30_000)))
    name = write(lite, many)
    done = lite("feeds", "parse", name, code=3, INGEST_PARSE_TIMEOUT_S="1", INGEST_PARSE_MAX_ENTRIES="1000000")
    assert done.stderr == f"ingest: {name}: took longer than 1 s, its worker was ended\n"


# ── hostile documents ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["billion-laughs.xml", "bomb.xml.gz", "many-attributes.xml", "deep-xml.xml", "jsonfeed-deep.json"]
)
def test_a_hostile_file_ends_in_a_reading_or_in_one_line(lite, name):
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "feeds", "parse", HOSTILE / name],
        cwd=lite.folder, env=lite.env, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode in (0, 3)
    assert bool(done.stdout) == (done.returncode == 0)
    assert [line.startswith(f"ingest: {HOSTILE / name}: ") for line in done.stderr.splitlines()] == [True] * (
        done.returncode == 3
    )


def readings():
    """Every hostile file that can be read as a feed, as the command reads it."""
    for path in sorted(HOSTILE.iterdir()):
        body = path.read_bytes()
        with contextlib.suppress(ParseError):
            reviewed = parse_and_review(body, url="", headers={}, policy=ParsePolicy(), now=NOW)
            yield Document(path.name, "", body, NOW), reviewed


def test_nothing_that_a_terminal_would_obey_is_told_of_a_hostile_document():
    read = [list(parsing._lines(document, reviewed)) for document, reviewed in readings()]
    assert len(read) > 40
    assert all(line.isprintable() for lines in read for line in lines)
    assert all(len(line) <= 330 for lines in read for line in lines)


def test_json_of_a_hostile_document_is_json_and_nothing_that_a_terminal_would_obey(capsys):
    for document, reviewed in readings():
        parsing.print_json(parsing._as_json(document, reviewed))
        said = capsys.readouterr().out
        assert json.loads(said)["document"]["name"] == document.name
        assert all(char.isprintable() or char == "\n" for char in said), document.name
        said.encode()  # no surrogate is left


def test_marks_of_a_terminal_in_a_title_change_nothing_on_it(lite):
    name = write(lite, rss("https://a.example", [item("https://a.example", 1, title="a&#x9b;31mb&#x202e;c&#x85;d")]))
    for options in ([], ["--json"]):
        said = lite("feeds", "parse", name, *options).stdout
        assert all(char.isprintable() or char == "\n" for char in said)


def test_a_reader_that_goes_away_is_no_failure(lite):
    name = write(lite, rss("https://a.example", (item("https://a.example", n) for n in range(1_500))))
    process = lite.start("feeds", "parse", name)
    assert process.stdout.readline() == f"document      {name}, {(lite.folder / name).stat().st_size:,} bytes\n"
    process.stdout.close()
    assert (process.wait(timeout=30), process.stderr.read()) == (0, "")
    process.stderr.close()
