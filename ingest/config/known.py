"""Every setting by its name, and the nearest name to a wrong one."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Final

from ingest.policy import Knob, knobs

DEFAULT_CONFIG: Final = "config/ingest.toml"
DEFAULT_FEEDS: Final = "config/feeds.toml"

_FEEDS = Knob(
    table="",
    name="feeds",
    default=DEFAULT_FEEDS,
    why="The feed list: a .toml file, or the path or URL of an OPML document. Feeds that leave the list are paused.",
    unit="",
    low=None,
    high=None,
    choices=(),
)
_FULL_TEXT = Knob(
    table="",
    name="full_text",
    default=True,
    why="Fetch the page of each entry for its full text; a feed may say otherwise. Without, the feed's own text is all there is.",
    unit="",
    low=None,
    high=None,
    choices=(),
)


def name_of(knob: Knob) -> str:
    """`poll.interval_s`; the two settings outside all tables have no dot."""
    return f"{knob.table}.{knob.name}" if knob.table else knob.name


def env_name(setting: str) -> str:
    """`INGEST_POLL_INTERVAL_S`."""
    return "INGEST_" + setting.replace(".", "_").upper()


SETTINGS: Final[Mapping[str, Knob]] = {name_of(knob): knob for knob in (_FEEDS, _FULL_TEXT, *knobs())}
TABLES: Final = tuple(dict.fromkeys(knob.table for knob in SETTINGS.values() if knob.table))

CONFIG_ENV: Final = "INGEST_CONFIG"
ENVIRONMENT: Final[Mapping[str, str]] = {env_name(name): name for name in SETTINGS}
"""Environment name → setting; INGEST_CONFIG, which names the file, is no setting."""

TEST_PREFIX: Final = "INGEST_TEST_"  # these belong to the test suite


_FEW = 20  # names that still fit into a message


def nearest(word: str, names: Collection[str]) -> str:
    """A hint that names what was probably meant, or else all there is to choose from."""
    close = get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    return f"known: {', '.join(names)}" if len(names) <= _FEW else ""


def nearest_setting(table: str, key: str) -> str:
    """The same for a key of ingest.toml: the same key in another table is nearer than another key in its own."""
    for name, knob in SETTINGS.items():
        if knob.name == key:
            return f"did you mean {name}?"
    own = [knob.name for knob in SETTINGS.values() if knob.table == table]
    return nearest(key, own)
