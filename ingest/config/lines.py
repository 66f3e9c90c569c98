"""On which line does each table, key and list item of a TOML text stand? tomllib knows and does not tell."""

import re
import tomllib
from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""Where a value stands: ("poll", "interval_s"), or ("feed", 2, "keep", 0) for the first item of a list in the third [[feed]]."""

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'  # up to two quotes may stand before the closing three
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")  # numbers, booleans, dates (which may hold a blank)


def find_lines(text: str) -> dict[Place, int]:
    """Line (from 1) of every place in `text`, which tomllib has accepted; of several definitions the first.

    `text` has no carriage returns before line ends.
    """
    return _Scan(text).lines


class _Scan:
    """One pass over the text. Valid TOML is assumed, so nothing is checked twice."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Place, int] = {}
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0  # up to here `_line` has counted line ends
        self._lengths: dict[Place, int] = {}  # of arrays of tables
        self._document()

    def _document(self) -> None:
        table: Place = ()
        while self._peek():
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Place:
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        line = self._line_here()
        *parents, last = self._key()
        self._at += 2 if is_array else 1
        place: Place = ()
        for part in parents:
            place = self._latest((*place, part))
            self.lines.setdefault(place, line)
        place = (*place, last)
        self.lines.setdefault(place, line)
        if is_array:
            self._lengths[place] = self._lengths.get(place, 0) + 1
        place = self._latest(place)
        self.lines.setdefault(place, line)
        return place

    def _latest(self, place: Place) -> Place:
        """The table that `place` means now: of an array of tables its last one."""
        length = self._lengths.get(place)
        return place if length is None else (*place, length - 1)

    def _pair(self, table: Place) -> None:
        self._peek()
        line = self._line_here()
        place = table
        for part in self._key():
            place = (*place, part)
            self.lines.setdefault(place, line)
        self._at += 1  # the equals sign
        self._value(place)

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self._peek()
            raw = self._take(_KEY)
            parts.append(_unquoted(raw) if raw[0] in "\"'" else raw)
            if self._peek() != ".":
                return parts
            self._at += 1

    def _value(self, place: Place) -> None:
        char = self._peek()
        if char == "[":
            self._list(place)
        elif char == "{":
            self._inline_table(place)
        elif char in "\"'":
            self._take(_STRING)
        else:
            self._take(_SCALAR)

    def _list(self, place: Place) -> None:
        self._at += 1
        index = 0
        while (char := self._peek()) != "]":
            if char == ",":
                self._at += 1
                index += 1
                continue
            self.lines.setdefault((*place, index), self._line_here())
            self._value((*place, index))
        self._at += 1

    def _inline_table(self, place: Place) -> None:
        self._at += 1
        while (char := self._peek()) != "}":
            if char == ",":
                self._at += 1
            else:
                self._pair(place)
        self._at += 1

    def _peek(self) -> str:
        """The next character that says something, after blanks, line ends and comments; empty at the end."""
        self._take(_BLANK)
        return self._text[self._at : self._at + 1]

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        assert match is not None, f"tomllib accepted what {pattern.pattern!r} does not match"
        self._at = match.end()
        return match.group()

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line


def _unquoted(key: str) -> str:
    return next(iter(tomllib.loads(f"{key} = 0")))
