"""What tests are given, with a sensible value for all that a test does not care about."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from ingest.model import (
    Action,
    Article,
    ArticleClaim,
    ArticlePlan,
    Entry,
    EntryPlan,
    EntryState,
    FeedClaim,
    FeedOrigin,
    FeedPlan,
    FeedSpec,
    Identity,
    IdentityKind,
    KeyedEntry,
    Quality,
)
from ingest.outcome import Outcome
from ingest.store import SqlStore

OpenAs: TypeAlias = Callable[..., SqlStore]

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
LEASE = NOW + timedelta(minutes=2)


class Make:
    now, lease_until = NOW, LEASE

    def at(self, minutes: float = 0.0) -> datetime:
        return NOW + timedelta(minutes=minutes)

    def spec(self, url: str = "https://news.example/feed", **options: Any) -> FeedSpec:
        spec = FeedSpec(url)
        return replace(spec, options=replace(spec.options, **options))

    def feed(self, store: SqlStore, url: str = "https://news.example/feed", **options: Any) -> int:
        return store.feeds.add(replace(self.spec(url, **options), origin=FeedOrigin.COMMAND), NOW)

    def entry(self, key: str = "a", **said: Any) -> EntryPlan:
        entry = Entry(**{"guid": key, "url": f"https://news.example/{key}", "title": f"Title of {key}"} | said)
        return EntryPlan(KeyedEntry(key, f"hash of {key}", entry), EntryState.PENDING, "new in the feed")

    def poll(self, claim: FeedClaim, *new: EntryPlan, **plan: Any) -> FeedPlan:
        usual = FeedPlan(
            claim=claim,
            polled_at=NOW,
            outcome=Outcome.OK,
            reason="",
            status=200,
            next_poll_at=NOW + timedelta(minutes=30),
            seen=len(new),
            new=new,
        )
        return replace(usual, **plan)

    def article(self, **said: Any) -> Article:
        usual = Article(
            url="https://news.example/a",
            final_url="https://news.example/a",
            canonical_url="https://news.example/a",
            title="Harbour reopens",
            title_source="page",
            authors=("A. Writer",),
            published_at=NOW,
            published_source="feed",
            language="en",
            text="The harbour reopened this morning.",
            html="<p>The harbour reopened this morning.</p>",
            words=5,
            body_source="page",
            quality=Quality.FULL,
            extractor="readability",
            extractor_version="1",
            text_hash="t1",
        )
        return replace(usual, **said)

    def done(self, claim: ArticleClaim, action: Action = Action.NEW, **plan: Any) -> ArticlePlan:
        usual = ArticlePlan(
            claim=claim,
            action=action,
            outcome=Outcome.OK,
            reason="because",
            tried_at=NOW,
            state=EntryState.STORED,
            article=self.article() if action in (Action.NEW, Action.REVISE) else None,
        )
        return replace(usual, **plan)

    def urls(self, *urls: str) -> tuple[Identity, ...]:
        return tuple(Identity(IdentityKind.URL, url) for url in urls)
