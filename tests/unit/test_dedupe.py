"""By what an article is known, and which stored one it is."""

import pytest

from ingest.dedupe import fingerprint, link_identity, match
from ingest.model import Identity, IdentityKind
from ingest.policy import MatchPolicy
from tests.unit.make import article, candidate

LINK = Identity(IdentityKind.URL, "https://news.example/a/1")
OTHER_LINK = Identity(IdentityKind.URL, "https://news.example/login")
TEXT = Identity(IdentityKind.TEXT, "text-1")


def test_an_article_is_known_by_its_addresses_and_its_text():
    made = article(final_url="https://news.example/story/1?utm_source=rss", canonical_url="https://news.example/story/1")
    assert fingerprint(made, MatchPolicy()) == (LINK, Identity(IdentityKind.URL, "https://news.example/story/1"), TEXT)


def test_a_short_text_identifies_nothing():
    assert fingerprint(article(words=39), MatchPolicy(min_words=40)) == (LINK,)


@pytest.mark.parametrize("url", [None, "", "https://news.example", "https://news.example/", "mailto:a@b.example"])
def test_a_home_page_or_no_page_identifies_nothing(url):
    assert link_identity(url) == ()


def test_a_home_page_with_a_query_is_a_page_of_its_own():
    assert link_identity("https://news.example/?p=12") == (Identity(IdentityKind.URL, "https://news.example/?p=12"),)


@pytest.mark.parametrize(
    ("made", "known", "joined"),
    [
        (article(), candidate(shared=(LINK,), title="Another headline"), True),
        (article(), candidate(shared=(LINK,), title="Another headline", feed_ids=(7,)), False),
        (article(), candidate(shared=(LINK,), feed_ids=(7,)), True),
        (article(), candidate(shared=(OTHER_LINK,)), True),
        (article(), candidate(shared=(OTHER_LINK,), title="Another headline"), False),
        (article(title=None), candidate(shared=(LINK,), title=None, feed_ids=(7,)), True),
        (article(title=None, text_hash="other"), candidate(shared=(LINK,), title=None, feed_ids=(7,)), False),
        (article(title=None), candidate(shared=(OTHER_LINK,), title=None), False),
        (article(title=None), candidate(shared=(TEXT,), canonical_url="https://news.example/b", title=None), False),
        (article(), candidate(shared=(TEXT,), canonical_url="https://copy.example/x", title="Another headline"), True),
        (article(), candidate(shared=(TEXT,), canonical_url="https://news.example/b", title="Another headline"), False),
        (article(), candidate(shared=(TEXT,), canonical_url="https://news.example/b"), True),
        (article(), candidate(shared=(TEXT,), canonical_url=None, title="Derived …"), True),
    ],
    ids=[
        "same link in another feed",
        "same link in the same feed under another title: a live blog",
        "same link in the same feed and same title: a rotated guid",
        "same link and text in the same feed, no titles",
        "same link in the same feed, other text, no titles: notes that all link to one page",
        "same redirect target and title",
        "same redirect target, other title: a login page",
        "same redirect target, no titles",
        "same text at the same host, no titles: a consent page",
        "same text at another host: a syndicated copy",
        "same text at the same host, other title: a consent page",
        "same text at the same host, same title",
        "same text as a seed document",
    ],
)
def test_what_is_one_article_and_what_is_not(made, known, joined):
    assert match(made, (known,), feed_id=7).article_id == (1 if joined else None)


def test_the_own_link_decides_before_the_text():
    by_text = candidate(article_id=1, shared=(TEXT,), canonical_url="https://copy.example/x")
    by_link = candidate(article_id=2, shared=(LINK,))
    verdict = match(article(), (by_text, by_link), feed_id=7)
    assert (verdict.article_id, verdict.reason) == (2, "same link")


def test_without_candidates_an_article_is_new():
    assert match(article(), (), feed_id=7).article_id is None
