"""One article out of what its feed and its page say. The feed is believed first for the facts, the page for the text.

`draft` runs in a worker process: everything that goes in and comes out can be pickled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.dedupe import fingerprint
from ingest.errors import ExtractError
from ingest.extract.feed_text import from_feed
from ingest.model import NO_FACTS, Article, Beside, Entry, Extracted, FeedOptions, Fetched, Identity, Quality, SeedDocument
from ingest.outcome import Outcome
from ingest.policy import ExtractPolicy, MatchPolicy
from ingest.text import count_words, one_line, text_hash
from ingest.urls import canonical_url

TITLE_CHARS = 1_000  # a title of a megabyte is an attack, not a title


@dataclass(frozen=True, slots=True)
class Draft:
    """An article not yet compared with what is stored. `problem` says why the page gave nothing, if it was asked for."""

    article: Article
    identities: tuple[Identity, ...]
    problem: ExtractError | None = None


_NO_OPTIONS = FeedOptions()


def draft(
    entry: Entry,
    page: Fetched | None,
    *,
    feed_url: str,
    feed_language: str | None,
    policy: ExtractPolicy,
    matching: MatchPolicy,
    options: FeedOptions = _NO_OPTIONS,
) -> Draft:
    """The article of `entry` from its fetched page, or from the feed's own text where the page is None or gives no text.

    Of the feed's `options` those that say how its pages are read.
    """
    feed_text = from_feed(entry, entry.url or feed_url)
    extracted, problem = None, None
    if page:
        words = count_words(feed_text.text) if feed_text.text else None
        beside = Beside(page.status, entry.title, words, options.include, options.exclude)
        extracted, problem = _extract(page, beside, options.extractor or policy.extractor)
    article = draft_article(
        entry,
        feed_text=feed_text,
        page=extracted,
        final_url=page.final_url if page else None,
        feed_language=feed_language,
        policy=policy,
    )
    return Draft(article, fingerprint(article, matching), problem)


@dataclass(frozen=True, slots=True)
class FeedText:
    """An entry whose article is made of the feed's own text."""

    entry: Entry
    feed_url: str
    feed_language: str | None


def draft_texts(texts: Sequence[FeedText], *, policy: ExtractPolicy, matching: MatchPolicy) -> tuple[Draft, ...]:
    """The articles of entries without their pages: many small ones in one trip to a worker."""
    return tuple(
        draft(text.entry, None, feed_url=text.feed_url, feed_language=text.feed_language, policy=policy, matching=matching)
        for text in texts
    )


# What stands where the article should: nobody's text, and worth another try later.
_IN_ITS_PLACE = frozenset((Quality.CONSENT, Quality.CHALLENGE, Quality.SCRIPT_SHELL, Quality.SOFT_404, Quality.ERROR_PAGE))


def _extract(page: Fetched, beside: Beside, extractor: str) -> tuple[Extracted | None, ExtractError | None]:
    from ingest.extract.article import extract  # with all that reads pages; only workers need it

    is_learned = extractor == "blocks"
    try:
        extracted = extract(
            page.body, url=page.final_url, headers=page.headers, now=page.fetched_at, beside=beside, is_learned=is_learned
        )
    except ExtractError as error:
        return None, error
    if extracted.quality in _IN_ITS_PLACE:
        return None, ExtractError(Outcome.NO_ARTICLE, f"{extracted.quality.value}: {extracted.evidence['why']}")
    return extracted, None


def draft_article(
    entry: Entry,
    *,
    feed_text: Extracted,
    page: Extracted | None,
    final_url: str | None,
    feed_language: str | None,
    policy: ExtractPolicy,
) -> Article:
    """The article of `entry`. `page` is None when the page was not asked for or could not be had."""
    body, source, quality = _choose_body(entry, feed_text, page, policy)
    title, title_source = _choose_title(entry, page)
    published_at, published_source = _choose_date(entry, page)
    return Article(
        url=entry.url,
        final_url=final_url,
        canonical_url=canonical_url((page and page.canonical_url) or final_url or entry.url or "") or None,
        title=title,
        title_source=title_source,
        authors=entry.authors or (page.authors if page else ()),
        published_at=published_at,
        published_source=published_source,
        language=body.language or (page.language if page else None) or entry.language or feed_language,
        text=body.text,
        html=body.html,
        words=count_words(body.text),
        body_source=source,
        quality=quality,
        extractor=body.extractor,
        extractor_version=body.extractor_version,
        text_hash=text_hash(body.text) if body.text else None,
        evidence=body.evidence,
        facts=page.facts if page else NO_FACTS,
    )


def draft_seed(seed: SeedDocument) -> Article:
    """The article of a seed document; its title is derived from the first sentence and marked so."""
    return Article(
        url=None,
        final_url=None,
        canonical_url=None,
        title=seed.title,
        title_source="derived",
        authors=(),
        published_at=seed.published_at,
        published_source="seed" if seed.published_at else "none",
        language=seed.language,
        text=seed.text,
        html="",
        words=count_words(seed.text),
        body_source="seed",
        quality=Quality.FULL,
        extractor="seed",
        extractor_version="1",
        text_hash=text_hash(seed.text),
        credit=seed.credit,
    )


def _choose_body(
    entry: Entry, feed_text: Extracted, page: Extracted | None, policy: ExtractPolicy
) -> tuple[Extracted, str, Quality]:
    """The body with its source and quality: the page's, unless the feed has more than what the page shows of it."""
    feed_words = count_words(feed_text.text)
    page_words = count_words(page.text) if page else 0
    if page and page_words and (_is_enough(page, page_words, policy) or page_words >= feed_words):
        return page, "page", page.quality
    if feed_words:
        return feed_text, "feed", Quality.FULL if entry.content else Quality.SUMMARY
    return feed_text, "none", Quality.NONE


def _is_enough(page: Extracted, words: int, policy: ExtractPolicy) -> bool:
    return page.quality is Quality.FULL or (page.quality is Quality.SHORT and words >= policy.min_words)


def _choose_title(entry: Entry, page: Extracted | None) -> tuple[str | None, str]:
    if entry.title:
        return one_line(entry.title, TITLE_CHARS), "feed"
    if page and page.title:
        return one_line(page.title, TITLE_CHARS), "page"
    return None, "none"


def _choose_date(entry: Entry, page: Extracted | None) -> tuple[datetime | None, str]:
    if entry.published_at or entry.updated_at:
        return entry.published_at or entry.updated_at, "feed"
    if page and page.published_at:
        return page.published_at, "page"
    return None, "none"
