"""One raw value, from TOML or from the environment, becomes one checked value of its setting."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.config.rules import Flaw, flaws_of
from ingest.policy import Knob


class Unusable(Exception):
    """This value cannot be used; `flaws` says why."""

    def __init__(self, *flaws: Flaw) -> None:
        self.flaws = flaws
        super().__init__(*flaws)


_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|KiB|MiB|GiB)", re.ASCII | re.IGNORECASE)
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def read_value(knob: Knob, raw: object) -> Any:
    """`raw`, as TOML gives it, as a value for `knob`. Raises Unusable.

    The type is that of the default; whole numbers do for fractions; "30m" does for seconds, "10MB" for bytes.
    """
    value = _typed(knob, raw)
    flaws = tuple(_general_flaws(knob, value)) or tuple(flaws_of(knob, value))
    if flaws:
        raise Unusable(*flaws)
    return value


def from_text(knob: Knob, text: str) -> object:
    """What TOML would have given for this text of the environment; a list is separated by commas. Raises Unusable."""
    if isinstance(knob.default, bool):
        if text.lower() not in _FLAGS:
            raise Unusable(Flaw("must be true or false"))
        return _FLAGS[text.lower()]
    if isinstance(knob.default, tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(knob.default, int | float):
        return _number_from_text(text)
    return text


def _number_from_text(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _typed(knob: Knob, raw: object) -> Any:
    default = knob.default
    if isinstance(default, bool):
        return _expect(isinstance(raw, bool), raw, "true or false")
    if isinstance(default, tuple):
        return _texts(raw)
    if isinstance(default, str):
        return _expect(isinstance(raw, str), raw, "text in quotes")
    return _number(knob, raw)


def _expect(is_right: bool, raw: object, what: str) -> Any:  # noqa: FBT001 - private, reads as a sentence
    if not is_right:
        raise Unusable(Flaw(f"must be {what}, not {_kind_of(raw)}"))
    return raw


def _texts(raw: object) -> tuple[str, ...]:
    items = _expect(isinstance(raw, list), raw, "a list of texts")
    wrong = [
        Flaw(f"must hold texts in quotes, not {_kind_of(part)}", item=at)
        for at, part in enumerate(items)
        if type(part) is not str
    ]
    if wrong:
        raise Unusable(*wrong)
    return tuple(part.strip() for part in items)


def _number(knob: Knob, raw: object) -> int | float:
    if isinstance(raw, str):
        raw = _with_unit(knob, raw)
    if isinstance(knob.default, int):
        return int(_expect(type(raw) is int, raw, "a whole number" + _example(knob)))
    value = float(_expect(type(raw) in (int, float), raw, "a number" + _example(knob)))
    if not math.isfinite(value):
        raise Unusable(Flaw("must be a finite number"))
    return value


def _with_unit(knob: Knob, text: str) -> object:
    """The number that "30m" or "10MB" means, or the text itself where that is no number."""
    pattern, factors = {"s": (_DURATION, _SECONDS), "bytes": (_SIZE, _BYTES)}.get(knob.unit, (None, {}))
    match = pattern.fullmatch(text.strip()) if pattern else None
    if match is None:
        return text
    value = float(match.group(1)) * factors[match.group(2).lower()]
    return int(value) if value.is_integer() else value


def _example(knob: Knob) -> str:
    return {"s": ' of seconds or a duration such as "30m"', "bytes": ' of bytes or a size such as "10MB"'}.get(knob.unit, "")


def _general_flaws(knob: Knob, value: Any) -> Iterator[Flaw]:
    if isinstance(value, bool):
        return
    if isinstance(value, str | tuple):
        for at, text in enumerate((value,) if isinstance(value, str) else value):
            if _CONTROL.search(text):
                yield Flaw("must not hold control characters", item=at)
        if knob.choices and value not in knob.choices:
            yield Flaw(f"must be one of {', '.join(knob.choices)}")
        return
    if (knob.low is not None and value < knob.low) or (knob.high is not None and value > knob.high):
        yield Flaw(f"must be {range_of(knob)}, not {plain(value)}")


def range_of(knob: Knob) -> str:
    """`from 10 to 2592000 seconds`; empty for a setting without limits."""
    if knob.low is None or knob.high is None:
        return ""
    unit = {"s": "seconds"}.get(knob.unit, knob.unit)
    return f"from {plain(knob.low)} to {plain(knob.high)} {unit}".rstrip()


def plain(number: float) -> str:
    """A number without a needless fraction or exponent."""
    return str(int(number)) if float(number).is_integer() else str(number)


@dataclass(frozen=True, slots=True)
class _Kind:
    python: type
    word: str


_KINDS = (
    _Kind(bool, "true or false"),
    _Kind(int, "a whole number"),
    _Kind(float, "a number with a fraction"),
    _Kind(str, "text"),
    _Kind(list, "a list"),
    _Kind(dict, "a table"),
)


def _kind_of(raw: object) -> str:
    return next((kind.word for kind in _KINDS if isinstance(raw, kind.python)), "a date or time")
