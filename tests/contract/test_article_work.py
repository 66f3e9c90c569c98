"""Entries as work: claimed, made into articles, recognised; and what becomes of plans that come too late."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.model import (
    Action,
    Applied,
    ArticleClaim,
    ArticleFilter,
    ArticleInfo,
    Checkpoint,
    EntryPlan,
    EntryState,
    Facts,
    FeedHead,
    HistoryPlan,
    HostLesson,
    Identity,
    IdentityKind,
    RobotsVerdict,
    Sought,
    Strategy,
)
from ingest.outcome import Outcome
from ingest.policy import HostPolicy
from ingest.store import SqlStore
from ingest.store.schema import articles, revisions
from tests.contract.making import Make, OpenAs


@pytest.fixture
def fill(store: SqlStore, make: Make) -> Callable[..., int]:
    """Stores new entries of a feed, as a poll does."""

    def fill_it(*entries: EntryPlan, url: str = "https://news.example/feed", **options: Any) -> int:
        feed_id = make.feed(store, url, **options)
        held = store.feeds.claim_one(feed_id, make.now, make.lease_until)
        store.feeds.apply([make.poll(held, *entries, head=FeedHead("rss20", language="fr"))])
        return feed_id

    return fill_it


def claim(store: SqlStore, make: Make, *, now: datetime | None = None, **wishes: Any) -> tuple[ArticleClaim, ...]:
    return store.articles.claim(now or make.now, limit=10, lease_until=make.lease_until, **wishes)


def all_articles(store: SqlStore) -> list[ArticleInfo]:
    return list(store.articles.infos(ArticleFilter()))


def test_a_due_entry_is_claimed_with_all_that_an_attempt_needs(store: SqlStore, make: Make, fill: Callable[..., int]) -> None:
    feed_id = fill(make.entry("a", summary="<p>Short</p>", categories=("x", "y"), published_at=make.now), full_text=False)

    (claimed,) = claim(store, make)

    assert claimed.entry == make.entry("a", summary="<p>Short</p>", categories=("x", "y"), published_at=make.now).keyed.entry
    assert (claimed.feed_id, claimed.feed_url, claimed.feed_language) == (feed_id, "https://news.example/feed", "fr")
    assert (claimed.options.full_text, claimed.attempts, claimed.article_id) == (False, 0, None)
    assert (claimed.lease.owner, claimed.lease.fence, claimed.lease.until) == ("me", 1, make.lease_until)
    assert claim(store, make) == ()


def test_entries_that_are_blocked_are_nobodys_work(store: SqlStore, make: Make, fill: Callable[..., int]) -> None:
    fill(replace(make.entry("ad"), state=EntryState.BLOCKED, reason="blocked by ads"))

    assert claim(store, make) == ()
    assert store.articles.counts_by_state() == {EntryState.BLOCKED: 1}


def test_live_entries_come_before_those_of_a_backfill(store: SqlStore, make: Make, fill: Callable[..., int]) -> None:
    feed_id = fill()
    backfill = store.history.open(feed_id, Strategy.PAGED, Checkpoint("https://news.example/2"), make.at(-60))
    old = HistoryPlan(backfill.backfill_id, feed_id, make.at(-60), (make.entry("old"),), Checkpoint(None, 1, 1), True, "")
    store.history.apply(old)
    fill(make.entry("live"))

    assert [one.entry.guid for one in claim(store, make)] == ["live", "old"]


def test_no_more_of_one_host_than_allowed_are_claimed_but_any_number_without_url(
    open_as: OpenAs, make: Make, fill: Callable[..., int]
) -> None:
    fill(*(make.entry(f"big{n}", url=f"https://big.example/{n}") for n in range(3)), make.entry("small"))
    fill(*(make.entry(f"none{n}", url=None) for n in range(3)), url="https://other.example/feed")

    claimed = claim(open_as("me", HostPolicy()), make)

    assert [one.entry.guid for one in claimed] == ["big0", "small", "none0", "none1", "none2"]


def test_the_turn_of_a_host_counts_for_live_and_backfill_together(
    open_as: OpenAs, store: SqlStore, make: Make, fill: Callable[..., int]
) -> None:
    feed_id = fill()
    backfill = store.history.open(feed_id, Strategy.PAGED, Checkpoint("https://news.example/2"), make.now)
    plan = HistoryPlan(backfill.backfill_id, feed_id, make.now, (make.entry("old"),), Checkpoint(None), True, "")
    store.history.apply(plan)
    fill(make.entry("live"))

    assert [one.entry.guid for one in claim(open_as("me", HostPolicy()), make)] == ["live"]


def test_a_new_article_is_stored_with_all_its_facts(store: SqlStore, make: Make, fill: Callable[..., int]) -> None:
    fill(make.entry("a"))
    (claimed,) = claim(store, make)
    article = make.article(authors=("A. Writer", "B. Author"), credit="XX/Agency")

    assert store.articles.apply([make.done(claimed, article=article)]) == (Applied.DONE,)

    (info,) = all_articles(store)
    for name in ("url", "final_url", "canonical_url", "title", "authors", "published_at", "language", "text", "html", "words"):
        assert getattr(info, name) == getattr(article, name)
    for name in ("title_source", "published_source", "body_source", "quality", "extractor", "extractor_version", "credit"):
        assert getattr(info, name) == getattr(article, name)
    assert (info.revision, info.first_seen_at) == (1, make.now)
    assert (info.feeds, info.entries) == (("https://news.example/feed",), 1)
    assert store.articles.counts_by_state() == {EntryState.STORED: 1}
    assert store.articles.info(info.article_id) == info
    assert store.articles.info(info.article_id + 1) is None


def test_an_article_is_recognised_by_its_identities(store: SqlStore, make: Make, fill: Callable[..., int]) -> None:
    feed_id = fill(make.entry("a"))
    (claimed,) = claim(store, make)
    long = "https://news.example/" + "x" * 5000
    identities = (*make.urls("https://news.example/a", long), Identity(IdentityKind.TEXT, "t1"))
    store.articles.apply([make.done(claimed, identities=identities)])

    wanted = [Identity(IdentityKind.TEXT, "t1"), *make.urls(long, "https://news.example/unknown")]
    (found,) = store.articles.candidates([Sought(tuple(wanted))])[0]

    assert set(found.shared) == {Identity(IdentityKind.TEXT, "t1"), *make.urls(long)}
    assert (found.title, found.canonical_url, found.text_hash) == ("Harbour reopens", "https://news.example/a", "t1")
    assert (found.words, found.body_source, found.revision, found.feed_ids) == (5, "page", 1, (feed_id,))
    assert store.articles.candidates([Sought(())])[0] == ()
    assert store.articles.candidates([Sought((Identity(IdentityKind.SEED, "t1"),))])[0] == ()
    (by_id,) = store.articles.candidates([Sought((), found.article_id)])[0]
    assert (by_id.article_id, by_id.shared) == (found.article_id, ())
    assert store.articles.candidates([Sought((), found.article_id + 1)])[0] == ()


def test_an_entry_that_is_linked_adds_itself_and_no_article(store: SqlStore, make: Make, fill: Callable[..., int]) -> None:
    fill(make.entry("a"))
    fill(make.entry("a"), url="https://other.example/feed")
    first, second = claim(store, make)
    store.articles.apply([make.done(first, identities=make.urls("https://news.example/a"))])
    (known,) = store.articles.candidates([Sought(tuple(make.urls("https://news.example/a")))])[0]

    link = make.done(second, Action.LINK, article_id=known.article_id, identities=make.urls("https://other.example/a"))
    assert store.articles.apply([link]) == (Applied.DONE,)

    (info,) = all_articles(store)
    assert (info.entries, info.revision) == (2, 1)
    assert info.feeds == ("https://news.example/feed", "https://other.example/feed")
    assert len(store.articles.candidates([Sought(tuple(make.urls("https://other.example/a")))])[0][0].feed_ids) == 2


def test_a_revised_article_keeps_what_it_said_before(store: SqlStore, make: Make, fill: Callable[..., int]) -> None:
    fill(make.entry("a"))
    fill(make.entry("a"), url="https://other.example/feed")
    first, second = claim(store, make)
    store.articles.apply([make.done(first)])
    (before,) = all_articles(store)

    changed = make.article(title="Harbour closed again", text="It closed.", published_at=None)
    plan = make.done(
        second, Action.REVISE, article=changed, article_id=before.article_id, tried_at=make.at(9), reason="text changed"
    )
    assert store.articles.apply([plan]) == (Applied.DONE,)

    (after,) = all_articles(store)
    assert (after.title, after.text, after.revision, after.entries) == ("Harbour closed again", "It closed.", 2, 2)
    assert after.first_seen_at == make.now
    with store.database.read() as connection:
        (kept,) = connection.execute(sa.select(revisions)).all()
        (row,) = connection.execute(sa.select(articles.c.dated_at, articles.c.updated_at)).all()
    assert (kept.revision, kept.title, kept.text) == (1, before.title, before.text)
    assert (kept.authors, kept.published_at) == (["A. Writer"], make.now)
    assert (kept.written_at, kept.replaced_at, kept.reason) == (make.now, make.at(9), "text changed")
    assert (row.dated_at, row.updated_at) == (make.now, make.at(9))


def test_revising_an_article_that_is_not_there_asks_to_match_again(store: SqlStore, make: Make, fill: Callable[..., int]) -> None:
    fill(make.entry("a"))
    (claimed,) = claim(store, make)

    assert store.articles.apply([make.done(claimed, Action.REVISE, article_id=4711)]) == (Applied.TAKEN,)


def test_an_identity_that_another_article_took_undoes_its_plan_alone(
    store: SqlStore, make: Make, fill: Callable[..., int]
) -> None:
    fill(*(make.entry(key, url=f"https://{key}.example/") for key in "abc"))
    first, second, third = claim(store, make)
    shared = make.urls("https://news.example/same")

    results = store.articles.apply(
        [
            make.done(third, identities=make.urls("https://news.example/third")),
            make.done(first, identities=(*make.urls("https://news.example/z", "https://news.example/b"), *shared)),
            make.done(second, identities=(*shared, *make.urls("https://news.example/a"))),
        ]
    )

    assert results == (Applied.DONE, Applied.DONE, Applied.TAKEN)
    assert len(all_articles(store)) == 2
    assert store.articles.candidates([Sought(tuple(make.urls("https://news.example/a")))])[0] == ()
    (known,) = store.articles.candidates([Sought(tuple(shared))])[0]
    again = make.done(second, Action.LINK, article_id=known.article_id, identities=shared)  # its lease still holds
    assert store.articles.apply([again]) == (Applied.DONE,)


def test_a_failed_attempt_is_tried_again_when_the_plan_says(store: SqlStore, make: Make, fill: Callable[..., int]) -> None:
    feed_id = fill(make.entry("a"))
    (claimed,) = claim(store, make)

    failure = make.done(
        claimed,
        Action.NONE,
        outcome=Outcome.TIMEOUT,
        reason="30 s",
        state=EntryState.PENDING,
        attempts=1,
        next_try_at=make.at(10),
    )
    assert store.articles.apply([failure]) == (Applied.DONE,)

    assert claim(store, make, now=make.at(9)) == ()
    assert store.articles.next_try_at() == make.at(10)
    (again,) = claim(store, make, now=make.at(10))
    assert (again.attempts, again.lease.fence, again.article_id) == (1, 2, None)
    (info,) = store.feeds.entries(feed_id, 1)
    assert (info.state, info.outcome, info.reason, info.attempts) == (EntryState.PENDING, Outcome.TIMEOUT, "30 s", 1)


def test_an_entry_that_is_given_up_is_listed_with_its_reason(store: SqlStore, make: Make, fill: Callable[..., int]) -> None:
    fill(make.entry("a"), make.entry("b"), make.entry("c"))
    for claimed in claim(store, make)[:2]:
        gone = make.done(claimed, Action.NONE, outcome=Outcome.GONE, reason="410", state=EntryState.FAILED, attempts=1)
        store.articles.apply([gone])

    second, first = store.articles.failed(5)
    assert (second.guid, second.reason, first.guid, first.next_try_at) == ("b", "410", "a", None)
    assert len(store.articles.failed(1)) == 1
    assert store.articles.counts_by_state() == {EntryState.FAILED: 2, EntryState.PENDING: 1}
    assert store.feeds.infos()[0].failed == 2


def test_a_fallback_article_is_stored_while_the_page_is_still_tried(
    store: SqlStore, make: Make, fill: Callable[..., int]
) -> None:
    fill(make.entry("a"))
    (claimed,) = claim(store, make)

    store.articles.apply([make.done(claimed, state=EntryState.PENDING, attempts=1, next_try_at=make.at(10))])

    (again,) = claim(store, make, now=make.at(10))
    assert again.article_id == all_articles(store)[0].article_id


def test_a_host_that_asks_to_be_left_alone_is_left_alone_by_entries_and_feeds(
    store: SqlStore, make: Make, fill: Callable[..., int]
) -> None:
    fill(make.entry("a"), make.entry("b"), make.entry("c", url=None))
    one, two, _ = claim(store, make)
    limited = {"outcome": Outcome.RATE_LIMITED, "state": EntryState.PENDING, "attempts": 1}
    store.articles.apply(
        [
            make.done(one, Action.NONE, lesson=HostLesson(2.0, make.at(20), "429"), next_try_at=make.at(1), **limited),
            make.done(two, Action.NONE, lesson=HostLesson(None, make.at(10), "429"), next_try_at=make.at(1), **limited),
        ]
    )

    assert [late.entry.guid for late in claim(store, make, now=make.at(15))] == ["c"]
    assert {late.entry.guid for late in claim(store, make, now=make.at(20))} == {"a", "c"}
    assert store.feeds.claim(make.at(30), limit=1, lease_until=make.at(32)) != ()


def test_a_plan_whose_lease_was_lost_writes_nothing_and_harms_no_other(open_as: OpenAs, make: Make) -> None:
    slow, quick = open_as("slow"), open_as("quick")
    make.feed(slow)
    (held,) = slow.feeds.claim(make.now, limit=1, lease_until=make.lease_until)
    slow.feeds.apply([make.poll(held, make.entry("a"), make.entry("b", url="https://b.example/"))])
    late, mine = claim(slow, make)
    slow.articles.release({mine.entry_id: mine.lease})
    (mine,) = slow.articles.claim(make.now, limit=1, lease_until=make.at(10))
    (fresh,) = claim(quick, make, now=make.at(3))

    plans = [make.done(late, identities=make.urls("u1")), make.done(mine, article=make.article(title="Mine"))]
    assert slow.articles.apply(plans) == (Applied.LEASE_LOST, Applied.DONE)

    assert [info.title for info in all_articles(slow)] == ["Mine"]
    assert fresh.entry_id == late.entry_id
    assert quick.articles.apply([make.done(fresh)]) == (Applied.DONE,)
    assert quick.articles.apply([make.done(fresh)]) == (Applied.LEASE_LOST,)
    assert slow.articles.apply([]) == ()


def test_an_article_made_of_words_that_changed_meanwhile_is_refused(
    store: SqlStore, make: Make, fill: Callable[..., int]
) -> None:
    feed_id = fill(make.entry("a"))
    (stale,) = claim(store, make)
    changed = replace(make.entry("a", title="Corrected"), entry_id=stale.entry_id)
    held = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    store.feeds.apply([make.poll(held, changed=(changed,))])

    assert store.articles.apply([make.done(stale)]) == (Applied.LEASE_LOST,)
    assert claim(store, make)[0].entry.title == "Corrected"


def test_leases_of_entries_are_renewed_and_released(open_as: OpenAs, make: Make) -> None:
    mine, other = open_as("mine"), open_as("other")
    make.feed(mine)
    (held,) = mine.feeds.claim(make.now, limit=1, lease_until=make.lease_until)
    mine.feeds.apply([make.poll(held, make.entry("a"), make.entry("b"))])
    first, second = claim(mine, make)

    mine.articles.renew({first.entry_id: first.lease}, make.at(10))
    mine.articles.release({second.entry_id: second.lease})

    assert [one.entry.guid for one in claim(other, make, now=make.at(5))] == ["b"]


def test_pending_entries_are_counted_and_the_next_one_is_foreseen(store: SqlStore, make: Make, fill: Callable[..., int]) -> None:
    assert store.articles.next_try_at() is None
    fill(make.entry("a"), make.entry("b"))

    assert (store.articles.count_pending(make.at(-1)), store.articles.count_pending(make.now)) == (0, 2)
    assert store.articles.next_try_at() == make.now
    claim(store, make)
    assert store.articles.count_pending(make.now) == 2
    assert store.articles.next_try_at() == make.lease_until


def test_a_seed_is_stored_once_and_recognised_later(store: SqlStore, make: Make) -> None:
    seed = make.article(url=None, final_url=None, canonical_url=None, body_source="seed", published_at=None)
    identities = (Identity(IdentityKind.SEED, "s1"), Identity(IdentityKind.TEXT, "t1"))

    assert store.articles.put_seed(identities, seed, make.now)
    assert not store.articles.put_seed(identities, seed, make.at(1))
    assert not store.articles.put_seed((Identity(IdentityKind.TEXT, "t1"),), seed, make.at(1))

    (info,) = all_articles(store)
    assert (info.body_source, info.feeds, info.entries) == ("seed", (), 0)
    assert store.articles.candidates([Sought((Identity(IdentityKind.TEXT, "t1"),))])[0][0].article_id == info.article_id


def test_new_articles_of_one_transaction_do_not_hide_each_other(open_as: OpenAs, make: Make) -> None:
    """Those that share nothing go in together; one that collides with them or whose lease was lost is told so, as ever."""
    mine, other = open_as("mine"), open_as("other")
    make.feed(mine)
    (held,) = mine.feeds.claim(make.now, limit=1, lease_until=make.lease_until)
    mine.feeds.apply([make.poll(held, *(make.entry(name) for name in "abcdef"))])
    claims = claim(mine, make)
    (lost,) = other.articles.claim(make.at(3), limit=1, lease_until=make.at(9))
    late = next(one for one in claims if one.entry_id == lost.entry_id)
    a, b, c, d, e = (one for one in claims if one is not late)
    shared = make.urls("https://news.example/shared")
    plans = [
        make.done(a, article=make.article(title="A"), identities=make.urls("u:a")),
        make.done(late, article=make.article(title="late"), identities=make.urls("u:late")),
        make.done(b, article=make.article(title="B"), identities=shared),
        make.done(c, article=make.article(title="C"), identities=shared),
        make.done(d, article=make.article(title="D"), state=EntryState.PENDING, attempts=1, next_try_at=make.at(10)),
        make.done(e, article=make.article(title="E"), identities=make.urls("u:e"), robots=RobotsVerdict.ALLOWED),
    ]

    applied = mine.articles.apply(plans)

    done, lease_lost, taken = Applied.DONE, Applied.LEASE_LOST, Applied.TAKEN
    assert applied == (done, lease_lost, done, taken, done, done)
    stored = {info.title: info for info in all_articles(mine)}
    assert stored.keys() == {"A", "B", "D", "E"}
    assert stored["E"].robots is RobotsVerdict.ALLOWED
    states = {entry.guid: (entry.state, entry.article_id) for entry in mine.feeds.entries(held.feed_id, 10)}
    assert states[a.entry.guid] == (EntryState.STORED, stored["A"].article_id)
    assert states[d.entry.guid] == (EntryState.PENDING, stored["D"].article_id)
    ((found,),) = mine.articles.candidates([Sought(shared)])
    assert found.article_id == stored["B"].article_id


def test_articles_are_numbered_on_whether_they_go_in_alone_or_together(
    store: SqlStore, make: Make, fill: Callable[..., int]
) -> None:
    feed_id = fill(*(make.entry(name) for name in "abcdef"))
    claims = claim(store, make)

    for together in (claims[:1], claims[1:3], claims[3:4], claims[4:]):
        seen = {"evidence": {"why": "40 words"}, "facts": Facts(site_name="The Harbour News", modified_at=make.now)}
        plans = [make.done(one, article=make.article(authors=("A", "B"), **seen)) for one in together]
        assert set(store.articles.apply(plans)) == {Applied.DONE}

    assert {info.authors for info in all_articles(store)} == {("A", "B")}
    assert all(info.evidence == {"why": "40 words"} for info in all_articles(store))
    assert {info.facts["site_name"] for info in all_articles(store)} == {"The Harbour News"}
    ids = {entry.guid: entry.article_id for entry in store.feeds.entries(feed_id, 9)}
    assert [ids[name] for name in "abcdef"] == sorted(info.article_id for info in all_articles(store))


def test_links_to_known_articles_go_in_together_and_one_that_takes_what_is_anothers_does_not(
    store: SqlStore, make: Make, fill: Callable[..., int]
) -> None:
    feed_id = fill(*(make.entry(name) for name in "abcd"))
    first, *others = claim(store, make)
    store.articles.apply([make.done(first, identities=make.urls("u:1"))])
    (info,) = all_articles(store)
    b, c, d = others
    plans = [
        make.done(b, Action.LINK, article_id=info.article_id, identities=make.urls("u:1", "u:b")),
        make.done(c, Action.LINK, article_id=info.article_id, identities=make.urls("u:c")),
        make.done(d, identities=make.urls("u:c")),
    ]

    assert store.articles.apply(plans) == (Applied.DONE, Applied.DONE, Applied.TAKEN)

    for url in ("u:1", "u:b", "u:c"):
        ((found,),) = store.articles.candidates([Sought(make.urls(url))])
        assert found.article_id == info.article_id
    assert [entry.article_id for entry in store.feeds.entries(feed_id, 9)].count(info.article_id) == 3
