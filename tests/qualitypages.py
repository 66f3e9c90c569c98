"""Labelled pages of tests/data/quality: each says in a comment what it shows, what is expected and how it came."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest.extract.article import choose_body
from ingest.extract.quality import Evidence, find_evidence
from ingest.extract.reading import Page, read_page
from ingest.model import Quality

NOW = datetime(2025, 7, 1, tzinfo=UTC)
FOLDER = Path(__file__).parent / "data" / "quality"
CLASSES = ("full", "teaser", "paywall", "consent", "challenge", "script_shell", "soft_404", "error_page", "not_article")


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """A page, its class, and what is known of it beside its markup. Odd ones are for design, even ones for test."""

    path: Path
    expected: Quality
    shows: str
    status: int
    feed_words: int | None
    entry_title: str | None
    markup: str

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def is_held_out(self) -> bool:
        return int(self.path.stem) % 2 == 0


def load_pages() -> Iterator[LabelledPage]:
    for path in sorted(FOLDER.glob("*/*.html")):
        markup = path.read_text("utf-8")
        comment = re.search(r"<!--(.*?)-->", markup, re.DOTALL)
        assert comment, f"{path} says nothing of itself"
        notes = dict(line.split(": ", 1) for line in comment[1].strip().splitlines())
        yield LabelledPage(
            path=path,
            expected=Quality(notes["expected"]),
            shows=notes["shows"],
            status=int(notes["status"]),
            feed_words=int(notes["feed_words"]) if "feed_words" in notes else None,
            entry_title=notes.get("entry_title"),
            markup=markup,
        )


def choose(page: Page, *, is_learned: bool = True) -> Sequence[int]:
    """The body's blocks: by whatever chooses them in the program, or by readability alone."""
    return choose_body(page, is_learned=is_learned).blocks


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A labelled page with all that comes before its evidence."""

    labelled: LabelledPage
    page: Page
    chosen: Sequence[int]

    def evidence(self) -> Evidence:
        return find_evidence(
            self.page.tree,
            self.page.segmented,
            self.chosen,
            status=self.labelled.status,
            feed_words=self.labelled.feed_words,
            is_free=None,
            title=self.page.tree.findtext(".//title"),
            entry_title=self.labelled.entry_title,
        )


def read(labelled: LabelledPage, *, is_learned: bool = True) -> ReadPage:
    page = read_page(labelled.markup.encode(), url="https://news.example/1", content_type="text/html; charset=utf-8", now=NOW)
    return ReadPage(labelled, page, choose(page, is_learned=is_learned))
