"""Reading only what was not seen yields what reading the whole document would, on documents of every kind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest.model import Entry, KeyedEntry, ParsedFeed, SeenItems
from ingest.parse import key_entries, parse
from ingest.parse.prune import RECORD_BYTES
from ingest.policy import ParsePolicy
from ingest.urls import canonical_url
from tests.feeds import ATOM, KINDS, RSS, URL, Document, Item

NOW = datetime(2026, 11, 23, tzinfo=UTC)

# ── documents ───────────────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = st.sampled_from(
    [
        "Ferries & bridges", "harbour", "Kühe über Zürich", "a <b>bold</b> move", "1 < 2", "&amp; twice", "東京の朝", "«ça»",
        "]]>", "  spaced  ",
    ]
)  # fmt: skip
GUIDS = st.sampled_from([None, None, "1", "2", "urn:a", "https://news.example/?p=1&x=2", " padded ", "https://news.example/same"])
LINKS = st.sampled_from(
    [
        None, None, "https://news.example/1", "https://news.example/1?utm_source=rss", "/relative", "two.html",
        "https://news.example/same",
    ]
)  # fmt: skip
MARKUP = st.sampled_from(
    [
        None, "", "plain words", "<p>One.</p><p>Two, with a <a href='/rel?a=1&amp;b=2'>link</a>.</p>",
        "&amp;lt;b&amp;gt; &copy; caf&eacute;",
        "<div><div><p>nested <em>mark<b>up</b></em></p></div></div>", "<!-- a comment --><p>after</p>", "<item>not one</item>",
        "<p>]]> and &nbsp;</p>",
    ]
)  # fmt: skip
WELL_FORMED = st.sampled_from(
    [None, "words", "<p>One <a href='/rel'>link</a></p><p>Two</p>", "<p>a<br/>b</p><!-- c --><?p i?>", "<p><![CDATA[x < y]]></p>"]
)
INSIDE = st.sampled_from(
    [
        "", "\n  ", "<!-- </item> <entry> -->", "<?php item ?>", "<x:y xmlns:x='urn:x'><x:item>deep</x:item></x:y>",
        "<dc:subject>tag</dc:subject>", "<dc:language>de</dc:language>",
        # Names of others, and namespaces that hold for one item only.
        "<id xmlns='urn:shop'>1</id>", "<s:id xmlns:s='urn:shop'>2</s:id>", "<s:link xmlns:s='urn:shop' href='two.html'/>",
        "<a:title xmlns:a='http://www.w3.org/2005/Atom'>of Atom</a:title>",
        "<m:thumbnail xmlns:m='http://search.yahoo.com/mrss/' url='https://cdn.example/u.jpg'/>",
        "<m:thumbnail xmlns:m='urn:u' url='https://cdn.example/u.jpg'/>",
        "<media:u xmlns:media='urn:u'/>", "<u:thumbnail xmlns:u='urn:u' url='https://cdn.example/v.jpg'/>",
        "<a:link xmlns:a='http://www.w3.org/2005/Atom' xmlns:t='http://purl.org/syndication/thread/1.0' rel='replies' t:count='3'/>",  # noqa: E501
        "<source><id>urn:a</id><title>Elsewhere</title><link href='https://elsewhere.example/'/></source>",
    ]
)  # fmt: skip
BETWEEN = st.sampled_from(["", "\n", "\n\t\t", "<!-- between <item> -->", "<?page break?>", "\r\n \n"])
BEHIND = {
    "rss": [
        "",
        "<ttl>60</ttl>",
        "<textInput><title>Search</title></textInput>",
        "<skipHours><hour>3</hour></skipHours>",
        "<language>it</language>",
    ],
    "rdf": ["", "<textinput><title>Search</title><name>q</name></textinput>", "<!-- end -->"],
    "atom": [
        "",
        "<generator>g</generator>",
        "<rights>all</rights>",
        "<link rel='next' href='/2'/>",
        "<author><name>Late</name></author>",
    ],
}
BASES = st.sampled_from([None, None, "https://base.example/dir/", "sub/"])


def forms(kind: str) -> st.SearchStrategy[str]:
    return st.sampled_from(["escaped", "cdata", *(["xhtml"] if kind in ATOM else [])])


@st.composite
def items(draw: st.DrawFn, kind: str) -> Item:
    form = draw(forms(kind))
    markup = WELL_FORMED if form == "xhtml" else MARKUP
    return Item(
        title=draw(st.none() | WORDS),
        guid=draw(GUIDS),
        link=draw(LINKS),
        summary=draw(markup),
        content=draw(markup),
        form=form,
        date=draw(st.sampled_from([None, "2026-11-20T10:00:00Z", "Fri, 20 Nov 2026 10:00:00 GMT", "soon"])),
        author=draw(st.sampled_from([None, None, "Ada Ink", "jo@example.org (Jo Doe)"])),
        categories=draw(st.sampled_from([(), ("sea",), ("sea", "sky & wind")])),
        enclosure=draw(st.sampled_from([None, None, "https://cdn.example/a.mp3?x=1&y=2", "/b.mp3"])),
        base=draw(BASES),
        thumbnail=draw(st.sampled_from([None, None, "https://cdn.example/t.jpg"])),
        comments=draw(st.none() | st.integers(0, 9)),
        is_counted=draw(st.booleans()),
        inside=draw(INSIDE),
        before=draw(BETWEEN),
    )


@st.composite
def documents(draw: st.DrawFn, *, min_items: int = 0) -> Document:
    kind = draw(st.sampled_from(KINDS))
    found = draw(st.lists(items(kind), min_size=min_items, max_size=6))
    doubled = [*found, *draw(st.lists(st.sampled_from(found), max_size=2))] if found else []
    family = "rss" if kind in RSS else "atom" if kind in ATOM else "rdf"
    return Document(
        kind,
        tuple(draw(st.permutations(doubled))),
        title=draw(WORDS),
        language=draw(st.sampled_from([None, "en", "de-CH"])),
        author=draw(st.sampled_from([None, "The Desk"])),
        base=draw(BASES),
        behind=draw(st.sampled_from(BEHIND[family])),
    )


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read(body: bytes, seen: SeenItems | None = None) -> ParsedFeed:
    return parse(body, url=URL, headers={}, policy=ParsePolicy(), now=NOW, seen=seen)


def read_whole(document: Document) -> tuple[ParsedFeed, SeenItems]:
    """The document read with nothing seen: every item is there, and each has a hash."""
    whole = read(document.body())
    assert whole.seen is not None
    assert whole.repaired is None
    assert whole.pruned == 0
    assert len(whole.entries) == len(document.items) == len(whole.seen.hashes) // RECORD_BYTES
    return whole, whole.seen


def hashes(seen: SeenItems) -> list[bytes]:
    return [seen.hashes[at : at + RECORD_BYTES] for at in range(0, len(seen.hashes), RECORD_BYTES)]


def key_of(entry: Entry, keyed: tuple[KeyedEntry, ...]) -> KeyedEntry:
    """What became of an entry: itself, or the equal one that stands for it."""
    itself = [found for found in keyed if found.entry == entry]
    content_hash = key_entries((entry,))[0].content_hash
    return (itself or [f for f in keyed if (f.entry.guid, f.content_hash) == (entry.guid, content_hash)])[0]


# ── laws ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(documents())
def test_a_document_seen_before_brings_nothing(document: Document) -> None:
    _, seen = read_whole(document)
    again = read(document.body(), seen)
    assert again.entries == ()
    assert again.pruned == len(document.items)
    assert again.seen == seen


@given(documents(), st.integers(1, 1000))
def test_what_servers_touch_without_news_brings_nothing(document: Document, tick: int) -> None:
    _, seen = read_whole(document)
    again = read(document.body(tick), seen)
    assert again.entries == ()
    assert again.pruned == len(document.items)


@given(documents(), st.randoms(use_true_random=False))
def test_unseen_items_yield_the_entries_of_the_whole_document_under_the_same_keys(document: Document, chance) -> None:
    whole, seen = read_whole(document)
    known = [one for one in hashes(seen) if chance.random() < 0.6]
    pruned = read(document.body(), replace(seen, hashes=b"".join(known)))

    assert len(pruned.entries) + pruned.pruned == len(document.items)
    assert pruned.head == whole.head
    assert pruned.seen == seen
    assert is_in_order(pruned.entries, whole.entries)
    keyed, keyed_whole = key_entries(pruned.entries), key_entries(whole.entries)
    assert [one for one in keyed if one not in keyed_whole] == []
    unseen = [entry for one, entry in zip(hashes(seen), whole.entries, strict=True) if one not in known]
    assert [entry for entry in unseen if key_of(entry, keyed_whole) not in keyed] == []


@given(documents(min_items=1), st.data())
def test_a_changed_word_brings_its_item_with_the_same_key(document: Document, data: st.DataObject) -> None:
    whole, seen = read_whole(document)
    at = data.draw(st.integers(0, len(document.items) - 1))
    before = whole.entries[at]
    names = [entry.guid or canonical_url(entry.url or "") for entry in whole.entries]
    assume(names[at] and names.count(names[at]) == 1)
    changed = replace(document.items[at], title="Quite another title")

    again = read(document.with_item(at, changed).body(), seen)

    was = key_of(before, key_entries(whole.entries))
    (now,) = (found for found in key_entries(again.entries) if found.entry.title == "Quite another title")
    assert now.key == was.key
    assert now.content_hash != was.content_hash


@given(documents(min_items=1), items("rss20"))
def test_an_item_on_top_brings_itself(document: Document, item: Item) -> None:
    _, seen = read_whole(document)
    fresh = replace(item, guid="urn:fresh", link="https://news.example/fresh", form="escaped")
    later = replace(document, items=(fresh, *document.items))
    assume(later.kind not in ("rdf090", "rdf10") or all(one.guid or one.link for one in later.items))  # numbered otherwise
    again = read(later.body(), seen)
    whole = read(later.body())
    assert whole.entries[0] in again.entries
    assert is_in_order(again.entries, whole.entries)
    assert len(again.entries) + again.pruned == len(later.items)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda one: replace(one, base="https://elsewhere.example/"), id="xml:base"),
        pytest.param(lambda one: replace(one, author="Another Desk"), id="author"),
        pytest.param(lambda one: replace(one, language="fr"), id="language"),
    ],
)
@given(document=documents())
def test_what_items_inherit_brings_everything_again(change: Callable[[Document], Document], document: Document) -> None:
    _, seen = read_whole(document)
    later = change(document)
    again, whole = read(later.body(), seen), read(later.body())
    assert again.pruned == 0
    assert again.entries == whole.entries


@given(documents(min_items=1))
def test_the_hashes_of_another_context_count_for_nothing(document: Document) -> None:
    whole, seen = read_whole(document)
    again = read(document.body(), replace(seen, context=b"another"))
    assert again.entries == whole.entries


@given(documents(), st.binary(max_size=100), st.booleans())
def test_whatever_is_kept_as_seen_never_costs_more_than_time(document: Document, junk: bytes, is_context_right: bool) -> None:
    whole, seen = read_whole(document)
    again = read(document.body(), SeenItems(seen.context if is_context_right else junk[:16], junk))
    assert again.entries == whole.entries


def is_in_order(some: tuple[Entry, ...], all_of_them: tuple[Entry, ...]) -> bool:
    """Whether `some` stand in `all_of_them` in the same order."""
    rest = iter(all_of_them)
    return all(any(one == other for other in rest) for one in some)
