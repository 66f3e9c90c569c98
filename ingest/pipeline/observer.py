"""What the walk tells whoever wants to know."""

from dataclasses import dataclass
from typing import Protocol

from ingest.model import ArticlePlan, FeedPlan


class Observer(Protocol):
    """Told once for each unit of work, after it was written."""

    def feed_polled(self, plan: FeedPlan) -> None: ...

    def article_ingested(self, plan: ArticlePlan) -> None: ...

    def work_crashed(self, work: str, key: int, error: BaseException) -> None:
        """A defect of ours, or the store refused; `key` is 0 where that was a claim or a renewal and no single piece of work."""

    def network_lost(self, hosts: int) -> None:
        """Nearly everything fails, at so many hosts: it is our own network. Nothing is counted until it is back."""

    def network_back(self, away_s: float) -> None:
        """Somebody answered again, after so many seconds."""


@dataclass(frozen=True, slots=True)
class Observers:
    """Several observers as one."""

    members: tuple[Observer, ...] = ()

    def feed_polled(self, plan: FeedPlan) -> None:
        for member in self.members:
            member.feed_polled(plan)

    def article_ingested(self, plan: ArticlePlan) -> None:
        for member in self.members:
            member.article_ingested(plan)

    def work_crashed(self, work: str, key: int, error: BaseException) -> None:
        for member in self.members:
            member.work_crashed(work, key, error)

    def network_lost(self, hosts: int) -> None:
        for member in self.members:
            member.network_lost(hosts)

    def network_back(self, away_s: float) -> None:
        for member in self.members:
            member.network_back(away_s)
