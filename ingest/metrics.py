"""What Prometheus reads at /metrics. Every label has a small closed set of values, all present from the start; never a URL."""

from collections.abc import Mapping
from datetime import datetime
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics, generate_latest

from ingest import __version__
from ingest.model import FeedState, Purpose, PushResult, SubscriptionState
from ingest.outcome import Outcome

_EXCHANGE_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # up to fetch.timeout_s
_POLL_S: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_DELAY_S: Final = (10, 60, 300, 900, 1800, 3600, 3 * 3600, 12 * 3600, 86_400)  # around poll.interval_s

ENTRY_RESULTS: Final = ("new", "changed")
ARTICLE_RESULTS: Final = ("new", "known", "revised", "failed", "retried")


class Metrics:
    """All metrics in a registry of their own, so that two services in one process do not meet."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series beside every counter, of no use here
        self.registry = CollectorRegistry()
        self._add_work()
        self._add_state()
        Info("ingest_build", "The running version", registry=self.registry).info({"version": __version__})

    def feed_polled(self, *, outcome: Outcome, elapsed_s: float, body_bytes: int, new: int, changed: int) -> None:
        """Count one poll and the entries it brought. `body_bytes` is the decoded document, 0 without one."""
        self.polls.labels(outcome).inc()
        self.poll_seconds.observe(elapsed_s)
        self.fetch_bytes.labels(Purpose.FEED).inc(body_bytes)
        self.entries_found(new=new, changed=changed)

    def entries_found(self, *, new: int, changed: int) -> None:
        """Count the entries that a document brought."""
        self.entries.labels("new").inc(new)
        self.entries.labels("changed").inc(changed)

    def fetched(self, *, purpose: Purpose, outcome: Outcome, elapsed_s: float, body_bytes: int = 0) -> None:
        """Count one HTTP exchange. The bytes of feeds are counted by `feed_polled`."""
        self.fetches.labels(purpose, outcome).inc()
        self.fetch_seconds.labels(purpose).observe(elapsed_s)
        if purpose is not Purpose.FEED:
            self.fetch_bytes.labels(purpose).inc(body_bytes)

    def article_ingested(self, result: str) -> None:
        """Count one attempt at an entry; `result` is one of ARTICLE_RESULTS."""
        self.articles.labels(result).inc()

    def stored_after(self, seconds: float) -> None:
        """An article was stored this long after it was published."""
        self.publish_to_store_seconds.observe(seconds)

    def succeeded(self, at: datetime) -> None:
        """A poll ended well."""
        self.last_success.set(at.timestamp())

    def gap_found(self, missed: float) -> None:
        """Entries came and went between two polls, so many by estimate."""
        self.gaps.inc()
        self.missed_entries.inc(missed)

    def gap_repaired(self, found: int) -> None:
        """A gap was looked into, and so many entries were found in older pages."""
        self.repaired_entries.inc(found)

    def push_taken(self, result: PushResult) -> None:
        """A hub sent something."""
        self.pushes.labels(result).inc()

    def subscribed(self, by_state: Mapping[SubscriptionState, int]) -> None:
        """How many subscriptions to hubs there are now; a state without any counts 0."""
        for state in SubscriptionState:
            self.subscriptions.labels(state).set(by_state.get(state, 0))

    def network_is(self, *, away: bool) -> None:
        """Nearly everything fails, or somebody answers again."""
        self.network_away.set(away)

    def worker_killed(self) -> None:
        """A worker process was ended."""
        self.worker_kills.inc()

    def measured(
        self, *, feeds_by_state: Mapping[FeedState, int], due_feeds: int, oldest_due_s: float, pending_entries: int
    ) -> None:
        """How things stand now, as counted in the database; a state without feeds counts 0."""
        for state in FeedState:
            self.feeds.labels(state).set(feeds_by_state.get(state, 0))
        self.due_feeds.set(due_feeds)
        self.oldest_due_seconds.set(oldest_due_s)
        self.pending_entries.set(pending_entries)

    def _add_work(self) -> None:
        """What has been done since the start."""
        counter, histogram = self._counter, self._histogram
        outcomes = tuple(Outcome)
        purposes = tuple(Purpose)
        self.polls = counter("ingest_polls_total", "Polls of feeds", outcome=outcomes)
        self.poll_seconds = histogram("ingest_poll_seconds", "Time of one poll, from claim to apply", _POLL_S)
        self.fetches = counter("ingest_fetch_total", "HTTP exchanges", purpose=purposes, outcome=outcomes)
        self.fetch_seconds = histogram("ingest_fetch_seconds", "Time of one HTTP exchange", _EXCHANGE_S, purpose=purposes)
        self.fetch_bytes = counter("ingest_fetch_bytes_total", "Decoded bytes received", purpose=purposes)
        self.entries = counter("ingest_entries_total", "Entries of feeds", result=ENTRY_RESULTS)
        self.articles = counter("ingest_articles_total", "Entries on their way to an article", result=ARTICLE_RESULTS)
        self.gaps = counter("ingest_gaps_total", "Gaps between polls in which entries may have been missed")
        self.missed_entries = counter("ingest_missed_entries_total", "Entries missed in gaps, by estimate")
        self.repaired_entries = counter("ingest_repaired_entries_total", "Entries found in older pages by the repair of gaps")
        self.pushes = counter("ingest_pushes_total", "What hubs sent", result=tuple(PushResult))
        self.worker_kills = counter("ingest_worker_kills_total", "Worker processes ended for time or memory, or crashed")
        self.publish_to_store_seconds = histogram(
            "ingest_publish_to_store_seconds", "From the published date of an article to its being stored", _DELAY_S
        )

    def _add_state(self) -> None:
        """How things stand now; set by whoever counts the rows."""
        gauge = self._gauge
        self.feeds = gauge("ingest_feeds", "Feeds by state", state=tuple(FeedState))
        self.due_feeds = gauge("ingest_due_feeds", "Feeds whose poll is due")
        self.oldest_due_seconds = gauge("ingest_oldest_due_seconds", "How long the longest overdue feed has been due")
        self.pending_entries = gauge("ingest_pending_entries", "Entries that wait for their article")
        self.subscriptions = gauge("ingest_subscriptions", "Subscriptions to hubs by state", state=tuple(SubscriptionState))
        self.network_away = gauge("ingest_network_away", "1 while nearly everything fails: our own network is away")
        self.last_success = gauge("ingest_last_success_timestamp_seconds", "When a poll last ended well, in Unix time")

    def render(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self.registry)

    def _counter(self, name: str, about: str, **labels: tuple[str, ...]) -> Counter:
        counter = Counter(name, about, tuple(labels), registry=self.registry)
        _initialise(counter, labels)
        return counter

    def _gauge(self, name: str, about: str, **labels: tuple[str, ...]) -> Gauge:
        gauge = Gauge(name, about, tuple(labels), registry=self.registry)
        _initialise(gauge, labels)
        return gauge

    def _histogram(self, name: str, about: str, buckets: tuple[float, ...], **labels: tuple[str, ...]) -> Histogram:
        histogram = Histogram(name, about, tuple(labels), buckets=buckets, registry=self.registry)
        _initialise(histogram, labels)
        return histogram


def _initialise(metric: Counter | Gauge | Histogram, labels: dict[str, tuple[str, ...]]) -> None:
    """A series that appears with its first event hides that event from rate()."""
    if labels:
        for values in product(*labels.values()):
            metric.labels(*values)
