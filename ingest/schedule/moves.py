"""When a permanent redirect is believed: http to https of the same place at once, anything else after days of the same answer.

ViennaRSS lost feeds to a 301 that led to a page of apology: the target must parse, and keep parsing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from ingest.model import Move
from ingest.policy import PollPolicy

_LEAST_POLLS = 3


@dataclass(frozen=True, slots=True)
class MoveVerdict:
    """What to remember of a redirect, and whether to adopt its target now."""

    move: Move | None  # None: there is nothing to remember
    adopted_url: str | None
    reason: str


def after_redirect(
    move: Move | None, now: datetime, policy: PollPolicy, *, url: str, target: str | None, refused_url: str | None = None
) -> MoveVerdict:
    """What to make of a poll of `url` whose document parsed and that only permanent redirects led to `target` (None: nowhere).

    `refused_url` is a target that a person took back: it is followed, never adopted. A poll that failed must not be told here:
    it says nothing about where the feed lives.
    """
    if target is None or target == url:
        return MoveVerdict(None, None, "")
    if target == refused_url:
        return MoveVerdict(None, None, f"moved to {target}, which was taken back once")
    if _is_same_place(url, target):
        return MoveVerdict(None, target, "the same address over https")
    seen = Move(target, move.since_at, move.polls + 1) if move and move.to_url == target else Move(target, now)
    days = (now - seen.since_at) / timedelta(days=1)
    if days >= policy.move_after_days and seen.polls >= _LEAST_POLLS:
        return MoveVerdict(None, target, f"the same permanent redirect for {days:.3g} days, {seen.polls} polls that parsed")
    return MoveVerdict(seen, None, f"moved to {target}; adopted after {policy.move_after_days:g} days of the same answer")


def _is_same_place(url: str, target: str) -> bool:
    """Whether only the scheme got better. Ports are the scheme's own or none."""
    old, new = urlsplit(url), urlsplit(target)
    if (old.scheme.lower(), new.scheme.lower()) != ("http", "https"):
        return False
    return (_host(old.netloc, ":80"), old.path or "/", old.query) == (_host(new.netloc, ":443"), new.path or "/", new.query)


def _host(netloc: str, port: str) -> str:
    return netloc.lower().removesuffix(port)
