"""Whether a feed's validators can be believed: some servers answer 304 for ever.

Trust is a number in [0, 1], new feeds have 1. A whole document every `probe_s` proves or disproves it: every 200 is such a proof,
so a feed that changes daily is never asked for one. Below `DOUBTED` the feed is asked without validators and compared by the
hash of its body. Trust is lost fast and comes back slowly.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.policy import PollPolicy

DOUBTED = 0.3
_PROVEN_LIE = 0.25  # other entries under the very same validators
_HIDDEN = 0.5  # entries that are older than our last 304
_HIDDEN_MANY = 0.25  # two or more of them: no straggler, no slow cache
_LIKELY_HIDDEN = 0.8  # entries without dates that came with a probe
_HONEST = 0.05  # a proof of honesty
_A_MONTH_S = 30 * 86_400.0  # in which doubt of proven liars fades by `_HONEST`
_CACHE = timedelta(hours=1)  # by which caches may lag behind without lying


@dataclass(frozen=True, slots=True)
class Proof:
    """A whole document that came, and what it says about the validators we held."""

    at: datetime
    was_conditional: bool  # asked with validators: the server says itself that it changed
    had_validators: bool  # there were any to ask with
    are_same_validators: bool  # it bears the very validators we held
    new: int  # entries not known before
    hidden: int = 0  # of them, how many are dated well before the last 304
    full_at: datetime | None = None  # of the whole document before
    not_modified_at: datetime | None = None  # of the last 304 since then; None: there was none


def wants_probe(trust: float, full_at: datetime | None, now: datetime, policy: PollPolicy) -> bool:
    """Whether to ask without validators this time."""
    if trust < DOUBTED or full_at is None:
        return True
    return now - full_at >= timedelta(seconds=policy.probe_s)


def count_hidden(dates: tuple[datetime | None, ...], *, full_at: datetime | None, not_modified_at: datetime | None) -> int:
    """New entries dated so that a 304 since the last whole document must have hidden them."""
    if full_at is None or not_modified_at is None:
        return 0
    return sum(date is not None and full_at < date and _latest(date) < not_modified_at - _CACHE for date in dates)


def after_full(trust: float, proof: Proof) -> tuple[float, str]:
    """The trust after a whole document, and why it changed ("" where it did not)."""
    if not proof.had_validators:
        return trust, ""
    if proof.was_conditional:
        return (min(trust + _HONEST, 1.0), "") if proof.new else (trust, "")
    if proof.new and proof.are_same_validators:
        return trust * _PROVEN_LIE, "other entries under the same validators"
    if proof.new and proof.not_modified_at is not None:
        return _after_new(trust, proof)
    return _recovered(trust, proof), ""


def _after_new(trust: float, proof: Proof) -> tuple[float, str]:
    """A probe brought entries where the last conditional request was answered with 304."""
    if proof.hidden > 1:
        return trust * _HIDDEN_MANY, f"304 hid {proof.hidden} entries that are older"
    if proof.hidden:
        return trust * _HIDDEN, "304 hid an entry that is older"
    return trust * _LIKELY_HIDDEN, "entries came with a probe that 304 may have hidden"


def _recovered(trust: float, proof: Proof) -> float:
    """Nothing new and nothing hidden: honest, as far as can be seen. Liars are asked often; only time forgives them."""
    if trust >= DOUBTED:
        return min(trust + _HONEST, 1.0)
    passed_s = (proof.at - proof.full_at).total_seconds() if proof.full_at else 0.0
    return min(trust + _HONEST * max(passed_s, 0.0) / _A_MONTH_S, 1.0)


def _latest(date: datetime) -> datetime:
    """When an entry was published at the latest: a date at midnight names a day, as a rule."""
    return date + timedelta(days=1) if date.hour == date.minute == date.second == 0 else date
