"""What commands print: tables for people, JSON for programs, CSV that no spreadsheet can be tricked by."""

import csv
import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TextIO

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


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
    return value


def print_json(value: Any) -> None:
    """Indented JSON on stdout."""
    json.dump(as_json(value), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on stdout; cells hold text, never markup. Wide output is cut on a terminal only."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(tell(cell)) for cell in row))
    console = Console() if sys.stdout.isatty() else Console(width=400)
    console.print(table)


def tell(value: Any) -> str:
    """One cell, for people."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "".join(char if char.isprintable() else " " for char in str(value))


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
