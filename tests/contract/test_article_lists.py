"""Articles as people list them: filters, order, and texts that try to be more than text."""

from collections.abc import Callable
from typing import Any

import pytest

from ingest.model import ArticleFilter, Identity, IdentityKind
from ingest.store import SqlStore
from tests.contract.making import Make


@pytest.fixture
def put(store: SqlStore, make: Make) -> Callable[..., None]:
    """Stores an article and says its title."""
    counter = iter(range(10_000))

    def put_it(title: str, *, minutes: float = 0.0, **said: Any) -> None:
        identity = Identity(IdentityKind.SEED, str(next(counter)))
        assert store.articles.put_seed((identity,), make.article(title=title, **said), make.at(minutes))

    return put_it


def titles(store: SqlStore, **wanted: Any) -> list[str | None]:
    return [info.title for info in store.articles.infos(ArticleFilter(**wanted))]


def test_articles_come_newest_first_by_publication_or_else_by_arrival(
    store: SqlStore, make: Make, put: Callable[..., None]
) -> None:
    put("published long ago", published_at=make.at(-100))
    put("no date, arrived first", published_at=None, minutes=1)
    put("published last", published_at=make.at(5))

    assert titles(store) == ["published last", "no date, arrived first", "published long ago"]
    assert titles(store, limit=2) == ["published last", "no date, arrived first"]
    assert titles(store, limit=0) == []


def test_a_period_includes_its_begin_and_excludes_its_end(store: SqlStore, make: Make, put: Callable[..., None]) -> None:
    for minutes in (0, 1, 2):
        put(str(minutes), published_at=make.at(minutes))

    assert titles(store, since=make.at(1)) == ["2", "1"]
    assert titles(store, until=make.at(1)) == ["0"]
    assert titles(store, since=make.at(1), until=make.at(2)) == ["1"]


def test_many_articles_are_read_in_portions_without_loss_or_repetition(
    store: SqlStore, make: Make, put: Callable[..., None]
) -> None:
    for number in range(450):
        put(str(number), published_at=make.at(number // 7))

    listed = titles(store)

    assert sorted(listed, key=int) == [str(number) for number in range(450)]
    assert listed[:2] == ["449", "448"]
    assert titles(store, limit=250) == listed[:250]


def test_a_language_includes_its_regions(store: SqlStore, put: Callable[..., None]) -> None:
    for language in ("en", "en-GB", "EN-us", "eng", "de", None):
        put(str(language), language=language)

    assert sorted(titles(store, language="en")) == ["EN-us", "en", "en-GB"]
    assert titles(store, language="en_") == []


def test_every_word_must_occur_in_title_or_text_in_any_case(store: SqlStore, put: Callable[..., None]) -> None:
    put("Überschwemmung im Hafen", text="Der Pegel STEIGT weiter.")
    put("Ruhiger Tag", text="Der Pegel fällt.")

    assert titles(store, text="hafen pegel") == ["Überschwemmung im Hafen"]
    assert titles(store, text="ÜBERSCHWEMMUNG") == ["Überschwemmung im Hafen"]
    assert titles(store, text="FÄLLT") == ["Ruhiger Tag"]
    assert titles(store, text="steigt fällt") == []
    assert len(titles(store, text="  ")) == 2


@pytest.mark.parametrize("text", ["%", "_", "100%", "' OR 1=1 --", '"*" NEAR', "\\", "\0%", "a" * 60_000, "zz " * 5000])
def test_search_input_means_itself_and_never_fails(store: SqlStore, put: Callable[..., None], text: str) -> None:
    put("Plain title", text="plain text")

    assert titles(store, text=text) == []


def test_wildcards_find_what_contains_them(store: SqlStore, put: Callable[..., None]) -> None:
    put("Sales up 100%", text="snake_case")
    put("Sales up 1000", text="snakeXcase")

    assert titles(store, text="100%") == titles(store, text="e_c") == ["Sales up 100%"]


def test_a_feed_is_named_by_id_or_address(store: SqlStore, make: Make, put: Callable[..., None]) -> None:
    put("of no feed")
    feed_id = make.feed(store)
    (held,) = store.feeds.claim(make.now, limit=1, lease_until=make.lease_until)
    store.feeds.apply([make.poll(held, make.entry("a"), make.entry("b"))])
    (first, _) = store.articles.claim(make.now, limit=2, lease_until=make.lease_until)
    store.articles.apply([make.done(first, article=make.article(title="of the feed"))])

    assert titles(store, feed=str(feed_id)) == titles(store, feed="https://news.example/feed") == ["of the feed"]
    assert titles(store, feed="https://unknown.example/") == titles(store, feed="99") == []


def test_the_list_can_be_left_in_the_middle(store: SqlStore, make: Make, put: Callable[..., None]) -> None:
    for number in range(5):
        put(str(number), published_at=make.at(number))

    infos = store.articles.infos(ArticleFilter())
    assert next(infos).title == "4"
    infos.close()
    put("afterwards")
