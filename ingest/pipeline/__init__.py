"""The walk, on ports only: claim → act → decide → apply.

    Runner ── claims a batch, works n at a time, renews leases, stops cleanly
      ├── FeedWork    ── poll_feed:      fetch → parse (worker) → known entries → plan_feed → apply
      └── ArticleWork ── ingest_article: robots → fetch → draft (worker) → candidates → match → plan_article → apply (in batches)

Everything that happened is told to an `Observer`; logs, metrics and progress bars are observers.
"""

from ingest.pipeline.articles import ArticleTools, ArticleWork, ingest_article
from ingest.pipeline.edges import Edges
from ingest.pipeline.feeds import FeedTools, FeedWork, poll_feed, read_feed
from ingest.pipeline.network import NetworkWatch
from ingest.pipeline.observer import Observer, Observers
from ingest.pipeline.pace import Pacer
from ingest.pipeline.robots import RobotsGate
from ingest.pipeline.runner import GRACE_S, Runner, Work
from ingest.pipeline.secrets import scoped_secrets
from ingest.pipeline.tally import Tally

__all__ = [
    "GRACE_S",
    "ArticleTools",
    "ArticleWork",
    "Edges",
    "FeedTools",
    "FeedWork",
    "NetworkWatch",
    "Observer",
    "Observers",
    "Pacer",
    "RobotsGate",
    "Runner",
    "Tally",
    "Work",
    "ingest_article",
    "poll_feed",
    "read_feed",
    "scoped_secrets",
]
