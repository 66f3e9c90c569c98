"""What commands print and write: tables for people, JSON for programs, CSV that no spreadsheet can be tricked by, whole files."""

import contextlib
import csv
import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from ingest.cli.ending import USAGE, complain

_LONG = 28  # characters of a cell; more may be cut where a terminal is narrow
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="PATH", help="Write to this file instead of stdout; whole or not at all."),
]


# ── JSON ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_json(value: Any) -> Any:
    """A dataclass (or a tree of them) as plain JSON values; times in ISO 8601."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return value


def print_json(value: Any) -> None:
    """Indented JSON on stdout; no character that a terminal would obey stands in it as itself."""
    lines = json.dumps(as_json(value), ensure_ascii=False, indent=2).split("\n")
    sys.stdout.writelines(f"{line if line.isprintable() else _escaped(line)}\n" for line in lines)


def _escaped(line: str) -> str:
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in line)


# ── for people ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, spare: Sequence[str] = ()) -> None:
    """On a terminal a table no wider than that; otherwise a line a row, its cells separated by tabs. Text is never markup.

    Columns of `spare`, in this order, are left out where a terminal is too narrow; then long text is cut.
    """
    if not sys.stdout.isatty():
        for cells in (columns, *rows):
            typer.echo("\t".join(tell(cell, nothing="") for cell in cells))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=shutil.get_terminal_size().columns)
    lines = [[tell(cell) for cell in row] for row in rows]
    told = {name: [line[at] for line in lines] for at, name in enumerate(columns)}
    _leave_out(told, spare, console.width)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for name, cells in told.items():
        table.add_column(name, no_wrap=max(map(len, cells), default=0) < _LONG)
    for line in zip(*told.values(), strict=True):
        table.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in line))
    console.print(table)


def _leave_out(told: dict[str, list[str]], spare: Sequence[str], width: int) -> None:
    """Drop columns of `spare` until the others, long ones cut to a still useful length, fit into `width`."""
    for name in spare:
        needed = sum(min(max(map(len, (column, *cells))), _LONG) + 2 for column, cells in told.items())
        if needed <= width:
            return
        del told[name]


def tell(value: Any, *, nothing: str = "–") -> str:
    """One value on one line, for people: `nothing` for None, and no character that a terminal would obey."""
    if value is None:
        return nothing
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    return "".join(char if char.isprintable() else " " for char in str(value))


# ── for programs ────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_ndjson(values: Iterable[Any], file: TextIO) -> int:
    """One JSON object a line; answers how many."""
    count = 0
    for value in values:
        file.write(json.dumps(as_json(value), ensure_ascii=False) + "\n")
        count += 1
    return count


def write_csv(values: Iterable[Any], columns: Sequence[str], file: TextIO) -> int:
    """Rows of `columns`; text that a spreadsheet would run as a formula gets a leading apostrophe."""
    writer = csv.writer(file)
    writer.writerow(columns)
    count = 0
    for value in values:
        plain = as_json(value)
        writer.writerow([_defused(plain[column]) for column in columns])
        count += 1
    return count


def _defused(value: Any) -> Any:
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def opened(output: Path | None) -> Iterator[TextIO]:
    """stdout, or a file that appears under its name only when it is complete. One that cannot be written ends the command."""
    if output is None or str(output) == "-":
        yield sys.stdout
        return
    try:
        target = output.resolve()  # a link goes on to lead to the file
        if target.exists() and not target.is_file():  # a device or a pipe is no file to be replaced
            with target.open("w", encoding="utf-8", newline="") as file:
                yield file
            return
        with _replacing(target) as file:
            yield file
    except OSError as error:
        complain(f"cannot write {output}: {error.strerror or error}")
        raise typer.Exit(USAGE) from None


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[TextIO]:
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            yield file
        partial.replace(target)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
