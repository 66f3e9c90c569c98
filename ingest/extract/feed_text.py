"""What the feed itself carries of an article. Needs nothing of what reads pages: commands that only list start at once."""

from ingest.extract.clean import clean_html
from ingest.language import detect, normal_code
from ingest.model import Entry, Extracted
from ingest.text import html_to_text


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
