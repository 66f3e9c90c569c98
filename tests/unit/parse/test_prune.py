"""What stood in the last document word for word is cut out before it is parsed; what is left is read as in the whole document."""

from dataclasses import replace

import pytest

from ingest.model import Entry
from ingest.parse import key_entries
from ingest.parse.prune import RECORD_BYTES, prune
from ingest.parse.scan import MalformedError
from tests.unit.parse.pruning import URL, after, atom, bare, item, read, rss, titles

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
