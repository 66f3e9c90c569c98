"""What is known + what arrived → what to write, and why. Pure: every plan carries its reason, the edge logs it."""

from ingest.decide.article import Recognition, plan_article, plan_article_failure, plan_empty, plan_known_link
from ingest.decide.draft import Draft, draft, draft_seed
from ingest.decide.feed import Found, body_hash, plan_feed, plan_feed_failure, plan_same_feed
from ingest.decide.filters import plan_entry

__all__ = [
    "Draft",
    "Found",
    "Recognition",
    "body_hash",
    "draft",
    "draft_seed",
    "plan_article",
    "plan_article_failure",
    "plan_empty",
    "plan_entry",
    "plan_feed",
    "plan_feed_failure",
    "plan_known_link",
    "plan_same_feed",
]
