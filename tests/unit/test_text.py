"""Bytes to characters, markup to paragraphs, paragraphs to words; none of it raises or takes long."""

import codecs
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text import count_words, decode, find_charset, html_to_text, one_line, strip_controls, text_hash, tokens

LONG = "Straße und Küste, größer als früher: 日本語. "


@pytest.mark.parametrize(
    ("body", "label", "text"),
    [
        (b"plain", None, "plain"),
        ("naïve 日本".encode(), "iso-8859-1", "naïve 日本"),
        (codecs.BOM_UTF8 + "é".encode(), "windows-1251", "é"),
        ("\ufeffé<a>".encode("utf-16-le"), "utf-8", "é<a>"),
        ("\ufeffé<a>".encode("utf-16-be"), None, "é<a>"),
        ("\ufeffé<a>".encode("utf-32-le"), None, "é<a>"),
        ("<?xml é".encode("utf-16-le"), "utf-8", "<?xml é"),
        ("<?xml é".encode("utf-16-be"), "utf-8", "<?xml é"),
        ("Ёж".encode("windows-1251"), "windows-1251", "Ёж"),
        ("日本語".encode("cp932"), " Shift_JIS ", "日本語"),
        ("嗞".encode("gb18030"), "gb2312", "嗞"),
        (b"it\x92s caf\xe9", "ISO-8859-1", "it’s café"),
        (b"it\x92s caf\xe9", None, "it’s café"),
        (b"caf\xe9", "utf-8", "café"),
        (b"caf\xe9 \x81", "no such thing", "café \x81"),
        (b"caf\xe9", "utf-7", "café"),
        (b"caf\xe9", "x-user-defined", "café"),
        ((LONG * 3).encode() + b"\xff end", "iso-8859-1", LONG * 3 + "\ufffd end"),
        (b"", None, ""),
        (b"\x00\x00", None, "\x00\x00"),
        ("<?xml é日".encode("utf-32-le"), "utf-8", "<?xml é日"),
        ("<?xml é日".encode("utf-32-be"), None, "<?xml é日"),
        ("\ufeff<a>".encode("utf-32-be"), None, "<a>"),
        ("\ufeffé<a>".encode("utf-16-le") + b"x", None, "é<a>\ufffd"),
        (b"\0" * 100 + "<a>é".encode(), None, "\0" * 100 + "<a>é"),
        ("日本語のニュース".encode("utf-16-le") + b"<\0", "utf-16", "日本語のニュース<"),
        (b"<a>caf\xe9</a>", "utf-16", "<a>café</a>"),
        (codecs.BOM_UTF8 + b"caf\xe9 \xe0", "iso-8859-1", "café à"),
        (codecs.BOM_UTF8 + "日本語 ".encode() + b"\xff", None, "日本語 \ufffd"),
        ("日本語".encode("iso2022_jp"), "iso-2022-jp", "日本語"),
        ("ｱ".encode("iso2022_jp_ext"), "ISO-2022-JP", "ｱ"),
        ("日本語".encode(), "iso-2022-jp", "日本語"),
        (b"~{VPND~}", "hz-gb-2312", "~{VPND~}"),
        (b"xn--caf-dma caf\xe9", "punycode", "xn--caf-dma café"),
        (b"caf\xe9", "unicode_escape", "café"),
        (b"caf\xe9", "zlib", "café"),
        (b"it\x92s", "latin-1", "it’s"),
        (b"\xb8\xe6", "win-1251", "ёж"),
        (b"\xb8\xe6", "CP1251", "ёж"),
        (b"\xc6\xfc\xcb\xdc\xb8\xec", "euc_jp", "日本語"),
        (b"\xad\xa1 \xc6\xfc", "euc-jp", "① 日"),
        (b"\x83x\x81", "windows-1250", "\x83x\x81"),
        ("naïve 日本".encode()[:-1], "iso-8859-1", "naïve 日\ufffd"),
        ("日本語".encode("cp932")[:-1] + b"</a>", "shift_jis", "日本\ufffd</a>"),
        ("汉<".encode("gb18030")[:1] + b"<a>\xff", "gbk", "\ufffd<a>\ufffd"),
        ("caf\u00e9 \ufffd\ufffd\ufffd\ufffd日本".encode() + b"\xff", "latin-1", "café \ufffd\ufffd\ufffd\ufffd日本\ufffd"),
        ("é".encode() + b" \xff", "utf-8", "é \ufffd"),
        ("é".encode() + b" \xff", "iso-8859-1", "Ã© ÿ"),
        ("smile \ud83d\ude00 é".encode("utf-8", "surrogatepass"), "utf-8", "smile 😀 é"),
        (b"half \xed\xa0\xbd", None, "half \ufffd"),
    ],
)
def test_characters_are_found_whatever_the_label_says(body: bytes, label: str | None, text: str) -> None:
    assert decode(body, label) == text


@pytest.mark.parametrize(
    ("body", "content_type", "label"),
    [
        (b'<?xml version="1.0" encoding="koi8-r"?>', "text/xml; charset=utf-8", "koi8-r"),
        (b"<html>", 'text/html; charset="UTF-8"', "UTF-8"),
        (b"<html><meta charset=big5>", None, "big5"),
        (b'<meta name=x><meta http-equiv="Content-Type" content="text/html; charset=euc-kr">', "text/html", "euc-kr"),
        ("<?xml version='1.0' encoding='utf-16'?>".encode("utf-16-le"), None, "utf-16"),
        (b"<p>charset=x", None, None),
        (b"<?xml version='1.0' encoding='utf-8'?>", "text/xml; charset=windows-1251", "windows-1251"),
        (b"<meta charset=windows-1251>", "text/html; charset=utf-8", "windows-1251"),
        (b"<?xml version='1.0' encoding='nonsense'?>", "text/xml; charset=koi8-r", "koi8-r"),
        (codecs.BOM_UTF8 + b"<?xml version='1.0' encoding='koi8-r'?>", None, "koi8-r"),
    ],
)
def test_claimed_encoding_is_found(body: bytes, content_type: str | None, label: str | None) -> None:
    assert find_charset(body, content_type) == label


@pytest.mark.parametrize(
    ("piece", "label"),
    [
        (b"plain words ", None), ("Küste 日本 ".encode(), "x"), ("café ".encode("latin-1"), "latin-1"), (b"\xff", "utf-8"),
        (b"\x81", None), ("日本語 ".encode("cp932"), "shift_jis"), (b"\x1b$B|!", "iso-2022-jp"), (b"\xff", "gbk"),
        ("日本語 ".encode("utf-16-le"), "utf-16"), (b"\xed\xa0\x80", None), (b"\x8f", "euc-jp"),
    ],
    ids=str,
)  # fmt: skip
def test_megabytes_decode_in_no_time(piece: bytes, label: str | None) -> None:
    body = piece * (10_000_000 // len(piece))
    started = time.process_time()
    decode(body + b"\xff", label)
    assert time.process_time() - started < 1  # 0.2 on an idle machine


def test_control_characters_go_and_line_ends_stay() -> None:
    assert strip_controls("a\x00b\x1b[c\x85\td\r\ne\ud800\ufefff\u202eg\u2066h\u200f") == "ab[c\x85\td\r\nefgh"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (" a \n b\u00a0c ", "a b c"),
        ("one two three", "one two…"),
        ("one two, three four", "one two…"),
        ("onetwothreefour", "onetwothr…"),
        ("ten chars!", "ten chars!"),
        ("123456789 0", "123456789…"),
        ("", ""),
    ],
)
def test_line_is_cut_at_a_word(text: str, line: str) -> None:
    assert one_line(text, 10) == line


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>a <b>b</b>&amp;c<br>d</p><p>e</p>", "a b&c\nd\n\ne"),
        ("<h1>T</h1><ul><li>x<li>y</ul>z", "T\n\nx\ny\n\nz"),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</table>", "1 2\n3"),
        ("a<script>x('<p>y</p>')</script><style>b{}</style><noscript>n</noscript>c", "ac"),
        ("a<SCRIPT>never closed", "a"),
        ("a<svg>never closed", "anever closed"),
        ("a<!-- <p>b --> c<!-- open", "a c open"),
        ("<![CDATA[in it]]>", "in it]]>"),
        ("<pre>x\n  y</pre>\nz", "x\ny\n\nz"),
        ("</pre>a\nb", "a b"),
        ("1 < 2 &lt; 3 & 4 &nbsp; &#8212;", "1 < 2 < 3 & 4 —"),
        ("<img alt='a > b'>t", "t"),
        ("<p>\x02\x03a</p>", "a"),
        ("<div><div></div><p> </p>a</div>", "a"),
        ("", ""),
    ],
)
def test_markup_becomes_paragraphs(markup: str, text: str) -> None:
    assert html_to_text(markup) == text


@pytest.mark.parametrize(
    "piece",
    ["<", "<!--", '<a "', "<br ", "<svg>", "</", "<script", "&#", "<![CDATA[", '<a b="', "<div>", "<pre>", "<textarea>", "\n"],
)
def test_megabytes_of_nonsense_take_linear_time(piece: str) -> None:
    started = time.process_time()
    html_to_text(piece * (1_000_000 // len(piece)))
    assert time.process_time() - started < 2


def test_nesting_without_bound_keeps_its_text() -> None:
    assert html_to_text("<div>" * 100_000 + "deep") == "deep"


def test_words_are_folded() -> None:
    assert tokens("Straße, ﬁne: don’t_stop!") == ("strasse", "fine", "don", "t", "stop")
    assert tokens("हिन्दी है। café") == ("हिन्दी", "है", "café")
    assert tokens("日本 テスト 한국어") == ("日", "本", "テ", "ス", "ト", "한국어")


def test_characters_count_where_words_are_not_spaced() -> None:
    assert count_words("今日は晴れ。") == 5
    assert count_words("Two words") == 2


@pytest.mark.parametrize("same", ["Some  words, here", "SOME WORDS HERE", "some\nwords — here!", "so\u00adme words he\u200bre"])
def test_hash_is_blind_to_case_space_and_punctuation(same: str) -> None:
    assert text_hash(same) == text_hash("some words here")
    assert text_hash(same) != text_hash("some other words here")


@given(st.text(max_size=60))
def test_hash_does_not_change_with_case_and_white_space(text: str) -> None:
    assert text_hash("  ".join(text.split())) == text_hash(text)
    assert text_hash(text.casefold()) == text_hash(text)


@given(st.text(max_size=60))
def test_folding_is_done_once(text: str) -> None:
    assert tokens(" ".join(tokens(text))) == tokens(text)


@given(st.binary(max_size=200), st.one_of(st.none(), st.text(max_size=12)))
def test_any_bytes_decode(body: bytes, label: str | None) -> None:
    assert isinstance(decode(body, label), str)
    find_charset(body, label)


@given(st.text(max_size=200))
def test_any_text_becomes_clean_paragraphs(markup: str) -> None:
    text = html_to_text(markup)
    assert text == text.strip()
    assert strip_controls(text) == text


@given(st.text(max_size=80), st.integers(1, 40))
def test_line_never_exceeds_its_length(text: str, max_chars: int) -> None:
    line = one_line(text, max_chars)
    assert len(line) <= max_chars
    assert "\n" not in line


def test_an_endless_reference_is_no_character() -> None:
    assert html_to_text(f"a &#{'9' * 65_000}; b &#x{'f' * 65_000}; c &#65;") == "a \ufffd b \ufffd c A"
