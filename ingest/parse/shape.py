"""What feedparser collected becomes our values: one function a field, each saying where the field may come from.

The input are plain dictionaries with the keys of feedparser and of `handlers`. An entry depends on itself and, besides, on
nothing but the format, the language and the authors of its feed, the base address, and the start tags around it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.dates import choose_date
from ingest.language import normal_code
from ingest.model import Entry, FeedHead, ParsedFeed
from ingest.parse.links import alternate, find_enclosures, find_images, find_link, find_transcripts, linked
from ingest.parse.markup import NAME_CHARS, find_bodies, plain_text, said, words
from ingest.text import one_line, strip_controls
from ingest.urls import is_http_url

_RAW_CHARS = 100  # no date is longer
_MAX_AUTHORS = 50
_MAX_CATEGORIES = 100
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PERIODS_S = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}
_MAX_TTL_S = 30 * 86_400

# By which elements an entry says when it was published, the plainest first; and when it was changed.
_PUBLISHED = (
    *("pubDate", "atom:published", "atom:issued", "dcterms:issued", "dcterms:available", "atom:created", "dcterms:created"),
    *("dc:date", "dcterms:date", "prism:publicationDate"),
)
_UPDATED = ("atom:updated", "atom:modified", "dcterms:modified", "lastBuildDate", "lastmod")
_UNDECIDED = ("dc:date", "dcterms:date")  # "a date associated with an event in the lifecycle": either


@dataclass(frozen=True, slots=True)
class Reading:
    """What feedparser collected of a document, as plain dictionaries with its keys and those of `handlers`."""

    format: str
    head: dict[str, Any] = field(repr=False)
    entries: tuple[dict[str, Any], ...] = field(repr=False)
    complete: int = 0  # entries whose end was seen
    is_cut: bool = False  # there are more entries than were asked for


def shape_feed(reading: Reading, *, repaired: str | None, url: str, now: datetime) -> ParsedFeed:
    """The feed that `reading` means. `url` is the base of its relative links; no http(s) address: none is known."""
    base = url if is_http_url(url) else ""
    head = _head(reading, base, now)
    entries = tuple(_entry(entry, base=base, head=head, now=now) for entry in reading.entries)
    return ParsedFeed(head, entries, repaired, reading.is_cut, warnings=_warnings(entries, reading.entries))


# ── the feed itself ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _head(reading: Reading, base: str, now: datetime) -> FeedHead:
    head = reading.head
    return FeedHead(
        format=reading.format,
        id=_guid(head),
        title=plain_text(head, "title", "dc_title", "dcterms_title"),
        description=plain_text(head, "subtitle", "dc_description", "itunes_summary", "itunes_subtitle", "info"),
        authors=_authors(head),
        rights=_rights(head, base),
        site_url=alternate(head, base),
        self_url=linked(head, "self", base),
        hub_url=linked(head, "hub", base),
        next_url=linked(head, "next", base),
        prev_archive_url=linked(head, "prev-archive", base),
        is_archive="fh_archive" in head,
        is_complete="fh_complete" in head,
        language=words(head.get("language") or head.get("dc_language") or head.get("dcterms_language"), 35),
        image_url=next(iter(find_images(head, base)), None) or find_link(base, head.get("logo") or head.get("icon")),
        generator=_generator(head),
        updated_at=choose_date(_dates(head, (*_UPDATED, *_PUBLISHED)), now).at,
        ttl_s=_seconds(head.get("ttl"), 60),
        update_period_s=_update_period_s(head),
        skip_hours=_skip_hours(head.get("ingest_skip_hours", [])),
        skip_days=_skip_days(head.get("ingest_skip_days", [])),
    )


def _generator(head: dict[str, Any]) -> str | None:
    detail = head.get("generator_detail")
    keys = ("version", "uri", "url", "href")
    parts = [head.get("generator"), *(detail.get(key) for key in keys if isinstance(detail, dict))]
    return words(" ".join(dict.fromkeys(part for part in parts if isinstance(part, str) and part)), NAME_CHARS)


def _seconds(value: Any, unit_s: int) -> int | None:
    """A count of `unit_s` as seconds; None for what is no positive number."""
    found = re.fullmatch(r"\s*([0-9]{1,9})(?:\.[0-9]+)?\s*", said(value))
    return min(int(found[1]) * unit_s, _MAX_TTL_S) or None if found else None


def _update_period_s(head: dict[str, Any]) -> int | None:
    """Seconds between updates. Source: RSS 1.0 "Syndication": a frequency alone is one a day, a period alone is once in it."""
    frequency = _seconds(head.get("sy_updatefrequency"), 1)
    period = _PERIODS_S.get(said(head.get("sy_updateperiod")).strip().lower() or ("daily" if frequency else ""))
    return max(60, period // (frequency or 1)) if period else None


def _skip_hours(hours: list[Any]) -> tuple[int, ...]:
    # 24 is what the specification of RSS 0.91 calls midnight.
    numbers = {int(hour) for hour in hours if isinstance(hour, str) and re.fullmatch(r"[0-9]{1,2}", hour)}
    return tuple(sorted({number % 24 for number in numbers if number <= 24}))  # noqa: PLR2004


def _skip_days(days: list[Any]) -> tuple[str, ...]:
    named = {day.strip().capitalize() for day in days if isinstance(day, str)}
    return tuple(day for day in _DAYS if day in named)


# ── an entry ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _entry(raw: dict[str, Any], *, base: str, head: FeedHead, now: datetime) -> Entry:
    guid = _guid(raw)
    is_permalink = bool(raw.get("ingest_permalink")) and is_http_url(guid or "")
    summary, content = find_bodies(raw, base)
    published = choose_date(_dates(raw, _PUBLISHED) or _dates(raw, _UPDATED), now)
    updated = choose_date(_dates(raw, (*_UPDATED, *_UNDECIDED)), now)
    return Entry(
        guid=guid,
        is_permalink=is_permalink,
        url=_url(raw, guid, base, may_be_guid=is_permalink or head.format.startswith(("atom", "rss10", "rss090"))),
        title=plain_text(raw, "title", "dc_title", "dcterms_title", "media_title", "itunes_title"),
        summary=summary,
        content=content,
        authors=_authors(raw) or _inherited_authors(raw, head),
        published_at=published.at,
        published_raw=published.raw,
        published_source=published.source,
        updated_at=updated.at,
        updated_raw=updated.raw,
        updated_source=updated.source,
        categories=_categories(raw),
        enclosures=find_enclosures(raw, base),
        image_urls=find_images(raw, base),
        language=_language(raw, head),
        rights=_rights(raw, base),
        comments_url=find_link(base, raw.get("comments")),
        transcripts=find_transcripts(raw, base),
        location=_location(raw),
    )


def _guid(raw: dict[str, Any]) -> str | None:
    return strip_controls(said(raw.get("id"))).strip() or None


def _url(raw: dict[str, Any], guid: str | None, base: str, *, may_be_guid: bool) -> str | None:
    """The entry's page: its link, else its guid where that is an address by the rules, else where a proxy would lead."""
    return (
        alternate(raw, base)
        or (guid if may_be_guid and guid and is_http_url(guid) else None)
        or find_link(base, raw.get("feedburner_origlink"))
    )


def _dates(raw: dict[str, Any], elements: Iterable[str]) -> list[tuple[str, str]]:
    noted = raw.get("ingest_dates", {})
    return [(element, one_line(noted[element], _RAW_CHARS)) for element in elements if element in noted]


def _rights(raw: dict[str, Any], base: str) -> str | None:
    return plain_text(raw, "rights", "dc_rights", "dcterms_rights") or linked(raw, "license", base)


# ── people ──


def _inherited_authors(raw: dict[str, Any], head: FeedHead) -> tuple[str, ...]:
    """Atom hands down the authors of an entry's source, then of the feed (RFC 4287 §4.2.1).

    RSS does not: its managingEditor answers for the channel, and who wrote an item of a newspaper is not its editor.
    """
    source = raw.get("source")
    own = _authors(source) if isinstance(source, dict) else ()
    return own or (head.authors if head.format.startswith("atom") else ())


def _authors(raw: dict[str, Any]) -> tuple[str, ...]:
    """Names; of those only itunes:author knows if nobody else is named; addresses where there are no names at all."""
    people = [person for person in raw.get("authors", [])[:_MAX_AUTHORS] if isinstance(person, dict)]
    own = [person for person in people if not person.get("ingest_kind")]
    names = [_name(person) for person in own]
    if not any(names):
        names = [_name(person) for person in people]
    if not any(names):
        names = [words(person.get("name") or person.get("email"), NAME_CHARS) for person in people]
    return tuple(dict.fromkeys(name for name in names if name))


_EDGES = re.compile(r"^[\s()<>\[\],;:-]+|[\s()<>\[\],;:-]+$")
_MAIL = re.compile(r"(?:mailto:)?[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", re.IGNORECASE)


def _name(person: dict[str, Any]) -> str | None:
    """The name in `jo@example.org (Jo Doe)` and its like."""
    name, mails = _MAIL.subn(" ", said(person.get("name")))
    return words(_EDGES.sub("", name) if mails else name, NAME_CHARS)


# ── what it is about ──


def _categories(raw: dict[str, Any]) -> tuple[str, ...]:
    """Terms; keywords only where the entry is not filed under a `<category>`."""
    terms = [tag.get("term") or tag.get("label") for tag in raw.get("tags", []) if isinstance(tag, dict)]
    if not raw.get("ingest_is_filed"):
        terms += raw.get("ingest_keywords", [])
    names = dict.fromkeys(name for term in terms if (name := words(term, NAME_CHARS)))
    return tuple(names)[:_MAX_CATEGORIES]


def _language(raw: dict[str, Any], head: FeedHead) -> str | None:
    """The entry's own language, where it names one other than its feed's: in an element, or as xml:lang of its texts."""
    parts = [
        *(part for part in raw.get("content", []) if isinstance(part, dict)),
        raw.get("summary_detail"),
        raw.get("title_detail"),
    ]
    around = normal_code(said(raw.get("ingest_language_around")))
    codes = [normal_code(said(raw.get(key))) for key in ("language", "dc_language", "dcterms_language")]
    codes += [code for part in parts if isinstance(part, dict) and (code := normal_code(said(part.get("language")))) != around]
    own = next((code for code in codes if code), None)
    return own if own != normal_code(head.language) else None


_POINT = re.compile(r"\s*([+-]?[0-9]{1,3}(?:\.[0-9]{1,20})?)[\s,]+([+-]?[0-9]{1,3}(?:\.[0-9]{1,20})?)\s*")


def _location(raw: dict[str, Any]) -> tuple[float, float] | None:
    """Where it happened: georss:point, the point of GML, or geo:lat with geo:long."""
    pair = f"{said(raw.get('geo_lat'))} {said(raw.get('geo_long'))}"
    points = (_POINT.fullmatch(said(text)) for text in (raw.get("georss_point"), raw.get("gml_pos"), pair))
    found = next((point for point in points if point), None)
    if not found:
        return None
    latitude, longitude = float(found[1]), float(found[2])
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None  # noqa: PLR2004


def _warnings(entries: Iterable[Entry], raws: tuple[dict[str, Any], ...]) -> tuple[str, ...]:
    """What was odd about the entries, counted."""
    pairs = tuple(zip(entries, raws, strict=True))
    undated = sum(bool((e.published_raw or e.updated_raw) and not (e.published_at or e.updated_at)) for e, _ in pairs)
    unlinked = sum(bool(raw.get("link")) and entry.url is None for entry, raw in pairs)
    counted = (
        (undated, "with a date that cannot be read or believed"),
        (unlinked, "with a link that is not http(s)"),
    )
    return tuple(f"{count} {'entry' if count == 1 else 'entries'} {what}" for count, what in counted if count)
