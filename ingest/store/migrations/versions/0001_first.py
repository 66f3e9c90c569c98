"""The first schema: everything from feeds to stories, also what later capabilities fill."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
HASH = sa.String(64)
NAME = sa.String(32)
HOST = sa.String(255)

TABLES = (
    "cursors",
    "events",
    "feeds",
    "hosts",
    "stories",
    "templates",
    "tombstones",
    "articles",
    "backfills",
    "gaps",
    "polls",
    "bands",
    "entries",
    "identities",
    "merges",
    "revisions",
)


def upgrade() -> None:
    _create_cursors()
    _create_events()
    _create_feeds()
    _create_hosts()
    _create_stories()
    _create_templates()
    _create_tombstones()
    _create_articles()
    _create_backfills()
    _create_gaps()
    _create_polls()
    _create_bands()
    _create_entries()
    _create_identities()
    _create_merges()
    _create_revisions()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(op.f(name), table, list(columns), sqlite_where=condition, postgresql_where=condition)


def _create_cursors() -> None:
    op.create_table(
        "cursors",
        sa.Column("sink", sa.String(255), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("sink", name=op.f("pk_cursors")),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("ids", JSON, nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
    )


def _create_feeds() -> None:
    op.create_table(
        "feeds",
        sa.Column("id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("url_hash", HASH, nullable=False),
        sa.Column("origin", NAME, nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("site_url", sa.Text(), nullable=True),
        sa.Column("head", JSON, nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("validator_trust", sa.Float(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=True),
        sa.Column("rate", sa.Float(), nullable=True),
        sa.Column("failures", sa.Float(), nullable=False),
        sa.Column("polled_at", TIME, nullable=True),
        sa.Column("next_poll_at", TIME, nullable=False),
        sa.Column("not_before_at", TIME, nullable=True),
        sa.Column("host", HOST, nullable=False),
        sa.Column("lease_owner", sa.String(255), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("outcome", NAME, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("moved_to", sa.Text(), nullable=True),
        sa.Column("hub_url", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feeds")),
        sa.UniqueConstraint("url_hash", name=op.f("uq_feeds_url_hash")),
        sqlite_autoincrement=True,
    )
    _index("ix_feeds_due", "feeds", "next_poll_at", "id", where="state = 'active'")
    _index("ix_feeds_held", "feeds", "lease_owner", where="lease_owner IS NOT NULL")
    _index("ix_feeds_host", "feeds", "host")


def _create_hosts() -> None:
    op.create_table(
        "hosts",
        sa.Column("host", HOST, nullable=False),
        sa.Column("next_request_at", TIME, nullable=True),
        sa.Column("throttled_until", TIME, nullable=True),
        sa.Column("gap_s", sa.Float(), nullable=True),
        sa.Column("robots", sa.Text(), nullable=True),
        sa.Column("robots_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_hosts")),
    )


def _create_stories() -> None:
    op.create_table(
        "stories",
        sa.Column("id", ID, nullable=False),
        sa.Column("articles", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stories")),
        sqlite_autoincrement=True,
    )


def _create_templates() -> None:
    op.create_table(
        "templates",
        sa.Column("host", HOST, nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("learned_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_templates")),
    )


def _create_tombstones() -> None:
    op.create_table(
        "tombstones",
        sa.Column("article_id", ID, nullable=False, autoincrement=False),
        sa.Column("canonical_url", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("removed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_tombstones")),
    )


def _create_articles() -> None:
    op.create_table(
        "articles",
        sa.Column("id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("final_url", sa.Text(), nullable=True),
        sa.Column("canonical_url", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("title_source", NAME, nullable=False),
        sa.Column("authors", JSON, nullable=False),
        sa.Column("published_at", TIME, nullable=True),
        sa.Column("published_source", NAME, nullable=False),
        sa.Column("dated_at", TIME, nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("body_source", NAME, nullable=False),
        sa.Column("quality", NAME, nullable=False),
        sa.Column("evidence", JSON, nullable=True),
        sa.Column("extractor", sa.Text(), nullable=False),
        sa.Column("extractor_version", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.Text(), nullable=True),
        sa.Column("credit", sa.Text(), nullable=True),
        sa.Column("raw_ref", sa.Text(), nullable=True),
        sa.Column("story_id", ID, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("removed_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"], name=op.f("fk_articles_story_id")),
        sqlite_autoincrement=True,
    )
    _index("ix_articles_dated_at_id", "articles", "dated_at", "id")
    _index("ix_articles_story_id", "articles", "story_id")


def _create_backfills() -> None:
    op.create_table(
        "backfills",
        sa.Column("id", ID, nullable=False),
        sa.Column("feed_id", ID, nullable=False),
        sa.Column("strategy", NAME, nullable=False),
        sa.Column("next_url", sa.Text(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("entries_new", sa.Integer(), nullable=False),
        sa.Column("is_finished", sa.Boolean(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfills")),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name=op.f("fk_backfills_feed_id"), ondelete="CASCADE"),
        sa.UniqueConstraint("feed_id", "strategy", name=op.f("uq_backfills_feed_id_strategy")),
    )


def _create_gaps() -> None:
    op.create_table(
        "gaps",
        sa.Column("id", ID, nullable=False),
        sa.Column("feed_id", ID, nullable=False),
        sa.Column("since_at", TIME, nullable=False),
        sa.Column("until_at", TIME, nullable=False),
        sa.Column("missed", sa.Float(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("repaired_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gaps")),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name=op.f("fk_gaps_feed_id"), ondelete="CASCADE"),
    )
    _index("ix_gaps_feed_id_until_at", "gaps", "feed_id", "until_at")


def _create_polls() -> None:
    op.create_table(
        "polls",
        sa.Column("id", ID, nullable=False),
        sa.Column("feed_id", ID, nullable=False),
        sa.Column("polled_at", TIME, nullable=False),
        sa.Column("outcome", NAME, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("elapsed_ms", sa.BigInteger(), nullable=False),
        sa.Column("body_bytes", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("overlap", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_polls")),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name=op.f("fk_polls_feed_id"), ondelete="CASCADE"),
    )
    _index("ix_polls_feed_id_polled_at", "polls", "feed_id", "polled_at")
    _index("ix_polls_polled_at", "polls", "polled_at")


def _create_bands() -> None:
    op.create_table(
        "bands",
        sa.Column("hash", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("article_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("hash", "day", "article_id", name=op.f("pk_bands")),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_bands_article_id"), ondelete="CASCADE"),
    )
    _index("ix_bands_article_id", "bands", "article_id")


def _create_entries() -> None:
    op.create_table(
        "entries",
        sa.Column("id", ID, nullable=False),
        sa.Column("feed_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("guid", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("published_at", TIME, nullable=True),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("host", HOST, nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("outcome", NAME, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", TIME, nullable=True),
        sa.Column("lease_owner", sa.String(255), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("article_id", ID, nullable=True),
        sa.Column("first_seen_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entries")),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_entries_article_id")),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name=op.f("fk_entries_feed_id"), ondelete="CASCADE"),
        sa.UniqueConstraint("feed_id", "key", name=op.f("uq_entries_feed_id_key")),
        sqlite_autoincrement=True,
    )
    _index("ix_entries_article_id", "entries", "article_id")
    _index("ix_entries_due", "entries", "priority", "next_try_at", "id", where="state = 'pending'")
    _index("ix_entries_failed", "entries", "id", where="state = 'failed'")
    _index("ix_entries_feed_id_state_article_id", "entries", "feed_id", "state", "article_id")
    _index("ix_entries_held", "entries", "lease_owner", where="lease_owner IS NOT NULL")


def _create_identities() -> None:
    op.create_table(
        "identities",
        sa.Column("value", HASH, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("readable", sa.Text(), nullable=True),
        sa.Column("article_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("value", "kind", name=op.f("pk_identities")),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_identities_article_id"), ondelete="CASCADE"),
    )
    _index("ix_identities_article_id", "identities", "article_id")


def _create_merges() -> None:
    op.create_table(
        "merges",
        sa.Column("id", ID, nullable=False),
        sa.Column("kept_id", ID, nullable=False),
        sa.Column("merged_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("undo", JSON, nullable=False),
        sa.Column("merged_at", TIME, nullable=False),
        sa.Column("undone_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
        sa.ForeignKeyConstraint(["kept_id"], ["articles.id"], name=op.f("fk_merges_kept_id")),
        sa.ForeignKeyConstraint(["merged_id"], ["articles.id"], name=op.f("fk_merges_merged_id")),
    )
    _index("ix_merges_kept_id", "merges", "kept_id")
    _index("ix_merges_merged_id", "merges", "merged_id")


def _create_revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("article_id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("authors", JSON, nullable=False),
        sa.Column("published_at", TIME, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("body_source", NAME, nullable=False),
        sa.Column("quality", NAME, nullable=False),
        sa.Column("extractor", sa.Text(), nullable=False),
        sa.Column("extractor_version", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.Text(), nullable=True),
        sa.Column("written_at", TIME, nullable=False),
        sa.Column("replaced_at", TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_revisions_article_id"), ondelete="CASCADE"),
        sa.UniqueConstraint("article_id", "revision", name=op.f("uq_revisions_article_id_revision")),
    )
