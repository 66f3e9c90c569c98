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

from ingest.schedule.backoff import Setback, failure_weight, next_try_at, next_turn_at, plan_setback, throttled_until
from ingest.schedule.gaps import GapEstimate, find_gap
from ingest.schedule.hosts import (
    after_grant,
    after_refusal,
    after_refusal_elsewhere,
    effective_gap_s,
    is_throttling,
    patience_s,
    poll_floor_s,
)
from ingest.schedule.interval import Bounds, NextPoll, first_poll_at, next_poll, past_skipped
from ingest.schedule.moves import MoveVerdict, after_redirect
from ingest.schedule.outage import Outage, after_answer, after_silence
from ingest.schedule.pace import Pace, find_pace
from ingest.schedule.rate import Arrival, Rate, find_rate, learn, rate_at
from ingest.schedule.trust import DOUBTED, Proof, after_full, count_hidden, wants_probe
from ingest.schedule.words import how_often, lasting

__all__ = [
    "DOUBTED",
    "Arrival",
    "Bounds",
    "GapEstimate",
    "MoveVerdict",
    "NextPoll",
    "Outage",
    "Pace",
    "Proof",
    "Rate",
    "Setback",
    "after_answer",
    "after_full",
    "after_grant",
    "after_redirect",
    "after_refusal",
    "after_refusal_elsewhere",
    "after_silence",
    "count_hidden",
    "effective_gap_s",
    "failure_weight",
    "find_gap",
    "find_pace",
    "find_rate",
    "first_poll_at",
    "how_often",
    "is_throttling",
    "lasting",
    "learn",
    "next_poll",
    "next_try_at",
    "next_turn_at",
    "past_skipped",
    "patience_s",
    "plan_setback",
    "poll_floor_s",
    "rate_at",
    "throttled_until",
    "wants_probe",
]
