"""JSON Feed 1.0 and 1.1. Whatever has the wrong type is absent; nothing in a document is believed to be what it should be.

Source: https://www.jsonfeed.org/version/1.1/
"""

import json
from datetime import datetime
from itertools import islice
from typing import Any

from ingest.dates import is_believable, parse_date
from ingest.errors import ParseError
from ingest.language import normal_code
from ingest.model import Enclosure, Entry, FeedHead, ParsedFeed
from ingest.outcome import Outcome
from ingest.parse.shape import as_html
from ingest.policy import ParsePolicy
from ingest.text import one_line, strip_controls
from ingest.urls import is_http_url, resolve

_TITLE_CHARS = 1_000
_NAME_CHARS = 200
_MANY = 100  # authors, tags or attachments of one entry


def parse_json(text: str, *, url: str, policy: ParsePolicy, now: datetime) -> ParsedFeed:
    """The feed in a JSON document. Raises ParseError where the document is no JSON Feed."""
    document = _load(text)
    version = _text(document.get("version"))
    items = document.get("items")
    if not isinstance(items, list) or ("jsonfeed.org" not in version and not _is_like_feed(document, items)):
        raise ParseError(Outcome.NOT_A_FEED, f"a JSON document that is no feed: {one_line(text[:500], 80)}")
    format_name = "json11" if version.rstrip("/").endswith("1.1") else "json10"
    head = _head(document, format_name, url)
    base = url if is_http_url(url) else head.site_url or ""
    feed_authors = _authors(document)
    found = (_entry(item, base=base, feed_authors=feed_authors, head=head, now=now) for item in items if isinstance(item, dict))
    entries = list(islice((entry for entry in found if entry is not None), policy.max_entries + 1))
    is_cut = len(entries) > policy.max_entries
    dropped = 0 if is_cut else len(items) - len(entries)
    return ParsedFeed(
        head,
        tuple(entries[: policy.max_entries]),
        is_cut=is_cut,
        warnings=(f"{dropped} items without id, address and words",) if dropped else (),
    )


def _load(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise ParseError(Outcome.PARSE_ERROR, "JSON nested too deeply") from error
    except ValueError as error:
        raise ParseError(Outcome.NOT_A_FEED, f"neither XML nor readable JSON: {error}"[:200]) from error
    if not isinstance(document, dict):
        raise ParseError(Outcome.NOT_A_FEED, "a JSON list, not a feed")
    return document


def _is_like_feed(document: dict[str, Any], items: list[Any]) -> bool:
    """Feeds exist that leave their version out."""
    return isinstance(document.get("title"), str) and any(isinstance(item, dict) and "id" in item for item in items)


def _head(document: dict[str, Any], format_name: str, url: str) -> FeedHead:
    hubs = [hub for hub in _list(document.get("hubs")) if isinstance(hub, dict)]
    return FeedHead(
        format=format_name,
        title=_line(document.get("title"), _TITLE_CHARS),
        description=_line(document.get("description"), _TITLE_CHARS),
        site_url=_link(url, document.get("home_page_url")),
        self_url=_link(url, document.get("feed_url")),
        hub_url=next((found for hub in hubs if (found := _link(url, hub.get("url")))), None),
        next_url=_link(url, document.get("next_url")),
        language=_line(document.get("language"), 35),
        image_url=_link(url, document.get("icon")) or _link(url, document.get("favicon")),
    )


def _entry(item: dict[str, Any], *, base: str, feed_authors: tuple[str, ...], head: FeedHead, now: datetime) -> Entry | None:
    content_text = _text(item.get("content_text"))
    content = _text(item.get("content_html")) or as_html(content_text)
    published_raw, updated_raw = _line(item.get("date_published"), 100), _line(item.get("date_modified"), 100)
    summary = as_html(_text(item.get("summary")))
    entry = Entry(
        guid=_guid(item.get("id")),
        url=_link(base, item.get("url")) or _link(base, item.get("external_url")),
        title=_line(item.get("title"), _TITLE_CHARS),
        summary=summary or None,
        content=content or None,
        authors=_authors(item) or feed_authors,
        published_at=_date(published_raw, now),
        published_raw=published_raw,
        updated_at=_date(updated_raw, now),
        updated_raw=updated_raw,
        categories=tuple(dict.fromkeys(tag for said in _list(item.get("tags")) if (tag := _line(said, _NAME_CHARS)))),
        enclosures=tuple(_enclosures(item, base)),
        image_urls=tuple(dict.fromkeys(u for key in ("image", "banner_image") if (u := _link(base, item.get(key))))),
        language=own if (own := normal_code(_text(item.get("language")))) != normal_code(head.language) else None,
    )
    return entry if entry.guid or entry.url or entry.title or entry.content or entry.summary else None


def _guid(value: Any) -> str | None:
    """The id as text. Numbers are allowed for (version 1.1 asks readers to take them), other types are none."""
    said = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else _text(value)
    return said.strip() or None


def _authors(holder: dict[str, Any]) -> tuple[str, ...]:
    """`authors` of 1.1, `author` of 1.0."""
    people = [*_list(holder.get("authors")), holder.get("author")]
    names = (_line(person.get("name"), _NAME_CHARS) for person in people if isinstance(person, dict))
    return tuple(dict.fromkeys(name for name in names if name))


def _enclosures(item: dict[str, Any], base: str) -> list[Enclosure]:
    found = []
    for attachment in _list(item.get("attachments")):
        url = _link(base, attachment.get("url")) if isinstance(attachment, dict) else None
        if url:
            media_type = _line(attachment.get("mime_type"), 100)
            found.append(
                Enclosure(url, media_type, _count(attachment, "size_in_bytes"), _count(attachment, "duration_in_seconds"))
            )
    return found


def _count(holder: dict[str, Any], key: str) -> int | None:
    value = holder.get(key)
    # Beyond 2^53 a JSON number is no exact count, and infinity is a number to Python.
    return int(value) if isinstance(value, int | float) and 0 <= value < 2**53 else None


def _date(raw: str | None, now: datetime) -> datetime | None:
    when = parse_date(raw) if raw else None
    return when if when and is_believable(when, now) else None


def _link(base: str, value: Any) -> str | None:
    said = _text(value).strip()
    return resolve(base, said) if said else None


def _line(value: Any, max_chars: int) -> str | None:
    return one_line(_text(value), max_chars) or None


def _text(value: Any) -> str:
    return strip_controls(value) if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value[:_MANY] if isinstance(value, list) else []
