"""What stood in the last document of each feed, as rows."""

from collections.abc import Sequence
from functools import cache

import sqlalchemy as sa

from ingest.model import SeenItems
from ingest.store import dialect
from ingest.store.codec import head_from_data
from ingest.store.schema import feeds, seen_items

_HASHES = ("context", "hashes", "head_hash")
_FIND = sa.select(seen_items, feeds.c.head).join(feeds).where(seen_items.c.feed_id.in_(sa.bindparam("of_feeds", expanding=True)))


def find_seen(connection: sa.Connection, feed_ids: Sequence[int]) -> dict[int, SeenItems]:
    """The items and the head of each feed's last document; of a feed nothing before the first that could be pruned."""
    rows = connection.execute(_FIND, {"of_feeds": list(feed_ids)})
    return {
        row.feed_id: SeenItems(row.context, row.hashes, row.head_hash, head_from_data(row.head) if row.head else None)
        for row in rows
    }


def write_seen(connection: sa.Connection, feed_id: int, seen: SeenItems) -> None:
    """Keep the items of the feed's latest document; a row that says the same is not written again."""
    row = {"feed_id": feed_id, "context": seen.context, "hashes": seen.hashes, "head_hash": seen.head_hash}
    connection.execute(_write(connection.dialect.name), row)


@cache
def _write(database: str) -> sa.Executable:
    """Made once: to build the statement takes longer than to run it."""
    statement = dialect.insert_on(database, seen_items)
    offered = {name: statement.excluded[name] for name in _HASHES}
    is_other = sa.or_(*(seen_items.c[name] != offered[name] for name in _HASHES))
    return statement.on_conflict_do_update(index_elements=["feed_id"], set_=offered, where=is_other)
