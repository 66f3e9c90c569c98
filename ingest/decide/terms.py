"""By what polls are planned: the knobs, the pace of the day, and chance."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ingest.model import FeedClaim, Learned
from ingest.policy import HostPolicy, PollPolicy
from ingest.schedule import Bounds, NextPoll, Pace, next_poll, past_skipped, poll_floor_s


@dataclass(frozen=True, slots=True)
class Terms:
    """`chance` is a number in [0, 1); `slow_down`: how many times less often a feed is polled whose hub pushes all of it.

    `full_text`: whether pages are wanted of feeds that do not say.
    """

    poll: PollPolicy
    hosts: HostPolicy
    pace: Pace
    chance: float
    slow_down: float = 1.0
    full_text: bool = True

    def next_poll(
        self, claim: FeedClaim, now: datetime, *, learned: Learned | None = None, freshness_s: float | None = None
    ) -> NextPoll:
        """The poll that follows a good one of `claim` at `now`."""
        bounds = Bounds(
            interval_s=claim.options.interval_s,
            freshness_s=freshness_s,
            host_s=poll_floor_s(claim.host, now, self.hosts),
        )
        found = next_poll(now, self.poll, pace=self.pace, learned=learned or claim.learned, bounds=bounds, chance=self.chance)
        if not claim.is_pushed or claim.options.interval_s is not None:
            return found
        return self._slowed(found, now, learned or claim.learned)

    def _slowed(self, found: NextPoll, now: datetime, learned: Learned) -> NextPoll:
        wait_s = min((found.at - now).total_seconds() * self.slow_down, self.poll.max_interval_s)
        at = past_skipped(max(found.at, now + timedelta(seconds=wait_s)), learned.hints)
        return replace(
            found,
            at=at,
            usual_at=found.at,
            reason=f"{found.reason}; {self.slow_down:g} times as long, for its hub pushes all of it",
        )
