"""A value's fields as lines for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import pytest

from ingest.cli.facts import label_of, told_fields


class Class(StrEnum):
    FULL = "full"


@dataclass(frozen=True)
class Seen:
    words: int = 7
    is_locked: bool = True
    reason: str | None = None


@dataclass(frozen=True)
class Value:
    title: str | None = None
    title_source: str | None = None
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    published_source: str | None = None
    published_raw: str | None = None
    extractor: str = ""
    extractor_version: str = ""
    source: str | None = None  # belongs to nothing
    quality: Class | None = None
    evidence: Seen | Mapping[str, int] | None = None
    image_urls: tuple[str, ...] = ()
    ttl_s: float | None = None
    is_cut: bool = False
    text: str | None = field(default=None, repr=False)


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (Value(), []),
        (Value(title="One", title_source="json-ld"), ["title         One (in json-ld)"]),
        (Value(title_source="meta"), []),
        (Value(authors=("Ada", "Bo")), ["authors       Ada, Bo"]),
        (Value(extractor="blocks", extractor_version="1.ab"), ["extractor     blocks (version 1.ab)"]),
        (
            Value(published_at=datetime(2026, 3, 4, tzinfo=UTC), published_source="meta"),
            ["published     2026-03-04 00:00:00 (in meta)"],
        ),
        (Value(published_raw="soon"), ["published     – (said “soon”)"]),
        (Value(source="feed"), ["source        feed"]),
        (Value(quality=Class.FULL, evidence=Seen()), ["quality       full", "evidence      7 (locked True)"]),
        (Value(evidence={"words": 7, "is_locked": 1}), ["evidence      words 7", "evidence      locked 1"]),
        (Value(image_urls=("a", "b")), ["image         a", "image         b"]),
        (Value(ttl_s=90, is_cut=True), ["ttl           0:01:30", "cut           yes"]),
        (Value(text="<p>two words</p>"), ["text          2 words: two words"]),
        (Value(title="a\x1b[31mb\u202ec"), ["title         a [31mb c"]),
    ],
)
def test_what_is_known_has_a_line_and_what_was_said_of_it_stands_with_it(value, lines):
    assert list(told_fields(value)) == lines


def test_a_field_may_be_left_out():
    assert list(told_fields(Value(title="One", text="x"), without=("text",))) == ["title         One"]


@pytest.mark.parametrize(("name", "label"), [("site_url", "site"), ("is_free", "free"), ("ttl_s", "ttl"), ("url", "url")])
def test_units_are_no_part_of_a_label(name, label):
    assert label_of(name) == label
