"""What a server answered: its headers, where it sends us, whether it takes us for a robot, and its body."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from ingest.errors import PermanentFetchError
from ingest.fetch.body import TooLarge, read_body
from ingest.headers import media_type
from ingest.outcome import Outcome
from ingest.urls import redact, request_url, resolve

REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_WORTH_READING = 16_384  # bytes of an answer without use, read only to keep the connection for the next request
_MAX_DIGITS = 18  # of a Content-Length that can be meant

# Headers of which one value has a meaning; of others, several are one list (RFC 9110 §5.2).
_SINGLE = frozenset(
    {"age", "content-length", "content-type", "date", "etag", "expires", "last-modified", "location", "retry-after"}
)

# By these the large gatekeepers say that they want to see a browser: Cloudflare, AWS.
_CHALLENGE_HEADERS = frozenset({"cf-mitigated", "x-amzn-waf-action"})
_SIGNATURE = "x-datadome"  # stands on all that DataDome lets through, too: only with a refusal it is a challenge
_SIGNED_STATUSES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_CHALLENGE_WORDS = (b"/cdn-cgi/challenge-platform/", b"_cf_chl_opt", b"captcha", b"Just a moment...", b"DDoS-Guard", b"Incapsula")
_CHALLENGE_STATUSES = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE})
_CHALLENGE_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, its body still unread."""

    url: str
    status: int
    headers: Mapping[str, str]  # names in lower case
    response: httpx.Response


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where an answer sends us: `target` as said, `url` as it will be asked, without the login that may be in it."""

    status: int
    url: str
    target: str
    wait_s: float = 0.0  # before it is followed


def answer_of(url: str, response: httpx.Response) -> Answer:
    return Answer(url, response.status_code, _received(response.headers.raw), response)


def redirect_of(answer: Answer) -> Redirect:
    """Where this answer sends us. Raises PermanentFetchError where that is no http address."""
    location = _as_sent(answer.headers.get("location", ""))
    if not location:
        raise redirect_error(answer.url, answer.status, "a redirect that does not say where to")
    target = resolve(answer.url, location)
    url = request_url(target) if target else None
    if target is None or url is None:
        raise redirect_error(answer.url, answer.status, f"a redirect to what is no http address: {redact(location)[:200]!r}")
    return Redirect(answer.status, url, target)


def redirect_error(url: str, status: int, reason: str) -> PermanentFetchError:
    return PermanentFetchError(redact(url), Outcome.REDIRECT_ERROR, reason, status=status)


async def body_of(answer: Answer, *, max_bytes: int, cut: bool) -> bytes:
    """The body, decoded; a longer one is cut if `cut`. Raises TooLarge, Truncated, Undecodable and what a Connection raises."""
    if not cut and _declared_length(answer.headers) > max_bytes:
        raise TooLarge(max_bytes)
    encoding = answer.headers.get("content-encoding", "")
    return await read_body(answer.response.aiter_raw(), encoding=encoding, max_bytes=max_bytes, cut=cut)


async def finish_small(answer: Answer) -> None:
    """Read an answer without use to its end if that is near: the connection can then be used again."""
    if "content-length" in answer.headers and _declared_length(answer.headers) <= _WORTH_READING:
        async for _ in answer.response.aiter_raw():
            pass


async def is_challenge(answer: Answer) -> bool:
    """Whether this answer wants to see a browser. Of a refusal in HTML the beginning is read, if it comes soon."""
    is_signed = _SIGNATURE in answer.headers and answer.status in _SIGNED_STATUSES
    if is_signed or not _CHALLENGE_HEADERS.isdisjoint(answer.headers):
        return True
    if answer.status not in _CHALLENGE_STATUSES or media_type(answer.headers) != "text/html":
        return False
    try:
        async with asyncio.timeout(_CHALLENGE_PATIENCE_S):
            beginning = await body_of(answer, max_bytes=_WORTH_READING, cut=True)
    except Exception:  # noqa: BLE001  # it stays the refusal that it is, whatever is wrong with its body
        return False
    return any(words in beginning for words in _CHALLENGE_WORDS)


def _received(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name in lower case, as Latin-1: every byte survives, so validators can be sent back as they came."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name not in headers:
            headers[name] = value
        elif name not in _SINGLE:
            headers[name] += f", {value}"
    return headers


def _as_sent(location: str) -> str:
    """A Location as its author meant it: browsers read it as UTF-8."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _declared_length(headers: Mapping[str, str]) -> int:
    value = headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS else 0
