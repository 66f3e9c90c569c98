"""Why a feed is polled when it is, in words: what was learned, what is asked for, what holds it back, where that comes from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.model import (
    FeedInfo,
    FeedState,
    GapInfo,
    Hints,
    HostState,
    Learned,
    MoveInfo,
    Subscription,
    SubscriptionState,
)
from ingest.policy import HostPolicy, PollPolicy
from ingest.schedule import DOUBTED, effective_gap_s, find_rate, how_often, lasting, poll_floor_s

_BUSY, _QUIET = 1.5, 0.5  # times the mean rate


@dataclass(frozen=True, slots=True)
class Explained:
    """What there is to know of one feed's polling."""

    feed: FeedInfo
    moves: Sequence[MoveInfo] = ()
    gaps: Sequence[GapInfo] = ()
    subscription: Subscription | None = None


def explain(known: Explained, *, now: datetime, poll: PollPolicy, hosts: HostPolicy) -> tuple[tuple[str, str], ...]:
    """Subject and sentence, in the order in which people ask."""
    feed = known.feed
    return tuple(
        (subject, text)
        for subject, text in (
            ("next poll", _next(feed)),
            ("publishes", _rate(feed.learned, now, poll)),
            ("shows", _window(feed.learned)),
            ("asks for", _hints(feed)),
            ("validators", _trust(feed, poll)),
            ("failures", _failures(feed, poll)),
            ("its host", "; ".join(_host(feed.host, now, hosts))),
            ("moved", "; ".join(_moves(feed, known.moves))),
            ("hub", "; ".join(_hub(feed, known.subscription))),
            ("gaps", _gaps(known.gaps)),
        )
        if text
    )


def _next(feed: FeedInfo) -> str:
    if feed.state is FeedState.DISABLED:
        return f"one last probe at {_at(feed.probe_at)}" if feed.probe_at else "none: it was given up for good"
    if feed.state is FeedState.PAUSED:
        return "none: it is paused"
    why = feed.next_reason or "not polled by this version yet"
    held = f"; its server wants to be left alone until {_at(feed.not_before_at)}" if feed.not_before_at else ""
    return f"{_at(feed.next_poll_at)}: {why}{held}"


def _rate(learned: Learned, now: datetime, policy: PollPolicy) -> str:
    if not policy.is_adaptive:
        return "not learned: poll.is_adaptive is off"
    if learned.until_at is None:
        return "not known yet"
    rate = find_rate(learned, now, policy)
    text = f"{how_often(rate.per_day)}, from {learned.entries:.0f} entries in {learned.days:.3g} days, older ones counted less"
    if rate.shape is None:
        return f"{text}; at all hours alike, as far as is known"
    busy = _hours(hour for hour, factor in enumerate(rate.shape.hours) if factor >= _BUSY)
    quiet = _hours(hour for hour, factor in enumerate(rate.shape.hours) if factor <= _QUIET)
    return text + (f"; busy at {busy}" if busy else "") + (f"; quiet at {quiet}" if quiet else "")


def _hours(hours: Iterator[int]) -> str:
    """Hours of UTC as spans: "06–09, 18"."""
    spans: list[list[int]] = []
    for hour in hours:
        if spans and spans[-1][1] == hour - 1:
            spans[-1][1] = hour
        else:
            spans.append([hour, hour])
    told = ", ".join(f"{first:02}–{last:02}" if first < last else f"{first:02}" for first, last in spans)
    return f"{told} h UTC" if told else ""


def _window(learned: Learned) -> str:
    if not learned.window:
        return ""
    newest = f", the newest of {_at(learned.newest_at)}" if learned.newest_at else ""
    overlap = f"; the last {learned.overlaps} documents overlapped" if learned.overlaps else ""
    return f"{learned.window} entries{newest}{overlap}"


def _hints(feed: FeedInfo) -> str:
    if feed.options.interval_s is not None:
        return f"every {lasting(feed.options.interval_s)}, by its own setting, which wins over all that was learned"
    return "; ".join(_hint_texts(feed.learned.hints))


def _hint_texts(hints: Hints) -> Iterator[str]:
    if hints.ttl_s is not None:
        yield f"{lasting(hints.ttl_s)} between polls (ttl in the feed)"
    if hints.update_period_s is not None:
        yield f"{lasting(hints.update_period_s)} between polls (sy:updatePeriod in the feed)"
    if hints.skip_hours:
        yield f"no polls at {_hours(iter(sorted(hints.skip_hours)))} (skipHours in the feed)"
    if hints.skip_days:
        yield f"no polls on {', '.join(hints.skip_days)} (skipDays in the feed)"


def _trust(feed: FeedInfo, policy: PollPolicy) -> str:
    last = f"; it last came whole at {_at(feed.full_at)}" if feed.full_at else ""
    if feed.trust < DOUBTED:
        return f"not believed (trust {feed.trust:.2g}): the whole document is asked for and compared by its hash{last}"
    return f"believed (trust {feed.trust:.2g}); proven by a whole document every {lasting(policy.probe_s)}{last}"


def _failures(feed: FeedInfo, policy: PollPolicy) -> str:
    if not feed.failures:
        return ""
    return f"{feed.failures:g} weighted, in a row; given up at {policy.disable_after:g}"


def _host(host: HostState, now: datetime, policy: HostPolicy) -> Iterator[str]:
    if not host.host:
        return
    gap_s = effective_gap_s(host, now, policy)
    yield f"{host.host}: requests {lasting(gap_s)} apart ({_gap_source(host, gap_s, policy)}), {policy.at_once} at once"
    if host.feeds > 1:
        floor_s = poll_floor_s(host, now, policy)
        yield f"{host.feeds} feeds share it, so each is polled every {lasting(floor_s)} at most"
    if host.throttled_until is not None and host.throttled_until > now:
        yield f"left alone until {_at(host.throttled_until)}, as it asked"


def _gap_source(host: HostState, gap_s: float, policy: HostPolicy) -> str:
    if gap_s <= policy.gap_s:
        return "hosts.gap_s"
    if host.crawl_delay_s is not None and gap_s <= host.crawl_delay_s:
        return "Crawl-delay of its robots.txt"
    return f"learned from a refusal at {_at(host.refused_at)}" if host.refused_at else "learned from a refusal"


def _moves(feed: FeedInfo, moves: Sequence[MoveInfo]) -> Iterator[str]:
    if feed.move is not None:
        yield f"answers with a permanent redirect to {feed.move.to_url} since {_at(feed.move.since_at)} ({feed.move.polls} polls)"
    for move in moves:
        undone = f", taken back at {_at(move.undone_at)}" if move.undone_at else ""
        yield f"from {move.from_url} at {_at(move.moved_at)}: {move.reason}{undone}"


def _hub(feed: FeedInfo, subscription: Subscription | None) -> Iterator[str]:
    if subscription is None:
        if feed.hub_url is not None:
            yield f"{feed.hub_url}: not subscribed to"
        return
    is_active = subscription.state is SubscriptionState.ACTIVE
    standing = f"subscribed to until {_at(subscription.lease_until)}" if is_active else subscription.state.value
    yield f"{subscription.hub_url}: {standing}, to be asked at {_at(subscription.next_ask_at)}"
    if not subscription.secret:
        yield "asked without TLS, so what it pushes is not believed and the feed polled instead"
    if subscription.pushed_at is not None:
        yield f"the last push came at {_at(subscription.pushed_at)}"
    if subscription.proving_since_at is not None:
        since = _at(subscription.proving_since_at)
        yield f"{subscription.pushes} pushes brought {subscription.brought} new entries since {since}, and polls no other"
    if subscription.missed:
        yield f"{subscription.missed} new entries came by polls alone"
    yield f"{'relied on' if subscription.is_relied_on else 'not relied on'} ({subscription.reason or 'not asked yet'})"


def _gaps(gaps: Sequence[GapInfo]) -> str:
    if not gaps:
        return ""
    missed, found = sum(gap.missed for gap in gaps), sum(gap.found or 0 for gap in gaps)
    return f"{len(gaps)}, in which about {missed:.0f} entries were missed, {found} of them found since (`ingest feeds gaps`)"


def _at(moment: datetime | None) -> str:
    return "–" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
