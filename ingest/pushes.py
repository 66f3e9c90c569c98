"""What hubs send to the callback: their questions, answered at once, and what they push, worked into the walk afterwards.

    GET   ── token, topic, did we ask? ──▶ the challenge back, or 404
    POST  ── token ── room? ── body within its bounds ── signature ──▶ 202, into the line of its feed
                                                                           │
             claim the feed (waiting for a poll to end) ◀──────────────────┘
               └─ poll_feed(document=the body): its new entries are stored, and nothing else is concluded

A push that cannot be used for whatever reason makes the feed due instead: nothing depends on a hub. And nothing reaches a parser
that is not signed.
"""

import asyncio
import contextlib
import re
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http import HTTPStatus

from ingest.decide import subscription as decide
from ingest.errors import LeaseLost, ParseError, StoreError, WorkKilled
from ingest.log import get
from ingest.model import AskedFor, FeedClaim, Fetched, PushResult, Subscription, SubscriptionState
from ingest.pipeline import poll_feed
from ingest.web import Reply
from ingest.websub import SIGNATURE, is_signed, read_question
from ingest.wiring import Service

_HEARD = (SubscriptionState.ASKED, SubscriptionState.ACTIVE)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_MAX_DIGITS = 18

_AT_ONCE = 8  # feeds whose pushes are worked on at the same time; parsing has bounds of its own
_MOST = 200  # pushes that are held, read or unread
_BODIES = 4  # of the largest size allowed
_MOST_OF_A_FEED, _BODIES_OF_A_FEED = 4, 2  # so that what one feed is sent does not take all the room
_COME_BACK_S = 60

_WAITS_S = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # for the poll that holds the feed; together about as long as one may take
_GRACE_S = 1.0  # for what is under way when the service is taken down


@dataclass(frozen=True, slots=True)
class _Push:
    """What a hub sent, its signature proven. Without a body the hub only said that there is something new."""

    subscription: Subscription
    feed_id: int
    body: bytes | None = field(repr=False)
    content_type: str | None
    held_bytes: int


class Pushes:
    """The `Callback` of the web application. It outlives the services that come and go with settings and databases."""

    def __init__(self) -> None:
        self._desk: _Desk | None = None

    @asynccontextmanager
    async def open(self, service: Service) -> AsyncIterator[None]:
        """Take pushes for this service within the block; those that were taken and not worked on make their feeds due."""
        desk = self._desk = _Desk(service)
        try:
            yield
        finally:
            self._desk = None
            await desk.close()

    async def answer(self, token: str, query: str) -> Reply:
        """To a hub that asks whether we subscribed. Source: W3C WebSub §5.2, §5.3."""
        if self._desk is None:
            return _BUSY
        try:
            return await self._desk.answer(token, query)
        except StoreError:
            return _BUSY

    async def receive(self, token: str, headers: Mapping[str, str], body: AsyncIterator[bytes]) -> Reply:
        """To a hub that pushes. Source: W3C WebSub §7."""
        if self._desk is None:
            return _BUSY
        try:
            return await self._desk.receive(token, headers, body)
        except StoreError:
            return _BUSY


_BUSY = Reply(HTTPStatus.SERVICE_UNAVAILABLE, retry_after_s=_COME_BACK_S)
_UNKNOWN = Reply(HTTPStatus.NOT_FOUND)
_TAKEN = Reply(HTTPStatus.ACCEPTED)


class _Room:
    """How much of what hubs push may be held, in all and of one feed: pushes, and of their bytes those that have come."""

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._bytes: Counter[int] = Counter()  # by feed, as are the pushes
        self._pushes: Counter[int] = Counter()

    def take(self, feed_id: int) -> bool:
        """Room for one more push, if there is."""
        if self._pushes.total() >= _MOST or self._pushes[feed_id] >= _MOST_OF_A_FEED:
            return False
        self._pushes[feed_id] += 1
        return True

    def grow(self, feed_id: int, size: int) -> bool:
        """Room for so many more bytes of a push, if there is."""
        is_full = self._bytes.total() + size > _BODIES * self._max_body_bytes
        if is_full or self._bytes[feed_id] + size > _BODIES_OF_A_FEED * self._max_body_bytes:
            return False
        self._bytes[feed_id] += size
        return True

    def shrink(self, feed_id: int, size: int) -> None:
        """Bytes that were held are not needed any more."""
        self._bytes[feed_id] -= size

    def give(self, feed_id: int, size: int) -> None:
        """A push is done with."""
        self._bytes[feed_id] -= size
        self._pushes[feed_id] -= 1
        if not self._pushes[feed_id]:
            del self._pushes[feed_id], self._bytes[feed_id]


class _Refused(Exception):
    """A request that is not to be answered with success."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply


class _Arriving:
    """A body on its way: each part of it takes room when it is there, whatever size was announced."""

    def __init__(self, room: _Room, feed_id: int, body: AsyncIterator[bytes]) -> None:
        self._room = room
        self._feed_id = feed_id
        self._body = body
        self.held_bytes = 0

    async def read(self, max_bytes: int) -> bytes:
        """The whole body. Raises _Refused where it is too long, or there is no more room."""
        parts: list[bytes] = []
        async for part in self._body:
            if self.held_bytes + len(part) > max_bytes:
                raise _Refused(Reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            if not self._room.grow(self._feed_id, len(part)):
                raise _Refused(_BUSY)
            self.held_bytes += len(part)
            parts.append(part)
        return b"".join(parts)


class _Desk:
    """Takes what hubs send for one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._max_body_bytes = service.settings.policies.fetch.max_feed_bytes
        self._room = _Room(self._max_body_bytes)
        self._lines: dict[int, deque[_Push]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._is_closed = False
        self._log = get("ingest.pushes")

    # ── questions ──

    async def answer(self, token: str, query: str) -> Reply:
        """The challenge, where we did ask for what the hub asks about. Raises StoreError."""
        service, question = self._service, read_question(query)
        found = await self._find(token)
        if question is None or found is None:
            return _UNKNOWN
        if not decide.is_expected(found, question):
            self._log.warning("hub_question_refused", **_named(found), mode=question.mode.value)
            return _UNKNOWN
        lease_s = service.settings.policies.websub.lease_s
        change = partial(decide.after_question, question=question, now=service.clock.now(), lease_s=lease_s)
        after = await service.in_thread(service.store.subscriptions.change, found.subscription_id, change)
        if after is None:
            return _UNKNOWN
        say = self._log.warning if question.mode is AskedFor.DENIED else self._log.info
        say("hub_answered", **_named(after), state=after.state.value, lease_until=after.lease_until, reason=after.reason)
        return Reply(HTTPStatus.OK, "" if question.mode is AskedFor.DENIED else question.challenge)

    async def _find(self, token: str) -> Subscription | None:
        if not _TOKEN.fullmatch(token):
            return None
        return await self._service.in_thread(self._service.store.subscriptions.find, token)

    # ── pushes ──

    async def receive(self, token: str, headers: Mapping[str, str], body: AsyncIterator[bytes]) -> Reply:
        """202 for all that was read to its end, believed or not. Raises StoreError."""
        found = await self._find(token)
        if found is None:
            return _UNKNOWN
        try:
            await self._take(found, headers, body)
        except _Refused as refused:
            self._count(PushResult.REFUSED)
            self._log.warning("push_refused", **_named(found), status=refused.reply.status.value)
            return refused.reply
        return _TAKEN

    async def _take(self, found: Subscription, headers: Mapping[str, str], body: AsyncIterator[bytes]) -> None:
        """Read a push and put it into the line of its feed, unless it is forged. Raises _Refused."""
        if found.feed_id is None or not found.is_polled or found.state not in _HEARD:
            raise _Refused(Reply(HTTPStatus.GONE))
        self._check_head(headers)
        if not self._room.take(found.feed_id):
            raise _Refused(_BUSY)
        push, arriving = None, _Arriving(self._room, found.feed_id, body)
        try:
            push = await self._read(found, found.feed_id, headers, arriving)
        finally:
            if push is None:
                self._room.give(found.feed_id, arriving.held_bytes)
            else:
                self._room.shrink(found.feed_id, arriving.held_bytes - push.held_bytes)
        if push is not None and self._is_closed:
            raise _Refused(_BUSY)
        if push is not None:
            self._line_up(push)

    def _check_head(self, headers: Mapping[str, str]) -> None:
        """Raises _Refused for a push of which it can be seen before it comes that it cannot be taken."""
        if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise _Refused(Reply(HTTPStatus.UNSUPPORTED_MEDIA_TYPE))
        declared = headers.get("content-length", "")
        if not (declared.isascii() and declared.isdigit()):
            return
        if len(declared) > _MAX_DIGITS or int(declared) > self._max_body_bytes:
            raise _Refused(Reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))

    async def _read(self, found: Subscription, feed_id: int, headers: Mapping[str, str], arriving: _Arriving) -> _Push | None:
        """The push, or None where it is forged. Raises _Refused for a body that is too long or too slow."""
        try:
            async with asyncio.timeout(self._service.settings.policies.fetch.timeout_s):
                content = await arriving.read(self._max_body_bytes)
        except TimeoutError:
            raise _Refused(Reply(HTTPStatus.REQUEST_TIMEOUT)) from None
        if self._is_closed:
            raise _Refused(_BUSY)
        if not found.secret:
            return _Push(found, feed_id, None, None, 0)
        if not await self._service.in_thread(is_signed, content, headers.get(SIGNATURE, ""), found.secret):
            self._count(PushResult.FORGED)
            self._log.warning("push_forged", **_named(found), bytes=len(content), signed=SIGNATURE in headers)
            return None
        return _Push(found, feed_id, content, headers.get("content-type"), len(content))

    # ── in the background ──

    def _line_up(self, push: _Push) -> None:
        """Pushes of one feed are worked on in the order in which they came; a word that something is new is not repeated."""
        line = self._lines.get(push.feed_id)
        if line is not None:
            if push.body is None and any(waiting.body is None for waiting in line):
                self._room.give(push.feed_id, push.held_bytes)
                return
            line.append(push)
            return
        self._lines[push.feed_id] = deque([push])
        worker = asyncio.create_task(self._work_on(push.feed_id), name=f"pushes {push.feed_id}")
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _work_on(self, feed_id: int) -> None:
        line = self._lines[feed_id]
        async with self._places:
            while line:
                push = line[0]  # stays there until it is done: what is left when the service ends makes its feed due
                try:
                    result, new = await _deliver(self._service, push)
                    self._count(result)
                    self._log.info("push_taken", **_named(push.subscription), result=result.value, new=new, bytes=push.held_bytes)
                except Exception as error:  # noqa: BLE001  a defect, or a database that is away, costs one push; polls go on
                    self._service.observer.work_crashed("push", feed_id, error)
                line.popleft()
                self._room.give(feed_id, push.held_bytes)
            del self._lines[feed_id]

    def _count(self, result: PushResult) -> None:
        self._service.metrics.push_taken(result)

    async def close(self) -> None:
        """End what is under way, soon; feeds with pushes that are not worked on are polled instead."""
        self._is_closed = True
        if self._workers:
            await asyncio.wait(self._workers, timeout=_GRACE_S)
        undone = set(self._workers)
        for worker in undone:
            worker.cancel()
        if undone:
            await asyncio.wait(undone)
        if left := [feed_id for feed_id, line in self._lines.items() if line]:
            with contextlib.suppress(StoreError):
                await _poll_soon(self._service, *left)


async def _deliver(service: Service, push: _Push) -> tuple[PushResult, int]:
    """What came of a push, and how many new entries it brought. Raises StoreError."""
    claim = await _hold(service, push.feed_id)
    if claim is None:
        await _poll_soon(service, push.feed_id)
        return PushResult.LATE, 0
    try:
        result, new = await _visit(service, claim, push)
    except LeaseLost:
        result, new = PushResult.LATE, 0
    except BaseException:
        await _release(service, claim)
        raise
    if result in (PushResult.NEW, PushResult.KNOWN):
        return result, new
    await _release(service, claim)
    await _poll_soon(service, push.feed_id)
    return result, new


async def _visit(service: Service, claim: FeedClaim, push: _Push) -> tuple[PushResult, int]:
    if push.body is None:
        return PushResult.PING, 0
    try:
        plan = await poll_feed(claim, service.feeds, document=_document(service, claim, push), is_push=True)
    except (ParseError, WorkKilled):
        return PushResult.UNREADABLE, 0
    return (PushResult.NEW if plan.new else PushResult.KNOWN), len(plan.new)


def _document(service: Service, claim: FeedClaim, push: _Push) -> Fetched:
    """What was pushed as if it had been fetched; relative links mean what they mean at a poll."""
    return Fetched(
        url=push.subscription.topic_url,
        final_url=claim.url,
        status=HTTPStatus.OK.value,
        headers={"content-type": push.content_type} if push.content_type else {},
        body=push.body or b"",
        fetched_at=service.clock.now(),
        elapsed_ms=0,
    )


async def _hold(service: Service, feed_id: int) -> FeedClaim | None:
    """The feed, ours for now; None where somebody else holds it for too long. Its host is not asked, and not waited for."""
    lease = timedelta(seconds=service.feeds.poll.lease_s)
    for wait_s in (*_WAITS_S, 0.0):
        now = service.clock.now()
        claim = await service.in_thread(service.store.feeds.claim_one, feed_id, now, now + lease, asks=False)
        if claim is not None:
            return claim
        await asyncio.sleep(wait_s)
    return None


async def _release(service: Service, claim: FeedClaim) -> None:
    with contextlib.suppress(StoreError):
        await service.in_thread(service.store.feeds.release, {claim.feed_id: claim.lease})


async def _poll_soon(service: Service, *feed_ids: int) -> None:
    least_s = service.settings.policies.poll.min_interval_s
    await service.in_thread(service.store.subscriptions.poll_soon, feed_ids, service.clock.now(), min_interval_s=least_s)


def _named(subscription: Subscription) -> dict[str, object]:
    """By what a subscription is known in the log; its token stays secret."""
    return {"feed_id": subscription.feed_id, "hub_url": subscription.hub_url}
