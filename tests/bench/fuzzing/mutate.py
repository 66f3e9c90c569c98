"""Inputs for the fuzzer: seeds, and what chance makes of them. Knows what feeds are made of."""

import gzip
import random
import re
from collections.abc import Callable
from pathlib import Path

from tests import feeds

_DATA = Path(__file__).parents[2] / "data"
MAX_BYTES = 200_000
_MAX_SEED_BYTES = 30_000  # larger ones are slow to run and teach nothing

_WORDS = (
    *("<item>", "</item>", "<entry>", "</entry>", "<channel>", "</channel>", "<rss version='2.0'>", "</rss>", "<feed>"),
    *("</feed>", "<feed xmlns='http://www.w3.org/2005/Atom'>"),
    *("<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>", "<title>", "</title>", "<link>", "</link>"),
    *("<link href='", "/>", "<guid>", "</guid>", "<id>", "</id>", "<description>", "</description>", "<content:encoded>"),
    *("</content:encoded>", "<content type='xhtml'>", "</content>", "<summary>", "</summary>", "<pubDate>", "</pubDate>"),
    *("<updated>", "<dc:date>", "<author>", "</author>", "<name>", "<email>", "<category>", "<tags>", "<source>"),
    *("</source>", "<image>", "</image>", "<textInput>", "<enclosure url='x' length='", "<media:group>"),
    *("<media:content url='", "<media:title>", "<media:description>", "<media:thumbnail url='", "<itunes:duration>"),
    *("<itunes:owner>", "<geo:lat>", "<georss:point>", "<gml:Point>", "<gml:pos>", "<cloud/>", "<skipHours><hour>", "<ttl>"),
    *("<slash:comments>", "<thr:total>", "<creativeCommons:license>", "<psc:chapters>", "<psc:chapter start='"),
    *("<wfw:comment>", "<xhtml:body>", "<body>", "<fullitem>", "<prodlink>", "<language>", "<CHANNEL HREF='x'>"),
    *("<ITEM HREF='y'>", "<LASTMOD VALUE='", "<atom:link rel='self' href='", "<rights>", "<generator uri='", "xml:base='"),
    *("xml:lang='de'", "xmlns='", "xmlns:x='urn:x'", "rdf:about='", "isPermaLink='true'", "type='html'", "type='text/plain'"),
    *("mode='base64'", "mode='escaped'", "rel='enclosure'", "<![CDATA[", "]]>", "<!--", "-->", "<?x", "?>"),
    *("<!DOCTYPE rss [", "]>", "<!ENTITY a 'b'>", "<!ENTITY a SYSTEM 'file:///etc/passwd'>", "<!ENTITY % p 'q'>", "%p;"),
    *("&a;", "&amp;", "&lt;", "&nbsp;", "&bogus;", "&#0;", "&#x1F600;", "&#xD800;", "&#99999999999;", "&", "<", ">", '"'),
    *("'", "=", "/", ":", "\x00", "\x0b", "\ud800", "\ufffe", "\u202e", "é", "日本", "http://", "https://a.example/"),
    *("javascript:alert(1)", "//[", "http://[::1", "data:,x", "mailto:a@b.c", "../../", "?a=1&b=2", "#"),
    *("Mon, 02 Jun 2025 10:00:00 GMT", "2025-06-02T10:00:00Z", "1748858400", "99999999999999999999", "-1", "1e999", "NaN"),
    *("0x10", "24:60:61", "<a href='/x'>", "<img src=x>", "<script>", "</script>", "<style>", "<pre>", "<p>", "<div>"),
    *("</div>", "<svg>", "<math>", "<br/>", '{"version":"https://jsonfeed.org/version/1.1","items":[', '"id":', '"url":'),
    *('"content_html":', '"attachments":[{', '"date_published":', "{", "}", "[", "]", ",", "null", "true", "1", '"\\ud800"'),
    *('"\\u0000"', "<opml><body>", "<outline xmlUrl='", "<html>", "<meta charset="),
)  # fmt: skip
TOKENS = tuple(word.encode("utf-8", "surrogatepass") for word in _WORDS)
_TAG = re.compile(rb"<[^<>]{0,300}>")
_LABELS = ("utf-16", "utf-16-le", "latin-1", "gb18030", "shift_jis", "utf-32", "cp1252", "koi8-r", "utf-8-sig")


def seeds(chance: random.Random) -> list[bytes]:
    """The documents of tests/data, and generated ones of every kind."""
    files = [*sorted((_DATA / "feeds").iterdir()), *sorted((_DATA / "hostile").iterdir())]
    files = [path for path in files if path.suffix != ".md" and not path.name.endswith(".expect.json")]
    found = [body for path in files if len(body := path.read_bytes()) <= _MAX_SEED_BYTES]
    for kind in feeds.KINDS:
        for form in ("escaped", "cdata", *(["xhtml"] if kind in feeds.ATOM else [])):
            document = feeds.make_document(kind, 4, seed=chance.randrange(99), summary_chars=60, content_chars=200, form=form)
            found.append(document.body())
    found.append(feeds.make_json(feeds.make_document("rss20", 3, summary_chars=60, content_chars=200)))
    return found


def mutate(body: bytes, pool: list[bytes], chance: random.Random) -> bytes:
    """`body`, changed in one to eight ways."""
    for _ in range(min(1 + int(chance.expovariate(0.5)), 8)):
        change = chance.choices(_CHANGES, _WEIGHTS)[0]
        body = change(body, pool, chance)[:MAX_BYTES]
    return body


def _places(body: bytes, chance: random.Random) -> tuple[int, int]:
    """Two places in order, often at tags."""
    if chance.random() < 0.6:
        tags = [place for found in _TAG.finditer(body[:MAX_BYTES]) for place in found.span()]
        if len(tags) >= 2:
            start, end = sorted(chance.choices(tags, k=2))
            return start, end
    start = chance.randrange(len(body) + 1)
    return start, min(len(body), start + int(chance.expovariate(1 / 20)))


def _insert(body: bytes, _: list[bytes], chance: random.Random) -> bytes:
    at, _end = _places(body, chance)
    return body[:at] + b"".join(chance.choices(TOKENS, k=1 + chance.randrange(3))) + body[at:]


def _overwrite(body: bytes, _: list[bytes], chance: random.Random) -> bytes:
    start, end = _places(body, chance)
    return body[:start] + chance.choice(TOKENS) + body[end:]


def _delete(body: bytes, _: list[bytes], chance: random.Random) -> bytes:
    start, end = _places(body, chance)
    return body[:start] + body[end:]


def _double(body: bytes, _: list[bytes], chance: random.Random) -> bytes:
    start, end = _places(body, chance)
    at, _end = _places(body, chance)
    return body[:at] + body[start:end] + body[at:]


def _repeat(body: bytes, _: list[bytes], chance: random.Random) -> bytes:
    """A piece many times in a row: what is quadratic shows here."""
    start, end = _places(body, chance)
    piece = body[start : min(end, start + 500)]
    if not piece or chance.random() < 0.5:
        piece = b"".join(chance.choices(TOKENS, k=1 + chance.randrange(3)))
    times = min(2 ** chance.randrange(2, 16), MAX_BYTES // max(1, len(piece)))
    return body[:start] + piece * times + body[start:]


def _splice(body: bytes, pool: list[bytes], chance: random.Random) -> bytes:
    other = chance.choice(pool)
    start, end = _places(body, chance)
    other_start, other_end = _places(other, chance)
    return body[:start] + other[other_start:other_end] + body[end:]


def _flip(body: bytes, _: list[bytes], chance: random.Random) -> bytes:
    changed = bytearray(body or b" ")
    for _number in range(1 + chance.randrange(4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _truncate(body: bytes, _: list[bytes], chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def _encode(body: bytes, _: list[bytes], chance: random.Random) -> bytes:
    return body.decode("utf-8", "replace").encode(chance.choice(_LABELS), "replace")


def _relabel(body: bytes, _: list[bytes], chance: random.Random) -> bytes:
    return re.sub(rb'encoding="[^"]*"', b'encoding="%b"' % chance.choice(_LABELS).encode(), body, count=1)


def _pack(body: bytes, _: list[bytes], chance: random.Random) -> bytes:
    packed = gzip.compress(body, 1)
    return packed if chance.random() < 0.7 else packed[: chance.randrange(len(packed))]


_CHANGES: tuple[Callable[[bytes, list[bytes], random.Random], bytes], ...] = (
    *(_insert, _overwrite, _delete, _double, _repeat, _splice, _flip, _truncate, _encode, _relabel, _pack),
)
_WEIGHTS = (20, 12, 12, 12, 6, 14, 6, 3, 1, 1, 1)
