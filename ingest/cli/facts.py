"""A value's fields as lines for people: a label, and what is known. What is absent has no line."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from ingest.cli.output import tell

_EXCERPT_CHARS = 100  # of a text
_VALUE_CHARS = 300  # of any other value; JSON has all of it
_LABEL_CHARS = 14
_NOTES = {"raw": "", "source": "in", "version": "version"}  # fields that are told with the one they belong to


def told_fields(value: Any, *, without: Collection[str] = ()) -> Iterator[str]:
    """A line for each field that is there. What was said of a field (`_raw`, `_source`, `_version`) is told with it."""
    values = {one.name: getattr(value, one.name) for one in fields(value) if one.name not in without}
    texts = {one.name for one in fields(value) if not one.repr}
    for name, found in values.items():
        stem, _, kind = name.rpartition("_")
        if kind == "at":
            yield from told(stem, _moment(found, values.get(f"{stem}_raw"), values.get(f"{stem}_source")))
        elif kind not in _NOTES or (f"{stem}_at" not in values and stem not in values):
            yield from told(label_of(name), _text(found) if name in texts else _noted(name, found, values))


def label_of(name: str) -> str:
    """`site_url` is told as `site`, `is_permalink` as `permalink`, `ttl_s` as `ttl`."""
    words = name.removeprefix("is_").split("_")
    return " ".join(words[:-1] if len(words) > 1 and words[-1] in ("url", "urls", "s") else words)


def told(label: str, value: Any) -> Iterator[str]:
    """The lines of one fact: none where it is not there, one for each of several."""
    from ingest.text import one_line

    for one in value if isinstance(value, list) else (value,):
        if one not in (None, "", False):
            said = "yes" if one is True else tell(one)
            yield f"{label:<{_LABEL_CHARS - 1}} {one_line(said, _VALUE_CHARS)}"


def _noted(name: str, found: Any, values: Mapping[str, Any]) -> Any:
    shown = _plain(name, found)
    notes = ", ".join(f"{word} {note}" for kind, word in _NOTES.items() if word and (note := values.get(f"{name}_{kind}")))
    return f"{tell(shown)} ({notes})" if notes and shown not in (None, "") else shown


def _moment(when: datetime | None, raw: str | None, source: str | None) -> str | None:
    if not when and not raw:
        return None
    said = f"said “{raw}”" if raw and raw.replace("T", " ").removesuffix("Z") != tell(when) else ""
    notes = ", ".join(part for part in (said, f"in {source}" if source else "") if part)
    return tell(when) + (f" ({notes})" if notes else "")


def _text(markup: Any) -> Any:
    """How long a text is, and how it begins."""
    from ingest.text import count_words, html_to_text, one_line

    if not isinstance(markup, str):
        return markup
    text = html_to_text(markup)
    words = count_words(text)
    return f"{words:,} word{'' if words == 1 else 's'}: {one_line(text, _EXCERPT_CHARS)}"


def _plain(name: str, value: Any) -> Any:
    if name.endswith("_s") and isinstance(value, int | float):
        return timedelta(seconds=value)
    if is_dataclass(value):
        first, *others = fields(value)
        known = ((other.name, _plain(other.name, getattr(value, other.name))) for other in others)
        more = ", ".join(f"{label_of(key)} {found}" for key, found in known if found is not None)
        return f"{getattr(value, first.name)}" + (f" ({more})" if more else "")
    if isinstance(value, Mapping):
        return [f"{label_of(str(key))} {found}" for key, found in value.items() if found not in (None, "", False)]
    if isinstance(value, tuple):
        parts = [_plain("", part) for part in value]
        return parts if name.endswith("_urls") or any(map(is_dataclass, value)) else ", ".join(map(str, parts))
    return value
