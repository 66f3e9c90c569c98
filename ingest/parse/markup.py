"""Texts of feeds → plain lines and HTML: whatever kind of text they were announced as."""

import html
import re
from typing import Any

from ingest.text import html_to_text, one_line, strip_controls, unescape
from ingest.urls import resolve

TITLE_CHARS = 1_000
NAME_CHARS = 200
_SAMPLE_CHARS = 600  # of a text that is compared with another one before all of it is
_FIRST_WORDS = 40  # characters of the sample's text
_TEXT_TYPES = ("text/html", "application/xhtml+xml", "text/plain")


def said(value: Any) -> str:
    """`value` if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def words(value: Any, max_chars: int) -> str | None:
    """`value` on one line, or None where it is no text or an empty one."""
    return one_line(said(value), max_chars) or None


def plain_text(raw: dict[str, Any], *keys: str) -> str | None:
    """The first of these texts that there is, as one plain line whatever markup it is in."""
    return next((text for key in keys if raw.get(key) and (text := _plain_line(raw, key))), None)


def _plain_line(raw: dict[str, Any], key: str) -> str | None:
    text, detail = said(raw[key]), raw.get(f"{key}_detail")
    is_plain = isinstance(detail, dict) and detail.get("type") == "text/plain"
    return words(text if is_plain or ("<" not in text and "&" not in text) else html_to_text(text), TITLE_CHARS)


def find_bodies(raw: dict[str, Any], base: str) -> tuple[str | None, str | None]:
    """Summary and content as HTML with absolute links. A content that only repeats the summary makes that superfluous.

    What extensions say of an entry speaks only where its own words are missing.
    """
    summary = _markup(raw.get("summary"), raw.get("summary_detail"), base)
    parts = [part for part in raw.get("content", []) if isinstance(part, dict) and _is_text(part)]
    bodies = [body for part in parts if (body := _markup(part.get("value"), part, base))]
    content = max(bodies, key=len, default=None)
    if content and summary and _says_the_same(summary, content):
        summary = None
    if not summary and not content:
        summary = next((body for key in _LAST_RESORTS if (body := _markup(raw.get(key), raw.get(f"{key}_detail"), base))), None)
    return summary, content


_LAST_RESORTS = (
    *("dc_description", "dcterms_abstract", "dcterms_description"),
    *("itunes_summary", "media_description", "itunes_subtitle"),
)


def _says_the_same(summary: str, content: str) -> bool:
    """Whether both have the same text. That of a long body is worked out only where nothing cheaper tells them apart."""
    if summary == content:
        return True
    # Most pairs part company in their first words.
    ours, theirs = _beginning(summary, _SAMPLE_CHARS), _beginning(content, _SAMPLE_CHARS)
    if not (ours.startswith(theirs[:_FIRST_WORDS]) or theirs.startswith(ours[:_FIRST_WORDS])):
        return False
    # No text is longer than its markup: a summary that is the first paragraph ends long before the content.
    if len(_beginning(content, 2 * len(summary) + _SAMPLE_CHARS)) > len(summary):
        return False
    return html_to_text(summary) == html_to_text(content)


def _beginning(markup: str, chars: int) -> str:
    """The text of the first `chars` characters, of which the last tag and what follows it are left out if there are more."""
    sample = markup[:chars]
    return html_to_text(sample if len(markup) <= chars else sample[: sample.rfind("<")] if "<" in sample else sample)


def _is_text(part: dict[str, Any]) -> bool:
    kind = str(part.get("type") or "text/plain").partition(";")[0].strip()
    return kind in _TEXT_TYPES or "/" not in kind


def _markup(value: Any, detail: Any, base: str) -> str | None:
    """Text as HTML: links in markup are resolved against xml:base, plain text is escaped."""
    text = strip_controls(said(value)).strip()
    if not text:
        return None
    known = detail if isinstance(detail, dict) else {}
    if known.get("type") == "text/plain":
        return as_html(text)
    return _absolute(text, said(known.get("base")) or base) if "<" in text else _paragraphs(text)


def as_html(text: str) -> str:
    """Plain text as HTML, its blank lines as paragraphs."""
    return _paragraphs(html.escape(text, quote=False))


def _paragraphs(text: str) -> str:
    parts = [part.strip() for part in re.split(r"\n\s*\n", text)]
    return text if len(parts) == 1 else "".join(f"<p>{part}</p>" for part in parts if part)


_TAG = re.compile(r"<[a-zA-Z][^<>]*+>")
_ADDRESS = re.compile(r"""(\s(?:href|src|poster|cite)\s*=\s*)(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_COMPLETE = re.compile(r"\s*(?:#|[a-z][a-z0-9+.-]*:|$)", re.IGNORECASE)


def _absolute(markup: str, base: str) -> str:
    """The markup with relative addresses in its tags made absolute. Source: RFC 4287 §2, for RSS by custom."""

    def resolve_one(found: re.Match[str]) -> str:
        address = strip_controls(unescape(found[2] or found[3] or ""))
        url = None if _COMPLETE.match(address) else resolve(base, address)
        return f'{found[1]}"{html.escape(url)}"' if url else found[0]

    return _TAG.sub(lambda tag: _ADDRESS.sub(resolve_one, tag[0]) if "=" in tag[0] else tag[0], markup)
