"""What is asked of the web, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ingest.model.configured import FeedSecrets


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag and Last-Modified exactly as received."""

    etag: str | None = None
    last_modified: str | None = None


class Purpose(StrEnum):
    """What a request is for; sets its size cap and its Accept header."""

    FEED = "feed"
    PAGE = "page"
    LIST = "list"  # an OPML document that serves as the feed list
    ROBOTS = "robots"  # a robots.txt
    HUB = "hub"  # a request to a WebSub hub: a form is posted


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One document to fetch. `secrets` go to the origin of `url` only.

    `host_granted` names the host whose turn came with the claim, `host_gap_s` the seconds between two starts there; requests to
    any other host on the way have to ask for a turn.
    """

    url: str
    purpose: Purpose
    validators: Validators = Validators()
    user_agent: str | None = None
    secrets: FeedSecrets = FeedSecrets()
    form: Mapping[str, str] | None = None  # posted as application/x-www-form-urlencoded
    host_granted: str | None = None
    host_gap_s: float | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One redirect that was followed."""

    status: int
    url: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete, decoded response body (status 200)."""

    url: str
    final_url: str
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = field(repr=False)
    fetched_at: datetime
    elapsed_ms: int
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class NotModified:
    """The server says that what we have is current. `validators` replace ours where it sent new ones."""

    url: str
    final_url: str
    status: int
    headers: Mapping[str, str]
    validators: Validators
    fetched_at: datetime
    elapsed_ms: int
    hops: tuple[Hop, ...] = ()
