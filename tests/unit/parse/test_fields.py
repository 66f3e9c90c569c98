"""Where each field of an entry and of a feed may come from, and what wins."""

import pytest

from ingest.model import Enclosure
from tests.unit.parse.reading import DECLARED, only, read, rss

ATOM = f'<feed xmlns="http://www.w3.org/2005/Atom" {DECLARED}>'


def item(inside: str) -> str:
    return rss(f"<item>{inside}</item>")


# ── dates ──


@pytest.mark.parametrize(
    ("inside", "published", "updated"),
    [
        ("<pubDate>2 Jun 2025</pubDate><dc:date>2025-05-01</dc:date>", ("2 Jun 2025", "pubDate"), ("2025-05-01", "dc:date")),
        ("<dc:date>2025-05-01</dc:date>", ("2025-05-01", "dc:date"), ("2025-05-01", "dc:date")),
        ("<pubDate>soon</pubDate><dc:date>2025-05-01</dc:date>", ("2025-05-01", "dc:date"), ("2025-05-01", "dc:date")),
        ("<pubDate>soon</pubDate>", ("soon", "pubDate"), (None, None)),
        ("<pubDate>1 May 2025</pubDate><pubDate>soon</pubDate>", ("1 May 2025", "pubDate"), (None, None)),
        (
            "<dcterms:modified>2025-05-02</dcterms:modified>",
            ("2025-05-02", "dcterms:modified"),
            ("2025-05-02", "dcterms:modified"),
        ),
        ("<prism:publicationDate>2025-05-03</prism:publicationDate>", ("2025-05-03", "prism:publicationDate"), (None, None)),
    ],
)
def test_date_comes_with_its_words_and_its_source(inside: str, published: tuple[str, str], updated: tuple[str, str]) -> None:
    entry = only(item(inside))
    assert (entry.published_raw, entry.published_source) == published
    assert (entry.updated_raw, entry.updated_source) == updated
    assert (entry.published_at is None) == (published[0] == "soon")


def test_entry_that_only_says_when_it_changed_was_published_then() -> None:
    entry = only(f"{ATOM}<entry><updated>2025-05-01T10:00:00Z</updated></entry></feed>")
    assert entry.published_at == entry.updated_at is not None
    assert entry.published_source == "atom:updated"


def test_cdf_says_dates_and_links_in_attributes() -> None:
    inside = "<item href='/1' lastmod='2025-05-01T10:00'><title>One</title><abstract>A</abstract></item>"
    entry = only(f"<channel href='/'><title>T</title>{inside}</channel>")
    assert (entry.url, entry.title, entry.summary) == ("https://a.example/1", "One", "A")
    assert (entry.updated_source, entry.published_source) == ("lastmod", "lastmod")


# ── links ──


@pytest.mark.parametrize("unwanted", ["\x9d", "\u202e", "\ufeff", "\u200f"])
def test_no_address_keeps_control_characters_or_marks_of_direction(unwanted: str) -> None:
    inside = (
        f"<link>m{unwanted}g</link><comments>/c{unwanted}</comments><enclosure url='https://a.example/{unwanted}1.mp3'/>"
        f"<description>&lt;a href='/d{unwanted}'&gt;&lt;img src='p&amp;#{ord(unwanted)};.png'&gt;</description>"
    )
    entry = only(item(inside))
    assert (entry.url, entry.comments_url) == ("https://a.example/mg", "https://a.example/c")
    assert [enclosure.url for enclosure in entry.enclosures] == ["https://a.example/1.mp3"]
    assert unwanted not in (entry.summary or "")


def test_no_base_keeps_marks_of_direction() -> None:
    inside = '<link href="1"/><content type="html">&lt;a href="2"></content>'
    entry = only(f'{ATOM}<entry xml:base="/x\u202e/">{inside}</entry></feed>')
    assert (entry.url, entry.content) == ("https://a.example/x/1", '<a href="https://a.example/x/2">')


def test_link_typed_as_a_page_beats_a_bare_one() -> None:
    links = '<link href="/bare"/><link rel="alternate" type="text/html; charset=utf-8" href="/page"/>'
    assert only(f"{ATOM}<entry>{links}</entry></feed>").url == "https://a.example/page"


def test_link_of_rss_is_as_explicit_as_a_typed_one() -> None:
    assert only(
        item('<link>/own</link><atom:link xmlns:atom="http://www.w3.org/2005/Atom" type="text/html" href="/x"/>')
    ).url == ("https://a.example/own")


def test_relation_may_be_written_as_an_address() -> None:
    link = '<link rel="http://www.iana.org/assignments/relation/self" href="/f"/>'
    assert read(f"{ATOM}{link}</feed>").head.self_url == "https://a.example/f"


def test_content_that_stands_elsewhere_is_the_page() -> None:
    entry = only(f'{ATOM}<entry><content type="text/html" src="/elsewhere"/></entry></feed>')
    assert (entry.url, entry.content) == ("https://a.example/elsewhere", None)


def test_address_of_an_rdf_item_is_its_page() -> None:
    text = f'<rdf:RDF xmlns="http://purl.org/rss/1.0/" {DECLARED}><item rdf:about="http://a.example/1"/></rdf:RDF>'
    assert only(text).url == "http://a.example/1"


def test_original_address_serves_where_there_is_no_link() -> None:
    assert only(item("<feedburner:origLink>http://o.example/1</feedburner:origLink>")).url == "http://o.example/1"


def test_relative_addresses_stay_as_they_are_where_no_base_is_known() -> None:
    inside = (
        '<item><link>/a</link><enclosure url="b.mp3"/><comments>javascript:x</comments></item><item><link>urn:x</link></item>'
        "<item><description>&lt;a href='c'&gt;</description></item>"
    )
    first, second, third = read(rss(inside, head="<link>http://site.example/</link>"), url="").entries
    assert (first.url, first.enclosures[0].url, first.comments_url) == ("/a", "b.mp3", None)
    assert (second.url, third.summary) == (None, "<a href='c'>")


def test_content_location_is_the_base_and_xml_base_above_it() -> None:
    inside = '<item><link>x</link></item><item xml:base="http://c.example/"><enclosure url="y"/></item>'
    first, second = read(rss(inside), content_location="/deep/f.xml").entries
    assert (first.url, second.enclosures[0].url) == ("https://a.example/deep/x", "http://c.example/y")


# ── people ──


@pytest.mark.parametrize(
    ("inside", "authors"),
    [
        ("<itunes:author>Show</itunes:author><dc:creator>Ada</dc:creator>", ("Ada",)),
        ("<itunes:author>Show</itunes:author>", ("Show",)),
        ("<author>a@b.example</author><itunes:author>Show</itunes:author>", ("Show",)),
        ("<author>a@b.example</author><dc:creator>Ada</dc:creator>", ("Ada",)),
        ("<author>a@b.example</author>", ("a@b.example",)),
        ("<dc:creator>Ada</dc:creator><dc:creator>Bob</dc:creator>", ("Ada", "Bob")),
        ("", ()),
    ],
)
def test_people_are_named_by_whom_an_item_knows_best(inside: str, authors: tuple[str, ...]) -> None:
    head = "<managingEditor>e@b.example (Ed)</managingEditor><itunes:author>Net</itunes:author>"
    parsed = read(rss(f"<item>{inside}</item>", head=head))
    assert parsed.entries[0].authors == authors
    assert parsed.head.authors == ("Ed",)


def test_atom_hands_down_authors_of_the_source_before_those_of_the_feed() -> None:
    source = "<source><author><name>S</name></author></source>"
    parsed = read(f"{ATOM}<author><name>F</name></author><entry>{source}</entry><entry/></feed>")
    assert [entry.authors for entry in parsed.entries] == [("S",), ("F",)]


def test_second_author_is_not_called_like_the_first() -> None:
    people = "<author><name>A</name></author><author><email>b@b.example</email><name>B</name></author>"
    assert only(f"{ATOM}<entry>{people}</entry></feed>").authors == ("A", "B")


# ── words ──


def test_own_words_win_over_those_of_extensions() -> None:
    inside = (
        "<media:title>M</media:title><dc:title>D</dc:title><itunes:summary>I</itunes:summary><dc:description>DD</dc:description>"
        "<media:description>MD</media:description><title>T</title><description>Own</description><itunes:subtitle>S</itunes:subtitle>"
    )
    entry = only(item(inside))
    assert (entry.title, entry.summary, entry.content) == ("T", "Own", None)


@pytest.mark.parametrize(
    ("inside", "summary"),
    [
        ("<itunes:subtitle>S</itunes:subtitle><itunes:summary>I</itunes:summary>", "I"),
        ("<itunes:subtitle>S</itunes:subtitle>", "S"),
        ("<media:description>1 &lt; 2</media:description>", "1 &lt; 2"),
        ("<dcterms:abstract>A</dcterms:abstract>", "A"),
        ("<media:group><media:description>a</media:description><media:description>b</media:description></media:group>", "a"),
    ],
)
def test_extensions_speak_where_an_entry_has_no_words(inside: str, summary: str) -> None:
    assert only(item(inside)).summary == summary


def test_empty_element_takes_nothing_back() -> None:
    entry = only(item("<title>T</title><title/><guid>g</guid><guid/><description>d</description><description/>"))
    assert (entry.title, entry.guid, entry.summary) == ("T", "g", "d")


@pytest.mark.parametrize(
    ("attributes", "body", "content"),
    [
        ('type="words"', "1 &lt; 2", "1 &lt; 2"),
        ('type="application/octet-stream"', "PHA+d29yZHM8L3A+", "<p>words</p>"),
        ('type="application/octet-stream"', "/////w==", None),
        ('type="image/png"', "PHA+d29yZHM8L3A+", None),
    ],
)
def test_content_of_any_type_that_is_text_is_read(attributes: str, body: str, content: str | None) -> None:
    assert only(f"{ATOM}<entry><content {attributes}>{body}</content></entry></feed>").content == content


def test_long_texts_that_begin_alike_are_told_apart() -> None:
    same = "<p>" + "The same words. " * 400
    entry = only(
        item(f"<description><![CDATA[{same}]]></description><content:encoded><![CDATA[{same} More.]]></content:encoded>")
    )
    assert entry.summary is not None
    assert entry.content is not None


# ── what it is about ──


def test_keywords_count_where_an_item_is_filed_under_nothing() -> None:
    keywords = "<itunes:keywords>a, b,</itunes:keywords>"
    assert only(item(f"{keywords}<category>c</category>")).categories == ("c",)
    assert only(item(f"{keywords}<dc:subject>d</dc:subject>")).categories == ("d", "a", "b")
    assert only(item("<media:keywords>m</media:keywords><category>c</category>")).categories == ("m", "c")


def test_language_of_an_entry_is_what_it_says_itself() -> None:
    inside = "<item><title xml:lang='de'>T</title></item><item><dc:language>fr</dc:language></item><item><title>T</title></item>"
    parsed = read(rss(inside, head="<language>en</language>"), content_language="da")
    assert (parsed.head.language, [entry.language for entry in parsed.entries]) == ("en", ["de", "fr", None])


def test_language_around_an_entry_is_none_of_its_own() -> None:
    text = "<item><title>T</title><description>d</description></item>"
    parsed = read(rss(text, head="<language>de</language>").replace("<rss ", "<rss xml:lang='en' "))
    assert (parsed.head.language, parsed.entries[0].language) == ("de", None)


@pytest.mark.parametrize(
    ("inside", "rights"),
    [
        ("<dc:rights>D</dc:rights>", "D"),
        ('<cc:license rdf:resource="http://l.example/by"/>', "http://l.example/by"),
        ("<creativecommons:license>http://l.example/sa</creativecommons:license>", "http://l.example/sa"),
        ('<dc:rights>D</dc:rights><cc:license rdf:resource="http://l.example/by"/>', "D"),
    ],
)
def test_rights_are_words_or_a_licence(inside: str, rights: str) -> None:
    assert only(item(inside)).rights == rights


@pytest.mark.parametrize(
    ("inside", "location"),
    [
        ("<georss:point>48.2 16.4</georss:point>", (48.2, 16.4)),
        ("<geo:lat>-33.9</geo:lat><geo:long>151.2</geo:long>", (-33.9, 151.2)),
        ("<geo:Point><geo:lat>1</geo:lat><geo:long>2</geo:long></geo:Point>", (1.0, 2.0)),
        ("<georss:where><gml:Point><gml:pos>48.2, 16.4</gml:pos></gml:Point></georss:where>", (48.2, 16.4)),
        ("<georss:point>148.2 16.4</georss:point>", None),
        ("<geo:lat>1</geo:lat>", None),
    ],
)
def test_place_is_latitude_and_longitude(inside: str, location: tuple[float, float] | None) -> None:
    assert only(item(inside)).location == location


# ── media ──


def test_films_beside_an_enclosed_film_are_that_one_in_other_sizes() -> None:
    inside = (
        '<enclosure url="/a.mp4" type="video/mp4"/><media:content url="/b.mp4" type="video/mp4"/>'
        '<media:content url="/c.mp3?x=1"/><media:content url="/d.jpg"/><media:content url="/e" medium="image"/>'
    )
    entry = only(item(inside))
    assert [enclosure.url for enclosure in entry.enclosures] == ["https://a.example/a.mp4", "https://a.example/c.mp3?x=1"]
    assert entry.image_urls == ("https://a.example/d.jpg", "https://a.example/e")


def test_pictures_come_from_wherever_they_are_named() -> None:
    inside = (
        '<media:thumbnail url="/t.png"/><media:thumbnail>/u.png</media:thumbnail><itunes:image href="/i.png"/>'
        '<enclosure url="/e.png" type="image/png"/>'
    )
    assert [url.rpartition("/")[2] for url in only(item(inside)).image_urls] == ["t.png", "u.png", "e.png", "i.png"]


def test_transcripts_are_kept() -> None:
    said = '<podcast:transcript url="/t.vtt" type="text/vtt"/><podcast:transcript url="javascript:x"/>'
    assert only(item(said)).transcripts == (Enclosure("https://a.example/t.vtt", "text/vtt"),)


def test_duration_may_have_fractions() -> None:
    entry = only(item('<enclosure url="/a.mp3" length="12"/><itunes:duration>61.7</itunes:duration>'))
    assert entry.enclosures == (Enclosure("https://a.example/a.mp3", None, 12, 61),)


# ── the feed ──


def test_archives_and_complete_feeds_say_so() -> None:
    head = read(f"{ATOM}<id> urn:x </id><rights>R</rights><fh:archive/><fh:complete/></feed>").head
    assert (head.id, head.rights, head.is_archive, head.is_complete) == ("urn:x", "R", True, True)
    assert not read(f"{ATOM}</feed>").head.is_archive


def test_history_is_known_by_its_namespace_whatever_its_prefix() -> None:
    text = '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:old="http://purl.org/syndication/history/1.0"><old:archive/></feed>'
    assert read(text).head.is_archive


def test_frequency_without_a_period_is_one_a_day() -> None:
    assert read(rss("", head="<sy:updateFrequency>4</sy:updateFrequency>")).head.update_period_s == 21_600


def test_words_of_extensions_describe_a_feed_that_does_not() -> None:
    own = "<description>Own</description>"
    assert read(rss("", head=f"{own}<itunes:subtitle>I</itunes:subtitle>")).head.description == "Own"
    assert read(rss("", head="<itunes:subtitle>I</itunes:subtitle>")).head.description == "I"


def test_date_of_a_feed_is_believed_like_any_other() -> None:
    head = "<lastBuildDate>1 Jan 1970 00:00:00 GMT</lastBuildDate><pubDate>1 Jun 2025 00:00:00 GMT</pubDate>"
    when = read(rss("", head=head)).head.updated_at
    assert when is not None
    assert when.year == 2025


def test_what_is_odd_is_counted_in_good_grammar() -> None:
    odd = "<item><title>A</title><pubDate>soon</pubDate></item>"
    assert read(rss(odd)).warnings == ("1 entry with a date that cannot be read or believed",)
    links = "<item><title>B</title><link>javascript:x()</link></item>" * 2
    assert read(rss(odd + links)).warnings == (
        "1 entry with a date that cannot be read or believed",
        "2 entries with a link that is not http(s)",
    )


def test_generator_of_rdf_is_an_address() -> None:
    head = '<title>T</title><admin:generatorAgent rdf:resource="https://press.example/?v=1"/>'
    assert read(f'<rdf:RDF xmlns="http://purl.org/rss/1.0/" {DECLARED}><channel>{head}</channel></rdf:RDF>').head.generator == (
        "https://press.example/?v=1"
    )


def test_licenses_of_creative_commons_are_the_rights() -> None:
    address = "https://creativecommons.org/licenses/by/4.0/"
    assert only(item(f'<cc:license rdf:resource="{address}"/>')).rights == address
    assert only(item(f"<creativecommons:license>{address}</creativecommons:license>")).rights == address


def test_site_whose_address_was_escaped_twice_is_found() -> None:
    head = "<title>T</title><link>https://a.example/?a=1&amp;amp;b=2</link>"
    assert read(rss("", head=head)).head.site_url == "https://a.example/?a=1&b=2"


@pytest.mark.parametrize("first", ["xmlns:m='http://search.yahoo.com/mrss/'", "xmlns:other='urn:u'"])
def test_namespaces_that_an_item_declares_do_not_count_in_the_next(first: str) -> None:
    second = "<item><title>B</title><m:thumbnail xmlns:m='urn:u' url='/b.jpg'/></item>"
    entries = read(rss(f"<item {first}><title>A</title></item>{second}")).entries
    assert entries[1:] == read(rss(second)).entries
    assert entries[1].image_urls == ()
