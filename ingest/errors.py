"""The exception tree. The type of an error says what its catcher should do.

    IngestError
    ├── ConfigError              stop the program, exit 4; carries every problem found, not only the first
    ├── FetchError               one HTTP exchange failed
    │   ├── TransientFetchError  come back later, not before `retry_after_s`
    │   │   ├── NoTurn           nobody was asked: the host's next turn is too far away
    │   │   └── RobotsUnreachable  the host cannot say what robots may fetch: come back at `again_at`
    │   └── PermanentFetchError  asking again will not help
    ├── ParseError               these bytes are no feed (or too broken to read)
    ├── ExtractError             this page yields no article
    ├── WorkKilled               a worker process was ended: too long, too much memory, or a crash
    └── StoreError               the database could not do it, exit 5
        ├── LeaseLost            the work has passed to another worker: drop it silently
        ├── SchemaMismatch       the database's schema is not this program's
        └── StoreUnavailable     cannot be reached now: wait and try again

Errors carry data; the message is made from it. Library exceptions are translated in the room that imports the library.
"""

from dataclasses import dataclass
from datetime import datetime

from ingest.outcome import Outcome


class IngestError(Exception):
    """Base of everything this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in the configuration: where, what, and what to do about it."""

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.hint})" if self.hint else "")


class ConfigError(IngestError):
    """The configuration cannot be used. `problems` holds all that is wrong with it."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class FetchError(IngestError):
    """One HTTP exchange did not bring what was asked for."""

    def __init__(
        self, url: str, outcome: Outcome, reason: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        self.url = url
        self.outcome = outcome
        self.reason = reason
        self.status = status
        self.retry_after_s = retry_after_s
        super().__init__(f"{url}: {outcome}: {reason}")


class TransientFetchError(FetchError):
    """Come back later; not before `retry_after_s` when the server named a time."""


class NoTurn(TransientFetchError):
    """Nobody was asked, for the next turn at the host is too far away. That is no failure: come back in `retry_after_s`."""

    def __init__(self, host: str, *, wait_s: float) -> None:
        reason = f"{host} is to be left alone for {wait_s:.0f} s more"
        super().__init__(host, Outcome.RATE_LIMITED, reason, retry_after_s=wait_s)


class RobotsUnreachable(TransientFetchError):
    """A robots.txt could not be had, which is to be taken as a no; it is asked for again at `again_at`.

    `status` and `retry_after_s` are those of the attempt, where one was made just now.
    """

    def __init__(
        self, url: str, reason: str, *, again_at: datetime, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(url, Outcome.DISALLOWED, reason, status=status, retry_after_s=retry_after_s)
        self.again_at = again_at


class PermanentFetchError(FetchError):
    """The same request will fail again until something on the other side changes."""


class ParseError(IngestError):
    """These bytes are not a feed. `feed_url` is a feed that the document itself points to, if any."""

    def __init__(self, outcome: Outcome, reason: str, *, feed_url: str | None = None) -> None:
        self.outcome = outcome
        self.reason = reason
        self.feed_url = feed_url
        super().__init__(reason)

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild with keywords: this error crosses the border of a worker process."""
        return _parse_error, (self.outcome, self.reason, self.feed_url)


def _parse_error(outcome: Outcome, reason: str, feed_url: str | None) -> ParseError:
    return ParseError(outcome, reason, feed_url=feed_url)


class ExtractError(IngestError):
    """This page yields no article."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        self.outcome = outcome
        self.reason = reason
        super().__init__(outcome, reason)

    def __str__(self) -> str:
        return self.reason


class WorkKilled(IngestError):
    """A worker process was ended before it answered; the pool itself lives on."""


class StoreError(IngestError):
    """The database refused or failed."""


class LeaseLost(StoreError):
    """Another worker holds this work now; nothing was written."""


class SchemaMismatch(StoreError):
    """The schema in the database is not the one this program knows."""


class StoreUnavailable(StoreError):
    """The database cannot be reached at the moment."""
