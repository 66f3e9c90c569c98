"""The text of config/ingest.toml, made from policy.py: every knob with its reason, range, default and environment name.

Knobs are switched off with `#` right before the name; text begins with `# `. So the file says the defaults twice over: as it
is, and with the marks of all knobs removed.
"""

import json
import textwrap
from collections.abc import Iterator
from dataclasses import fields

from ingest.config.known import SETTINGS, env_name, name_of
from ingest.config.values import plain, range_of
from ingest.policy import DEFAULTS, Knob

_HEAD = """\
# Settings of Ingest. Every line that begins with "#" and a name is a setting at its default: remove the "#" to change it.
#
# What is set here is overruled by the environment (the INGEST_… name given with each setting) and by the command line.
# A secret need not stand here: INGEST_DATABASE_URL_FILE, and likewise every other name with _FILE, names a file that holds it.
# Seconds may be written as "90s", "30m", "12h", "1d"; bytes as "500kB", "10MB", "1GiB".
# Relative paths start at the working directory. `ingest config check` tells what is wrong, `ingest config dump` what is in force.
"""
_WIDTH = 128
_LONG = 10_000  # from here on numbers are easier read with groups of three


def template() -> str:
    """The file as it is shipped. It loads to the defaults."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    for name in ("feeds", "full_text"):
        yield from _knob_lines(SETTINGS[name])
    for table in fields(DEFAULTS):
        yield f"[{table.name}]"
        yield from _comment(_about(getattr(DEFAULTS, table.name).__doc__))
        yield ""
        for knob in fields(getattr(DEFAULTS, table.name)):
            yield from _knob_lines(SETTINGS[f"{table.name}.{knob.name}"])


def _about(docstring: str) -> str:
    """The first line without the name of the table, which stands above it."""
    return docstring.splitlines()[0].partition(" Table [")[0]


def _knob_lines(knob: Knob) -> Iterator[str]:
    yield from _comment(knob.why)
    yield from _comment(" · ".join(_facts(knob)))
    yield f"#{knob.name} = {toml_value(knob.default)}"
    yield ""


def _facts(knob: Knob) -> Iterator[str]:
    if range_of(knob):
        yield range_of(knob)
    if knob.choices:
        yield "one of " + ", ".join(knob.choices)
    yield f"default {_readable(knob)}"
    yield env_name(name_of(knob))


def _readable(knob: Knob) -> str:
    default = knob.default
    if isinstance(default, bool) or not isinstance(default, int | float):
        return toml_value(default)
    for unit, suffixes in _SUFFIXES.items():
        if knob.unit == unit:
            return next((f"{plain(default / size)}{word}" for size, word in suffixes if _fits(default, size)), plain(default))
    return plain(default)


_SUFFIXES = {
    "s": ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")),
    "bytes": ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")),
}


def _fits(number: float, size: int) -> bool:
    return number >= size and number % size == 0


def _comment(text: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False
    )


def toml_value(value: object) -> str:
    """`value` as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    return f"{value:_}" if isinstance(value, int) and value >= _LONG else repr(value)
