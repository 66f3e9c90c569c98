"""What stood in the last document word for word is cut out before it is parsed; what is left is read as in the whole document."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ingest.errors import ParseError
from ingest.model import Entry, ParsedFeed, SeenItems
from ingest.parse import key_entries, parse
from ingest.parse.prune import RECORD_BYTES, prune
from ingest.parse.scan import MalformedError
from ingest.policy import ParsePolicy

NOW = datetime(2026, 11, 22, tzinfo=UTC)
URL = "https://news.example/feed"
NAMESPACES = (
    'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:slash="http://purl.org/rss/1.0/modules/slash/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:thr="http://purl.org/syndication/thread/1.0"'
)


def item(name: str, inside: str = "") -> str:
    return f"<item><title>{name}</title><link>https://news.example/{name}</link><guid>tag:{name}</guid>{inside}</item>"


def bare(title: str, link: str = "") -> str:
    """An item without a guid."""
    return f"<item><title>{title}</title>{link and f'<link>{link}</link>'}</item>"


def rss(*items: str, head: str = "<title>News</title>", root: str = "") -> str:
    return f'<rss version="2.0" {NAMESPACES} {root}><channel>{head}{"".join(items)}</channel></rss>'


def atom(*entries: str, head: str = "", root: str = "", tail: str = "") -> str:
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES} {root}><title>News</title>{head}{"".join(entries)}{tail}</feed>'
    )


def read(document: str, seen: SeenItems | None = None, *, url: str = URL, max_entries: int = 2_000, **headers: str) -> ParsedFeed:
    policy = ParsePolicy(max_entries=max_entries)
    return parse(document.encode(), url=url, headers=headers, policy=policy, now=NOW, seen=seen)


def json_feed(*items: object, **head: object) -> str:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": items} | head)


def titles(parsed: ParsedFeed) -> list[str | None]:
    return [entry.title for entry in parsed.entries]


def after(first: str, second: str) -> ParsedFeed:
    """The second document read by one who has read the first."""
    return read(second, read(first).seen)


# ── what is cut out ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_document_before_everything_is_parsed():
    parsed = read(rss(item("a"), item("b")))
    assert (titles(parsed), parsed.pruned) == (["a", "b"], 0)
    assert parsed.seen
    assert len(parsed.seen.hashes) == 2 * RECORD_BYTES


def test_of_the_same_items_none_is_parsed_and_the_head_is_read_all_the_same():
    parsed = after(rss(item("a"), item("b")), rss(item("a"), item("b"), head="<title>New name</title>"))
    assert (titles(parsed), parsed.pruned, parsed.head.title) == ([], 2, "New name")


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (
            "<lastBuildDate>Sun, 22 Nov 2026 10:00:00 GMT</lastBuildDate>",
            "<lastBuildDate>Sun, 22 Nov 2026 10:05:00 GMT</lastBuildDate>",
        ),
        ("<!-- made in 0.2 s -->", "<!-- made in 0.1 s -->"),
        ("<ttl>60</ttl>", "\n  <ttl>60</ttl>\n"),
    ],
    ids=["date", "comment", "white space"],
)
def test_a_head_of_which_only_the_date_moved_is_not_read_again(before, now):
    head = "<title>News</title>"
    first = read(rss(item("a"), head=head + before))
    parsed = read(rss(item("a"), head=head + now), first.seen)
    assert (parsed.head, parsed.entries, parsed.pruned) == (first.head, (), 1)
    assert titles(read(rss(item("a"), item("b"), head=head + now), parsed.seen)) == ["b"]


def test_a_head_that_nobody_kept_is_read_though_nothing_changed():
    seen = read(rss(item("a"))).seen
    assert seen
    assert read(rss(item("a")), replace(seen, head=None)).head.title == "News"


def test_a_new_item_is_parsed_alone():
    parsed = after(rss(item("a"), item("b")), rss(item("new"), item("a"), item("b")))
    assert (titles(parsed), parsed.pruned) == (["new"], 2)


def test_an_item_that_says_something_else_is_parsed_again():
    parsed = after(rss(item("a"), item("b")), rss(item("a"), item("b", "<description>more</description>")))
    assert (titles(parsed), parsed.pruned) == (["b"], 1)


def test_what_is_remembered_are_all_items_of_the_document_the_pruned_ones_too():
    first, second = rss(item("a"), item("b")), rss(item("new"), item("a"), item("b"))
    assert after(first, second).seen == read(second).seen


def test_an_item_that_left_and_came_back_is_parsed_again():
    gone = after(rss(item("a"), item("b")), rss(item("a")))
    assert titles(read(rss(item("a"), item("b")), gone.seen)) == ["b"]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("<slash:comments>1</slash:comments>", "<slash:comments>27</slash:comments>"),
        (
            '<media:group><media:community><media:statistics views="9"/></media:community></media:group>',
            '<media:group><media:community><media:statistics views="80"/></media:community></media:group>',
        ),
        ("<slash:comments/>", "<slash:comments>1</slash:comments>"),
        ("<thr:total>1</thr:total>", "<thr:total>2</thr:total>"),
        (
            '<atom:link rel="replies" href="https://news.example/c" thr:count="1"/>',
            '<atom:link rel="replies" href="https://news.example/c" thr:count="2"></atom:link>',
        ),
    ],
    ids=["comments", "views", "first comment", "replies", "count of a link"],
)
def test_counters_make_no_item_new(before, now):
    assert titles(after(rss(item("a", before), item("b")), rss(item("a", now), item("b")))) == []


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (
            '<atom:link href="https://news.example/old" thr:count="3"/>',
            '<atom:link href="https://news.example/new" thr:count="3"/>',
        ),
        (
            "<media:community><media:title>old</media:title></media:community>",
            "<media:community><media:title>new</media:title></media:community>",
        ),
        ("<slash:comments>1<author>Jo</author></slash:comments>", "<slash:comments>1<author>Di</author></slash:comments>"),
    ],
    ids=["link", "title", "author"],
)
def test_what_more_than_counts_makes_an_item_new(before, now):
    assert titles(after(rss(item("a", before), item("b")), rss(item("a", now), item("b")))) == ["a"]


def test_what_stands_behind_a_counter_counts():
    before, now = (f"<slash:comments>1</slash:comments><description>{word}</description>" for word in ("old", "new"))
    assert titles(after(rss(item("a", before)), rss(item("a", now)))) == ["a"]


def test_items_of_rdf_and_of_every_atom_are_pruned():
    rdf = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel/>'
        '<item rdf:about="https://a.example/1"><title>1</title></item><item rdf:about="https://a.example/2"><title>2</title></item></rdf:RDF>'
    )
    old = (
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><id>1</id></entry><ENTRY><id>2</id></ENTRY></feed>'.replace(
            "ENTRY", "entry"
        )
    )
    new = atom("<entry><id>1</id></entry>", "<entry><id>2</id></entry>")
    for document in (rdf, old, new):
        assert (after(document, document).entries, after(document, document).pruned) == ((), 2)


def test_empty_items_end_where_they_end():
    document = rss("<item/>", item("a"), "<item />")
    parsed = after(rss(item("a")), document)
    assert (len(parsed.entries), parsed.pruned) == (2, 1)
    assert parsed.head.title == "News"


def test_a_mended_document_is_pruned_too():
    first, second = rss(item("a", "&nbsp;")), rss(item("b"), item("a", "&nbsp;"))
    parsed = after(first, second)
    assert (titles(parsed), parsed.pruned) == (["b"], 1)
    assert parsed.repaired


def test_what_no_parser_of_xml_reads_is_parsed_whole_and_leaves_nothing_to_prune_by():
    broken = rss(item("a"), "<item><title>b</item>")
    parsed = read(broken, read(rss(item("a"))).seen)
    assert titles(parsed)[0] == "a"
    assert (parsed.pruned, parsed.seen) == (0, None)


# ── what items inherit ──────────────────────────────────────────────────────────────────────────────────────────────────

ENTRY = '<entry><id>1</id><title>one</title><link href="1"/></entry>'


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (atom(ENTRY), atom(ENTRY, head="<author><name>Jo</name></author>")),
        (atom(ENTRY), atom(ENTRY, tail="<author><name>Jo</name></author>")),
        (atom(ENTRY), atom(ENTRY, root='xml:base="https://other.example/"')),
        (atom(ENTRY), atom(ENTRY, root='xml:lang="de"')),
        (rss(item("a"), head="<language>en</language>"), rss(item("a"), head="<language>de</language>")),
        (rss(item("a")), rss(item("a"), root='xmlns:dc="http://purl.org/dc/elements/1.1/"')),
    ],
    ids=["author", "author behind", "base", "lang", "language", "namespace"],
)
def test_when_what_items_inherit_has_changed_all_are_parsed_again(before, now):
    parsed = after(before, now)
    assert (parsed.entries, parsed.pruned) == (read(now).entries, 0)


def test_under_another_address_or_language_of_the_answer_all_are_parsed_again():
    seen = read(atom(ENTRY)).seen
    assert read(atom(ENTRY), seen).pruned == 1
    assert read(atom(ENTRY), seen, url="https://moved.example/feed").pruned == 0
    assert read(atom(ENTRY), seen, **{"content-language": "de"}).pruned == 0


def test_a_token_in_the_address_changes_nothing():
    seen = read(atom(ENTRY), url=f"{URL}?token=1").seen
    assert read(atom(ENTRY), seen, url=f"{URL}?token=2#top").pruned == 1


# ── items whose keys depend on each other ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (item("a"), item("a").replace("<title>a", "<title>another")),
        (item("a"), item("a").replace("news.example/a", "news.example/other")),
        (bare("x", "https://news.example/x"), bare("y", "https://news.example/x?utm_source=feed")),
        (bare("x", "https://news.example/x"), bare("y", "/x")),
        (bare("x"), bare("y")),
        (bare("x"), "<item><title>y</title><link>javascript:go()</link></item>"),
        (bare("x"), "<item><title>y</title><guid><b>1</b></guid></item>"),
        (bare("x"), '<item><title>y</title><shop:link xmlns:shop="urn:shop">https://news.example/y</shop:link></item>'),
        (bare("x"), '<item><title>y</title><atom:link rel="self" href="https://news.example/y"/></item>'),
        (bare("x", "https://news.example/x"), '<item><title>y</title><link url="https://news.example/x"/></item>'),
        (bare("x", "https://news.example/x"), '<item><title>y</title><link title="href" href="https://news.example/x"/></item>'),
        (bare("x", "https://news.example/x"), '<item xml:base="https://news.example/x"><title>y</title><link>#top</link></item>'),
        ("<item><guid>1</guid><title>x</title></item>", "<item><guid>\u200e1</guid><title>y</title></item>"),
        (
            '<item><title>x</title><link>https://news.example/x</link><id xmlns="urn:shop">1</id></item>',
            '<item><title>y</title><link>https://news.example/x</link><id xmlns="urn:shop">2</id></item>',
        ),
        ('<item xml:base="https://news.example/s/"><link>x</link></item>', bare("y", "https://news.example/s/x")),
    ],
    ids=[
        "guid",
        "guid with another address",
        "address",
        "relative address",
        "neither",
        "no address",
        "no guid",
        "foreign link",
        "link to itself",
        "address as url",
        "address behind a title",
        "fragment",
        "control",
        "foreign id",
        "base of its own",
    ],
)
def test_items_that_may_be_taken_for_each_other_are_parsed_together(old, new):
    whole = read(rss(new, item("b"), old))
    parsed = after(rss(item("b"), old), rss(new, item("b"), old))
    assert [entry for entry in parsed.entries if entry.guid != "tag:b"] == [e for e in whole.entries if e.guid != "tag:b"]
    assert {one.key for one in key_entries(parsed.entries)} <= {one.key for one in key_entries(whole.entries)}


def test_beside_an_item_with_two_guids_all_are_parsed_when_one_is_new():
    both = item("a", "<guid>tag:b</guid>")
    assert after(rss(both, item("b")), rss(both, item("b"))).pruned == 2
    assert titles(after(rss(both, item("b"), item("c")), rss(item("new"), both, item("b"), item("c")))) == ["new", "a", "b", "c"]


# ── bounds ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_document_ends_before_the_first_item_too_many_and_what_is_left_is_closed():
    parsed = read(rss(*(item(str(n)) for n in range(10))), max_entries=4)
    assert (titles(parsed), parsed.is_cut) == (["0", "1", "2", "3"], True)
    again = read(rss(item("new"), *(item(str(n)) for n in range(10))), parsed.seen, max_entries=4)
    assert (titles(again), again.pruned, again.is_cut) == (["new"], 3, True)


def test_cut_items_are_not_remembered_and_come_when_there_is_room():
    parsed = read(rss(*(item(str(n)) for n in range(4))), max_entries=2)
    assert titles(read(rss(*(item(str(n)) for n in range(4))), parsed.seen)) == ["2", "3"]


@pytest.mark.parametrize(
    ("text", "is_early"), [("<rss><channel>", True), ("<rss><channel></rss>", False), ("<rss>&x;</rss>", False)]
)
def test_what_is_no_xml_is_refused(text, is_early):
    with pytest.raises(MalformedError) as caught:
        prune(text.encode(), url=URL, language=None, seen=None, max_entries=5)
    assert caught.value.ends_early is is_early
    assert caught.value.line == 1


def test_hashes_of_another_context_count_for_nothing():
    seen = read(rss(item("a"))).seen
    assert seen
    assert titles(read(rss(item("a")), replace(seen, context=b"another"))) == ["a"]


def test_entries_around_those_cut_out_are_what_they_were():
    entries = [
        f'<entry xml:lang="{language}"><id>{n}</id><link href="{n}"/><content type="xhtml" xml:base="sub/">'
        f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="x">é &lt; 日本 {n}</a></div></content></entry>'
        for n, language in enumerate(("de", "fr", "en"))
    ]
    whole: tuple[Entry, ...] = read(atom(*entries)).entries
    for place in range(3):
        others = atom(*(entry for at, entry in enumerate(entries) if at != place))
        assert after(others, atom(*entries)).entries == (whole[place],)


# ── JSON Feed ───────────────────────────────────────────────────────────────────────────────────────────────────────────

A, B = ({"id": name, "url": f"https://news.example/{name}", "title": name, "content_text": f"about {name}"} for name in "ab")


def test_of_a_json_feed_only_unseen_items_are_read():
    parsed = after(json_feed(A, B), json_feed({"id": "new", "title": "new"}, A, B | {"content_text": "more"}))
    assert (titles(parsed), parsed.pruned) == (["new", "b"], 1)


def test_the_order_of_names_and_extensions_make_no_json_item_new():
    shuffled = dict(reversed(A.items())) | {"_views": {"count": 7}}
    assert after(json_feed(A, B), json_feed(shuffled, B)).entries == ()


@pytest.mark.parametrize("head", [{"authors": [{"name": "Jo"}]}, {"author": {"name": "Jo"}}, {"language": "de"}])
def test_when_what_json_items_inherit_has_changed_all_are_read_again(head):
    assert after(json_feed(A, B), json_feed(A, B, **head)).pruned == 0


def test_json_items_that_may_be_taken_for_each_other_are_read_together():
    assert titles(after(json_feed(A, B), json_feed(B | {"title": "again"}, A, B))) == ["again", "b"]


def test_junk_among_json_items_is_passed_over_with_a_word_and_the_cap_holds():
    parsed = read(json_feed(A, None, 7, {}, B, {"id": "c"}), max_entries=5)
    assert (titles(parsed), parsed.is_cut) == (["a", "b"], True)
    assert parsed.warnings == ("3 items without id, address and words",)
    assert read(json_feed(A, None, 7, {}, B, {"id": "c"}), parsed.seen).pruned == 3


def test_json_nested_to_the_limit_is_read():
    for depth in range(880, 1_000, 3):
        deep = '{"version": "https://jsonfeed.org/version/1", "items": [{"id": "1", "tags": ' + "[" * depth + "]" * depth + "}]}"
        try:
            assert len(read(deep).entries) == 1
        except ParseError as error:
            assert error.reason == "JSON nested too deeply"  # noqa: PT017


# ── bytes that were seen ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "quoting",
    ["<description><![CDATA[{}]]></description>", "<!-- {} -->", "<description><item>{}</item></description>"],
    ids=["quoted", "in a comment", "nested"],
)
def test_bytes_of_a_seen_item_inside_a_new_one_stay_what_they_are(quoting):
    document = rss(item("a"), item("new", quoting.format(item("b"))), item("b"))
    parsed = read(document, read(rss(item("a"), item("b"))).seen)
    expected = [entry for entry in read(document).entries if entry.title not in ("a", "b")]
    assert [entry for entry in parsed.entries if entry.title not in ("a", "b")] == expected


def test_an_end_tag_quoted_in_an_item_ends_nothing():
    quoting = item("a", "<description><![CDATA[an </item> and an <item> in HTML]]></description>")
    parsed = after(rss(quoting, item("b")), rss(item("new"), quoting, item("b")))
    assert (titles(parsed), parsed.pruned) == (["new"], 2)


@pytest.mark.parametrize(
    "document",
    [
        rss(item("a", item("inner")), item("b")),
        rss(item("a"), head=f"<title>News{item('b')}</title>"),
        rss(item("a", '<feed xml:lang="de"/>'), item("b")),
        "<rss><channel>" + "<a>" * 10 + item("deep") + "</a>" * 10 + item("a") + "</channel></rss>",
        f'<rss><channel xml:base="https://a.example/">{item("a")}</channel><channel>{item("b")}</channel></rss>',
    ],
    ids=["in an item", "in a text", "feed in an item", "too deep", "two channels"],
)
def test_a_document_with_items_in_odd_places_is_parsed_whole(document):
    parsed = after(document, document)
    assert (parsed.entries, parsed.head, parsed.pruned) == (read(document).entries, read(document).head, 0)


def test_an_item_that_moves_to_other_surroundings_is_parsed_again():
    moving = "<item><guid>1</guid><link>1</link></item>"
    channels = '<rss><channel xml:base="https://a.example/">{}</channel><channel xml:base="https://b.example/">{}</channel></rss>'
    parsed = after(channels.format(moving + item("a"), item("b")), channels.format(item("a"), moving + item("b")))
    assert "https://b.example/1" in [entry.url for entry in parsed.entries]


def test_a_list_of_items_is_no_item():
    rdf = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel><items><rdf:Seq>'
        '<rdf:li rdf:resource="https://a.example/1"/>{}</rdf:Seq></items></channel>{}<item rdf:about="https://a.example/1"/></rdf:RDF>'
    )
    second = '<rdf:li rdf:resource="https://a.example/2"/>', '<item rdf:about="https://a.example/2"></item>'
    parsed = after(rdf.format("", ""), rdf.format(*second))
    assert ([entry.guid for entry in parsed.entries], parsed.pruned) == (["https://a.example/2"], 1)


def test_items_of_another_encoding_are_known_again():
    def body(*items: str) -> bytes:
        return ('<?xml version="1.0" encoding="iso-8859-1"?>' + rss(*items)).encode("latin-1")

    def read_body(document: bytes, seen: SeenItems | None = None) -> ParsedFeed:
        return parse(document, url=URL, headers={}, policy=ParsePolicy(), now=NOW, seen=seen)

    parsed = read_body(body(item("neu: ä"), item("café")), read_body(body(item("café"))).seen)
    assert (titles(parsed), parsed.pruned) == (["neu: ä"], 1)


def test_a_fault_is_told_by_its_line_in_the_document_as_it_came():
    first = rss(item("a"), "\n" * 5)
    parsed = after(
        first, rss(item("a").replace("</title>", "</title>\n\n"), item("b"), "\n" * 5, "<item><title>&bogus;</title></item>")
    )
    assert parsed.repaired == "line 8: undefined entity"


def test_hashes_that_make_no_whole_record_count_for_nothing():
    seen = read(rss(item("a"))).seen
    assert seen
    assert titles(read(rss(item("a")), replace(seen, hashes=seen.hashes[:-1]))) == ["a"]
