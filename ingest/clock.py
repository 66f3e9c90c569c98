"""The only room that reads the time. Everything else is handed a `Clock` or a moment."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for what is stored, monotonic time for what is measured."""

    def now(self) -> datetime: ...

    def monotonic_s(self) -> float: ...


class SystemClock:
    """The machine's clock, in aware UTC."""

    def now(self) -> datetime:
        return utc_now()

    def monotonic_s(self) -> float:
        return time.monotonic()


def utc_now() -> datetime:
    """This moment as aware UTC."""
    return datetime.now(UTC)
