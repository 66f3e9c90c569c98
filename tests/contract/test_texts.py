"""What the world writes: characters that databases refuse, lengths they do not index, dates at the ends of the calendar."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ingest.errors import StoreError
from ingest.model import ArticleFilter, Entry, FeedHead, Sought
from ingest.store import SqlStore
from tests.contract.making import Make

FAR = (datetime(1, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), datetime.max.replace(tzinfo=UTC))
ODD = "a\0b \ud800 😀 \u202e \u0000é"
CLEANED = "ab ? 😀 \u202e é"


def stored_entry(store: SqlStore, make: Make, **said: object) -> Entry:
    """An entry with these contents as it comes back from the store."""
    make.feed(store)
    (held,) = store.feeds.claim(make.now, limit=1, lease_until=make.lease_until)
    store.feeds.apply([make.poll(held, make.entry("a", **said))])
    (claimed,) = store.articles.claim(make.now, limit=1, lease_until=make.lease_until)
    return claimed.entry


def test_characters_that_no_database_takes_are_left_out_of_entries(store: SqlStore, make: Make) -> None:
    entry = stored_entry(store, make, guid=ODD, title=ODD, content=ODD, authors=(ODD,), categories=(ODD, ODD))

    assert entry.guid == entry.title == entry.content == CLEANED
    assert (entry.authors, entry.categories) == ((CLEANED,), (CLEANED, CLEANED))
    (info,) = store.feeds.entries(1, 1)
    assert (info.guid, info.title) == (CLEANED, CLEANED)


def test_characters_that_no_database_takes_are_left_out_of_everything_else(store: SqlStore, make: Make) -> None:
    make.feed(store, title=ODD, tags=(ODD,))
    (held,) = store.feeds.claim(make.now, limit=1, lease_until=make.lease_until)
    new = make.entry("k" + ODD)
    store.feeds.apply([make.poll(held, new, head=FeedHead("rss20", title=ODD, description=ODD, language=ODD), reason=ODD)])
    (claimed,) = store.articles.claim(make.now, limit=1, lease_until=make.lease_until)
    article = make.article(title=ODD, text=ODD, html=ODD, authors=(ODD,), credit=ODD, language=ODD)
    store.articles.apply([make.done(claimed, article=article, reason=ODD, identities=make.urls("https://x.example/" + ODD))])

    (feed,) = store.feeds.infos()
    assert (feed.title, feed.options.tags, feed.reason) == (CLEANED, (CLEANED,), CLEANED)
    (info,) = store.articles.infos(ArticleFilter(text=ODD, language=CLEANED))
    assert (info.title, info.text, info.html, info.authors, info.credit) == (CLEANED, CLEANED, CLEANED, (CLEANED,), CLEANED)
    assert store.feeds.known_entries([(feed.feed_id, ["k" + ODD])])[0]["k" + ODD].entry_id == claimed.entry_id
    assert len(store.articles.candidates([Sought(tuple(make.urls("https://x.example/" + ODD)))])[0]) == 1


def test_very_long_guids_and_addresses_are_kept_whole(store: SqlStore, make: Make) -> None:
    long = "https://long.example/" + "ü" * 5000
    host = "https://" + "h" * 5000 + ".example/"

    entry = stored_entry(store, make, guid=long, url=host, title="t" * 1_000_000, image_urls=(long,))

    assert (entry.guid, entry.url, entry.image_urls) == (long, host, (long,))
    assert len(entry.title or "") == 1_000_000


def test_feeds_with_very_long_addresses_are_told_apart(store: SqlStore, make: Make) -> None:
    long = "https://long.example/" + "ü" * 5000
    one, two = make.feed(store, long + "1"), make.feed(store, long + "2")

    assert one != two
    found = store.feeds.find(long + "2")
    assert found is not None
    assert (found.feed_id, found.url) == (two, long + "2")


@pytest.mark.parametrize("moment", FAR, ids=lambda moment: str(moment.year))
def test_dates_at_the_ends_of_the_calendar_come_back(store: SqlStore, make: Make, moment: datetime) -> None:
    entry = stored_entry(store, make, published_at=moment, updated_at=moment)

    assert (entry.published_at, entry.updated_at) == (moment, moment)
    (info,) = store.feeds.entries(1, 1)
    assert info.published_at == moment


def test_dates_are_listed_in_their_order_whatever_their_zone_and_the_machines(
    store: SqlStore, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        east = timezone(timedelta(hours=9))
        moments = (*FAR, make.now.astimezone(east), make.at(1))
        for number, moment in enumerate(moments):
            identity = make.urls(f"https://news.example/{number}")
            store.articles.put_seed(identity, make.article(published_at=moment), make.now)
        listed = [info.published_at for info in store.articles.infos(ArticleFilter())]
    finally:
        monkeypatch.undo()
        time.tzset()

    assert listed == sorted(moments, reverse=True)
    assert {moment.utcoffset() for moment in listed if moment} == {timedelta(0)}


def test_a_time_without_zone_is_refused(store: SqlStore, make: Make) -> None:
    with pytest.raises(StoreError, match="a time without its zone"):
        store.feeds.add(make.spec(), make.now.replace(tzinfo=None))


def test_a_plan_that_cannot_be_written_leaves_nothing_and_says_so_in_one_line(store: SqlStore, make: Make) -> None:
    feed_id = make.feed(store)
    (held,) = store.feeds.claim(make.now, limit=1, lease_until=make.lease_until)
    bad = replace(make.entry("b"), reason=None)  # type: ignore[arg-type]

    with pytest.raises(StoreError) as caught:
        store.feeds.apply([make.poll(held, make.entry("a"), bad)])

    assert "\n" not in str(caught.value)
    assert store.feeds.entries(feed_id, 9) == store.feeds.polls(feed_id, 9) == ()
    store.feeds.apply([make.poll(held, make.entry("a"))])
