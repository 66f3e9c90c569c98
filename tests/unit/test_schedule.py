"""When to come back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.model import FeedHead
from ingest.outcome import Outcome
from ingest.policy import HostPolicy, PollPolicy
from ingest.schedule import failure_weight, next_poll_after_failure, next_poll_at, next_try_at, throttled_until
from tests.unit.make import NOW

POLICY = PollPolicy(interval_s=1800, min_interval_s=300, max_interval_s=86400, jitter=0.1)
MIDDLE = 0.5  # the chance that leaves an interval as it is


def seconds(moment):
    return (moment - NOW).total_seconds()


@pytest.mark.parametrize(
    ("ttl_s", "freshness_s", "expected_s"),
    [(None, None, 1800), (3600, None, 3600), (60, None, 1800), (None, 7200, 7200), (3600, 7200, 7200), (10**9, None, 86400)],
    ids=["default", "ttl", "short ttl", "max-age", "the longer hint", "a day at most"],
)
def test_hints_of_a_feed_stretch_the_interval_within_bounds(ttl_s, freshness_s, expected_s):
    head = FeedHead("rss20", ttl_s=ttl_s)
    assert seconds(next_poll_at(NOW, POLICY, chance=MIDDLE, head=head, freshness_s=freshness_s)) == expected_s


def test_a_feeds_own_interval_wins_over_hints_and_bounds():
    assert seconds(next_poll_at(NOW, POLICY, chance=MIDDLE, interval_s=60, head=FeedHead("rss20", ttl_s=9000))) == 60


def test_failures_double_the_interval_up_to_a_day():
    waits = [seconds(next_poll_after_failure(NOW, POLICY, chance=MIDDLE, failures=failures)) for failures in (0.5, 1, 2, 3, 40)]
    assert waits == [pytest.approx(1800 * 2**0.5), 3600, 7200, 14400, 86400]


def test_a_feed_that_is_polled_weekly_is_not_polled_daily_because_it_fails():
    week_s = 7 * 86400
    assert seconds(next_poll_after_failure(NOW, POLICY, chance=MIDDLE, failures=2, interval_s=week_s)) == week_s


def test_tries_double_from_the_first_wait_to_the_longest():
    waits = [seconds(next_try_at(NOW, attempts=n, first_s=600, max_s=86400, chance=MIDDLE)) for n in (1, 2, 3, 100)]
    assert waits == [600, 1200, 2400, 86400]


@given(st.floats(0, 1, exclude_max=True))
def test_chance_moves_a_poll_by_no_more_than_the_jitter(chance):
    assert 1620 <= seconds(next_poll_at(NOW, POLICY, chance=chance)) <= 1980


@pytest.mark.parametrize(
    ("outcome", "status", "weight"),
    [
        (Outcome.TIMEOUT, None, 0.25),
        (Outcome.RATE_LIMITED, 429, 0.25),
        (Outcome.HTTP_ERROR, 503, 0.5),
        (Outcome.TLS_ERROR, None, 0.5),
        (Outcome.HTTP_ERROR, 404, 1.0),
        (Outcome.GONE, 410, 1.0),
        (Outcome.NOT_A_FEED, None, 1.0),
    ],
)
def test_hard_failures_weigh_more_than_passing_ones(outcome, status, weight):
    assert failure_weight(outcome, status) == weight


@pytest.mark.parametrize(("asked_s", "granted_s"), [(120, 120), (-5, 0), (10**9, 86400)], ids=["as asked", "negative", "huge"])
def test_retry_after_is_believed_within_reason(asked_s, granted_s):
    assert throttled_until(asked_s, NOW, HostPolicy()) == NOW + timedelta(seconds=granted_s)


def test_without_retry_after_no_host_is_throttled():
    assert throttled_until(None, NOW, HostPolicy()) is None
