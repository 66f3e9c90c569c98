"""One raw value becomes one checked value."""

from datetime import date
from typing import Any

import pytest

from ingest.config.known import SETTINGS
from ingest.config.values import Unusable, from_text, read_value


def read(name: str, raw: object) -> Any:
    return read_value(SETTINGS[name], raw)


def flaws(name: str, raw: object) -> list[str]:
    with pytest.raises(Unusable) as caught:
        read(name, raw)
    return [f"{flaw.what}{f' ({flaw.hint})' if flaw.hint else ''}" for flaw in caught.value.flaws]


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("poll.interval_s", 60, 60.0),
        ("poll.interval_s", 90.5, 90.5),
        ("poll.interval_s", "90s", 90.0),
        ("poll.interval_s", "30m", 1800.0),
        ("poll.interval_s", "1.5h", 5400.0),
        ("poll.interval_s", " 1 d ", 86_400.0),
        ("poll.interval_s", "2w", 1_209_600.0),
        ("fetch.max_feed_bytes", 20_000, 20_000),
        ("fetch.max_feed_bytes", "10MB", 10_000_000),
        ("fetch.max_feed_bytes", "0.5 GiB", 2**29),
        ("fetch.max_feed_bytes", "64kib", 65_536),
        ("fetch.max_redirects", 0, 0),
        ("http.is_enabled", False, False),
        ("log.level", "debug", "debug"),
        ("fetch.proxy", "", ""),
        ("fetch.proxy", "http://u:p@proxy.example:3128", "http://u:p@proxy.example:3128"),
        ("websub.callback_url", "", ""),
        ("websub.callback_url", "https://ingest.example/behind/a/path/", "https://ingest.example/behind/a/path/"),
        ("database.url", "postgresql://u:p@db/name", "postgresql://u:p@db/name"),
        ("database.url", "postgresql:///name?host=/run/postgresql", "postgresql:///name?host=/run/postgresql"),
        (
            "fetch.allow",
            ["localhost", " 10.0.0.0/8 ", "127.0.0.1", "::1", "fd00::/8", "db_1.intern."],
            ("localhost", "10.0.0.0/8", "127.0.0.1", "::1", "fd00::/8", "db_1.intern."),
        ),
    ],
)
def test_good_values_are_taken(name: str, raw: object, value: object) -> None:
    taken = read(name, raw)
    assert taken == value
    assert type(taken) is type(value)


@pytest.mark.parametrize(
    ("name", "raw", "flaw"),
    [
        ("poll.interval_s", 5, "must be from 10 to 2592000 seconds, not 5"),
        ("poll.interval_s", "1s", "must be from 10 to 2592000 seconds, not 1"),
        ("poll.interval_s", "soon", 'must be a number of seconds or a duration such as "30m", not text'),
        ("poll.interval_s", "10MB", 'must be a number of seconds or a duration such as "30m", not text'),
        ("poll.interval_s", True, 'must be a number of seconds or a duration such as "30m", not true or false'),
        ("poll.interval_s", float("nan"), "must be a finite number"),
        ("poll.interval_s", float("inf"), "must be a finite number"),
        ("poll.jitter", 0.6, "must be from 0 to 0.5, not 0.6"),
        ("poll.jitter", "1m", "must be a number, not text"),
        (
            "fetch.max_feed_bytes",
            "1.0001kB",
            'must be a whole number of bytes or a size such as "10MB", not a number with a fraction',
        ),
        ("fetch.max_redirects", 5.0, "must be a whole number, not a number with a fraction"),
        ("fetch.max_redirects", "5", "must be a whole number, not text"),
        ("http.is_enabled", 1, "must be true or false, not a whole number"),
        ("log.level", "loud", "must be one of debug, info, warning, error"),
        ("log.level", {"a": 1}, "must be text in quotes, not a table"),
        ("log.level", date(2020, 1, 1), "must be text in quotes, not a date or time"),
        ("fetch.allow", "localhost", "must be a list of texts, not text"),
        ("fetch.allow", ["ok.example", 7], "must hold texts in quotes, not a whole number"),
        ("fetch.user_agent", "a\r\nCookie: x", "must not hold control characters"),
        ("fetch.user_agent", " ", "must not be empty"),
        ("fetch.user_agent", "Größe/1", "must be ASCII: it is sent as a header"),
        ("fetch.proxy", "socks5://p:1", "must be an http:// or https:// URL (SOCKS is not supported)"),
        ("fetch.proxy", "proxy.example", "must be an http:// or https:// URL"),
        ("http.host", "", "must not be empty"),
        ("websub.callback_url", "ingest.example", "must be an http:// or https:// URL"),
        (
            "websub.callback_url",
            "https://ingest.example/?a=1",
            "must be an address without login, query and fragment (/websub/ and a token are put behind it)",
        ),
        ("database.url", "mysql://u:pw@h/d", "must begin with sqlite:/// or postgresql://"),
        ("database.url", "postgres://u:pw@h/d", "must begin with sqlite:/// or postgresql:// (did you mean postgresql://?)"),
        ("database.url", "sqlite:///", "must name a file (such as sqlite:///data/ingest.db)"),
    ],
)
def test_bad_values_are_told_apart(name: str, raw: object, flaw: str) -> None:
    assert flaws(name, raw) == [flaw]


@pytest.mark.parametrize("url", ["postgresql://u:p@h", "postgresql://u:p@h:port/d", "postgresql://u:p[@h/d"])
def test_a_broken_postgresql_url_is_refused_without_showing_it(url: str) -> None:
    assert flaws("database.url", url) == [
        "must be postgresql://USER:PASSWORD@HOST/NAME (write special characters of the password as %XX)"
    ]


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ("10.0.0.1/8", "did you mean 10.0.0.0/8?"),
        ("http://intranet", "the host alone, without scheme and port"),
        ("localhost:8000", "the host alone, without scheme and port"),
        ("[::1]:80", "the host alone, without scheme and port"),
        ("127.1", "such as intranet.example or 10.0.0.0/8"),
        ("0x7f000001", "such as intranet.example or 10.0.0.0/8"),
        ("-a.example", "such as intranet.example or 10.0.0.0/8"),
        ("*.example", "such as intranet.example or 10.0.0.0/8"),
    ],
)
def test_an_allow_entry_is_a_host_or_a_cidr(entry: str, hint: str) -> None:
    assert flaws("fetch.allow", ["good.example", entry]) == [f"holds {entry!r}, which is neither a host nor a CIDR ({hint})"]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("poll.interval_s", "60", 60.0),
        ("poll.interval_s", "30m", 1800.0),
        ("poll.jitter", "0.25", 0.25),
        ("fetch.max_redirects", "3", 3),
        ("fetch.max_page_bytes", "1MB", 1_000_000),
        ("http.is_enabled", "No", False),
        ("full_text", "1", True),
        ("fetch.allow", "localhost, 10.0.0.0/8,", ("localhost", "10.0.0.0/8")),
        ("log.format", "json", "json"),
    ],
)
def test_texts_of_the_environment_mean_the_same(name: str, text: str, value: object) -> None:
    assert read_value(SETTINGS[name], from_text(SETTINGS[name], text)) == value


def test_a_flag_of_the_environment_is_a_word_for_yes_or_no() -> None:
    with pytest.raises(Unusable, match="must be true or false"):
        from_text(SETTINGS["full_text"], "maybe")
