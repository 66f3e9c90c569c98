"""Text as values: bytes to characters, markup to paragraphs, paragraphs to words. Shared by parse, extract and dedupe.

Nothing here raises, whatever the input; nothing here takes more than time linear in it.
"""

import codecs
import hashlib
import html
import re
import unicodedata
from collections.abc import Iterator

import webencodings

# ── bytes to characters ─────────────────────────────────────────────────────────────────────────────────────────────────

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: it begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Where the Encoding Standard means a superset of the codec that Python has under the name.
_SUPERSETS = {"gbk": "gb18030", "shift_jis": "cp932", "euc-kr": "cp949", "big5": "big5hkscs", "iso-8859-8-i": "iso-8859-8"}
_GOOD_PER_BAD = 2  # multi-byte characters to a broken one that make a text UTF-8 with a flaw; other encodings reach 0.2


def decode(body: bytes, declared: str | None) -> str:
    """The characters of `body`: by its byte order mark, as UTF-8 if it is that whatever its label says, else by the label.

    Where the label is missing or unknown, windows-1252, which no byte can defeat. One bad byte in a long UTF-8 text
    costs that byte and not the text. Names of encodings are those of the web (a label "iso-8859-1" means windows-1252).
    """
    for mark, codec in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace")
    wide = _wide_codec(body)
    if wide:
        return body.decode(wide, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_labelled(body, declared)


def _wide_codec(body: bytes) -> str | None:
    """UTF-16 without a mark shows as every other byte NUL in the markup at the start."""
    start = body[:64]
    if len(start) < 4 or start.count(0) * 3 < len(start):  # noqa: PLR2004  two characters at least
        return None
    return "utf-16-be" if start[::2].count(0) > start[1::2].count(0) else "utf-16-le"


def _decode_labelled(body: bytes, declared: str | None) -> str:
    nearly = body.decode("utf-8", "replace")
    bad = nearly.count("\ufffd")
    good = len(nearly) - len(nearly.encode("ascii", "ignore")) - bad
    if bad * _GOOD_PER_BAD <= good:
        return nearly
    codec = _find_codec(declared)
    return _decode_western(body) if codec in (None, "utf-8", "cp1252") else body.decode(codec, "replace")


def _find_codec(label: str | None) -> str | None:
    found = webencodings.lookup(label.strip()) if label else None
    if found is None or found.name in ("replacement", "x-user-defined"):
        return None
    return _SUPERSETS.get(found.name, str(found.codec_info.name))


def _decode_western(body: bytes) -> str:
    """windows-1252 as the web has it: the five bytes it leaves open are control characters, not errors."""
    return body.decode("cp1252", "surrogateescape").translate(_OPEN_1252)


_OPEN_1252 = {0xDC00 + byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}

_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']\s*([\w.:-]{1,40})""", re.IGNORECASE)
_META = re.compile(rb"""<meta\s[^>]{0,500}""", re.IGNORECASE)


def find_charset(body: bytes, content_type: str | None) -> str | None:
    """The encoding a document claims: in its XML declaration, else in its Content-Type, else in a meta element.

    The XML declaration leads because it was written with the document, while servers put their default into the header.
    """
    head = body[:4096]
    in_xml = _XML_ENCODING.search(head.replace(b"\0", b""))
    if in_xml:
        return in_xml[1].decode("ascii", "replace")
    in_header = _CHARSET.search((content_type or "").encode("utf-8", "replace"))
    if in_header:
        return in_header[1].decode("ascii", "replace")
    in_meta = next((found for meta in _META.finditer(head) if (found := _CHARSET.search(meta[0]))), None)
    return in_meta[1].decode("ascii", "replace") if in_meta else None


# ── characters ──────────────────────────────────────────────────────────────────────────────────────────────────────────

# Control characters but tab and line ends (PostgreSQL refuses NUL), surrogates, non-characters, byte order marks, and the
# marks that turn the direction of what follows (a title could rewrite the line it is shown in).
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_SPACES = re.compile(r"\s+")


def strip_controls(text: str) -> str:
    """`text` without control characters, surrogates and bidi controls. Tab and line ends stay."""
    return _UNWANTED.sub("", text)


def one_line(text: str, max_chars: int) -> str:
    """`text` on one line of at most `max_chars`, cut at a word with an ellipsis."""
    line = _SPACES.sub(" ", strip_controls(text)).strip()
    if len(line) <= max_chars:
        return line
    kept = line[: max_chars - 1]
    at_word = kept.rpartition(" ")[0] if line[max_chars - 1] != " " else kept
    # A script without spaces, or one endless word, is cut where the room ends.
    return (at_word if len(at_word) * 2 > max_chars else kept).rstrip(" ,;:–—-") + "…"


# ── markup to paragraphs ────────────────────────────────────────────────────────────────────────────────────────────────

# A tag never runs past the next "<", so that a document of nothing but openers still costs linear time.
_MARKUP = re.compile(
    r"""(?P<comment><!--)|(?P<cdata><!\[CDATA\[)"""
    r"""|<(?P<end>/?)(?P<name>[a-zA-Z][^\s/>"'<]*+)(?:(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>|[^<>]*+>)"""
    r"""|<[!?/][^<>]*+>"""
)
_PARAGRAPHS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "body", "center", "dialog", "div", "dl", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr"),
        *("main", "nav", "ol", "p", "pre", "section", "summary", "details", "table", "ul"),
    }
)
_LINES = frozenset(("br", "caption", "dd", "dt", "li", "option", "tr"))
_CELLS = frozenset(("td", "th"))
_HIDDEN = frozenset(
    {
        *("head", "iframe", "math", "noscript", "object", "script", "select", "style", "svg", "template", "textarea"),
        *("title",),
    }
)
_BREAK, _LINE = "\x02", "\x03"  # where tags end a paragraph or a line
_MARKS = dict.fromkeys(map(ord, _BREAK + _LINE))


def html_to_text(markup: str) -> str:
    """The text of `markup`, paragraphs separated by one blank line, entities decoded, scripts and styles left out.

    Reads tags one after the other without building a tree: no nesting is too deep and no markup too broken.
    """
    text = html.unescape("".join(_pieces(markup.translate(_MARKS))))
    paragraphs = (_tidy(paragraph) for paragraph in text.split(_BREAK))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _tidy(paragraph: str) -> str:
    """White space collapsed, line marks turned into line ends, empty lines left out."""
    lines = (_SPACES.sub(" ", strip_controls(line)).strip() for line in paragraph.split(_LINE))
    return "\n".join(line for line in lines if line)


def _pieces(markup: str) -> Iterator[str]:
    """Text between tags, with marks where tags break it."""
    at, preformatted = 0, 0
    unclosed: set[str] = set()  # what is known to have no end further on, so that it is looked for once
    while found := _MARKUP.search(markup, at):
        yield _keep_lines(markup[at : found.start()], preformatted)
        name = (found["name"] or "").lower()
        if name == "pre":
            preformatted = max(0, preformatted + (-1 if found["end"] else 1))
        yield _BREAK if name in _PARAGRAPHS else _LINE if name in _LINES else " " if name in _CELLS else ""
        at = found.end()
        if found["comment"]:
            at = _skip_to("-->", markup, at, unclosed)
        elif name in _HIDDEN and not found["end"]:
            at = _skip_to(f"</{name}", markup, at, unclosed)
    yield _keep_lines(markup[at:], preformatted)


def _keep_lines(text: str, preformatted: int) -> str:
    return text.replace("\n", _LINE) if preformatted else text


def _skip_to(closing: str, markup: str, at: int, unclosed: set[str]) -> int:
    """Behind `closing`; where it never comes, `at` itself: dropping the rest of an article would be worse. A script runs on."""
    if closing not in unclosed:
        found = re.compile(re.escape(closing), re.IGNORECASE).search(markup, at)
        if found:
            return found.end() if closing == "-->" else found.start()
        unclosed.add(closing)
    return len(markup) if closing in ("</script", "</style") else at


# ── paragraphs to words ─────────────────────────────────────────────────────────────────────────────────────────────────

# Letters and digits with the marks that belong to them (vowel signs of Indic scripts, points of Arabic and Hebrew). Scripts
# that put no spaces between words give one token a character: a word each would need a dictionary a language.
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u1049\u1780-\u17d3"  # Thai, Lao, Burmese, Khmer
    "\u3041-\u3096\u30a1-\u30fe\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Kana, Han
)
_SIGNS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8"
    "\u0900-\u0903\u093a-\u094f\u0951-\u0963\u0981-\u0983\u09bc-\u09d7\u0a01-\u0a03\u0a3c-\u0a51\u0a81-\u0a83\u0abc-\u0acd"
    "\u0b01-\u0b03\u0b3c-\u0b57\u0b82\u0bbe-\u0bd7\u0c00-\u0c04\u0c3c-\u0c56\u0c81-\u0c83\u0cbc-\u0cd6\u0d00-\u0d03"
    "\u0d3b-\u0d57\u0d81-\u0d83\u0dca-\u0df3"
)
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}_])[\w{_SIGNS}])+")
_INVISIBLE = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060))


def tokens(text: str) -> list[str]:
    """The words of `text` in their plainest form: compatibility characters folded, case folded, punctuation gone."""
    # Folding case can undo the normal form and the other way round; after two rounds nothing changes any more.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).casefold()
    return _WORD.findall(unicodedata.normalize("NFKC", folded).translate(_INVISIBLE))


def count_words(text: str) -> int:
    """How many words `text` has; characters, for scripts that write without spaces."""
    return len(tokens(text))


def text_hash(text: str) -> str:
    """SHA-256 (hex) of the words of `text`: equal for texts that differ in case, spacing and punctuation only."""
    return hashlib.sha256(" ".join(tokens(text)).encode("utf-8", "replace")).hexdigest()
