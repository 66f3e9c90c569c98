"""What one run did, in its last line."""

import pytest

from ingest.errors import StoreUnavailable
from ingest.model import Action, ArticlePlan, EntryState, FeedPlan
from ingest.outcome import Outcome
from ingest.pipeline import Tally
from tests.unit.make import NOW, article_claim, feed_claim


def polled(outcome, **given):
    return FeedPlan(claim=feed_claim(), polled_at=NOW, outcome=outcome, reason="", next_poll_at=NOW, **given)


def ingested(action, state=EntryState.STORED):
    return ArticlePlan(claim=article_claim(), action=action, outcome=Outcome.OK, reason="", tried_at=NOW, state=state)


def test_a_run_without_work_says_so():
    assert str(Tally()) == "feeds 0 ok, 0 not modified, 0 failed · entries 0 new, 0 changed · articles 0 stored, 0 known"


def test_polls_are_counted_by_how_they_ended():
    tally = Tally()
    for outcome in (Outcome.OK, Outcome.OK, Outcome.NOT_MODIFIED, Outcome.TIMEOUT):
        tally.feed_polled(polled(outcome))
    assert (tally.feeds_ok, tally.feeds_not_modified, tally.feeds_failed, tally.feeds) == (2, 1, 1, 4)


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (ingested(Action.NEW), "1 stored, 0 known"),
        (ingested(Action.NEW, EntryState.PENDING), "1 stored, 0 known"),
        (ingested(Action.LINK), "0 stored, 1 known"),
        (ingested(Action.REVISE), "0 stored, 0 known, 1 revised"),
        (ingested(Action.NONE, EntryState.PENDING), "0 stored, 0 known, 1 waiting for their page"),
        (ingested(Action.NONE, EntryState.FAILED), "0 stored, 0 known, 1 failed"),
    ],
    ids=["new", "new, page to come", "known", "revised", "waiting", "failed"],
)
def test_every_entry_that_was_worked_on_is_counted_once(plan, told):
    tally = Tally()
    tally.article_ingested(plan)
    assert str(tally).endswith(f"articles {told}")
    assert tally.articles == 1


def test_a_defect_is_told_apart_from_a_database_that_refuses():
    tally = Tally()
    tally.work_crashed("feed", 7, ZeroDivisionError())
    assert (tally.crashes, tally.store_problem) == (1, "")
    tally.work_crashed("feed", 7, StoreUnavailable("database x is away"))
    assert (tally.crashes, tally.store_problem) == (2, "database x is away")
    assert str(tally).endswith("2 internal errors")
