"""Exceptions that a loopback site cannot provoke get their meaning all the same."""

import ssl
from datetime import UTC, datetime

import httpx
import pytest

from ingest.errors import FetchError, PermanentFetchError, TransientFetchError
from ingest.fetch.ask import Unsendable
from ingest.fetch.faults import refusal, translated
from ingest.fetch.http1 import Lost
from ingest.fetch.network import NotConnected
from ingest.outcome import Outcome

URL = "http://me:p4ss@example.org/?token=p4ss"


@pytest.mark.parametrize(
    ("error", "kind", "outcome"),
    [
        (NotConnected("no connection in time"), TransientFetchError, Outcome.TIMEOUT),
        (TimeoutError(), TransientFetchError, Outcome.TIMEOUT),
        (TimeoutError(110, "Connection timed out"), TransientFetchError, Outcome.TIMEOUT),
        (Lost("the connection broke"), TransientFetchError, Outcome.CONNECT_ERROR),
        (OSError(24, "Too many open files"), TransientFetchError, Outcome.CONNECT_ERROR),
        (ssl.SSLError(1, "[SSL: DECRYPTION_FAILED] p4ss"), TransientFetchError, Outcome.TLS_ERROR),
        (Unsendable("the request could not be sent"), PermanentFetchError, Outcome.PROTOCOL_ERROR),
        (httpx.InvalidURL("p4ss"), PermanentFetchError, Outcome.PROTOCOL_ERROR),
        (UnicodeError("p4ss"), PermanentFetchError, Outcome.PROTOCOL_ERROR),
        (RuntimeError("p4ss"), TransientFetchError, Outcome.INTERNAL_ERROR),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_exception_becomes_a_fetch_error_without_secrets(
    error: Exception, kind: type[FetchError], outcome: Outcome
) -> None:
    with pytest.raises(FetchError) as caught, translated(URL):
        raise error
    assert (type(caught.value), caught.value.outcome) == (kind, outcome)
    assert caught.value.reason
    assert "p4ss" not in str(caught.value)
    assert caught.value.__cause__ is error


def test_a_fetch_error_passes_as_it_is() -> None:
    error = PermanentFetchError(URL, Outcome.GONE, "gone")
    with pytest.raises(PermanentFetchError) as caught, translated(URL):
        raise error
    assert caught.value is error


def test_an_unheard_of_status_is_told_by_its_number() -> None:
    assert refusal(URL, 499, {}, datetime(2026, 3, 1, tzinfo=UTC)).reason == "499"
