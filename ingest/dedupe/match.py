"""Which stored article is this? A false merge is worse than a miss, so every doubt makes a new article."""

from ingest.model import Article, Candidate, Identity, IdentityKind, Match
from ingest.text import text_hash
from ingest.urls import canonical_url, host_of


def match(article: Article, candidates: tuple[Candidate, ...], *, feed_id: int | None) -> Match:
    """The stored article that `article` is, or none of them; with the reason in words.

    The entry's own link decides first, then redirect target and rel=canonical, then the exact text.
    """
    for candidate in _in_order(candidates, article) if candidates else ():  # mostly there are none: nothing is worked out then
        reason = _reason_to_join(article, candidate, feed_id)
        if reason:
            return Match(candidate.article_id, reason)
    return Match(None, "no stored article shares its URL or text")


def _in_order(candidates: tuple[Candidate, ...], article: Article) -> list[Candidate]:
    own = _own_link(article)
    return sorted(
        candidates, key=lambda c: (own not in c.shared, all(i.kind is not IdentityKind.URL for i in c.shared), c.article_id)
    )


def _own_link(article: Article) -> Identity:
    return Identity(IdentityKind.URL, (article.url and canonical_url(article.url)) or "")


def _reason_to_join(article: Article, candidate: Candidate, feed_id: int | None) -> str | None:
    is_same_title = _is_same_title(article, candidate)
    if _own_link(article) in candidate.shared:
        # One feed may link many entries to one page (a live blog, a podcast's site): there the titles must agree too.
        if feed_id not in candidate.feed_ids or is_same_title or _is_same_untitled(article, candidate):
            return "same link"
        return None
    if any(identity.kind is IdentityKind.URL for identity in candidate.shared):
        # Redirects and rel=canonical may lead every entry to one login page.
        return "same address after redirect or rel=canonical, and same title" if is_same_title else None
    # Consent and error pages repeat word for word within a host, under different titles.
    if _is_same_host(article, candidate) and not is_same_title:
        return None
    return "same text"


def _is_same_title(article: Article, candidate: Candidate) -> bool:
    """Two without a title have none in common."""
    return bool(article.title) and text_hash(article.title or "") == text_hash(candidate.title or "")


def _is_same_untitled(article: Article, candidate: Candidate) -> bool:
    return not (article.title or candidate.title) and article.text_hash == candidate.text_hash


def _is_same_host(article: Article, candidate: Candidate) -> bool:
    if not article.url or not candidate.canonical_url:
        return False
    return host_of(article.url) == host_of(candidate.canonical_url)
