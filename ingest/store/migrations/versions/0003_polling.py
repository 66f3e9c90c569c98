"""What polls teach: rates, trust, moves, host budgets, robots.txt, subscriptions to hubs."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
HASH = sa.String(64)
NAME = sa.String(32)

TABLES = ("robots", "moves", "subscriptions")


def upgrade() -> None:
    _extend_feeds()
    _extend_hosts()
    op.add_column("gaps", sa.Column("repair", sa.Text(), nullable=False, server_default=""))
    op.add_column("gaps", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("gaps", sa.Column("next_try_at", TIME))
    op.add_column("articles", sa.Column("robots", NAME))
    _create_robots()
    _create_moves()
    _create_subscriptions()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_column("articles", "robots")
    for column in ("repair", "tries", "next_try_at"):
        op.drop_column("gaps", column)
    _shrink_hosts()
    op.drop_index(op.f("ix_feeds_listed_hash"), "feeds")
    # What moved goes back to the address it was listed under, the only one an earlier version finds it by.
    op.execute("UPDATE feeds SET url = listed_url, url_hash = listed_hash WHERE listed_hash IS NOT NULL")
    for column in ("listed_hash", *_FEEDS):
        op.drop_column("feeds", column)
    op.add_column("feeds", sa.Column("rate", sa.Float()))


def _extend_feeds() -> None:
    for name, (kind, default) in _FEEDS.items():
        op.add_column("feeds", sa.Column(name, kind, nullable=default is None, server_default=default))
    op.add_column("feeds", sa.Column("listed_hash", HASH))
    op.create_index(op.f("ix_feeds_listed_hash"), "feeds", ["listed_hash"], unique=True)
    op.drop_column("feeds", "rate")
    head = sa.table("feeds", sa.column("head", sa.JSON()), sa.column("language"))
    op.execute(sa.update(head).values(language=head.c.head["language"].as_string()))


_FEEDS: dict[str, tuple[Any, Any]] = {
    "listed_url": (sa.Text(), None),
    "language": (sa.Text(), None),
    "full_at": (TIME, None),
    "learned": (JSON, None),
    "rate_root": (sa.Float(), None),
    "next_reason": (sa.Text(), ""),
    "probe_at": (TIME, None),
    "is_last_probe": (sa.Boolean(), sa.false()),
    "moved_since_at": (TIME, None),
    "moved_polls": (sa.Integer(), "0"),
    "refused_url": (sa.Text(), None),
    "topic_url": (sa.Text(), None),
    "is_pushed": (sa.Boolean(), sa.false()),
}


def _extend_hosts() -> None:
    op.add_column("hosts", sa.Column("crawl_delay_s", sa.Float()))
    op.add_column("hosts", sa.Column("granted", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("hosts", sa.Column("window_at", TIME))
    op.add_column("hosts", sa.Column("granted_at", TIME))
    op.add_column("hosts", sa.Column("refused_at", TIME))
    op.add_column("hosts", sa.Column("reason", sa.Text(), nullable=False, server_default=""))
    op.add_column("hosts", sa.Column("feeds", sa.Integer(), nullable=False, server_default="1"))
    op.drop_column("hosts", "robots")
    op.drop_column("hosts", "robots_until")
    # A pause that a server asked for holds back claims by next_request_at from now on.
    op.execute("UPDATE hosts SET next_request_at = throttled_until WHERE throttled_until IS NOT NULL")


def _shrink_hosts() -> None:
    for column in ("crawl_delay_s", "granted", "window_at", "granted_at", "refused_at", "reason", "feeds"):
        op.drop_column("hosts", column)
    op.add_column("hosts", sa.Column("robots", sa.Text()))
    op.add_column("hosts", sa.Column("robots_until", TIME))


def _create_robots() -> None:
    op.create_table(
        "robots",
        sa.Column("origin_hash", HASH, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("body", sa.Text(), nullable=False, server_default=""),
        sa.Column("fetched_at", TIME, nullable=False),
        sa.Column("until_at", TIME, nullable=False),
        sa.Column("unreachable_since_at", TIME),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("origin_hash", name=op.f("pk_robots")),
    )
    op.create_index(op.f("ix_robots_until_at"), "robots", ["until_at"])


def _create_moves() -> None:
    op.create_table(
        "moves",
        sa.Column("id", ID, nullable=False),
        sa.Column("feed_id", ID, nullable=False),
        sa.Column("from_url", sa.Text(), nullable=False),
        sa.Column("to_url", sa.Text(), nullable=False),
        sa.Column("moved_at", TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("undone_at", TIME),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name=op.f("fk_moves_feed_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moves")),
    )
    op.create_index("ix_moves_feed_id", "moves", ["feed_id"])


def _create_subscriptions() -> None:
    counts = ("attempts", "pushes", "brought", "missed")
    times = ("asked_at", "confirmed_at", "active_since_at", "lease_until", "pushed_at", "proving_since_at", "usual_poll_at")
    op.create_table(
        "subscriptions",
        sa.Column("id", ID, nullable=False),
        sa.Column("feed_id", ID),
        sa.Column("hub_url", sa.Text(), nullable=False),
        sa.Column("topic_url", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("token", HASH, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("next_ask_at", TIME, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False, server_default="0") for name in counts),
        *(sa.Column(name, TIME) for name in times),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name=op.f("fk_subscriptions_feed_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("token", name=op.f("uq_subscriptions_token")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_subscriptions_feed_id"), "subscriptions", ["feed_id"])
    op.create_index(op.f("ix_subscriptions_next_ask_at"), "subscriptions", ["next_ask_at"])
