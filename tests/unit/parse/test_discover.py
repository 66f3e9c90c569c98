"""Feeds that a page points to, the likeliest first."""

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


@pytest.mark.parametrize(("page", "title"), [("<title>\n A </title>", "A"), ("<title></title>", None), ("x", None)])
def test_title_is_one_line(page: str, title: str | None) -> None:
    assert find_title(page) == title
