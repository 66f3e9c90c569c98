"""From an address that somebody gave to a feed: itself, one that its page names, or one at a usual place."""

import contextlib
from dataclasses import dataclass

from ingest.errors import FetchError, ParseError, WorkKilled
from ingest.model import FeedInfo, FeedOrigin, FeedSpec, Fetched
from ingest.outcome import Outcome
from ingest.paging import fetch_feed
from ingest.parse import FoundFeed, find_feeds, likely_feed_urls
from ingest.parse.sites import known_feed_urls
from ingest.pipeline import read_feed
from ingest.urls import is_http_url, redact
from ingest.wiring import Service

_MAX_ASKED = 20  # addresses tried for one site: a page can name thousands, and a host is asked once a second


@dataclass(frozen=True, slots=True)
class Discovered:
    """A feed that was found, with the document that proved it."""

    feed: FoundFeed
    document: Fetched


async def find_or_add(service: Service, target: str) -> tuple[FeedInfo, Fetched | None]:
    """The feed meant by `target` (id, feed URL or site URL); an unknown one is looked for there and added.

    With the document of one that was looked for. Raises FetchError, ParseError.
    """
    store = service.store.feeds
    if found := await service.in_thread(store.find, target):
        return found, None
    new = await discover(service, target)
    await service.in_thread(store.add, FeedSpec(new.feed.url, origin=FeedOrigin.COMMAND), service.clock.now())
    found = await service.in_thread(store.find, new.feed.url)
    assert found is not None
    return found, new.document


async def discover(service: Service, url: str) -> Discovered:
    """The best feed at `url`. Raises FetchError, or ParseError when there is none."""
    found, reason = await _look(service, url, most=1)
    if not found:
        raise ParseError(Outcome.NOT_A_FEED, f"{redact(url)}: neither a feed nor a page that leads to one ({reason})")
    return found[0]


async def discover_all(service: Service, url: str, *, most: int = 20) -> tuple[Discovered, ...]:
    """Feeds at `url` that can be read, best first: itself, those that its page names, those that its site is known to keep,
    else those at usual places. Raises FetchError.
    """
    found, _ = await _look(service, url, most=most)
    return found


async def _look(service: Service, url: str, *, most: int) -> tuple[tuple[Discovered, ...], str]:
    """The feeds at `url`, and what stands there when it is none itself."""
    if not is_http_url(url):
        raise ParseError(Outcome.NOT_A_FEED, f"{url}: neither a feed that is known nor an address that begins with http")
    try:
        answer = await fetch_feed(service, url)
    except FetchError:
        # Some sites show their pages to nobody but browsers, and their feeds to everybody.
        if found := await _read_those(service, known_feed_urls(url), most):
            return found, ""
        raise
    try:
        return (await _read(service, url, answer),), ""
    except (ParseError, WorkKilled) as error:
        reason = str(error)
    named = await service.offload(service.feeds.parse.timeout_s, find_feeds, answer.body, answer.final_url)
    found = await _read_those(service, tuple(feed.url for feed in named), most)
    found = found or await _read_those(service, known_feed_urls(answer.final_url, answer.body), most)
    return found or await _read_those(service, likely_feed_urls(answer.final_url), 1), reason


async def _read_those(service: Service, urls: tuple[str, ...], most: int) -> tuple[Discovered, ...]:
    found: list[Discovered] = []
    for url in urls[:_MAX_ASKED]:
        if len(found) < most:
            with contextlib.suppress(FetchError, ParseError, WorkKilled):
                found.append(await _read(service, url, await fetch_feed(service, url)))
    return tuple(found)


async def _read(service: Service, url: str, answer: Fetched) -> Discovered:
    parsed, _ = await service.offload(service.feeds.parse.timeout_s, read_feed, answer, service.feeds.parse)
    return Discovered(FoundFeed(url=url, title=parsed.head.title), answer)
