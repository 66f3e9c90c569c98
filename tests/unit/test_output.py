"""What commands print and write, and the values they accept."""

import csv
import inspect
import io
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from ingest.cli.ending import complain
from ingest.cli.options import check_order, moment, spread, web_address
from ingest.cli.output import as_json, opened, print_json, print_table, tell, write_csv, write_ndjson


@dataclass(frozen=True)
class Row:
    title: str | None
    authors: tuple[str, ...] = ()
    at: datetime | None = None
    words: int = -3


LONG = "a long title that goes on, " * 3 + "and ends"
NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)


# ── CSV and JSON ────────────────────────────────────────────────────────────────────────────────────────────────────────


def cells(*rows: Row) -> list[dict[str, str]]:
    file = io.StringIO(newline="")
    assert write_csv(rows, ("title", "authors", "words"), file) == len(rows)
    return list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(start):
    (row,) = cells(Row(f"{start}cmd|' /C calc'!A0", (f"{start}1+1", "x")))
    assert row["title"] == f"'{start}cmd|' /C calc'!A0"
    assert row["authors"] == f"'{start}1+1; x"


def test_other_text_and_numbers_are_written_as_they_are():
    (row,) = cells(Row('a "quoted", = b\nsecond line'))
    assert row == {"title": 'a "quoted", = b\nsecond line', "authors": "", "words": "-3"}


def test_what_is_missing_is_an_empty_cell():
    assert cells(Row(None))[0]["title"] == ""


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_no_text_cell_ever_begins_like_a_formula(text):
    (row,) = cells(Row(text))
    assert not row["title"].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert row["title"] in (text, f"'{text}")


def test_ndjson_is_one_object_a_line_whatever_the_text():
    file = io.StringIO()
    assert write_ndjson([Row("two\nlines\u2028ü", at=NOON), Row(None)], file) == 2
    first, second = (json.loads(line) for line in file.getvalue().split("\n")[:-1])
    assert first == {"title": "two\nlines\u2028ü", "authors": [], "at": "2026-03-04T12:00:00+00:00", "words": -3}
    assert second["title"] is None


def test_trees_of_values_become_plain_json(capsys):
    print_json({1: (Row("ü"),), "none": None})
    said = capsys.readouterr().out
    assert json.loads(said)["1"][0] == as_json(Row("ü"))
    assert "ü" in said


def test_json_holds_nothing_that_a_terminal_would_obey_and_reads_as_what_was_said(capsys):
    title = "a\x1b[2Jb\x9bc\u202ed\u2028e\U000e0041f\ud800g\nh\u00fc日本"
    print_json([Row(title)])
    said = capsys.readouterr().out
    assert all(line.isprintable() for line in said.split("\n"))
    assert "ü日本" in said
    assert json.loads(said)[0]["title"] == title


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "–"),
        (NOON, "2026-03-04 12:00:00"),
        (("a", "b"), "a, b"),
        (("a\nb",), "a b"),
        ("\x1b[31mred\x07\u202e", " [31mred  "),
        (0, "0"),
    ],
    ids=["nothing", "time", "list", "list with a line break", "what a terminal would obey", "zero"],
)
def test_a_value_is_told_on_one_line(value, told):
    assert tell(value) == told


def test_piped_a_table_is_a_line_a_row_with_tabs(capsys):
    print_table(("id", "title"), [(1, "a\tb\nc"), (2, None), (3, "[bold]x[/bold] " + "y" * 500)])
    assert capsys.readouterr().out.split("\n") == ["id\ttitle", "1\ta b c", "2\t", "3\t[bold]x[/bold] " + "y" * 500, ""]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def on_terminal(monkeypatch, width, **more):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    columns = ("id", "title", "note")
    print_table(columns, [(1, "[bold]x[/bold]", "n" * 20), (2, LONG, "")], **more)
    return [line.rstrip() for line in re.sub(r"\x1b\[\d*m", "", terminal.getvalue()).splitlines()]


def test_on_a_wide_terminal_a_table_shows_everything(monkeypatch):
    head, _, first, second = on_terminal(monkeypatch, 140, spare=("note",))
    assert head.split() == ["id", "title", "note"]
    assert first.split() == ["1", "[bold]x[/bold]", "n" * 20]
    assert LONG in second


def test_on_a_narrow_terminal_spare_columns_are_left_out_and_long_text_is_cut(monkeypatch):
    lines = on_terminal(monkeypatch, 50, spare=("note",))
    assert lines[0].split() == ["id", "title"]
    assert len(lines) == 4
    assert lines[3].endswith("…")
    assert max(map(len, lines)) <= 50


def test_an_empty_table_has_its_head(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    print_table(("id", "title"), [])
    assert "title" in terminal.getvalue()


def test_a_complaint_is_one_line_whatever_is_in_it(capsys):
    complain("bad\n\x1b[2Jthing")
    assert capsys.readouterr().err == "ingest: bad  [2Jthing\n"


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("output", [None, "-"])
def test_without_a_file_stdout_is_written(capsys, output):
    with opened(output and Path(output)) as file:
        file.write("ü\n")
    assert capsys.readouterr().out == "ü\n"


def test_a_file_appears_whole_with_the_rights_of_any_new_file(tmp_path):
    target = tmp_path / "out.csv"
    with opened(target) as file:
        file.write("a\r\nü\n")
        assert not target.exists()
    assert target.read_bytes() == b"a\r\n\xc3\xbc\n"
    other = tmp_path / "other"
    other.touch()
    assert target.stat().st_mode == other.stat().st_mode


def test_what_fails_half_way_leaves_the_old_file_and_nothing_beside(tmp_path):
    target = tmp_path / "out.csv"
    target.write_text("old")

    def write_half():
        with opened(target) as file:
            file.write("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.csv", "old")]


def test_a_link_goes_on_to_lead_to_the_file(tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real/out.csv"
    link = tmp_path / "link"
    link.symlink_to(target)
    with opened(link) as file:
        file.write("new")
    assert (link.is_symlink(), target.read_text()) == (True, "new")


def test_a_pipe_is_written_to_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with opened(pipe) as file:
        file.write("through")
    assert (os.read(reader, 100), pipe.is_fifo()) == (b"through", True)
    os.close(reader)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/out.csv", "No such file or directory"),
        ("file/out.csv", "Not a directory"),
        ("", "Is a directory"),
        ("n" * 300, "File name too long"),
    ],
    ids=["no folder", "below a file", "a folder", "long name"],
)
def test_a_place_that_cannot_be_written_is_one_line(tmp_path, capsys, name, reason):
    (tmp_path / "file").touch()
    with pytest.raises(typer.Exit) as ended, opened(tmp_path / name):
        pass
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == f"ingest: cannot write {tmp_path / name}: {reason}\n"


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-03-04", datetime(2026, 3, 4, tzinfo=UTC)),
        ("2026-03-04T12:00:00", NOON),
        ("2026-03-04 12:00", NOON),
        ("2026-03-04T12:00:00Z", NOON),
        ("2026-03-04T14:00:00+02:00", NOON),
    ],
)
def test_a_moment_is_iso_8601_and_utc_where_it_names_no_zone(text, read):
    assert (moment(text), moment(text).tzinfo) == (read, UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-02-30", "04.03.2026", "0001-01-01T00:00:00+02:00", "1e9"])
def test_what_is_no_moment_is_refused_with_the_form_that_is(text):
    with pytest.raises(typer.BadParameter, match=r"YYYY-MM-DD|calendar"):
        moment(text)


def test_a_period_that_ends_before_it_begins_is_refused():
    check_order(NOON, NOON + timedelta(seconds=1))
    check_order(None, NOON)
    check_order(NOON, None)
    with pytest.raises(typer.BadParameter, match="not after --since"):
        check_order(NOON, NOON.astimezone(timezone(timedelta(hours=2))))


def test_a_web_address_holds_no_login_and_its_password_is_not_repeated():
    assert web_address("https://example.org/feed") == "https://example.org/feed"
    with pytest.raises(typer.BadParameter, match="begins with http"):
        web_address("ftp://example.org/")
    with pytest.raises(typer.BadParameter, match="holds a login") as refused:
        web_address("https://me:sesame@example.org/")
    assert "sesame" not in str(refused.value)


def test_groups_of_options_become_options_and_arrive_as_values():
    @dataclass(frozen=True)
    class Group:
        size: int
        colour: str = "red"

    seen = []

    @spread
    def command(name: str, *, group: Group) -> None:
        seen.append((name, group))

    command(name="x", size=3, colour="blue")
    assert seen == [("x", Group(3, "blue"))]
    parameters = inspect.signature(command).parameters
    assert [(p.name, p.annotation, p.default) for p in parameters.values()] == [
        ("name", str, inspect.Parameter.empty),
        ("size", int, inspect.Parameter.empty),
        ("colour", str, "red"),
    ]
