"""Feeds that a page points to, the likeliest first."""

import time

import pytest

from ingest.parse import find_feeds, likely_feed_urls
from ingest.parse.discover import FoundFeed, find_title

PAGE = "https://site.example/news/"


def urls(page: str) -> list[str]:
    return [feed.url for feed in find_feeds(page, PAGE)]


def test_declared_feeds_come_with_title_and_type() -> None:
    page = '<link rel="alternate" type="application/atom+xml" title="Main &amp; all" href="/feed">'
    assert find_feeds(page, PAGE) == (FoundFeed("https://site.example/feed", "Main & all", "application/atom+xml"),)


def test_likeliest_comes_first() -> None:
    page = """
      <a href="https://other.example/rss.xml">elsewhere</a> <a href="/about">about</a> <a href="rss">here</a>
      <link rel=alternate type=application/json href=/data.json>
      <link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed">
      <link rel='alternate home' type='application/rss+xml; charset=utf-8' href='/feed'>
      <link rel="alternate" hreflang="de" href="/de"> <link rel="stylesheet" type="text/xml" href="/s">
    """
    assert urls(page) == [
        "https://site.example/feed", "https://site.example/data.json", "https://site.example/comments/feed",
        "https://site.example/news/rss", "https://other.example/rss.xml",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "link",
    [
        '<link rel="ALTERNATE" type="text/rss+xml" href="/f">', '<link rel="alternate" type="application/x-atom+xml" href="/f">',
        "<link rel=alternate type=application/rdf+xml href=/f>", '<link rel="alternative" type="application/rss+xml" href="/f">',
        '<link rel="feed alternate" href="/f">', '<link href="/f" type="application/feed+json">',
        '<a href="feed:https://site.example/f">', '<a href="/f" type="application/rss+xml">',
        '<a rel=feed href="/f">', '<link rel="alternate" type="application/rss+xml" href="/f" href="/g">',
        '<link rel="alternate" type="application/rss+xml" href="\n /f\t">',
        "<LINK REL='alternate' TYPE='application/atom+xml' HREF='/f'/>",
    ],
)  # fmt: skip
def test_feed_is_found_however_the_page_says_it(link: str) -> None:
    assert urls(f"<p>{link}</p>") == ["https://site.example/f"]


@pytest.mark.parametrize(
    "link",
    [
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/1">', '<link rel="alternate" href="/de">',
        '<link rel="alternate" type="application/json+oembed" href="/oembed?url=x">',
        '<link rel="preload" type="text/xml" href="/feed">',
        '<link rel="search" type="application/opensearchdescription+xml" href="/o.xml">',
        '<link rel="alternate" type="text/html" href="/feed">',
        '<a href="/feedback">', '<a href="mailto:feed@site.example">',
    ],
)  # fmt: skip
def test_other_links_are_no_feeds(link: str) -> None:
    assert urls(link) == []


@pytest.mark.parametrize("scheme", ["feed://", "itpc://", "pcast:", "podcast://"])
def test_address_that_opens_a_reader_is_taken_without_its_scheme(scheme: str) -> None:
    assert urls(f'<a href="{scheme}other.example/x">') == ["http://other.example/x"]


def test_untyped_alternate_counts_where_its_address_looks_like_a_feed() -> None:
    assert urls('<link rel="alternate" href="/atom.xml">') == ["https://site.example/atom.xml"]


def test_link_behind_a_megabyte_of_script_is_found() -> None:
    assert urls("<script>" + "x" * 1_000_000 + '</script><link rel="feed" href="/f">') == ["https://site.example/f"]


@pytest.mark.parametrize(
    "piece",
    ["<link ", '<link "', "<a href='/feed/", "<a href='/feed'>", "<!--", "<!-- -->", "<base href=x>", "<link rel=feed href=/{n}>",
     "<title "],
)  # fmt: skip
def test_pages_of_any_size_take_no_time(piece: str) -> None:
    page = "".join(piece.replace("{n}", str(n)) for n in range(10_000_000 // len(piece)))
    started = time.process_time()
    assert len(find_feeds(page, PAGE)) <= 100
    find_title(page)
    assert time.process_time() - started < 1  # 0.1 on an idle machine


def test_feed_named_twice_is_found_once_at_its_best() -> None:
    assert urls('<a href="/feed">f</a><link rel="feed" href="/feed"><a href="/feed">f</a>') == ["https://site.example/feed"]


def test_base_of_the_page_counts() -> None:
    assert urls('<base href="/b/"><link rel="feed" href="f">') == ["https://site.example/b/f"]
    assert urls('<base href="javascript:x"><link rel="feed" href="f">') == ["https://site.example/news/f"]


def test_links_in_comments_and_to_nowhere_are_none() -> None:
    assert urls('<!-- <link rel="feed" href="/a"> --><link rel="feed" href="javascript:x"><link rel="feed"> <!-- open') == []


def test_page_may_be_given_as_bytes() -> None:
    page = '<meta charset="windows-1251"><link rel="feed" title="Ёж" href="/f">'.encode("windows-1251")
    assert find_feeds(page, PAGE)[0].title == "Ёж"


def test_usual_places_are_on_the_site() -> None:
    assert "https://site.example/feed/" in likely_feed_urls(PAGE)
    assert likely_feed_urls("no address") == ()


@pytest.mark.parametrize(
    ("page", "first"),
    [
        ("https://a.example", "https://a.example/feed/"), ("https://a.example/blog", "https://a.example/blog/feed/"),
        ("https://a.example/blog/?x=1#y", "https://a.example/blog/feed/"), ("https://a.example/b/i.html", "https://a.example/b/feed/"),
    ],
)  # fmt: skip
def test_feed_below_the_page_is_likelier_than_that_of_the_whole_site(page: str, first: str) -> None:
    found = likely_feed_urls(page)
    assert found[0] == first
    assert "https://a.example/feed/" in found
    assert len(set(found)) == len(found) <= 20


@pytest.mark.parametrize(("page", "title"), [("<title>\n A </title>", "A"), ("<title></title>", None), ("x", None)])
def test_title_is_one_line(page: str, title: str | None) -> None:
    assert find_title(page) == title
