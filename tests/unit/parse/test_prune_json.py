"""Items of a JSON Feed that stood in the last document are left out too."""

import json

import pytest

from ingest.errors import ParseError
from tests.unit.parse.pruning import after, read, titles


def json_feed(*items: object, **head: object) -> str:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": items} | head)


A, B = ({"id": name, "url": f"https://news.example/{name}", "title": name, "content_text": f"about {name}"} for name in "ab")


def test_of_a_json_feed_only_unseen_items_are_read():
    parsed = after(json_feed(A, B), json_feed({"id": "new", "title": "new"}, A, B | {"content_text": "more"}))
    assert (titles(parsed), parsed.pruned) == (["new", "b"], 1)


def test_the_order_of_names_and_extensions_make_no_json_item_new():
    shuffled = dict(reversed(A.items())) | {"_views": {"count": 7}}
    assert after(json_feed(A, B), json_feed(shuffled, B)).entries == ()


@pytest.mark.parametrize("head", [{"authors": [{"name": "Jo"}]}, {"author": {"name": "Jo"}}, {"language": "de"}])
def test_when_what_json_items_inherit_has_changed_all_are_read_again(head):
    assert after(json_feed(A, B), json_feed(A, B, **head)).pruned == 0


def test_json_items_that_may_be_taken_for_each_other_are_read_together():
    assert titles(after(json_feed(A, B), json_feed(B | {"title": "again"}, A, B))) == ["again", "b"]


def test_junk_among_json_items_is_passed_over_with_a_word_and_the_cap_holds():
    parsed = read(json_feed(A, None, 7, {}, B, {"id": "c"}), max_entries=5)
    assert (titles(parsed), parsed.is_cut) == (["a", "b"], True)
    assert parsed.warnings == ("3 items without id, address and words",)
    assert read(json_feed(A, None, 7, {}, B, {"id": "c"}), parsed.seen).pruned == 3


def test_json_nested_to_the_limit_is_read():
    for depth in range(880, 1_000, 3):
        deep = '{"version": "https://jsonfeed.org/version/1", "items": [{"id": "1", "tags": ' + "[" * depth + "]" * depth + "}]}"
        try:
            assert len(read(deep).entries) == 1
        except ParseError as error:
            assert error.reason == "JSON nested too deeply"  # noqa: PT017
