"""When to come back: to a feed, to a page, to a host. Pure: no clock and no chance but what comes in as a value.

rate      how often a feed publishes, and when in the week (`shape`)
pace      how the request budget is shared out among the feeds
interval  the next poll after a good one, and the first
backoff   the next poll after a failure, and when a feed is given up
gaps      entries that came and went between two polls
hosts     how often a host may be asked
trust     whether a feed's validators can be believed
moves     when a permanent redirect is believed
outage    whether it is our own network
"""

from ingest.schedule.backoff import Setback, after_failure, failure_weight, next_try_at, throttled_until
from ingest.schedule.gaps import GapEstimate, estimate_gap
from ingest.schedule.hosts import after_grant, effective_gap_s, is_throttling, learn_host, poll_floor_s
from ingest.schedule.interval import Bounds, NextPoll, first_poll_at, next_poll, next_poll_in_outage
from ingest.schedule.moves import Moved, after_move
from ingest.schedule.outage import Outage, after_answer, after_silence
from ingest.schedule.pace import Pace, find_pace
from ingest.schedule.rate import Rate, Sighting, find_rate, learn, rate_at
from ingest.schedule.trust import Evidence, after_full, count_hidden, wants_whole

__all__ = [
    "Bounds",
    "Evidence",
    "GapEstimate",
    "Moved",
    "NextPoll",
    "Outage",
    "Pace",
    "Rate",
    "Setback",
    "Sighting",
    "after_answer",
    "after_failure",
    "after_full",
    "after_grant",
    "after_move",
    "after_silence",
    "count_hidden",
    "effective_gap_s",
    "estimate_gap",
    "failure_weight",
    "find_pace",
    "find_rate",
    "first_poll_at",
    "is_throttling",
    "learn",
    "learn_host",
    "next_poll",
    "next_poll_in_outage",
    "next_try_at",
    "poll_floor_s",
    "rate_at",
    "throttled_until",
    "wants_whole",
]
