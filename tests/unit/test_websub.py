"""WebSub as a protocol: which hub a feed names, what it is asked, what it may send."""

import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.model import AskedFor, FeedHead, Hub, Question
from ingest.websub import find_hub, is_signed, links, may_keep_a_secret, read_question, request_form
from tests.unit.make import subscription

URL = "https://news.example/feed.xml"
HUB = "https://hub.example/"
NAMED = FeedHead("atom10", self_url="https://news.example/self", hub_url="https://inside.example/")


# ── which hub a feed names ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_names_its_hub_and_itself():
    assert find_hub({}, NAMED, URL) == Hub("https://inside.example/", "https://news.example/self")


def test_a_feed_without_a_hub_names_none():
    assert find_hub({"link": '<https://news.example/next>; rel="next"'}, replace(NAMED, hub_url=None), URL) is None


def test_link_headers_win_over_the_document():
    headers = {"link": f'<{HUB}>; rel="hub", <https://news.example/told>; rel=self'}
    assert find_hub(headers, NAMED, URL) == Hub(HUB, "https://news.example/told")


def test_a_header_that_names_only_the_hub_leaves_the_rest_to_the_document():
    assert find_hub({"link": f"<{HUB}>; rel=hub"}, NAMED, URL) == Hub(HUB, "https://news.example/self")


def test_relative_links_are_read_from_the_feeds_address():
    headers = {"link": '</hub>; rel="hub", </feed.json>; rel="self"'}
    assert find_hub(headers, FeedHead("json11"), URL) == Hub("https://news.example/hub", "https://news.example/feed.json")


@pytest.mark.parametrize("target", ["javascript:alert(1)", "file:///etc/passwd", "", "http://[::1"])
def test_a_hub_that_is_no_http_address_is_none(target):
    assert find_hub({"link": f"<{target}>; rel=hub"}, replace(NAMED, hub_url=None), URL) is None


def test_a_feed_that_does_not_name_itself_is_known_by_its_address_unless_that_holds_a_secret():
    head = replace(NAMED, self_url=None)
    assert find_hub({}, head, URL) == Hub("https://inside.example/", URL)
    assert find_hub({}, head, f"{URL}?token=abc") is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("<https://a.example/>; rel=hub", {"hub": "https://a.example/"}),
        ('<https://a.example/>;rel="hub self"', {"hub": "https://a.example/", "self": "https://a.example/"}),
        ('<https://a.example/>; REL="Hub"', {"hub": "https://a.example/"}),
        ("<https://a.example/>; rel=hub, <https://b.example/>; rel=hub", {"hub": "https://a.example/"}),
        ('<https://a.example/,b>; title="x, <y>; rel=hub"; rel="self"', {"self": "https://a.example/,b"}),
        ("<https://a.example/>; rel=next; rel=hub", {"next": "https://a.example/"}),
        ('<https://a.example/>; rel=hub; anchor="https://other.example/"', {}),
        ("<https://a.example/>", {}),
        ("https://a.example/; rel=hub", {}),
        ("<a b>; rel=hub", {}),
        ('<https://a.example/>; rel="hub', {}),
        ("", {}),
    ],
)
def test_link_headers_are_read_as_they_are_meant(header, expected):
    assert links({"link": header}) == expected


@given(st.text(alphabet="<>;,=\"' relhubsf=https://a.example/", max_size=300))
def test_no_link_header_breaks_the_reading(header):
    assert all(name == name.lower() for name in links({"link": header}))


# ── what is asked of a hub ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hub_is_asked_with_callback_topic_lease_and_secret():
    assert request_form(subscription(), AskedFor.SUBSCRIBE, lease_s=864000.0) == {
        "hub.callback": "https://ingest.example/websub/tok",
        "hub.mode": "subscribe",
        "hub.topic": "https://news.example/feed.xml",
        "hub.lease_seconds": "864000",
        "hub.secret": "hush",
    }


def test_leaving_takes_neither_lease_nor_secret():
    form = request_form(subscription(), AskedFor.UNSUBSCRIBE, lease_s=864000.0)
    assert set(form) == {"hub.callback", "hub.mode", "hub.topic"}
    assert form["hub.mode"] == "unsubscribe"


def test_no_secret_goes_to_a_hub_without_tls():
    asked = request_form(subscription(hub_url="http://hub.example/"), AskedFor.SUBSCRIBE, lease_s=60.0)
    assert "hub.secret" not in asked
    assert [may_keep_a_secret(url) for url in ("https://h.example", "HTTPS://h.example", "http://h.example", "https:")] == [
        True, True, False, False,
    ]  # fmt: skip


# ── what a hub may send ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_question_is_read_from_the_query():
    query = "hub.mode=subscribe&hub.topic=https%3A%2F%2Fnews.example%2Ff%3Fa%3D1&hub.challenge=%C3%A4+b&hub.lease_seconds=3600"
    assert read_question(query) == Question(AskedFor.SUBSCRIBE, "https://news.example/f?a=1", "ä b", 3600.0)


def test_a_denial_needs_no_challenge_and_may_give_its_reason():
    assert read_question("hub.mode=denied&hub.topic=t&hub.reason=no+room") == Question(AskedFor.DENIED, "t", reason="no room")


def test_the_first_of_a_name_counts():
    question = read_question("hub.mode=subscribe&hub.topic=a&hub.topic=b&hub.challenge=x&hub.challenge=y")
    assert (question.topic_url, question.challenge) == ("a", "x")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "hub.topic=a&hub.challenge=x",
        "hub.mode=publish&hub.topic=a&hub.challenge=x",
        "hub.mode=SUBSCRIBE&hub.topic=a&hub.challenge=x",
        "hub.mode=subscribe&hub.topic=a",
        f"hub.mode=subscribe&hub.topic=a&hub.challenge={'x' * 5000}",
        "&".join(["hub.mode=subscribe", "hub.challenge=x"] * 100),
    ],
    ids=["nothing", "no mode", "another mode", "in capitals", "no challenge", "an endless challenge", "too many fields"],
)
def test_what_is_no_question_is_not_answered(query):
    assert read_question(query) is None


@pytest.mark.parametrize("lease", ["", "-1", "1e9", "٣٦٠٠", "9" * 13, "3600s"])
def test_a_lease_that_cannot_be_read_counts_as_unsaid(lease):
    assert read_question(f"hub.mode=subscribe&hub.topic=a&hub.challenge=x&hub.lease_seconds={lease}").lease_s is None


@given(st.text(max_size=200))
def test_no_query_breaks_the_reading(query):
    assert read_question(query) is None or "hub.mode" in query


def signature(body, secret="hush", method="sha256"):
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_every_method_of_the_recommendation_is_known(method):
    assert is_signed(b"<rss/>", signature(b"<rss/>", method=method), "hush")
    assert not is_signed(b"<rss>", signature(b"<rss/>", method=method), "hush")


def test_a_signature_from_elsewhere_is_known_too():
    told = "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"  # RFC 2202, test case 2
    assert is_signed(b"what do ya want for nothing?", told, "Jefe")


@pytest.mark.parametrize(
    "told",
    [
        "",
        "sha256=",
        signature(b"body", secret="guess"),
        signature(b"body").partition("=")[2],
        signature(b"body", method="md5"),
        signature(b"body", method="sha256").replace("sha256", "sha512"),
        signature(b"body") + "0",
        "sha256=ä",
    ],
    ids=["none", "empty", "another secret", "no method", "a weak method", "another method", "longer", "not hexadecimal"],
)
def test_anything_else_is_a_wrong_signature(told):
    assert not is_signed(b"body", told, "hush")


def test_nothing_is_signed_where_no_secret_was_agreed_on():
    assert not is_signed(b"body", signature(b"body", secret=""), "")


def test_a_signature_may_be_written_in_capitals():
    assert is_signed(b"body", signature(b"body").upper().replace("SHA256", "sha256"), "hush")


def test_the_secret_and_the_token_are_not_shown():
    assert "hush" not in repr(subscription())
    assert "tok" not in repr(subscription())
