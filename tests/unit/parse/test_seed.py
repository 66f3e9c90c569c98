"""Seed documents: date, text, credit, derived title."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.errors import ParseError
from ingest.parse import read_seed

SEEDS = sorted((Path(__file__).parents[3] / "seeds").glob("*.txt"))


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_document_that_ships_is_read_whole(path: Path) -> None:
    seed = read_seed(path.name, path.read_bytes())
    words = path.read_text("utf-8").split()
    assert seed.published_at == datetime(2024, 10, 25, tzinfo=UTC)
    assert seed.credit == "MA/Press TV"
    assert seed.language == "en"
    assert seed.text.split() == words[2:-2]
    assert len(seed.text.split("\n\n")) == 10
    assert seed.title.startswith("The umbrella group of Iraqi Resistance factions said on Friday morning")
    assert len(seed.title) <= 120
    assert seed.title.endswith("…")


def test_there_is_a_seed_to_read() -> None:
    assert SEEDS


def test_paragraphs_date_and_credit_are_told_apart() -> None:
    seed = read_seed(
        "a.txt", b"\xef\xbb\xbf date 2024-05-01 First words.\nSame paragraph.\r\n\r\n \n\nSecond one.\n\nAB/Some Agency\n"
    )
    assert seed.name == "a.txt"
    assert seed.text == "First words. Same paragraph.\n\nSecond one."
    assert (seed.published_at, seed.credit, seed.title) == (datetime(2024, 5, 1, tzinfo=UTC), "AB/Some Agency", "First words")


def test_date_and_credit_may_be_missing() -> None:
    seed = read_seed("a.txt", b"Updates are due. More.\n\nEnd of it.")
    assert (seed.published_at, seed.credit, seed.text) == (None, None, "Updates are due. More.\n\nEnd of it.")


@pytest.mark.parametrize(
    "last", ["This/that is a sentence.", "A/Agency", "ABCD/Agency", "AB/Agency/Other", "AB/" + "x" * 60, "ab/agency"]
)
def test_what_does_not_look_like_a_credit_is_text(last: str) -> None:
    seed = read_seed("a.txt", f"Words.\n\n{last}".encode())
    assert (seed.credit, seed.text) == (None, f"Words.\n\n{last}")


def test_credit_alone_is_text() -> None:
    assert read_seed("a.txt", b"AB/Agency").text == "AB/Agency"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (
            "Dr. J. Smith arrived at 3.30 p.m. on the 3. of May. Then he left.",
            "Dr. J. Smith arrived at 3.30 p.m. on the 3. of May",
        ),
        ("Will it rain? Nobody knows.", "Will it rain?"),
        ("“It rains.” She closed the window.", "“It rains.”"),
        ("No mark at all", "No mark at all"),
        ("Wait… what", "Wait… what"),
        ("今日は晴れ。明日は雨。", "今日は晴れ"),
    ],
)
def test_title_is_the_first_sentence(text: str, title: str) -> None:
    assert read_seed("a.txt", text.encode()).title == title


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "an empty file"),
        (b" \n\t\n", "an empty file"),
        (b"date 2024-13-45 Words.", "2024-13-45 is no date"),
        (b"date 2024-02-30 Words.", "2024-02-30 is no date"),
        (b"date 2024-02-03", "no text"),
        (b"\x7fELF\x00\x01", "not a text file"),
    ],
)
def test_what_is_no_seed_is_refused_with_one_reason(body: bytes, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        read_seed("a.txt", body)
    assert caught.value.reason == reason


@given(st.binary(max_size=200))
@example(b".")
def test_nothing_but_parse_error_escapes(body: bytes) -> None:
    try:
        seed = read_seed("a.txt", body)
    except ParseError as error:
        assert error.reason  # noqa: PT017
    else:
        assert seed.text
        assert seed.title
