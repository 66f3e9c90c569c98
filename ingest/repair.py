"""Missed entries, looked for in a feed's older pages: archives, paging or WordPress, as its history is read by a backfill.

A repair holds the feed like a poll does, so nobody repairs or polls it meanwhile, and every page waits for its host's turn. What
was found and what is known of the gap then are written in one transaction, after the last page: a repair that was ended in the
middle is begun anew. Checkpoints of a backfill are not touched.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ingest.decide import plan_entry
from ingest.errors import (
    FetchError,
    IngestError,
    NoTurn,
    ParseError,
    PermanentFetchError,
    StoreError,
    StoreUnavailable,
    WorkKilled,
)
from ingest.history import find_strategy, is_within
from ingest.log import get
from ingest.model import Checkpoint, FeedInfo, FeedState, GapInfo, GapRepair, KeyedEntry, Lease, Strategy
from ingest.paging import Page, Pager, read_page
from ingest.schedule import next_turn_at
from ingest.wiring import Service

_REASON = "found by repair of a gap"
_CACHES = timedelta(hours=1)  # by which a document may have been old: entries dated before the poll that did not show them yet
_TRIES = 4
_PAUSE_S = 900.0  # after the first try that failed; four times as long after each further one: 15 min, 1 h, 4 h
_PAUSE_GROWTH = 4.0

_WORDS = {Strategy.ARCHIVE: "archives", Strategy.PAGED: "paging", Strategy.WORDPRESS: "WordPress paging"}


@dataclass(slots=True)
class _Look:
    """A look back at the older pages of a feed, as it goes."""

    strategy: Strategy | None = None  # None: the feed names no older pages
    pages: int = 0
    found: dict[str, KeyedEntry] = field(default_factory=dict)
    is_cut: bool = False  # there are more pages than may be asked for
    error: FetchError | ParseError | WorkKilled | None = None  # what ended it early

    @property
    def reason(self) -> str:
        """Of the error."""
        return self.error.reason if isinstance(self.error, FetchError) else str(self.error)

    def __str__(self) -> str:
        if self.strategy is None:
            return self.reason if self.error else "the feed names no older pages"
        pages = f"{self.pages} page" + ("s" if self.pages != 1 else "")
        end = f"; then {self.reason}" if self.error else "; there are more pages than gaps.max_pages" if self.is_cut else ""
        return f"{pages} of {_WORDS[self.strategy]}: {len(self.found)} found{end}"


async def repair_gaps(service: Service, limit: int) -> tuple[GapRepair, ...]:
    """Repair gaps that are due, `limit` at most; answers what was written of them. Raises StoreError."""
    if not service.settings.policies.gaps.is_repaired or service.feeds.edges.network.is_away:
        return ()
    return await repair(service, await service.in_thread(service.store.gaps.open, service.clock.now(), limit))


async def repair(service: Service, gaps: Sequence[GapInfo]) -> tuple[GapRepair, ...]:
    """Repair these gaps one after the other; those whose feed somebody else holds are left for later.

    One that trips over a defect of ours is tried again like one of which a page failed, and keeps no other from its turn.
    Raises StoreError.
    """
    done = [await _repair_or_tell(service, gap) for gap in gaps]
    return tuple(one for one in done if one is not None)


async def _repair_or_tell(service: Service, gap: GapInfo) -> GapRepair | None:
    try:
        return await _repair(service, gap)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001  else it is the first of every round, and no other ever has its turn
        service.observer.work_crashed("gap", gap.gap_id, error)
        written = _plan_crashed(gap, error, service.clock.now())
        await service.in_thread(service.store.gaps.repaired, written)
        return written


async def _repair(service: Service, gap: GapInfo) -> GapRepair | None:
    feed = await service.in_thread(service.store.feeds.find, str(gap.feed_id))
    if feed is None or feed.state is not FeedState.ACTIVE:
        return None
    async with _holding(service, feed.feed_id) as is_held:
        if not is_held:
            return None
        started_s = service.clock.monotonic_s()
        look = await _look_back(service, gap, feed)
        if look.error and service.feeds.edges.network.is_away:
            return None
        written = _plan(service, gap, feed, look)
        await service.in_thread(service.store.gaps.repaired, written)
        service.metrics.gap_repaired(written.found or 0)
        _tell(gap, written, elapsed_s=service.clock.monotonic_s() - started_s)
        return written


def _plan(service: Service, gap: GapInfo, feed: FeedInfo, look: _Look) -> GapRepair:
    """What was found, or another look after a pause where a page failed that may be had then; the last look counts as it is.

    One for which a host had no turn to give is none.
    """
    now = service.clock.now()
    if isinstance(look.error, NoTurn):
        at = next_turn_at(look.error.retry_after_s, now, chance=service.feeds.edges.chance())
        return GapRepair(gap.gap_id, gap.feed_id, now, f"to be tried again: {look}", next_try_at=at, is_try=False)
    if look.error and not isinstance(look.error, PermanentFetchError) and gap.tries + 1 < _TRIES:
        return _again(gap, str(look), now, least_s=_told_pause_s(service, look.error))
    full_text = service.settings.full_text
    new = tuple(plan_entry(entry, feed.options, reason=_REASON, full_text=full_text) for entry in look.found.values())
    return GapRepair(gap.gap_id, gap.feed_id, now, str(look), found=len(new), new=new)


def _plan_crashed(gap: GapInfo, error: Exception, now: datetime) -> GapRepair:
    told = f"{type(error).__name__}: {error}"
    return _again(gap, told, now) if gap.tries + 1 < _TRIES else GapRepair(gap.gap_id, gap.feed_id, now, told, found=0)


def _told_pause_s(service: Service, error: IngestError) -> float:
    """What the server said of when to come back, as far as it is believed."""
    told_s = error.retry_after_s if isinstance(error, FetchError) else None
    return min(told_s or 0.0, service.settings.policies.hosts.max_retry_after_s)


def _again(gap: GapInfo, told: str, now: datetime, *, least_s: float = 0.0) -> GapRepair:
    pause = timedelta(seconds=max(_PAUSE_S * _PAUSE_GROWTH**gap.tries, least_s))
    return GapRepair(gap.gap_id, gap.feed_id, now, f"to be tried again: {told}", next_try_at=now + pause)


def _tell(gap: GapInfo, written: GapRepair, *, elapsed_s: float) -> None:
    log = get("ingest.repair")
    say = log.info if written.found else log.warning
    say(
        "gap_repair_failed" if written.found is None else "gap_repaired",
        gap_id=gap.gap_id,
        feed_id=gap.feed_id,
        url=gap.feed_url,
        missed=round(gap.missed),
        found=written.found,
        reason=written.how,
        ms=round(1000 * elapsed_s),
    )


# ── looking back ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _look_back(service: Service, gap: GapInfo, feed: FeedInfo) -> _Look:
    """Page by page into the past, until the other side of the gap is reached or a page cannot be had."""
    look = _Look()
    try:
        if start := await _find_start(service, feed):
            look.strategy, url = start
            await _read_pages(Pager(service, feed, look.strategy), Checkpoint(url), gap, look)
    except (FetchError, ParseError, WorkKilled) as error:
        look.error = error
    return look


async def _read_pages(pager: Pager, checkpoint: Checkpoint, gap: GapInfo, look: _Look) -> None:
    since, most = gap.since_at - _CACHES, pager.service.settings.policies.gaps.max_pages
    while checkpoint.next_url is not None:
        if look.pages >= most:
            look.is_cut = True
            return
        page = await pager.read(checkpoint.next_url, checkpoint, since=since)
        checkpoint, look.pages = page.following, page.following.pages
        look.found |= {entry.key: entry for entry in page.unseen if is_within(entry.entry, since, None)}
        if page.is_over or _is_across(page, gap):
            return


async def _find_start(service: Service, feed: FeedInfo) -> tuple[Strategy, str] | None:
    """How to reach older entries, and the first page: by the feed's last document, which is asked for only if it is not kept."""
    (seen,) = await service.in_thread(service.store.feeds.seen_items, [feed.feed_id])
    if seen is not None and seen.head is not None:
        return find_strategy(seen.head, feed.url)
    parsed, _ = await read_page(service, feed.url, feed.url, user_agent=feed.options.user_agent)
    return find_strategy(parsed.head, feed.url)


def _is_across(page: Page, gap: GapInfo) -> bool:
    """Whether the page lies on the other side of the gap: nothing on it is new, and some of it was there before the gap.

    What is known since may be what the feed showed after the gap, or what was found for a later one.
    """
    return not page.unseen and page.known_since_at is not None and page.known_since_at <= gap.since_at


# ── holding the feed ────────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.asynccontextmanager
async def _holding(service: Service, feed_id: int) -> AsyncIterator[bool]:
    """Whether the feed is ours for now; it is given back due as before."""
    store, lease_s = service.store.feeds, service.feeds.poll.lease_s
    now = service.clock.now()
    claim = await service.in_thread(store.claim_one, feed_id, now, now + timedelta(seconds=lease_s))
    if claim is None:
        yield False
        return
    held = {feed_id: claim.lease}
    renewing = asyncio.create_task(_renew_for_ever(service, held, lease_s))
    try:
        yield True
    finally:
        renewing.cancel()
        with contextlib.suppress(StoreError):
            await service.in_thread(store.release, held)


async def _renew_for_ever(service: Service, held: dict[int, Lease], lease_s: float) -> None:
    while True:
        await asyncio.sleep(lease_s / 3)
        until: datetime = service.clock.now() + timedelta(seconds=lease_s)
        with contextlib.suppress(StoreError):  # the next round tries again; a repair that lost its lease does no harm
            await service.in_thread(service.store.feeds.renew, held, until)
