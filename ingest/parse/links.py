"""Where a feed or an entry points to: its page, its relations, attached media, pictures, transcripts."""

import re
from collections.abc import Iterable
from typing import Any

from ingest.model import Enclosure
from ingest.parse.markup import said, words
from ingest.text import strip_controls
from ingest.urls import resolve

_MAX_LINKS = 200
_MAX_MEDIA = 50
_TYPE_CHARS = 100
_PAGE_TYPES = ("text/html", "application/xhtml+xml")
_RELATIVE = re.compile(r"(?![a-z][a-z0-9+.-]*:)\S[^\s\x00-\x1f]*", re.IGNORECASE)
_KINDS = (
    ("image", re.compile(r"\.(?:avif|gif|jpe?g|png|svg|webp)$", re.IGNORECASE)),
    ("audio", re.compile(r"\.(?:aac|flac|m4a|mp3|oga|ogg|opus|wav)$", re.IGNORECASE)),
    ("video", re.compile(r"\.(?:m4v|mov|mp4|mpe?g|ogv|webm)$", re.IGNORECASE)),
)


def find_link(base: str, value: Any) -> str | None:
    """The absolute http(s) address that `value` means at `base`. Where no base is known, a relative one stays as it is.

    Without control characters and marks that turn the direction of writing: an address must be what it is shown as.
    """
    text = strip_controls(said(value)).strip()
    if not text:
        return None
    return resolve(base, text) or (text if not base and _RELATIVE.fullmatch(text) else None)


def alternate(raw: dict[str, Any], base: str) -> str | None:
    """The address of what `raw` describes: of its alternate links the first, pages before links of which nobody knows what
    they lead to, and these before other types.
    """
    links = sorted((link for link in _links(raw) if link.get("rel", "alternate") == "alternate"), key=_rank)
    found = (find_link(base, link.get("href")) for link in links)
    return next((url for url in found if url), None) or find_link(base, raw.get("link")) or _page_of_content(raw, base)


def _rank(link: dict[str, Any]) -> int:
    is_page = said(link.get("type", "text/html")).partition(";")[0].strip() in _PAGE_TYPES
    return (0 if link.get("ingest_explicit") else 1) if is_page else 2


def _page_of_content(raw: dict[str, Any], base: str) -> str | None:
    """Where the content of an entry is said to be, outside the feed. Source: RFC 4287 §4.1.3.2."""
    parts = (part for part in raw.get("content", []) if isinstance(part, dict) and part.get("type") in _PAGE_TYPES)
    return next((url for part in parts if (url := find_link(base, part.get("src")))), None)


def linked(raw: dict[str, Any], relation: str, base: str) -> str | None:
    """The address of the first link with this relation."""
    found = (find_link(base, link.get("href")) for link in _links(raw) if link.get("rel") == relation)
    return next((url for url in found if url), None)


def _links(raw: dict[str, Any]) -> list[dict[str, Any]]:
    return [link for link in raw.get("links", [])[:_MAX_LINKS] if isinstance(link, dict)]


def find_enclosures(raw: dict[str, Any], base: str) -> tuple[Enclosure, ...]:
    """Attached media: enclosures, and sounds and films that only media:content names.

    Where an enclosure is a film, films in media:content are that one in other sizes.
    """
    attached = [link for link in _links(raw) if link.get("rel") == "enclosure"]
    kinds = {_kind(item) for item in attached}
    media = [item for item in _listed(raw, "media_content") if (kind := _kind(item)) in ("audio", "video") and kind not in kinds]
    duration_s = _duration_s(raw.get("itunes_duration"))
    found: dict[str, Enclosure] = {}
    for item in (attached + media)[:_MAX_MEDIA]:
        url = find_link(base, _address(item))
        if url and url not in found:
            own_s = _duration_s(item.get("duration"))
            found[url] = _enclosure(url, item, own_s or (duration_s if not found else None))
    return tuple(found.values())


def find_transcripts(raw: dict[str, Any], base: str) -> tuple[Enclosure, ...]:
    """What is said in the enclosures, as text. Source: the podcast namespace, "transcript"."""
    items = _listed(raw, "podcast_transcript")[:_MAX_MEDIA]
    found = {url: _enclosure(url, item, None) for item in items if (url := find_link(base, _address(item)))}
    return tuple(found.values())


def _enclosure(url: str, item: dict[str, Any], duration_s: int | None) -> Enclosure:
    return Enclosure(url, words(item.get("type"), _TYPE_CHARS), _count(item.get("length") or item.get("filesize")), duration_s)


def find_images(raw: dict[str, Any], base: str) -> tuple[str, ...]:
    """Pictures that stand beside the text: media, thumbnails, enclosures, the entry's own image."""
    pictures = [item for item in _listed(raw, "media_content") if _kind(item) == "image"]
    attached = [link for link in _links(raw) if link.get("rel") == "enclosure" and _kind(link) == "image"]
    image = raw.get("image")
    own = [image] if isinstance(image, dict) else []
    items = (*pictures, *_listed(raw, "media_thumbnail"), *attached, *own, *_listed(raw, "itunes_image"))
    return _unique(find_link(base, _address(item)) for item in items[:_MAX_MEDIA])


def _unique(urls: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(url for url in urls if url))


def _address(item: dict[str, Any]) -> Any:
    return item.get("href") or item.get("url")


def _kind(item: dict[str, Any]) -> str:
    """image, audio or video: as said, or where nothing is said as the end of the address tells; empty for anything else."""
    stated = said(item.get("medium")).lower() or said(item.get("type")).partition("/")[0].strip().lower()
    if stated:
        return stated
    path = re.split(r"[?#]", said(_address(item)), maxsplit=1)[0]
    return next((kind for kind, ending in _KINDS if ending.search(path)), "")


def _listed(raw: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [item for item in raw.get(f"ingest_{name}") or [] if isinstance(item, dict)]


def _count(value: Any) -> int | None:
    """A plain count, as of bytes."""
    text = said(value).strip()
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None


def _duration_s(value: Any) -> int | None:
    """Seconds of `1:02:03`, `62:03`, `3723` or `3723.5`."""
    text = said(value).strip().partition(".")[0]
    if not re.fullmatch(r"[0-9]{1,6}(:[0-9]{1,2}){0,2}", text):
        return None
    total = 0
    for part in text.split(":"):
        total = total * 60 + int(part)
    return total
