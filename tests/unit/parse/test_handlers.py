"""No element, wherever it stands, costs the feed or the entry around it what they say themselves."""

import pytest

from ingest.parse.elements import ASIDES, DATES, HANDLED, LISTED, TEXTS, is_transparent
from tests.unit.parse.reading import DECLARED, PREFIXES, only, read, rss

# Names of keys that feedparser keeps things under, and elements whose handlers in feedparser convert without looking.
STRANGE = {
    *("authors", "cloud", "contributor", "contributors", "entries", "expirationdate", "geo_point", "height", "ingest_dates"),
    *("links", "media_credit", "media_player", "media_rating", "media_restriction", "newlocation", "psc_chapter", "where"),
    *("gml_poslist", "georss_polygon", "dcterms_valid", "title_detail", "value", "webmaster", "width", "x_any"),
}
NAMES = sorted((HANDLED | TEXTS | ASIDES | LISTED | set(DATES) | STRANGE) - {"rss", "channel", "feed", "item", "entry"})
CONTAINERS = STRANGE | {"author", "managingeditor", "image", "textinput", "source"}
ATTRIBUTES = ("", 'url="http://u.example/x" href="/h" text="t" type="x/y" rel="license" start="1" srsName="EPSG:x"')
BODIES = (
    "",
    "word",
    "<title>IN</title><link>http://in.example/</link><url>/u.png</url><name>N</name><email>n@in.example</email>",
)
FORMATS = {
    "rss": '<rss version="2.0" {ns}><channel><title>Feed</title>{head}<item>{before}<title>One</title>'
    "<link>http://l.example/1</link><guid>1</guid>{behind}</item>{between}<item><title>Two</title></item></channel></rss>",
    "atom": '<feed xmlns="http://www.w3.org/2005/Atom" {ns}><title>Feed</title>{head}<entry>{before}<title>One</title>'
    '<link href="http://l.example/1"/><id>1</id>{behind}</entry>{between}<entry><title>Two</title></entry></feed>',
    "rdf": '<rdf:RDF xmlns="http://purl.org/rss/1.0/" {ns}><channel><title>Feed</title>{head}</channel><item rdf:about="1">'
    "{before}<title>One</title><link>http://l.example/1</link>{behind}</item>{between}<item><title>Two</title></item></rdf:RDF>",
}


def tag(name: str) -> str:
    prefix, _, local = name.partition("_")
    return f"{prefix}:{local}" if local and prefix in PREFIXES else name


@pytest.mark.parametrize("place", ["head", "before", "behind", "between"])
@pytest.mark.parametrize("kind", FORMATS)
def test_element_in_an_unusual_place_costs_nothing(kind: str, place: str) -> None:
    for name in NAMES:
        for attributes in ATTRIBUTES:
            for body in BODIES[: 3 if name in CONTAINERS and not is_transparent(name) else 2]:
                element = f"<{tag(name)} {attributes}>{body}</{tag(name)}>"
                places = {"head": "", "before": "", "behind": "", "between": "", "ns": DECLARED} | {place: element}
                parsed = read(FORMATS[kind].format(**places))
                first, second = parsed.entries
                said = {"title": first.title, "guid": first.guid, "link": first.url}
                wanted = {"title": "One", "guid": "1", "link": "http://l.example/1"}
                said.pop("guid" if name == "id" else name, None)
                assert said == {key: wanted[key] for key in said}, element
                assert second.title == "Two", element
                assert parsed.head.title == "Feed" or name == "title", element


def test_what_stands_in_an_unknown_element_is_not_the_entrys_own() -> None:
    inside = (
        "<related><title>Other</title><link>http://o.example/</link><guid>o</guid><pubDate>2 Jun 2025</pubDate>"
        "<author>Somebody</author><category>c</category><enclosure url='http://o.example/x'/></related><title>Mine</title>"
    )
    entry = only(rss(f"<item>{inside}</item>"))
    assert (entry.title, entry.url, entry.guid, entry.published_raw) == ("Mine", None, None, None)
    assert (entry.authors, entry.categories, entry.enclosures) == ((), (), ())


def test_groups_are_looked_into() -> None:
    inside = "<enclosures><enclosure url='http://o.example/x'/></enclosures><categories><category>c</category></categories>"
    entry = only(rss(f"<item>{inside}</item>"))
    assert ([e.url for e in entry.enclosures], entry.categories) == (["http://o.example/x"], ("c",))


def test_image_of_an_entry_is_not_the_feeds() -> None:
    head = "<title>T</title><image><url>/feed.png</url><title>I</title></image>"
    image = "<image><url>/entry.png</url><x>?</x><title>J</title><link>/l</link></image>"
    parsed = read(rss(f"<item>{image}</item><item><image>/plain.png</image></item>", head=head))
    assert (parsed.head.title, parsed.head.image_url) == ("T", "https://a.example/feed.png")
    assert [entry.image_urls for entry in parsed.entries] == [
        ("https://a.example/entry.png",), ("https://a.example/plain.png",),
    ]  # fmt: skip
    assert [(entry.title, entry.url) for entry in parsed.entries] == [(None, None), (None, None)]


def test_image_beside_the_channel_is_the_feeds() -> None:
    text = (
        f'<rdf:RDF xmlns="http://purl.org/rss/1.0/" {DECLARED}><channel><title>T</title></channel>'
        "<image><title>I</title><url>/i.png</url></image></rdf:RDF>"
    )
    head = read(text).head
    assert (head.title, head.image_url) == ("T", "https://a.example/i.png")


def test_text_that_never_ends_does_not_swallow_the_next_entry() -> None:
    text = "<item><guid>1</guid><description>a <b>b</item>"
    text += "<item><guid>2</guid><source>s<title>T</title></item><item><guid>3</guid></item>"
    parsed = read(rss(text))
    assert parsed.repaired
    assert [entry.guid for entry in parsed.entries] == ["1", "2", "3"]


def test_drawing_in_a_text_keeps_its_title_to_itself() -> None:
    svg = "<svg:svg xmlns:svg='http://www.w3.org/2000/svg'><svg:title>S</svg:title></svg:svg><p>words</p>"
    entry = only(
        f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>T</title><content type='xhtml'>{svg}</content></entry></feed>"
    )
    assert (entry.title, entry.content) == (
        "T",
        '<svg xmlns="http://www.w3.org/2000/svg"><title>S</title></svg><p>words</p>',
    )


def test_feed_inside_a_content_is_no_entry() -> None:
    inner = "<content type='application/atom+xml'><entry><id>2</id></entry></content>"
    parsed = read(f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id>{inner}</entry></feed>")
    assert [(entry.guid, entry.content) for entry in parsed.entries] == [("1", None)]


def test_source_of_a_picture_in_a_text_is_no_source_of_the_entry() -> None:
    inner = (
        "<content type='xhtml'><picture><source srcset='x'/><img src='/y'/></picture></content><author><name>N</name></author>"
    )
    entry = only(f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id>{inner}</entry></feed>")
    assert entry.authors == ("N",)
    assert entry.content is not None
    assert "https://a.example/y" in entry.content


def test_head_behind_its_items_has_its_title() -> None:
    rdf = "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'"
    parsed = read(f"<rdf:RDF {rdf}><item><title>one</title></item><channel><title>News</title></channel></rdf:RDF>")
    assert (parsed.head.title, parsed.entries[0].title) == ("News", "one")


def test_content_of_the_feed_is_none_of_its_first_entry() -> None:
    entry = "<item><description>one</description><description>two</description></item>"
    first, second = read(rss(f"<content>of the feed</content>{entry}{entry}")).entries
    assert first == second
    assert (first.summary, first.content) == ("one", "two")
