"""A page as it came → one tree, its blocks, and what it says about itself. Everything after it works on this value."""

from dataclasses import dataclass
from datetime import datetime

from ingest.extract.blocks import Segmented, segment
from ingest.extract.features import Told
from ingest.extract.kind import refuse_other_than_html
from ingest.extract.metadata import Metadata, find_metadata
from ingest.extract.tree import Element, parse_tree
from ingest.text import decode, find_charset


@dataclass(frozen=True, slots=True)
class Page:
    """A page read. `tree` is changed by whoever chooses the body; nothing else may need it after that."""

    tree: Element
    segmented: Segmented
    facts: Metadata

    @property
    def told(self) -> Told:
        """What the classifier is told beside the blocks."""
        return Told(self.facts.title or "", self.facts.description or "", self.facts.article_body)


def read_page(body: bytes, *, url: str, content_type: str | None, now: datetime) -> Page:
    """The page in `body`, fetched from `url`. Raises ExtractError, with outcome NOT_HTML where it is something else."""
    refuse_other_than_html(body, content_type)
    tree = parse_tree(decode(body, find_charset(body, content_type)))
    return Page(tree, segment(tree), find_metadata(tree, url=url, now=now))
