"""Subscriptions to hubs, looked after: begun, renewed, taken back; and the verdict which of them are relied on.

All that there is to do stands in rows, so nothing is lost with a process, and several daemons share the work. What hubs send in
return is the business of `pushes`.
"""

import asyncio
import secrets
from datetime import datetime, timedelta
from functools import partial

from ingest.decide import subscription as decide
from ingest.errors import FetchError
from ingest.log import get
from ingest.model import FetchRequest, Purpose, Subscription
from ingest.websub import request_form
from ingest.wiring import Service

_RETRIED_S = 600.0  # after a request of which nothing more was heard: this process was ended meanwhile
_SECRET_BYTES = 32


async def tend_subscriptions(service: Service, limit: int) -> int:
    """Begin and end subscriptions as the feeds and the settings are now, and ask hubs, `limit` at most, for what is due.

    Answers how many hubs were asked. Raises StoreError.
    """
    store, now = service.store.subscriptions, service.clock.now()
    base_url = service.settings.policies.websub.callback_url.rstrip("/") or None
    if base_url is None and not await service.in_thread(store.counts_by_state):
        return 0  # switched off, as it is by default
    await service.in_thread(store.settle, now, base_url, make_secret=partial(secrets.token_urlsafe, _SECRET_BYTES))
    await service.in_thread(store.forget, now)
    asked = await _ask_due(service, now, limit)
    service.metrics.subscribed(await service.in_thread(store.counts_by_state))
    return asked


async def _ask_due(service: Service, now: datetime, limit: int) -> int:
    if service.feeds.edges.network.is_away:
        return 0
    until = now + timedelta(seconds=_RETRIED_S)
    due = await service.in_thread(service.store.subscriptions.claim, now, until, limit=limit)
    await asyncio.gather(*(_ask(service, subscription) for subscription in due))
    return len(due)


async def _ask(service: Service, subscription: Subscription) -> None:
    """Ask the hub, in its host's turn, and write down what it said. Its own question may have come before that."""
    mode, chance = decide.mode_of(subscription), service.feeds.edges.chance()
    form = request_form(subscription, mode, lease_s=service.settings.policies.websub.lease_s)
    try:
        await service.fetch(FetchRequest(subscription.hub_url, Purpose.HUB, form=form))
        change = partial(decide.after_acceptance, now=service.clock.now(), chance=chance)
        said, is_taken = "", True
    except FetchError as error:
        hosts = service.settings.policies.hosts
        change = partial(decide.after_refusal, error=error, now=service.clock.now(), hosts=hosts, chance=chance)
        said, is_taken = error.reason, False
    after = await service.in_thread(service.store.subscriptions.change, subscription.subscription_id, change)
    log = get("ingest.subscribing")
    (log.info if is_taken else log.warning)(
        "hub_asked",
        feed_id=subscription.feed_id,
        hub_url=subscription.hub_url,
        mode=mode.value,
        is_taken=is_taken,
        attempts=subscription.attempts,
        next_ask_at=after.next_ask_at if after else None,
        **({"reason": said} if said else {}),
    )


async def review_subscriptions(service: Service) -> int:
    """Judge which subscriptions hold and which hubs are relied on; answers how many verdicts changed. Raises StoreError."""
    store, now, policy = service.store.subscriptions, service.clock.now(), service.settings.policies.poll
    proving_since = now - timedelta(seconds=decide.PROVING_S)
    changed = 0
    for subscription, learned in await service.in_thread(store.in_question, now, proving_since=proving_since):
        judge = partial(decide.review, learned=learned, now=now, policy=policy)
        if judge(subscription) == subscription:
            continue
        after = await service.in_thread(store.change, subscription.subscription_id, judge)
        if after is not None:
            changed += 1
            _tell_verdict(after)
    return changed


def _tell_verdict(subscription: Subscription) -> None:
    get("ingest.subscribing").info(
        "hub_judged",
        feed_id=subscription.feed_id,
        hub_url=subscription.hub_url,
        is_relied_on=subscription.is_relied_on,
        state=subscription.state.value,
        reason=subscription.reason,
    )
