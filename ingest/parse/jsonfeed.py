"""JSON Feed 1.0 and 1.1. Whatever has the wrong type is absent; nothing in a document is believed to be what it should be.

Source: https://www.jsonfeed.org/version/1.1/
"""

import json
from datetime import datetime
from typing import Any

from ingest.dates import choose_date
from ingest.errors import ParseError
from ingest.language import normal_code
from ingest.model import Enclosure, Entry, FeedHead, ParsedFeed, SeenItems
from ingest.outcome import Outcome
from ingest.parse.hashing import short_hash
from ingest.parse.links import find_link
from ingest.parse.markup import NAME_CHARS, TITLE_CHARS, as_html
from ingest.parse.prune import Mark, choose_unseen, mark, seen_items
from ingest.policy import ParsePolicy
from ingest.text import one_line, strip_controls
from ingest.urls import is_http_url

_READ = (
    *("id", "url", "external_url", "title", "summary", "content_text", "content_html", "date_published", "date_modified"),
    *("authors", "author", "tags", "attachments", "image", "banner_image", "language"),
)
_MAX_DIGITS = 100
_MANY = 100  # authors, tags or attachments of one entry


def parse_json(text: str, *, url: str, policy: ParsePolicy, now: datetime, seen: SeenItems | None = None) -> ParsedFeed:
    """The feed in a JSON document, without the items that `seen` holds. Raises ParseError where the document is no JSON Feed."""
    document = _load(text)
    version = _text(document.get("version"))
    items = document.get("items")
    if not isinstance(items, list) or ("jsonfeed.org" not in version and not _is_like_feed(document, items)):
        raise ParseError(Outcome.NOT_A_FEED, f"a JSON document that is no feed: {one_line(text[:500], 80)}")
    format_name = "json11" if version.rstrip("/").endswith("1.1") else "json10"
    base = url if is_http_url(url) else ""
    head = _head(document, format_name, base)
    taken = [item for item in items[: policy.max_entries] if isinstance(item, dict)]
    kept, now_seen = _choose(taken, document, url, seen)
    entries = tuple(entry for item in kept if (entry := _entry(item, base=base, head=head, now=now)) is not None)
    dropped = min(len(items), policy.max_entries) - len(taken) + len(kept) - len(entries)
    return ParsedFeed(
        head,
        entries,
        is_cut=len(items) > policy.max_entries,
        warnings=(f"{dropped} {'item' if dropped == 1 else 'items'} without id, address and words",) if dropped else (),
        pruned=len(taken) - len(kept),
        seen=now_seen,
    )


def _choose(
    items: list[dict[str, Any]], document: dict[str, Any], url: str, seen: SeenItems | None
) -> tuple[list[dict[str, Any]], SeenItems]:
    """The items to read, and all of them for the next time."""
    marks = [_mark(item, url) for item in items]
    inherited = (_plain(document.get(key)) for key in ("version", "authors", "author", "language"))
    now_seen = seen_items(marks, url, *inherited)
    places = choose_unseen(marks, now_seen, seen)
    return [item for place, item in enumerate(items) if place in places], now_seen


def _mark(item: dict[str, Any], url: str) -> Mark:
    """Over what is read of the item: extensions may count whatever they like."""
    said = short_hash(*(_plain(item.get(key)) for key in _READ))
    guid = _guid(item.get("id"))
    links = tuple(link for key in ("url", "external_url") if (link := _text(item.get(key)).strip()))
    return mark(said, guids=(guid,) if guid else (), links=links, url=url)


def _plain(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True)
    except RecursionError:
        return ""  # nothing is read of what is nested so deeply


def _load(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, parse_int=_whole)
    except RecursionError as error:
        raise ParseError(Outcome.PARSE_ERROR, "JSON nested too deeply") from error
    except ValueError as error:
        raise ParseError(Outcome.NOT_A_FEED, f"neither XML nor readable JSON: {error}"[:200]) from error
    if not isinstance(document, dict):
        raise ParseError(Outcome.NOT_A_FEED, "a JSON list, not a feed")
    return document


def _whole(digits: str) -> int | None:
    """A whole number, or None for one that counts nothing: Python refuses to read one of more than 4,300 digits."""
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def _is_like_feed(document: dict[str, Any], items: list[Any]) -> bool:
    """Feeds exist that leave their version out."""
    return isinstance(document.get("title"), str) and any(isinstance(item, dict) and "id" in item for item in items)


def _head(document: dict[str, Any], format_name: str, base: str) -> FeedHead:
    hubs = [hub for hub in _list(document.get("hubs")) if isinstance(hub, dict)]
    return FeedHead(
        format=format_name,
        title=_line(document.get("title"), TITLE_CHARS),
        description=_line(document.get("description"), TITLE_CHARS),
        authors=_authors(document),
        site_url=find_link(base, document.get("home_page_url")),
        self_url=find_link(base, document.get("feed_url")),
        hub_url=next((found for hub in hubs if (found := find_link(base, hub.get("url")))), None),
        next_url=find_link(base, document.get("next_url")),
        language=_line(document.get("language"), 35),
        image_url=find_link(base, document.get("icon")) or find_link(base, document.get("favicon")),
    )


def _entry(item: dict[str, Any], *, base: str, head: FeedHead, now: datetime) -> Entry | None:
    content_text = _text(item.get("content_text"))
    content = _text(item.get("content_html")) or as_html(content_text)
    published = choose_date(_dates(item, "date_published") or _dates(item, "date_modified"), now)
    updated = choose_date(_dates(item, "date_modified"), now)
    guid = _guid(item.get("id"))
    summary = as_html(_text(item.get("summary")))
    entry = Entry(
        guid=guid,
        url=_url(item, guid, base),
        title=_line(item.get("title"), TITLE_CHARS),
        summary=summary or None,
        content=content or None,
        authors=_authors(item) or head.authors,
        published_at=published.at,
        published_raw=published.raw,
        published_source=published.source,
        updated_at=updated.at,
        updated_raw=updated.raw,
        updated_source=updated.source,
        categories=tuple(dict.fromkeys(tag for said in _list(item.get("tags")) if (tag := _line(said, NAME_CHARS)))),
        enclosures=tuple(_enclosures(item, base)),
        image_urls=tuple(dict.fromkeys(u for key in ("image", "banner_image") if (u := find_link(base, item.get(key))))),
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
    names = (_line(person.get("name"), NAME_CHARS) for person in people if isinstance(person, dict))
    return tuple(dict.fromkeys(name for name in names if name))


def _enclosures(item: dict[str, Any], base: str) -> list[Enclosure]:
    found = []
    for attachment in _list(item.get("attachments")):
        url = find_link(base, attachment.get("url")) if isinstance(attachment, dict) else None
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


def _dates(item: dict[str, Any], key: str) -> list[tuple[str, str]]:
    raw = _line(item.get(key), 100)
    return [(key, raw)] if raw else []


def _url(item: dict[str, Any], guid: str | None, base: str) -> str | None:
    """The page of an item; the id, which ideally is its address, where no other is given."""
    own = find_link(base, item.get("url")) or find_link(base, item.get("external_url"))
    return own or (guid if guid and is_http_url(guid) else None)


def _line(value: Any, max_chars: int) -> str | None:
    return one_line(_text(value), max_chars) or None


def _text(value: Any) -> str:
    return strip_controls(value) if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value[:_MANY] if isinstance(value, list) else []
