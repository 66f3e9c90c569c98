"""Every page in tests/data/pages yields what the file beside it says."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.extract.article import extract

FOLDER = Path(__file__).parents[2] / "data" / "pages"
FACTS = ("title", "canonical_url", "language", "extractor")


@pytest.mark.parametrize(
    "expected", sorted(FOLDER.glob("*.expect.json")), ids=lambda path: path.name.removesuffix(".expect.json")
)
def test_page_yields_what_is_expected(expected: Path) -> None:
    said = json.loads(expected.read_text("utf-8"))
    body = expected.with_name(expected.name.removesuffix(".expect.json")).read_bytes()

    found = extract(body, url=said["url"], headers={"content-type": "text/html"}, now=datetime(2025, 7, 1, tzinfo=UTC))

    assert {fact: getattr(found, fact) for fact in FACTS if fact in said} == {fact: said[fact] for fact in FACTS if fact in said}
    assert list(found.authors) == said["authors"]
    assert found.published_at == datetime.fromisoformat(said["published_at"])
    assert [words for words in said["has"] if words not in found.text] == []
    assert [words for words in said["has_not"] if words in found.text] == []
    assert [markup for markup in said["html_has"] if markup not in found.html] == []
    assert [markup for markup in said["html_has_not"] if markup in found.html] == []


def test_every_page_has_its_expectations() -> None:
    pages = [path for path in FOLDER.iterdir() if not path.name.endswith(".expect.json")]
    assert pages
    assert all(path.with_name(path.name + ".expect.json").exists() for path in pages)
