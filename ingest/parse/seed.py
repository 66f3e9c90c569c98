"""Seed documents: plain text files with an article each.

    date 2024-05-01 The first words of the first paragraph, on the same line as the date.
    <blank line>
    Further paragraphs.
    <blank line>
    AB/Agency

The date is optional, and so is the credit, a short last line of country code and agency.
"""

import re
from datetime import UTC, datetime

from ingest.errors import ParseError
from ingest.language import detect
from ingest.model import SeedDocument
from ingest.outcome import Outcome
from ingest.text import decode, one_line, strip_controls

_TITLE_CHARS = 120
_CREDIT_CHARS = 60
_DATE = re.compile(r"\s*date\s+(\d{4}-\d{1,2}-\d{1,2})(?!\d)[ \t]*", re.IGNORECASE)
_CREDIT = re.compile(r"[A-Z]{2,3}/[^\s/.!?;][^/.!?;]*")
# A sentence ends at a mark followed by a space and what can begin one. Single letters and short titles before the dot are
# names ("J. Smith", "Dr. Who"), and numbers ("the 3. May") go on.
_SENTENCE_END = re.compile(
    r"(?<![\s.(][^\W\d_])(?<!\b(?:Dr|Mr|Ms|St))(?<!\bMrs)(?<!\d)[.!?…]['\"”’»)]*(?=\s+['\"“‘«(]?[^\W\d_a-z])|[。！？]"
)


def read_seed(name: str, body: bytes) -> SeedDocument:
    """The document in a file called `name`. Raises ParseError, naming the one reason, for what is no seed document."""
    if b"\0" in body and not body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ParseError(Outcome.PARSE_ERROR, "not a text file")
    text = strip_controls(decode(body, None)).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise ParseError(Outcome.PARSE_ERROR, "an empty file")
    published_at, text = _take_date(text)
    paragraphs, credit = _take_credit(_paragraphs(text))
    if not paragraphs:
        raise ParseError(Outcome.PARSE_ERROR, "no text")
    body_text = "\n\n".join(paragraphs)
    return SeedDocument(
        name=name,
        text=body_text,
        title=_title(paragraphs[0]) or paragraphs[0][:_TITLE_CHARS],  # nothing but a full stop is a title, too
        published_at=published_at,
        credit=credit,
        language=detect(body_text),
    )


def _take_date(text: str) -> tuple[datetime | None, str]:
    found = _DATE.match(text)
    if not found:
        return None, text
    try:
        day = datetime.strptime(found[1], "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise ParseError(Outcome.PARSE_ERROR, f"{found[1]} is no date") from error
    return day, text[found.end() :]


def _paragraphs(text: str) -> list[str]:
    """Blank lines separate paragraphs; line ends within one are only white space."""
    parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return [part for part in parts if part]


def _take_credit(paragraphs: list[str]) -> tuple[list[str], str | None]:
    last = paragraphs[-1] if paragraphs else ""
    if len(paragraphs) > 1 and len(last) <= _CREDIT_CHARS and _CREDIT.fullmatch(last):
        return paragraphs[:-1], last
    return paragraphs, None


def _title(paragraph: str) -> str:
    end = _SENTENCE_END.search(paragraph)
    sentence = paragraph[: end.end()] if end else paragraph
    title = one_line(sentence, _TITLE_CHARS)
    return title.rstrip(".。") if title.endswith((".", "。")) and not title.endswith("..") else title
