"""What is overridden in feedparser, and that nothing else is."""

import io
from pathlib import Path

import feedparser
import pytest

from ingest.parse import parse
from ingest.policy import ParsePolicy
from tests.unit.parse.reading import NOW, only, read, rss

FEEDS = Path(__file__).parents[2] / "data" / "feeds"


@pytest.mark.parametrize(
    "name", ["rss20-news.xml", "atom10-blog.xml", "rdf10-library.xml", "wordpress.xml", "rfc5005-archive.xml"]
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_our_driver_finds_what_feedparser_itself_finds(name: str) -> None:
    body = (FEEDS / name).read_bytes()
    theirs = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    ours = parse(body, url="https://a.example/", headers={}, policy=ParsePolicy(), now=NOW)
    assert ours.head.format == theirs.version
    assert [entry.guid for entry in ours.entries] == [entry.id for entry in theirs.entries]


def test_document_without_entries_is_a_success() -> None:
    parsed = read("<feed xmlns='http://www.w3.org/2005/Atom'/>")
    assert (parsed.entries, parsed.repaired, parsed.head.format) == ((), None, "atom10")


def test_first_entries_are_kept_when_there_are_too_many() -> None:
    parsed = read(rss("".join(f"<item><guid>{n}</guid></item>" for n in range(5))), max_entries=3)
    assert [entry.guid for entry in parsed.entries] == ["0", "1", "2"]
    assert parsed.is_cut


def test_entries_are_capped_in_broken_documents_too() -> None:
    parsed = read(rss("".join(f"<item><guid>{n}</guid><b></item>" for n in range(5))), max_entries=3)
    assert (len(parsed.entries), parsed.is_cut) == (3, True)
    assert "mismatched tag" in (parsed.repaired or "")


def test_entries_are_capped_in_mended_documents_too() -> None:
    parsed = read(rss("".join(f"<item><guid>{n}</guid><title>a&b</title></item>" for n in range(5))), max_entries=3)
    assert (len(parsed.entries), parsed.is_cut, parsed.entries[0].title) == (3, True, "a&b")


def test_mail_address_gives_way_to_the_name_beside_it() -> None:
    authors = ("ada@press.example (Ada Pike)", "Ada Pike &lt;ada@press.example&gt;", "ada@press.example")
    assert [only(rss(f"<item><author>{said}</author></item>")).authors for said in authors] == [
        ("Ada Pike",), ("Ada Pike",), ("ada@press.example",),
    ]  # fmt: skip


def test_plain_text_is_stored_as_html() -> None:
    feed = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><summary type='text'>1 &lt; 2\n\nnext</summary></entry></feed>"
    assert only(feed).summary == "<p>1 &lt; 2</p><p>next</p>"


def test_longest_text_is_the_content() -> None:
    entry = only(
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><summary>s</summary><content type="text">short</content>'
        '<content type="html">a longer text</content><content type="image/png">QUJDRA==</content></entry></feed>'
    )
    assert (entry.summary, entry.content) == ("s", "a longer text")


def test_summary_that_only_repeats_the_content_is_none() -> None:
    inside = "<item><description>Same &lt;b&gt;words&lt;/b&gt;</description><content:encoded>Same words</content:encoded></item>"
    text = rss(inside).replace("<rss ", '<rss xmlns:content="http://purl.org/rss/1.0/modules/content/" ')
    assert (only(text).summary, only(text).content) == (None, "Same words")


def test_links_in_markup_are_resolved_against_the_nearest_base() -> None:
    entry = only(
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry xml:base="https://b.example/x/">'
        "<content type='html'>&lt;a href='y?a=1&amp;amp;b'&gt;y&lt;/a&gt; &lt;a href='#n'&gt;n&lt;/a&gt; "
        "&lt;img src=\"http://c.example/i\"&gt; &lt;a href='mailto:a@b'&gt;m&lt;/a&gt;</content></entry></feed>"
    )
    assert entry.content == (
        '<a href="https://b.example/x/y?a=1&amp;b">y</a> '
        "<a href='#n'>n</a> "
        '<img src="http://c.example/i"> '
        "<a href='mailto:a@b'>m</a>"
    )


def test_html_link_is_preferred_among_alternates() -> None:
    entry = only(
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link type="application/json" href="/j"/>'
        '<link type="text/html" href="/h"/><link rel="via" href="/v"/></entry></feed>'
    )
    assert entry.url == "https://a.example/h"


def test_first_alternate_of_any_type_serves_where_none_is_html() -> None:
    text = '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link type="application/pdf" href="/p"/></entry></feed>'
    assert only(text).url == "https://a.example/p"


def test_language_of_the_response_is_the_feeds_where_it_names_none() -> None:
    assert read(rss("<item/>"), content_language="da").head.language == "da"


def test_senseless_hints_are_absent() -> None:
    head = read(
        rss("", head="<ttl>-5</ttl><skipHours><hour>25</hour><hour>x</hour></skipHours><skipDays><day>Someday</day></skipDays>")
    ).head
    assert (head.ttl_s, head.skip_hours, head.skip_days, head.update_period_s) == (None, (), (), None)


def test_huge_ttl_is_believed_for_a_month_at_most() -> None:
    assert read(rss("", head="<ttl>999999999</ttl>")).head.ttl_s == 30 * 86_400


def test_entities_a_document_defines_are_used_when_they_are_plain_text() -> None:
    text = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY co "Pike &#38; Co"><!ENTITY name "Pike"><!ENTITY x "&name;">]>' + rss(
        "<item><title>&name; &x;</title></item>"
    )
    assert only(text).title == "Pike &x;"


def test_text_input_inside_an_item_costs_nothing() -> None:
    inside = "<textInput><title>Search</title><name>q</name><link>/search</link></textInput><title>T</title>"
    entry = only(rss(f"<item>{inside}</item>"))
    assert (entry.title, entry.url) == ("T", None)


def test_fault_is_told_by_its_line_in_the_document() -> None:
    assert read('<?xml version="1.0"?>\n<!-- a\nb -->\n<rss><channel>\n<title>&bogus;</title></channel></rss>').repaired == (
        "line 5: undefined entity"
    )


def test_entity_that_the_document_defines_is_no_fault_of_its_author() -> None:
    document = (
        '<!DOCTYPE rss [<!ENTITY co "Example &#169; Ltd"><!ENTITY x "y">]>\n<rss><channel><title>&x;</title></channel></rss>'
    )
    parsed = read(document)
    assert (parsed.head.title, parsed.repaired) == ("y", "line 2: an entity of the document's own DTD")


def test_namespace_that_one_item_declares_means_nothing_to_the_next() -> None:
    first = "<item><guid>1</guid><media:x xmlns:media='urn:u'/></item>"
    second = "<item><guid>2</guid><u:thumbnail xmlns:u='urn:u' url='https://a.example/t.jpg'/></item>"
    assert read(rss(first + second)).entries[1] == read(rss(second)).entries[0]


def test_namespace_of_an_entry_makes_no_format() -> None:
    items = "<item xmlns:a='http://www.w3.org/2005/Atom'><guid>1</guid></item><item><guid>2</guid></item>"
    parsed = read(f"<channel><author>Jo</author>{items}</channel>")
    assert (parsed.head.format, [entry.authors for entry in parsed.entries]) == ("xml", [(), ()])
