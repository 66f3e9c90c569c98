"""What is configured: feeds as somebody listed them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FeedOrigin(StrEnum):
    """Who put a feed into the database; decides who may take it out again."""

    FILE = "file"  # listed in the feed file, which is the truth for it
    COMMAND = "command"  # added by `feeds add`, `feeds import` or `backfill`; stays until `feeds remove`


class FeedState(StrEnum):
    """Whether a feed is polled."""

    ACTIVE = "active"
    PAUSED = "paused"  # disabled or no longer listed; its articles stay
    DISABLED = "disabled"  # given up on by the program, with the reason


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """What a feed may override. None means: the default of the configuration."""

    title: str | None = None
    tags: tuple[str, ...] = ()
    is_enabled: bool = True
    interval_s: float | None = None
    full_text: bool | None = None
    user_agent: str | None = None
    keep: tuple[str, ...] = ()  # regular expressions; an entry must match one in title, URL or categories
    block: tuple[str, ...] = ()  # regular expressions; an entry that matches one is not stored as an article
    extractor: str | None = None  # "blocks" or "readability"
    include: tuple[str, ...] = ()  # CSS selectors or XPath of elements that hold the article on its pages
    exclude: tuple[str, ...] = ()  # of elements that never belong to it


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """One feed as configured, without its secrets."""

    url: str
    options: FeedOptions = FeedOptions()
    origin: FeedOrigin = FeedOrigin.FILE


@dataclass(frozen=True, slots=True)
class FeedSecrets:
    """What is sent only to a feed's own origin and never stored or logged."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
