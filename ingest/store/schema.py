"""All tables. Some are filled only by later capabilities; adding them afterwards would mean rewriting history.

    feeds ──< polls, gaps, moves, backfills, seen_items, subscriptions
      └────< entries >──── articles ──< revisions, identities, bands
    hosts, templates by host · robots by origin · stories group articles · merges, tombstones, events, cursors

Rules: no index on text that the world decides the length of (a PostgreSQL index row holds 2,704 bytes): addresses are found by
their hash. Counted rows that people and other programs refer to never get a number twice (AUTOINCREMENT).
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    false,
    literal_column,
)

from ingest.store.dialect import Id, Json, Utc, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

HASH = String(64)  # sha256, hexadecimal
NAME = String(32)  # a word of one of our enums
HOST = String(255)

# Written into the statement, not bound: a partial index serves only a condition the planner can read.
ACTIVE: ColumnElement[str] = literal_column("'active'", String())
PENDING: ColumnElement[str] = literal_column("'pending'", String())
FAILED: ColumnElement[str] = literal_column("'failed'", String())


def _feed(*, is_key: bool = False) -> Column[int]:
    return Column("feed_id", Id, ForeignKey("feeds.id", ondelete="CASCADE"), nullable=False, primary_key=is_key)


def _article(*, is_key: bool = False) -> Column[int]:
    return Column("article_id", Id, ForeignKey("articles.id", ondelete="CASCADE"), nullable=False, primary_key=is_key)


def _lease() -> tuple[Column[Any], ...]:
    return (
        Column("lease_owner", String(255)),
        Column("lease_until", Utc),
        Column("fence", Integer, nullable=False, default=0),  # grows with every claim
    )


feeds = Table(
    "feeds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("url", Words, nullable=False),
    Column("url_hash", HASH, nullable=False, unique=True),
    Column("listed_url", Words),  # as it was listed, where the feed has moved since
    Column("listed_hash", HASH, index=True, unique=True),  # of that: by which the feed list still finds it
    Column("origin", NAME, nullable=False),
    Column("options", Json, nullable=False),  # FeedOptions
    Column("state", NAME, nullable=False),
    Column("state_reason", Words, nullable=False, default=""),
    Column("title", Words),
    Column("site_url", Words),
    Column("language", Words),
    Column("head", Json),  # FeedHead of the last document that was parsed
    Column("etag", Words),
    Column("last_modified", Words),
    Column("validator_trust", Float, nullable=False, default=1.0),
    Column("full_at", Utc),  # when the last document came whole
    Column("body_hash", Words),
    Column("learned", Json),  # Learned
    Column("rate_root", Float),  # mean over the week of the root of the rate: the feed's share of the request budget
    Column("failures", Float, nullable=False, default=0.0),  # weighted, in a row
    Column("polled_at", Utc),
    Column("next_poll_at", Utc, nullable=False),
    Column("next_reason", Words, nullable=False, server_default=""),
    Column("probe_at", Utc),  # given up: when it is asked one last time
    Column("is_last_probe", Boolean, nullable=False, server_default=false()),
    Column("not_before_at", Utc),  # a server's Retry-After: holds even when everything is polled now
    Column("host", HOST, nullable=False, index=True),
    *_lease(),
    Column("outcome", NAME),  # of the last poll
    Column("reason", Words, nullable=False, default=""),
    Column("moved_to", Words),  # a permanent redirect, not adopted yet
    Column("moved_since_at", Utc),
    Column("moved_polls", Integer, nullable=False, server_default="0"),
    Column("refused_url", Words),  # a target that a person took back
    Column("hub_url", Words),
    Column("topic_url", Words),  # by which the hub knows the feed
    Column("is_pushed", Boolean, nullable=False, server_default=false()),  # its hub has proven to push all of it
    Column("created_at", Utc, nullable=False),
    sqlite_autoincrement=True,
)
_is_active = feeds.c.state == ACTIVE
Index("ix_feeds_due", feeds.c.next_poll_at, feeds.c.id, sqlite_where=_is_active, postgresql_where=_is_active)

hosts = Table(
    "hosts",
    metadata,
    Column("host", HOST, primary_key=True),
    Column("next_request_at", Utc),  # nobody may start a request before; never earlier than throttled_until
    Column("granted_at", Utc),  # the moment of the last turn that was given
    Column("throttled_until", Utc),  # it asked to be left alone
    Column("gap_s", Float),  # learned
    Column("crawl_delay_s", Float),  # of its robots.txt
    Column("granted", Integer, nullable=False, server_default="0"),  # requests since window_at
    Column("window_at", Utc),
    Column("refused_at", Utc),
    Column("feeds", Integer, nullable=False, server_default="1"),  # active ones, as last counted
    Column("reason", Words, nullable=False, server_default=""),  # what taught the gap
)

robots = Table(
    "robots",
    metadata,
    Column("origin_hash", HASH, primary_key=True),
    Column("origin", Words, nullable=False),
    Column("status", Integer),  # None: no answer
    Column("body", Words, nullable=False, server_default=""),
    Column("fetched_at", Utc, nullable=False),
    Column("until_at", Utc, nullable=False, index=True),  # to be asked for again then
    Column("unreachable_since_at", Utc),
    Column("reason", Words, nullable=False, server_default=""),
)

moves = Table(
    "moves",
    metadata,
    Column("id", Id, primary_key=True),
    _feed(),
    Column("from_url", Words, nullable=False),
    Column("to_url", Words, nullable=False),
    Column("moved_at", Utc, nullable=False),
    Column("reason", Words, nullable=False),
    Column("undone_at", Utc),
    Index("ix_moves_feed_id", "feed_id"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Id, primary_key=True),
    # Outlives its feed: the hub is still to be told, and what it pushes meanwhile to be refused.
    Column("feed_id", Id, ForeignKey("feeds.id", ondelete="SET NULL"), index=True),
    Column("hub_url", Words, nullable=False),
    Column("topic_url", Words, nullable=False),
    Column("base_url", Words, nullable=False),  # websub.callback_url as it was then
    Column("token", HASH, nullable=False, unique=True),  # the last part of the callback's address
    Column("secret", Words, nullable=False),  # for HMAC; empty: the hub was given none
    Column("state", NAME, nullable=False),
    Column("reason", Words, nullable=False, server_default=""),
    Column("asked_at", Utc),
    Column("next_ask_at", Utc, nullable=False, index=True),  # of one that is over: when it is forgotten
    Column("attempts", Integer, nullable=False, server_default="0"),  # in a row without a verification
    Column("confirmed_at", Utc),  # the hub last verified
    Column("active_since_at", Utc),
    Column("lease_until", Utc),  # the hub's lease
    Column("pushed_at", Utc),
    Column("proving_since_at", Utc),  # the first push with new entries since one was missed
    Column("pushes", Integer, nullable=False, server_default="0"),  # with new entries, since then
    Column("brought", Integer, nullable=False, server_default="0"),  # new entries, since then
    Column("missed", Integer, nullable=False, server_default="0"),  # new entries that only a poll found, in all
    Column("usual_poll_at", Utc),  # when the feed would be polled next without pushes
    sqlite_autoincrement=True,
)

polls = Table(
    "polls",
    metadata,
    Column("id", Id, primary_key=True),
    _feed(),
    Column("polled_at", Utc, nullable=False, index=True),
    Column("outcome", NAME, nullable=False),
    Column("status", Integer),
    Column("elapsed_ms", BigInteger, nullable=False),
    Column("body_bytes", BigInteger, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("overlap", Integer, nullable=False),  # of the entries seen, those known before
    Column("new", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("reason", Words, nullable=False),
    Index("ix_polls_feed_id_polled_at", "feed_id", "polled_at"),
)

# Apart from `feeds`, whose rows are written at every poll: this is written when a document brought something else.
seen_items = Table(
    "seen_items",
    metadata,
    _feed(is_key=True),
    Column("context", LargeBinary, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),  # of what feeds.head was read from
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", Id, primary_key=True),
    _feed(),
    Column("since_at", Utc, nullable=False),  # the poll before the gap
    Column("until_at", Utc, nullable=False),  # the poll after it
    Column("missed", Float, nullable=False),  # entries, estimated
    Column("found", Integer),  # by a repair; None: none was tried
    Column("reason", Words, nullable=False),
    Column("repaired_at", Utc),
    Column("repair", Words, nullable=False, server_default=""),  # how it went
    Column("tries", Integer, nullable=False, server_default="0"),  # to repair it
    Column("next_try_at", Utc),  # after a try that failed; None: at once
    Index("ix_gaps_feed_id_until_at", "feed_id", "until_at"),
)

entries = Table(
    "entries",
    metadata,
    Column("id", Id, primary_key=True),
    _feed(),
    Column("key", Words, nullable=False),
    Column("guid", Words),
    Column("url", Words),
    Column("title", Words),
    Column("published_at", Utc),
    Column("content_hash", Words, nullable=False),
    Column("data", Json, nullable=False),  # Entry, as the feed said it
    Column("host", HOST, nullable=False),  # of url; empty where nobody is asked for a page
    Column("priority", SmallInteger, nullable=False),  # 0 live, 1 backfill
    Column("state", NAME, nullable=False),
    Column("reason", Words, nullable=False, default=""),
    Column("outcome", NAME),  # of the last try
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_try_at", Utc),  # set while pending
    *_lease(),
    Column("article_id", Id, ForeignKey("articles.id"), index=True),
    Column("first_seen_at", Utc, nullable=False),
    Column("last_seen_at", Utc, nullable=False),  # when a poll last wrote of it, as new or as changed
    Column("changed_at", Utc),
    UniqueConstraint("feed_id", "key"),
    Index("ix_entries_feed_id_state_article_id", "feed_id", "state", "article_id"),  # counts a feed without its rows
    sqlite_autoincrement=True,
)
_is_pending = entries.c.state == PENDING
_is_failed = entries.c.state == FAILED
Index(
    "ix_entries_due",
    entries.c.priority,
    entries.c.next_try_at,
    entries.c.id,
    sqlite_where=_is_pending,
    postgresql_where=_is_pending,
)
Index("ix_entries_failed", entries.c.id, sqlite_where=_is_failed, postgresql_where=_is_failed)
for _held in (feeds, entries):
    _is_held = _held.c.lease_owner.is_not(None)
    Index(f"ix_{_held.name}_held", _held.c.lease_owner, sqlite_where=_is_held, postgresql_where=_is_held)

articles = Table(
    "articles",
    metadata,
    Column("id", Id, primary_key=True),
    Column("url", Words),
    Column("final_url", Words),
    Column("canonical_url", Words),
    Column("title", Words),
    Column("title_source", NAME, nullable=False),
    Column("authors", Json, nullable=False),
    Column("published_at", Utc),
    Column("published_source", NAME, nullable=False),
    Column("dated_at", Utc, nullable=False),  # published_at, or first_seen_at without it: the order of every list
    Column("language", Words),
    Column("text", Words, nullable=False),
    Column("html", Words, nullable=False),
    Column("words", Integer, nullable=False),
    Column("body_source", NAME, nullable=False),
    Column("quality", NAME, nullable=False),
    Column("evidence", Json),  # what the quality was judged by
    Column("facts", Json),  # what the page says beside title, authors and date
    Column("extractor", Words, nullable=False),
    Column("extractor_version", Words, nullable=False),
    Column("text_hash", Words),
    Column("credit", Words),
    Column("robots", NAME),  # what robots.txt said about fetching its page
    Column("raw_ref", Words),  # where the archive keeps the response
    Column("story_id", Id, ForeignKey("stories.id"), index=True),
    Column("revision", Integer, nullable=False, default=1),
    Column("first_seen_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("removed_at", Utc),
    Index("ix_articles_dated_at_id", "dated_at", "id"),
    sqlite_autoincrement=True,
)

revisions = Table(
    "revisions",
    metadata,
    Column("id", Id, primary_key=True),
    _article(),
    Column("revision", Integer, nullable=False),
    Column("title", Words),
    Column("authors", Json, nullable=False),
    Column("published_at", Utc),
    Column("text", Words, nullable=False),
    Column("html", Words, nullable=False),
    Column("words", Integer, nullable=False),
    Column("body_source", NAME, nullable=False),
    Column("quality", NAME, nullable=False),
    Column("extractor", Words, nullable=False),
    Column("extractor_version", Words, nullable=False),
    Column("text_hash", Words),
    Column("written_at", Utc, nullable=False),  # when this version became the article
    Column("replaced_at", Utc, nullable=False),
    Column("reason", Words, nullable=False),  # why it was replaced
    UniqueConstraint("article_id", "revision"),
)

identities = Table(
    "identities",
    metadata,
    Column("value", HASH, primary_key=True),  # sha256 of what the identity says
    Column("kind", NAME, primary_key=True),
    Column("readable", Words),
    Column("article_id", Id, ForeignKey("articles.id", ondelete="CASCADE"), nullable=False, index=True),
)

merges = Table(
    "merges",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kept_id", Id, ForeignKey("articles.id"), nullable=False, index=True),
    Column("merged_id", Id, ForeignKey("articles.id"), nullable=False, index=True),
    Column("reason", Words, nullable=False),
    Column("undo", Json, nullable=False),  # what it takes to part them again
    Column("merged_at", Utc, nullable=False),
    Column("undone_at", Utc),
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("article_id", Id, primary_key=True, autoincrement=False),
    Column("canonical_url", Words),
    Column("reason", Words, nullable=False),
    Column("removed_at", Utc, nullable=False),
)

stories = Table(
    "stories",
    metadata,
    Column("id", Id, primary_key=True),
    Column("articles", Integer, nullable=False, default=0),
    Column("created_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    sqlite_autoincrement=True,
)

bands = Table(
    "bands",
    metadata,
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),  # so that a window of days is probed
    _article(is_key=True),
    Index("ix_bands_article_id", "article_id"),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # given in the order of commits, without gaps
    Column("kind", NAME, nullable=False),
    Column("ids", Json, nullable=False),
    Column("payload", Json, nullable=False),
    Column("at", Utc, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("sink", String(255), primary_key=True),
    Column("seq", BigInteger, nullable=False),  # the last event that was delivered
    Column("updated_at", Utc, nullable=False),
)

backfills = Table(
    "backfills",
    metadata,
    Column("id", Id, primary_key=True),
    _feed(),
    Column("strategy", NAME, nullable=False),
    Column("next_url", Words),  # None: the end was reached
    Column("pages", Integer, nullable=False, default=0),
    Column("entries_new", Integer, nullable=False, default=0),
    Column("is_finished", Boolean, nullable=False, default=False),
    Column("started_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("reason", Words, nullable=False, default=""),
    UniqueConstraint("feed_id", "strategy"),
)

templates = Table(
    "templates",
    metadata,
    Column("host", HOST, primary_key=True),
    Column("data", Json, nullable=False),  # what repeats on the pages of the host
    Column("pages", Integer, nullable=False),
    Column("learned_at", Utc, nullable=False),
)
