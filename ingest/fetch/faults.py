"""What went wrong, as FetchError: the one place where exceptions of the network and refusals of servers get their meaning.

Reasons are short and for people. They never repeat a secret: addresses are redacted, and what a library says about a request that
could not be sent is not repeated at all, for it quotes the headers.
"""

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus

import httpcore
import httpx

from ingest.errors import FetchError, PermanentFetchError, TransientFetchError
from ingest.fetch.ask import Unsendable
from ingest.fetch.body import TooLarge, Truncated, Undecodable
from ingest.fetch.guard import Blocked, Unresolved
from ingest.headers import retry_after_s
from ingest.outcome import Outcome
from ingest.urls import redact

# Statuses that say "not now"; every 5xx does too. 403 only with Retry-After: that is how some hosts throttle.
_NOT_NOW = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_CUT_SHORT = "peer closed connection without sending complete message body"  # h11's words for an early end

_Kind = type[TransientFetchError] | type[PermanentFetchError]
_OURS: dict[type[Exception], tuple[_Kind, Outcome]] = {
    Blocked: (PermanentFetchError, Outcome.BLOCKED_ADDRESS),
    Unresolved: (TransientFetchError, Outcome.DNS_ERROR),
    TooLarge: (PermanentFetchError, Outcome.TOO_LARGE),
    Truncated: (TransientFetchError, Outcome.TRUNCATED),
    Undecodable: (PermanentFetchError, Outcome.DECODE_ERROR),
    Unsendable: (PermanentFetchError, Outcome.PROTOCOL_ERROR),
}


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Lets nothing but FetchError out of the block. `url` is the address asked for."""
    try:
        yield
    except FetchError:
        raise
    except Exception as error:  # many libraries meet strange servers here; each odd exception is a failed fetch, not a crash
        kind, outcome, reason = _meaning(error)
        raise kind(redact(url), outcome, reason) from error


def refusal(url: str, status: int, headers: Mapping[str, str], now: datetime) -> FetchError:
    """The meaning of an answer that brings no document. `retry_after_s` is as the server says; the caller caps it."""
    wait_s = retry_after_s(headers, now)
    is_throttled = status == HTTPStatus.TOO_MANY_REQUESTS or (
        wait_s is not None and status in (HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)
    )
    reason = _words(status) + (": a challenge for browsers" if "cf-mitigated" in headers else "")
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
    return _meaning_of_ours(error) or _meaning_of_connection(error) or _meaning_of_protocol(error)


def _meaning_of_ours(error: Exception) -> tuple[_Kind, Outcome, str] | None:
    if type(error) not in _OURS:
        return None
    kind, outcome = _OURS[type(error)]
    return kind, outcome, str(error)


def _meaning_of_connection(error: Exception) -> tuple[_Kind, Outcome, str] | None:
    if (tls := _tls_reason(error)) is not None:
        return TransientFetchError, Outcome.TLS_ERROR, tls
    match error:
        case httpcore.ConnectTimeout():
            return TransientFetchError, Outcome.TIMEOUT, "no connection in time"
        case httpcore.TimeoutException() | TimeoutError():
            return TransientFetchError, Outcome.TIMEOUT, "no complete answer in time"
        case httpcore.ProxyError():
            return TransientFetchError, Outcome.CONNECT_ERROR, f"the proxy refused: {_one_line(error)}"
        case httpcore.NetworkError() | OSError():
            return TransientFetchError, Outcome.CONNECT_ERROR, _system_reason(error) or "the connection was closed"
    return None


def _meaning_of_protocol(error: Exception) -> tuple[_Kind, Outcome, str]:
    match error:
        case httpcore.RemoteProtocolError() if str(error).startswith(_CUT_SHORT):
            return TransientFetchError, Outcome.TRUNCATED, "the body ends too early"
        case httpcore.RemoteProtocolError():
            return TransientFetchError, Outcome.PROTOCOL_ERROR, _one_line(error) or "the answer is not HTTP"
        case httpcore.LocalProtocolError():
            return PermanentFetchError, Outcome.PROTOCOL_ERROR, "the request could not be sent"
        case httpx.InvalidURL() | UnicodeError():
            return PermanentFetchError, Outcome.PROTOCOL_ERROR, "the address cannot be asked"
    return TransientFetchError, Outcome.INTERNAL_ERROR, f"unexpected {type(error).__name__}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, nearest first."""
    step: BaseException | None = error
    while step is not None:
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


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
