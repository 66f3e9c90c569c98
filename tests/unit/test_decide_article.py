"""One attempt at an entry → its plan."""

from datetime import timedelta

import pytest

from ingest.decide import (
    Recognition,
    plan_article,
    plan_article_failure,
    plan_article_in_outage,
    plan_article_without_turn,
    plan_disallowed,
    plan_known_link,
)
from ingest.errors import (
    ExtractError,
    IngestError,
    NoTurn,
    PermanentFetchError,
    RobotsUnreachable,
    TransientFetchError,
    WorkKilled,
)
from ingest.model import Action, EntryState, HostState, Identity, IdentityKind, Match, Quality
from ingest.outcome import Outcome
from ingest.policy import ArticlePolicy, HostPolicy
from tests.unit.make import NOW, article, article_claim, candidate, entry

LINK = Identity(IdentityKind.URL, "https://news.example/a/1")
TEXT = Identity(IdentityKind.TEXT, "text-1")
UNKNOWN = Recognition((LINK, TEXT), (), Match(None, "new"))
POLICY = ArticlePolicy(attempts=4, retry_s=600)
TIMEOUT = TransientFetchError("u", Outcome.TIMEOUT, "no answer")


NOTHING = article(text="", words=0, body_source="none", text_hash=None)
OURS = HostState("news.example")
PAGE = "https://news.example/a/1"


def known_as(*candidates, article_id=1):
    return Recognition((LINK, TEXT), candidates, Match(article_id, "same link"))


def failed(error=TIMEOUT, fallback=None, known=UNKNOWN, **claim):
    return plan_article_failure(
        article_claim(**claim),
        error,
        fallback=fallback or NOTHING,
        known=known,
        now=NOW,
        policy=POLICY,
        hosts=HostPolicy(),
        chance=0.5,
    )


def test_an_article_nobody_knows_is_new_with_all_its_identities():
    plan = plan_article(article_claim(), article(), UNKNOWN, now=NOW)
    assert (plan.action, plan.state, plan.article_id, plan.identities) == (Action.NEW, EntryState.STORED, None, (LINK, TEXT))


def test_a_known_article_is_linked_and_identities_of_others_are_left_to_them():
    other = candidate(article_id=2, shared=(TEXT,))
    plan = plan_article(article_claim(), article(), known_as(candidate(shared=(LINK,)), other), now=NOW)
    assert (plan.action, plan.article_id, plan.identities) == (Action.LINK, 1, (LINK,))


def test_a_page_replaces_the_text_of_a_feed():
    plan = plan_article(article_claim(), article(text_hash="better"), known_as(candidate(body_source="feed")), now=NOW)
    assert (plan.action, plan.article_id) == (Action.REVISE, 1)


def test_a_feeds_text_never_replaces_a_page():
    plan = plan_article(
        article_claim(article_id=1), article(body_source="feed", text_hash="worse"), known_as(candidate()), now=NOW
    )
    assert plan.action is Action.LINK


def test_another_entry_with_another_text_does_not_rewrite_the_article():
    assert plan_article(article_claim(), article(text_hash="other"), known_as(candidate()), now=NOW).action is Action.LINK


@pytest.mark.parametrize(
    ("changes", "action"),
    [({}, Action.LINK), ({"text_hash": "edited"}, Action.REVISE), ({"title": "Ships found"}, Action.REVISE)],
    ids=["nothing", "text", "title"],
)
def test_an_entry_seen_again_revises_its_own_article_when_that_says_something_else(changes, action):
    plan = plan_article(article_claim(article_id=1), article(**changes), known_as(candidate(feed_ids=(7,))), now=NOW)
    assert (plan.action, plan.article_id) == (action, 1)


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({"title": "As the other feed calls it"}, Action.LINK),
        ({"text_hash": "edited"}, Action.REVISE),
        ({"text_hash": "edited", "canonical_url": "https://copy.example/a/1"}, Action.LINK),
    ],
    ids=["another title", "the same page, edited", "a copy elsewhere, edited"],
)
def test_entries_of_several_feeds_do_not_rewrite_their_common_article_in_turns(changes, action):
    plan = plan_article(article_claim(article_id=1), article(**changes), known_as(candidate(feed_ids=(7, 8))), now=NOW)
    assert (plan.action, plan.article_id) == (action, 1)


@pytest.mark.parametrize("changes", [{"text_hash": "edited"}, {"title": "Ships found"}], ids=["text", "title"])
def test_a_seed_document_stays_as_it_was_given(changes):
    seed = candidate(body_source="seed", canonical_url=None, title="Derived …", feed_ids=(7,))
    assert plan_article(article_claim(article_id=1), article(**changes), known_as(seed), now=NOW).action is Action.LINK


def test_a_page_that_cannot_be_had_is_tried_again_later_and_says_why():
    plan = failed()
    assert (plan.action, plan.state, plan.attempts, plan.reason) == (Action.NONE, EntryState.PENDING, 1, "no answer")
    assert plan.next_try_at == NOW + timedelta(seconds=600)


def test_the_feeds_own_text_is_the_article_until_the_page_can_be_had():
    plan = failed(fallback=article(body_source="feed"))
    assert (plan.action, plan.state, plan.reason) == (Action.NEW, EntryState.PENDING, "no answer; text from the feed")
    assert plan.article is not None


def test_after_the_last_try_an_entry_without_text_has_failed():
    plan = failed(attempts=3)
    assert (plan.state, plan.next_try_at, plan.article) == (EntryState.FAILED, None, None)


def test_after_the_last_try_an_entry_with_the_feeds_text_is_stored():
    assert failed(attempts=3, fallback=article(body_source="feed")).state is EntryState.STORED
    assert failed(attempts=3, article_id=1).state is EntryState.STORED


def test_an_entry_without_text_leads_to_the_article_that_its_link_is_known_for():
    plan = failed(known=known_as(candidate(shared=(LINK,))))
    assert (plan.action, plan.article_id) == (Action.LINK, 1)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (PermanentFetchError("u", Outcome.HTTP_ERROR, "404", status=404), Outcome.HTTP_ERROR),
        (ExtractError(Outcome.NOT_HTML, "a PDF"), Outcome.NOT_HTML),
        (WorkKilled("too long"), Outcome.EXTRACT_KILLED),
    ],
    ids=["not found", "no page", "killed"],
)
def test_what_will_hardly_change_gets_three_tries(error, outcome):
    assert failed(error, attempts=1).state is EntryState.PENDING
    last = failed(error, attempts=2)
    assert (last.state, last.outcome) == (EntryState.FAILED, outcome)


def test_a_defect_of_ours_is_an_outcome_like_others():
    assert failed(IngestError("odd")).outcome is Outcome.INTERNAL_ERROR


# ── what an answer says about the host ──


def throttled(status=429, retry_after_s=7200, url=PAGE):
    return TransientFetchError(url, Outcome.RATE_LIMITED, str(status), status=status, retry_after_s=retry_after_s)


def test_a_host_that_says_too_often_is_left_alone_and_the_page_with_it():
    plan = failed(throttled(), host=OURS)
    assert plan.lesson is not None
    assert plan.lesson.throttled_until == plan.next_try_at == NOW + timedelta(hours=2)
    assert plan.lesson.gap_s > 1


def test_without_a_retry_after_it_is_left_alone_for_a_while_too():
    plan = failed(throttled(retry_after_s=None), host=OURS)
    assert plan.lesson is not None
    assert NOW < plan.lesson.throttled_until <= plan.next_try_at


@pytest.mark.parametrize(
    "error",
    [throttled(500), throttled(403, retry_after_s=None), TIMEOUT],
    ids=["a failure", "a no", "no answer"],
)
def test_other_answers_teach_nothing_about_the_host(error):
    assert failed(error, host=OURS).lesson is None


def test_a_host_that_a_redirect_led_to_is_the_one_that_is_left_alone():
    lesson = failed(throttled(url="https://other.example/a/1"), host=OURS).lesson
    assert lesson is not None
    assert (lesson.host, lesson.gap_s, lesson.throttled_until) == ("other.example", None, NOW + timedelta(hours=2))


def test_a_retry_after_of_any_answer_holds_the_page_back():
    assert failed(throttled(500), host=OURS).next_try_at == NOW + timedelta(hours=2)


# ── robots.txt ──

NO = "robots.txt of news.example forbids the page"


def forbidden(fallback=NOTHING, known=UNKNOWN, **claim):
    return plan_disallowed(article_claim(**claim), NO, fallback=fallback, known=known, now=NOW)


def test_where_the_page_is_forbidden_the_feeds_own_text_is_the_article():
    plan = forbidden(article(body_source="feed"), attempts=2)
    assert (plan.action, plan.state, plan.outcome, plan.next_try_at) == (Action.NEW, EntryState.STORED, Outcome.OK, None)
    assert (plan.reason, plan.attempts, plan.identities) == (f"{NO}; text from the feed", 0, (LINK, TEXT))


def test_where_the_feed_has_no_text_either_the_entry_has_failed_for_good():
    plan = forbidden()
    assert (plan.action, plan.state, plan.outcome, plan.next_try_at) == (
        Action.NONE,
        EntryState.FAILED,
        Outcome.DISALLOWED,
        None,
    )
    assert (plan.reason, plan.attempts, plan.article) == (NO, 1, None)


def test_a_page_that_was_read_before_it_was_forbidden_stays_the_article():
    plan = forbidden(article(body_source="feed", text_hash="worse"), known_as(candidate()), article_id=1)
    assert (plan.action, plan.article_id, plan.state) == (Action.LINK, 1, EntryState.STORED)
    assert forbidden(article_id=1).state is EntryState.STORED


def unreachable(**given):
    return RobotsUnreachable(f"{PAGE}/robots.txt", "cannot be had", **{"again_at": NOW + timedelta(hours=5), **given})


def test_while_robots_txt_cannot_be_had_the_page_waits_for_it():
    plan = failed(unreachable(), article(body_source="feed"), host=OURS)
    assert (plan.action, plan.state, plan.outcome) == (Action.NEW, EntryState.PENDING, Outcome.DISALLOWED)
    assert (plan.next_try_at, plan.attempts, plan.lesson) == (NOW + timedelta(hours=5), 1, None)
    assert failed(unreachable(), attempts=2).state is EntryState.PENDING
    assert failed(unreachable(), attempts=3).state is EntryState.FAILED


def test_a_robots_txt_that_is_asked_for_too_often_teaches_like_a_page():
    plan = failed(unreachable(status=429, retry_after_s=36_000), host=OURS)
    assert plan.lesson is not None
    assert plan.lesson.throttled_until == plan.next_try_at == NOW + timedelta(hours=10)


# ── our own network ──


def test_while_our_own_network_is_away_no_try_is_counted():
    plan = plan_article_in_outage(
        article_claim(attempts=7), TIMEOUT, fallback=article(body_source="feed"), known=UNKNOWN, now=NOW, chance=0.5
    )
    assert (plan.state, plan.attempts, plan.next_try_at) == (EntryState.PENDING, 7, NOW + timedelta(minutes=1))
    assert (plan.action, plan.reason) == (Action.NEW, "no answer; not counted, our own network is away; text from the feed")


def test_where_a_host_had_no_turn_to_give_no_try_is_counted_and_the_page_is_tried_again_when_it_has_one():
    plan = plan_article_without_turn(
        article_claim(attempts=3), NoTurn("news.example", wait_s=600.0), fallback=NOTHING, known=UNKNOWN, now=NOW, chance=0.5
    )
    assert (plan.state, plan.attempts, plan.outcome, plan.lesson) == (EntryState.PENDING, 3, Outcome.RATE_LIMITED, None)
    assert NOW + timedelta(seconds=600) <= plan.next_try_at <= NOW + timedelta(seconds=660)
    assert plan.reason == "news.example is to be left alone for 600 s more; not counted, nobody was asked"


# ── pages that were read for another entry ──

DAY_BEFORE = NOW - timedelta(days=1)


def test_a_page_read_for_another_feed_is_not_asked_for_again():
    plan = plan_known_link(article_claim(), (candidate(shared=(LINK,)),), now=NOW)
    assert (plan.action, plan.article_id, plan.state) == (Action.LINK, 1, EntryState.STORED)


@pytest.mark.parametrize("published_at", [None, DAY_BEFORE], ids=["no date", "the same date"])
def test_an_entry_whose_guid_changes_with_every_poll_has_its_page_read_once(published_at):
    known = candidate(shared=(LINK,), feed_ids=(7,), published_at=published_at)
    plan = plan_known_link(article_claim(entry=entry(guid="g2", published_at=published_at)), (known,), now=NOW)
    assert (plan.action, plan.article_id) == (Action.LINK, 1)
    assert plan.reason == "same link as an entry of this feed with another guid, whose page was read"


@pytest.mark.parametrize(
    ("claim", "found"),
    [
        (article_claim(), ()),
        (article_claim(), (candidate(shared=(LINK,), feed_ids=(7,), title="Ships back"),)),
        (article_claim(entry=entry(published_at=NOW)), (candidate(shared=(LINK,), feed_ids=(7,), published_at=DAY_BEFORE),)),
        (article_claim(), (candidate(shared=(LINK,), body_source="feed"),)),
        (article_claim(article_id=1), (candidate(shared=(LINK,)),)),
    ],
    ids=["unknown link", "another title under this feed's link", "another date", "page not read yet", "looked at again"],
)
def test_otherwise_the_page_is_asked_for(claim, found):
    assert plan_known_link(claim, found, now=NOW) is None


@pytest.mark.parametrize(
    ("new", "stored", "is_kept"),
    [
        ((Quality.PAYWALL, 60), (Quality.FULL, 800), True),
        ((Quality.TEASER, 60), (Quality.FULL, 800), True),
        ((Quality.FULL, 300), (Quality.FULL, 800), True),
        ((Quality.FULL, 700), (Quality.FULL, 800), False),
        ((Quality.FULL, 300), (Quality.PAYWALL, 60), False),
        ((Quality.PAYWALL, 90), (Quality.PAYWALL, 60), False),
        ((Quality.SHORT, 39), (Quality.SHORT, 40), False),
    ],
    ids=["a wall", "a start", "most of it gone", "edited", "the wall is gone", "more before the wall", "a word less"],
)
def test_a_better_stored_body_is_never_replaced_by_a_worse_one(new, stored, is_kept):
    shown = article(quality=new[0], words=new[1], text_hash="today")
    known = candidate(quality=stored[0], words=stored[1], feed_ids=(7,))
    plan = plan_article(article_claim(article_id=1), shown, known_as(known), now=NOW)
    assert plan.action is (Action.LINK if is_kept else Action.REVISE)


@pytest.mark.parametrize(
    ("quality", "words", "is_kept"), [(Quality.SHORT, 150, False), (Quality.PAYWALL, 20, True), (Quality.FULL, 20, False)]
)
def test_a_page_takes_the_place_of_the_feeds_text_unless_it_shows_less(quality, words, is_kept):
    page = article(quality=quality, words=words, text_hash="page")
    known = candidate(body_source="feed", quality=Quality.FULL, words=30, feed_ids=(7,))
    plan = plan_article(article_claim(article_id=1), page, known_as(known), now=NOW)
    assert plan.action is (Action.LINK if is_kept else Action.REVISE)
