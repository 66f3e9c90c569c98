"""The closed vocabulary of how one visit ended. Tables, logs, metrics and messages use these words and no others."""

from enum import StrEnum


class Outcome(StrEnum):
    """How one poll of a feed or one fetch of a page ended."""

    OK = "ok"
    NOT_MODIFIED = "not_modified"
    GONE = "gone"
    HTTP_ERROR = "http_error"
    RATE_LIMITED = "rate_limited"
    BLOCKED_ADDRESS = "blocked_address"
    DNS_ERROR = "dns_error"
    CONNECT_ERROR = "connect_error"
    TLS_ERROR = "tls_error"
    TIMEOUT = "timeout"
    PROTOCOL_ERROR = "protocol_error"
    TOO_LARGE = "too_large"
    TRUNCATED = "truncated"
    DECODE_ERROR = "decode_error"
    REDIRECT_ERROR = "redirect_error"
    NOT_A_FEED = "not_a_feed"
    PARSE_ERROR = "parse_error"
    PARSE_KILLED = "parse_killed"
    NOT_HTML = "not_html"
    EXTRACT_ERROR = "extract_error"
    EXTRACT_KILLED = "extract_killed"
    NO_ARTICLE = "no_article"  # the page shows something else in its place: a consent dialog, a challenge, an error
    DISALLOWED = "disallowed"  # by robots.txt
    INTERNAL_ERROR = "internal_error"

    @property
    def is_success(self) -> bool:
        return self in (Outcome.OK, Outcome.NOT_MODIFIED)
