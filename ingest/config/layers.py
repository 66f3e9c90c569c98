"""The three places a setting comes from, each as a layer: settings by name, with who set them. The later layer wins."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.config.known import (
    CONFIG_ENV,
    ENVIRONMENT,
    SETTINGS,
    TABLES,
    TEST_PREFIX,
    nearest,
    nearest_setting,
)
from ingest.config.toml import Document
from ingest.config.values import Unusable, from_text, read_value
from ingest.errors import Problem


@dataclass(frozen=True, slots=True)
class Given:
    """A checked value and who gave it."""

    value: Any = field(repr=False)
    by: str


@dataclass(slots=True)
class Layer:
    """What one place says. Problems are gathered, so that all are told at once."""

    given: dict[str, Given] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def put(self, name: str, value: object, *, by: str) -> None:
        """Check `value` for the setting `name` and keep it, or the problems with it."""
        try:
            self.given[name] = Given(read_value(SETTINGS[name], value), by)
        except Unusable as error:
            self.problems += [Problem(by, f"{name} {flaw.what}", flaw.hint) for flaw in error.flaws]


# ── ingest.toml ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_file(document: Document) -> Layer:
    """The settings of a config file. Unknown tables and keys are problems."""
    layer = Layer()
    for key, value in document.data.items():
        if key in TABLES:
            _read_table(layer, document, key, value)
        elif key in SETTINGS:
            _put_from_file(layer, document, (key,), value)
        else:
            layer.problems.append(Problem(document.where(key), f"unknown key {key}", _hint_at_top(key)))
    return layer


def _hint_at_top(key: str) -> str:
    if any(knob.name == key for knob in SETTINGS.values()):
        return nearest_setting("", key)
    return nearest(key, [name for name in SETTINGS if "." not in name] + list(TABLES))


def _read_table(layer: Layer, document: Document, table: str, value: object) -> None:
    if not isinstance(value, dict):
        layer.problems.append(Problem(document.where(table), f"{table} must be a table", f"write [{table}]"))
        return
    for key, item in value.items():
        if f"{table}.{key}" in SETTINGS:
            _put_from_file(layer, document, (table, key), item)
        else:
            problem = Problem(document.where(table, key), f"unknown key {table}.{key}", nearest_setting(table, key))
            layer.problems.append(problem)


def _put_from_file(layer: Layer, document: Document, place: tuple[str, ...], value: object) -> None:
    name = ".".join(place)
    try:
        layer.given[name] = Given(read_value(SETTINGS[name], value), document.where(*place))
    except Unusable as error:
        layer.problems += problems_at(document, place, name, error)


def problems_at(document: Document, place: tuple[str | int, ...], name: str, error: Unusable) -> list[Problem]:
    """Each flaw on its own line: an item of a list may stand below its key."""
    return [
        Problem(document.where(*place, *(() if flaw.item is None else (flaw.item,))), f"{name} {flaw.what}", flaw.hint)
        for flaw in error.flaws
    ]


# ── environment ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_environment(env: Mapping[str, str], *, cwd: Path) -> Layer:
    """The settings of the INGEST_* variables. An empty one counts as not set: compose files pass those on."""
    layer = Layer()
    for by, name, text in _texts(env, cwd, layer.problems):
        if name == CONFIG_ENV:
            layer.given[name] = Given(text, by)
        else:
            _put_text(layer, ENVIRONMENT[name], text, by)
    return layer


def _put_text(layer: Layer, name: str, text: str, by: str) -> None:
    try:
        layer.put(name, from_text(SETTINGS[name], text), by=by)
    except Unusable as error:
        layer.problems += [Problem(by, f"{name} {flaw.what}", flaw.hint) for flaw in error.flaws]


def _texts(env: Mapping[str, str], cwd: Path, problems: list[Problem]) -> Iterator[tuple[str, str, str]]:
    """(variable, the name it stands for, its text) of each that is set, with files read."""
    names = (CONFIG_ENV, *ENVIRONMENT)
    known = {**{name: name for name in names}, **{f"{name}_FILE": name for name in names}}
    for variable in sorted(env):
        if not variable.startswith("INGEST_") or variable.startswith(TEST_PREFIX) or not env[variable].strip():
            continue
        if variable not in known:
            problems.append(Problem(variable, "unknown environment variable", nearest(variable, known)))
            continue
        name = known[variable]
        if variable != name and env.get(name, "").strip():
            problems.append(Problem(variable, f"is set together with {name}", "set one of the two"))
            continue
        text = env[variable].strip() if variable == name else read_secret(env[variable].strip(), cwd=cwd, by=variable)
        if isinstance(text, Problem):
            problems.append(text)
        elif text:
            yield variable, name, text


def read_secret(path: str, *, cwd: Path, by: str) -> str | Problem:
    """The trimmed content of a file that holds one value, or what is wrong with it."""
    try:
        return (cwd / path).read_text(encoding="utf-8").strip()
    except OSError as error:
        return Problem(by, f"cannot read {path}: {error.strerror or error}")
    except ValueError:  # not UTF-8, or a NUL in the path
        return Problem(by, f"cannot read {path}: it is not UTF-8 text")


# ── command line ────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_options(*, feeds: str | None, database_url: str | None) -> Layer:
    """The settings of the options that were given."""
    layer = Layer()
    if feeds is not None:
        layer.put("feeds", feeds, by="--feeds")
    if database_url is not None:
        layer.put("database.url", database_url, by="--database-url")
    return layer


# ── together ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def defaults() -> Layer:
    """Every setting as it is when nobody says anything."""
    return Layer({name: Given(knob.default, "default") for name, knob in SETTINGS.items()})


def problems_between(given: Mapping[str, Given]) -> list[Problem]:
    """Settings that are right alone and wrong together."""
    problems: list[Problem] = []
    for low, high in _ORDERED:
        if given[low].value > given[high].value:
            by = given[low].by if given[high].by == "default" else given[high].by
            problems.append(Problem(by, f"{low} ({given[low].value:g}) must not exceed {high} ({given[high].value:g})"))
    callback_url = given["websub.callback_url"]
    if callback_url.value and not given["http.is_enabled"].value:
        problems.append(Problem(callback_url.by, "websub.callback_url leads nowhere", "http.is_enabled is off"))
    return problems


_ORDERED = (
    ("poll.min_interval_s", "poll.max_interval_s"),
    ("articles.retry_s", "articles.max_retry_s"),
)
