"""What stood in the last document of each feed, as rows."""

import sqlalchemy as sa

from ingest.model import SeenItems
from ingest.store import dialect
from ingest.store.schema import seen_items


def find_seen(connection: sa.Connection, feed_id: int) -> SeenItems | None:
    """The items of the feed's last document; None before the first that could be pruned."""
    row = connection.execute(sa.select(seen_items).where(seen_items.c.feed_id == feed_id)).one_or_none()
    return SeenItems(row.context, row.hashes) if row else None


def write_seen(connection: sa.Connection, feed_id: int, seen: SeenItems) -> None:
    """Keep the items of the feed's latest document; a row that says the same is not written again."""
    statement = dialect.insert(connection, seen_items).values(feed_id=feed_id, context=seen.context, hashes=seen.hashes)
    offered = statement.excluded
    is_other = sa.or_(seen_items.c.hashes != offered.hashes, seen_items.c.context != offered.context)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["feed_id"], set_={"context": offered.context, "hashes": offered.hashes}, where=is_other
        )
    )
