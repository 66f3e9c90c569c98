"""Whatever arrives, `parse` answers with a feed or a ParseError."""

import pickle
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ParseError
from ingest.parse import find_feeds, key_entries, parse
from ingest.policy import ParsePolicy

PIECES = st.sampled_from(
    [
        "<rss version='2.0'>", "<channel>", "<item>", "</item>", "</channel>", "</rss>", "<title>", "</title>", "<link>",
        "<guid>", "</guid>",
        "<feed xmlns='http://www.w3.org/2005/Atom'>", "<entry>", "</entry>", "<content type='xhtml'>", "<div>", "</div>",
        "<textInput>",
        "<image>", "<url>", "<source>", "<author>", "<name>", "<media:title>", "<dc:date>", "<category>", "<![CDATA[",
        "]]>", "<!--", "-->",
        "&amp;", "&#x1F600;", "&#99999999;", "&bogus;", "&", "<", ">", '"', "'", "<rdf:RDF>", "<svg>", "<math>",
        "<!DOCTYPE x [", "]>",
        "1748858400", "Mon, 02 Jun 2025 10:00:00 GMT", "https://a.example/", "javascript:x", "xml:base='//['", "\x00",
        "\ud800", "é", "<?", "?>",
        '{"version":"https://jsonfeed.org/version/1","items":[', "{", "}", "]", '"id":', "null", "1e999", ",",
    ]
)  # fmt: skip
NOW = datetime(2025, 7, 1, tzinfo=UTC)


def try_to_parse(body: bytes, headers: dict[str, str]) -> None:
    try:
        parsed = parse(body, url="https://a.example/feed", headers=headers, policy=ParsePolicy(max_entries=5), now=NOW)
    except ParseError as error:
        assert error.reason  # noqa: PT017
        assert pickle.loads(pickle.dumps(error)).reason == error.reason  # noqa: PT017
        return
    assert len(parsed.entries) <= 5
    assert pickle.loads(pickle.dumps(parsed)) == parsed
    key_entries(parsed.entries)
    for entry in parsed.entries:
        assert entry.url is None or entry.url.startswith(("http://", "https://"))
        assert "\0" not in repr(entry)


@given(st.binary(max_size=400), st.text(max_size=20))
def test_any_bytes(body: bytes, content_type: str) -> None:
    try_to_parse(body, {"content-type": content_type})


@given(st.lists(PIECES, max_size=40))
def test_any_pieces_of_feeds(pieces: list[str]) -> None:
    try_to_parse("".join(pieces).encode("utf-8", "replace"), {})


@given(st.lists(PIECES, max_size=30))
def test_any_pieces_inside_an_entry(pieces: list[str]) -> None:
    inside = "".join(pieces)
    try_to_parse(f"<rss version='2.0'><channel><item>{inside}</item></channel></rss>".encode("utf-8", "replace"), {})


@given(st.lists(PIECES, max_size=20), st.text(max_size=50))
def test_any_page_can_be_searched_for_feeds(pieces: list[str], base: str) -> None:
    assert all(feed.url.startswith("http") for feed in find_feeds("".join(pieces), base))
