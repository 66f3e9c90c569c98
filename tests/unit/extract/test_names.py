"""Bylines and the names in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.extract.names import Byline, is_person, read_names, split_names


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("By Ada Pike", ["Ada Pike"]),
        ("BY: Ada Pike", ["Ada Pike"]),
        ("Written by Ada Pike and Tom Reed", ["Ada Pike", "Tom Reed"]),
        ("Von Ada Pike und Tom Reed", ["Ada Pike", "Tom Reed"]),
        ("Par Ada Pike et Tom Reed", ["Ada Pike", "Tom Reed"]),
        ("Ada Pike y Tom Reed", ["Ada Pike", "Tom Reed"]),
        ("Ada Ortega y Gasset", ["Ada Ortega y Gasset"]),
        ("Ada Pike og Tom Reed", ["Ada Pike", "Tom Reed"]),
        ("Ada Pike; Tom Reed | Lea Holm", ["Ada Pike", "Tom Reed", "Lea Holm"]),
        ("Ada Pike, Tom Reed, dpa", ["Ada Pike", "Tom Reed", "dpa"]),
        ("Ada Pike, MD, PhD", ["Ada Pike"]),
        ("Ada Pike, Senior Editor", ["Ada Pike"]),
        ("Ada Pike (apk)", ["Ada Pike"]),
        ("Ada Pike <ada@a.example>", ["Ada Pike"]),
        ("Ada Pike ada@a.example", ["Ada Pike"]),
        ("Ada Pike @adapike https://a.example/ada", ["Ada Pike"]),
        ("Ada Pike, professor of naval history at the old harbour", ["Ada Pike"]),
        ("Ada Pike, gazette.example", ["Ada Pike"]),
        ("Pike, Ada M.", ["Ada M. Pike"]),
        ("View all posts by Ada Pike", ["Ada Pike"]),
        ("記者：山田太郎", ["山田太郎"]),
        ("Ludwig van der Berg", ["Ludwig van der Berg"]),
        ("https://a.example/ada", []),
        ("@ada", []),
        ("", []),
    ],
)
def test_byline_is_taken_apart(byline: str, names: list[str]) -> None:
    assert split_names(byline) == names


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Ada Pike", True),
        ("Dr. Ada van Pike", True),
        ("April Pike", True),
        ("d'Arc Jeanne", True),
        ("山田太郎", True),
        ("محمد علي", True),
        ("Ada", False),
        ("the ferry sails", False),
        ("2 June", False),
        ("Gazette Staff", False),
        ("Read More", False),
        ("Senior Editor", False),
        ("", False),
    ],
)
def test_person_is_told_by_the_form_of_the_name(name: str, is_one: bool) -> None:
    assert is_person(name) is is_one


def test_organisations_and_the_site_give_way_to_people() -> None:
    said = [("The Gazette", False), ("Harbour Board", True), ("Ada Pike", False), ("ADA PIKE", False)]
    assert read_names(said, frozenset({"thegazette"})) == Byline(("Ada Pike",), is_personal=True)
    assert read_names(said[:2], frozenset({"thegazette"})) == Byline(("The Gazette", "Harbour Board"))


@given(st.text(max_size=200))
def test_any_byline_is_read(text: str) -> None:
    assert all(name == name.strip() and name for name in split_names(text))
