"""Response headers as values: when to come back, how long it stays fresh, what kind of document it is.

Headers come as a mapping with names in lower case. Servers send anything: what cannot be read counts as absent, nothing raises.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ingest.model import Validators

Headers = Mapping[str, str]

_LONGEST_S = 366 * 86_400.0  # no server plans further; keeps sums of times representable
_MAX_VALIDATOR = 1_024  # characters; a longer one sent back could make every later request too large for the server
_MAX_DIGITS = 10  # 2**31, the largest delta-seconds that must be understood, has as many
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DIRECTIVE = re.compile(r'([a-z-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,"]*)))?', re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([a-z0-9_.:+-]{1,40})", re.IGNORECASE)


def retry_after_s(headers: Headers, now: datetime) -> float | None:
    """Seconds the server asks us to stay away, at most a year; 0 for a date that has passed, None when it names no time.

    Negative numbers count as absent. Source: RFC 9110 §10.2.3.
    """
    value = headers.get("retry-after", "").strip()
    if (seconds := _seconds(value)) is not None:
        return seconds
    if (moment := _http_date(value)) is not None:
        return _within_bounds((moment - now).total_seconds())
    return None


def freshness_s(headers: Headers, now: datetime) -> float | None:
    """Seconds this response stays fresh, at most a year; None when the server did not say.

    max-age wins over Expires, the Age of the answer is taken off, no-cache and no-store mean 0. An unreadable Expires is one
    that has passed. Source: RFC 9111 §4.2.1, §5.3.
    """
    directives = _directives(headers.get("cache-control", ""))
    if "no-cache" in directives or "no-store" in directives:
        return 0.0
    age = _seconds(headers.get("age", "").strip()) or 0.0
    if (max_age := _seconds(directives.get("max-age", ""))) is not None:
        return _within_bounds(max_age - age)
    if "expires" not in headers:
        return None
    expires = _http_date(headers["expires"])
    sent = _http_date(headers.get("date", "")) or now
    return _within_bounds((expires - sent).total_seconds() - age) if expires else 0.0


def is_feed_delta(headers: Headers) -> bool:
    """Whether a body holds only what is new since the document that was named. Source: RFC 3229 §10.5.3."""
    return "feed" in {word.partition(";")[0].strip().lower() for word in headers.get("im", "").split(",")}


def validators(headers: Headers) -> Validators:
    """ETag and Last-Modified verbatim; those that could not be sent back are left out."""
    return Validators(etag=_opaque(headers.get("etag")), last_modified=_opaque(headers.get("last-modified")))


def media_type(headers: Headers) -> str | None:
    """`type/subtype` in lower case, without parameters."""
    value = headers.get("content-type", "").partition(";")[0].strip().lower()
    return value if _MEDIA_TYPE.fullmatch(value) else None


def charset(headers: Headers) -> str | None:
    """The charset the server names for the body, in lower case; it is a claim, not a fact."""
    match = _CHARSET.search(headers.get("content-type", ""))
    return match[1].lower() if match else None


def _opaque(value: str | None) -> str | None:
    if not value or len(value) > _MAX_VALIDATOR or _CONTROL.search(value):
        return None
    return value


def _directives(value: str) -> dict[str, str]:
    """Directives of Cache-Control with their values; the first of a name counts (RFC 9111 §4.2.1)."""
    found: dict[str, str] = {}
    for match in _DIRECTIVE.finditer(value):
        found.setdefault(match[1].lower(), match[2] or match[3] or "")
    return found


def _seconds(value: str) -> float | None:
    """delta-seconds: digits and nothing else; more of them than fit mean a very long time (RFC 9111 §1.2.2)."""
    if not (value.isascii() and value.isdigit()):
        return None
    return _LONGEST_S if len(value) > _MAX_DIGITS else _within_bounds(float(value))


def _within_bounds(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST_S)


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:  # the edges of the calendar
        return None
