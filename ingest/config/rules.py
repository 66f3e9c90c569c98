"""What some settings ask of their value beyond type and range: addresses, URLs, regular expressions.

The values of URLs never appear in a message: they may hold passwords.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from ingest.policy import Knob
from ingest.urls import is_http_url, login_of


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with a value; `item` counts from 0 where it is a list."""

    what: str
    hint: str = ""
    item: int | None = None


def flaws_of(knob: Knob, value: Any) -> Iterator[Flaw]:
    """What is wrong with a value that has the right type."""
    rule = _RULES.get((knob.table, knob.name)) or _RULES.get((knob.table, "*"))
    return rule(value) if rule else iter(())


_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
_LOOKS_NUMERIC = re.compile(r"(?:.*\.)?(?:\d+|0[xX][0-9a-fA-F]*)\.?")  # a host whose last label is a number is an IPv4 address


def _hosts(entries: tuple[str, ...]) -> Iterator[Flaw]:
    for at, entry in enumerate(entries):
        if _is_network(entry) or (_HOST.fullmatch(entry) and not _LOOKS_NUMERIC.fullmatch(entry)):
            continue
        yield Flaw(f"holds {entry!r}, which is neither a host nor a CIDR", _host_hint(entry), item=at)


def _is_network(entry: str, *, strict: bool = True) -> bool:
    try:
        ip_network(entry, strict=strict)
    except ValueError:
        return False
    return True


def _host_hint(entry: str) -> str:
    if _is_network(entry, strict=False):
        return f"did you mean {ip_network(entry, strict=False)}?"
    if "://" in entry or re.search(r"[\w\]]:\d+$", entry):
        return "the host alone, without scheme and port"
    return "such as intranet.example or 10.0.0.0/8"


def _http_url(value: str) -> Iterator[Flaw]:
    if not is_http_url(value):
        yield Flaw("must be an http:// or https:// URL")


def _proxy(value: str) -> Iterator[Flaw]:
    if value.lower().startswith("socks"):
        yield Flaw("must be an http:// or https:// URL", "SOCKS is not supported")
    elif value:
        yield from _http_url(value)


def _callback_url(value: str) -> Iterator[Flaw]:
    if value and not is_http_url(value):
        yield Flaw("must be an http:// or https:// URL")
    elif "?" in value or "#" in value or login_of(value):
        yield Flaw("must be an address without login, query and fragment", "/websub/ and a token are put behind it")


def _database_url(value: str) -> Iterator[Flaw]:
    if value.startswith("sqlite:///"):
        if value == "sqlite:///":
            yield Flaw("must name a file", "such as sqlite:///data/ingest.db")
        return
    if not value.startswith("postgresql://"):
        is_near = value.startswith(("postgres://", "postgresql+"))
        yield Flaw("must begin with sqlite:/// or postgresql://", "did you mean postgresql://?" if is_near else "")
    elif not _names_a_database(value):
        yield Flaw("must be postgresql://USER:PASSWORD@HOST/NAME", "write special characters of the password as %XX")


def _names_a_database(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.port != 0 and len(parts.path) > 1
    except ValueError:
        return False


def _patterns(patterns: tuple[str, ...]) -> Iterator[Flaw]:
    for at, pattern in enumerate(patterns):
        try:
            re.compile(pattern, re.IGNORECASE)
        except (re.error, RecursionError, OverflowError) as error:
            yield Flaw(f"holds {pattern!r}, which is not a regular expression: {error}", item=at)


def _selectors(selectors: tuple[str, ...]) -> Iterator[Flaw]:
    from ingest.extract.rules import read_selector  # with lxml, which few feed lists need

    for at, selector in enumerate(selectors):
        try:
            read_selector(selector)
        except ValueError as error:
            yield Flaw(f"holds {selector!r}, which is neither a CSS selector nor an XPath expression: {error}", item=at)


def _not_empty(value: str) -> Iterator[Flaw]:
    if not value.strip():
        yield Flaw("must not be empty")


def _header_text(value: str) -> Iterator[Flaw]:
    if not value.isascii():
        yield Flaw("must be ASCII: it is sent as a header")


def _user_agent(value: str) -> Iterator[Flaw]:
    yield from _not_empty(value)
    yield from _header_text(value)


_RULES: Final[Mapping[tuple[str, str], Callable[[Any], Iterator[Flaw]]]] = {
    ("database", "url"): _database_url,
    ("fetch", "allow"): _hosts,
    ("fetch", "proxy"): _proxy,
    ("fetch", "user_agent"): _user_agent,
    ("http", "host"): _not_empty,
    ("websub", "callback_url"): _callback_url,
    ("feed", "url"): _http_url,
    ("feed", "proxy"): _proxy,
    ("feed", "user_agent"): _user_agent,
    ("feed", "keep"): _patterns,
    ("feed", "block"): _patterns,
    ("feed", "include"): _selectors,
    ("feed", "exclude"): _selectors,
    ("header", "*"): _header_text,
}
