"""One article out of what its feed and its page say."""

import pytest

from ingest.decide.draft import draft, draft_article, draft_seed
from ingest.model import Facts, FeedOptions, IdentityKind, Quality, SeedDocument
from ingest.outcome import Outcome
from ingest.policy import ExtractPolicy, MatchPolicy
from tests.news import page as page_of
from tests.news import prose
from tests.unit.make import NOW, WORDS, entry, extracted, fetched

POLICY = ExtractPolicy(min_words=25)
NOTHING = extracted("", title=None, language=None, extractor="feed")


def drafted(said, from_feed=NOTHING, page=None, **given):
    return draft_article(
        said, **{"feed_text": from_feed, "page": page, "final_url": None, "feed_language": None, "policy": POLICY} | given
    )


@pytest.mark.parametrize(
    ("feed_text", "page", "content", "source", "quality"),
    [
        ("", (WORDS, Quality.FULL), None, "page", "full"),
        (WORDS, ("Please accept our cookies.", Quality.SHORT), "<p>…</p>", "feed", "full"),
        (WORDS, ("Please accept our cookies.", Quality.SHORT), None, "feed", "summary"),
        (WORDS, (WORDS[:200], Quality.PAYWALL), "<p>…</p>", "feed", "full"),
        ("A teaser.", (WORDS[:200], Quality.PAYWALL), None, "page", "paywall"),
        ("A teaser.", ("Only a few words here.", Quality.SHORT), None, "page", "short"),
        (WORDS, None, "<p>…</p>", "feed", "full"),
        ("A teaser.", None, None, "feed", "summary"),
        ("", None, None, "none", "none"),
    ],
    ids=[
        "the page", "a page that hides its text, feed carries all", "a page that hides its text, feed has a summary",
        "a page behind a wall, feed carries all", "a page behind a wall, feed has less",
        "a short page beats a shorter feed", "no page, full feed", "no page, summary", "nothing",
    ],
)  # fmt: skip
def test_the_body_is_the_pages_unless_the_feed_has_more(feed_text, page, content, source, quality):
    made = drafted(entry(content=content), extracted(feed_text, extractor="feed"), page and extracted(page[0], quality=page[1]))
    assert (made.body_source, made.quality) == (source, quality)


def test_what_the_quality_was_judged_by_and_the_pages_facts_come_along():
    page = extracted(evidence={"why": "84 words"}, facts=Facts(site_name="The Harbour News"))
    made = drafted(entry(), page=page)
    assert (made.evidence, made.facts.site_name) == ({"why": "84 words"}, "The Harbour News")


def test_a_page_that_shows_something_in_the_articles_place_is_a_problem_and_not_an_article():
    page = b"<html><head><title>404</title></head><body><main class='error-404'><h1>404</h1><p>Not here.</p></main></body></html>"
    made = draft_of(entry(summary="A teaser."), fetched(body=page))
    assert (made.article.body_source, made.article.text) == ("feed", "A teaser.")
    assert made.problem.reason.startswith("soft_404: ")


def test_the_feed_is_believed_first_for_title_and_date():
    made = drafted(entry(published_at=NOW), page=extracted(published_at=None))
    assert (made.title, made.title_source, made.published_at, made.published_source) == ("Ships gone", "feed", NOW, "feed")


def test_the_page_answers_where_the_feed_is_silent():
    made = drafted(entry(title=None), page=extracted(title="From the page", published_at=NOW, authors=("Jo",)))
    assert (made.title, made.title_source, made.published_source, made.authors) == ("From the page", "page", "page", ("Jo",))


def test_an_update_is_better_than_no_date_and_silence_is_said():
    assert drafted(entry(updated_at=NOW)).published_at == NOW
    silent = drafted(entry(title=None))
    assert (silent.title, silent.title_source, silent.published_source) == (None, "none", "none")


def test_a_title_of_a_megabyte_is_cut():
    assert len(drafted(entry(title="x" * 1_000_000)).title) <= 1_000


def test_the_language_is_that_of_the_text_before_that_of_markup_and_feed():
    assert drafted(entry(language="de"), page=extracted(language="fr"), feed_language="en").language == "fr"
    assert drafted(entry(language="de"), feed_language="en").language == "de"
    assert drafted(entry(), feed_language="en").language == "en"


def test_the_canonical_address_is_the_pages_own_word_then_where_redirects_led():
    assert drafted(
        entry(), page=extracted(canonical_url="https://news.example/c"), final_url="https://x.example/f"
    ).canonical_url == ("https://news.example/c")
    assert drafted(entry(), final_url="https://x.example/f#top").canonical_url == "https://x.example/f"
    assert drafted(entry(url=None)).canonical_url is None


def draft_of(said, page=None):
    return draft(said, page, feed_url="https://news.example/feed.xml", feed_language=None, policy=POLICY, matching=MatchPolicy())


def test_a_fetched_page_becomes_an_article_with_its_identities():
    made = draft_of(entry(), fetched(body=page_of(1).encode(), final_url="https://news.example/a/1"))
    assert made.problem is None
    assert (made.article.body_source, made.article.extractor) == ("page", "blocks")
    assert [identity.kind for identity in made.identities] == [IdentityKind.URL, IdentityKind.TEXT]


def test_a_feeds_own_rules_hold_for_its_pages():
    options = FeedOptions(extractor="readability", exclude=("h1", "p"))
    page = fetched(body=page_of(1).encode(), final_url="https://news.example/a/1")
    matching = MatchPolicy()
    made = draft(
        entry(),
        page,
        feed_url="https://news.example/feed.xml",
        feed_language=None,
        policy=POLICY,
        matching=matching,
        options=options,
    )
    assert made.problem.reason == "no text in the page"


def test_a_page_that_is_none_leaves_the_feeds_text_and_says_why():
    made = draft_of(
        entry(content=f"<p>{prose(1)}</p>"), fetched(body=b"%PDF-1.7 ...", headers={"content-type": "application/pdf"})
    )
    assert (made.article.body_source, made.article.text) == ("feed", prose(1))
    assert made.problem.outcome is Outcome.NOT_HTML


def test_a_page_without_words_is_a_problem():
    made = draft_of(entry(), fetched(body=b"<!doctype html><html><body><img src=x></body></html>"))
    assert (made.article.body_source, made.problem.outcome) == ("none", Outcome.EXTRACT_ERROR)


def test_a_seed_is_an_article_whose_title_is_marked_as_derived():
    made = draft_seed(SeedDocument("one.txt", WORDS, "Eleven people walked …", NOW, "AB/Example", "en"))
    assert (made.title_source, made.published_source, made.body_source, made.credit) == ("derived", "seed", "seed", "AB/Example")
    assert draft_seed(SeedDocument("two.txt", WORDS, "t")).published_source == "none"
