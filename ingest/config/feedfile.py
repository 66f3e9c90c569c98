"""The feed list as a TOML file: [[feed]] tables become `ConfiguredFeed`s, all problems gathered."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ingest.config.known import SETTINGS, nearest
from ingest.config.layers import problems_at, read_secret
from ingest.config.settings import ConfiguredFeed, FeedList
from ingest.config.toml import Document
from ingest.config.values import Unusable, read_value
from ingest.errors import Problem
from ingest.model import FeedOptions, FeedSecrets, FeedSpec
from ingest.policy import Knob
from ingest.urls import canonical_url, login_of, without_login

_INTERVAL: Final = SETTINGS["poll.interval_s"]
_EXTRACTOR: Final = SETTINGS["extract.extractor"]


def _key(name: str, default: object, *, table: str = "feed", like: Knob | None = None) -> Knob:
    return Knob(
        table=table,
        name=name,
        default=default,
        why="",
        unit=like.unit if like else "",
        low=like.low if like else None,
        high=like.high if like else None,
        choices=like.choices if like else (),
    )


_KEYS: Final[Mapping[str, Knob]] = {
    key.name: key
    for key in (
        _key("url", ""),
        _key("title", ""),
        _key("tags", ()),
        _key("interval", _INTERVAL.default, like=_INTERVAL),
        _key("full_text", default=True),
        _key("enabled", default=True),
        _key("user_agent", ""),
        _key("keep", ()),
        _key("block", ()),
        _key("extractor", "", like=_EXTRACTOR),
        _key("include", ()),
        _key("exclude", ()),
        _key("username", ""),
        _key("password", ""),
        _key("password_file", ""),
        _key("proxy", ""),
        _key("proxy_file", ""),
    )
}
_TABLES: Final = ("headers", "headers_files")
ALL_KEYS: Final = (*_KEYS, *_TABLES)

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token, RFC 9110 §5.6.2
_OWN_HEADERS: Final = {  # the fetcher writes these itself; another value breaks the exchange or its limits
    "accept-encoding", "connection", "content-length", "host",
    "if-modified-since", "if-none-match", "transfer-encoding", "user-agent",
}  # fmt: skip


def read_feeds(document: Document, *, cwd: Path) -> tuple[FeedList, list[Problem]]:
    """The feeds of the file in its order, and everything that is wrong with it."""
    problems = [_unknown_key(document, key) for key in document.data if key != "feed"]
    tables = document.data.get("feed", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return (), [*problems, Problem(document.where("feed"), "feed must be an array of tables", "write [[feed]]")]
    feeds: list[ConfiguredFeed] = []
    for at, table in enumerate(tables):
        reader = _FeedReader(document, ("feed", at), table, cwd, problems)
        feed = reader.read()
        if feed is not None:
            feeds.append(feed)
    problems += _duplicates(feeds)
    return tuple(feeds), problems


def _unknown_key(document: Document, key: str) -> Problem:
    hint = "put it below [[feed]]" if key in ALL_KEYS else nearest(key, ("feed",))
    return Problem(document.where(key), f"unknown key {key}", hint)


def _duplicates(feeds: list[ConfiguredFeed]) -> Iterator[Problem]:
    first: dict[str, ConfiguredFeed] = {}
    for feed in feeds:
        known = first.setdefault(canonical_url(feed.spec.url) or feed.spec.url, feed)
        if known is not feed:
            yield Problem(feed.where, f"the same feed as in {known.where}", "remove one of the two")


@dataclass(frozen=True, slots=True)
class _FeedReader:
    """Reads one [[feed]] table; what is wrong goes to `problems`."""

    document: Document
    place: tuple[str | int, ...]
    table: Mapping[str, Any]
    cwd: Path
    problems: list[Problem] = field(repr=False)

    def read(self) -> ConfiguredFeed | None:
        """The feed, or None where its URL is unusable. With problems elsewhere in it, what remains of it."""
        for key in self.table:
            if key not in ALL_KEYS:
                self._complain(f"unknown key {key}", key, hint=nearest(key, ALL_KEYS))
        values = {key: value for key in _KEYS if key in self.table and (value := self._value(key)) is not None}
        secrets = self._secrets(values)
        if "url" not in values:
            if "url" not in self.table:
                self._complain("this feed has no url")
            return None
        url, secrets = self._without_login(values["url"].strip(), secrets)
        return ConfiguredFeed(FeedSpec(url, _options(values)), secrets, self.document.where(*self.place))

    def _complain(self, what: str, *place: str | int, hint: str = "") -> None:
        self.problems.append(Problem(self.document.where(*self.place, *place), what, hint))

    def _value(self, key: str) -> Any:
        try:
            return read_value(_KEYS[key], self.table[key])
        except Unusable as error:
            self.problems.extend(problems_at(self.document, (*self.place, key), key, error))
            return None

    def _secrets(self, values: Mapping[str, Any]) -> FeedSecrets:
        password = self._given_or_file("password", values)
        if password is not None and not values.get("username"):
            self._complain("password without username", "password" if "password" in values else "password_file")
        return FeedSecrets(
            headers=self._headers(),
            username=values.get("username") or None,
            password=password,
            proxy=self._given_or_file("proxy", values),
        )

    def _given_or_file(self, key: str, values: Mapping[str, Any]) -> str | None:
        """The value of `key`, or the content of the file that `key`_file names."""
        file_key = f"{key}_file"
        if file_key not in values:
            return values.get(key) or None
        if key in values:
            self._complain(f"{key} is given together with {file_key}", file_key, hint="give one of the two")
            return None
        return self._from_file(_KEYS[key], values[file_key], file_key)

    def _from_file(self, knob: Knob, path: str, *place: str) -> str | None:
        text = read_secret(path, cwd=self.cwd, by=self.document.where(*self.place, *place))
        if isinstance(text, Problem):
            self.problems.append(text)
            return None
        try:
            return str(read_value(knob, text))
        except Unusable as error:
            for flaw in error.flaws:
                self._complain(f"{path} as {knob.name} {flaw.what}", *place, hint=flaw.hint)
            return None

    def _headers(self) -> Mapping[str, str]:
        headers: dict[str, str] = {}
        seen: set[str] = set()
        for table in _TABLES:
            for name, raw in self._header_table(table):
                if name.lower() in seen:
                    self._complain(f"header {name} is given twice", table, name)
                    continue
                seen.add(name.lower())
                value = self._header_value(table, name, raw)
                if value is not None:
                    headers[name] = value
        return headers

    def _header_table(self, table: str) -> Iterator[tuple[str, object]]:
        raw = self.table.get(table, {})
        if not isinstance(raw, dict):
            self._complain(f"{table} must be a table", table, hint=f'such as {table} = {{ "X-Api-Key" = "…" }}')
            return
        for name, value in raw.items():
            if not _HEADER_NAME.fullmatch(name):
                self._complain(f"{name!r} is no header name", table, name)
            elif name.lower() in _OWN_HEADERS:
                hint = "use the key user_agent" if name.lower() == "user-agent" else ""
                self._complain(f"header {name} cannot be set", table, name, hint=hint)
            else:
                yield name, value

    def _header_value(self, table: str, name: str, raw: object) -> str | None:
        knob = _key(f"header {name}", "", table="header")
        if table == "headers_files" and isinstance(raw, str):
            return self._from_file(knob, raw, table, name)
        try:
            return str(read_value(knob, raw))
        except Unusable as error:
            self.problems.extend(problems_at(self.document, (*self.place, table, name), knob.name, error))
            return None

    def _without_login(self, url: str, secrets: FeedSecrets) -> tuple[str, FeedSecrets]:
        """The URL without `user:password@`, which belongs to the secrets: a feed's URL is stored and logged."""
        login = login_of(url)
        if login is None:
            return url, secrets
        if secrets.username is not None:
            self._complain("url holds a user name and username is given too", "url", hint="give one of the two")
        return without_login(url), replace(secrets, username=login.username, password=login.password)


def _options(values: Mapping[str, Any]) -> FeedOptions:
    return FeedOptions(
        title=values.get("title") or None,
        tags=tuple(dict.fromkeys(values.get("tags", ()))),
        is_enabled=values.get("enabled", True),
        interval_s=values.get("interval"),
        full_text=values.get("full_text"),
        user_agent=values.get("user_agent"),
        keep=values.get("keep", ()),
        block=values.get("block", ()),
        extractor=values.get("extractor"),
        include=values.get("include", ()),
        exclude=values.get("exclude", ()),
    )
