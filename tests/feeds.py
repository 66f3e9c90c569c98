"""Invented feed documents of every kind, for properties and benchmarks: made of the same pieces by chance or by hypothesis.

A `Document` is a value: change a field and render it again, and what differs between the two is known. `tick` stands for all
that servers change without news: dates of the channel, counts of comments, statistics.
"""

import html
import json
import random
from dataclasses import dataclass, field, replace

from tests.news import prose

RSS = ("rss091", "rss092", "rss20")
RDF = ("rdf090", "rdf10")
ATOM = ("atom03", "atom10")
KINDS = (*RSS, *RDF, *ATOM)

URL = "https://news.example/feed.xml"
_NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:slash="http://purl.org/rss/1.0/modules/slash/"'
)
_MEDIA = 'xmlns:m="http://search.yahoo.com/mrss/"'
_ATOM_NAMESPACES = {"atom03": "http://purl.org/atom/ns#", "atom10": "http://www.w3.org/2005/Atom"}
_RDF_NAMESPACES = {"rdf090": "http://my.netscape.com/rdf/simple/0.9/", "rdf10": "http://purl.org/rss/1.0/"}


@dataclass(frozen=True)
class Item:
    """One item. Texts are plain or HTML, not yet escaped; `before` stands between the item before and this one, as it is."""

    title: str | None = None
    guid: str | None = None
    link: str | None = None
    summary: str | None = None  # HTML
    content: str | None = None  # HTML, in RSS content:encoded
    form: str = "escaped"  # how HTML is written: escaped, cdata, xhtml (Atom only, of well-formed HTML)
    date: str | None = None
    author: str | None = None
    categories: tuple[str, ...] = ()
    enclosure: str | None = None
    base: str | None = None  # xml:base
    thumbnail: str | None = None  # in a namespace that the item itself declares
    comments: int | None = None  # slash:comments: volatile
    is_counted: bool = False  # media:statistics: volatile
    inside: str = ""  # comments, processing instructions, white space
    before: str = "\n"


@dataclass(frozen=True)
class Document:
    """A feed. What is in `behind` stands behind the items, as it is."""

    kind: str
    items: tuple[Item, ...] = field(repr=False)
    title: str = "The Example"
    link: str = "https://news.example/"
    language: str | None = "en"
    author: str | None = None
    base: str | None = None
    behind: str = ""
    has_namespaces: bool = True

    def render(self, tick: int = 0) -> str:
        """The document as text."""
        if self.kind in ATOM:
            return _atom(self, tick)
        return _rdf(self, tick) if self.kind in RDF else _rss(self, tick)

    def body(self, tick: int = 0) -> bytes:
        return self.render(tick).encode("utf-8")

    def with_item(self, at: int, item: Item) -> "Document":
        """The same with another item in the place `at`."""
        return replace(self, items=(*self.items[:at], item, *self.items[at + 1 :]))


# ── RSS ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_VERSIONS = {"rss091": "0.91", "rss092": "0.92", "rss20": "2.0"}


def _rss(document: Document, tick: int) -> str:
    items = "".join(item.before + _rss_item(item, "", tick) for item in document.items)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="{_VERSIONS[document.kind]}" {_NAMESPACES}{_base(document.base)}>'
        f"<channel>{_channel(document, tick)}{items}\n{document.behind}</channel></rss>\n"
    )


def _channel(document: Document, tick: int) -> str:
    is_rdf = document.kind in RDF
    parts = [
        _element("title", document.title),
        _element("link", document.link),
        _element("description", "invented"),
        _element("dc:language" if is_rdf else "language", document.language),
        _element("dc:creator" if is_rdf else "managingEditor", document.author),
        _element("dc:date", f"2026-11-22T10:{tick % 60:02}:00Z") if is_rdf else "",
        "" if is_rdf else _element("pubDate", f"Sun, 22 Nov 2026 10:{tick % 60:02}:00 GMT"),
        "" if is_rdf else _element("lastBuildDate", f"Sun, 22 Nov 2026 11:{tick % 60:02}:00 GMT"),
    ]
    return "".join(parts)


def _rss_item(item: Item, attributes: str, tick: int) -> str:
    attributes += _base(item.base) + (f" {_MEDIA}" if item.thumbnail or item.is_counted else "")
    parts = [
        _element("title", item.title, item.form),
        _element("link", item.link),
        f'<guid isPermaLink="false">{html.escape(item.guid)}</guid>' if item.guid and "rdf:about" not in attributes else "",
        item.inside,
        _element("description", item.summary, item.form),
        _element("content:encoded", item.content, item.form),
        _element("dc:date" if "rdf:about" in attributes else "pubDate", item.date),
        _element("dc:creator", item.author),
        *(_element("category", name) for name in item.categories),
        f'<enclosure url="{html.escape(item.enclosure)}" length="1234" type="audio/mpeg"/>' if item.enclosure else "",
        f'<m:thumbnail url="{html.escape(item.thumbnail)}"/>' if item.thumbnail else "",
        *_volatile(item, tick),
    ]
    return f"<item{attributes}>{''.join(parts)}</item>"


def _volatile(item: Item, tick: int) -> tuple[str, str]:
    counted = f'<m:community><m:statistics views="{1000 + tick}"/></m:community>' if item.is_counted else ""
    return _element("slash:comments", None if item.comments is None else str(item.comments + tick)), counted


def _rdf(document: Document, tick: int) -> str:
    names = [item.guid or item.link or f"urn:item:{number}" for number, item in enumerate(document.items)]
    listed = "".join(f'<rdf:li rdf:resource="{html.escape(name)}"/>' for name in names)
    items = "".join(
        item.before + _rss_item(item, f' rdf:about="{html.escape(name)}"', tick)
        for name, item in zip(names, document.items, strict=True)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns="{_RDF_NAMESPACES[document.kind]}" {_NAMESPACES}{_base(document.base)}>'
        f'<channel rdf:about="{document.link}">{_channel(document, tick)}<items><rdf:Seq>{listed}</rdf:Seq></items></channel>'
        f"{items}\n{document.behind}</rdf:RDF>\n"
    )


# ── Atom ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _atom(document: Document, tick: int) -> str:
    items = "".join(item.before + _atom_entry(item, document.kind, tick) for item in document.items)
    language = f' xml:lang="{document.language}"' if document.language else ""
    version = ' version="0.3"' if document.kind == "atom03" else ""
    date = "modified" if document.kind == "atom03" else "updated"
    author = f"<author><name>{html.escape(document.author)}</name></author>" if document.author else ""
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="{_ATOM_NAMESPACES[document.kind]}"{version}{language} '
        f"{_NAMESPACES}{_base(document.base)}>"
        f'{_element("title", document.title)}<link rel="alternate" type="text/html" href="{html.escape(document.link)}"/>'
        f"<id>urn:feed:example</id><{date}>2026-11-22T10:{tick % 60:02}:00Z</{date}>{author}"
        f"{items}\n{document.behind}</feed>\n"
    )


def _atom_entry(item: Item, kind: str, tick: int) -> str:
    attributes = _base(item.base) + (f" {_MEDIA}" if item.thumbnail or item.is_counted else "")
    published, updated = ("issued", "modified") if kind == "atom03" else ("published", "updated")
    parts = [
        _element("title", item.title, "cdata" if item.form == "cdata" else "escaped"),
        f'<link rel="alternate" type="text/html" href="{html.escape(item.link)}"/>' if item.link else "",
        _element("id", item.guid),
        item.inside,
        _construct("summary", item.summary, item.form, kind),
        _construct("content", item.content, item.form, kind),
        _element(published, item.date),
        _element(updated, item.date),
        f"<author><name>{html.escape(item.author)}</name></author>" if item.author else "",
        *(f'<category term="{html.escape(name)}"/>' for name in item.categories),
        f'<link rel="enclosure" type="audio/mpeg" href="{html.escape(item.enclosure)}"/>' if item.enclosure else "",
        f'<m:thumbnail url="{html.escape(item.thumbnail)}"/>' if item.thumbnail else "",
        *_volatile(item, tick),
    ]
    return f"<entry{attributes}>{''.join(parts)}</entry>"


def _construct(name: str, markup: str | None, form: str, kind: str) -> str:
    """A text construct of Atom. Its HTML in the form xhtml must be well-formed."""
    if markup is None:
        return ""
    if form != "xhtml":
        attributes = ' type="text/html" mode="escaped"' if kind == "atom03" else ' type="html"'
        return _element(name, markup, form, attributes)
    attributes = ' type="application/xhtml+xml" mode="xml"' if kind == "atom03" else ' type="xhtml"'
    return f'<{name}{attributes}><div xmlns="http://www.w3.org/1999/xhtml">{markup}</div></{name}>'


# ── pieces ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _element(name: str, text: str | None, form: str = "escaped", attributes: str = "") -> str:
    if text is None:
        return ""
    inside = f"<![CDATA[{text.replace(']]>', ']]&gt;')}]]>" if form == "cdata" else html.escape(text, quote=False)
    return f"<{name}{attributes}>{inside}</{name}>"


def _base(base: str | None) -> str:
    return f' xml:base="{html.escape(base)}"' if base else ""


# ── by chance ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def make_body(chance: random.Random, size: int) -> str:
    """The HTML of an article, well-formed, about `size` characters: paragraphs, links, pictures, lists, entities."""
    parts: list[str] = []
    length = 0
    while length < size:
        parts.append(_make_block(chance))
        length += len(parts[-1])
    return "".join(parts)


def _make_block(chance: random.Random) -> str:
    number = chance.randrange(10**9)
    words = prose(number, 60)
    link = f'<a class="ref" href="/a/{number}?x=1&amp;y=2" title="more">{prose(number + 1, 3)}</a>'
    blocks = (
        f"<p>{words} {link} <em>{prose(number + 2, 4)}</em> caf&#233; &amp; more.</p>\n",
        f"<p>{words} <strong>{prose(number + 3, 5)}</strong> {link}</p>\n",
        f'<figure><img src="/img/{number}.jpg" alt="" width="640" height="480" /><figcaption>{link}</figcaption></figure>\n',
        f"<ul><li>{prose(number + 5, 8)}</li><li>{link}</li></ul>\n<blockquote><p>{words}</p></blockquote>\n",
    )
    return blocks[min(number % 6, 3)]


def make_item(
    chance: random.Random, number: int, *, summary_chars: int = 300, content_chars: int = 0, form: str = "cdata"
) -> Item:
    """An item as news sites write them, its number making it unlike all others."""
    return Item(
        title=f"{prose(number, 7)} – {number}",
        guid=f"https://news.example/?p={number}",
        link=f"https://news.example/2026/{number}/story",
        summary=f"<p>{prose(('summary', number), summary_chars // 8)}</p>" if summary_chars else None,
        content=make_body(chance, content_chars) if content_chars else None,
        form=form,
        date=f"2026-11-{1 + number % 21:02}T{number % 24:02}:{number % 60:02}:00Z",
        author=prose(("author", number % 17), 2)[:-1],
        categories=tuple(prose(("tag", number + place), 1)[:-1] for place in range(4)),
        comments=number % 50,
        before="\n\t",
    )


def make_document(
    kind: str, count: int, *, seed: int = 1, summary_chars: int = 300, content_chars: int = 0, form: str = "cdata"
) -> Document:
    """A feed of `count` items, the newest on top."""
    chance = random.Random(f"{kind} {seed}")
    items = (
        make_item(chance, number, summary_chars=summary_chars, content_chars=content_chars, form=form)
        for number in range(count, 0, -1)
    )
    return Document(kind, tuple(items))


def make_json(document: Document) -> bytes:
    """The same feed as JSON Feed 1.1."""
    items = [
        {
            "id": item.guid,
            "url": item.link,
            "title": item.title,
            "summary": item.summary,
            "content_html": item.content,
            "date_published": item.date,
            "authors": [{"name": item.author}],
            "tags": list(item.categories),
        }
        for item in document.items
    ]
    head = {"version": "https://jsonfeed.org/version/1.1", "title": document.title, "home_page_url": document.link}
    return json.dumps(head | {"items": items}, ensure_ascii=False).encode("utf-8")
