"""What is sent with a request, and to whom: manners to everybody, secrets only to the origin they are for."""

import base64
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from ingest import __version__
from ingest.fetch.body import ACCEPT_ENCODING
from ingest.model import FetchRequest, Purpose, Validators
from ingest.policy import FetchPolicy
from ingest.urls import Login, login_of, origin_of

SentHeaders = list[tuple[bytes, bytes]]

_ACCEPT = {
    Purpose.FEED: b"application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, "
    b"application/rdf+xml;q=0.9, application/json;q=0.8, */*;q=0.1",
    Purpose.PAGE: b"text/html, application/xhtml+xml, */*;q=0.1",
    Purpose.LIST: b"text/x-opml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1",
    Purpose.ROBOTS: b"text/plain, */*;q=0.1",
    Purpose.HUB: b"*/*",
}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[^\x00-\x1f\x7f]*")
# These frame the request or choose its server; a feed that sets them would speak to somebody else or not at all.
_OURS = frozenset({"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect"})


class Unsendable(Exception):
    """What is configured for this feed, a header or its proxy, cannot be used."""


def fetch_user_agent(policy: FetchPolicy, own: str | None = None) -> str:
    """Who asks: a feed's own name for us, or that of the policy; {version} stands for the version of this program."""
    return (own or policy.user_agent).replace("{version}", __version__)


def ask_headers(request: FetchRequest, url: str, policy: FetchPolicy) -> SentHeaders:
    """The headers for asking `url` on behalf of `request`; `url` differs from the request's own after a redirect.

    Raises Unsendable, naming the header but not its value, which may be a secret.
    """
    headers = {
        "user-agent": _encoded("User-Agent", fetch_user_agent(policy, request.user_agent)),
        "accept": _ACCEPT[request.purpose],
        "accept-encoding": ACCEPT_ENCODING,
        **conditional_headers(request.validators),
    }
    if asks_for_delta(request):
        headers["a-im"] = b"feed"
    if request.form is not None:
        headers["content-type"] = b"application/x-www-form-urlencoded"
    is_at_home = origin_of(url) == origin_of(request.url)
    if (login := login_of(url) or (login_of(request.url) if is_at_home else None)) is not None:
        headers["authorization"] = _basic(login)
    if is_at_home:
        headers |= _secret_headers(request)
    return [(name.encode("ascii"), value) for name, value in headers.items()]


def conditional_headers(validators: Validators) -> dict[str, bytes]:
    """The validators, byte for byte as they came; what could not be sent is left out, for it would spoil every later poll.

    Received headers are read as Latin-1 (see `client`), so the same encoding gives back the same bytes.
    """
    headers: dict[str, bytes] = {}
    for name, value in (("if-none-match", validators.etag), ("if-modified-since", validators.last_modified)):
        encoded = value.encode("latin-1", "ignore") if value else b""
        if value and len(encoded) == len(value) and _VALUE.fullmatch(encoded) and encoded == encoded.strip():
            headers[name] = encoded
    return headers


def asks_for_delta(request: FetchRequest) -> bool:
    """Whether the entries that are new since our ETag would do as an answer. Source: RFC 3229 §10.5.3 with "feed"."""
    return request.purpose is Purpose.FEED and "if-none-match" in conditional_headers(request.validators)


def form_of(request: FetchRequest) -> bytes | None:
    """The form that is posted, encoded; None where the document is merely asked for."""
    return None if request.form is None else urlencode(request.form).encode("ascii")


def has_secrets(request: FetchRequest) -> bool:
    """Whether anything goes along that nobody else may see. A form does as a rule: what a hub is told is for it alone."""
    secrets = request.secrets
    is_named = secrets.username is not None or secrets.password is not None
    return request.form is not None or bool(secrets.headers) or is_named or login_of(request.url) is not None


def _secret_headers(request: FetchRequest) -> dict[str, bytes]:
    secrets = request.secrets
    headers = _configured(secrets.headers)
    if secrets.username is not None or secrets.password is not None:
        headers["authorization"] = _basic(Login(secrets.username or "", secrets.password or ""))
    return headers


def _configured(headers: Mapping[str, str]) -> dict[str, bytes]:
    sent: dict[str, bytes] = {}
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or name.lower() in _OURS:
            raise Unsendable(f"the header {name!r} may not be set")
        sent[name.lower()] = _encoded(name, value)
    return sent


def _encoded(name: str, value: str) -> bytes:
    try:
        encoded = value.strip().encode("latin-1")
    except UnicodeError as error:
        raise Unsendable(f"the value of the header {name!r} has characters that cannot be sent") from error
    if not _VALUE.fullmatch(encoded):
        raise Unsendable(f"the value of the header {name!r} has control characters")
    return encoded


def _basic(login: Login) -> bytes:
    """Basic credentials in UTF-8. Source: RFC 7617 §2.1."""
    pair = f"{login.username}:{login.password}".encode("utf-8", "replace")
    return b"Basic " + base64.b64encode(pair)
