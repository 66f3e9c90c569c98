"""The effective settings for people and programs to read, secrets masked, each with who set it."""

from collections.abc import Iterator
from typing import Any

from ingest.config.known import SETTINGS, TABLES
from ingest.config.mask import mask_url
from ingest.config.settings import ConfiguredFeed, Settings
from ingest.config.template import toml_value

_HIDDEN = "***"


def dump(settings: Settings) -> dict[str, Any]:
    """Everything that is in force, ready for JSON: `path`, `settings` (value and source by name) and `feeds`."""
    return {
        "path": None if settings.path is None else str(settings.path),
        "settings": {name: {"value": _value(settings, name), "source": settings.provenance[name]} for name in SETTINGS},
        "feeds": None if settings.feed_list is None else [_feed(feed) for feed in settings.feed_list],
    }


def dump_text(settings: Settings) -> str:
    """The same as a TOML file that loads again, masked secrets apart; feeds stand in comments."""
    return "\n".join(_lines(settings)) + "\n"


def _lines(settings: Settings) -> Iterator[str]:
    yield f"# in force, from {settings.path or 'no config file'}"
    yield from _setting_lines(settings, "")
    for table in TABLES:
        yield ""
        yield f"[{table}]"
        yield from _setting_lines(settings, table)
    for feed in settings.feed_list or ():
        yield ""
        facts = _feed(feed)
        yield f"# feed {facts.pop('url')} · {facts.pop('where')}"
        yield from (f"#   {key} = {_plain(value)}" for key, value in facts.items() if value not in (None, [], {}))


def _setting_lines(settings: Settings, table: str) -> Iterator[str]:
    for name, knob in SETTINGS.items():
        if knob.table == table:
            yield f"{knob.name} = {toml_value(_effective(settings, name))}  # {settings.provenance[name]}"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml_value(key)} = {toml_value(item)}" for key, item in value.items()) + " }"
    return toml_value(tuple(value) if isinstance(value, list) else value)


def _effective(settings: Settings, name: str) -> Any:
    """The value of one setting, masked where it is a URL."""
    value = settings.value_of(name)
    return mask_url(value) if name in ("feeds", "database.url", "fetch.proxy") else value


def _value(settings: Settings, name: str) -> Any:
    value = _effective(settings, name)
    return list(value) if isinstance(value, tuple) else value


def _feed(feed: ConfiguredFeed) -> dict[str, Any]:
    """One feed by the keys of the feed file; None for what it leaves to the defaults."""
    options, secrets = feed.spec.options, feed.secrets
    return {
        "url": mask_url(feed.spec.url),
        "where": feed.where,
        "title": options.title,
        "tags": list(options.tags),
        "interval": options.interval_s,
        "full_text": options.full_text,
        "enabled": options.is_enabled,
        "user_agent": options.user_agent,
        "keep": list(options.keep),
        "block": list(options.block),
        "extractor": options.extractor,
        "include": list(options.include),
        "exclude": list(options.exclude),
        "headers": dict.fromkeys(secrets.headers, _HIDDEN),
        "username": secrets.username,
        "password": None if secrets.password is None else _HIDDEN,
        "proxy": None if secrets.proxy is None else mask_url(secrets.proxy),
    }
