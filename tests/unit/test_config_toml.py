"""TOML files with line numbers."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.config.lines import find_lines
from ingest.config.template import toml_value
from ingest.config.toml import Document, parse_document, read_document
from ingest.errors import Problem

TEXT = '''\
# a comment with = and [brackets]
top = 1
"quoted key" = "a # in text"

[poll]   # table
interval_s = 60
nested.deep = { a = 1, "b.c" = [2, 3] }

[fetch]
user_agent = """
[not.a.table]
key = "no key either"
""\\" and two more quotes"""""
allow = [
  "one",   # first

  'two]',
  ["inner", 1979-05-27 07:32:00],
]
plain = \'\'\'
x = 1 \'\'\'
after = true

[[feed]]
url = "a"
[feed.headers]
X-Key = "v"

[[feed]]
url = "b"
[[feed.part]]
name = "p0"
[[feed.part]]
name = "p1"
[feed.part.sub]
k = 1
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("top",), 2),
        (("quoted key",), 3),
        (("poll",), 5),
        (("poll", "interval_s"), 6),
        (("poll", "nested"), 7),
        (("poll", "nested", "deep"), 7),
        (("poll", "nested", "deep", "b.c", 1), 7),
        (("fetch", "user_agent"), 10),
        (("fetch", "allow"), 14),
        (("fetch", "allow", 0), 15),
        (("fetch", "allow", 1), 17),
        (("fetch", "allow", 2, 1), 18),
        (("fetch", "plain"), 20),
        (("fetch", "after"), 22),
        (("feed", 0), 24),
        (("feed", 0, "headers", "X-Key"), 27),
        (("feed", 1, "url"), 30),
        (("feed", 1, "part", 1, "name"), 34),
        (("feed", 1, "part", 1, "sub", "k"), 36),
    ],
)
def test_every_place_has_its_line(place: tuple[str | int, ...], line: int) -> None:
    tomllib.loads(TEXT)  # the text is TOML
    assert find_lines(TEXT)[place] == line


def test_no_line_is_found_inside_a_multi_line_text() -> None:
    assert ("fetch", "key") not in find_lines(TEXT)
    assert ("not",) not in find_lines(TEXT)


def test_an_empty_text_has_no_lines() -> None:
    assert find_lines("") == {}
    assert find_lines("# only a comment") == {}


VALUES = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=6,
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_keys_and_values_are_found_on_their_own_lines(table: dict[str, object]) -> None:
    text = "".join(f"{toml_value(key)} = {toml_value(value)}\n" for key, value in table.items())
    lines = find_lines(text)
    assert tomllib.loads(text).keys() == table.keys()
    assert [lines[(key,)] for key in table] == list(range(1, len(table) + 1))


def test_a_document_names_the_nearest_line_that_is_written() -> None:
    document = parse_document("a.toml", "x = 1\n[poll]\ny = 2\n")
    assert isinstance(document, Document)
    assert document.where("poll", "y") == "a.toml:3"
    assert document.where("poll", "missing", 3) == "a.toml:2"
    assert document.where("nowhere") == "a.toml"


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("a = 1\nb = \n", "a.toml:2", "is not valid TOML: Invalid value"),
        ("a = 1\na = 2\n", "a.toml:2", "Cannot overwrite a value"),
        ("a = 1\nb = [1,\n", "a.toml:2", "end of document"),
        ("a = " + "[" * 5000, "a.toml", "nested too deeply"),
    ],
    ids=["no value", "twice", "open list", "deep"],
)
def test_a_syntax_error_is_told_with_its_line(text: str, where: str, says: str) -> None:
    problem = parse_document("a.toml", text)
    assert isinstance(problem, Problem)
    assert problem.where == where
    assert says in problem.what


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfx = 1\r\n\r\n[poll]\r\ny = 2\r\n")
    document = read_document("a.toml", cwd=tmp_path, asked_by="--config")
    assert isinstance(document, Document)
    assert document.where("poll", "y") == "a.toml:4"


def test_bytes_that_are_not_utf_8_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"x = 1\ny = '\xff'\n")
    assert read_document("a.toml", cwd=tmp_path, asked_by="--config") == Problem("a.toml:2", "is not UTF-8 text")


def test_a_file_that_cannot_be_read_is_told_by_who_named_it(tmp_path: Path) -> None:
    missing = read_document("a.toml", cwd=tmp_path, asked_by="--config")
    assert missing == Problem("--config", "cannot read a.toml: No such file or directory")
    folder = read_document(".", cwd=tmp_path, asked_by="--config")
    assert folder == Problem("--config", "cannot read .: Is a directory")
