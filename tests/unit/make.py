"""Values for tests: each with just enough to be valid, every field open to be overridden."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.model import (
    Article,
    ArticleClaim,
    Candidate,
    Entry,
    Extracted,
    FeedClaim,
    Fetched,
    KeyedEntry,
    Lease,
    Quality,
    Subscription,
    SubscriptionState,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LEASE = Lease("a worker", 1, NOW)
WORDS = "Eleven people walked to the harbour and saw that every ship was gone before the sun had risen over the water. " * 4


def feed_claim(**given: Any) -> FeedClaim:
    return FeedClaim(**{"feed_id": 7, "url": "https://news.example/feed.xml", "lease": LEASE, **given})


def fetched(**given: Any) -> Fetched:
    url = "https://news.example/feed.xml"
    values = {"url": url, "final_url": url, "status": 200, "headers": {}, "body": b"<rss/>", "fetched_at": NOW, "elapsed_ms": 12}
    return Fetched(**{**values, **given})


def entry(**given: Any) -> Entry:
    return Entry(**{"guid": "g1", "url": "https://news.example/a/1", "title": "Ships gone", **given})


def keyed(key: str = "k1", content_hash: str = "h1", **given: Any) -> KeyedEntry:
    return KeyedEntry(key, content_hash, entry(**given))


def article_claim(**given: Any) -> ArticleClaim:
    values = {"entry_id": 70, "feed_id": 7, "entry": entry(), "lease": LEASE, "feed_url": "https://news.example/feed.xml"}
    return ArticleClaim(**{**values, **given})


def extracted(text: str = WORDS, **given: Any) -> Extracted:
    values = {"title": "A page's title", "text": text, "html": f"<p>{text}</p>", "language": "en", "extractor": "blocks"}
    return Extracted(**{**values, "extractor_version": "1", **given})


def article(**given: Any) -> Article:
    values: dict[str, Any] = {
        "url": "https://news.example/a/1",
        "final_url": None,
        "canonical_url": "https://news.example/a/1",
        "title": "Ships gone",
        "title_source": "feed",
        "authors": (),
        "published_at": None,
        "published_source": "none",
        "language": "en",
        "text": WORDS,
        "html": "",
        "words": 84,
        "body_source": "page",
        "quality": Quality.FULL,
        "extractor": "readability",
        "extractor_version": "1",
        "text_hash": "text-1",
    }
    return Article(**{**values, **given})


def candidate(**given: Any) -> Candidate:
    values: dict[str, Any] = {
        "article_id": 1,
        "shared": (),
        "title": "Ships gone",
        "canonical_url": "https://news.example/a/1",
        "text_hash": "text-1",
        "words": 84,
        "body_source": "page",
        "quality": Quality.FULL,
        "revision": 1,
        "feed_ids": (8,),
    }
    return Candidate(**{**values, **given})


def subscription(**given: Any) -> Subscription:
    """One that a hub has verified an hour ago for ten days."""
    values: dict[str, Any] = {
        "subscription_id": 3,
        "feed_id": 7,
        "feed_url": "https://news.example/feed.xml",
        "is_polled": True,
        "hub_url": "https://hub.example/",
        "topic_url": "https://news.example/feed.xml",
        "base_url": "https://ingest.example",
        "token": "tok",
        "secret": "hush",
        "state": SubscriptionState.ACTIVE,
        "asked_at": NOW - timedelta(hours=1),
        "next_ask_at": NOW + timedelta(days=8),
        "confirmed_at": NOW - timedelta(hours=1),
        "active_since_at": NOW - timedelta(hours=1),
        "lease_until": NOW + timedelta(days=10) - timedelta(hours=1),
    }
    return Subscription(**{**values, **given})
