"""Articles as people list, show and export them: filtered, newest first, in portions."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from ingest.model import ArticleFilter, ArticleInfo, Quality, RobotsVerdict
from ingest.store import dialect
from ingest.store.codec import clean
from ingest.store.dialect import AnyRow
from ingest.store.engine import Database
from ingest.store.feeds import is_feed
from ingest.store.schema import articles, entries, feeds

# A portion is one short read: an export of a million articles neither fills the memory nor keeps SQLite's log from shrinking.
_PORTION = 200
_MAX_WORDS, _MAX_WORD = 20, 200  # of a search; SQLite refuses patterns over 50,000 bytes


def find_all(database: Database, wanted: ArticleFilter) -> Iterator[ArticleInfo]:
    """Articles that pass, newest first. What is stored while they are taken may or may not be among them."""
    left = wanted.limit
    after: tuple[datetime, int] | None = None
    while left is None or left > 0:
        portion = _PORTION if left is None else min(_PORTION, left)
        with database.read() as connection:
            rows = _find_portion(connection, wanted, after, portion)
            infos = _with_feeds(connection, rows)
        yield from infos
        if len(rows) < portion:
            return
        after = rows[-1].dated_at, rows[-1].id
        left = None if left is None else left - portion


def find_one(connection: sa.Connection, article_id: int) -> ArticleInfo | None:
    """One article."""
    rows = connection.execute(sa.select(articles).where(articles.c.id == article_id)).all()
    return next(iter(_with_feeds(connection, rows)), None)


def _find_portion(
    connection: sa.Connection, wanted: ArticleFilter, after: tuple[datetime, int] | None, limit: int
) -> Sequence[AnyRow]:
    query = sa.select(articles).where(*_conditions(connection, wanted))
    if after is not None:
        dated_at, article_id = after
        is_older = articles.c.dated_at < dated_at
        query = query.where(sa.or_(is_older, sa.and_(articles.c.dated_at == dated_at, articles.c.id < article_id)))
        query = query.where(articles.c.dated_at <= dated_at)  # says nothing new, but is what an index can use
    return connection.execute(query.order_by(articles.c.dated_at.desc(), articles.c.id.desc()).limit(limit)).all()


def _conditions(connection: sa.Connection, wanted: ArticleFilter) -> Iterator[sa.ColumnElement[bool]]:
    yield articles.c.removed_at.is_(None)
    if wanted.feed is not None:
        led_to = sa.select(entries.c.article_id).join(feeds, feeds.c.id == entries.c.feed_id)
        yield articles.c.id.in_(led_to.where(is_feed(wanted.feed), entries.c.article_id.is_not(None)))
    if wanted.since is not None:
        yield articles.c.dated_at >= wanted.since
    if wanted.until is not None:
        yield articles.c.dated_at < wanted.until
    if wanted.language is not None:
        language = sa.func.lower(articles.c.language)
        tag = wanted.language.lower()
        yield sa.or_(language == tag, language.startswith(f"{tag}-", autoescape=True))  # en finds en-GB
    for word in clean(wanted.text or "").split()[:_MAX_WORDS]:
        yield sa.or_(
            dialect.contains(connection, articles.c.title, word[:_MAX_WORD]),
            dialect.contains(connection, articles.c.text, word[:_MAX_WORD]),
        )


def _with_feeds(connection: sa.Connection, rows: Sequence[AnyRow]) -> list[ArticleInfo]:
    leads: dict[int, list[str]] = {row.id: [] for row in rows}
    query = sa.select(entries.c.article_id, feeds.c.url).join(feeds, feeds.c.id == entries.c.feed_id)
    for article_id, url in connection.execute(query.where(entries.c.article_id.in_(leads)).order_by(entries.c.id)):
        leads[article_id].append(url)
    return [_info(row, leads[row.id]) for row in rows]


def _info(row: AnyRow, leads: Sequence[str]) -> ArticleInfo:
    return ArticleInfo(
        article_id=row.id,
        url=row.url,
        final_url=row.final_url,
        canonical_url=row.canonical_url,
        title=row.title,
        title_source=row.title_source,
        authors=tuple(row.authors),
        published_at=row.published_at,
        published_source=row.published_source,
        language=row.language,
        text=row.text,
        html=row.html,
        words=row.words,
        body_source=row.body_source,
        quality=Quality(row.quality),
        evidence=row.evidence or {},
        facts=row.facts or {},
        extractor=row.extractor,
        extractor_version=row.extractor_version,
        credit=row.credit,
        robots=RobotsVerdict(row.robots) if row.robots else None,
        revision=row.revision,
        first_seen_at=row.first_seen_at,
        feeds=tuple(dict.fromkeys(leads)),
        entries=len(leads),
    )
