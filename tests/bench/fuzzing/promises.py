"""What must hold for every input, whatever it is. `examine` raises nothing but Broken, which says what did not."""

import pickle
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from ingest.dates import parse_date
from ingest.errors import ParseError
from ingest.model import Entry, KeyedEntry, ParsedFeed, SeenItems
from ingest.parse import find_feeds, key_entries, parse, read_opml
from ingest.parse.prune import RECORD_BYTES
from ingest.policy import ParsePolicy
from ingest.text import decode, find_charset, html_to_text, strip_controls

T = TypeVar("T")

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MAX_CPU_S = 1.0  # of one step, for inputs up to SLOW_BYTES; the fuzzer's own instruments may make it longer: see `factor`
SLOW_BYTES = 200_000
_URLS = (
    "https://news.example/feed.xml",
    "http://news.example/a/b?c=d#e",
    "https://[::1]:8080/",
    "",
    "not a url",
    "file:///etc/passwd",
)
_TYPES = ("application/xml", "text/xml; charset=iso-8859-1", "text/html", "application/json", "", "text/xml; charset=utf-16")


class Broken(Exception):
    """A promise does not hold. `where` is what tells one finding from another."""

    def __init__(self, kind: str, where: str, detail: str) -> None:
        self.kind, self.where, self.detail = kind, where, detail
        super().__init__(f"{kind} at {where}: {detail}"[:2_000])


@dataclass(frozen=True)
class Input:
    """Bytes and the circumstances they come in, which follow from the bytes: a saved input is enough to see it all again."""

    body: bytes
    url: str
    headers: dict[str, str]
    policy: ParsePolicy
    chance: int

    @classmethod
    def of(cls, body: bytes) -> "Input":
        chance = zlib.crc32(body)
        url = _URLS[0] if chance % 4 else _URLS[chance // 4 % len(_URLS)]
        headers = {"content-type": _TYPES[chance // 64 % len(_TYPES)]} if chance % 3 else {}
        return cls(body, url, headers, ParsePolicy(max_entries=3 if chance // 1024 % 8 == 0 else 200), chance)


def examine(body: bytes, *, factor: float = 1.0) -> None:
    """Everything that is promised, on one input. Raises Broken."""
    given = Input.of(body)
    whole = _step("parse", lambda: _parse(given), given, factor)
    if whole is not None:
        _check_values(whole, given)
        keyed = _step("key_entries", lambda: key_entries(whole.entries), given, factor)
        if len({one.key for one in keyed}) != len(keyed):
            raise Broken("keys not unique", "key_entries", "")
        if whole.seen is not None:
            _check_pruned(whole, keyed, whole.seen, given, factor)
    _check_others(given, factor)


def _step(name: str, act: Callable[[], T], given: Input, factor: float) -> T:
    started = time.process_time()
    try:
        result = act()
    except MemoryError as error:
        raise Broken("memory", name, "MemoryError") from error
    except Exception as error:
        raise Broken(f"escape {type(error).__name__}", _place(error), traceback.format_exc()[-1_500:]) from error
    cpu_s = time.process_time() - started
    if cpu_s > MAX_CPU_S * factor and len(given.body) <= SLOW_BYTES:
        raise Broken("slow", name, f"{cpu_s:.1f} s of CPU for {len(given.body):,} bytes")
    return result


def _place(error: BaseException) -> str:
    """Where it was raised: the last frame of ours, and the last of all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/ingest/" in frame.filename]
    places = (f"{frame.filename.rpartition('/')[2]}:{frame.name}:{frame.lineno}" for frame in (*ours[-1:], frames[-1]))
    return " ".join(dict.fromkeys(places))


def _parse(given: Input, seen: SeenItems | None = None) -> ParsedFeed | None:
    try:
        return parse(given.body, url=given.url, headers=given.headers, policy=given.policy, now=NOW, seen=seen)
    except ParseError as error:
        if not error.reason or pickle.loads(pickle.dumps(error)).reason != error.reason:
            raise Broken("values", "ParseError", repr(error)) from error
        return None


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_LINKS = frozenset(
    {
        *("url", "comments_url", "image_urls", "image_url", "site_url", "self_url", "hub_url", "next_url", "prev_archive_url"),
        *("enclosures.url",),
    }
)


def _check_values(parsed: ParsedFeed, given: Input) -> None:
    if len(parsed.entries) > given.policy.max_entries:
        raise Broken("values", "max_entries", f"{len(parsed.entries)} entries")
    try:
        is_same = pickle.loads(pickle.dumps(parsed)) == parsed
    except Exception as error:
        raise Broken("values", "pickle", repr(error)) from error
    if not is_same:
        raise Broken("values", "pickle", "comes back as another")
    for holder in (parsed.head, *parsed.entries):
        for name, value in _leaves(holder):
            _check_leaf(name, value, type(holder).__name__)
            if given.url.startswith("http") and name in _LINKS and value and not _is_http(value):
                raise Broken("no http link", f"{type(holder).__name__}.{name}", repr(value[:200]))


def _is_http(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _check_leaf(name: str, value: Any, holder: str) -> None:
    where = f"{holder}.{name}"
    if isinstance(value, str) and strip_controls(value) != value:
        raise Broken("control characters", where, repr(value[:200]))
    if isinstance(value, datetime):
        if value.utcoffset() != timedelta(0):
            raise Broken("values", where, f"{value!r} is not UTC")
        if name == "published_at" and not datetime(1990, 1, 1, tzinfo=UTC) <= value <= NOW + timedelta(days=1):
            raise Broken("values", where, f"{value!r} is not believable")


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every text, number and moment in a value, with the names of the fields that lead there."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _leaves(getattr(value, field.name), f"{name}.{field.name}".lstrip("."))
    elif isinstance(value, tuple):
        for one in value:
            yield from _leaves(one, name)
    else:
        yield name, value


# ── pruned and whole ────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_pruned(whole: ParsedFeed, keyed: tuple[KeyedEntry, ...], seen: SeenItems, given: Input, factor: float) -> None:
    hashes = [seen.hashes[at : at + RECORD_BYTES] for at in range(0, len(seen.hashes), RECORD_BYTES)]
    known = frozenset(one for place, one in enumerate(hashes) if (given.chance >> (place % 29)) & 1)
    for what, some in (("some seen", known), ("all seen", frozenset(hashes))):
        kept = replace(seen, hashes=b"".join(sorted(some)))
        pruned = _step(f"parse, {what}", partial(_parse, given, kept), given, factor)
        if pruned is None:
            raise Broken("pruned", f"{what}: ParseError", "the whole document could be read")
        _compare(pruned, whole, keyed, what)
        is_plain = len(hashes) == len(whole.entries)
        if is_plain and len(pruned.entries) + pruned.pruned != len(hashes):
            raise Broken("pruned", f"{what}: count", f"{len(pruned.entries)} + {pruned.pruned} of {len(hashes)}")
        if is_plain:
            unseen = [entry for one, entry in zip(hashes, whole.entries, strict=True) if one not in some]
            lost = [entry for entry in unseen if entry not in pruned.entries]
            if lost:
                raise Broken("pruned", f"{what}: lost", repr(lost[0])[:500])


def _compare(pruned: ParsedFeed, whole: ParsedFeed, keyed: tuple[KeyedEntry, ...], what: str) -> None:
    if pruned.seen != whole.seen:
        raise Broken("pruned", f"{what}: seen", "another value for the next time")
    if pruned.head != whole.head:
        differing = [f.name for f in fields(whole.head) if getattr(pruned.head, f.name) != getattr(whole.head, f.name)]
        raise Broken("pruned", f"{what}: head {' '.join(differing)}", f"{pruned.head} instead of {whole.head}")
    strange = [entry for entry in pruned.entries if entry not in whole.entries]
    if strange:
        raise Broken("pruned", f"{what}: entry {_differing(strange[0], whole.entries)}", repr(strange[0])[:500])
    misnamed = [one for one in key_entries(pruned.entries) if one not in keyed]
    if misnamed:
        raise Broken("pruned", f"{what}: key", repr(misnamed[0])[:500])


def _differing(entry: Entry, others: tuple[Entry, ...]) -> str:
    """In which fields an entry differs from the one most like it."""
    lists = [[f.name for f in fields(entry) if getattr(entry, f.name) != getattr(other, f.name)] for other in others]
    return " ".join(min(lists, key=len, default=["none"]))


# ── beside the feed ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_others(given: Input, factor: float) -> None:
    text = _step("decode", lambda: decode(given.body, find_charset(given.body, given.headers.get("content-type"))), given, factor)
    found = _step("find_feeds", lambda: find_feeds(given.body, given.url), given, factor)
    if given.url.startswith("http") and not all(_is_http(feed.url) for feed in found):
        raise Broken("no http link", "find_feeds", repr(found)[:300])
    plain = _step("html_to_text", lambda: html_to_text(text), given, factor)
    if strip_controls(plain) != plain:
        raise Broken("control characters", "html_to_text", repr(plain[:200]))
    _step("read_opml", lambda: _read_opml(given.body), given, factor)
    for start in (0, given.chance % (len(text) + 1)):
        when = _step("parse_date", partial(parse_date, text[start : start + 60]), given, factor)
        if when is not None and when.utcoffset() != timedelta(0):
            raise Broken("values", "parse_date", repr(when))


def _read_opml(body: bytes) -> None:
    try:
        read_opml(body)
    except ParseError:
        return
