"""What is known + what arrived → what to write, and why. Pure: every plan carries its reason, the edge logs it."""

from ingest.decide.article import (
    Recognition,
    plan_article,
    plan_article_failure,
    plan_article_in_outage,
    plan_article_without_turn,
    plan_disallowed,
    plan_empty,
    plan_known_link,
)
from ingest.decide.draft import Draft, FeedText, draft, draft_seed, draft_texts
from ingest.decide.explain import Explained, explain
from ingest.decide.feed import Found, body_hash, plan_feed, plan_pushed_feed, plan_same_feed
from ingest.decide.filters import plan_entry
from ingest.decide.setback import plan_feed_failure, plan_feed_in_outage, plan_feed_without_turn
from ingest.decide.terms import Terms

__all__ = [
    "Draft",
    "Explained",
    "FeedText",
    "Found",
    "Recognition",
    "Terms",
    "body_hash",
    "draft",
    "draft_seed",
    "draft_texts",
    "explain",
    "plan_article",
    "plan_article_failure",
    "plan_article_in_outage",
    "plan_article_without_turn",
    "plan_disallowed",
    "plan_empty",
    "plan_entry",
    "plan_feed",
    "plan_feed_failure",
    "plan_feed_in_outage",
    "plan_feed_without_turn",
    "plan_known_link",
    "plan_pushed_feed",
    "plan_same_feed",
]
