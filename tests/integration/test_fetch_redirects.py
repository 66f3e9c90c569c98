"""Redirects: which are followed, how far, and what is taken along."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ingest.errors import PermanentFetchError
from ingest.model import Hop, NotModified, Validators
from ingest.outcome import Outcome
from tests.fetching import HURRIED, POLICY, failure, fetch, fetched
from tests.site import HANG, Answer, Raw, Site


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def test_redirects_are_followed_and_recorded(site: Site) -> None:
    site.page("/1", status=301, headers={"Location": "/2"})
    site.page("/2", status=302, headers={"Location": f"//127.0.0.1:{site.port}/3"})
    site.page("/3", status=308, headers={"Location": site.url("/ü").replace("ü", "\u00c3\u00bc")})
    site.page("/%C3%BC", b"there")
    answer = fetched(site.url("/1"))
    assert answer.body == b"there"
    assert answer.url == site.url("/1")
    assert answer.final_url == site.url("/%C3%BC")
    assert answer.hops == (Hop(301, site.url("/2")), Hop(302, site.url("/3")), Hop(308, site.url("/%C3%BC")))


def test_validators_are_sent_behind_a_redirect_too(site: Site) -> None:
    site.page("/old", status=301, headers={"Location": "/new"})
    site.page("/new", b"x", etag='"v1"')
    answer = fetch(site.url("/old"), validators=Validators('"v1"'))
    assert isinstance(answer, NotModified)
    assert answer.url == site.url("/old")


def test_a_short_redirect_keeps_its_connection(site: Site) -> None:
    site.page("/1", b"moved", status=301, headers={"Location": "/2"})
    site.page("/2", b"there")
    fetched(site.url("/1"))
    assert site.connections == 1


def test_a_long_redirect_is_not_read(site: Site) -> None:
    site.raw("/1", b"HTTP/1.1 301 Moved\r\nLocation: /2\r\nContent-Length: 99999999\r\n\r\n", HANG)
    site.page("/2", b"there")
    assert fetched(site.url("/1"), policy=HURRIED).body == b"there"
    assert site.connections == 2


@pytest.mark.parametrize(
    "location",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,hello",
        "file:///etc/passwd",
        "gopher://127.0.0.1/x",
        "ftp://127.0.0.1/x",
        "http://",
        "http://[",
        "//[::1",
        "http://a:b:c/",
        "http://127.0.0.1:99999/",
        "http://exa mple.org/",
        "http://" + "a" * 300 + ".example/",
        "http://xn--\u00ff.example/",
        "/" + "a" * 9000,
    ],
)
def test_a_redirect_to_what_is_no_http_address_is_refused(site: Site, location: str) -> None:
    site.page("/feed.xml", status=302, headers={"Location": location})
    error = failure(site.url("/feed.xml"))
    assert isinstance(error, PermanentFetchError)
    assert (error.outcome, error.status) == (Outcome.REDIRECT_ERROR, 302)
    assert len(site.requests) == 1


def test_a_redirect_that_names_no_place_is_refused(site: Site) -> None:
    site.page("/feed.xml", status=301)
    assert failure(site.url("/feed.xml")).outcome is Outcome.REDIRECT_ERROR


def test_redirects_in_circles_end_at_once(site: Site) -> None:
    site.page("/1", status=302, headers={"Location": "/2"})
    site.page("/2", status=302, headers={"Location": "/1#again"})
    error = failure(site.url("/1"))
    assert error.outcome is Outcome.REDIRECT_ERROR
    assert "circles" in error.reason
    assert len(site.requests) == 2


def test_growing_redirects_end_after_the_allowed_number(site: Site) -> None:
    site.serve(
        "/grow",
        lambda request: Answer(status=302, headers={"Location": request.path + ("&" if "?" in request.path else "?") + "x"}),
    )
    error = failure(site.url("/grow"))
    assert error.outcome is Outcome.REDIRECT_ERROR
    assert "more than 5" in error.reason
    assert len(site.requests) == 6


def test_no_redirect_is_followed_when_none_is_allowed(site: Site) -> None:
    site.page("/1", status=302, headers={"Location": "/2"})
    assert failure(site.url("/1"), policy=replace(POLICY, max_redirects=0)).outcome is Outcome.REDIRECT_ERROR


def test_the_deadline_spans_all_redirects(site: Site) -> None:
    site.serve("/", lambda request: Raw(lambda: [0.2, f"HTTP/1.1 302 Found\r\nLocation: {request.path}x\r\n\r\n".encode()]))
    for number in range(9):
        site._serving["/" + "x" * number] = site._serving["/"]
    assert failure(site.url("/"), policy=replace(HURRIED, max_redirects=9)).outcome is Outcome.TIMEOUT
    assert len(site.requests) <= 3
