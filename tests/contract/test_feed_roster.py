"""Which feeds there are: what the feed file says, what commands say, and what people are shown."""

import time
from dataclasses import replace

from ingest.model import ArticleFilter, FeedOptions, FeedOrigin, FeedSpec, FeedState
from ingest.outcome import Outcome
from ingest.store import SqlStore, SyncResult
from tests.contract.making import Make


def sync(store: SqlStore, make: Make, *specs: FeedSpec) -> SyncResult:
    return store.feeds.sync(specs, make.now, first_poll_at=lambda _: make.at(5))


def test_the_file_adds_feeds_with_their_options_and_their_first_poll(store: SqlStore, make: Make) -> None:
    result = sync(store, make, make.spec("https://a.example/", tags=("x",)), make.spec("https://b.example/", is_enabled=False))

    assert result == SyncResult(added=2)
    first, second = store.feeds.infos()
    assert (first.url, first.origin, first.state, first.next_poll_at) == (
        "https://a.example/",
        FeedOrigin.FILE,
        FeedState.ACTIVE,
        make.at(5),
    )
    assert first.options == FeedOptions(tags=("x",))
    assert (second.state, second.state_reason) == (FeedState.PAUSED, "disabled in the configuration")
    assert store.feeds.infos("x") == (first,)


def test_reading_the_same_file_again_changes_nothing_and_hastens_no_poll(store: SqlStore, make: Make) -> None:
    specs = [make.spec("https://a.example/"), make.spec("https://a.example/", title="twice"), make.spec("https://b.example/")]
    sync(store, make, *specs)
    before = store.feeds.infos()

    assert store.feeds.sync(specs, make.at(1), first_poll_at=lambda _: make.at(-9)) == SyncResult()
    assert store.feeds.infos() == before


def test_changed_options_are_taken_over(store: SqlStore, make: Make) -> None:
    sync(store, make, make.spec(title="Old"))

    assert sync(store, make, make.spec(title="New")) == SyncResult(changed=1)
    assert store.feeds.infos()[0].title == "New"


def test_a_feed_that_leaves_the_file_is_paused_and_resumes_when_it_comes_back(store: SqlStore, make: Make) -> None:
    sync(store, make, make.spec())

    assert sync(store, make) == SyncResult(paused=1)
    assert sync(store, make) == SyncResult()
    info = store.feeds.infos()[0]
    assert (info.state, info.state_reason) == (FeedState.PAUSED, "no longer listed")
    assert sync(store, make, make.spec()) == SyncResult(resumed=1)
    info = store.feeds.infos()[0]
    assert (info.state, info.state_reason, info.next_poll_at) == (FeedState.ACTIVE, "", make.at(5))


def test_a_feed_that_was_given_up_stays_so_until_it_is_switched_off_and_on(store: SqlStore, make: Make) -> None:
    sync(store, make, make.spec())
    (claimed,) = store.feeds.claim(make.at(5), limit=1, lease_until=make.at(7))
    store.feeds.apply(
        [
            make.poll(
                claimed, outcome=Outcome.GONE, state=FeedState.DISABLED, reason="gone", failures=30.0, next_poll_at=make.at(9)
            )
        ]
    )

    assert sync(store, make, make.spec()) == SyncResult()
    assert sync(store, make, make.spec(is_enabled=False)) == SyncResult(paused=1)
    assert sync(store, make, make.spec()) == SyncResult(resumed=1)
    info = store.feeds.infos()[0]
    assert (info.state, info.failures) == (FeedState.ACTIVE, 0.0)


def test_feeds_of_commands_are_left_alone_until_the_file_lists_them(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)

    assert sync(store, make) == SyncResult()
    assert store.feeds.infos()[0].origin is FeedOrigin.COMMAND
    assert sync(store, make, make.spec(tags=("x",))) == SyncResult(changed=1)
    info = store.feeds.infos()[0]
    assert (info.feed_id, info.origin, info.options.tags) == (feed_id, FeedOrigin.FILE, ("x",))


def test_ten_thousand_feeds_are_synced_in_a_few_seconds_of_cpu(store: SqlStore, make: Make) -> None:
    specs = [make.spec(f"https://h{number}.example/feed", tags=("many",)) for number in range(10_000)]
    started_s = time.process_time()

    assert sync(store, make, *specs).added == 10_000
    assert sync(store, make, *specs) == SyncResult()
    assert sync(store, make, *specs[:5_000]) == SyncResult(paused=5_000)
    assert time.process_time() - started_s < 15


def test_adding_a_feed_twice_is_adding_it_once(store: SqlStore, make: Make) -> None:
    assert make.feed(store) == make.feed(store)
    assert len(store.feeds.infos()) == 1
    assert store.feeds.infos()[0].next_poll_at == make.now


def test_adding_a_feed_that_left_the_file_makes_it_one_of_commands(store: SqlStore, make: Make) -> None:
    sync(store, make, make.spec())
    sync(store, make)

    feed_id = make.feed(store)

    info = store.feeds.find(str(feed_id))
    assert (info.origin, info.state, info.state_reason) == (FeedOrigin.COMMAND, FeedState.ACTIVE, "")
    assert sync(store, make) == SyncResult()


def test_adding_a_feed_that_was_given_up_revives_it(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    held = store.feeds.claim_one(feed_id, make.now, make.lease_until)
    store.feeds.apply([make.poll(held, outcome=Outcome.GONE, state=FeedState.DISABLED, failures=30.0, reason="gone")])

    assert make.feed(store) == feed_id
    info = store.feeds.find(str(feed_id))
    assert (info.state, info.failures) == (FeedState.ACTIVE, 0.0)


def test_adding_a_feed_that_the_file_disables_does_not_overrule_the_file(store: SqlStore, make: Make) -> None:
    sync(store, make, make.spec(is_enabled=False))

    make.feed(store)

    assert store.feeds.infos()[0].state is FeedState.PAUSED


def test_removing_a_feed_takes_its_entries_and_polls_but_no_article(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    (claimed,) = store.feeds.claim(make.now, limit=1, lease_until=make.lease_until)
    store.feeds.apply([make.poll(claimed, make.entry("a"), make.entry("b"))])
    (first, _) = store.articles.claim(make.now, limit=2, lease_until=make.lease_until)
    store.articles.apply([make.done(first)])
    (article,) = store.articles.infos(ArticleFilter())

    store.feeds.remove(feed_id)

    assert store.feeds.infos() == ()
    assert store.feeds.polls(feed_id, 5) == ()
    assert store.articles.counts_by_state() == {}
    assert store.articles.info(article.article_id) == replace(article, feeds=(), entries=0)
    assert make.feed(store) != feed_id  # a number is not given twice


def test_a_feed_is_found_by_id_and_by_exact_address_only(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store, "https://a.example/feed")

    assert store.feeds.find(str(feed_id)).url == "https://a.example/feed"
    assert store.feeds.find("https://a.example/feed").feed_id == feed_id
    for text in ("https://a.example/", "9" * 30, "", "' OR 1=1", "%", "²"):
        assert store.feeds.find(text) is None


def test_entries_of_a_feed_are_listed_latest_first(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    (claimed,) = store.feeds.claim(make.now, limit=1, lease_until=make.lease_until)
    store.feeds.apply([make.poll(claimed, make.entry("a"), make.entry("b"), make.entry("c"))])
    (first,) = store.articles.claim(make.now, limit=1, lease_until=make.lease_until)
    store.articles.apply([make.done(first)])

    assert [entry.guid for entry in store.feeds.entries(feed_id, 2)] == ["c", "b"]
    assert [entry.guid for entry in store.feeds.entries(feed_id, 9, unfinished=True)] == ["c", "b"]
    assert store.feeds.entries(feed_id, 9)[2].article_id is not None
    assert store.feeds.entries(feed_id, 9)[0].feed_url == "https://news.example/feed"
