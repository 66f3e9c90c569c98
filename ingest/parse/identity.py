"""Entries → keys that say which entry is which within a feed, and hashes that say whether an entry changed.

Keys, in this order:  guid → guid and address (a guid that several entries of the document share: each of them, so that their
                      order does not matter; an entry whose guid comes to be shared later gets a second key, and its article is
                      recognised by the address)
                      no guid: canonical address → address and words (an address used twice)
                      neither: title, date and text → all that the hash is over (pictures or sounds without a word)
Never a date alone: entries arrive late, are dated back and share a second.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from ingest.model import Entry, KeyedEntry
from ingest.parse.hashing import hash_parts
from ingest.text import html_to_text
from ingest.urls import canonical_url


def key_entries(entries: Iterable[Entry]) -> tuple[KeyedEntry, ...]:
    """The entries of one document with their keys, in its order. Entries that say exactly the same are one entry."""
    keyed: dict[str, KeyedEntry] = {}
    hashed = [(entry, _content_hash(entry)) for entry in entries]
    uses = Counter(guid for guid, _ in {(entry.guid, content_hash) for entry, content_hash in hashed})
    for entry, content_hash in hashed:
        for key in _keys(entry, content_hash, is_shared=uses[entry.guid] > 1):
            known = keyed.get(key)
            if known is None:
                keyed[key] = KeyedEntry(key, content_hash, entry)
            if known is None or known.content_hash == content_hash:
                break
    return tuple(keyed.values())


def _keys(entry: Entry, content_hash: str, *, is_shared: bool) -> Iterator[str]:
    """Keys from the plainest to the most exact; the first that nobody in the document holds is the entry's."""
    url = (canonical_url(entry.url) or entry.url) if entry.url else ""
    if entry.guid:
        if not (is_shared and url):
            yield _hash("guid", entry.guid)
        if url:
            yield _hash("guid", entry.guid, "url", url)
    elif url:
        yield _hash("url", url)
    yield _hash("words", entry.guid or "", url, entry.title or "", entry.published_raw or entry.updated_raw or "", _text(entry))
    yield _hash("all", content_hash)


def _content_hash(entry: Entry) -> str:
    """Over what a reader would call the entry; not over dates, which servers touch without changing a word."""
    enclosures = (enclosure.url for enclosure in (*entry.enclosures, *entry.transcripts))
    return _hash(
        entry.title or "",
        entry.url or "",
        *entry.authors,
        "text",
        _text(entry),
        "enclosures",
        *enclosures,
        "tags",
        *entry.categories,
    )


def _text(entry: Entry) -> str:
    return html_to_text(entry.content or entry.summary or "")


def _hash(*parts: str) -> str:
    return hash_parts(*parts).hex()
