"""Every document in tests/data/feeds is understood as the file beside it says."""

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.parse import parse
from ingest.policy import ParsePolicy

FOLDER = Path(__file__).parents[2] / "data" / "feeds"
NOW = datetime(2025, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "expected", sorted(FOLDER.glob("*.expect.json")), ids=lambda path: path.name.removesuffix(".expect.json")
)
def test_feed_is_understood_as_expected(expected: Path) -> None:
    said = json.loads(expected.read_text("utf-8"))
    body = expected.with_name(expected.name.removesuffix(".expect.json")).read_bytes()

    parsed = parse(body, url=said["url"], headers=said.get("headers", {}), policy=ParsePolicy(), now=NOW)

    assert _named(parsed.head, said["head"]) == said["head"]
    assert len(parsed.entries) == said["count"]
    for entry, wanted in zip(parsed.entries, said["entries"], strict=False):
        assert _named(entry, wanted) == wanted
    rest = {key: said[key] for key in ("repaired", "is_cut", "warnings") if key in said}
    assert _named(parsed, rest) == rest


def test_every_feed_has_its_expectations() -> None:
    feeds = [path for path in FOLDER.iterdir() if not path.name.endswith(".expect.json")]
    assert feeds
    assert all(path.with_name(path.name + ".expect.json").exists() for path in feeds)


def _named(value: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields of `value` that are named in `wanted`, as JSON would have them."""
    fields = json.loads(json.dumps(dataclasses.asdict(value), default=_as_json))
    return {key: fields[key] for key in wanted}


def _as_json(value: datetime | bytes) -> str:
    return value.isoformat() if isinstance(value, datetime) else value.hex()
