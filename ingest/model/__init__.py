"""The values that travel between stages. All frozen; times are aware UTC; absent is None, never "failed".

In the order of the walk:

    configured  what is configured: feeds as somebody listed them
    asked       what is asked of the web, and what it answers
    said        what documents say: feeds, entries, pages and seed documents, understood but not yet judged
    learned     what polls taught about feeds and hosts
    held        what a worker holds while it works: claims under a lease
    planned     what is decided: plans, each with all that one step writes, and the values they are made of
    robots      what hosts say about robots
    subscribed  feeds whose hub pushes what is new
    history     a feed's history: where it is found and how far it has been read
    shown       what people are shown, and how they choose it
"""

from ingest.model.asked import Fetched, FetchRequest, Hop, NotModified, Purpose, Validators
from ingest.model.configured import FeedOptions, FeedOrigin, FeedSecrets, FeedSpec, FeedState
from ingest.model.held import ArticleClaim, FeedClaim, Lease, Move
from ingest.model.history import Backfill, Checkpoint, GapRepair, HistoryPlan, Strategy
from ingest.model.learned import Hints, HostLesson, HostState, Learned, Turn
from ingest.model.planned import (
    Action,
    Applied,
    Article,
    ArticlePlan,
    Candidate,
    EntryPlan,
    EntryState,
    FeedPlan,
    Gap,
    Identity,
    IdentityKind,
    KnownEntry,
    Match,
    Priority,
    RobotsVerdict,
    Sought,
)
from ingest.model.robots import RobotsFile, Ruling
from ingest.model.said import (
    NO_FACTS,
    NOTHING_BESIDE,
    Beside,
    Enclosure,
    Entry,
    Extracted,
    Facts,
    FeedHead,
    KeyedEntry,
    ParsedFeed,
    Quality,
    SeedDocument,
    SeenItems,
)
from ingest.model.shown import ArticleFilter, ArticleInfo, EntryInfo, FeedInfo, GapInfo, MoveInfo, PollInfo
from ingest.model.subscribed import AskedFor, Hub, PushResult, Question, Subscription, SubscriptionState

__all__ = [
    "NOTHING_BESIDE",
    "NO_FACTS",
    "Action",
    "Applied",
    "Article",
    "ArticleClaim",
    "ArticleFilter",
    "ArticleInfo",
    "ArticlePlan",
    "AskedFor",
    "Backfill",
    "Beside",
    "Candidate",
    "Checkpoint",
    "Enclosure",
    "Entry",
    "EntryInfo",
    "EntryPlan",
    "EntryState",
    "Extracted",
    "Facts",
    "FeedClaim",
    "FeedHead",
    "FeedInfo",
    "FeedOptions",
    "FeedOrigin",
    "FeedPlan",
    "FeedSecrets",
    "FeedSpec",
    "FeedState",
    "FetchRequest",
    "Fetched",
    "Gap",
    "GapInfo",
    "GapRepair",
    "Hints",
    "HistoryPlan",
    "Hop",
    "HostLesson",
    "HostState",
    "Hub",
    "Identity",
    "IdentityKind",
    "KeyedEntry",
    "KnownEntry",
    "Learned",
    "Lease",
    "Match",
    "Move",
    "MoveInfo",
    "NotModified",
    "ParsedFeed",
    "PollInfo",
    "Priority",
    "Purpose",
    "PushResult",
    "Quality",
    "Question",
    "RobotsFile",
    "RobotsVerdict",
    "Ruling",
    "SeedDocument",
    "SeenItems",
    "Sought",
    "Strategy",
    "Subscription",
    "SubscriptionState",
    "Turn",
    "Validators",
]
