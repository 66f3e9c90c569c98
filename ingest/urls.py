"""Rules for addresses: which ones count, how they are written plainly, and what of them may be shown.

`request_url` is the form that is asked for: the same resource, spelled safely. `canonical_url` goes further: two addresses with
the same canonical form are taken for the same document. Nothing here raises, whatever the input.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

import idna

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_URL = 8_000  # characters; servers stop reading request lines near 8 KB (RFC 9110 §4.1 asks for that much)

_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
_NUMBER = re.compile(r"0x[0-9a-f]{0,16}|[0-9]{1,32}")  # a last label like this makes a host an IPv4 address
_MAX_FIRST_BYTES = 3
_EDGES = "".join(map(chr, range(0x21)))  # C0 controls and space, as browsers strip them
_INNER = str.maketrans("", "", "\t\r\n")
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

# Most addresses are like this: nothing to decode, to resolve or to spell in another way.
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN = re.compile(
    r"(?P<site>(?P<scheme>https?)://(?=[^/?#]{1,253}(?:[/?#]|\Z))"
    rf"(?P<host>(?:[a-z0-9_-]{{1,63}}\.)+[a-z][a-z0-9_-]{{0,62}}|{_BYTE}(?:\.{_BYTE}){{3}})"
    r"(?::(?P<port>[1-9][0-9]{0,3}|[1-5][0-9]{4}))?)"  # the highest ports are left to those who look closer
    r"(?P<path>(?:/[\w.~%+,:@!$&*=-]*)*+)(?:\?(?P<query>[\w./~%+,:@!$&*=?-]+))?(?:\#[\w./~%+,:@!$&*=?-]+)?",
    re.ASCII,
)
_PLAIN_PATH = re.compile(r"(?:/(?!\.)[\w.~%+,:@!$&*=-]+)+/?(?:\?[\w./~%+,:@!$&*=?-]+)?(?:\#[\w./~%+,:@!$&*=?-]+)?", re.ASCII)
_PLAINLY_SPELLED = re.compile(r"[\w.~!$&'()*+,;=:@/?-]*", re.ASCII)

_RESERVED = "!$&'()*+,;=:@/?"  # RFC 3986 §3.3: may stand as they are in path and query
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})?")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

# Names that only tell where a click came from. What a site could use to choose the document is not here.
_TRACKING_PREFIXES = ("utm_",)
_TRACKING = frozenset(
    {
        *("fbclid", "gclid", "gclsrc", "gbraid", "wbraid", "dclid", "msclkid", "yclid", "twclid", "ttclid", "igshid"),
        *("mc_cid", "mc_eid", "_hsenc", "_hsmi", "mkt_tok", "oly_anon_id", "oly_enc_id", "vero_id", "_openstat"),
    }
)

_SECRET_NAME = re.compile(
    r"token|secret|passw|passphrase|pwd|api_?-?key|signature|credential|(?:^|[^a-z])(?:key|sig|pass|pw|auth|session|sid)(?:$|[^a-z])",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"^([^/?#]*//)([^/?#]*)@")
_PARAMETER = re.compile(r"(?<=[?&;])([^=&;#]*)=([^&;#]*)")


@dataclass(frozen=True, slots=True)
class Login:
    """User and password as written into an address."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class _Parts:
    """An http(s) address taken apart; `host` is plain ASCII in lower case, `port` None where it is the default."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: str
    login: Login | None

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port is not None else "")


def canonical_url(url: str) -> str | None:
    """The plain form of an address: equal for spellings of the same document. None for what is no http(s) address.

    Scheme and host in lower case, host as ASCII without trailing dot, addresses in one spelling, no default port, no login, no
    fragment, no click tracking, escapes spelled one way. The order of the query is kept: it may matter. Idempotent.
    """
    if (parts := _split(url)) is None:
        return None
    query = "&".join(field for field in parts.query.split("&") if not _is_tracking(field))
    return _short(parts.origin + (_one_spelling(parts.path) or "/") + (f"?{_one_spelling(query)}" if query else ""))


def request_url(url: str) -> str | None:
    """The address to ask for: absolute, ASCII, without login and fragment. None for what is no http(s) address.

    Path and query stay as they are but for characters that cannot be sent: signed addresses must survive.
    """
    if (parts := _split(url)) is None:
        return None
    query = f"?{_sendable(parts.query)}" if parts.query else ""
    return _short(parts.origin + (_sendable(parts.path) or "/") + query)


def is_http_url(url: str) -> bool:
    """Whether this is an absolute http(s) address with a host that could exist."""
    return _split(url) is not None


def host_of(url: str) -> str:
    """The host in lower case ASCII, without port; empty for what is no http(s) address.

    Politeness is kept towards hosts, whatever their ports: they share one machine or one owner.
    """
    parts = _split(url)
    return parts.host if parts else ""


def origin_of(url: str) -> str | None:
    """Scheme, host and port, the default port left out: who may see a secret. Source: RFC 6454 §4."""
    parts = _split(url)
    return parts.origin if parts else None


def login_of(url: str) -> Login | None:
    """The user and password written into an address, unescaped."""
    parts = _split(url)
    return parts.login if parts else None


def without_login(url: str) -> str:
    """The address without `user:password@`, otherwise as written."""
    return _USERINFO.sub(r"\1", url)


def resolve(base: str, link: str) -> str | None:
    """`link` as found in the document at `base`, made absolute; None for what leads to no http(s) address."""
    plain = _PLAIN.fullmatch(base)
    if (plain or not base) and _PLAIN.fullmatch(link):
        return link
    if plain and _PLAIN_PATH.fullmatch(link):
        return f"{plain['site']}{link}"
    try:
        joined = urljoin(base, link.strip(_EDGES).translate(_INNER))
    except ValueError:  # brackets that hold no address
        return None
    return joined if is_http_url(joined) else None


def redact(url: str) -> str:
    """The address as it may be shown: password and values that look like secrets replaced by ***, no fragment."""
    shown = url.partition("#")[0]
    shown = _USERINFO.sub(_hide_login, shown) if "@" in shown else shown
    return _PARAMETER.sub(_hide_secret, shown) if "=" in shown else shown


@lru_cache(maxsize=512)  # one exchange asks about the same address seven times: 15 % of its CPU
def _split(url: str) -> _Parts | None:
    if found := _PLAIN.fullmatch(url):
        scheme, host, port, path, query = found.group("scheme", "host", "port", "path", "query")
        return _Parts(scheme, host, _port(scheme, int(port)) if port else None, path, query or "", None)
    plain = url.strip(_EDGES).translate(_INNER)
    if _UNSENDABLE.search(plain):
        return None
    try:
        split = urlsplit(plain)
        port, name = split.port, split.hostname
    except ValueError:  # brackets that hold no address, a port that is no port
        return None
    if split.scheme not in _DEFAULT_PORTS or not name or port == 0:
        return None
    is_bracketed = "[" in split.netloc.rpartition("@")[2]
    host = _plain_ipv6(name) if is_bracketed else _plain_name(name)
    if host is None:
        return None
    return _Parts(
        scheme=split.scheme,
        host=host,
        port=_port(split.scheme, port),
        path=split.path,
        query=split.query,
        login=_login(split),
    )


def _port(scheme: str, port: int | None) -> int | None:
    """None where it is the default."""
    return None if port == _DEFAULT_PORTS[scheme] else port


def _plain_name(name: str) -> str | None:
    name = name.rstrip(".")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii").rstrip(".")
        except UnicodeError:  # idna.IDNAError is one
            return None
    name = name.lower()
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        return _plain_ipv4(name)
    return name if _NAME.fullmatch(name) else None


def _plain_ipv4(name: str) -> str | None:
    """127.1, 0x7f000001 and 017700000001 are all 127.0.0.1. Source: WHATWG URL, "IPv4 parser"."""
    *firsts, last = name.split(".")
    if len(firsts) > _MAX_FIRST_BYTES or not all(_NUMBER.fullmatch(number) for number in firsts):
        return None
    try:
        leading = bytes(_number(first) for first in firsts)
        return str(IPv4Address(leading + _number(last).to_bytes(4 - len(leading))))
    except (ValueError, OverflowError):  # a digit or a number too large for its place
        return None


def _number(digits: str) -> int:
    if digits.startswith("0x"):
        return int(digits[2:] or "0", 16)
    return int(digits, 8 if digits.startswith("0") else 10)


def _plain_ipv6(name: str) -> str | None:
    try:
        address = IPv6Address(name)
    except ValueError:
        return None
    return None if address.scope_id else str(address)


def _login(split: SplitResult) -> Login | None:
    if not split.username and not split.password:
        return None
    return Login(unquote(split.username or ""), unquote(split.password or ""))


def _short(url: str) -> str | None:
    return url if len(url) <= _MAX_URL else None


def _is_tracking(field: str) -> bool:
    name = field.partition("=")[0].lower()
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)


def _sendable(text: str) -> str:
    """Path or query with everything escaped that may not stand in a request line; a lone % stays, as in browsers."""
    return quote(text, safe=_RESERVED + "%[]|~")


def _one_spelling(text: str) -> str:
    """Path or query with one spelling of every character: needless escapes undone, the rest in upper case."""
    if _PLAINLY_SPELLED.fullmatch(text):
        return text
    return quote(_ESCAPE.sub(_one_escape, text), safe=_RESERVED + "%~")


def _one_escape(match: re.Match[str]) -> str:
    if match[1] is None:
        return "%25"
    code = int(match[1], 16)
    return chr(code) if code in _UNRESERVED else match[0].upper()


def _hide_login(match: re.Match[str]) -> str:
    username, colon, _ = match[2].partition(":")
    return f"{match[1]}{username}:***@" if colon else f"{match[1]}***@"


def _hide_secret(match: re.Match[str]) -> str:
    return f"{match[1]}=***" if _SECRET_NAME.search(match[1]) else match[0]
