"""Fetching in tests: one fetcher for one call, allowed to reach this machine, patient for a second."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from ingest.clock import SystemClock
from ingest.errors import FetchError
from ingest.fetch.client import HttpFetcher
from ingest.fetch.gate import HostGate, Sleep
from ingest.fetch.guard import Resolve
from ingest.model import Fetched, FetchRequest, NotModified, Purpose
from ingest.policy import FetchPolicy, HostPolicy

T = TypeVar("T")

POLICY = FetchPolicy(allow=("127.0.0.0/8",), timeout_s=5.0, connect_timeout_s=2.0, dns_timeout_s=1.0)
HURRIED = replace(POLICY, timeout_s=0.5)
NO_GAP = HostPolicy(at_once=100, gap_s=0.0)


def with_fetcher(
    work: Callable[[HttpFetcher], Awaitable[T]],
    *,
    policy: FetchPolicy = POLICY,
    resolve: Resolve | None = None,
    sleep: Sleep = asyncio.sleep,
) -> T:
    """What `work` makes of a fetcher."""

    async def run() -> T:
        clock = SystemClock()
        async with HttpFetcher(policy, HostGate(NO_GAP, clock), clock, resolve=resolve, sleep=sleep) as fetcher:
            return await work(fetcher)

    return asyncio.run(run())


def fetch(
    url: str,
    *,
    policy: FetchPolicy = POLICY,
    resolve: Resolve | None = None,
    sleep: Sleep = asyncio.sleep,
    purpose: Purpose = Purpose.FEED,
    **request: Any,
) -> Fetched | NotModified:
    asked = FetchRequest(url, purpose, **request)
    return with_fetcher(lambda fetcher: fetcher.fetch(asked), policy=policy, resolve=resolve, sleep=sleep)


def fetched(url: str, **options: Any) -> Fetched:
    answer = fetch(url, **options)
    assert isinstance(answer, Fetched)
    return answer


def failure(url: str, **options: Any) -> FetchError:
    try:
        answer = fetch(url, **options)
    except FetchError as error:
        return error
    raise AssertionError(f"no failure but {answer}")
