"""Is this a web page at all? Told by its first bytes, and by what the server says where the bytes say nothing."""

import re

from ingest.errors import ExtractError
from ingest.outcome import Outcome

_MAGIC = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a media file"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"ID3", "an MP3 file"),
    (b"OggS", "an Ogg file"),
)
_OTHER_TYPES = re.compile(r"\s*(image|audio|video|font)/|\s*application/(pdf|zip|octet-stream|msword|vnd\.)", re.IGNORECASE)
_TAG = re.compile(
    rb"<\s*(?:!doctype|html|head|body|div|p|article|section|table|span|h[1-6]|title|meta|br|a)[\s>/]", re.IGNORECASE
)


def refuse_other_than_html(body: bytes, content_type: str | None) -> None:
    """Raises ExtractError with outcome NOT_HTML and a reason a person understands."""
    reason = _find_reason(body, content_type)
    if reason:
        raise ExtractError(Outcome.NOT_HTML, reason)


def _find_reason(body: bytes, content_type: str | None) -> str | None:
    start = body[:4_096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not body.strip(b" \t\r\n\0"):
        return "an empty page"
    magic = next((what for mark, what in _MAGIC if body.startswith(mark)), None)
    if magic:
        return magic
    has_tags = _TAG.search(body.replace(b"\0", b"") if b"\0" in start else body) is not None
    other = _OTHER_TYPES.match(content_type or "")
    if other and not has_tags:
        return f"not a page but {(content_type or '').split(';')[0].strip()}"
    if not has_tags and start.startswith((b"{", b"[")):
        return "a JSON document"
    if not has_tags and re.match(rb"<\?xml|<(?:rss|feed)[\s>]", start):
        return "an XML document without a page in it"
    return None if has_tags or _is_text(start) else "binary data"


def _is_text(start: bytes) -> bool:
    """Whether bytes without a tag can be plain text: hardly any control characters among them."""
    controls = sum(byte < 9 or 13 < byte < 32 for byte in start)  # noqa: PLR2004
    return controls * 50 < len(start)
