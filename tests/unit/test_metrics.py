"""What /metrics says."""

from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingest import __version__
from ingest.metrics import ARTICLE_RESULTS, ENTRY_RESULTS, Metrics
from ingest.model import FeedState, Purpose, PushResult, SubscriptionState
from ingest.outcome import Outcome


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics)[name, tuple(sorted(labels.items()))]


def test_every_series_is_there_from_the_start() -> None:
    expected = {
        ("ingest_build_info", (("version", __version__),)),
        *(("ingest_polls_total", (("outcome", outcome),)) for outcome in Outcome),
        ("ingest_poll_seconds_count", ()),
        *(("ingest_fetch_total", (("outcome", outcome), ("purpose", purpose))) for outcome in Outcome for purpose in Purpose),
        *(("ingest_fetch_seconds_sum", (("purpose", purpose),)) for purpose in Purpose),
        *(("ingest_fetch_bytes_total", (("purpose", purpose),)) for purpose in Purpose),
        *(("ingest_entries_total", (("result", result),)) for result in ENTRY_RESULTS),
        *(("ingest_articles_total", (("result", result),)) for result in ARTICLE_RESULTS),
        *(("ingest_feeds", (("state", state),)) for state in FeedState),
        ("ingest_due_feeds", ()),
        ("ingest_oldest_due_seconds", ()),
        ("ingest_pending_entries", ()),
        ("ingest_worker_kills_total", ()),
        *(("ingest_pushes_total", (("result", result),)) for result in PushResult),
        *(("ingest_subscriptions", (("state", state),)) for state in SubscriptionState),
        ("ingest_gaps_total", ()),
        ("ingest_missed_entries_total", ()),
        ("ingest_repaired_entries_total", ()),
        ("ingest_network_away", ()),
        ("ingest_last_success_timestamp_seconds", ()),
        ("ingest_publish_to_store_seconds_count", ()),
    }
    present = samples(Metrics())
    assert expected <= present.keys()
    names = {name for name, _ in present}
    assert {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in names} == {
        name.removesuffix("_sum").removesuffix("_count") for name, _ in expected
    }


def test_two_services_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.worker_killed()
    assert value(one, "ingest_worker_kills_total") == 1
    assert value(other, "ingest_worker_kills_total") == 0


def test_a_poll_counts_its_outcome_time_bytes_and_entries() -> None:
    metrics = Metrics()
    metrics.feed_polled(outcome=Outcome.OK, elapsed_s=0.3, body_bytes=1000, new=3, changed=1)
    metrics.feed_polled(outcome=Outcome.NOT_MODIFIED, elapsed_s=0.2, body_bytes=0, new=0, changed=0)
    metrics.succeeded(datetime(2026, 1, 1, tzinfo=UTC))
    assert value(metrics, "ingest_polls_total", outcome="ok") == 1
    assert value(metrics, "ingest_polls_total", outcome="not_modified") == 1
    assert value(metrics, "ingest_poll_seconds_sum") == pytest.approx(0.5)
    assert value(metrics, "ingest_fetch_bytes_total", purpose="feed") == 1000
    assert value(metrics, "ingest_entries_total", result="new") == 3
    assert value(metrics, "ingest_entries_total", result="changed") == 1
    assert value(metrics, "ingest_last_success_timestamp_seconds") == 1_767_225_600


def test_an_exchange_counts_by_purpose_and_outcome() -> None:
    metrics = Metrics()
    metrics.fetched(purpose=Purpose.PAGE, outcome=Outcome.TIMEOUT, elapsed_s=30.0)
    metrics.fetched(purpose=Purpose.PAGE, outcome=Outcome.OK, elapsed_s=0.1, body_bytes=500)
    metrics.fetched(purpose=Purpose.FEED, outcome=Outcome.OK, elapsed_s=0.1, body_bytes=500)
    assert value(metrics, "ingest_fetch_total", purpose="page", outcome="timeout") == 1
    assert value(metrics, "ingest_fetch_seconds_count", purpose="page") == 2
    assert value(metrics, "ingest_fetch_bytes_total", purpose="page") == 500
    assert value(metrics, "ingest_fetch_bytes_total", purpose="feed") == 0  # its poll counts them


def test_articles_count_by_result_and_delay() -> None:
    metrics = Metrics()
    metrics.article_ingested("new")
    metrics.stored_after(120.0)
    assert value(metrics, "ingest_articles_total", result="new") == 1
    assert value(metrics, "ingest_publish_to_store_seconds_bucket", le="60.0") == 0
    assert value(metrics, "ingest_publish_to_store_seconds_bucket", le="300.0") == 1


def test_what_was_measured_is_shown_and_a_state_without_feeds_counts_none() -> None:
    metrics = Metrics()
    metrics.measured(feeds_by_state={FeedState.ACTIVE: 3, FeedState.PAUSED: 1}, due_feeds=2, oldest_due_s=9.5, pending_entries=4)
    metrics.measured(feeds_by_state={FeedState.ACTIVE: 2}, due_feeds=2, oldest_due_s=9.5, pending_entries=4)
    assert value(metrics, "ingest_feeds", state="active") == 2
    assert value(metrics, "ingest_feeds", state="paused") == 0
    assert value(metrics, "ingest_due_feeds") == 2
    assert value(metrics, "ingest_oldest_due_seconds") == 9.5
    assert value(metrics, "ingest_pending_entries") == 4
