"""The facts of a page, from whichever of its sources has them."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ExtractError
from ingest.extract.metadata import Metadata, Source, find_metadata
from ingest.extract.tree import parse_tree

URL = "https://www.a.example/news/1"
DAY = datetime(2025, 6, 2, tzinfo=UTC)


def read(page: str, url: str = URL) -> Metadata:
    return find_metadata(parse_tree(page or "<html></html>"), url=url, now=datetime(2025, 7, 1, tzinfo=UTC))


def linked(data: str) -> str:
    return f'<script type="application/ld+json">{data}</script>'


@pytest.mark.parametrize(
    ("page", "title", "source"),
    [
        (linked('{"@type":"BlogPosting","headline":"A"}') + '<meta property="og:title" content="B">', "A", Source.LINKED_DATA),
        (linked('{"@type":"Article","headline":"A &amp; <em>B</em>"}'), "A & B", Source.LINKED_DATA),
        ('<meta property="og:title" content="B &amp; C"><h1>D</h1>', "B & C", Source.META),
        ('<meta property="og:title" content="B &amp;#8211; C">', "B – C", Source.META),
        ('<meta property="og:title" content="All about &lt;br&gt; tags">', "All about <br> tags", Source.META),
        (
            "<meta property='og:title' content='Ferry sails again: read more'><h1>Ferry sails again</h1>",
            "Ferry sails again",
            "page",
        ),
        (
            "<h1>The Gazette</h1><h1>Ferry sails again</h1><title>Ferry sails again - Home</title>",
            "Ferry sails again",
            Source.PAGE,
        ),
        ("<h1></h1><h1>D <b>e</b></h1><title>F</title>", "D e", Source.PAGE),
        ("<h1><span>Ferry</span><br>sails<script>x</script></h1>", "Ferry sails", Source.PAGE),
        ("<title>\nFerry — Site</title><meta property='og:site_name' content='Site'>", "Ferry", Source.PAGE),
        ("<title>Site</title><meta property='og:site_name' content='Site'>", "Site", Source.PAGE),
        ("<h1>never closed", "never closed", Source.PAGE),
        ("", None, None),
    ],
)
def test_title(page: str, title: str | None, source: Source | None) -> None:
    found = read(page)
    assert (found.title, found.title_source) == (title, source)


@pytest.mark.parametrize(
    ("title", "without"),
    [
        ("Ferry sails - The Harbour Post", "Ferry sails"),
        ("Ferry sails | Harbour-Post", "Ferry sails"),
        ("The Harbour Post: Ferry sails", "Ferry sails"),
        ("Ferry sails – and returns – The Harbour Post", "Ferry sails – and returns"),
        ("Ferry sails | gazette.example", "Ferry sails"),
        ("Ferry sails | Gazette", "Ferry sails"),
        ("Ferry sails - slowly", "Ferry sails - slowly"),
        ("The Harbour Post", "The Harbour Post"),
    ],
)
def test_title_loses_the_name_of_its_site(title: str, without: str) -> None:
    site = "<meta property='og:site_name' content='The Harbour Post'>"
    publisher = linked('{"@type":"WebPage","publisher":{"@type":"Organization","name":"Harbour Post"}}')
    assert read(f"<title>{title}</title>{site}{publisher}", "https://www.gazette.example/1").title == without


@pytest.mark.parametrize(
    "page",
    [
        linked('{"@type":"NewsArticle","datePublished":"2025-06-02"}'),
        linked('[{"@type":"WebPage","mainEntity":{"@type":"Article","datePublished":"2025-06-02T00:00:00Z"}}]'),
        linked('//<![CDATA[\n{"@type":"Article","datePublished":"2025-06-02"};\n//]]>'),
        linked('{"@type":"Article"}') + linked('{"@type":"Article","datePublished":"2025-06-02"}'),
        linked('{"@type":"Article","datePublished":"soon","dateCreated":"2025-06-02"}'),
        linked('{"@type":"WebPage","datePublished":"2025-06-02"}'),
        "<meta name='Date' content='2025-06-02'>",
        "<meta itemprop=datePublished content='Mon, 02 Jun 2025 00:00:00 GMT'>",
        "<span itemprop=datePublished>2 June 2025</span>",
        "<time datetime='2999-01-01'>x</time><time>y</time><time datetime=2025-06-02>z</time>",
        "<time datetime=2024-01-01>other</time><h1>T</h1><time datetime=2025-06-02>z</time>",
        "<h1>T</h1><div class=related><time datetime=2024-01-01>x</time></div><time datetime=2025-06-02>z</time>",
        "<h1>T</h1><time class=updated datetime=2025-06-09>x</time><time datetime=2025-06-02>z</time>",
        "<h1>T</h1><div class=article-date>Published 2 June 2025</div>",
        "<h1>T</h1><p>June 2, 2025</p>",
    ],
)
def test_date(page: str) -> None:
    assert read(page).published_at == DAY


def test_date_in_the_future_is_not_believed() -> None:
    assert read("<meta name=date content=2999-01-01>").published_at is None


def test_day_in_the_address_serves_where_no_element_says_one() -> None:
    assert read("<h1>T</h1><p>3 May 2025</p>", "https://a.example/2025/06/02/ferry").published_at == DAY


def test_date_in_running_text_is_none_of_the_article() -> None:
    assert read("<h1>T</h1><p>" + "The ferry sank in the harbour, " * 3 + "on 2 June 2025</p>").published_at is None


@pytest.mark.parametrize(
    ("page", "source"),
    [
        (linked('{"@type":"Article","dateModified":"2025-06-02"}'), Source.LINKED_DATA),
        ("<meta property='article:modified_time' content='2025-06-02T00:00:00Z'>", Source.META),
        ("<time class=updated datetime=2025-06-02>x</time>", Source.PAGE),
    ],
)
def test_date_of_the_last_change(page: str, source: Source) -> None:
    found = read(page)
    assert (found.modified_at, found.modified_source) == (DAY, source)


@pytest.mark.parametrize(
    ("page", "authors"),
    [
        (linked('{"@type":"Article","author":"A &amp; B"}'), ("A", "B")),
        (linked('{"@type":"Article","author":{"name":["A","C"]}}'), ("A", "C")),
        (linked('{"@type":"Article","creator":[{"name":"A"},{"@id":"x"},5]}'), ("A",)),
        (linked('{"@type":"Article","author":{"givenName":"Ada","familyName":"Pike"}}'), ("Ada Pike",)),
        (
            linked('{"@graph":[{"@type":"Article","author":{"@id":"#a"}},{"@type":"Person","@id":"#a","name":"Ada Pike"}]}'),
            ("Ada Pike",),
        ),
        ("<meta name=author content='By Ada Pike, Tom Reed and Lea Holm'>", ("Ada Pike", "Tom Reed", "Lea Holm")),
        ("<meta property='article:author' content='https://x.example/a'><meta name=byl content='Ada Pike'>", ("Ada Pike",)),
        ("<meta name=twitter:label1 content='Written by'><meta name=twitter:data1 content='Ada Pike'>", ("Ada Pike",)),
        ("<meta name=author content='@handle'>", ()),
        ("<a rel=author href=/x>Ada Pike</a>", ("Ada Pike",)),
        ("<div itemprop=author><span itemprop=name>Ada Pike</span>, the best</div>", ("Ada Pike",)),
        ("<p class=byline>By <a>Ada Pike</a> and <a>Tom Reed</a> <span>2 June 2025</span></p>", ("Ada Pike", "Tom Reed")),
        ("<div class=ArticleAuthor__wrap><b>Written by</b><span>Ada Pike</span><i>Senior Editor</i></div>", ("Ada Pike",)),
        ("<p><a href=/authors/ada-pike>Ada Pike</a></p>", ("Ada Pike",)),
        ("<h1>T</h1><p>By Ada Pike</p><p>The ferry sailed.</p>", ("Ada Pike",)),
        ("<a rel=author href=/x>ada</a>", ("ada",)),
        ("<div class=comments><p class=author>Tom Reed</p></div>", ()),
        ("<footer><a rel=author>Tom Reed</a></footer>", ()),
        ("<p class=author>Read more</p>", ()),
        ("", ()),
    ],
)
def test_authors(page: str, authors: tuple[str, ...]) -> None:
    assert read(page).authors == authors


@pytest.mark.parametrize(
    ("page", "authors", "source"),
    [
        ("", ("The Gazette",), Source.LINKED_DATA),
        ("<meta name=author content='The Gazette'>", ("The Gazette",), Source.LINKED_DATA),
        ("<meta name=author content='Ada Pike'>", ("Ada Pike",), Source.META),
        ("<p class=byline>By Ada Pike</p>", ("Ada Pike",), Source.PAGE),
    ],
)
def test_organisation_is_the_author_where_nobody_is_named(page: str, authors: tuple[str, ...], source: Source) -> None:
    data = linked('{"@type":"Article","author":{"@type":"NewsMediaOrganization","name":"The Gazette"}}')
    found = read(data + page)
    assert (found.authors, found.authors_source) == (authors, source)


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
    assert read(page + "<p>x").language == "de"


@pytest.mark.parametrize(
    ("page", "direction"),
    [
        ("<html dir=rtl><p>x", "rtl"),
        ("<html><body dir=RTL><p>x", "rtl"),
        ("<html dir=auto><h1>שלום עולם</h1>", "rtl"),
        ("<html dir=ltr><h1>שלום עולם</h1>", "ltr"),
        ("<h1>مرحبا BBC</h1>", "rtl"),
        ("<h1>Ferry</h1>", "ltr"),
        ("", "ltr"),
    ],
)
def test_direction(page: str, direction: str) -> None:
    assert read(page).direction == direction


@pytest.mark.parametrize(
    "page",
    [
        "<meta property='og:image' content='/a.jpg'>",
        "<link rel=image_src href=/a.jpg>",
        linked('{"@type":"Article","image":"https://www.a.example/a.jpg"}'),
        linked('{"@type":"Article","image":[{"@type":"ImageObject","url":"/a.jpg"},"/b.jpg"]}'),
        linked('{"@graph":[{"@type":"Article","image":{"@id":"#i"}},{"@type":"ImageObject","@id":"#i","contentUrl":"/a.jpg"}]}'),
    ],
)
def test_lead_image_is_absolute(page: str) -> None:
    assert read(page).image_url == "https://www.a.example/a.jpg"


@pytest.mark.parametrize(
    "page",
    [
        linked('{"@type":"Article","keywords":["Sea","Ships","sea"]}').replace(',"sea"', ""),
        linked('{"@type":"Article","keywords":"Sea, Ships"}'),
        linked('{"@type":"Article","keywords":[{"@type":"DefinedTerm","name":"Sea"},{"name":"Ships"}]}'),
        "<meta property='article:tag' content='Sea'><meta property='article:tag' content='Ships'>",
        "<meta name=keywords content='Sea,Ships'>",
    ],
)
def test_tags(page: str) -> None:
    assert read(page).tags == ("Sea", "Ships")


def test_description_site_and_body() -> None:
    data = linked(
        '{"@type":"Article","description":"Short.","articleBody":"Long &amp; plain.","publisher":{"name":"The Gazette"}}'
    )
    found = read(data + "<meta name=description content='Other.'>")
    assert (found.description, found.site_name, found.article_body) == ("Short.", "The Gazette", "Long & plain.")
    assert read("<meta name=description content='Other.'>").description == "Other."


@pytest.mark.parametrize(
    ("said", "is_free"),
    [
        ('"isAccessibleForFree":false', False),
        ('"isAccessibleForFree":"False"', False),
        ('"isAccessibleForFree":"http://schema.org/True"', True),
        ('"hasPart":{"@type":"WebPageElement","isAccessibleForFree":false}', False),
        ('"isAccessibleForFree":"perhaps"', None),
        ('"headline":"x"', None),
    ],
)
def test_whether_an_article_is_free_is_as_its_page_says(said: str, is_free: bool | None) -> None:
    assert read(linked(f'{{"@type":"NewsArticle",{said}}}')).is_free is is_free


@pytest.mark.parametrize(
    "data", ["{broken", "[" * 100_000, "[]" * 2, '"text"', "[" + '{"@graph":[1]},' * 3_000 + "1]", '{"@type":5}']
)
def test_broken_linked_data_is_passed_over(data: str) -> None:
    assert read(linked(data) + "<h1>T</h1>") == Metadata(title="T", title_source=Source.PAGE)


def test_too_long_linked_data_is_passed_over() -> None:
    assert read(linked(" " * 600_000 + '{"@type":"Article","headline":"x"}')) == Metadata()


HOSTILE = {
    "meta elements": "<meta property='og:title' content='a - b - c'>" * 40_000,
    "authors in meta elements": "<meta name=author content='a, b c and d e'>" * 40_000,
    "a huge attribute": f"<meta name=author content='{'a@' * 1_000_000}'><p class='{'author ' * 100_000}'>x</p>",
    "deep JSON": linked("[" * 400_000) + linked('{"a":' * 90_000),
    "spaces in broken JSON": linked('{"@type":"Article",' + " " * 400_000 + "x"),
    "commas in broken JSON": linked('{"@type":"Article",' + "," * 400_000),
    "many articles": linked("[" + '{"@type":"Article","url":["/a","/b"],"datePublished":"x"},' * 8_000 + "1]"),
    "many dates": linked('{"@type":"Article","datePublished":[' + '"x",' * 100_000 + '"x"]}'),
    "bylines": "<p class=author>x y</p>" * 40_000,
    "authors in markup": "<a rel=author itemprop=author>x</a>" * 40_000,
    "deep bylines": "<div class='author comment'>" * 190 + "<a class=author itemprop=author>Ada Pike</a>" * 20_000,
    "times": "<h1>T</h1>" + "<time datetime=x class=date>y</time>" * 40_000,
    "headings": "<h1>a - b</h1>" * 40_000,
    "a long heading": "<h1>" + "a - " * 500_000 + "</h1>",
    "long bylines": f"<p class=byline>{'a' * 1_000_000}</p><p class=byline>{' ' * 1_000_000}</p>",
    "brackets": f"<p class=author>{'(' * 1_000_000}</p>",
}


@pytest.mark.parametrize("page", HOSTILE.values(), ids=HOSTILE)
def test_hostile_page_stays_cheap(page: str) -> None:
    tree = parse_tree("<html><body>" + page)
    started = time.process_time()
    find_metadata(tree, url=URL, now=DAY)
    assert time.process_time() - started < 1


@given(st.text(max_size=300), st.text(max_size=30))
def test_any_text_has_facts_or_none(page: str, url: str) -> None:
    try:
        tree = parse_tree(page)
    except ExtractError:
        return
    assert isinstance(find_metadata(tree, url=url, now=DAY), Metadata)


MARKUP = (
    *(
        "<p class=author>",
        "<time datetime='2025'>",
        "<h1>",
        "</h1>",
        "<a rel=author>",
        "By Ada Pike",
        " and ",
        ", ",
        "<meta name=author",
    ),
    *(
        " content='",
        "'>",
        "<script type=application/ld+json>",
        '{"@type":"Article","author":',
        '[{"name":"x"}]',
        "}",
        "</script>",
    ),
    *(
        "<title>",
        "</title>",
        " - ",
        "a.example",
        "<span itemprop=datePublished>",
        "1 May 2025",
        "<link rel=canonical href='",
        "&#0;",
    ),
)


@given(st.lists(st.sampled_from(MARKUP), min_size=1, max_size=30))
def test_any_markup_has_facts_or_none(pieces: list[str]) -> None:
    assert isinstance(read("<html>" + "".join(pieces)), Metadata)
