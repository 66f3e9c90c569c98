"""Frozen values ⇄ what a JSON column holds. What equals its default is left out; what is missing on the way back gets it.

So rows written by an earlier version read well in a later one, and unknown keys of a later version are passed over. `clean` is
the one place that knows which characters no database takes; every text on its way into a column goes through it.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.model import Enclosure, Entry, FeedHead, FeedOptions, Hints, Learned

_TIMES = ("published_at", "updated_at")
_MEDIA = ("enclosures", "transcripts")


def clean(text: str) -> str:
    """`text` without what PostgreSQL refuses (NUL) and what is no UTF-8 (lone surrogates become question marks)."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def to_data(value: Entry | FeedOptions | FeedHead | Enclosure | Hints) -> dict[str, Any]:
    """What JSON can hold of `value`: only what differs from the default, times as ISO text."""
    pairs = ((name, default, getattr(value, name)) for name, default in _DEFAULTS[type(value)].items())
    return {name: _plain(content) for name, default, content in pairs if content != default}


# Of each dataclass the fields with their defaults; MISSING, which nothing equals, where one has none.
_DEFAULTS: Mapping[type, Mapping[str, Any]] = {
    kind: {knob.name: knob.default for knob in fields(kind)} for kind in (Entry, FeedOptions, FeedHead, Enclosure, Hints)
}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if is_dataclass(value):
        assert isinstance(value, Enclosure)
        return to_data(value)
    return value


def entry_from_data(data: Mapping[str, Any]) -> Entry:
    """The entry that `to_data` was given."""
    content = _known(Entry, data)
    for name in _TIMES:
        if name in content:
            content[name] = datetime.fromisoformat(content[name])
    for name in _MEDIA:
        if name in content:
            content[name] = tuple(Enclosure(**_known(Enclosure, part)) for part in content[name])
    return Entry(**content)


def head_from_data(data: Mapping[str, Any]) -> FeedHead:
    """The head that `to_data` was given."""
    content = _known(FeedHead, data)
    if "updated_at" in content:
        content["updated_at"] = datetime.fromisoformat(content["updated_at"])
    return FeedHead(**content)


def options_from_data(data: Mapping[str, Any]) -> FeedOptions:
    """The options that `to_data` was given."""
    return FeedOptions(**_known(FeedOptions, data)) if data else _NO_OPTIONS


def learned_to_data(learned: Learned) -> dict[str, Any]:
    """What JSON can hold of what was learned; short keys, for it is read with every claim."""
    data: dict[str, Any] = {"n": round(learned.entries, 4), "d": round(learned.days, 5)}
    if learned.until_at is not None:
        data["u"] = learned.until_at.astimezone(UTC).isoformat()
    if learned.hours:
        data["h"] = b64encode(learned.hours).decode("ascii")
    if learned.window:
        data["w"] = learned.window
    if learned.newest_at is not None:
        data["t"] = learned.newest_at.astimezone(UTC).isoformat()
    if learned.overlaps:
        data["o"] = learned.overlaps
    if learned.hints != _NO_HINTS:
        data["hints"] = to_data(learned.hints)
    return data


def learned_from_data(data: Mapping[str, Any] | None) -> Learned:
    """What `learned_to_data` was given."""
    if not data:
        return _NOTHING
    return Learned(
        data["n"],
        data["d"],
        datetime.fromisoformat(data["u"]) if "u" in data else None,
        b64decode(data["h"]) if "h" in data else b"",
        data.get("w", 0),
        datetime.fromisoformat(data["t"]) if "t" in data else None,
        data.get("o", 0),
        Hints(**_known(Hints, data["hints"])) if "hints" in data else _NO_HINTS,
    )


_NO_OPTIONS, _NO_HINTS, _NOTHING = FeedOptions(), Hints(), Learned()


def _known(kind: type[Entry | FeedHead | FeedOptions | Enclosure | Hints], data: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of `data` that `kind` has, lists as tuples."""
    names = _DEFAULTS[kind]
    return {name: tuple(said) if isinstance(said, list) else said for name, said in data.items() if name in names}
