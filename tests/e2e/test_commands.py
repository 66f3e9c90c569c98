"""The commands besides `run` and `backfill`, as an ordinary user relies on them."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import end
from tests.news import item, prose, rss
from tests.site import HANG

SHIPPED = Path(__file__).parents[2] / "config"

DAMALS = (
    "Der alte Hafen liegt seit Jahren still, und niemand weiß, wann die ersten Schiffe wieder kommen. "
    "Die Stadt hat lange gewartet, aber nun sollen die Mauern endlich erneuert werden, sagte die Bürgermeisterin. "
) * 3


def feed(site, path, *items, **more):
    base = site.url("").rstrip("/")
    site.page(path, rss(base, [item(base, **one) for one in items], **more))
    return site.url(path)


def lines(text):
    return text.splitlines()


# ── feeds ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_is_added_from_its_site_listed_shown_and_removed(command, site):
    url = feed(site, "/feed.xml", {"number": 1}, title="The Harbour")
    site.page("/", f'<!doctype html><title>x</title><link rel="alternate" type="application/rss+xml" href="{url}">')

    assert (
        command("feeds", "add", site.url("/"), "--tag", "world", "--tag", "sea", "--tag", "sea").stdout
        == f"feed 1 added: {url}\n"
    )
    again = command("feeds", "add", site.url("/"), "--title", "Mine")
    assert again.stdout == f"feed 1 was there already: {url}\n"
    assert lines(again.stderr) == [
        "ingest: feed 1 keeps its title and tags: `ingest feeds remove 1` and add it anew to change them"
    ]

    (listed,) = command.json("feeds", "list")
    assert (listed["url"], listed["origin"], listed["options"]["tags"]) == (url, "command", ["world", "sea"])
    assert [one["url"] for one in command.json("feeds", "list", "--tag", "sea")] == [url]
    assert command.json("feeds", "list", "--tag", "air") == []
    assert command.json("feeds", "show", url)["feed"] == command.json("feeds", "show", "1")["feed"] == listed
    shown = command("feeds", "show", "1").stdout
    assert f"url           {url}\n" in shown
    assert "tags          world, sea\n" in shown

    assert command("feeds", "remove", url).stdout == f"feed 1 removed: {url}; its 0 articles stay\n"
    assert command.json("feeds", "list") == []


def test_without_a_check_an_address_is_added_as_it_is(lite, site):
    assert lite("feeds", "add", site.url("/not-yet"), "--no-check", "--title", "Soon").stdout.startswith("feed 1 added: ")
    assert site.requests == []
    assert lite.json("feeds", "list")[0]["title"] == "Soon"


NO_FEED = "neither a feed nor a page that leads to one"


def test_what_is_no_feed_is_not_added_and_the_way_around_is_told(lite, site):
    site.page("/", "<!doctype html><title>x</title><p>hello</p>")
    for path, reason in (("/", f"{NO_FEED} (an HTML page titled “x”)"), ("/missing", "404 Not Found")):
        (line,) = lines(lite("feeds", "add", site.url(path), code=3).stderr)
        assert line == f"ingest: {site.url(path)}: {reason} (--no-check adds the address as it is)"
    assert lite.json("feeds", "list") == []


def test_a_feed_of_the_file_is_taken_out_there_and_may_then_be_removed(lite, site):
    lite.feeds(site.url("/one.xml"), site.url("/two.xml"))
    (line,) = lines(lite("feeds", "remove", site.url("/two.xml"), code=2).stderr)
    assert line == f"ingest: {site.url('/two.xml')} is listed in config/feeds.toml:4: take it out there, and it is paused"
    lite.feeds(site.url("/one.xml"))
    assert [one["state"] for one in lite.json("feeds", "list")] == ["active", "paused"]
    assert "removed" in lite("feeds", "remove", site.url("/two.xml")).stdout
    assert [one["url"] for one in lite.json("feeds", "list")] == [site.url("/one.xml")]


def test_failing_feeds_are_found_and_say_why(lite, site):
    good, bad = feed(site, "/feed.xml", {"number": 1}), site.url("/missing.xml")
    lite.feeds(good, bad)
    lite("run", "--once", code=3, INGEST_FULL_TEXT="no")
    (failing,) = lite.json("feeds", "list", "--failing")
    assert (failing["url"], failing["outcome"]) == (bad, "http_error")
    shown = lite("feeds", "show", bad).stdout
    assert "last outcome  http_error (404 Not Found)" in shown
    assert "\thttp_error\t404\t" in shown


def test_lists_are_a_line_a_row_when_piped_and_json_is_nothing_but_json(lite, site):
    lite.feeds(feed(site, "/feed.xml", {"number": 1, "title": "A\tlong " + "title " * 80}, title="Tab\there"))
    lite("run", "--once", INGEST_FULL_TEXT="no")
    head, row = (line.split("\t") for line in lines(lite("feeds", "list").stdout))
    assert dict(zip(head, row, strict=True))["title"] == "Tab here"
    head, row = (line.split("\t") for line in lines(lite("articles", "list").stdout))
    assert dict(zip(head, row, strict=True))["title"].endswith("title title")
    done = lite("feeds", "list", "--json", INGEST_LOG_LEVEL="debug")
    assert len(json.loads(done.stdout)) == 1


def test_opml_goes_in_and_out_with_folders_as_tags(lite):
    (lite.folder / "in.opml").write_text(
        '<opml version="2.0"><body><outline text="World"><outline text="Sea &amp; air">'
        '<outline text="One" xmlUrl="http://one.example/feed?a=1&amp;b=2"/></outline></outline>'
        '<outline text="Two" xmlUrl="http://two.example/feed" category="tech,news"/>'
        '<outline text="bad" xmlUrl="javascript:alert(1)"/><outline text="x" xmlUrl="http://me:sesame@three.example/feed"/>'
        "</body></opml>"
    )
    done = lite("feeds", "import", "in.opml")
    assert done.stdout == "feeds 2 added, 0 known, 2 passed over\n"
    assert lines(done.stderr) == [
        "ingest: in.opml: line 1: 'javascript:alert(1)' is no http(s) address",
        "ingest: in.opml: http://me:***@three.example/feed holds a login: list this feed in config/feeds.toml",
    ]
    assert lite("feeds", "import", "in.opml").stdout == "feeds 0 added, 2 known, 2 passed over\n"

    written = lite("feeds", "export").stdout
    assert lite("feeds", "export", "-o", "out.opml").stdout == ""
    assert (lite.folder / "out.opml").read_text() == written
    other = f"sqlite:///{lite.folder / 'other.db'}"
    assert lite("feeds", "import", "out.opml", "--database-url", other).stdout == "feeds 2 added, 0 known, 0 passed over\n"

    def said(*options):
        return [(one["url"], one["title"], set(one["options"]["tags"])) for one in lite.json("feeds", "list", *options)]

    assert said("--database-url", other) == said()
    assert said() == [
        ("http://one.example/feed?a=1&b=2", "One", {"World", "Sea & air"}),
        ("http://two.example/feed", "Two", {"tech", "news"}),
    ]


def test_discover_tells_every_feed_of_a_site_and_stores_none(lite, site):
    urls = [feed(site, path, {"number": 1}, title=title) for path, title in (("/a.xml", "All"), ("/b.xml", "\x1b[2JSport"))]
    links = "".join(f'<link rel="alternate" type="application/rss+xml" href="{url}">' for url in [*urls, site.url("/gone.xml")])
    site.page("/", f"<!doctype html><html><head>{links}</head></html>")
    assert lines(lite("feeds", "discover", site.url("/")).stdout) == ["url\ttitle", f"{urls[0]}\tAll", f"{urls[1]}\t[2JSport"]
    assert [one["url"] for one in lite.json("feeds", "discover", site.url("/"))] == urls
    assert lite.json("feeds", "list") == []


def test_discover_knows_where_some_sites_keep_their_feeds(lite, site):
    feed(site, "/@me.rss", {"number": 1}, title="Me")
    site.page("/@you", "<!doctype html><title>You</title>")
    feed(site, "/@you.rss", {"number": 1}, title="You")
    for name in ("me", "you"):
        assert [one["url"] for one in lite.json("feeds", "discover", site.url(f"/@{name}"))] == [site.url(f"/@{name}.rss")]


def test_discover_without_a_feed_ends_with_3(lite, site):
    site.page("/", "<!doctype html><title>x</title>")
    done = lite("feeds", "discover", site.url("/"), "--json", code=3)
    assert (json.loads(done.stdout), done.stderr) == ([], f"ingest: {site.url('/')}: no feed found there\n")


# ── articles ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def newsroom(command, site):
    """Three English articles in one feed, two of them with titles like formulas, and a German one in another."""
    one = feed(
        site,
        "/one.xml",
        {"number": 1, "title": "=HYPERLINK(1)", "text": prose("a") + " Zanzibar."},
        {"number": 2, "title": "@SUM(1)", "text": prose("b")},
        {"number": 3, "title": "Plain, with “quotes”", "text": prose("c") + " Zanzibar quinces."},
    )
    two = feed(site, "/two.xml", {"number": 4, "title": "Der Hafen", "text": DAMALS})
    command.feeds(one, two)
    command("run", "--once", INGEST_FULL_TEXT="no")
    return command, one, two


def titles(command, *options):
    return [one["title"] for one in command.json("articles", "list", *options)]


def test_articles_are_found_by_feed_date_language_and_words(newsroom):
    command, _, two = newsroom
    assert titles(command) == ["Der Hafen", "Plain, with “quotes”", "@SUM(1)", "=HYPERLINK(1)"]  # newest first
    assert titles(command, "--limit", "1") == ["Der Hafen"]
    assert titles(command, "--feed", two) == titles(command, "--language", "DE") == ["Der Hafen"]
    assert len(titles(command, "--feed", "1")) == 3
    assert titles(command, "--text", "zanzibar") == ["Plain, with “quotes”", "=HYPERLINK(1)"]
    assert titles(command, "--text", "quinces Zanzibar") == ["Plain, with “quotes”"]
    assert titles(command, "--text", "' OR 1=1 --") == titles(command, "--text", "%") == []
    assert titles(command, "--since", "2026-11-21T03:03", "--until", "2026-11-21T05:04:00+01:00") == ["Plain, with “quotes”"]
    assert titles(command, "--until", "2026-11-21") == []


def test_articles_are_exported_as_ndjson_and_csv_with_formulas_defused(newsroom):
    command, one, _ = newsroom
    out = command.folder / "out"
    articles = [json.loads(line) for line in lines(command("articles", "export").stdout)]
    assert [article["title"] for article in articles] == titles(command)
    done = command("articles", "export", "--format", "csv", "--output", out, "--feed", one)
    assert (done.stdout, done.stderr) == ("", f"articles 3 written to {out}\n")
    assert [path.name for path in command.folder.glob("*out*")] == ["out"]
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"), newline="")))
    assert [row["title"] for row in rows] == ["Plain, with “quotes”", "'@SUM(1)", "'=HYPERLINK(1)"]
    assert {row["text"] for row in rows} == {article["text"] for article in articles[1:]}
    assert lines(command("articles", "export", "--language", "fr", "--format", "csv").stdout)[0].startswith("article_id,url,")


def test_one_article_is_shown_whole(newsroom):
    command, _, two = newsroom
    (german,) = command.json("articles", "list", "--feed", two)
    assert command.json("articles", "show", german["article_id"]) == german
    shown = command("articles", "show", german["article_id"]).stdout
    assert shown.startswith("title          Der Hafen\n")
    assert shown.endswith(f"\n\n{german['text']}\n")


# ── configuration, database, seeds ──────────────────────────────────────────────────────────────────────────────────────


def test_config_check_tells_what_is_read(lite):
    assert lite("config", "check").stdout == "configuration ok: defaults, no feed list\n"
    lite.feeds()
    assert lite("config", "check").stdout == "configuration ok: defaults, 0 feeds in config/feeds.toml\n"
    lite.feeds("http://one.example/")
    (lite.folder / "config/ingest.toml").write_text("[poll]\ninterval_s = '5m'\n")
    place = lite.folder / "config/ingest.toml"
    assert lite("config", "check").stdout == f"configuration ok: {place}, 1 feed in config/feeds.toml\n"
    (lite.folder / "list.opml").write_text('<opml><body><outline xmlUrl="http://a.example/"/><outline xmlUrl="x"/></body></opml>')
    done = lite("config", "check", "--feeds", "list.opml")
    assert done.stdout == f"configuration ok: {place}, 1 feed in list.opml\n"
    assert done.stderr == "ingest: list.opml: line 1: 'x' is no http(s) address\n"
    done = lite("--feeds", "http://me:sesame@a.example/list.opml", "config", "check")
    assert done.stdout == f"configuration ok: {place}, feed list http://me:***@a.example/list.opml, read at start\n"


def test_config_check_recommends_https_for_the_callback_of_hubs(lite):
    assert lite("config", "check", INGEST_WEBSUB_CALLBACK_URL="https://ingest.example").stderr == ""
    done = lite("config", "check", INGEST_WEBSUB_CALLBACK_URL="http://ingest.example")
    assert done.stderr.startswith("ingest: websub.callback_url: https is better")
    assert done.stdout == "configuration ok: defaults, no feed list\n"


def test_config_dump_shows_what_is_in_force_and_no_secret(lite):
    lite.feeds("http://me:sesame@one.example/", headers='{ "X-Api-Key" = "sesame" }', proxy='"http://p:sesame@proxy.example"')
    secret = {"INGEST_DATABASE_URL": "postgresql://me:sesame@db.example/news", "INGEST_POLL_INTERVAL_S": "10m"}
    text, plain = lite("config", "dump", **secret).stdout, lite("config", "dump", "--json", **secret).stdout
    assert "sesame" not in text + plain
    settings = json.loads(plain)["settings"]
    assert settings["poll.interval_s"] == {"value": 600.0, "source": "INGEST_POLL_INTERVAL_S"}
    assert settings["database.url"]["value"] == "postgresql://me:***@db.example/news"
    assert json.loads(plain)["feeds"][0]["headers"] == {"X-Api-Key": "***"}
    (lite.folder / "dumped.toml").write_text(lite("config", "dump").stdout)
    assert lite("config", "check", "--config", "dumped.toml").stderr == ""


def test_config_dump_default_is_the_file_that_ships(lite):
    assert lite("config", "dump", "--default").stdout == (SHIPPED / "ingest.toml").read_text(encoding="utf-8")


def test_db_tells_the_schema_and_brings_it_up_to_date(command):
    new = json.loads(command("db", "status", "--json", code=5).stdout)
    assert (new["current"], new["is_current"]) == (None, False)
    assert command("db", "upgrade").stdout == f"schema none → {new['needed']}\n"
    assert command("db", "upgrade").stdout == f"schema {new['needed']}, as it was\n"
    assert command("db", "status").stdout.endswith(f": schema {new['needed']}, up to date\n")
    assert command.json("db", "status")["is_current"] is True


def test_seeds_that_cannot_be_read_are_told_and_the_others_stored(lite):
    folder = lite.folder / "seeds"
    folder.mkdir()
    for name, body in {
        "good.txt": b"date 2024-10-25 A harbour opened. It was crowded.\n\nMore of it.\n\nAB/Example\n",
        "picture.txt": b"\x89PNG\x00\x01",
        "february.txt": b"date 2024-02-30 Never.\n",
        "empty.txt": b"",
        "note.md": b"not a seed",
    }.items():
        (folder / name).write_bytes(body)
    done = lite("seeds", "load", code=4)
    assert done.stdout == "seeds 1 stored, 0 known, 3 failed\n"
    assert lines(done.stderr) == [
        "ingest: seeds/empty.txt: an empty file",
        "ingest: seeds/february.txt: 2024-02-30 is no date",
        "ingest: seeds/picture.txt: not a text file",
    ]
    (article,) = lite.json("articles", "list")
    assert (article["title"], article["credit"]) == ("A harbour opened", "AB/Example")
    assert article["published_at"].startswith("2024-10-25")


# ── every command ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_version_is_told(lite):
    from ingest import __version__

    assert lite("--version").stdout == f"ingest {__version__}\n"


GROUPS = {
    "feeds": ("list", "show", "add", "remove", "import", "export", "discover"),
    "articles": ("list", "show", "export"),
    "config": ("check", "dump"),
    "db": ("upgrade", "status"),
    "seeds": ("load",),
}
COMMANDS = (
    (),
    ("run",),
    ("backfill",),
    ("healthcheck",),
    *((g,) for g in GROUPS),
    *((g, c) for g, cs in GROUPS.items() for c in cs),
)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_there_at_every_level(lite, flag):
    for command in COMMANDS:
        said = lite(*command, flag).stdout
        assert said.startswith(f"Usage: {' '.join(('ingest', *command))} ")
        if len(command) != 1 or command[0] not in GROUPS:
            assert all(option in said for option in ("--config", "--feeds", "--database-url"))


def test_a_group_without_a_command_shows_its_help_and_ends_with_2(lite):
    for group in ((), *((group,) for group in GROUPS)):
        assert "Commands:" in lite(*group, code=2).stderr


def test_options_after_the_command_win_over_those_before_it_and_over_the_environment(lite):
    for name in ("env", "before", "after"):
        (lite.folder / f"{name}.toml").write_text("" if name != "after" else '[[feed]]\nurl = "http://a.example/"\n')
    said = lite("--feeds", "before.toml", "config", "check", INGEST_FEEDS="env.toml").stdout
    assert said.endswith("0 feeds in before.toml\n")
    said = lite("--feeds", "before.toml", "config", "check", "--feeds", "after.toml", INGEST_FEEDS="env.toml").stdout
    assert said.endswith("1 feed in after.toml\n")


@pytest.mark.parametrize("text", ["x\n", "x " * 100_000], ids=["little", "much"])
def test_a_reader_that_goes_away_is_no_failure(lite, text):
    (lite.folder / "seeds").mkdir()
    (lite.folder / "seeds/one.txt").write_text(text)
    lite("seeds", "load")
    process = lite.start("articles", "export")
    process.stdout.close()
    assert (process.stderr.read(), process.wait(timeout=30)) == ("", 0)
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_under_the_output_is_one_line(lite):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ingest", "config", "dump"],
            cwd=lite.folder,
            env=lite.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "ingest: the disk is full: what was written is incomplete\n")


def test_ctrl_c_ends_any_command_with_130_and_no_traceback(lite, site):
    site.raw("/", HANG)
    process = lite.start("feeds", "discover", site.url("/"), INGEST_FETCH_TIMEOUT_S="60")
    site.wait_for(1)
    code, out, err = end(process, 2)
    assert (code, out, "Traceback" in err) == (130, "", False)


def test_output_is_utf_8_whatever_the_locale(lite):
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    process = lite.start("db", "upgrade", **env)
    out, err = process.communicate(timeout=30)
    assert (out.startswith("schema none → "), err) == (True, "")
