"""The blocks of a page with their verdicts, readable in a terminal of any width: taken or left, how likely, what decided it."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from ingest.cli.facts import told
from ingest.cli.output import tell

if TYPE_CHECKING:
    from ingest.extract.explain import Explained, Verdict

_WIDTH = 120  # where nobody knows how wide the reader's lines are
_NARROW = 40  # less leaves no room for words
_INDENT = " " * 6


def print_explained(explained: "Explained") -> None:
    """Who chose and why, then two lines or more for each block. Coloured on a terminal only."""
    is_terminal = sys.stdout.isatty()
    width = max(_NARROW, shutil.get_terminal_size((_WIDTH, 0)).columns if is_terminal else _WIDTH)
    is_coloured = is_terminal and not os.environ.get("NO_COLOR")
    for line, colour in _lines(explained, width):
        sys.stdout.write(f"{_painted(line, colour) if is_coloured and colour else line}\n")


def _painted(line: str, colour: str) -> str:
    return typer.style(line, dim=True) if colour == "dim" else typer.style(line, fg=colour)


def _lines(explained: "Explained", width: int) -> Iterator[tuple[str, str]]:
    """Lines with their colour."""
    taken = sum(verdict.is_taken for verdict in explained.verdicts)
    for line in (
        *told("blocks", f"{len(explained.verdicts):,}, {taken:,} taken"),
        *told("chosen by", f"{explained.by} {explained.version}"),
        *told("because", explained.why),
    ):
        yield line, ""
    for verdict in explained.verdicts:
        yield "", ""
        yield _headline(verdict, width), "green" if verdict.is_taken else "yellow"
        for line in textwrap.wrap(_why(verdict), width, initial_indent=_INDENT, subsequent_indent=_INDENT):
            yield line, "dim"


def _headline(verdict: "Verdict", width: int) -> str:
    likely = "" if verdict.classified is None else f"{verdict.likely:5.0%}"
    start = f"{verdict.number:>5} {'taken' if verdict.is_taken else 'left ':<5} {likely:>5} <{tell(verdict.tag)}> "
    return start + _fitting(tell(verdict.text), width - len(start))


def _fitting(text: str, width: int) -> str:
    """`text` cut to `width` columns; some characters take two."""
    from rich.cells import cell_len

    from ingest.text import one_line

    room = max(width, 8)
    cut = one_line(text, room)
    while (columns := cell_len(cut)) > max(width, 8):
        room -= max(1, (columns - max(width, 8)) // 2)
        cut = one_line(text, room)
    return cut


def _why(verdict: "Verdict") -> str:
    parts = [f"{_points(reason.change)} {tell(reason.said)}" for reason in verdict.reasons]
    if parts and verdict.without is not None:
        alone = "" if verdict.classified in (None, verdict.likely) else f"classifier alone {verdict.classified:.0%}, "
        parts.append(f"{alone}without these {verdict.without:.0%}")
    if verdict.is_kept is not None:
        parts.append("kept by readability" if verdict.is_kept else "dropped by readability")
    if verdict.note:
        parts.append(verdict.note)
    return " · ".join(parts)


def _points(change: float) -> str:
    """A change of a probability in percentage points: below one, tenths tell; where many features agree, none."""
    points = round(100 * change, 1)
    return f"{points:+.0f}" if abs(points) >= 1 else f"{points:+.1f}" if points else "±0"
