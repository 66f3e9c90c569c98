"""What hosts say about robots."""

from dataclasses import dataclass, field
from datetime import datetime

from ingest.model.planned import RobotsVerdict


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """The robots.txt of an origin as it was last told. One that cannot be had now keeps the copy from before."""

    origin: str
    status: int | None  # of the answer that counts; None: there never was one
    body: str = field(repr=False)  # empty where there is no such file
    fetched_at: datetime  # when it was last asked for
    until_at: datetime  # it is asked for again then
    unreachable_since_at: datetime | None = None
    reason: str = ""  # why it could not be had

    @property
    def has_rules(self) -> bool:
        """Whether there is a file to be read, be it an old copy."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004  the class of success


@dataclass(frozen=True, slots=True)
class Ruling:
    """What robots.txt says about fetching one page, and why."""

    verdict: RobotsVerdict
    reason: str = ""
    has_asked: bool = False  # the file was asked for just now, or waited for
