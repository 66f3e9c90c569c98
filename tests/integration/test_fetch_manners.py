"""Manners of one exchange: deltas, waiting, secrets that stay inside TLS, forms for hubs, robots.txt files."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.errors import PermanentFetchError, TransientFetchError
from ingest.model import FeedSecrets, Purpose, Validators
from ingest.outcome import Outcome
from tests.fetching import failure, fetched
from tests.site import Answer, Site

TLS = Path(__file__).parent.parent / "data" / "tls"
ETAG = Validators('"v1"')


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.page("/feed.xml", b"<rss/>")
        yield site


@pytest.fixture
def secure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "good.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "good.pem")
    with Site(tls=context) as site:
        yield site


# ── deltas (RFC 3229) ──


@pytest.mark.parametrize(
    ("purpose", "validators", "is_asked"),
    [(Purpose.FEED, ETAG, True), (Purpose.FEED, Validators(None, "then"), False), (Purpose.PAGE, ETAG, False)],
    ids=["feed with an etag", "feed without", "page"],
)
def test_only_what_is_new_is_asked_for_where_we_can_say_what_we_have(
    site: Site, purpose: Purpose, validators: Validators, is_asked: bool
) -> None:
    fetched(site.url("/feed.xml"), purpose=purpose, validators=validators)
    assert ("a-im" in site.requests[0].headers) == is_asked


def test_a_delta_is_taken_as_one(site: Site) -> None:
    site.page("/feed.xml", b"<rss>new</rss>", status=226, headers={"IM": "feed", "ETag": '"v2"'})
    answer = fetched(site.url("/feed.xml"), validators=ETAG)
    assert (answer.status, answer.body) == (226, b"<rss>new</rss>")


def test_a_delta_that_nobody_asked_for_is_refused(site: Site) -> None:
    site.page("/feed.xml", b"<rss>new</rss>", status=226, headers={"IM": "feed"})
    error = failure(site.url("/feed.xml"))
    assert (error.outcome, error.status) == (Outcome.HTTP_ERROR, 226)


# ── a redirect that asks to wait (RFC 9110 §10.2.3) ──


def test_a_redirect_that_asks_to_come_back_later_is_not_followed_now(site: Site) -> None:
    site.page("/old", status=302, headers={"Location": "/feed.xml", "Retry-After": "120"})
    error = failure(site.url("/old"))
    assert isinstance(error, TransientFetchError)
    assert (error.outcome, error.retry_after_s, len(site.requests)) == (Outcome.RATE_LIMITED, 120.0, 1)


def test_a_redirect_that_asks_for_a_moment_is_followed_after_it(site: Site) -> None:
    site.page("/old", status=302, headers={"Location": "/older", "Retry-After": "5"})
    site.page("/older", status=302, headers={"Location": "/feed.xml"})
    waits: list[tuple[float, int]] = []

    async def sleep(seconds: float) -> None:
        waits.append((seconds, len(site.requests)))

    assert fetched(site.url("/old"), sleep=sleep).body == b"<rss/>"
    assert waits == [(5.0, 1)]


# ── secrets and TLS ──


@pytest.mark.parametrize(
    "given",
    [{"secrets": FeedSecrets(headers={"X-Key": "k"})}, {"secrets": FeedSecrets(username="u", password="p")}],
    ids=["header", "login"],
)
def test_no_secret_follows_a_redirect_out_of_tls(site: Site, secure: Site, given: dict[str, object]) -> None:
    secure.page("/old", status=301, headers={"Location": site.url("/feed.xml")})
    error = failure(secure.url("/old", host="localhost"), **given)
    assert isinstance(error, PermanentFetchError)
    assert (error.outcome, site.requests) == (Outcome.REDIRECT_ERROR, [])


def test_without_secrets_a_redirect_out_of_tls_is_followed(site: Site, secure: Site) -> None:
    secure.page("/old", status=301, headers={"Location": site.url("/feed.xml")})
    assert fetched(secure.url("/old", host="localhost")).body == b"<rss/>"


# ── forms for hubs ──


def test_a_form_is_posted_and_an_empty_answer_is_fine(site: Site) -> None:
    site.serve("/hub", lambda request: Answer(status=202))
    answer = fetched(
        site.url("/hub"), purpose=Purpose.HUB, form={"hub.mode": "subscribe", "hub.topic": "https://a.example/?x=1&y"}
    )
    (asked,) = site.requests
    assert (answer.status, asked.method, asked.headers["content-type"]) == (202, "POST", "application/x-www-form-urlencoded")
    assert asked.body == b"hub.mode=subscribe&hub.topic=https%3A%2F%2Fa.example%2F%3Fx%3D1%26y"


@pytest.mark.parametrize(("status", "is_followed"), [(307, True), (308, True), (301, False), (302, False), (303, False)])
def test_a_form_follows_only_redirects_that_keep_it_a_form(site: Site, status: int, is_followed: bool) -> None:
    site.page("/old", status=status, headers={"Location": "/hub"})
    site.serve("/hub", lambda request: Answer(status=204))
    url, given = site.url("/old"), {"purpose": Purpose.HUB, "form": {"a": "b"}}
    if is_followed:
        fetched(url, **given)
        assert [(request.method, request.body) for request in site.requests] == [("POST", b"a=b")] * 2
    else:
        assert failure(url, **given).outcome is Outcome.REDIRECT_ERROR


# ── robots.txt ──


def test_a_robots_txt_is_cut_at_its_cap_and_not_refused(site: Site) -> None:
    site.page("/robots.txt", b"# " + b"x" * 700_000)
    assert len(fetched(site.url("/robots.txt"), purpose=Purpose.ROBOTS).body) == 512_000
