"""A fetched page → its article, or why it has none."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from ingest.errors import ExtractError
from ingest.extract.choice import Choice, choose
from ingest.extract.classify import load_classifier
from ingest.extract.clean import clean_html
from ingest.extract.quality import find_evidence, judge
from ingest.extract.reading import Page, read_page
from ingest.extract.render import to_html, to_text
from ingest.extract.rules import find_within
from ingest.language import detect
from ingest.model import NOTHING_BESIDE, Beside, Extracted, Facts, Quality
from ingest.outcome import Outcome


def extract(
    body: bytes, *, url: str, headers: Mapping[str, str], now: datetime, beside: Beside = NOTHING_BESIDE, is_learned: bool = True
) -> Extracted:
    """The article on the page in `body`, fetched from `url`, with the quality of its text. Raises ExtractError, and nothing else.

    Outcome NOT_HTML where the page is something else, EXTRACT_ERROR where it holds no text. `is_learned` switches the classifier;
    without it readability alone chooses. Runs in a worker process: a page can be made to cost minutes, and only ending the
    process helps.
    """
    page = read_page(body, url=url, content_type=headers.get("content-type"), now=now)
    choice = _ruled(page, choose_body(page, is_learned=is_learned), beside)
    text = to_text(page.segmented, choice.blocks)
    if not text:
        raise ExtractError(Outcome.EXTRACT_ERROR, "no text in the page")
    facts = page.facts
    quality, evidence = _judge(page, choice, beside)
    return Extracted(
        title=facts.title,
        text=text,
        html=clean_html(to_html(page.segmented, choice.blocks), url, is_flat=True),
        authors=facts.authors,
        published_at=facts.published_at,
        canonical_url=facts.canonical_url,
        language=detect(text) or facts.language,
        extractor=choice.by.value,
        extractor_version=choice.version,
        quality=quality,
        evidence=evidence,
        facts=Facts(
            modified_at=facts.modified_at,
            site_name=facts.site_name,
            image_url=facts.image_url,
            tags=facts.tags,
            direction=facts.direction,
            sources=facts.sources,
        ),
    )


def _ruled(page: Page, choice: Choice, beside: Beside) -> Choice:
    """The choice as the feed's rules have it: `include` is taken whole where it finds anything, `exclude` goes in any case."""
    blocks = choice.blocks
    if beside.include and (wanted := find_within(page.tree, page.segmented, beside.include)):
        blocks = tuple(sorted(wanted))
    if beside.exclude:
        unwanted = find_within(page.tree, page.segmented, beside.exclude)
        blocks = tuple(number for number in blocks if number not in unwanted)
    return choice if blocks == choice.blocks else replace(choice, blocks=blocks)


def _judge(page: Page, choice: Choice, beside: Beside) -> tuple[Quality, dict[str, Any]]:
    """The quality of the body, and the evidence with the reason (`why`); of the evidence what is not as on any page."""
    found = find_evidence(
        page.tree,
        page.segmented,
        choice.blocks,
        status=beside.status,
        feed_words=beside.feed_words,
        is_free=page.facts.is_free,
        title=page.tree.findtext(".//title"),
        entry_title=beside.entry_title,
    )
    quality, why = judge(found)
    told = {one.name: value for one in fields(found) if (value := getattr(found, one.name)) != one.default}
    return quality, {"why": why} | told


def choose_body(page: Page, *, is_learned: bool = True) -> Choice:
    """Which blocks of `page` are its article. May change the tree of `page`."""
    return choose(page.tree, page.segmented, page.told, load_classifier() if is_learned else None)
