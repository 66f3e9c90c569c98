"""A WebSub hub on the scripted web: it takes requests, asks back as hubs do, and pushes what its feeds publish.

It is a server elsewhere: what it does goes on whoever is killed here. What it says, it says to any process that lives.
"""

import asyncio
import contextvars
import hmac
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from ingest.web import Reply
from ingest.websub import SIGNATURE
from tests.sim.documents import SimFeed
from tests.sim.web import Answer, Asked, Site, Web

_PATH = "/hub"
_TOKEN = re.compile(r"[^/]+$")
_TRIES, _PAUSE_S = 3, 60.0  # a push that nobody takes is sent again


class Receiver(Protocol):
    """Where the callback leads: to whoever lives. None where nobody answers, or whoever did is no more."""

    def __call__(self, call: Callable[[Any], Awaitable[Reply]], /) -> Awaitable[Reply | None]: ...


@dataclass
class SimHub:
    """Pushes entries `after_s` after they were published, until `silent_from_s`. `delivered` counts what was taken."""

    web: Web
    site: Site
    receiver: Receiver
    after_s: float = 5.0
    silent_from_s: float = float("inf")
    asked: int = 0
    delivered: int = 0

    def __post_init__(self) -> None:
        self._feeds: dict[str, SimFeed] = {}
        self._subscribed: dict[str, asyncio.Task[None]] = {}  # by callback
        self.site.hubs.add(_PATH)
        self.site.rules.append(self._answer)

    @property
    def url(self) -> str:
        return f"https://{self.site.name}{_PATH}"

    def serve(self, feed: SimFeed) -> SimFeed:
        """From now on the feed names this hub."""
        feed.hub_url = self.url
        self._feeds[feed.url] = feed
        return feed

    def _answer(self, asked: Asked) -> Answer | None:
        if asked.path != _PATH or asked.form is None:
            return None
        self.asked += 1
        _elsewhere(self._ask_back(asked.form))
        return Answer(202)

    async def _ask_back(self, form: Mapping[str, str]) -> None:
        """Is it meant? Then push, or let go. Source: W3C WebSub §5.3."""
        await asyncio.sleep(1.0)
        callback, mode = form["hub.callback"], form["hub.mode"]
        asked = {name: form[name] for name in ("hub.mode", "hub.topic", "hub.lease_seconds") if name in form}
        query = urlencode({**asked, "hub.challenge": "meant?"})
        reply = await self.receiver(lambda pushes: pushes.answer(_token(callback), query))
        if reply is None or (reply.status, reply.text) != (200, "meant?"):
            return
        if before := self._subscribed.pop(callback, None):
            before.cancel()
        if mode == "subscribe":
            work = self._push_for_ever(self._feeds[form["hub.topic"]], callback, form.get("hub.secret", ""))
            self._subscribed[callback] = _elsewhere(work)

    async def _push_for_ever(self, feed: SimFeed, callback: str, secret: str) -> None:
        clock = self.web.clock
        for moment in feed.published:
            wait_s = moment + self.after_s - clock.monotonic_s()
            if wait_s >= 0 and moment < self.silent_from_s:
                await asyncio.sleep(wait_s)
                await self._push(feed.render(feed.version(clock.monotonic_s()), clock.start), callback, secret)

    async def _push(self, body: bytes, callback: str, secret: str) -> None:
        signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
        headers = {SIGNATURE: f"sha256={signature}", "content-type": "application/rss+xml", "content-length": f"{len(body)}"}
        for _ in range(_TRIES):
            reply = await self.receiver(lambda pushes: pushes.receive(_token(callback), headers, _pieces(body)))
            if reply is not None and reply.status < 500:
                self.delivered += reply.status < 300
                return
            await asyncio.sleep(_PAUSE_S)


def _token(callback: str) -> str:
    found = _TOKEN.search(callback)
    assert found is not None
    return found.group()


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _elsewhere(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task that belongs to no process of ours, although one of them led to it."""
    return contextvars.Context().run(asyncio.get_running_loop().create_task, work)
