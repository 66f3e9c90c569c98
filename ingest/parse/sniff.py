"""What kind of document is this? Looks at the first element and no further, before any parser is started.

A web page given to a feed parser costs 24 s and 700 MB at 5 MB; here it costs milliseconds and yields a reason and, where
the page names one, the feed that was meant.
"""

import codecs
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ingest.errors import ParseError
from ingest.outcome import Outcome
from ingest.parse.describe import describe_binary, describe_json, describe_markup
from ingest.parse.discover import find_feeds
from ingest.text import decode, find_charset, one_line

_MAX_INFLATED = 10_000_000  # the cap of a feed's decoded size
_MAX_MEMBERS = 16  # of one gzip file: each copies what is behind it
_HEAD = 262_144  # bytes judged before all are decoded; the root of a feed stands in them
_GZIP = b"\x1f\x8b"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")  # deflate with the header of RFC 1950


class Kind(StrEnum):
    """Which parser reads the document."""

    XML = "xml"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A document that looks like a feed, not yet decoded but for its beginning."""

    kind: Kind
    body: bytes = field(repr=False)  # unpacked
    label: str | None  # the encoding it claims
    prolog: str = ""  # what stands before the first element
    junk: str = ""  # of that, what should not be there, shortened

    @property
    def document(self) -> bytes:
        """The bytes from the first element on, as they came; empty where it does not show in them where that is."""
        before = self.prolog.encode("utf-8", "replace")
        start = len(codecs.BOM_UTF8) if self.body.startswith(codecs.BOM_UTF8) else 0
        return self.body[start + len(before) :] if self.body.startswith(before, start) else b""

    @property
    def text(self) -> str:
        """The characters from the first element on. Raises ParseError where all of them show that there is no feed."""
        text = _decode(self.body, self.label)
        if self.kind is Kind.JSON:
            return text
        return text[len(_find_root(text, self.body, "").prolog) :]


def sniff(body: bytes, headers: Mapping[str, str], url: str) -> Sniffed:
    """A feed document and its kind. Raises ParseError with a reason a person understands for anything else."""
    body = _unpack(body)
    if body[:_HEAD].isspace():
        body = body.lstrip()
    if not body.strip(b" \t\r\n\0\xef\xbb\xbf"):
        raise ParseError(Outcome.NOT_A_FEED, "an empty body")
    if kind := describe_binary(body):
        raise ParseError(Outcome.NOT_A_FEED, kind)
    label = find_charset(body, headers.get("content-type"))
    # Cut at a tag, so that no character is. What is no feed is refused here, at the cost of the head.
    head = body if len(body) <= _HEAD else body[: max(body.rfind(b"<", 0, _HEAD), 0) or _HEAD]
    start = _decode(head, label)
    if len(head) < len(body) and _is_unfinished(start):
        start = _decode(body, label)
    root = _find_root(start, body, url)
    return Sniffed(root.kind, body, label, root.prolog, root.junk)


def _is_unfinished(start: str) -> bool:
    """Whether a document begins with a comment or a DOCTYPE that is longer than what was looked at."""
    return start.lstrip().startswith(("<!", "<?")) and _skip_prolog(start)[0] == len(start)


def _decode(body: bytes, label: str | None) -> str:
    return decode(body, label).replace("\0", "").removeprefix("\ufeff")


@dataclass(frozen=True, slots=True)
class _Root:
    """Where a feed begins: behind `prolog`, of which `junk` should not be there."""

    kind: Kind
    prolog: str = ""
    junk: str = ""


def _find_root(text: str, body: bytes, url: str) -> _Root:
    if text[:1_000].lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        if _may_be_json_feed(body):
            return _Root(Kind.JSON)
        raise ParseError(Outcome.NOT_A_FEED, describe_json(text))
    return _find_markup_root(text, url)


def _may_be_json_feed(body: bytes) -> bool:
    """Whether a JSON Feed could be in `body`, found out without loading 10 MB of JSON that is none."""
    body = body.replace(b"\0", b"") if b"\0" in body else body  # UTF-16
    return b"jsonfeed.org" in body or all(name in body for name in (b'"items"', b'"title"', b'"id"'))


# ── packed bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _unpack(body: bytes) -> bytes:
    """A body that is still packed because nobody said so in its headers, unpacked; twice at most, and never past the cap."""
    for _ in range(2):
        if body.startswith(_GZIP):
            body = _gunzip(body)
        elif body.startswith(_ZLIB):
            body = _inflate(body) or body
    return body


def _gunzip(body: bytes) -> bytes:
    """What the members of a gzip file hold, one after the other. Source: RFC 1952 §2.2."""
    parts: list[bytes] = []
    room = _MAX_INFLATED
    while body.startswith(_GZIP) and len(parts) < _MAX_MEMBERS:
        inflating = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            parts.append(inflating.decompress(body, room + 1))
        except zlib.error as error:
            raise ParseError(Outcome.DECODE_ERROR, f"broken gzip data: {error}") from error
        room -= len(parts[-1])
        if room < 0:
            raise ParseError(Outcome.TOO_LARGE, f"more than {_MAX_INFLATED:,} bytes when unpacked")
        if not inflating.eof:
            raise ParseError(Outcome.TRUNCATED, "gzip data that end too early")
        body = inflating.unused_data
    return b"".join(parts)


def _inflate(body: bytes) -> bytes | None:
    """What a zlib stream holds; None where `body` only begins like one: text may."""
    inflating = zlib.decompressobj()
    try:
        text = inflating.decompress(body, _MAX_INFLATED + 1)
    except zlib.error:
        return None
    if len(text) > _MAX_INFLATED:
        raise ParseError(Outcome.TOO_LARGE, f"more than {_MAX_INFLATED:,} bytes when unpacked")
    return text if inflating.eof else None


# ── markup ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_ELEMENT = re.compile(r"<(?:([\w.-]{1,40}):)?([A-Za-z][\w.-]{0,60})(?=[\s>/])")
_FEED_ROOT = re.compile(r"<(?:[\w.-]{1,40}:)?(?:rss|feed|rdf|channel)(?=[\s>/])", re.IGNORECASE)
_FEED_NAMES = frozenset(("rss", "feed", "rdf", "channel"))
_NEVER_FEEDS = frozenset(("opml", "urlset", "sitemapindex", "stylesheet", "transform"))  # though a feed's name may occur in them
_RDF_CONTENT = re.compile(r"<(?:[\w.-]{1,40}:)?(?:channel|item)(?=[\s>/])", re.IGNORECASE)
_JUNK_CHARS = 60  # of junk, shown to people
_MAX_JUNK = 65_536  # as far as a root is looked for behind something else
_MAX_PROLOG = 1_000  # comments, instructions and stray marks before the root


def _find_markup_root(text: str, url: str) -> _Root:
    at, junk = _skip_prolog(text)
    root = _ELEMENT.match(text, at)
    name = root[2].lower() if root else ""
    is_page = name == "html" or "<!doctype html" in text[:at].lower()
    if name in _FEED_NAMES and not is_page and (name != "rdf" or _RDF_CONTENT.search(text, at)):
        return _Root(Kind.XML, text[:at], junk)
    hidden = None if is_page or name in _NEVER_FEEDS else _FEED_ROOT.search(text, at + 1, at + _MAX_JUNK)
    if hidden:
        return _Root(Kind.XML, text[: hidden.start()], one_line(text[at : hidden.start()], _JUNK_CHARS))
    raise ParseError(Outcome.NOT_A_FEED, describe_markup(text, name, is_page=is_page), feed_url=_feed_of(text, url))


def _skip_prolog(text: str) -> tuple[int, str]:
    """Where the first element begins, behind declaration, comments and DOCTYPE; and what else stood before it."""
    at, junk = 0, ""
    has_pi_end = True  # looked for in vain once, it is not looked for again
    for _ in range(_MAX_PROLOG):
        start = text.find("<", at)
        if start < 0:
            return len(text), ""
        junk += text[at:start].strip()[: _JUNK_CHARS - len(junk)]
        if text.startswith("<!--", start):
            at = _behind(text, "-->", start + 4) or len(text)
        elif text.startswith("<?", start):
            end = _behind(text, "?>", start + 2) if has_pi_end else 0
            has_pi_end = has_pi_end and bool(end)
            at = end or _behind(text, ">", start) or len(text)
        elif text[start : start + 9].lower() == "<!doctype":
            at = _end_of_doctype(text, start)
        elif _ELEMENT.match(text, start):
            return start, one_line(junk, _JUNK_CHARS)
        else:
            at = start + 1
    return at, ""


def _behind(text: str, mark: str, at: int) -> int:
    """The place behind the next `mark`, or 0 where there is none."""
    found = text.find(mark, at)
    return found + len(mark) if found >= 0 else 0


def _end_of_doctype(text: str, start: int) -> int:
    """Behind a DOCTYPE, with its internal subset if it has one."""
    plain_end = text.find(">", start)
    if plain_end < 0:
        return len(text)
    subset = text.find("[", start, plain_end)
    if subset < 0:
        return plain_end + 1
    end = _SUBSET_END.search(text, subset)
    return end.end() if end else len(text)


_SUBSET_END = re.compile(r"\]\s*+>")


def _feed_of(text: str, url: str) -> str | None:
    found = find_feeds(text, url)
    return found[0].url if found else None
