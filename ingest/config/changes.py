"""What differs between two loads, for the daemon that has just read its files again."""

from dataclasses import dataclass

from ingest.config.known import SETTINGS
from ingest.config.settings import Settings

_BOUND_AT_START = ("http", "log")  # what the daemon sets up once; all else is built anew with new settings


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that is different now. Values are left out: they may be secret."""

    name: str
    needs_restart: bool

    def __str__(self) -> str:
        return f"{self.name} (needs a restart)" if self.needs_restart else self.name


def changed(old: Settings, new: Settings) -> tuple[Change, ...]:
    """The settings that differ, in the order of the file; `feed_list` last when a feed came, went or changed."""
    changes = [
        Change(name, knob.table in _BOUND_AT_START) for name, knob in SETTINGS.items() if old.value_of(name) != new.value_of(name)
    ]
    if _feeds(old) != _feeds(new):
        changes.append(Change("feed_list", needs_restart=False))
    return tuple(changes)


def _feeds(settings: Settings) -> object:
    """The feeds without the lines they stand on."""
    return None if settings.feed_list is None else [(feed.spec, feed.secrets) for feed in settings.feed_list]
