"""One pass: configured feeds become articles."""

import json

import pytest

from tests.e2e.conftest import until
from tests.news import item, page, prose, rss
from tests.site import HANG, Site


def publish(site, numbers, **feed):
    base = site.url("").rstrip("/")
    site.page("/feed.xml", rss(base, [item(base, n) for n in numbers], **feed), etag=f'"{list(numbers)}"')
    for n in numbers:
        site.page(f"/a/{n}", page(f"story {n}"))


def test_every_entry_becomes_an_article_with_the_text_of_its_page(command, site):
    publish(site, range(5))
    command.feeds(site.url("/feed.xml"))
    done = command("run", "--once")
    assert done.stdout.splitlines()[-1] == (
        "feeds 1 ok, 0 not modified, 0 failed · entries 5 new, 0 changed · articles 5 stored, 0 known"
    )
    articles = command.json("articles", "list")
    assert {a["title"] for a in articles} == {f"Story {n}" for n in range(5)}
    assert all(a["body_source"] == "page" and a["words"] >= 110 and a["language"] for a in articles)


def test_a_second_pass_asks_conditionally_and_stores_nothing_new(command, site):
    publish(site, range(3))
    command.feeds(site.url("/feed.xml"))
    command("run", "--once")
    site.forget()
    done = command("run", "--once", "--now")
    assert "feeds 0 ok, 1 not modified, 0 failed · entries 0 new" in done.stdout
    assert [(seen.path, "if-none-match" in seen.headers) for seen in site.requests] == [("/feed.xml", True)]


def test_a_third_pass_finds_exactly_what_was_published_since(command, site):
    publish(site, range(3))
    command.feeds(site.url("/feed.xml"))
    command("run", "--once")
    publish(site, range(1, 5))
    done = command("run", "--once", "--now")
    assert "entries 2 new, 0 changed · articles 2 stored, 0 known" in done.stdout


def test_only_what_a_document_did_not_hold_before_is_parsed_and_all_of_it_counts_as_seen(command, site):
    publish(site, range(5))
    command.feeds(site.url("/feed.xml"))
    command("run", "--once")
    publish(site, range(1, 6))
    command("run", "--once", "--now")
    publish(site, range(5, 0, -1), title="Renamed")
    command("run", "--once", "--now")
    shown = command.json("feeds", "show", "1")
    assert [(poll["outcome"], poll["seen"], poll["new"], poll["changed"]) for poll in shown["polls"]] == [
        ("ok", 5, 0, 0), ("ok", 5, 1, 0), ("ok", 5, 5, 0),
    ]  # fmt: skip
    assert shown["feed"]["title"] == "Renamed"
    assert len(command.json("articles", "list")) == 6


def test_what_a_broken_document_changed_is_set_right_by_the_next_good_one(command, site):
    base = site.url("").rstrip("/")
    good, bad = (rss(base, [item(base, 1, title=title)]) for title in ("The right title", "A mangled title"))
    site.page("/a/1", page("story 1"))
    command.feeds(site.url("/feed.xml"))
    for document in (good, bad.replace("</item>", "</b></item>"), good.replace("<channel>", "<channel> ")):
        site.page("/feed.xml", document)
        command("run", "--once", "--now")
    assert [article["title"] for article in command.json("articles", "list")] == ["The right title"]


def test_what_is_not_due_is_not_polled(lite, site):
    publish(site, range(1))
    lite.feeds(site.url("/feed.xml"))
    lite("run", "--once")
    assert "feeds 0 ok, 0 not modified, 0 failed" in lite("run", "--once").stdout


def test_an_edited_page_of_a_changed_entry_revises_its_article(command, site):
    publish(site, [1])
    command.feeds(site.url("/feed.xml"))
    command("run", "--once")
    base = site.url("").rstrip("/")
    site.page("/feed.xml", rss(base, [item(base, 1, text="Corrected.")]))
    site.page("/a/1", page("story 1, corrected"))
    done = command("run", "--once", "--now")
    assert "entries 0 new, 1 changed · articles 0 stored, 0 known, 1 revised" in done.stdout
    assert [a["revision"] for a in command.json("articles", "list")] == [2]
    assert command.rows("SELECT revision FROM revisions") == [(1,)]


def test_one_article_in_two_feeds_is_one_article_read_once(command, site):
    base = site.url("").rstrip("/")
    site.page("/a/1", page("story 1"))
    site.page("/one.xml", rss(base, [item(base, 1, guid="one")]))
    site.page("/two.xml", rss(base, [item(base, 1, guid="two", link=f"{base}/a/1?utm_source=two")]))
    command.feeds(site.url("/one.xml"), site.url("/two.xml"))
    command("run", "--once", INGEST_ARTICLES_AT_ONCE="1")
    (article,) = command.json("articles", "list")
    assert article["entries"] == 2
    assert len(article["feeds"]) == 2
    assert len(site.seen("/a/1")) == 1


def test_a_syndicated_copy_at_another_host_is_recognised_by_its_text(command, site):
    with Site("127.0.0.9") as other:
        for one in (site, other):
            base = one.url("").rstrip("/")
            one.page("/feed.xml", rss(base, [item(base, 1, title=f"As {one.host} calls it")]))
            one.page("/a/1", page("the wire's story"))
        command.feeds(site.url("/feed.xml"), other.url("/feed.xml"))
        done = command("run", "--once")
    assert "articles 1 stored, 1 known" in done.stdout
    (article,) = command.json("articles", "list")
    assert article["entries"] == 2


def test_rotating_guids_make_no_second_article(command, site):
    base = site.url("").rstrip("/")
    command.feeds(site.url("/feed.xml"))
    site.page("/a/1", page("story 1"))
    for turn in range(3):
        site.page("/feed.xml", rss(base, [item(base, 1, guid=f"turn-{turn}")]))
        command("run", "--once", "--now")
    assert len(command.json("articles", "list")) == 1
    assert command.rows("SELECT count(*) FROM entries") == [(3,)]


def test_where_the_page_cannot_be_had_the_feeds_own_text_is_kept_and_the_page_is_tried_again(command, site):
    base = site.url("").rstrip("/")
    site.page("/feed.xml", rss(base, [item(base, 1, text=prose("from the feed"))]))
    site.page("/a/1", status=503)
    command.feeds(site.url("/feed.xml"))
    command("run", "--once")
    (article,) = command.json("articles", "list")
    assert (article["body_source"], article["text"]) == ("feed", prose("from the feed"))
    shown = command.json("feeds", "show", site.url("/feed.xml"))
    (waiting,) = shown["unfinished_entries"]
    assert (waiting["state"], waiting["attempts"], waiting["next_try_at"] is not None) == ("pending", 1, True)
    assert "503" in waiting["reason"]


def test_a_page_that_comes_back_replaces_the_feeds_text(command, site):
    base = site.url("").rstrip("/")
    site.page("/feed.xml", rss(base, [item(base, 1, text=prose("from the feed"))]))
    site.page("/a/1", status=503)
    command.feeds(site.url("/feed.xml"))
    command("run", "--once", INGEST_ARTICLES_RETRY_S="1")
    site.page("/a/1", page("story 1"))

    def is_read():
        command("run", "--once")
        return [a["body_source"] for a in command.json("articles", "list")] == ["page"]

    until(is_read)
    assert command.json("feeds", "show", site.url("/feed.xml"))["unfinished_entries"] == []


def test_with_full_text_off_no_page_is_asked_for(command, site):
    base = site.url("").rstrip("/")
    site.page("/feed.xml", rss(base, [item(base, 1, text=prose(1)), item(base, 2)]))
    command.feeds(site.url("/feed.xml"))
    done = command("run", "--once", INGEST_FULL_TEXT="false")
    assert "articles 2 stored" in done.stdout
    assert [seen.path for seen in site.requests] == ["/feed.xml"]
    assert {a["title"]: a["quality"] for a in command.json("articles", "list")} == {"Story 1": "summary", "Story 2": "none"}


def test_good_feeds_are_unaffected_by_bad_ones_and_each_bad_one_says_why(command, site):
    publish(site, range(2))
    bad = {
        "/gone": {"status": 410},
        "/missing": {"status": 404},
        "/broken": {"status": 500},
        "/page": {"body": "<!doctype html><html><title>Welcome</title><body>hello</body></html>"},
        "/busy": {"status": 429, "headers": {"Retry-After": "120"}},
        "/empty": {"body": ""},
    }
    sites = []
    for number, (path, answer) in enumerate(bad.items()):
        other = Site(f"127.0.1.{number + 1}").__enter__()
        other.page(path, **answer)
        sites.append((other, path))
    silent = Site("127.0.1.99").__enter__()
    silent.raw("/silent", HANG)
    try:
        command.feeds(site.url("/feed.xml"), *(other.url(path) for other, path in sites), silent.url("/silent"))
        done = command("run", "--once", code=3)
    finally:
        for other, _ in (*sites, (silent, "")):
            other.__exit__(None, None, None)
    assert "feeds 1 ok, 0 not modified, 7 failed · entries 2 new, 0 changed · articles 2 stored" in done.stdout
    outcomes = {feed["url"].rpartition("/")[2]: feed["outcome"] for feed in command.json("feeds", "list")}
    assert outcomes == {
        "feed.xml": "ok", "gone": "gone", "missing": "http_error", "broken": "http_error", "page": "not_a_feed",
        "busy": "rate_limited", "empty": "not_a_feed", "silent": "timeout",
    }  # fmt: skip


def test_retry_after_holds_even_when_everything_is_asked_for(command, site):
    site.page("/feed.xml", status=429, headers={"Retry-After": "3600"})
    command.feeds(site.url("/feed.xml"))
    command("run", "--once", code=3)
    command("run", "--once", "--now")
    assert len(site.requests) == 1


def test_filters_keep_entries_from_becoming_articles(command, site):
    publish(site, range(3))
    command.feeds(site.url("/feed.xml"), block='["story 1"]')
    assert "entries 3 new, 0 changed · articles 2 stored" in command("run", "--once").stdout
    assert command.rows("SELECT reason FROM entries WHERE state = 'blocked'") == [("blocked by filter 'story 1'",)]


def test_a_feed_that_leaves_the_list_is_paused_and_its_articles_stay(command, site):
    publish(site, range(2))
    command.feeds(site.url("/feed.xml"))
    command("run", "--once")
    command.feeds()
    (feed,) = command.json("feeds", "list")
    assert (feed["state"], feed["articles"]) == ("paused", 2)
    assert len(command.json("articles", "list")) == 2


@pytest.mark.parametrize("as_url", [False, True], ids=["file", "url"])
def test_an_opml_file_or_url_serves_as_feed_list(lite, site, as_url):
    publish(site, range(2))
    opml = f'<opml version="2.0"><body><outline text="x" xmlUrl="{site.url("/feed.xml")}"/></body></opml>'
    site.page("/list.opml", opml)
    (lite.folder / "list.opml").write_text(opml)
    place = site.url("/list.opml") if as_url else "list.opml"
    assert "articles 2 stored" in lite("run", "--once", "--feeds", place).stdout


def test_a_login_in_an_opml_list_is_sent_to_its_feed_and_stored_nowhere(lite, site):
    publish(site, range(1))
    (lite.folder / "list.opml").write_text(
        f'<opml version="2.0"><body><outline xmlUrl="{site.url("/feed.xml").replace("//", "//me:sesame@")}"/></body></opml>'
    )
    said = lite("run", "--once", "--feeds", "list.opml")
    assert site.seen("/feed.xml")[0].headers["authorization"] == "Basic bWU6c2VzYW1l"
    assert "sesame" not in said.stderr + said.stdout + lite("feeds", "list", "--json").stdout + lite("feeds", "export").stdout
    assert lite.rows("SELECT url FROM feeds") == [(site.url("/feed.xml"),)]


def test_logs_are_json_lines_when_stderr_is_no_terminal(lite, site):
    publish(site, range(1))
    lite.feeds(site.url("/feed.xml"))
    lines = [json.loads(line) for line in lite("run", "--once").stderr.splitlines()]
    assert [line["event"] for line in lines] == ["feed_polled", "article_ingested"]


def test_seeds_and_feeds_share_their_articles(command, site):
    text = prose("seeded", 80)
    (command.folder / "seeds").mkdir()
    (command.folder / "seeds/one.txt").write_text(f"date 2024-10-25 {text}\n\nAB/Example\n")
    assert command("seeds", "load").stdout == "seeds 1 stored, 0 known, 0 failed\n"
    assert command("seeds", "load").stdout == "seeds 0 stored, 1 known, 0 failed\n"
    base = site.url("").rstrip("/")
    site.page("/feed.xml", rss(base, [item(base, 1, text=text)]))
    command.feeds(site.url("/feed.xml"))
    assert "articles 0 stored, 1 known" in command("run", "--once", INGEST_FULL_TEXT="no").stdout
    (article,) = command.json("articles", "list")
    assert (article["body_source"], article["title_source"], article["credit"]) == ("seed", "derived", "AB/Example")
    assert article["published_at"].startswith("2024-10-25")
