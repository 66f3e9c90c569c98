"""Text as values: bytes to characters, markup to paragraphs, paragraphs to words. Shared by parse, extract and dedupe.

Nothing here raises, whatever the input; nothing here takes more than time linear in it.
"""

import codecs
import contextlib
import functools
import hashlib
import html
import re
import unicodedata
from functools import lru_cache

import webencodings

# ── bytes to characters ─────────────────────────────────────────────────────────────────────────────────────────────────

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: it begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Without a mark: which of four bytes are NUL in the markup at the start.
_WIDE = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}
# Where the Encoding Standard means a superset of the codec that Python has under the name.
_SUPERSETS = {
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-8859-8-i": "iso-8859-8",
}
_MULTI_BYTE = frozenset(("cp932", "gb18030", "cp949", "big5hkscs", "euc_jp", "iso2022_jp_ext", "utf-16-le", "utf-16-be"))
_GOOD_PER_BAD = 2  # multi-byte characters to a broken one that outweigh another label; other encodings reach 0.2
_REPLACED = "\ufffd"


def decode(body: bytes, declared: str | None) -> str:
    """The characters of `body`: by its byte order mark, as UTF-8 if it is that whatever its label says, else by the label.

    Where the label is missing or unknown, windows-1252, which no byte can defeat. One bad byte in a long UTF-8 text
    costs that byte and not the text. Names of encodings are those of the web (a label "iso-8859-1" means windows-1252).
    At 10 MB 5 ms for ASCII, 45 for UTF-8 with a bad byte, 60 for windows-1252, 90 for Shift_JIS.
    Source: https://encoding.spec.whatwg.org/, which knows no UTF-32 and does not look for UTF-8.
    """
    wide = next(((mark, codec) for mark, codec in _BOMS if body.startswith(mark)), (b"", _find_wide_codec(body)))
    if wide[1]:
        return body[len(wide[0]) :].decode(wide[1], "replace")
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_labelled(body, _find_codec(declared, body))
    if "\x1b" in text and _find_codec(declared, body) == "iso2022_jp_ext":  # seven bits: valid as UTF-8 whatever it says
        return _decode_as(body, "iso2022_jp_ext")
    return text


def _find_wide_codec(body: bytes) -> str | None:
    """UTF-16 and UTF-32 without a mark: two thirds of the bytes beside those of ASCII characters are NUL."""
    lanes = [body[place:64:4] for place in range(4)]
    first, second, third, fourth = (len(lane) > 0 and lane.count(0) * 3 >= len(lane) * 2 for lane in lanes)
    return _WIDE.get((first, second, third, fourth))


def _decode_labelled(body: bytes, codec: str | None) -> str:
    """Bytes that are not all UTF-8: UTF-8 with a flaw, or what the label says."""
    with contextlib.suppress(UnicodeError):  # surrogates written as if they were characters: CESU-8, as some databases do
        return body.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    nearly = body.decode("utf-8", "replace")
    bad = nearly.count(_REPLACED) - body.count(_REPLACED.encode())  # not those that the author wrote
    good = len(nearly) - len(nearly.encode("ascii", "ignore")) - bad
    if bad * (_GOOD_PER_BAD if codec else 1) <= good:
        return nearly
    return _decode_as(body, codec or "cp1252")


def _decode_as(body: bytes, codec: str) -> str:
    if codec == "euc_jp":
        with contextlib.suppress(UnicodeDecodeError):
            return body.decode("euc_jp")
        # Python's EUC-JP lacks the circled numbers and marks of NEC that the standard has; JIS X 0213 put them at the same place.
        return body.decode("euc_jis_2004", "replace")
    return body.decode(codec, "replace") if codec in _MULTI_BYTE else codecs.charmap_decode(body, "strict", _table(codec))[0]


@lru_cache(maxsize=32)
def _table(codec: str) -> str:
    """The characters of the 256 bytes; those left open below A0 are control characters. Source: as `decode`, "index"."""
    chars = (bytes((byte,)).decode(codec, "replace") for byte in range(256))
    return "".join(chr(byte) if char == _REPLACED and byte < 0xA0 else char for byte, char in enumerate(chars))  # noqa: PLR2004


@lru_cache(maxsize=128)
def _find_label(label: str) -> tuple[str, str] | None:
    """The standard's name and Python's codec for a label. Spelling is forgiven: `latin-1`, `windows1251`, `euc_jp`."""
    plain = re.sub(r"[^a-z0-9]", "", label.lower())
    plain = re.sub(r"^win(?=[0-9])|^cp-?(?=[0-9])", "windows", plain)
    found = webencodings.lookup(label.strip()) or webencodings.lookup(_plain_labels().get(plain, ""))
    return (found.name, found.codec_info.name) if found else None


@lru_cache(maxsize=1)
def _plain_labels() -> dict[str, str]:
    return {re.sub(r"[^a-z0-9]", "", label): label for label in webencodings.LABELS}


def _find_codec(label: str | None, body: bytes) -> str | None:
    """The codec that `label` means for `body`; None where it tells nothing that is not known without it, or cannot be true."""
    found = _find_label(label) if label else None
    if found is None or found[0] in ("utf-8", "replacement", "x-user-defined"):
        return None
    if found[0].startswith("utf-16") and b"\0" not in body[:4096]:  # a label that could be read is not in UTF-16
        return None
    return _SUPERSETS.get(*found)


_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']\s*([\w.:-]{1,40})""", re.IGNORECASE)
_META = re.compile(rb"""<meta\s[^>]{0,500}""", re.IGNORECASE)


def find_charset(body: bytes, content_type: str | None) -> str | None:
    """The encoding a document claims: in its XML declaration, else in its Content-Type, else in a meta element.

    The XML declaration leads because it was written with the document, while servers put their default into the header. UTF-8
    shows without being named: where one place names it and another does not, the other counts.
    """
    head = body[:4096]
    in_xml = _XML_ENCODING.search(head.removeprefix(codecs.BOM_UTF8).replace(b"\0", b""))
    in_header = _CHARSET.search((content_type or "").encode("utf-8", "replace"))
    in_meta = next((found for meta in _META.finditer(head) if (found := _CHARSET.search(meta[0]))), None)
    labels = [found[1].decode("ascii", "replace") for found in (in_xml, in_header, in_meta) if found]
    return next((label for label in labels if _find_codec(label, body)), labels[0] if labels else None)


# ── characters ──────────────────────────────────────────────────────────────────────────────────────────────────────────

# Control characters but tab and line ends (PostgreSQL refuses NUL), surrogates, non-characters, byte order marks, and the
# marks that turn the direction of what follows (a title could rewrite the line it is shown in).
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def strip_controls(text: str) -> str:
    """`text` without control characters, surrogates and bidi controls. Tab and line ends stay."""
    # Nothing printable is unwanted, and asking for that costs a tenth of looking through it.
    return text if text.isprintable() else _UNWANTED.sub("", text)


def one_line(text: str, max_chars: int) -> str:
    """`text` on one line of at most `max_chars`, cut at a word with an ellipsis."""
    line = " ".join(strip_controls(text).split())
    if len(line) <= max_chars:
        return line
    kept = line[: max_chars - 1]
    at_word = kept.rpartition(" ")[0] if line[max_chars - 1] != " " else kept
    # A script without spaces, or one endless word, is cut where the room ends.
    return (at_word if len(at_word) * 2 > max_chars else kept).rstrip(" ,;:–—-") + "…"


# ── markup to paragraphs ────────────────────────────────────────────────────────────────────────────────────────────────

# A tag never runs past the next "<", so that a document of nothing but openers still costs linear time.
_MARKUP = re.compile(
    r"""<(?:(?P<end>/?)(?P<name>[a-zA-Z][^\s/>"'<]*+)(?:>|(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>|[^<>]*+>)"""
    r"""|(?P<comment>!--)|!\[CDATA\[|[!?/][^<>]*+>)"""
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
_MARKS = re.compile(f"[{_BREAK}{_LINE}]")
# What is unwanted, the two marks kept.
_UNWANTED_IN_MARKS = re.compile(_UNWANTED.pattern.replace("\x00-\x08", "\x00\x01\x04-\x08"))
_MARKED = {**dict.fromkeys(_PARAGRAPHS, _BREAK), **dict.fromkeys(_LINES, _LINE), **dict.fromkeys(_CELLS, " ")}


# A number of more digits is no character, and one of more than 4,300 is no number to Python.
_ENDLESS_REFERENCE = re.compile(r"&#(?:[0-9]{9,}|[xX][0-9a-fA-F]{9,});?")


def unescape(text: str) -> str:
    """`text` with the character references of HTML decoded."""
    return html.unescape(_ENDLESS_REFERENCE.sub("\ufffd", text) if "&#" in text else text)


def html_to_text(markup: str) -> str:
    """The text of `markup`, paragraphs separated by one blank line, entities decoded, scripts and styles left out.

    Reads tags one after the other without building a tree: no nesting is too deep and no markup too broken.
    """
    text = _UNWANTED_IN_MARKS.sub("", unescape("".join(_pieces(_MARKS.sub("", markup)))))
    return "\n\n".join([tidied for paragraph in text.split(_BREAK) if (tidied := _tidy(paragraph))])


def _tidy(paragraph: str) -> str:
    """White space collapsed, line marks turned into line ends, empty lines left out."""
    if _LINE not in paragraph:
        return " ".join(paragraph.split())
    lines = [" ".join(line.split()) for line in paragraph.split(_LINE)]
    return "\n".join([line for line in lines if line])


def _pieces(markup: str) -> list[str]:
    """Text between tags, with marks where tags break it."""
    pieces = []
    at, preformatted = 0, 0
    unclosed: set[str] = set()  # what is known to have no end further on, so that it is looked for once
    for found in _MARKUP.finditer(markup):
        start, end = found.span()
        if start < at:
            continue  # inside of what was skipped
        if start > at:
            pieces.append(_keep_lines(markup[at:start]) if preformatted else markup[at:start])
        at = end
        name = (found["name"] or "").lower()
        if name in _MARKED:
            pieces.append(_MARKED[name])
        if name == "pre":
            preformatted = max(0, preformatted + (-1 if found["end"] else 1))
        elif name in _HIDDEN and not found["end"]:
            at = _skip_to(f"</{name}", markup, at, unclosed)
        elif found["comment"]:
            at = _skip_to("-->", markup, at, unclosed)
    pieces.append(_keep_lines(markup[at:]) if preformatted else markup[at:])
    return pieces


def _keep_lines(text: str) -> str:
    return text.replace("\n", _LINE)


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
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_INVISIBLE = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060))


@functools.lru_cache(maxsize=4)  # a text is counted, compared and hashed in one go
def tokens(text: str) -> tuple[str, ...]:
    """The words of `text` in their plainest form: compatibility characters folded, case folded, punctuation gone."""
    if text.isascii():  # nothing to fold but case, and words are plain
        return tuple(_ASCII_WORD.findall(text.lower()))
    # Folding case can undo the normal form and the other way round; after two rounds nothing changes any more.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).casefold()
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", folded).translate(_INVISIBLE)))


def count_words(text: str) -> int:
    """How many words `text` has; characters, for scripts that write without spaces."""
    return len(tokens(text))


def text_hash(text: str) -> str:
    """SHA-256 (hex) of the words of `text`: equal for texts that differ in case, spacing and punctuation only."""
    return hashlib.sha256(" ".join(tokens(text)).encode("utf-8", "replace")).hexdigest()
