"""WebSub as a protocol (W3C Recommendation, 2018): which hub a feed names, what is asked of it, what it may send us.

Pure: the conversation itself is held by `subscribing` (we ask) and `pushes` (hubs call back). Whatever a server or a hub sends is
data: nothing here raises.
"""

import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from ingest.headers import Headers
from ingest.model import FeedHead
from ingest.model.subscribed import AskedFor, Hub, Question, Subscription
from ingest.urls import is_http_url, redact, resolve

CALLBACK_PATH = "/websub/"  # and the token
SIGNATURE = "x-hub-signature"

_ALGORITHMS = frozenset({"sha1", "sha256", "sha384", "sha512"})  # §7.1.1
_MAX_LINKS = 20_000  # characters of Link headers that are read
_MAX_FIELDS = 50  # of a query
_MAX_CHALLENGE = 4_000  # characters
_MAX_REASON = 200
_MAX_DIGITS = 12  # of a lease in seconds

_LINK = re.compile(r'<([^<>"\s]{1,4000})>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:\s*=\s*(?:"[^"]*"|[^\s",;]*))?)*)')
_PARAMETER = re.compile(r';\s*([\w!#$&+.^`|~*-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s",;]*)))?')


def find_hub(headers: Headers, head: FeedHead, url: str) -> Hub | None:
    """The hub of the feed at `url` and the feed's address there; None where it names none.

    Link headers win over the document, and of several hubs the first is taken. A feed that names a hub but not itself is known
    there by its address, unless that looks like a secret. Source: §4.
    """
    told = links(headers)
    hub_url = _first(told.get("hub"), head.hub_url, base=url)
    topic_url = _first(told.get("self"), head.self_url, base=url) or (url if redact(url) == url else None)
    if hub_url is None or topic_url is None:
        return None
    return Hub(hub_url, topic_url)


def links(headers: Headers) -> Mapping[str, str]:
    """The first target of each relation that the Link headers name, as written; links of other documents are passed over.

    Source: RFC 8288 §3.
    """
    found: dict[str, str] = {}
    for target, parameters in _LINK.findall(headers.get("link", "")[:_MAX_LINKS]):
        said: dict[str, str] = {}
        for name, quoted, bare in _PARAMETER.findall(parameters):
            said.setdefault(name.lower(), quoted or bare)
        if "anchor" not in said:
            for relation in said.get("rel", "").lower().split():
                found.setdefault(relation, target)
    return found


def _first(*candidates: str | None, base: str) -> str | None:
    for candidate in candidates:
        if candidate and (found := resolve(base, candidate)):
            return found
    return None


# ── what is asked of a hub ──────────────────────────────────────────────────────────────────────────────────────────────


def callback_url(subscription: Subscription) -> str:
    """Where the hub of this subscription reaches us."""
    return f"{subscription.base_url.rstrip('/')}{CALLBACK_PATH}{subscription.token}"


def may_keep_a_secret(hub_url: str) -> bool:
    """Whether the hub can be told a secret: over TLS only. Source: §5.1."""
    return is_http_url(hub_url) and hub_url[:6].lower() == "https:"


def request_form(subscription: Subscription, mode: AskedFor, *, lease_s: float) -> Mapping[str, str]:
    """The form that asks the hub to subscribe us, or to stop. Source: §5.1."""
    form = {"hub.callback": callback_url(subscription), "hub.mode": mode.value, "hub.topic": subscription.topic_url}
    if mode is not AskedFor.SUBSCRIBE:
        return form
    form["hub.lease_seconds"] = str(int(lease_s))
    if subscription.secret and may_keep_a_secret(subscription.hub_url):
        form["hub.secret"] = subscription.secret
    return form


# ── what a hub may send ─────────────────────────────────────────────────────────────────────────────────────────────────


def read_question(query: str) -> Question | None:
    """What a hub asks in the query of a GET, the first of each name; None for what is no such question. Source: §5.2, §5.3."""
    asked: dict[str, str] = {}
    try:
        for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS):
            asked.setdefault(name, value)
    except ValueError:  # too many fields
        return None
    mode, challenge = asked.get("hub.mode", ""), asked.get("hub.challenge", "")
    if mode not in {known.value for known in AskedFor} or len(challenge) > _MAX_CHALLENGE:
        return None
    if mode != AskedFor.DENIED and not challenge:
        return None
    lease = asked.get("hub.lease_seconds", "")
    is_number = lease.isascii() and lease.isdigit() and len(lease) <= _MAX_DIGITS
    return Question(
        mode=AskedFor(mode),
        topic_url=asked.get("hub.topic", ""),
        challenge=challenge,
        lease_s=float(lease) if is_number else None,
        reason=asked.get("hub.reason", "")[:_MAX_REASON],
    )


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether `signature` (of the header X-Hub-Signature) is that of these bytes under this secret. Source: §7.1.

    Compared in a time that tells nothing. An unknown method, like no signature at all, is a wrong one.
    """
    method, _, told = signature.strip().partition("=")
    if method.lower() not in _ALGORITHMS or not secret:
        return False
    expected = hmac.new(secret.encode(), body, method.lower()).hexdigest()
    return hmac.compare_digest(expected.encode(), told.strip().lower().encode("utf-8", "replace"))
