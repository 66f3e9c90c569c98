"""From files, environment and command line to `Settings`, or to one ConfigError that tells everything wrong at once.

    defaults < config file < environment < command line

Relative paths, in files and variables alike, start at the working directory.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ingest.config.feedfile import read_feeds
from ingest.config.known import CONFIG_ENV, DEFAULT_CONFIG
from ingest.config.layers import (
    Given,
    Layer,
    defaults,
    problems_between,
    read_environment,
    read_file,
    read_options,
)
from ingest.config.settings import FeedList, Settings
from ingest.config.toml import read_document
from ingest.errors import ConfigError, Problem
from ingest.policy import DEFAULTS, Policies


def load(
    *,
    config: str | None = None,
    feeds: str | None = None,
    database_url: str | None = None,
    env: Mapping[str, str],
    cwd: Path,
) -> Settings:
    """The settings in force. `config`, `feeds` and `database_url` are the command line's.

    Called again on SIGHUP: it keeps nothing between calls. Raises ConfigError with every problem of every place.
    """
    environment = read_environment(env, cwd=cwd)
    named = Given(config, "--config") if config is not None else environment.given.pop(CONFIG_ENV, None)
    path, file = _read_config(named, cwd)
    layers = (defaults(), file, environment, read_options(feeds=feeds, database_url=database_url))
    given = {name: value for layer in layers for name, value in layer.given.items() if name != CONFIG_ENV}
    feed_list, feed_problems = _read_feed_list(given["feeds"], cwd)
    problems = [problem for layer in layers for problem in layer.problems]
    problems += [*problems_between(given), *feed_problems]
    if problems:
        raise ConfigError(*problems)
    return _settings(given, path, feed_list, cwd)


def _read_config(named: Given | None, cwd: Path) -> tuple[str | None, Layer]:
    """The name of the config file and what it says; a file that somebody named must be there."""
    if named is None and not (cwd / DEFAULT_CONFIG).exists():
        return None, Layer()
    name, asked_by = (named.value, named.by) if named else (DEFAULT_CONFIG, DEFAULT_CONFIG)
    document = read_document(name, cwd=cwd, asked_by=asked_by)
    if isinstance(document, Problem):
        return name, Layer(problems=[document])
    return name, read_file(document)


def _read_feed_list(feeds: Given, cwd: Path) -> tuple[FeedList | None, list[Problem]]:
    """The feeds of a TOML list. None for an OPML list, and where nobody named a list and the default one is not there."""
    name = feeds.value
    if "://" in name:
        is_web = name.lower().startswith(("http://", "https://"))
        return None, [] if is_web else [Problem(feeds.by, "feeds must be a path or an http(s) URL")]
    if not name or (feeds.by == "default" and not (cwd / name).exists()):
        return None, []
    if not name.lower().endswith(".toml"):
        is_file = (cwd / name).is_file()
        return None, [] if is_file else [Problem(feeds.by, f"cannot read {name}: no such file")]
    document = read_document(name, cwd=cwd, asked_by=feeds.by)
    if isinstance(document, Problem):
        return None, [document]
    return read_feeds(document, cwd=cwd)


def _settings(given: Mapping[str, Given], path: str | None, feed_list: FeedList | None, cwd: Path) -> Settings:
    feeds = given["feeds"]
    is_absent = feed_list is None and feeds.by == "default"
    return Settings(
        policies=_policies({name: value.value for name, value in given.items()}),
        feeds="" if is_absent else feeds.value,
        full_text=given["full_text"].value,
        path=None if path is None else cwd / path,
        feed_list=feed_list,
        provenance={name: value.by for name, value in given.items()},
    )


def _policies(values: Mapping[str, Any]) -> Policies:
    tables = {table.name: _policy(getattr(DEFAULTS, table.name), table.name, values) for table in fields(Policies)}
    return Policies(**tables)


def _policy(default: Any, table: str, values: Mapping[str, Any]) -> Any:
    return replace(default, **{knob.name: values[f"{table}.{knob.name}"] for knob in fields(default)})
