"""The facts of a page, from whichever of its sources has them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.extract.metadata import Metadata, find_metadata

URL = "https://www.a.example/news/1"
DAY = datetime(2025, 6, 2, tzinfo=UTC)


def read(page: str, url: str = URL) -> Metadata:
    return find_metadata(page, url=url, now=datetime(2025, 7, 1, tzinfo=UTC))


def linked(data: str) -> str:
    return f'<script type="application/ld+json">{data}</script>'


@pytest.mark.parametrize(
    ("page", "title"),
    [
        (linked('{"@type":"BlogPosting","headline":"A"}') + '<meta property="og:title" content="B">', "A"),
        ('<meta property="og:title" content="B &amp; C"><h1>D</h1>', "B & C"),
        ("<h1></h1><h1>D <b>e</b></h1><title>F</title>", "D e"),
        ("<title>\nFerry — Site</title><meta property='og:site_name' content='Site'>", "Ferry"),
        ("<title>Site</title><meta property='og:site_name' content='Site'>", "Site"),
        ("<h1>never closed", None),
        ("", None),
    ],
)
def test_title(page: str, title: str | None) -> None:
    assert read(page).title == title


@pytest.mark.parametrize(
    "page",
    [
        linked('{"@type":"NewsArticle","datePublished":"2025-06-02"}'),
        linked('[{"@type":"WebPage","mainEntity":{"@type":"Article","datePublished":"2025-06-02T00:00:00Z"}}]'),
        linked('//<![CDATA[\n{"@type":"Article","datePublished":"2025-06-02"};\n//]]>'),
        linked('{"@type":"Article"}') + linked('{"@type":"Article","datePublished":"2025-06-02"}'),
        linked('{"@type":"Article","datePublished":"soon","dateCreated":"2025-06-02"}'),
        "<meta name='Date' content='2025-06-02'>",
        "<meta itemprop=datePublished content='Mon, 02 Jun 2025 00:00:00 GMT'>",
        "<time datetime='2999-01-01'>x</time><time>y</time><time datetime=2025-06-02>z</time>",
    ],
)
def test_date(page: str) -> None:
    assert read(page).published_at == DAY


def test_date_in_the_future_is_not_believed() -> None:
    assert read("<meta name=date content=2999-01-01>").published_at is None


@pytest.mark.parametrize(
    ("page", "authors"),
    [
        (linked('{"@type":"Article","author":"A &amp; B"}'), ("A", "B")),
        (linked('{"@type":"Article","author":{"name":["A","C"]}}'), ("A", "C")),
        (linked('{"@type":"Article","creator":[{"name":"A"},{"@id":"x"},5]}'), ("A",)),
        ("<meta name=author content='By Ada Pike, Tom Reed and Lea Holm'>", ("Ada Pike", "Tom Reed", "Lea Holm")),
        ("<meta property='article:author' content='https://x.example/a'><meta name=byl content='Ada Pike'>", ("Ada Pike",)),
        ("<meta name=author content='@handle'>", ()),
        ("", ()),
    ],
)
def test_authors(page: str, authors: tuple[str, ...]) -> None:
    assert read(page).authors == authors


@pytest.mark.parametrize(
    ("href", "found"),
    [
        ("/news/one", "https://www.a.example/news/one"),
        ("https://a.example/news/one", "https://a.example/news/one"),
        ("https://m.a.example/news/one", "https://m.a.example/news/one"),
        ("https://shop.a.example/news/one", "https://shop.a.example/news/one"),
        ("https://b.example/news/one", None),
        ("https://evil-a.example/news/one", None),
        ("https://www.a.example/", None),
        ("javascript:x", None),
        ("", None),
    ],
)
def test_canonical_address_stays_on_its_site(href: str, found: str | None) -> None:
    assert read(f'<link rel="Canonical" href="{href}">').canonical_url == found


def test_home_page_may_be_its_own_canonical_address() -> None:
    assert read('<link rel=canonical href="https://a.example/">', "https://a.example").canonical_url == "https://a.example/"


@pytest.mark.parametrize(
    "page",
    [
        "<html lang='de-AT'>",
        "<html xml:lang=de>",
        "<meta property='og:locale' content='de_DE'>",
        linked('{"@type":"Article","inLanguage":"de"}'),
    ],
)
def test_language(page: str) -> None:
    assert read(page).language == "de"


@pytest.mark.parametrize(
    "data", ["{broken", "[" * 100_000, "[]" * 2, '"text"', "[" + '{"@graph":[1]},' * 3_000 + "1]", '{"@type":5}']
)
def test_broken_linked_data_is_passed_over(data: str) -> None:
    assert read(linked(data) + "<h1>T</h1>") == Metadata(title="T")


def test_linked_data_without_end_is_passed_over() -> None:
    assert read('<script type="application/ld+json">{"@type":"Article","headline":"x"}') == Metadata()
    assert read(linked(" " * 600_000 + '{"@type":"Article","headline":"x"}')) == Metadata()


@given(st.text(max_size=300), st.text(max_size=30))
def test_any_text_has_facts_or_none(page: str, url: str) -> None:
    assert isinstance(read(page, url), Metadata)
