"""Pages → articles: the body, sanitised, and what the page says about it.

`extract` reads a fetched page, `from_feed` what the feed itself carries. Both answer with the same value, so that whoever
chooses between them compares like with like.
"""

from collections.abc import Mapping
from datetime import datetime

from ingest.errors import ExtractError
from ingest.extract.clean import clean_html
from ingest.extract.flatten import flatten
from ingest.extract.kind import refuse_other_than_html
from ingest.extract.metadata import find_metadata
from ingest.language import detect, normal_code
from ingest.model import Entry, Extracted
from ingest.outcome import Outcome
from ingest.text import decode, find_charset, html_to_text, strip_controls

__all__ = ["clean_html", "extract", "from_feed"]

_MIN_WORTH = 25  # characters; a body shorter than that is taken for a miss


def extract(body: bytes, *, url: str, headers: Mapping[str, str], now: datetime) -> Extracted:
    """The article on the page in `body`, fetched from `url`. Raises ExtractError, and nothing else.

    Outcome NOT_HTML where the page is something else, EXTRACT_ERROR where it holds no text. Runs in a worker process: a page
    can be made to cost minutes, and only ending the process helps.
    """
    from ingest.extract.by_readability import NAME, VERSION

    refuse_other_than_html(body, headers.get("content-type"))
    page = strip_controls(decode(body, find_charset(body, headers.get("content-type"))))
    facts = find_metadata(page, url=url, now=now)
    cleaned, text, extractor = _find_article(flatten(page), url)
    if not text:
        raise ExtractError(Outcome.EXTRACT_ERROR, "no text in the page")
    return Extracted(
        title=facts.title,
        text=text,
        html=cleaned,
        authors=facts.authors,
        published_at=facts.published_at,
        canonical_url=facts.canonical_url,
        language=detect(text) or facts.language,
        extractor=extractor or NAME,
        extractor_version=VERSION,
    )


def _find_article(page: str, url: str) -> tuple[str, str, str]:
    """The article's markup and text; where readability finds none or fails, all the text the page has, marked as such."""
    from ingest.extract.by_readability import find_body

    try:
        cleaned = clean_html(find_body(page), url)
    except ExtractError:
        cleaned = ""
    text = html_to_text(cleaned)
    if len(text) >= _MIN_WORTH:
        return cleaned, text, ""
    whole = clean_html(page, url)
    whole_text = html_to_text(whole)
    return (whole, whole_text, "whole-page") if len(whole_text) > len(text) else (cleaned, text, "")


def from_feed(entry: Entry, base_url: str) -> Extracted:
    """What the feed itself carries of an article: its content, else its summary; the text is empty where it has neither."""
    cleaned = clean_html(entry.content or entry.summary or "", base_url)
    text = html_to_text(cleaned)
    return Extracted(
        title=entry.title,
        text=text,
        html=cleaned,
        authors=entry.authors,
        published_at=entry.published_at or entry.updated_at,
        language=detect(text) or normal_code(entry.language),
        extractor="feed",
        extractor_version="1",
    )
