"""One poll of a feed that brought something → its plan."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from ingest.decide.filters import plan_entry
from ingest.decide.subscription import count_unpushed
from ingest.decide.terms import Terms
from ingest.headers import freshness_s, validators
from ingest.model import (
    EntryPlan,
    FeedClaim,
    FeedPlan,
    Fetched,
    Gap,
    Hints,
    KeyedEntry,
    KnownEntry,
    Learned,
    NotModified,
    ParsedFeed,
    SeenItems,
    Validators,
)
from ingest.outcome import Outcome
from ingest.policy import PollPolicy
from ingest.schedule import (
    Arrival,
    Proof,
    after_full,
    after_redirect,
    count_hidden,
    find_gap,
    learn,
    wants_probe,
)
from ingest.websub import find_hub

_PERMANENT = frozenset({301, 308})
_DELTA = 226  # IM Used: only what is new (RFC 3229)


def body_hash(body: bytes) -> str:
    """By which an unchanged document is recognised when the server does not say so."""
    return hashlib.sha256(body).hexdigest()


@dataclass(frozen=True, slots=True)
class Found:
    """What a document turned out to hold."""

    parsed: ParsedFeed
    keyed: tuple[KeyedEntry, ...]
    known: Mapping[str, KnownEntry]  # those of `keyed` that the feed has had before, by key
    body_hash: str


def plan_feed(claim: FeedClaim, fetched: Fetched, found: Found, *, terms: Terms) -> FeedPlan:
    """A document was parsed: its unseen entries are new, those that say something else now are changed.

    Items that were pruned are known: what was seen was stored with the entries it led to.
    """
    arrival = _arrival(claim, fetched, found)
    gap = _gap(claim, arrival, terms.poll)
    learned = learn(claim.learned, arrival, terms.poll, missed=gap.missed if gap else 0.0)
    plan = replace(
        _plan(claim, fetched, found, arrival, full_text=terms.full_text),
        learned=learned,
        gap=gap,
        validators=validators(fetched.headers),
    )
    if not arrival.is_delta:
        plan = _with_whole(plan, fetched, found, dates=arrival.dates, policy=terms.poll)
    plan = _with_next(plan, learned, freshness_s(fetched.headers, fetched.fetched_at), terms)
    return _with_move(plan, fetched, terms.poll)


def plan_pushed_feed(claim: FeedClaim, pushed: Fetched, found: Found, *, terms: Terms) -> FeedPlan:
    """A hub brought a document, which may be a part of the feed: its unseen entries are new, and nothing else follows."""
    arrival = replace(_arrival(claim, pushed, found), is_delta=True)
    learned = learn(claim.learned, arrival, terms.poll)
    plan = _plan(claim, pushed, found, arrival, full_text=terms.full_text)
    return replace(plan, learned=learned, is_push=True)


def plan_same_feed(claim: FeedClaim, answer: NotModified | Fetched, *, terms: Terms) -> FeedPlan:
    """The server says 304, or sent the very bytes of the last poll: nothing but the visit is written."""
    is_304 = isinstance(answer, NotModified)
    plan = FeedPlan(
        claim=claim,
        polled_at=answer.fetched_at,
        outcome=Outcome.NOT_MODIFIED,
        reason="304" if is_304 else "same bytes as at the last poll",
        next_poll_at=None,
        status=answer.status,
        elapsed_ms=answer.elapsed_ms,
        body_bytes=0 if isinstance(answer, NotModified) else len(answer.body),
        validators=answer.validators if isinstance(answer, NotModified) else validators(answer.headers),
    )
    if isinstance(answer, Fetched):
        plan = _with_trust(plan, answer, new=0, hidden=0, policy=terms.poll)
    plan = _with_next(plan, claim.learned, freshness_s(answer.headers, answer.fetched_at), terms)
    return _with_move(plan, answer, terms.poll)


def _plan(claim: FeedClaim, fetched: Fetched, found: Found, arrival: Arrival, *, full_text: bool) -> FeedPlan:
    """What every document writes."""
    new, changed = _sort_out(claim, found, full_text=full_text)
    return FeedPlan(
        claim=claim,
        polled_at=fetched.fetched_at,
        outcome=Outcome.OK,
        reason=_describe(found.parsed, is_delta=arrival.is_delta),
        next_poll_at=None,
        status=fetched.status,
        elapsed_ms=fetched.elapsed_ms,
        body_bytes=len(fetched.body),
        seen=arrival.window,
        overlap=arrival.overlap,
        new=new,
        changed=changed,
    )


def _with_whole(
    plan: FeedPlan, fetched: Fetched, found: Found, *, dates: tuple[datetime | None, ...], policy: PollPolicy
) -> FeedPlan:
    """What only a whole document can say: how the feed presents itself, what the next one is compared with."""
    claim = plan.claim
    hidden = count_hidden(dates, full_at=claim.full_at, not_modified_at=_not_modified_at(claim))
    plan = replace(
        plan,
        head=found.parsed.head,
        hub=find_hub(fetched.headers, found.parsed.head, fetched.final_url),
        seen_items=found.parsed.seen or SeenItems(b"", b""),  # what was seen before need not be what is stored now
        body_hash=found.body_hash,
    )
    return _with_trust(plan, fetched, new=len(plan.new), hidden=hidden, policy=policy)


def _with_trust(plan: FeedPlan, fetched: Fetched, *, new: int, hidden: int, policy: PollPolicy) -> FeedPlan:
    """A whole document proves the validators, or proves them to lie."""
    claim = plan.claim
    is_probe = wants_probe(claim.trust, claim.full_at, fetched.fetched_at, policy)
    had_validators = claim.validators != Validators()
    proof = Proof(
        at=fetched.fetched_at,
        was_conditional=not is_probe,
        had_validators=had_validators,
        are_same_validators=claim.validators == validators(fetched.headers),
        new=new,
        hidden=hidden,
        full_at=claim.full_at,
        not_modified_at=_not_modified_at(claim),
    )
    trust, why = after_full(claim.trust, proof)
    asked = "asked for whole, to prove what 304 says" if is_probe and had_validators else ""
    return replace(plan, trust=trust, full_at=fetched.fetched_at, reason=_told(plan.reason, asked, why))


def _not_modified_at(claim: FeedClaim) -> datetime | None:
    """When the server last said 304, if it did since the last whole document."""
    if claim.has_failed or claim.polled_at is None or claim.full_at is None or claim.polled_at <= claim.full_at:
        return None
    return claim.polled_at


def _with_next(plan: FeedPlan, learned: Learned, fresh_s: float | None, terms: Terms) -> FeedPlan:
    claim = plan.claim
    if claim.is_pushed and count_unpushed(plan.new, plan.polled_at, polled_at=claim.polled_at):
        claim = replace(claim, is_pushed=False)  # its hub is relied on no longer
    follows = terms.next_poll(claim, plan.polled_at, learned=learned, freshness_s=fresh_s)
    return replace(
        plan,
        next_poll_at=follows.at,
        next_reason=follows.reason,
        usual_poll_at=follows.usual_at,
        rate_root=follows.root,
    )


def _with_move(plan: FeedPlan, answer: Fetched | NotModified, policy: PollPolicy) -> FeedPlan:
    claim = plan.claim
    target = _permanent_target(answer)
    if target is None and claim.move is None:
        return plan
    verdict = after_redirect(claim.move, plan.polled_at, policy, url=claim.url, target=target, refused_url=claim.refused_url)
    return replace(plan, move=verdict.move, moved_to=verdict.adopted_url, moved_reason=verdict.reason)


def _arrival(claim: FeedClaim, fetched: Fetched, found: Found) -> Arrival:
    head = found.parsed.head
    new = [entry.entry for entry in found.keyed if entry.key not in found.known]
    return Arrival(
        at=fetched.fetched_at,
        dates=tuple(entry.published_at or entry.updated_at for entry in new),
        window=len(found.keyed) + found.parsed.pruned,
        overlap=len(found.keyed) - len(new) + found.parsed.pruned,
        polled_at=claim.learned.until_at if claim.has_failed else claim.polled_at,
        hints=Hints(head.ttl_s, head.update_period_s, head.skip_hours, head.skip_days),
        is_delta=fetched.status == _DELTA,
    )


def _gap(claim: FeedClaim, arrival: Arrival, policy: PollPolicy) -> Gap | None:
    estimate = find_gap(claim.learned, arrival, policy)
    if estimate is None:
        return None
    since_at = arrival.polled_at or claim.learned.until_at or arrival.at
    return Gap(since_at, arrival.at, estimate.missed, estimate.reason)


def _sort_out(claim: FeedClaim, found: Found, *, full_text: bool) -> tuple[tuple[EntryPlan, ...], tuple[EntryPlan, ...]]:
    new, changed = [], []
    plan = partial(plan_entry, options=claim.options, full_text=full_text)
    for entry in found.keyed:
        before = found.known.get(entry.key)
        if before is None:
            new.append(plan(entry, reason="new in the feed"))
        elif before.content_hash != entry.content_hash:
            changed.append(plan(entry, reason="changed in the feed", entry_id=before.entry_id))
    return tuple(new), tuple(changed)


def _describe(parsed: ParsedFeed, *, is_delta: bool) -> str:
    return _told(
        "only what is new was sent" if is_delta else "",
        f"repaired: {parsed.repaired}" if parsed.repaired else "",
        "more entries than the cap, the first were kept" if parsed.is_cut else "",
    )


def _told(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _permanent_target(answer: Fetched | NotModified) -> str | None:
    """Where a chain of nothing but permanent redirects led. A temporary one on the way makes the rest temporary too."""
    if answer.hops and all(hop.status in _PERMANENT for hop in answer.hops):
        return answer.final_url
    return None
