"""What is no feed is told apart at its first element, quickly and in words."""

import gzip
import time
import zlib
from collections.abc import Callable

import pytest

from ingest.errors import ParseError
from ingest.outcome import Outcome
from ingest.parse.sniff import Kind, sniff

RSS = "<rss version='2.0'><channel><title>T</title></channel></rss>"


def refused(body: bytes, url: str = "https://a.example/feed") -> ParseError:
    with pytest.raises(ParseError) as caught:
        sniff(body, {}, url)
    return caught.value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "an empty body"),
        (b"\xef\xbb\xbf \r\n", "an empty body"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"<!doctype html><p>x", "an HTML page without a title"),
        (b"<html><head><title> A  &amp; B </title>", "an HTML page titled “A & B”"),
        (b"<p>Bad gateway</p>", "an HTML page without a title"),
        (b"<?xml version='1.0'?><urlset xmlns='x'/>", "a sitemap"),
        (b"<svg xmlns='x'/>", "an XML document of type <svg>"),
        (b"Not found", "plain text that begins “Not found”"),
        (b"\xff\xfe", "a document without content"),
        (b"<?xml version='1.0'?>", "a document without content"),
        (bytes(range(256)) * 4, "binary data"),
        (b"RIFF\x00\x00\x00\x00WEBP", "a WebP image, a sound or a film"),
        (b"\x00\x00\x00 ftypisom", "an MP4 film or sound"),
        (b"<?xml version='1.0'?><xsl:stylesheet xmlns:xsl='x'><rss>", "an XSLT stylesheet, not the feed it is for"),
        (b"<opml><body><outline text='<rss >'/>", "an OPML list of feeds"),
        (b"<rdf:RDF xmlns:rdf='x'><foaf:Person/></rdf:RDF>", "an RDF document without entries"),
        (b"<Error><Code>NoSuchKey</Code><Message>No such key.</Message></Error>", "an XML error: “NoSuchKey: No such key.”"),
        (b"<error/>", "an XML document of type <error>"),
        ("<html><title>Größe".encode("utf-16"), "an HTML page titled “Größe”"),
        ("<html><title>Größe".encode("utf-16-be"), "an HTML page titled “Größe”"),
        (gzip.compress(RSS.encode(), mtime=0)[:-9], "gzip data that end too early"),
        (b"\x1f\x8bnonsense", "broken gzip data: Error -3 while decompressing data: unknown compression method"),
    ],
)
def test_other_documents_are_named(body: bytes, reason: str) -> None:
    assert refused(body).reason == reason


@pytest.mark.parametrize(
    "text",
    [
        RSS,
        "\ufeff\n" + RSS,
        "<?xml version='1.0'?><!-- <html> --><!DOCTYPE rss [<!ENTITY a 'b>'> ]>" + RSS,
        "<?xml version='1.0'>" + RSS,
        "<?xml-stylesheet href='x'?>" + RSS,
        "<!DOCTYPE rss SYSTEM 'x'>" + RSS,
        "<!-- licence: " + "x" * 300_000 + " -->" + RSS,
    ],
    ids=["bare", "mark and blank", "prolog", "unclosed declaration", "stylesheet", "doctype", "long comment"],
)
def test_feed_is_found_behind_its_prolog(text: str) -> None:
    sniffed = sniff(text.encode(), {}, "")
    assert (sniffed.kind, sniffed.text, sniffed.junk) == (Kind.XML, RSS, "")


@pytest.mark.parametrize("junk", ["Notice: x in y.php", "<br /><b>Warning</b>", "1 < 2 "])
def test_junk_before_a_feed_is_cut_off_and_told(junk: str) -> None:
    sniffed = sniff((junk + RSS).encode(), {}, "")
    assert sniffed.text == RSS
    assert sniffed.junk


def test_page_that_shows_a_feed_in_its_text_stays_a_page() -> None:
    assert refused(f"<html><title>Help</title><body><pre>{RSS}".encode()).reason == "an HTML page titled “Help”"


def test_page_offers_the_feed_it_names() -> None:
    page = b"<html><head><link rel=alternate type='application/rss+xml' href='/f.xml'></head>"
    assert refused(page, "https://a.example/x").feed_url == "https://a.example/f.xml"


@pytest.mark.parametrize(
    ("page", "hint"),
    [
        ("<title>Just a moment...</title><script>window._cf_chl_opt = {}</script>", "a check for robots by Cloudflare"),
        ("<title>DDoS-Guard</title><script src='/.well-known/ddos-guard/check'>", "a check for robots by DDoS-Guard"),
        ("<script>var sucuri_cloudproxy_js=''</script>", "a check for robots by Sucuri"),
        ("<title>Access Denied</title>Reference https://errors.edgesuite.net/18.x", "a check for robots by Akamai"),
        ("<iframe src='/_Incapsula_Resource?x'>Request unsuccessful.</iframe>", "a check for robots by Imperva"),
        ("<script>window.gokuProps = {}</script>", "a check for robots by AWS WAF"),
        ("<title>Making sure</title><link href='/.within.website/x/xess.css'>", "a check for robots by Anubis"),
        ("<title>Making sure you're not a bot!</title>", "a check for robots"),
        ("<title>Verifying you are human</title>", "a check for robots"),
        ("<title>Checking your browser before accessing</title>", "a check for robots"),
        ("<title>Sign in · Forge</title>", "a login page"),
        ("<title>Members</title><form><input name=p type='password'></form>", "a login page"),
        ("<title>Moved</title><meta http-equiv=refresh content='0; url=https://b.example/feed'>",
         "it sends browsers on to https://b.example/feed"),
    ],
)  # fmt: skip
def test_page_says_why_it_came(page: str, hint: str) -> None:
    assert refused(f"<!doctype html><html><head>{page}".encode()).reason.endswith(f" ({hint})")


@pytest.mark.parametrize(
    "page",
    [
        "<title>On robots</title><script src='/_Incapsula_Resource?x'></script><p>" + "many words of a long article " * 100,
        "<title>Logic and sign languages</title>",
        "<title>News</title><script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script>",
    ],
)
def test_ordinary_page_is_not_suspected(page: str) -> None:
    assert refused(f"<html>{page}".encode()).reason.endswith("”")


@pytest.mark.parametrize(
    "text",
    [
        ' \n{"version": "https://jsonfeed.org/version/1", "items": []}', '\ufeff{"items":[{"id":"1"}],"title":"T"}',
        '{"version":"https:\\/\\/jsonfeed.org\\/version\\/1.1"', '{"\0items":[{"id":1}],"title":""}',
    ],
)  # fmt: skip
def test_json_that_may_be_a_feed_is_left_to_its_parser(text: str) -> None:
    sniffed = sniff(text.encode(), {}, "")
    assert (sniffed.kind, sniffed.text.lstrip()[0]) == (Kind.JSON, "{")


def test_json_in_two_bytes_a_character_is_recognised() -> None:
    assert sniff('{"version": "https://jsonfeed.org/version/1.1"}'.encode("utf-16"), {}, "").kind is Kind.JSON


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"error":"rate limited"}', 'a JSON error: "rate limited"'),
        ('{"message":"Not Found","documentation_url":"x","status":"404"}', 'a JSON error: "Not Found"'),
        ('{"error":{"code":403,"message":"No key","status":"PERMISSION_DENIED"}}', 'a JSON error: "No key"'),
        ('{"errors":[{"title":"Bad","detail":"No such user"}]}', 'a JSON error: "No such user"'),
        ('{"type":"about:blank","title":"Too Many Requests","status":429}', 'a JSON error: "Too Many Requests"'),
        ('{"ok":false,"description":"Unauthorized"}', 'a JSON error: "Unauthorized"'),
        ('{"error":"invalid","error_description":"The token is old"}', 'a JSON error: "invalid"'),
        ('{"detail":"Not found."}', 'a JSON error: "Not found."'),
        ('{"error":true,"message":"Off"}', 'a JSON error: "Off"'),
        ('{"name":"x","title":"y"}', 'a JSON document that is no feed: {"name":"x","title":"y"}'),
        ('{"error":{}}', 'a JSON document that is no feed: {"error":{}}'),
        ("[1, 2]", "a JSON document that is no feed: [1, 2]"),
        ('{"a', 'a JSON document that is no feed: {"a'),
        ("{" * 50_000, "a JSON document that is no feed: " + "{" * 79 + "…"),
    ],
    ids=lambda value: value[:40],
)  # fmt: skip
def test_json_that_is_no_feed_is_refused_with_its_message(text: str, reason: str) -> None:
    assert refused(text.encode()).reason == reason


@pytest.mark.parametrize(
    "packed",
    [
        zlib.compress(RSS.encode()), zlib.compress(RSS.encode(), 1), gzip.compress(zlib.compress(RSS.encode())),
        gzip.compress(RSS[:10].encode()) + gzip.compress(RSS[10:].encode()), gzip.compress(RSS.encode()) + b"\0" * 100,
    ],
    ids=["zlib", "zlib, fast", "zlib in gzip", "two members", "padding"],
)  # fmt: skip
def test_packed_feed_is_unpacked(packed: bytes) -> None:
    assert sniff(packed, {}, "").text == RSS


def test_text_that_begins_like_zlib_is_text() -> None:
    assert refused(b"x^2 and more").reason == "plain text that begins “x^2 and more”"


def test_root_is_found_behind_nul_and_before_them() -> None:
    assert sniff(b"\0" * 1_000 + RSS.replace("rss", "r\0ss").encode(), {}, "").text == RSS


def test_root_is_found_behind_a_megabyte_of_nothing() -> None:
    assert sniff(b" " * 1_000_000 + RSS.encode(), {}, "").text == RSS


def test_long_feed_is_decoded_whole() -> None:
    text = RSS.replace("T", "日本" * 300_000)
    assert sniff(text.encode(), {}, "").text == text
    assert sniff(text.encode("cp932"), {"content-type": "text/xml; charset=shift_jis"}, "").text == text


def test_encoding_of_the_response_is_used_where_the_document_names_none() -> None:
    body = RSS.replace("T", "Ёж").encode("windows-1251")
    assert "Ёж" in sniff(body, {"content-type": "text/xml; charset=windows-1251"}, "").text


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_bomb_is_not_unpacked(pack: Callable[[bytes], bytes]) -> None:
    assert refused(pack(b"\0" * 11_000_000)).outcome is Outcome.TOO_LARGE


PIECES = [
    "<html><p>word <a href='/x'>y</a></p>", "<html><a href='/feed'>", "<html><link rel=alternate type=text/xml href=/f>",
    "<", "< ", "<!--", "<!-- -->", "<?", "<?x?>", "<!DOCTYPE x>", "<!DOCTYPE x [", "<!DOCTYPE x [ ]>", "</x>", "<a:", "<div>",
    "<title>", "<svg a='b'>", " ", "\0", "word ", "wörd ", "&", '{"items":[{"a":1}],', "[", '{"a":', "<foo><bar/>",
    "<aaaaaaaaaaaaa:",
]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_ten_megabytes_are_refused_in_no_time(piece: str) -> None:
    body = (piece * (10_000_000 // len(piece.encode()))).encode()
    started = time.process_time()
    assert refused(body).reason
    assert time.process_time() - started < 0.5  # 0.05 on an idle machine
