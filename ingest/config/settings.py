"""What loading yields: `Settings`, and the feeds of a TOML feed list. Secrets never show in a repr."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ingest.model import FeedSecrets, FeedSpec
from ingest.policy import Policies


@dataclass(frozen=True, slots=True)
class ConfiguredFeed:
    """One feed of the feed file: what is stored, what is never stored, and where it stands (`file:line`)."""

    spec: FeedSpec
    secrets: FeedSecrets = field(repr=False)
    where: str


FeedList: TypeAlias = tuple[ConfiguredFeed, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was configured.

    `feeds` is the feed list's path or URL, empty when there is none. `feed_list` holds its feeds when it is a TOML file and is
    None otherwise: an OPML list is read by the caller, and no list at all says nothing about the feeds in the database.
    `provenance` tells for each setting (`poll.interval_s`) who set it: "default", "config/ingest.toml:12",
    "INGEST_POLL_INTERVAL_S" or "--feeds".
    """

    policies: Policies = field(repr=False)
    feeds: str = field(repr=False)
    full_text: bool
    path: Path | None
    feed_list: FeedList | None
    provenance: Mapping[str, str]

    def value_of(self, name: str) -> Any:
        """The value of one setting by its name, such as `poll.interval_s`."""
        table, _, key = name.rpartition(".")
        return getattr(getattr(self.policies, table) if table else self, key)
