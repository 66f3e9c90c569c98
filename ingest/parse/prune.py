"""Which items of a document stood in the last one word for word: they are cut out, and feedparser never sees them.

    document ─ bytes that were seen ─▶ stand-ins ─ expat ─▶ items: hash, names
                                                              │ hash was seen (only a counter moved): cut out
                                                              └ others ─▶ the document around them, with them in it ─▶ feedparser

Bytes that were an item once are one again in the same surroundings: they are found by search and hash, at a hundredth of the
cost of parsing (`tests/bench/parse.py`); an empty element stands in for each while expat reads the rest. Where expat does not
meet every stand-in as an item (one was quoted in CDATA, say), or the surroundings are others, the whole document is scanned.

What is left yields the very entries, under the very keys, that the whole document would yield for them. Therefore

- what items inherit (address, language, the feed's authors, start tags around them) makes the context of a document, and under
  another context nothing counts as seen;
- items that may share an identity (a guid used twice) stay or go together, because their keys depend on each other;
- what a counter says (comments, views) is no part of a hash, and no part of an entry.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from ingest.model import SeenItems
from ingest.parse.hashing import HASH_BYTES, short_hash
from ingest.parse.scan import MalformedError, Scanned, ScannedItem, scan
from ingest.urls import canonical_url, resolve

RECORD_BYTES = 2 * HASH_BYTES  # of one item in SeenItems: a Mark
_RECORD = struct.Struct(f"{HASH_BYTES}s{HASH_BYTES}s")
_VERSION = "1"  # raise it when items must be read again although their documents did not change
_COUNTERS = (b"slash:comments", b"thr:total", b"media:community")  # as they are usually written; `scan` knows them in any form
_PLAIN_COUNTER = re.compile(
    rb"<(slash:comments|thr:total)>\s*[0-9]*\s*</\1>"
    rb"|<media:community>\s*(?:<media:(?:starRating|statistics)\b[^<>]*/>\s*)*</media:community>"
)
_HEAD = 4_096  # bytes; what a document declares is declared there
# Comments, white space between elements, and dates as they are usually written.
_VOLATILE = re.compile(rb"<!--.*?-->|<(lastBuildDate|pubDate|updated|modified|dc:date)>[^<]*</\1>|(?<=>)\s+", re.DOTALL)
_BEHIND_A_NAME = frozenset((b" ", b"\t", b"\r", b"\n", b">"))
_MANY = bytes(HASH_BYTES)  # stands for the name of an item that has several


class Mark(NamedTuple):
    """By what an item is known again: two hashes. A tuple, because there are thousands."""

    hash: bytes  # of all it says, but for counters
    name: bytes  # of what it may be recognised by: its guid, else its address


@dataclass(frozen=True, slots=True)
class Pruned:
    """A document without the items that were seen."""

    document: bytes
    seen: SeenItems  # all items, those left out too
    pruned: int
    is_as_before: bool  # nothing of it has to be parsed: no item is left, and the head says what it said
    is_cut: bool  # there are more items than the cap; the document ends before the first too many


def prune(document: bytes, *, url: str, language: str | None, seen: SeenItems | None, max_entries: int) -> Pruned:
    """The XML document (UTF-8, from its root element on) without the items that `seen` holds. Raises MalformedError."""
    if seen and seen.hashes:
        with suppress(MalformedError):  # the line in its message is not the document's
            pruned = _prune_by_bytes(document, seen, url=url, language=language, max_entries=max_entries)
            if pruned:
                return pruned
    scanned = scan(document, max_entries)
    if not scanned.is_plain:
        whole = document[: scanned.end] + scanned.closing
        return Pruned(whole, SeenItems(b"", b""), 0, is_as_before=False, is_cut=scanned.is_cut)
    found = [_Found(document[item.start : item.end], _mark(item, url)) for item in scanned.items]
    return _cut(scanned, found, seen=seen, url=url, language=language)


def mark(said: bytes, *, guids: Sequence[str], links: Sequence[str], url: str, is_odd: bool = False) -> Mark:
    """An item with this hash and these names, in a document at `url`; an odd one may have other names too.

    One name for all items that have neither guid nor link. Of an address only its end counts, which is the same whatever
    xml:base the rest is made of.
    """
    if is_odd or (not guids and any(link.startswith(("#", "?")) for link in links)):
        return Mark(said, _MANY)
    names = {f"guid {guid}" for guid in guids}
    if not names:
        addresses = (canonical_url(address) or address for link in links if (address := resolve(url, link)))
        names = {f"link {address.rstrip('/').rpartition('/')[2]}" for address in addresses} or {"nameless"}
    return Mark(said, short_hash(names.pop()) if len(names) == 1 else _MANY)


def seen_items(marks: Sequence[Mark], url: str, *inherited: str | bytes) -> SeenItems:
    """What is kept of a document at `url` for the next time, with what its items inherit from the document around them."""
    return SeenItems(_context(url, *inherited), b"".join(part for mark in marks for part in mark))


def _context(url: str, *inherited: str | bytes) -> bytes:
    base = url.partition("#")[0].partition("?")[0]  # links are resolved against it, and it may carry a token
    return short_hash(_VERSION, base, *inherited)


def choose_unseen(marks: Sequence[Mark], now: SeenItems, before: SeenItems | None) -> set[int]:
    """The places of the items to parse: those not seen before, and those whose keys depend on one of them."""
    known = {mark.hash for mark in _marks(before)} if before and before.context == now.context else set()
    kept = {place for place, mark in enumerate(marks) if mark.hash not in known}
    names = {marks[place].name for place in kept}
    if kept and any(mark.name == _MANY for mark in marks):  # which others an item with several names meets is not kept
        return set(range(len(marks)))
    return {place for place, mark in enumerate(marks) if place in kept or mark.name in names}


def _marks(seen: SeenItems) -> Iterator[Mark]:
    whole = seen.hashes[: len(seen.hashes) // RECORD_BYTES * RECORD_BYTES]
    return map(Mark._make, _RECORD.iter_unpack(whole))


def _mark(item: ScannedItem, url: str) -> Mark:
    return mark(item.hash, guids=item.guids, links=item.links, url=url, is_odd=item.is_odd)


class _Found(NamedTuple):
    """An item of a scanned document: its bytes, which may stand there no more, and its mark."""

    whole: bytes
    mark: Mark


def _cut(scanned: Scanned, found: list[_Found], *, seen: SeenItems | None, url: str, language: str | None) -> Pruned:
    """The document with the chosen ones of its items."""
    marks = [item.mark for item in found]
    now_seen = replace(seen_items(marks, url, language or "", *scanned.inherited), head_hash=_hash_head(scanned, url, language))
    kept = choose_unseen(marks, now_seen, seen)
    parts, at = [], 0
    for place, item in enumerate(scanned.items):
        parts.append(scanned.document[at : item.start])
        if place in kept:
            parts.append(found[place].whole)
        at = item.end
    document = b"".join((*parts, scanned.document[at : scanned.end], scanned.closing))
    is_as_before = not kept and seen is not None and seen.head_hash == now_seen.head_hash
    return Pruned(document, now_seen, len(marks) - len(kept), is_as_before, scanned.is_cut)


def _hash_head(scanned: Scanned, url: str, language: str | None) -> bytes:
    """Over the document without its items and without what changes while nothing happens."""
    ends = (0, *(item.end for item in scanned.items))
    starts = (*(item.start for item in scanned.items), scanned.end)
    around = b"".join(scanned.document[end:start] for end, start in zip(ends, starts, strict=True))
    return short_hash(_VERSION, url, language or "", _VOLATILE.sub(b"", around))


# ── bytes that were seen ────────────────────────────────────────────────────────────────────────────────────────────────


def _prune_by_bytes(document: bytes, seen: SeenItems, *, url: str, language: str | None, max_entries: int) -> Pruned | None:
    """As `prune`; None where the bytes prove nothing. Raises MalformedError."""
    shortened, stand_ins = _shorten(document, seen, max_entries)
    if not stand_ins:
        return None
    scanned = scan(shortened, max_entries, stand_ins=frozenset(stand_ins))
    if {start for start in stand_ins if start < scanned.end} - {item.start for item in scanned.items}:
        return None
    if not scanned.is_plain or _context(url, language or "", *scanned.inherited) != seen.context:
        return None
    found = [stand_ins.get(item.start) or _Found(shortened[item.start : item.end], _mark(item, url)) for item in scanned.items]
    return _cut(scanned, found, seen=seen, url=url, language=language)


def _shorten(document: bytes, seen: SeenItems, max_entries: int) -> tuple[bytes, dict[int, _Found]]:
    """The document with an empty element in place of each item whose bytes were seen, and what each stands for by its place."""
    known = {mark.hash: mark for mark in _marks(seen) if mark.name != _MANY}
    head = document[:_HEAD]
    counters = tuple(name for name in _COUNTERS if b"xmlns:" + name.partition(b":")[0] in head)
    name = b"entry" if b"feed" in document[:20].lower() else b"item"
    parts: list[bytes] = []
    stand_ins: dict[int, _Found] = {}
    at = length = 0
    for start, end in islice(_find_elements(document, name), max_entries):
        whole = document[start:end]
        was = known.get(short_hash(_without(counters, whole)))
        if was:
            parts += (document[at:start], b"<%b/>" % name)
            length += start - at
            stand_ins[length] = _Found(whole, was)
            length += len(parts[-1])
            at = end
    return b"".join((*parts, document[at:])), stand_ins


def _without(names: tuple[bytes, ...], whole: bytes) -> bytes:
    """An item's bytes without the last element of each of these names, if it is written plainly. They stand near its end."""
    for name in names:
        counter = _PLAIN_COUNTER.match(whole, start) if (start := whole.rfind(b"<%b>" % name)) >= 0 else None
        if counter:
            whole = whole[:start] + whole[counter.end() :]
    return whole


def _find_elements(document: bytes, name: bytes) -> Iterator[tuple[int, int]]:
    """Where elements seem to begin and end. Whether they are any, a hash or expat finds out."""
    opening, closing = b"<" + name, b"</" + name + b">"
    start = document.find(opening)
    while start >= 0:
        end = start + len(opening)
        if document[end : end + 1] in _BEHIND_A_NAME:  # not <items>
            found = document.find(closing, end)
            if found < 0:
                return
            end = found + len(closing)
            yield start, end
        start = document.find(opening, end)
