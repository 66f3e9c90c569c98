"""Addresses: plain forms, resolution, and what may be shown."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.urls import Login, canonical_url, host_of, is_http_url, login_of, origin_of, redact, request_url, resolve

# Spelled out rather than "any character": each of these has a part in an address, or has broken one.
ODD_TEXT = st.text(
    "aZ09-._~!$&'()*+,;=:@/?#[]|%\\^`{}<>\" \t\r\n\x00\x1f\x7f\x85\xadéß٣ſⅨ。℀\u200d\ufeff\ud800\udfff😀", max_size=40
)
URL_LIKE = st.builds(
    "{}://{}{}/{}?{}#{}".format,
    st.sampled_from(["http", "HTTPS", "ftp", "javascript"]),
    st.sampled_from(["", "u:p@", "@", "a b@"]),
    st.sampled_from(
        [
            "example.org",
            "EXAMPLE.org.",
            "bücher.example",
            "[::1]",
            "[",
            "127.1",
            "ex ample.org",
            "x..y",
            "h:99999",
            "h:80",
            "0x7f.1",
            "09.1",
        ]
    ),
    ODD_TEXT,
    ODD_TEXT,
    ODD_TEXT,
)
ANYTHING = st.one_of(ODD_TEXT, URL_LIKE)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("https://example.org:443/a", "https://example.org/a"),
        ("http://example.org:443/a", "http://example.org:443/a"),
        ("http://example.org./a#part", "http://example.org/a"),
        ("http://bücher.example/é", "http://xn--bcher-kva.example/%C3%A9"),
        ("http://example.org/a?utm_source=x&id=7&fbclid=y&UTM_Medium=z", "http://example.org/a?id=7"),
        ("http://example.org/a?utm_source=x", "http://example.org/a"),
        ("http://example.org/a?b=2&a=1", "http://example.org/a?b=2&a=1"),
        ("http://example.org/a?utmost=1&gclidx=2&ref=3", "http://example.org/a?utmost=1&gclidx=2&ref=3"),
        ("http://example.org/%7euser/%c3%a9", "http://example.org/~user/%C3%A9"),
        ("http://example.org/100%", "http://example.org/100%25"),
        ("http://example.org/a%2Fb", "http://example.org/a%2Fb"),
        ("http://user:secret@example.org/", "http://example.org/"),
        ("  http://example.org/a b\n", "http://example.org/a%20b"),
        ("http://[2001:DB8::0:1]:80/", "http://[2001:db8::1]/"),
        ("http://127.0.0.1:80/", "http://127.0.0.1/"),
        ("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/a"),
        ("http://example.org:65535/", "http://example.org:65535/"),
        ("http://example.org:08080/", "http://example.org:8080/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://017700000001/", "http://127.0.0.1/"),
        ("http://127.000.000.001/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://127.0.0.0x/", "http://127.0.0.0/"),
        ("http://0/", "http://0.0.0.0/"),
        ("http://1.example/", "http://1.example/"),
        ("http://under_score.example/", "http://under_score.example/"),
        ("http://example.org/?", "http://example.org/"),
    ],
)
def test_canonical_form_is_plain(url: str, plain: str) -> None:
    assert canonical_url(url) == plain


NO_HTTP_URLS = [
    "",
    "example.org/a",
    "/a",
    "ftp://example.org/",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://",
    "http:///a",
    "http://example.org:99999/",
    "http://example.org:0/",
    "http://example.org:x/",
    "http://[::1/",
    "http://[fe80::1%25eth0]/",
    "http://[v1.x]/",
    "http://ex ample.org/",
    "http://a..b/",
    "http://" + "a" * 300 + "/",
    "http://xn--\ufffe.example/",
    "http://example.org/\ud800",
    "http://exa\x00mple.org/",
    "http://example.org/" + "a" * 9000,
    "http://\u2100.example/",
    "http://\u00ad/",
    "http://b\u00fc cher.example/",
    "http://[::1%1]/",
    "http://1.2.3.4.5/",
    "http://1.2.3.256/",
    "http://256.1/",
    "http://4294967296/",
    "http://089/",
    "http://example.5/",
]


@pytest.mark.parametrize("url", NO_HTTP_URLS)
def test_what_is_no_http_url_has_no_plain_form(url: str) -> None:
    assert canonical_url(url) is None
    assert request_url(url) is None


@given(ANYTHING)
@example("http://example.org/%%34%31")
@example("http://example.org/%4%31?%zz")
def test_canonical_form_is_idempotent(url: str) -> None:
    plain = canonical_url(url)
    assert plain is None or canonical_url(plain) == plain


@given(ANYTHING)
def test_request_form_is_idempotent_ascii_and_has_the_same_origin(url: str) -> None:
    plain = request_url(url)
    if plain is not None:
        assert plain.isascii()
        assert request_url(plain) == plain
        assert origin_of(plain) == origin_of(url)


@given(ANYTHING, ANYTHING)
def test_no_address_makes_anything_raise(url: str, other: str) -> None:
    assert is_http_url(url) is (origin_of(url) is not None)
    assert bool(host_of(url)) is is_http_url(url)
    assert isinstance(redact(url), str)
    login_of(url)
    resolved = resolve(url, other)
    assert resolved is None or is_http_url(resolved)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://example.org/?utm_source=x&sig=%2b%7e&empty=", "http://example.org/?utm_source=x&sig=%2b%7e&empty="),
        ("http://example.org/a|b[0]~'(1)", "http://example.org/a|b[0]~'(1)"),
        ('http://example.org/a"b<c>', "http://example.org/a%22b%3Cc%3E"),
        ("http://u:p@example.org/ü#frag", "http://example.org/%C3%BC"),
        ("http://example.org?a=1", "http://example.org/?a=1"),
    ],
)
def test_request_form_changes_only_what_cannot_be_sent(url: str, asked: str) -> None:
    assert request_url(url) == asked


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.ORG:8443/a", "example.org"),
        ("http://u@bücher.example./", "xn--bcher-kva.example"),
        ("http://[::1]:8080/", "::1"),
        ("mailto:someone@example.org", ""),
    ],
)
def test_host_is_the_name_without_port(url: str, host: str) -> None:
    assert host_of(url) == host


def test_origin_is_scheme_host_and_port() -> None:
    assert origin_of("HTTP://u:p@Example.org:80/a?b") == "http://example.org"
    assert origin_of("https://example.org:80/") == "https://example.org:80"
    assert origin_of("http://[::1]:81/") == "http://[::1]:81"
    assert origin_of("gopher://example.org/") is None


def test_login_is_read_unescaped() -> None:
    assert login_of("http://me:p%40ss@example.org/") == Login("me", "p@ss")
    assert login_of("http://me@example.org/") == Login("me", "")
    assert login_of("http://example.org/") is None
    assert login_of("nothing") is None


@pytest.mark.parametrize(
    ("link", "absolute"),
    [
        (" \n/a ", "http://example.org/a"),
        ("b?c#d", "http://example.org/feeds/b?c#d"),
        ("//other.example/x", "http://other.example/x"),
        ("https://other.example", "https://other.example"),
        ("/lo\nng", "http://example.org/long"),
        ("", "http://example.org/feeds/feed.xml"),
        ("javascript:alert(1)", None),
        ("JaVa\tScript:alert(1)", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("//[", None),
        ("http://example.org:99999999/", None),
        ("mailto:me@example.org", None),
    ],
)
def test_links_resolve_to_http_addresses_or_nothing(link: str, absolute: str | None) -> None:
    assert resolve("http://example.org/feeds/feed.xml", link) == absolute


def test_a_link_without_usable_base_must_be_absolute() -> None:
    assert resolve("", "/a") is None
    assert resolve("", "http://example.org/a") == "http://example.org/a"
    assert resolve("http://[", "http://example.org/a") is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:secret@example.org/", "http://me:***@example.org/"),
        ("http://me:p@ss@example.org/", "http://me:***@example.org/"),
        ("http://tokenonly@example.org/", "http://***@example.org/"),
        (
            "http://example.org/?api_key=1&q=2&access_token=3&x-sig=4",
            "http://example.org/?api_key=***&q=2&access_token=***&x-sig=***",
        ),
        ("http://example.org/?keyword=1&monkey=2&design=3", "http://example.org/?keyword=1&monkey=2&design=3"),
        ("http://example.org/?Password=x;key=y", "http://example.org/?Password=***;key=***"),
        ("http://example.org/#access_token=x", "http://example.org/"),
        ("//me:secret@example.org/", "//me:***@example.org/"),
        ("http://me:secret@[/", "http://me:***@[/"),
        ("http://example.org/a@b?c=d@e", "http://example.org/a@b?c=d@e"),
    ],
)
def test_shown_addresses_keep_secrets(url: str, shown: str) -> None:
    assert redact(url) == shown
