"""Which items of a document stood in the last one word for word: one pass of expat finds them, and feedparser never sees them.

    document ─ expat ─▶ items: where each begins and ends, its hash, what it may be recognised by
                          │ hash was seen: cut out
                          └ others ─▶ the document around them, with them in it ─▶ feedparser

The scan costs about a fiftieth of parsing (`tests/bench/parse.py`). Its promise: what is left yields the very entries, under
the very keys, that the whole document would yield for them. Therefore

- a hash covers the item's bytes and the start tags around it; the context of a document covers what else items inherit
  (address, language, the feed's authors), and under another context nothing counts as seen;
- items that may share an identity (a guid used twice) stay or go together, because their keys depend on each other;
- what a counter says (comments, views) is no part of a hash, and no part of an entry.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingest.model import SeenItems
from ingest.parse.scan import HASH_BYTES, Mark, digest, scan
from ingest.urls import canonical_url, resolve

_VERSION = "1"  # raise it when items must be read again although their documents did not change


@dataclass(frozen=True, slots=True)
class Pruned:
    """A document without the items that were seen."""

    text: str
    seen: SeenItems  # all items, those left out too
    pruned: int
    is_cut: bool  # there are more items than the cap; the document ends before the first too many


def prune(text: str, *, url: str, language: str | None, seen: SeenItems | None, max_entries: int) -> Pruned:
    """The XML document (from its root element on) without the items that `seen` holds. Raises MalformedError."""
    scanned = scan(text.encode("utf-8", "replace"), max_entries)
    now_seen = seen_items([item.mark for item in scanned.items], url, language or "", *scanned.inherited)
    kept = choose_unseen([item.mark for item in scanned.items], now_seen, seen, url)
    is_whole = len(kept) == len(scanned.items) and not scanned.is_cut
    return Pruned(text if is_whole else scanned.with_only(kept), now_seen, len(scanned.items) - len(kept), scanned.is_cut)


def seen_items(marks: Sequence[Mark], url: str, *inherited: str | bytes) -> SeenItems:
    """What is kept of a document at `url` for the next time, with what its items inherit from the document around them."""
    base = url.partition("#")[0].partition("?")[0]  # links are resolved against it, and it may carry a token
    parts = (part if isinstance(part, bytes) else part.encode("utf-8", "replace") for part in (_VERSION, base, *inherited))
    return SeenItems(digest(*parts), b"".join(mark.hash for mark in marks))


def choose_unseen(marks: Sequence[Mark], now: SeenItems, before: SeenItems | None, url: str) -> set[int]:
    """The places of the items to parse: those not seen before, and those whose keys depend on one of them."""
    known = frozenset(_split(before.hashes)) if before and before.context == now.context else frozenset()
    kept = {place for place, mark in enumerate(marks) if mark.hash not in known}
    if not kept or len(kept) == len(marks):
        return kept
    has_nameless = any(not marks[place].guids for place in kept)
    names = [_names(mark, url) if mark.guids or has_nameless else frozenset() for mark in marks]
    # An item with several names ties others together: parsed every time, it leaves no chains to follow.
    kept.update(place for place, found in enumerate(names) if len(found) > 1)
    wanted = frozenset().union(*(names[place] for place in kept))
    kept.update(place for place, found in enumerate(names) if not wanted.isdisjoint(found))
    return kept


def _split(hashes: bytes) -> Iterable[bytes]:
    return (hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES))


def _names(mark: Mark, url: str) -> frozenset[str]:
    """By what the item may be recognised (see `identity`): its guid, else its address; one name for all that have neither.

    Of an address only its end, which is the same whatever xml:base the rest is made of.
    """
    if mark.guids:
        return frozenset(f"guid {guid}" for guid in mark.guids)
    addresses = (canonical_url(address) or address for link in mark.links if (address := resolve(url, link) or link))
    return frozenset(f"link {address.rstrip('/').rpartition('/')[2]}" for address in addresses) or frozenset(("nameless",))
