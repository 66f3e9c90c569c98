"""What feedparser collected becomes our values: one function a field, each saying where the field may come from.

The input are plain dictionaries with feedparser's keys; nothing else of feedparser reaches this room.
"""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest.dates import is_believable, parse_date
from ingest.language import normal_code
from ingest.model import Enclosure, Entry, FeedHead, ParsedFeed
from ingest.text import html_to_text, one_line, strip_controls
from ingest.urls import is_http_url, resolve

_TITLE_CHARS = 1_000
_NAME_CHARS = 200
_RAW_CHARS = 100
_MAX_AUTHORS = 50
_MAX_CATEGORIES = 100
_MAX_ENCLOSURES = 50
_MAX_LINKS = 200
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PERIODS_S = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}
_MAX_TTL_S = 30 * 86_400
_TEXT_TYPES = ("text/html", "application/xhtml+xml", "text/plain")


@dataclass(frozen=True, slots=True)
class Raw:
    """A document as feedparser's handlers left it."""

    format: str
    head: dict[str, Any]
    entries: tuple[dict[str, Any], ...]
    repaired: str | None
    is_cut: bool


def shape_feed(raw: Raw, *, url: str, now: datetime) -> ParsedFeed:
    """The feed that `raw` means."""
    head = _head(raw, url)
    authors = _authors(raw.head) if raw.format.startswith("atom") else ()
    base = url if is_http_url(url) else head.site_url or ""
    entries = tuple(_entry(entry, base=base, head=head, feed_authors=authors, now=now) for entry in raw.entries)
    return ParsedFeed(head, entries, raw.repaired, raw.is_cut, _warnings(entries, raw.entries))


# ── the feed itself ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _head(raw: Raw, url: str) -> FeedHead:
    head = raw.head
    image = next((item for item in (head.get("image"),) if isinstance(item, dict)), {})
    return FeedHead(
        format=raw.format,
        title=_plain_text(head, "title"),
        description=_plain_text(head, "subtitle") or _plain_text(head, "info"),
        site_url=_alternate(head, url),
        self_url=_linked(head, "self", url),
        hub_url=_linked(head, "hub", url),
        next_url=_linked(head, "next", url),
        prev_archive_url=_linked(head, "prev-archive", url),
        language=_words(head.get("language"), 35),
        image_url=_link(url, image.get("href") or image.get("url") or head.get("logo") or head.get("icon")),
        generator=_generator(head),
        updated_at=parse_date(_said(head.get("updated")) or _said(head.get("published")) or _said(head.get("dc_date"))),
        ttl_s=_seconds(head.get("ttl"), 60),
        update_period_s=_update_period_s(head),
        skip_hours=_skip_hours(head.get("ingest_skip_hours", [])),
        skip_days=_skip_days(head.get("ingest_skip_days", [])),
    )


def _generator(head: dict[str, Any]) -> str | None:
    detail = head.get("generator_detail")
    parts = [head.get("generator"), *(detail.get(key) for key in ("version", "href") if isinstance(detail, dict))]
    return _words(" ".join(dict.fromkeys(part for part in parts if isinstance(part, str) and part)), _NAME_CHARS)


def _seconds(value: Any, unit_s: int) -> int | None:
    """A count of `unit_s` as seconds; None for what is no positive number."""
    found = re.fullmatch(r"\s*(\d{1,9})(?:\.\d+)?\s*", _said(value))
    return min(int(found[1]) * unit_s, _MAX_TTL_S) or None if found else None


def _update_period_s(head: dict[str, Any]) -> int | None:
    period = _PERIODS_S.get(_said(head.get("sy_updateperiod")).strip().lower())
    frequency = _seconds(head.get("sy_updatefrequency"), 1) or 1
    return max(60, period // frequency) if period else None


def _skip_hours(said: list[Any]) -> tuple[int, ...]:
    # 24 is what the specification of RSS 0.91 calls midnight.
    hours = {int(hour) % 24 for hour in said if isinstance(hour, str) and re.fullmatch(r"\d{1,2}", hour) and int(hour) <= 24}  # noqa: PLR2004
    return tuple(sorted(hours))


def _skip_days(said: list[Any]) -> tuple[str, ...]:
    named = {day.strip().capitalize() for day in said if isinstance(day, str)}
    return tuple(day for day in _DAYS if day in named)


# ── an entry ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _entry(raw: dict[str, Any], *, base: str, head: FeedHead, feed_authors: tuple[str, ...], now: datetime) -> Entry:
    guid = strip_controls(_said(raw.get("id"))).strip() or None
    is_permalink = bool(raw.get("ingest_permalink")) and is_http_url(guid or "")
    may_link = is_permalink or head.format.startswith("atom")
    summary, content = _bodies(raw, base)
    published_raw = _first_said(raw, "published", "created", "dc_date")
    updated_raw = _first_said(raw, "updated")
    return Entry(
        guid=guid,
        is_permalink=is_permalink,
        url=_alternate(raw, base) or (guid if may_link and is_http_url(guid or "") else None),
        title=_plain_text(raw, "title") or _words(html_to_text(_said(raw.get("media_title"))), _TITLE_CHARS),
        summary=summary,
        content=content,
        authors=_authors(raw) or feed_authors,
        published_at=_date(published_raw, now),
        published_raw=published_raw,
        updated_at=_date(updated_raw, now),
        updated_raw=updated_raw,
        categories=_categories(raw),
        enclosures=_enclosures(raw, base),
        image_urls=_images(raw, base),
        language=_language(raw, head),
        rights=_plain_text(raw, "rights"),
        comments_url=_link(base, raw.get("comments")),
    )


def _first_said(raw: dict[str, Any], *keys: str) -> str | None:
    said = next((text for key in keys if (text := _said(raw.get(key)).strip())), None)
    return one_line(said, _RAW_CHARS) if said else None


def _date(raw: str | None, now: datetime) -> datetime | None:
    when = parse_date(raw) if raw else None
    return when if when and is_believable(when, now) else None


def _bodies(raw: dict[str, Any], base: str) -> tuple[str | None, str | None]:
    """Summary and content as HTML with absolute links. A content that only repeats the summary makes that superfluous."""
    summary = _markup(raw.get("summary"), raw.get("summary_detail"), base)
    parts = [part for part in raw.get("content", []) if isinstance(part, dict) and _is_text(part)]
    bodies = [body for part in parts if (body := _markup(part.get("value"), part, base))]
    content = max(bodies, key=len, default=None)
    if content and summary and html_to_text(content) == html_to_text(summary):
        summary = None
    if not summary and not content:
        summary = _markup(raw.get("media_description"), None, base)
    return summary, content


def _is_text(part: dict[str, Any]) -> bool:
    return str(part.get("type") or "text/plain").split(";")[0] in _TEXT_TYPES


def _markup(value: Any, detail: Any, base: str) -> str | None:
    """Text as HTML: links in markup are resolved against xml:base, plain text is escaped."""
    said = strip_controls(_said(value)).strip()
    if not said:
        return None
    known = detail if isinstance(detail, dict) else {}
    if known.get("type") == "text/plain":
        return as_html(said)
    return _absolute(said, _said(known.get("base")) or base) if "<" in said else _paragraphs(said)


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
        said = html.unescape(found[2] or found[3] or "")
        url = None if _COMPLETE.match(said) else resolve(base, said)
        return f'{found[1]}"{html.escape(url)}"' if url else found[0]

    return _TAG.sub(lambda tag: _ADDRESS.sub(resolve_one, tag[0]) if "=" in tag[0] else tag[0], markup)


def _authors(raw: dict[str, Any]) -> tuple[str, ...]:
    people = [person for person in raw.get("authors", [])[:_MAX_AUTHORS] if isinstance(person, dict)]
    names = (_person(_said(person.get("name") or person.get("email"))) for person in people)
    return tuple(dict.fromkeys(name for name in names if name))


_MAIL = re.compile(r"(?:mailto:)?[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", re.IGNORECASE)


def _person(said: str) -> str | None:
    """The name in `jo@example.org (Jo Doe)` and its like; the address itself where there is no name."""
    name = re.sub(r"^[\s()<>\[\],;:-]+|[\s()<>\[\],;:-]+$", "", _MAIL.sub(" ", said))
    return _words(name, _NAME_CHARS) or _words(said, _NAME_CHARS)


def _categories(raw: dict[str, Any]) -> tuple[str, ...]:
    terms = (tag.get("term") or tag.get("label") for tag in raw.get("tags", []) if isinstance(tag, dict))
    names = dict.fromkeys(name for term in terms if (name := _words(term, _NAME_CHARS)))
    return tuple(names)[:_MAX_CATEGORIES]


def _language(raw: dict[str, Any], head: FeedHead) -> str | None:
    """The entry's own language, where it names one other than its feed's."""
    parts = [
        *(part for part in raw.get("content", []) if isinstance(part, dict)),
        raw.get("summary_detail"),
        raw.get("title_detail"),
    ]
    said = [raw.get("language"), *(part.get("language") for part in parts if isinstance(part, dict))]
    own = next((code for tag in said if isinstance(tag, str) and (code := normal_code(tag))), None)
    return own if own != normal_code(head.language) else None


# ── links ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _alternate(raw: dict[str, Any], base: str) -> str | None:
    """The address of what `raw` describes: its first alternate link, HTML before other types."""
    links = [link for link in _links(raw) if link.get("rel", "alternate") == "alternate"]
    links.sort(key=lambda link: link.get("type", "text/html") not in ("text/html", "application/xhtml+xml"))
    found = (_link(base, link.get("href")) for link in links)
    return next((url for url in found if url), None) or _link(base, raw.get("link"))


def _linked(raw: dict[str, Any], relation: str, base: str) -> str | None:
    found = (_link(base, link.get("href")) for link in _links(raw) if link.get("rel") == relation)
    return next((url for url in found if url), None)


def _links(raw: dict[str, Any]) -> list[dict[str, Any]]:
    return [link for link in raw.get("links", [])[:_MAX_LINKS] if isinstance(link, dict)]


def _link(base: str, value: Any) -> str | None:
    said = _said(value).strip()
    return resolve(base, said) if said else None


def _enclosures(raw: dict[str, Any], base: str) -> tuple[Enclosure, ...]:
    """Attached media: enclosures first, then sounds and films that only media:content names."""
    attached = [link for link in _links(raw) if link.get("rel") == "enclosure"]
    media = [item for item in _media(raw, "media_content") if _is_playable(item)]
    duration_s = _duration_s(raw.get("itunes_duration"))
    found: dict[str, Enclosure] = {}
    for item in (attached + media)[:_MAX_ENCLOSURES]:
        url = _link(base, item.get("href") or item.get("url"))
        if url and url not in found:
            length = _seconds_free(item.get("length") or item.get("filesize"))
            own_s = _duration_s(item.get("duration"))
            found[url] = Enclosure(url, _words(item.get("type"), 100), length, own_s or (duration_s if not found else None))
    return tuple(found.values())


def _is_playable(item: dict[str, Any]) -> bool:
    return item.get("medium") in ("audio", "video") or str(item.get("type", "")).startswith(("audio/", "video/"))


def _images(raw: dict[str, Any], base: str) -> tuple[str, ...]:
    pictures = [item for item in _media(raw, "media_content") if not _is_playable(item) and _is_picture(item)]
    attached = [link for link in _links(raw) if link.get("rel") == "enclosure" and str(link.get("type", "")).startswith("image/")]
    image = raw.get("image")
    said = [item.get("url") or item.get("href") for item in (*pictures, *_media(raw, "media_thumbnail"), *attached)]
    said += [image.get("href")] if isinstance(image, dict) else []
    urls = (_link(base, value) for value in said[:_MAX_ENCLOSURES])
    return tuple(dict.fromkeys(url for url in urls if url))


def _is_picture(item: dict[str, Any]) -> bool:
    return item.get("medium") == "image" or str(item.get("type", "")).startswith("image/")


def _media(raw: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [item for item in raw.get(key) or [] if isinstance(item, dict)]


def _seconds_free(value: Any) -> int | None:
    """A plain count, as of bytes."""
    said = _said(value).strip()
    return int(said) if re.fullmatch(r"[0-9]{1,15}", said) else None


def _duration_s(value: Any) -> int | None:
    """Seconds of `1:02:03`, `62:03` or `3723`."""
    said = _said(value).strip()
    if not re.fullmatch(r"[0-9]{1,6}(:[0-9]{1,2}){0,2}", said):
        return None
    total = 0
    for part in said.split(":"):
        total = total * 60 + int(part)
    return total


# ── text ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _said(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _words(value: Any, max_chars: int) -> str | None:
    return one_line(_said(value), max_chars) or None


def _plain_text(raw: dict[str, Any], key: str) -> str | None:
    """A text as one plain line, whatever markup it is in."""
    detail = raw.get(f"{key}_detail")
    is_plain = isinstance(detail, dict) and detail.get("type") == "text/plain"
    said = _said(raw.get(key))
    return _words(said if is_plain else html_to_text(said), _TITLE_CHARS)


def _warnings(entries: Iterable[Entry], raws: tuple[dict[str, Any], ...]) -> tuple[str, ...]:
    """What was odd about the entries, counted."""
    pairs = tuple(zip(entries, raws, strict=True))
    undated = sum(bool((e.published_raw or e.updated_raw) and not (e.published_at or e.updated_at)) for e, _ in pairs)
    unlinked = sum(bool(raw.get("link")) and entry.url is None for entry, raw in pairs)
    said = (
        (undated, "entries with a date that cannot be read or believed"),
        (unlinked, "entries with a link that is not http(s)"),
    )
    return tuple(f"{count} {what}" for count, what in said if count)
