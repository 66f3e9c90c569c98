"""Fetching from a scripted site: what comes back, what is sent, and what every kind of failure is called."""

import asyncio
import gzip
import zlib
from collections.abc import Iterator

import pytest

from ingest import __version__
from ingest.errors import FetchError, PermanentFetchError, TransientFetchError
from ingest.fetch.client import HttpFetcher
from ingest.model import FetchRequest, NotModified, Purpose, Validators
from ingest.outcome import Outcome
from tests.fetching import HURRIED, failure, fetch, fetched, with_fetcher
from tests.site import HANG, RESET, Answer, Raw, Site

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


# ── documents ──


def test_a_document_comes_whole_with_its_headers(site: Site) -> None:
    site.page("/feed.xml", b"<rss/>", headers={"Content-Type": "application/rss+xml", "ETag": '"v1"'})
    answer = fetched(site.url("/feed.xml"))
    assert (answer.status, answer.body, answer.hops) == (200, b"<rss/>", ())
    assert answer.url == answer.final_url == site.url("/feed.xml")
    assert answer.headers["content-type"] == "application/rss+xml"
    assert answer.headers["etag"] == '"v1"'
    assert 0 <= answer.elapsed_ms < 5000
    assert answer.fetched_at.tzinfo is not None


def test_other_success_with_a_body_is_a_document_too(site: Site) -> None:
    site.page("/feed.xml", b"<rss/>", status=203)
    assert fetched(site.url("/feed.xml")).status == 203


def test_an_empty_body_is_a_document(site: Site) -> None:
    site.page("/feed.xml", headers={"Content-Encoding": "gzip"})
    assert fetched(site.url("/feed.xml")).body == b""


def test_a_body_may_end_with_its_connection(site: Site) -> None:
    site.raw("/feed.xml", OK, b"\r\n", b"<rss/>")
    assert fetched(site.url("/feed.xml")).body == b"<rss/>"


def test_what_follows_the_declared_length_is_not_part_of_the_body(site: Site) -> None:
    site.raw("/feed.xml", OK, b"Content-Length: 6\r\n\r\n", b"<rss/>and more")
    assert fetched(site.url("/feed.xml")).body == b"<rss/>"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"<rss/>" * 999)),
        ("x-gzip", gzip.compress(b"<rss/>" * 999)),
        ("GZIP", gzip.compress(b"<rss/>" * 500) + gzip.compress(b"<rss/>" * 499)),
        ("gzip", gzip.compress(b"<rss/>" * 999) + b"\0" * 512),
        ("deflate", zlib.compress(b"<rss/>" * 999)),
        ("deflate", zlib.compress(b"<rss/>" * 999)[2:-4]),
        ("identity", b"<rss/>" * 999),
        ("", b"<rss/>" * 999),
    ],
    ids=["gzip", "x-gzip", "two members", "padded", "zlib", "bare deflate", "identity", "empty"],
)
def test_bodies_are_decoded(site: Site, encoding: str, body: bytes) -> None:
    site.page("/feed.xml", body, headers={"Content-Encoding": encoding})
    assert fetched(site.url("/feed.xml")).body == b"<rss/>" * 999


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(b"<rss/>"),
        gzip.compress(b"<rs") + gzip.compress(b"s/>") + b"\0\0\0",
        zlib.compress(b"<rss/>"),
        zlib.compress(b"<rss/>")[2:-4] + b"\0",
    ],
    ids=["gzip", "two members", "zlib", "bare deflate"],
)
def test_a_body_is_decoded_however_it_is_cut(site: Site, packed: bytes) -> None:
    encoding = b"gzip" if packed.startswith(b"\x1f") else b"deflate"
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in packed) + b"0\r\n\r\n"
    site.raw("/feed.xml", OK, b"Transfer-Encoding: chunked\r\nContent-Encoding: " + encoding + b"\r\n\r\n", chunks)
    assert fetched(site.url("/feed.xml")).body == b"<rss/>"


def test_repeated_headers_are_joined_but_single_ones_keep_their_first_value(site: Site) -> None:
    site.raw("/", OK, b'Link: </a>\r\nLink: </b>\r\nETag: "1"\r\nETag: "2"\r\nContent-Length: 0\r\n\r\n')
    headers = fetched(site.url("/")).headers
    assert (headers["link"], headers["etag"]) == ("</a>, </b>", '"1"')


# ── what is sent ──


def test_a_request_says_who_asks_and_for_what(site: Site) -> None:
    site.page("/", b"x")
    for purpose in Purpose:
        fetch(site.url("/"), purpose=purpose)
    accepts = [request.headers["accept"] for request in site.requests]
    assert ["rss" in accepts[0], "text/html" in accepts[1], "opml" in accepts[2]] == [True, True, True]
    for request in site.requests:
        assert request.headers["user-agent"].startswith(f"Ingest/{__version__} ")
        assert request.headers["accept-encoding"] == "gzip"
        assert request.headers["host"] == f"127.0.0.1:{site.port}"
        assert "cookie" not in request.headers


def test_a_feed_may_name_its_own_user_agent(site: Site) -> None:
    site.page("/", b"x")
    fetch(site.url("/"), user_agent="Reader/{version} me@example.org")
    assert site.requests[0].headers["user-agent"] == f"Reader/{__version__} me@example.org"


def test_paths_are_asked_for_as_they_are_written(site: Site) -> None:
    site.page("/ü", b"x")
    failure(site.url("/a%2fb/é c?sig=%2b%7e&utm_source=y#part"))
    assert site.requests[0].path == "/a%2fb/%C3%A9%20c?sig=%2b%7e&utm_source=y"


# ── validators ──


def test_a_current_document_is_not_sent_again(site: Site) -> None:
    site.page("/feed.xml", b"<rss/>", etag='"v1"', last_modified="Sun, 01 Mar 2026 12:00:00 GMT")
    ours = Validators('"v1"', "Sun, 01 Mar 2026 12:00:00 GMT")
    answer = fetch(site.url("/feed.xml"), validators=ours)
    assert isinstance(answer, NotModified)
    assert (answer.status, answer.validators) == (304, ours)
    assert site.requests[0].headers["if-none-match"] == '"v1"'
    assert site.requests[0].headers["if-modified-since"] == "Sun, 01 Mar 2026 12:00:00 GMT"


def test_new_validators_of_a_304_replace_ours_one_by_one(site: Site) -> None:
    site.page("/feed.xml", status=304, headers={"ETag": '"v2"'})
    answer = fetch(site.url("/feed.xml"), validators=Validators('"v1"', "some day"))
    assert isinstance(answer, NotModified)
    assert answer.validators == Validators('"v2"', "some day")


def test_an_odd_etag_goes_back_byte_for_byte(site: Site) -> None:
    odd = b'W/"caf\xc3\xa9 \xe9'
    site.raw("/feed.xml", OK, b"ETag: " + odd + b"\r\nContent-Length: 0\r\n\r\n")
    etag = fetched(site.url("/feed.xml")).headers["etag"]
    fetch(site.url("/feed.xml"), validators=Validators(etag))
    assert site.requests[1].headers["if-none-match"].encode("latin-1") == odd


@pytest.mark.parametrize("etag", ['"v\u20ac"', '"v"\r\nX-Evil: 1', '"\x00"', ' "v1"', ""])
def test_validators_that_cannot_be_sent_are_left_out(site: Site, etag: str) -> None:
    site.page("/feed.xml", b"<rss/>")
    fetched(site.url("/feed.xml"), validators=Validators(etag, etag))
    assert not {"if-none-match", "if-modified-since", "x-evil"} & site.requests[0].headers.keys()


def test_a_304_nobody_asked_for_is_a_fault(site: Site) -> None:
    site.page("/feed.xml", status=304)
    error = failure(site.url("/feed.xml"))
    assert isinstance(error, TransientFetchError)
    assert (error.outcome, error.status) == (Outcome.PROTOCOL_ERROR, 304)


def test_a_304_with_a_body_does_not_spoil_the_next_request(site: Site) -> None:
    site.answers("/", Raw(lambda: [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"], keep=True), Answer(b"fine"))

    async def twice(fetcher: HttpFetcher) -> list[object]:
        request = FetchRequest(site.url("/"), Purpose.FEED, Validators('"v1"'))
        return [await fetcher.fetch(request), await fetcher.fetch(request)]

    first, second = with_fetcher(twice)
    assert isinstance(first, NotModified)
    assert getattr(second, "body", None) == b"fine"


# ── refusals ──


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (404, {}, (PermanentFetchError, Outcome.HTTP_ERROR, None)),
        (401, {}, (PermanentFetchError, Outcome.HTTP_ERROR, None)),
        (403, {}, (PermanentFetchError, Outcome.HTTP_ERROR, None)),
        (410, {"Retry-After": "5"}, (PermanentFetchError, Outcome.GONE, None)),
        (451, {}, (PermanentFetchError, Outcome.HTTP_ERROR, None)),
        (408, {}, (TransientFetchError, Outcome.HTTP_ERROR, None)),
        (425, {}, (TransientFetchError, Outcome.HTTP_ERROR, None)),
        (429, {}, (TransientFetchError, Outcome.RATE_LIMITED, None)),
        (429, {"Retry-After": "120"}, (TransientFetchError, Outcome.RATE_LIMITED, 120.0)),
        (429, {"Retry-After": "-7"}, (TransientFetchError, Outcome.RATE_LIMITED, None)),
        (429, {"Retry-After": "Sun, 01 Mar 2020 12:00:00 GMT"}, (TransientFetchError, Outcome.RATE_LIMITED, 0.0)),
        (403, {"Retry-After": "60"}, (TransientFetchError, Outcome.RATE_LIMITED, 60.0)),
        (503, {"Retry-After": "60"}, (TransientFetchError, Outcome.RATE_LIMITED, 60.0)),
        (503, {}, (TransientFetchError, Outcome.HTTP_ERROR, None)),
        (500, {"Retry-After": "9"}, (TransientFetchError, Outcome.HTTP_ERROR, 9.0)),
        (599, {}, (TransientFetchError, Outcome.HTTP_ERROR, None)),
        (300, {}, (PermanentFetchError, Outcome.HTTP_ERROR, None)),
        (204, {}, (PermanentFetchError, Outcome.HTTP_ERROR, None)),
        (206, {}, (PermanentFetchError, Outcome.HTTP_ERROR, None)),
    ],
)
def test_refusals_say_whether_to_come_back(
    site: Site, status: int, headers: dict[str, str], expected: tuple[type[FetchError], Outcome, float | None]
) -> None:
    site.page("/feed.xml", b"no", status=status, headers=headers)
    error = failure(site.url("/feed.xml"))
    assert (type(error), error.outcome, error.retry_after_s) == expected
    assert error.status == status
    assert error.reason.startswith(str(status))


def test_a_challenge_for_browsers_is_called_one(site: Site) -> None:
    site.page("/feed.xml", b"<html>Just a moment", status=403, headers={"cf-mitigated": "challenge"})
    error = failure(site.url("/feed.xml"))
    assert error.outcome is Outcome.HTTP_ERROR
    assert "challenge" in error.reason


def test_a_feed_behind_a_gatekeeper_that_signs_every_answer_is_had_and_its_refusals_are_challenges(site: Site) -> None:
    signed = {"X-DataDome": "protected", "Content-Type": "application/rss+xml"}
    site.page("/feed.xml", b"<rss/>", headers=signed)
    site.page("/refused.xml", b"{}", status=403, headers=signed)
    assert fetch(site.url("/feed.xml")).body == b"<rss/>"
    assert failure(site.url("/refused.xml")).reason == "403 Forbidden: a challenge for browsers"


# ── addresses that cannot be asked ──


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nothing",
        "ftp://127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://\ud800/",
        "http://[/",
        "http://a" + "b" * 300,
        "file:///etc/passwd",
    ],
)
def test_what_is_no_http_address_is_not_asked(url: str) -> None:
    error = failure(url)
    assert isinstance(error, PermanentFetchError)
    assert error.outcome is Outcome.PROTOCOL_ERROR


# ── broken answers ──


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ((RESET,), Outcome.CONNECT_ERROR),
        ((OK + b"Content-Length: 9\r\n\r\nabc", 0.05, RESET), Outcome.CONNECT_ERROR),
        ((), Outcome.PROTOCOL_ERROR),
        ((b"<rss/>",), Outcome.PROTOCOL_ERROR),
        ((b"\x00\xff" * 99 + b"\r\n\r\n",), Outcome.PROTOCOL_ERROR),
        ((OK + b"Content-Length: 9\r\n\r\nabc",), Outcome.TRUNCATED),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",), Outcome.TRUNCATED),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nabc",), Outcome.TRUNCATED),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",), Outcome.PROTOCOL_ERROR),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"F" * 400 + b"\r\nabc\r\n",), Outcome.PROTOCOL_ERROR),
        ((OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",), Outcome.PROTOCOL_ERROR),
        ((OK + b"Content-Length: -3\r\n\r\nabc",), Outcome.PROTOCOL_ERROR),
        ((OK + b"X: " + b"a" * 200_000 + b"\r\n\r\n",), Outcome.PROTOCOL_ERROR),
        ((OK + b"".join(b"X-%d: 1\r\n" % number for number in range(20_000)) + b"\r\n",), Outcome.PROTOCOL_ERROR),
        ((b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",), Outcome.PROTOCOL_ERROR),
        ((OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"<rss/>" * 99)[:-9],), Outcome.TRUNCATED),
        ((OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"<rss/>" * 99)[:-4] + b"oops",), Outcome.DECODE_ERROR),
        ((OK + b"Content-Encoding: gzip\r\n\r\n<rss/>",), Outcome.DECODE_ERROR),
        ((OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(gzip.compress(b"<rss/>")),), Outcome.DECODE_ERROR),
        ((OK + b"Content-Encoding: br\r\n\r\n\x1b\x00",), Outcome.DECODE_ERROR),
        ((OK + b"Content-Encoding: zstd\r\n\r\n(\xb5",), Outcome.DECODE_ERROR),
        ((OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"") * 1000,), Outcome.DECODE_ERROR),
    ],
    ids=[
        *("reset", "reset in body", "nothing", "no head", "garbage", "short body", "cut chunks", "cut chunk", "bad chunk"),
        *("huge chunk", "two lengths", "negative length", "long header", "many headers", "upgrade", "cut gzip", "bad gzip"),
        *("false gzip", "double gzip", "brotli", "zstd", "many members"),
    ],
)
def test_broken_answers_have_their_names(site: Site, steps: tuple[bytes | float, ...], outcome: Outcome) -> None:
    site.raw("/feed.xml", *steps)
    error = failure(site.url("/feed.xml"))
    assert error.outcome is outcome
    assert error.reason
    assert "\n" not in str(error)


def test_a_closed_port_is_a_connect_error() -> None:
    with Site() as site:
        url = site.url("/")
    error = failure(url)
    assert isinstance(error, TransientFetchError)
    assert (error.outcome, error.reason) == (Outcome.CONNECT_ERROR, "connection refused")


@pytest.mark.parametrize(
    "steps",
    [
        (HANG,),
        (OK, HANG),
        (OK + b"Content-Length: 9\r\n\r\nab", HANG),
        (b"HTTP/1.1 ", *(step for byte in b"200 OK\r\nX-Header: a long time" for step in (bytes([byte]), 0.05))),
        (OK + b"Content-Length: 99\r\n\r\n", *(b"a", 0.05) * 50),
        (b"HTTP/1.1 100 Continue\r\n\r\n", 0.01) * 1000,
    ],
    ids=["silence", "no end of head", "no end of body", "dripping head", "dripping body", "endless 1xx"],
)
def test_whatever_takes_too_long_is_ended(site: Site, steps: tuple[bytes | float, ...]) -> None:
    site.raw("/feed.xml", *steps)
    error = failure(site.url("/feed.xml"), policy=HURRIED)
    assert isinstance(error, TransientFetchError)
    assert error.outcome is Outcome.TIMEOUT


# ── connections ──


def test_connections_are_used_again(site: Site) -> None:
    site.page("/", b"x", etag='"1"')

    async def some(fetcher: HttpFetcher) -> None:
        await fetcher.fetch(FetchRequest(site.url("/"), Purpose.FEED))
        for _ in range(3):
            await fetcher.fetch(FetchRequest(site.url("/"), Purpose.FEED, Validators('"1"')))

    with_fetcher(some)
    assert (len(site.requests), site.connections) == (4, 1)


def test_a_kept_connection_that_died_is_replaced(site: Site) -> None:
    site.answers("/", Answer(b"one"), Raw(lambda: [RESET]), Answer(b"two"))

    async def twice(fetcher: HttpFetcher) -> list[object]:
        return [await fetcher.fetch(FetchRequest(site.url("/"), Purpose.FEED)) for _ in range(2)]

    assert [getattr(answer, "body", None) for answer in with_fetcher(twice)] == [b"one", b"two"]
    assert (len(site.requests), site.connections) == (3, 2)


def test_a_cancelled_fetch_is_cancelled_and_leaves_the_fetcher_usable(site: Site) -> None:
    site.raw("/slow", HANG)
    site.page("/", b"fine")

    async def cancel_one(fetcher: HttpFetcher) -> object:
        slow = asyncio.create_task(fetcher.fetch(FetchRequest(site.url("/slow"), Purpose.FEED)))
        await asyncio.to_thread(site.wait_for, 1)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        return await fetcher.fetch(FetchRequest(site.url("/"), Purpose.FEED))

    assert getattr(with_fetcher(cancel_one), "body", None) == b"fine"
