"""Where older entries lie, and where to go on after each page."""

from datetime import UTC, datetime, timedelta

import pytest

from ingest.history import estimate_pages, find_strategy, is_within, next_checkpoint
from ingest.model import Checkpoint, Entry, FeedHead, KeyedEntry, ParsedFeed, Strategy

FEED = "https://a.example/feed/"
DAY = datetime(2025, 6, 1, tzinfo=UTC)


def head(**said: str) -> FeedHead:
    return FeedHead(format="rss20", **said)  # type: ignore[arg-type]


def page(*guids: str, **said: str) -> ParsedFeed:
    return ParsedFeed(head(**said), tuple(Entry(guid=guid) for guid in guids))


def dated(*days: int) -> list[KeyedEntry]:
    return [KeyedEntry(str(day), "", Entry(guid=str(day), published_at=DAY - timedelta(days=day))) for day in days]


def go_on(strategy: Strategy, parsed: ParsedFeed, url: str, before: Checkpoint, **said: datetime) -> tuple[Checkpoint, bool, str]:
    return next_checkpoint(
        strategy, parsed, url, before, new_keys=len(parsed.entries), newest=said.get("newest"), since=said.get("since")
    )


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (
            {"prev_archive_url": "https://a.example/3", "next_url": "https://a.example/?page=2", "generator": "WordPress"},
            (Strategy.ARCHIVE, "https://a.example/3"),
        ),
        (
            {"next_url": "https://a.example/?page=2", "generator": "https://wordpress.org/?v=6"},
            (Strategy.PAGED, "https://a.example/?page=2"),
        ),
        ({"generator": "https://wordpress.org/?v=6"}, (Strategy.WORDPRESS, "https://a.example/feed/?paged=2")),
        ({"next_url": FEED, "generator": "Hugo"}, None),
        ({"prev_archive_url": "javascript:x"}, None),
        ({}, None),
    ],
)
def test_the_feeds_own_word_comes_first(said: dict[str, str], found: tuple[Strategy, str] | None) -> None:
    assert find_strategy(head(**said), FEED) == found


def test_wordpress_paging_keeps_the_rest_of_the_address() -> None:
    found = find_strategy(head(generator="WordPress"), "https://a.example/?feed=rss2&cat=5&x=&paged=3#top")
    assert found == (Strategy.WORDPRESS, "https://a.example/?feed=rss2&cat=5&x=&paged=4")


def test_wordpress_goes_from_page_to_page_until_one_is_empty() -> None:
    second = f"{FEED}?paged=2"
    reached, is_over, _ = go_on(Strategy.WORDPRESS, page("a", "b"), second, Checkpoint(second))
    assert (reached.next_url, reached.pages, reached.entries_new, is_over) == (f"{FEED}?paged=3", 1, 2, False)
    reached, is_over, reason = go_on(Strategy.WORDPRESS, page(), f"{FEED}?paged=3", reached)
    assert (reached.next_url, reached.pages, is_over, reason) == (None, 2, True, "the end: a page without entries")


def test_server_that_knows_no_paging_is_asked_once_more_only() -> None:
    reached, _, _ = go_on(Strategy.WORDPRESS, page("a", "b"), f"{FEED}?paged=2", Checkpoint(f"{FEED}?paged=2"))
    reached, is_over, reason = go_on(Strategy.WORDPRESS, page("a", "b"), f"{FEED}?paged=3", reached)
    assert (reached.next_url, is_over, reason) == (None, True, "the end: the same entries as on the page before")


@pytest.mark.parametrize(("strategy", "field"), [(Strategy.ARCHIVE, "prev_archive_url"), (Strategy.PAGED, "next_url")])
def test_documents_name_the_one_before_until_the_last(strategy: Strategy, field: str) -> None:
    url = "https://a.example/5"
    assert go_on(strategy, page("a", **{field: "https://a.example/4"}), url, Checkpoint(url))[0].next_url == "https://a.example/4"
    for last, reason in (({}, "no further page is named"), ({field: url}, "the page names itself as the next")):
        reached, is_over, said = go_on(strategy, page("a", **last), url, Checkpoint(url))
        assert (reached.next_url, is_over, said) == (None, True, f"the end: {reason}")


def test_run_is_over_when_since_is_passed_and_can_go_on_later() -> None:
    parsed = page("a", next_url="https://a.example/3")
    before = Checkpoint("https://a.example/2")
    reached, is_over, reason = go_on(
        Strategy.PAGED, parsed, "https://a.example/2", before, newest=DAY, since=DAY + timedelta(days=1)
    )
    assert (reached.next_url, is_over, reason) == ("https://a.example/3", True, "reached 2025-06-02")
    assert not go_on(Strategy.PAGED, parsed, "https://a.example/2", before, newest=DAY, since=DAY)[1]


@pytest.mark.parametrize(
    ("strategy", "keyed", "said", "since", "expected"),
    [
        (Strategy.WORDPRESS, dated(0, 5, 10), {}, 110, (10, "3 entries cover 10 days")),
        (Strategy.WORDPRESS, dated(0, 1), {}, 2, (1, "2 entries cover 24 hours")),
        (Strategy.WORDPRESS, dated(0, 10), {}, 5, (0, "what the feed shows now reaches further back")),
        (Strategy.WORDPRESS, dated(), {}, 5, (None, "its entries have no dates to judge by")),
        (Strategy.WORDPRESS, dated(1, 2), {}, None, (None, "the feed does not say how far its history goes")),
        (
            Strategy.ARCHIVE, dated(1, 2), {"prev_archive_url": "https://a.example/archive/12.xml"}, None,
            (12, "by the number in the address of the newest archive"),
        ),
        (
            Strategy.ARCHIVE, dated(1, 2), {"prev_archive_url": "https://a.example/archive/2024/05"}, None,
            (None, "the feed does not say how far its history goes"),
        ),
        (
            Strategy.ARCHIVE, dated(1, 2), {"prev_archive_url": "https://a.example/archive/2024"}, None,
            (None, "the feed does not say how far its history goes"),
        ),
    ],
)  # fmt: skip
def test_pages_are_estimated_where_something_tells(
    *, strategy: Strategy, keyed: list[KeyedEntry], said: dict[str, str], since: int | None, expected: tuple[int | None, str]
) -> None:
    asked = None if since is None else DAY - timedelta(days=since)
    assert estimate_pages(strategy, head(**said), keyed, since=asked) == expected


@pytest.mark.parametrize(
    ("day", "is_in"), [(DAY - timedelta(seconds=1), False), (DAY, True), (DAY + timedelta(days=1), False), (None, True)]
)
def test_span_includes_its_start_and_not_its_end(day: datetime | None, is_in: bool) -> None:
    assert is_within(Entry(updated_at=day), DAY, DAY + timedelta(days=1)) is is_in
    assert is_within(Entry(published_at=day), None, None)
