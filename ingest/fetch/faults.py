"""What went wrong, as FetchError: the one place where exceptions of the network and refusals of servers get their meaning.

Reasons are short and for people. They never repeat a secret: addresses are redacted, and what a library says about a request that
could not be sent is not repeated at all, for it quotes the headers.
"""

import os
import ssl
from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from types import TracebackType

import httpx

from ingest.errors import FetchError, PermanentFetchError, TransientFetchError
from ingest.fetch.ask import Unsendable
from ingest.fetch.body import TooLarge, Truncated, Undecodable
from ingest.fetch.guard import Blocked, Unresolved
from ingest.fetch.http1 import CutShort, Lost, Malformed, NoAnswer
from ingest.fetch.network import NotConnected
from ingest.fetch.transport import HandshakeBroken, ProxyRefused
from ingest.headers import retry_after_s
from ingest.outcome import Outcome
from ingest.urls import redact

# Statuses that say "not now"; every 5xx does too. 403 only with Retry-After: that is how some hosts throttle.
_NOT_NOW = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})

_Kind = type[TransientFetchError] | type[PermanentFetchError]
_OURS: dict[type[Exception], tuple[_Kind, Outcome]] = {
    Blocked: (PermanentFetchError, Outcome.BLOCKED_ADDRESS),
    Unresolved: (TransientFetchError, Outcome.DNS_ERROR),
    NotConnected: (TransientFetchError, Outcome.TIMEOUT),
    HandshakeBroken: (TransientFetchError, Outcome.TLS_ERROR),
    ProxyRefused: (TransientFetchError, Outcome.CONNECT_ERROR),
    NoAnswer: (TransientFetchError, Outcome.PROTOCOL_ERROR),
    Malformed: (TransientFetchError, Outcome.PROTOCOL_ERROR),
    CutShort: (TransientFetchError, Outcome.TRUNCATED),
    TooLarge: (PermanentFetchError, Outcome.TOO_LARGE),
    Truncated: (TransientFetchError, Outcome.TRUNCATED),
    Undecodable: (PermanentFetchError, Outcome.DECODE_ERROR),
    Unsendable: (PermanentFetchError, Outcome.PROTOCOL_ERROR),
}


class translated:  # noqa: N801  # reads as what it does: `with translated(url):`
    """Lets nothing but FetchError out of the block. `url` is the address asked for."""

    __slots__ = ("_url",)

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        # Many libraries meet strange servers here: each odd exception is a failed fetch, not a crash.
        if isinstance(error, Exception) and not isinstance(error, FetchError):
            meant, outcome, reason = _meaning(error)
            raise meant(redact(self._url), outcome, reason) from error


def refusal(url: str, status: int, headers: Mapping[str, str], now: datetime, *, is_challenge: bool = False) -> FetchError:
    """The meaning of an answer that brings no document. `retry_after_s` is as the server says; the caller caps it."""
    wait_s = retry_after_s(headers, now)
    is_throttled = status == HTTPStatus.TOO_MANY_REQUESTS or (
        wait_s is not None and status in (HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)
    )
    reason = _words(status) + (": a challenge for browsers" if is_challenge else "")
    if is_throttled:
        return TransientFetchError(redact(url), Outcome.RATE_LIMITED, reason, status=status, retry_after_s=wait_s)
    if status == HTTPStatus.GONE:
        return PermanentFetchError(redact(url), Outcome.GONE, reason, status=status)
    if status in _NOT_NOW or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientFetchError(redact(url), Outcome.HTTP_ERROR, reason, status=status, retry_after_s=wait_s)
    return PermanentFetchError(redact(url), Outcome.HTTP_ERROR, reason, status=status)


def _words(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _meaning(error: Exception) -> tuple[_Kind, Outcome, str]:
    return _meaning_of_connection(error) or _meaning_of_ours(error) or _meaning_of_others(error)


def _meaning_of_connection(error: Exception) -> tuple[_Kind, Outcome, str] | None:
    """What the system or OpenSSL said, wherever it is in the chain."""
    if (tls := _tls_reason(error)) is not None:
        return TransientFetchError, Outcome.TLS_ERROR, tls
    if isinstance(error, NotConnected | TimeoutError):
        return None
    if isinstance(error, Lost | NoAnswer | OSError) and (reason := _system_reason(error)) is not None:
        return TransientFetchError, Outcome.CONNECT_ERROR, reason
    return None


def _meaning_of_ours(error: Exception) -> tuple[_Kind, Outcome, str] | None:
    if type(error) not in _OURS:
        return None
    kind, outcome = _OURS[type(error)]
    return kind, outcome, str(error)


def _meaning_of_others(error: Exception) -> tuple[_Kind, Outcome, str]:
    match error:
        case TimeoutError():
            return TransientFetchError, Outcome.TIMEOUT, "no complete answer in time"
        case Lost() | OSError():
            return TransientFetchError, Outcome.CONNECT_ERROR, "the connection was closed"
        case httpx.InvalidURL() | UnicodeError():
            return PermanentFetchError, Outcome.PROTOCOL_ERROR, "the address cannot be asked"
    return TransientFetchError, Outcome.INTERNAL_ERROR, f"unexpected {type(error).__name__}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, nearest first."""
    step: BaseException | None = error
    seen: set[int] = set()
    while step is not None and id(step) not in seen:
        seen.add(id(step))
        yield step
        step = step.__cause__ or step.__context__


def _tls_reason(error: Exception) -> str | None:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate was refused: {getattr(cause, 'verify_message', '') or 'no reason given'}"
        if isinstance(cause, ssl.SSLError):
            words = getattr(cause, "reason", None) or type(cause).__name__  # only errors that OpenSSL raised have a reason
            return f"TLS failed: {words.replace('_', ' ').lower()}"
    return None


def _system_reason(error: Exception) -> str | None:
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno).lower()
    return None
