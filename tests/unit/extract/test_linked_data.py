"""JSON-LD as publishers write it, which is not always JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.extract.linked_data import LinkedData, Named, read_linked_data

URL = "https://a.example/news/ferry"


def read(*scripts: str) -> LinkedData:
    return read_linked_data(scripts, url=URL)


@pytest.mark.parametrize(
    "script",
    [
        '{"@type":"Article","headline":"A"}',
        '{"@type":["Thing","NewsArticle"],"headline":"A",}',
        '{"@type":"Article","tags":["x",],"headline":"A",\n}',
        '<!-- {"@type":"Article","headline":"A"} -->',
        '/*<![CDATA[*/ {"@type":"Article","headline":"A"} /*]]>*/',
        '\ufeff{"@type":"Article","headline":"A"};',
        '{"@type":"Article","description":"one\ntwo\tthree","headline":"A"}',
        '{"@type":"Article","description":"it\\\'s","headline":"A"}',
        '{"@type":"WebSite"}{"@type":"Article","headline":"A"}',
        '{"@type":"Article","headline":"A"} and more',
        "{&quot;@type&quot;:&quot;Article&quot;,&quot;headline&quot;:&quot;A&quot;}",
        '{"@type":"Article","description":"a "quoted" word","headline":"A"}',
        '{"@type":"Article","headline":"A","description":"cut of',
    ],
    ids=lambda script: script[:40],
)
def test_headline_is_read_from_what_is_nearly_json(script: str) -> None:
    assert read(script).headlines == ("A",)


def test_author_and_date_are_read_from_what_is_no_json() -> None:
    found = read('{"@type":"Article","author":[{"@type":"Person","name":"Ada Pike"}],"datePublished":"2025-06-02","x":"a "b" c"}')
    assert (found.authors, found.published) == ((Named("Ada Pike"),), ("2025-06-02",))


def test_article_of_the_page_is_told_from_others_by_its_address() -> None:
    other = {"@type": "Article", "headline": "Other", "url": "https://a.example/news/other"}
    own = {"@type": "Article", "headline": "Own", "mainEntityOfPage": {"@id": "https://a.example/news/ferry/"}}
    assert read(json.dumps([other, own])).headlines == ("Own",)


def test_articles_in_a_list_come_last() -> None:
    listed = {
        "@type": "ItemList",
        "itemListElement": [{"item": {"@type": "Article", "headline": "Listed", "datePublished": "x"}}],
    }
    assert read(json.dumps(listed), '{"@type":"Article","headline":"Own"}').headlines == ("Own",)


def test_scripts_about_the_same_article_complete_each_other() -> None:
    found = read('{"@type":"Article","headline":"A"}', '{"@type":"Article","headline":"A","author":"Ada Pike"}')
    assert found.authors == (Named("Ada Pike"),)


def test_scripts_about_other_articles_do_not() -> None:
    assert read('{"@type":"Article","headline":"A"}', '{"@type":"Article","headline":"B","author":"Ada Pike"}').authors == ()


def test_organisations_are_told_from_people() -> None:
    found = read('{"@type":"Article","author":[{"@type":"Organization","name":"Gazette"},{"@type":"Person","name":"Ada Pike"}]}')
    assert found.authors == (Named("Gazette", is_organisation=True), Named("Ada Pike"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(("Article", "#a", "WebPage")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("@type", "@id", "@graph", "author", "image", "name", "keywords", "hasPart", "url")), inner
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_value_can_be_read(value: object) -> None:
    assert isinstance(read(json.dumps({"@type": "Article", "author": value, "image": value, "@graph": value})), LinkedData)
