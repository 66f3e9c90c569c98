"""Where the older entries of a feed lie, and where to go on after each page of them."""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ingest.model import Checkpoint, Entry, FeedHead, KeyedEntry, ParsedFeed, Strategy
from ingest.urls import is_http_url

_MAX_NUMBER = 1_900  # a greater number in an address is a year


def find_strategy(head: FeedHead, feed_url: str) -> tuple[Strategy, str] | None:
    """How to reach entries older than the feed shows, and the first page to ask for; None where the feed names no way.

    The feed's own word first: archives (RFC 5005 §4), then pages (§3, or JSON Feed next_url), then what its generator is known
    to answer.
    """
    if _is_other(head.prev_archive_url, feed_url):
        return Strategy.ARCHIVE, str(head.prev_archive_url)
    if _is_other(head.next_url, feed_url):
        return Strategy.PAGED, str(head.next_url)
    if "wordpress" in (head.generator or "").lower():
        return Strategy.WORDPRESS, _with_page(feed_url, max(_page_number(feed_url), 1) + 1)
    return None


def next_checkpoint(
    strategy: Strategy,
    parsed: ParsedFeed,
    page_url: str,
    checkpoint: Checkpoint,
    *,
    new_keys: int,
    newest: datetime | None,
    since: datetime | None,
) -> tuple[Checkpoint, bool, str]:
    """Where to go on after the page at `page_url`, whether the run is over, and why.

    Over without a `next_url`: the history is read to its end. Over with one: `since` is passed, and a run that wants more can
    go on there. `new_keys` entries of the page were unseen; `newest` is its latest date: a page is passed as a whole, for one
    entry that is dated back says nothing about its neighbours.
    """
    mark = _mark(parsed)
    reached = replace(
        checkpoint, next_url=None, pages=checkpoint.pages + 1, entries_new=checkpoint.entries_new + new_keys, page_mark=mark
    )
    if not parsed.entries:
        return reached, True, "the end: a page without entries"
    if mark == checkpoint.page_mark:
        return reached, True, "the end: the same entries as on the page before"
    following = _following(strategy, parsed.head, page_url)
    if following is None:
        return reached, True, "the end: no further page is named"
    if not _is_other(following, page_url):
        return reached, True, "the end: the page names itself as the next"
    reached = replace(reached, next_url=following)
    if since and newest and newest < since:
        return reached, True, f"reached {since:%Y-%m-%d}"
    return reached, False, f"page {reached.pages} read"


def estimate_pages(
    strategy: Strategy, head: FeedHead, keyed: Sequence[KeyedEntry], *, since: datetime | None
) -> tuple[int | None, str]:
    """How many more pages there will be, judged by the first, and why; None where nothing tells."""
    dates = sorted(date for entry in keyed if (date := _when(entry.entry)))
    if since and dates and dates[0] <= since:
        return 0, "what the feed shows now reaches further back"
    if since and len(dates) > 1 and dates[-1] > dates[0]:
        span = dates[-1] - dates[0]
        pages = math.ceil((dates[0] - since) / span)
        return pages, f"{len(dates)} entries cover {_days(span)}"
    number = _number_of_archive(head.prev_archive_url) if strategy is Strategy.ARCHIVE else None
    if number is not None:
        return number, "by the number in the address of the newest archive"
    return None, "the feed does not say how far its history goes" if since is None else "its entries have no dates to judge by"


def is_within(entry: Entry, since: datetime | None, until: datetime | None) -> bool:
    """Whether an entry belongs to the span from `since` to before `until`. One without a date always does: it may."""
    when = _when(entry)
    if when is None:
        return True
    return (since is None or when >= since) and (until is None or when < until)


def _when(entry: Entry) -> datetime | None:
    return entry.published_at or entry.updated_at


def _is_other(url: str | None, than: str) -> bool:
    return url is not None and is_http_url(url) and url != than


def _mark(parsed: ParsedFeed) -> str:
    """By which the same page is recognised under another address: servers that know no paging answer with page one for ever."""
    said = "\n".join(f"{entry.guid} {entry.url} {entry.title}" for entry in parsed.entries)
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def _following(strategy: Strategy, head: FeedHead, page_url: str) -> str | None:
    if strategy is Strategy.ARCHIVE:
        return head.prev_archive_url
    if strategy is Strategy.PAGED:
        return head.next_url
    return _with_page(page_url, _page_number(page_url) + 1)


def _page_number(url: str) -> int:
    said = dict(parse_qsl(urlsplit(url).query)).get("paged", "")
    return int(said) if re.fullmatch(r"[0-9]{1,6}", said) else 0


def _with_page(url: str, number: int) -> str:
    parts = urlsplit(url)
    others = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "paged"]
    return urlunsplit(parts._replace(query=urlencode([*others, ("paged", str(number))]), fragment=""))


def _number_of_archive(url: str | None) -> int | None:
    """Archives are mostly numbered from 1, so the newest one's number is their count."""
    numbers = re.findall(r"\d+", urlsplit(url or "").path + "?" + urlsplit(url or "").query)
    number = int(numbers[-1]) if len(numbers) == 1 and len(numbers[-1]) < 6 else None  # noqa: PLR2004
    return number if number and number < _MAX_NUMBER else None


def _days(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours"  # noqa: PLR2004
