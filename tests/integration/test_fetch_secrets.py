"""Secrets of a feed go to its own origin, over connections that are what they say, and into no message."""

import ssl
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.errors import ConfigError, PermanentFetchError, TransientFetchError
from ingest.fetch.client import HttpFetcher
from ingest.model import FeedSecrets, FetchRequest, Purpose
from ingest.outcome import Outcome
from tests.fetching import failure, fetched, with_fetcher
from tests.site import RESET, Site

TLS = Path(__file__).parent.parent / "data" / "tls"
SECRETS = FeedSecrets(headers={"X-Api-Key": "k3y", "Cookie": "sid=1"}, username="me", password="p4ss")
ALL = {"x-api-key": "k3y", "cookie": "sid=1", "authorization": "Basic " + b64encode(b"me:p4ss").decode()}


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.page("/feed.xml", b"here")
        yield site


def secrets_in(headers: object) -> dict[str, str]:
    assert isinstance(headers, dict)
    return {name: value for name, value in headers.items() if name in ALL}


# ── who gets them ──


def test_a_feeds_own_origin_gets_its_secrets_behind_a_redirect_too(site: Site) -> None:
    site.page("/old", status=301, headers={"Location": "/feed.xml"})
    fetched(site.url("/old"), secrets=SECRETS)
    assert [secrets_in(request.headers) for request in site.requests] == [ALL, ALL]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"], ids=["other port", "other host"])
def test_no_other_origin_gets_them(site: Site, host: str) -> None:
    with Site(host) as other:
        other.page("/back", status=302, headers={"Location": site.url("/feed.xml")})
        site.page("/old", status=302, headers={"Location": other.url("/back")})
        fetched(site.url("/old"), secrets=SECRETS)
        assert secrets_in(other.requests[0].headers) == {}
        assert secrets_in(site.requests[1].headers) == ALL


def test_the_login_in_an_address_goes_to_its_origin_and_not_into_the_request_line(site: Site) -> None:
    with Site("127.0.0.2") as other:
        other.page("/", b"there")
        site.page("/old", status=302, headers={"Location": other.url("/")})
        with_login = site.url("/old").replace("//", "//me:p4ss@")
        answer = fetched(with_login)
        assert site.requests[0].headers["authorization"] == ALL["authorization"]
        assert site.requests[0].path == "/old"
        assert "authorization" not in other.requests[0].headers
        assert answer.url == with_login
        assert answer.final_url == other.url("/")


def test_the_login_in_a_redirect_is_for_where_it_leads_and_is_not_kept(site: Site) -> None:
    site.page("/old", status=302, headers={"Location": site.url("/feed.xml").replace("//", "//x:y@")})
    answer = fetched(site.url("/old"))
    assert site.requests[1].headers["authorization"] == "Basic eDp5"
    assert [answer.final_url, answer.hops[0].url] == [site.url("/feed.xml")] * 2


def test_configured_credentials_win_over_those_in_the_address(site: Site) -> None:
    fetched(site.url("/feed.xml").replace("//", "//x:y@"), secrets=FeedSecrets(username="me", password="p4ss"))
    assert site.requests[0].headers["authorization"] == ALL["authorization"]


def test_cookies_of_a_site_are_not_kept(site: Site) -> None:
    site.page("/feed.xml", b"here", headers={"Set-Cookie": "sid=1; Domain=127.0.0.1; Path=/"})

    async def twice(fetcher: HttpFetcher) -> None:
        for _ in range(2):
            await fetcher.fetch(FetchRequest(site.url("/feed.xml"), Purpose.FEED))

    with_fetcher(twice)
    assert all("cookie" not in request.headers for request in site.requests)


# ── what cannot be sent ──


@pytest.mark.parametrize(
    "headers",
    [{"X-Key": "p4ss\r\nX-Evil: 1"}, {"X-Key": "p4ss\u20ac"}, {"X Key": "p4ss"}, {"Host": "p4ss.example"}, {"": "p4ss"}],
    ids=["line break", "no latin-1", "bad name", "host", "no name"],
)
def test_headers_that_cannot_be_sent_are_named_without_their_value(site: Site, headers: dict[str, str]) -> None:
    error = failure(site.url("/feed.xml"), secrets=FeedSecrets(headers=headers))
    assert isinstance(error, PermanentFetchError)
    assert error.outcome is Outcome.PROTOCOL_ERROR
    assert "header" in error.reason
    assert "p4ss" not in str(error)
    assert site.requests == []


def test_a_feeds_proxy_that_is_none_is_a_failure_of_that_feed() -> None:
    error = failure("http://127.0.0.1/", secrets=FeedSecrets(proxy="socks5://me:p4ss@127.0.0.1:1"))
    assert isinstance(error, PermanentFetchError)
    assert "proxy" in error.reason
    assert "p4ss" not in str(error)


def test_no_failure_tells_a_secret(site: Site) -> None:
    site.raw("/reset", RESET)
    site.page("/moved", status=302, headers={"Location": "ftp://me:p4ss@127.0.0.1/?token=p4ss"})
    for path in ("/reset", "/moved", "/missing"):
        error = failure(site.url(f"{path}?token=p4ss").replace("//", "//me:p4ss@"), secrets=SECRETS)
        assert "p4ss" not in str(error) + error.url + error.reason
        assert "k3y" not in str(error)


# ── TLS ──


def serving(name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / name)
    return context


def test_a_trusted_certificate_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "good.pem"))
    with Site(tls=serving("good.pem")) as site:
        site.page("/", b"safe")
        assert fetched(site.url("/", host="localhost")).body == b"safe"


def test_http_2_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "good.pem"))
    context = serving("good.pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    with Site(tls=context) as site:
        site.page("/", b"one")
        assert fetched(site.url("/", host="localhost")).body == b"one"  # else it would have been asked in frames


@pytest.mark.parametrize(
    ("trusted", "host", "words"),
    [
        ("expired.pem", "127.0.0.1", "self-signed certificate"),
        ("good.pem", "127.0.0.2", "IP address mismatch"),
    ],
    ids=["self-signed", "wrong host"],
)
def test_a_bad_certificate_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, trusted: str, host: str, words: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / trusted))
    with Site(host, tls=serving("good.pem")) as site:
        error = failure(site.url("/"))
        assert isinstance(error, TransientFetchError)
        assert error.outcome is Outcome.TLS_ERROR
        assert words in error.reason
        assert site.requests == []


def test_an_expired_certificate_is_refused_although_it_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "expired.pem"))
    with Site(tls=serving("expired.pem")) as site:
        error = failure(site.url("/"))
    assert (error.outcome, error.reason) == (Outcome.TLS_ERROR, "the certificate was refused: certificate has expired")


def test_plain_http_where_tls_is_expected_is_a_tls_error(site: Site) -> None:
    error = failure(site.url("/").replace("http:", "https:"))
    assert error.outcome is Outcome.TLS_ERROR
    assert error.reason.startswith("TLS failed: ")


def test_certificates_that_cannot_be_read_are_a_configuration_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
        with_fetcher(lambda fetcher: fetcher.aclose())
