"""Response headers as values."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.headers import charset, freshness_s, media_type, retry_after_s, validators
from ingest.model import Validators

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
YEAR_S = 366 * 86_400.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 13:01:00 +0100", 60.0),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60.0),
        ("Sun Mar  1 12:01:00 2026", 60.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("9" * 5000, YEAR_S),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_from_now(value: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": value}, NOW) == seconds


def test_no_retry_after_names_no_time() -> None:
    assert retry_after_s({}, NOW) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"cache-control": "public, max-age=600"}, 600.0),
        ({"cache-control": 'Max-Age="600"', "age": "100"}, 500.0),
        ({"cache-control": "max-age=600", "age": "900"}, 0.0),
        ({"cache-control": "max-age=600, max-age=5"}, 600.0),
        ({"cache-control": "max-age=600", "expires": "Sun, 01 Mar 2026 12:00:05 GMT"}, 600.0),
        ({"cache-control": "s-maxage=9"}, None),
        ({"cache-control": "no-cache, max-age=600"}, 0.0),
        ({"cache-control": "no-store"}, 0.0),
        ({"cache-control": "max-age=-1"}, None),
        ({"cache-control": "max-age=soon", "expires": "Sun, 01 Mar 2026 12:00:05 GMT"}, 5.0),
        ({"expires": "Sun, 01 Mar 2026 12:01:00 GMT", "date": "Sun, 01 Mar 2026 11:59:00 GMT", "age": "20"}, 100.0),
        ({"expires": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0.0),
        ({"expires": "0"}, 0.0),
        ({"expires": "-1", "date": "never"}, 0.0),
        ({"cache-control": "max-age=99999999999999"}, YEAR_S),
    ],
)
def test_freshness_follows_the_caching_rules(headers: dict[str, str], seconds: float | None) -> None:
    assert freshness_s(headers, NOW) == seconds


def test_validators_are_kept_verbatim() -> None:
    headers = {"etag": 'W/"\xe9 odd, but theirs"', "last-modified": "yesterday"}
    assert validators(headers) == Validators('W/"\xe9 odd, but theirs"', "yesterday")


@pytest.mark.parametrize("value", ["", 'a"\r\nX-Evil: 1', "a\x00b", "a\x7f", "x" * 5000])
def test_validators_that_cannot_be_sent_back_are_dropped(value: str) -> None:
    assert validators({"etag": value, "last-modified": value}) == Validators()


@pytest.mark.parametrize(
    ("value", "kind", "label"),
    [
        ("Text/HTML; Charset=UTF-8", "text/html", "utf-8"),
        ('application/rss+xml;charset="iso-8859-1"', "application/rss+xml", "iso-8859-1"),
        ("text/xml", "text/xml", None),
        ("text/xml; charset=", "text/xml", None),
        ("html", None, None),
        ("", None, None),
        ("a b/c; charset='koi8-r'", None, "koi8-r"),
    ],
)
def test_content_type_tells_kind_and_charset(value: str, kind: str | None, label: str | None) -> None:
    assert media_type({"content-type": value}) == kind
    assert charset({"content-type": value}) == label


def test_without_content_type_nothing_is_known() -> None:
    assert media_type({}) is None
    assert charset({}) is None


NAMES = st.sampled_from(["retry-after", "cache-control", "age", "expires", "date", "etag", "last-modified", "content-type"])
PIECES = st.sampled_from(
    [
        "max-age=",
        "no-cache",
        "Sun, ",
        "01 Mar ",
        "2026 ",
        "99999",
        "12:00:00",
        "GMT",
        "-",
        "=",
        '"',
        ",",
        ";",
        "charset=",
        "\x00",
        "é",
    ]
)
VALUES = st.lists(PIECES, max_size=8).map("".join)


@given(st.dictionaries(NAMES, VALUES))
def test_no_header_makes_anything_raise(headers: dict[str, str]) -> None:
    for seconds in (retry_after_s(headers, NOW), freshness_s(headers, NOW)):
        assert seconds is None or 0 <= seconds <= YEAR_S
    validators(headers)
    media_type(headers)
    charset(headers)
