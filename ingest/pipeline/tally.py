"""What one run did, counted; its text is the last line that `ingest run --once` prints."""

from dataclasses import dataclass

from ingest.errors import StoreError
from ingest.model import Action, ArticlePlan, EntryState, FeedPlan
from ingest.outcome import Outcome


@dataclass(slots=True)
class Tally:
    """An observer that counts."""

    feeds_ok: int = 0
    feeds_not_modified: int = 0
    feeds_failed: int = 0
    entries_new: int = 0
    entries_changed: int = 0
    articles_stored: int = 0
    articles_known: int = 0
    articles_revised: int = 0
    articles_waiting: int = 0
    articles_failed: int = 0
    gaps: int = 0
    crashes: int = 0
    store_problem: str = ""  # what the database refused with last

    @property
    def feeds(self) -> int:
        return self.feeds_ok + self.feeds_not_modified + self.feeds_failed

    @property
    def articles(self) -> int:
        """Entries that were worked on, however it ended."""
        return self.articles_stored + self.articles_known + self.articles_revised + self.articles_waiting + self.articles_failed

    def feed_polled(self, plan: FeedPlan) -> None:
        if plan.outcome is Outcome.NOT_MODIFIED:
            self.feeds_not_modified += 1
        elif plan.outcome is Outcome.OK:
            self.feeds_ok += 1
        else:
            self.feeds_failed += 1
        self.gaps += plan.gap is not None
        self.entries_new += len(plan.new)
        self.entries_changed += len(plan.changed)

    def article_ingested(self, plan: ArticlePlan) -> None:
        if plan.action is Action.NEW:
            self.articles_stored += 1
        elif plan.action is Action.REVISE:
            self.articles_revised += 1
        elif plan.state is EntryState.STORED:
            self.articles_known += 1
        elif plan.state is EntryState.FAILED:
            self.articles_failed += 1
        else:
            self.articles_waiting += 1

    def work_crashed(self, work: str, key: int, error: BaseException) -> None:  # noqa: ARG002  the port's signature
        self.crashes += 1
        if isinstance(error, StoreError):
            self.store_problem = str(error)

    def network_lost(self, hosts: int) -> None:
        """Told in the log."""

    def network_back(self, away_s: float) -> None:
        """Told in the log."""

    def __str__(self) -> str:
        articles = [f"{self.articles_stored} stored", f"{self.articles_known} known"]
        extra = (
            ("revised", self.articles_revised),
            ("waiting for their page", self.articles_waiting),
            ("failed", self.articles_failed),
        )
        articles += [f"{count} {word}" for word, count in extra if count]
        line = (
            f"feeds {self.feeds_ok} ok, {self.feeds_not_modified} not modified, {self.feeds_failed} failed"
            f" · entries {self.entries_new} new, {self.entries_changed} changed · articles {', '.join(articles)}"
        )
        line += f" · {self.gaps} gaps (`ingest feeds gaps`)" if self.gaps else ""
        return f"{line} · {self.crashes} internal errors" if self.crashes else line
