"""Observers of the walk: one canonical log line per unit of work, and the metrics."""

from dataclasses import dataclass

from ingest.clock import Clock
from ingest.errors import FetchError, StoreUnavailable
from ingest.log import get
from ingest.metrics import Metrics
from ingest.model import Action, ArticlePlan, EntryState, FeedPlan, FeedState, Fetched, FetchRequest, NotModified
from ingest.outcome import Outcome
from ingest.ports import Fetcher


class LogObserver:
    """One line per poll and per article. Failures are warnings: somebody may want to look."""

    def __init__(self) -> None:
        self._log = get("ingest.walk")

    def feed_polled(self, plan: FeedPlan) -> None:
        say = self._log.info if plan.outcome.is_success else self._log.warning
        say(
            "feed_polled",
            feed_id=plan.claim.feed_id,
            url=plan.claim.url,
            outcome=plan.outcome.value,
            status=plan.status,
            seen=plan.seen,
            new=len(plan.new),
            changed=len(plan.changed),
            bytes=plan.body_bytes,
            ms=plan.elapsed_ms,
            **({"next_poll_at": plan.next_poll_at.isoformat(timespec="seconds")} if plan.next_poll_at else {}),
            **({"reason": plan.reason} if plan.reason else {}),
            **({"is_push": True} if plan.is_push else {}),
            **({"state": plan.state.value} if plan.state is not FeedState.ACTIVE else {}),
        )
        if plan.gap is not None:
            self._log.warning("gap_found", feed_id=plan.claim.feed_id, missed=round(plan.gap.missed), reason=plan.gap.reason)
        if plan.moved_to is not None:
            self._log.info("feed_moved", feed_id=plan.claim.feed_id, to_url=plan.moved_to, reason=plan.moved_reason)
        if plan.lesson is not None:
            self._log.info(
                "host_learned", host=plan.lesson.host or plan.claim.host.host, gap_s=plan.lesson.gap_s, reason=plan.lesson.reason
            )

    def article_ingested(self, plan: ArticlePlan) -> None:
        say = self._log.info if plan.outcome.is_success else self._log.warning
        say(
            "article_ingested",
            entry_id=plan.claim.entry_id,
            feed_id=plan.claim.feed_id,
            url=plan.claim.entry.url,
            outcome=plan.outcome.value,
            action=plan.action.value,
            state=plan.state.value,
            article_id=plan.article_id,
            words=plan.article.words if plan.article else None,
            body_source=plan.article.body_source if plan.article else None,
            reason=plan.reason,
            **({"next_try_at": plan.next_try_at.isoformat(timespec="seconds")} if plan.next_try_at else {}),
        )

    def work_crashed(self, work: str, key: int, error: BaseException) -> None:
        # A database that is away is no defect: where in our code it was asked would only bury the one line that matters.
        traceback = None if isinstance(error, StoreUnavailable) else error
        self._log.error("work_crashed", work=work, key=key, error=f"{type(error).__name__}: {error}", exc_info=traceback)

    def network_lost(self, hosts: int) -> None:
        self._log.error("network_lost", hosts=hosts, meaning="nearly everything fails: our own network; nothing is counted")

    def network_back(self, away_s: float) -> None:
        self._log.warning("network_back", away_s=round(away_s))


@dataclass(frozen=True, slots=True)
class MetricsObserver:
    """Counts for /metrics."""

    metrics: Metrics

    def feed_polled(self, plan: FeedPlan) -> None:
        if plan.is_push:
            self.metrics.entries_found(new=len(plan.new), changed=len(plan.changed))
            return
        self.metrics.feed_polled(
            outcome=plan.outcome,
            elapsed_s=plan.elapsed_ms / 1000,
            body_bytes=plan.body_bytes,
            new=len(plan.new),
            changed=len(plan.changed),
        )
        if plan.outcome is Outcome.PARSE_KILLED:
            self.metrics.worker_killed()
        if plan.outcome.is_success:
            self.metrics.succeeded(plan.polled_at)
        if plan.gap is not None:
            self.metrics.gap_found(plan.gap.missed)

    def article_ingested(self, plan: ArticlePlan) -> None:
        self.metrics.article_ingested(_result(plan))
        if plan.outcome is Outcome.EXTRACT_KILLED:
            self.metrics.worker_killed()
        published_at = plan.claim.entry.published_at
        if plan.action is Action.NEW and published_at and published_at <= plan.tried_at:
            self.metrics.stored_after((plan.tried_at - published_at).total_seconds())

    def work_crashed(self, work: str, key: int, error: BaseException) -> None:
        """Seen in the log; crashes have no series of their own."""

    def network_lost(self, hosts: int) -> None:  # noqa: ARG002  the port's signature
        self.metrics.network_is(away=True)

    def network_back(self, away_s: float) -> None:  # noqa: ARG002  the port's signature
        self.metrics.network_is(away=False)


@dataclass(frozen=True, slots=True)
class MeteredFetcher:
    """A Fetcher that counts what the one behind it does."""

    fetcher: Fetcher
    metrics: Metrics
    clock: Clock

    async def fetch(self, request: FetchRequest) -> Fetched | NotModified:
        """As the fetcher behind. Raises FetchError, StoreError."""
        started_s = self.clock.monotonic_s()
        outcome, body_bytes = Outcome.INTERNAL_ERROR, 0
        try:
            answer = await self.fetcher.fetch(request)
            outcome = Outcome.OK if isinstance(answer, Fetched) else Outcome.NOT_MODIFIED
            body_bytes = len(answer.body) if isinstance(answer, Fetched) else 0
        except FetchError as error:
            outcome = error.outcome
            raise
        finally:
            elapsed_s = self.clock.monotonic_s() - started_s
            self.metrics.fetched(purpose=request.purpose, outcome=outcome, elapsed_s=elapsed_s, body_bytes=body_bytes)
        return answer


def _result(plan: ArticlePlan) -> str:
    if plan.action is Action.NEW:
        return "new"
    if plan.action is Action.REVISE:
        return "revised"
    if plan.state is EntryState.STORED:
        return "known"
    return "failed" if plan.state is EntryState.FAILED else "retried"
