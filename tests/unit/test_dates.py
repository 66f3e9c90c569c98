"""Dates as feeds write them."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dates import Dated, choose_date, is_believable, parse_date

TEN = "2025-06-02T10:00:00+00:00"


@pytest.mark.parametrize(
    ("raw", "when"),
    [
        ("Mon, 02 Jun 2025 10:00:00 GMT", TEN),
        ("Mon, 02 Jun 2025 12:00:00 +0200", TEN),
        ("Mon, 02 Jun 2025 12:00:00 +02:00", TEN),
        ("Mon, 02 Jun 2025 12:00:00 CEST", TEN),
        ("Mon, 2 Jun 2025 11:00 BST", TEN),
        ("Mon, 02 Jun 2025 15:30:00 IST", TEN),
        ("Mon, 02 Jun 2025 06:00:00 -0400 (EDT)", TEN),
        ("Mon, 02 Jun 2025 12:00:00 GMT+02:00", TEN),
        ("Mon, 02 Jun 2025 10:00:00 Etc/GMT", TEN),
        ("Mon, 02 Jun 2025 05:00:00 -5", TEN),
        ("Mon, 02 Jun 2025 10:00:00 Nowhere", TEN),
        ("Mon, 02 Jun 2025 10:00:00 +9900", TEN),
        ("02 June 25 10:00", TEN),
        ("2-Jun-2025 10:00:00", TEN),
        ("Monday, June 2nd, 2025 10:00 AM", TEN),
        ("Jun 2, 2025 at 5:00 a.m. EST", TEN),
        ("Mon Jun  2 10:00:00 2025", TEN),
        ("Mon Jun  2 12:00:00 CEST 2025", TEN),
        ("2. Juni 2025, 10:00", TEN),
        ("02.06.2025 10:00", TEN),
        ("2 de junio de 2025 10:00", TEN),
        ("lundi 2 juin 2025 10:00", TEN),
        ("2025-06-02T10:00:00Z", TEN),
        ("2025-06-02t12:00:00.123456+02:00", TEN),
        ("2025-06-02 10:00:00 UTC", TEN),
        ("2025-06-02 06:00:00 -0400", TEN),
        ("2025/06/02 10:00", TEN),
        ("2025.6.2 10:00", TEN),
        ("20250602T100000Z", TEN),
        ("1748858400", TEN),
        ("1748858400000", TEN),
        (" 1748858400.5 ", TEN),
        ("2025-06-02", "2025-06-02T00:00:00+00:00"),
        ("20250602", "2025-06-02T00:00:00+00:00"),
        ("2025-06", "2025-06-01T00:00:00+00:00"),
        ("2025", "2025-01-01T00:00:00+00:00"),
        ("Tue, 3 Jun 2025", "2025-06-03T00:00:00+00:00"),
        ("Mon, 02 Jun 2025 24:00:00 GMT", "2025-06-03T00:00:00+00:00"),
        ("Mon, 02 Jun 2025 12:30 PM", "2025-06-02T12:30:00+00:00"),
        ("Mon, 02 Jun 2025 12:30 AM", "2025-06-02T00:30:00+00:00"),
        ("31 Dec 99 23:59:60 GMT", "2000-01-01T00:00:00+00:00"),
        ("02 Jun 25 1000 GMT", TEN),
        ("Mon, 02 Jun 2025 10.00.00 GMT", TEN),
        ("2 Jun 2025 10h00", TEN),
        ("10:00 2 Jun 2025", TEN),
        ("Mon(day), 02(nd) Jun(e) 2025 10:00:00 +0000(any words)", TEN),
        ("2 Jun 2025 (about)", "2025-06-02T00:00:00+00:00"),
        ("Пн, 02 июн 2025 13:00:00 +0300", TEN),
        ("2 июня 2025 10:00", TEN),
        ("Δευ, 02 Ιούν 2025 12:00:00 EET", TEN),
        ("2025. június 2. 10:00", TEN),
        ("2025-június-02T5:00-05:00", TEN),
        ("2 Haz 2025 10:00", TEN),
        ("2025 June 2", "2025-06-02T00:00:00+00:00"),
        ("2025年6月2日 10:00", TEN),
        ("2025년 06월 02일 10:00:00", TEN),
        ("2025-06-02 오전 10:00", TEN),
        ("2025-06-02 (월) 오후 10:00", "2025-06-02T22:00:00+00:00"),
        ("20250602100000", TEN),
        ("2025-06-02T10", TEN),
        ("2025-06-02T12+02:00", TEN),
        ("2025-153", "2025-06-02T00:00:00+00:00"),
        ("2025-153T10:00Z", TEN),
        ("13/06/2025 10:00", "2025-06-13T10:00:00+00:00"),
        ("6/13/2025 10:00 AM", "2025-06-13T10:00:00+00:00"),
        ("06/06/2025", "2025-06-06T00:00:00+00:00"),
        ("Jun 2, 2025 v1.20", "2025-06-02T00:00:00+00:00"),
    ],
)
def test_date_is_read(raw: str, when: str) -> None:
    assert parse_date(raw) == datetime.fromisoformat(when)


@pytest.mark.parametrize(
    "raw",
    [
        "", " ", "soon", "1", "12", "0000-00-00 00:00:00", "2025-13-45", "2025-02-30", "06/02/2025", "30 Feb 2025",
        "2 Brumaire 2025", "Mon, 02 Jun 2025 25:00:00", "Mon, 02 Jun 2025 10:61:00", "9999-12-31T23:59:59-12:00",
        "2025-366", "2025-000", "13/13/2025", "1/2/03", "6/2/2025 10:00 AM", "June 2025", "20250632100000", "2025年13月2日",
        "1" * 100_000, "1 jan " * 15,
    ],
)  # fmt: skip
def test_no_date_is_made_up(raw: str) -> None:
    assert parse_date(raw) is None


def test_only_dates_of_the_web_up_to_now_are_believed() -> None:
    now = datetime(2025, 6, 2, tzinfo=UTC)
    assert is_believable(now, now)
    assert is_believable(now + timedelta(hours=20), now)
    assert not is_believable(now + timedelta(days=2), now)
    assert not is_believable(datetime(1970, 1, 1, tzinfo=UTC), now)


def test_best_date_that_can_be_believed_is_chosen() -> None:
    now = datetime(2025, 6, 2, tzinfo=UTC)
    said = [("first", "soon"), ("second", "1 Jan 1970"), ("third", "1 Jun 2025"), ("fourth", "31 May 2025")]
    assert choose_date(said, now) == Dated(datetime(2025, 6, 1, tzinfo=UTC), "1 Jun 2025", "third")
    assert choose_date(said[:2], now) == Dated(None, "soon", "first")
    assert choose_date([], now) == Dated()


MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2068, 1, 1)).map(lambda naive: naive.replace(microsecond=0, tzinfo=UTC))  # noqa: DTZ001
ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(MOMENTS, ZONES)
def test_what_is_written_by_the_rules_is_read_again(when: datetime, zone: timezone) -> None:
    local = when.astimezone(zone)
    assert parse_date(local.isoformat()) == when
    assert parse_date(format_datetime(local)) == when
    assert parse_date(local.strftime("%A, %d-%b-%y %H:%M:%S %z")) == when
    assert parse_date(str(int(when.timestamp()))) == when
    assert parse_date(local.strftime("%Y-%m-%dT%H%M%S%z")) == when
    assert parse_date(local.strftime("%B %d, %Y %I:%M:%S %p %z")) == when
    assert parse_date(when.strftime("%Y%m%d%H%M%S")) == when
    assert parse_date(when.strftime("%Y年%m月%d日 %H:%M:%S")) == when


@given(st.text(max_size=60))
def test_any_text_is_a_date_or_none(raw: str) -> None:
    when = parse_date(raw)
    assert when is None or when.tzinfo is UTC
