"""A TOML file with the line of each of its values."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.config.lines import Place, find_lines
from ingest.errors import Problem

_POSITION = re.compile(r" \(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file as read. `name` is how messages call it."""

    name: str
    data: Mapping[str, Any]
    lines: Mapping[Place, int]

    def where(self, *place: str | int) -> str:
        """`file:line` of this place, or of the nearest one around it that is written in the file."""
        while place and place not in self.lines:
            place = place[:-1]
        return f"{self.name}:{self.lines[place]}" if place else self.name


def read_document(name: str, *, cwd: Path, asked_by: str) -> Document | Problem:
    """The file called `name`, relative to `cwd`, or what is wrong with it. `asked_by` is who named it."""
    try:
        raw = (cwd / name).read_bytes()
    except OSError as error:
        return Problem(asked_by, f"cannot read {name}: {error.strerror or error}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return Problem(f"{name}:{line}", "is not UTF-8 text")
    return parse_document(name, text)


def parse_document(name: str, text: str) -> Document | Problem:
    """`text` understood as TOML, or where it is not TOML."""
    text = text.replace("\r\n", "\n")
    try:
        data = tomllib.loads(text)
        return Document(name, data, find_lines(text))
    except RecursionError:
        return Problem(name, "is nested too deeply")
    except ValueError as error:  # TOMLDecodeError, and numbers too long for int()
        return _syntax_problem(name, text, str(error))


def _syntax_problem(name: str, text: str, message: str) -> Problem:
    position = _POSITION.search(message)
    if position is None:
        last_line = text.rstrip("\n").count("\n") + 1
        where = f"{name}:{last_line}" if message.endswith("(at end of document)") else name
        return Problem(where, f"is not valid TOML: {message}")
    return Problem(f"{name}:{position.group(1)}", f"is not valid TOML: {message[: position.start()]}")
