"""Article → the identities by which it can be recognised."""

from ingest.model import Article, Identity, IdentityKind
from ingest.policy import MatchPolicy
from ingest.urls import canonical_url


def fingerprint(article: Article, policy: MatchPolicy) -> tuple[Identity, ...]:
    """URL identities first (the entry's own link leads), then the exact text.

    A home page identifies nothing: feeds exist whose every entry links to it. A text under `policy.min_words` identifies
    nothing either: teasers and error pages are alike everywhere.
    """
    found = [identity for url in (article.url, article.canonical_url, article.final_url) for identity in link_identity(url)]
    if article.text_hash and article.words >= policy.min_words:
        found.append(Identity(IdentityKind.TEXT, article.text_hash))
    return tuple(dict.fromkeys(found))


def link_identity(url: str | None) -> tuple[Identity, ...]:
    """The identity that a link gives an article: one, or none where it leads to no page of its own."""
    canonical = canonical_url(url) if url else None
    return (Identity(IdentityKind.URL, canonical),) if canonical and not _is_home(canonical) else ()


def _is_home(canonical: str) -> bool:
    """Nothing follows the first slash after the host, and there always is one."""
    return not canonical.split("/", 3)[3]
