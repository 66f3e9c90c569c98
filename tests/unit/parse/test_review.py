"""What is odd about an entry is said of that entry, in words, and of no other."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ParseError
from ingest.model import Entry, FeedHead, ParsedFeed
from ingest.parse import key_entries
from ingest.parse.review import parse_and_review, review
from ingest.policy import ParsePolicy

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NO_LINK = "no http(s) link: there is no page to fetch"


def entry(**given):
    good = {
        "guid": "g1", "url": "https://a.example/1", "title": "T", "summary": "<p>words</p>",
        "published_at": NOW, "published_raw": "Sun, 22 Nov 2026 12:00:00 GMT",
    }  # fmt: skip
    return Entry(**{**good, **given})


def reviewed(*entries):
    keyed = key_entries(entries)
    return review(ParsedFeed(FeedHead("rss20"), entries), keyed)


def test_a_good_entry_has_no_warning():
    assert reviewed(entry()) == ((),)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"guid": None}, ("no guid: recognised by its link",)),
        ({"guid": None, "url": None}, ("no guid: recognised by its title, date and text", NO_LINK)),
        ({"url": None}, (NO_LINK,)),
        ({"url": "/1"}, ("its link is relative, and nobody said where the document came from",)),
        ({"title": None}, ("no title",)),
        ({"summary": None}, ("no text: neither summary nor content",)),
        ({"summary": None, "content": "<p>more</p>"}, ()),
        ({"published_at": None, "published_raw": None}, ("no date",)),
        ({"published_at": None, "published_raw": None, "updated_at": NOW}, ()),
        (
            {"published_at": None, "published_raw": "the day after"},
            ("published “the day after” cannot be read as a date",),
        ),
        (
            {"updated_raw": "Tue, 02 Jun 2099 10:00:00 GMT"},
            ("updated “Tue, 02 Jun 2099 10:00:00 GMT” is not believed (before 1990 or in the future)",),
        ),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_what_is_missing_or_cannot_be_used_is_said(given, said):
    assert reviewed(entry(**given)) == (said,)


def test_a_guid_that_entries_share_is_said_of_each_with_how_they_are_told_apart():
    first, other, third = reviewed(entry(), entry(url="https://a.example/2"), entry(guid="g2"))
    assert first == other == ("its guid stands on 2 entries: told apart by link, then title, date and text",)
    assert third == ()
    assert reviewed(entry(url=None), entry(url=None, title="U"))[0] == (
        "its guid stands on 2 entries: told apart by title, date and text",
        NO_LINK,
    )


def test_an_entry_that_stands_there_again_is_said_of_the_one_that_is_kept():
    copy = entry(published_at=NOW - timedelta(days=1), published_raw="Sat, 21 Nov 2026 12:00:00 GMT")
    assert reviewed(entry(guid="g0"), entry(), copy, entry(guid="g2"), entry()) == (
        (),
        ("stands 3 times in the document, alike but for dates at most: kept once",),
        (),
    )


few = st.sampled_from([None, "a", "b"])


@given(st.lists(st.builds(Entry, guid=few, url=few.map(lambda n: n and f"https://a.example/{n}"), title=few), max_size=12))
def test_every_entry_of_a_document_is_either_kept_or_counted_as_a_copy(entries):
    copies = [int(said.split()[1]) - 1 for warnings in reviewed(*entries) for said in warnings if said.startswith("stands")]
    assert sum(copies) + len(key_entries(entries)) == len(entries)


def test_a_document_is_read_and_reviewed_at_once_and_its_entries_travel_once():
    body = b"<rss version='2.0'><channel><title>T</title><item><title>a</title><guid>1</guid></item></channel></rss>"
    found = parse_and_review(body, url="https://a.example/", headers={}, policy=ParsePolicy(), now=NOW)
    assert (found.parsed.head.title, found.parsed.entries) == ("T", ())
    assert [one.entry.guid for one in found.entries] == ["1"]
    assert found.warnings == ((NO_LINK, "no text: neither summary nor content", "no date"),)


def test_what_is_no_feed_is_refused_as_by_parse():
    with pytest.raises(ParseError, match="empty body"):
        parse_and_review(b"", url="", headers={}, policy=ParsePolicy(), now=NOW)
