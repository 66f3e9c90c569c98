"""Which blocks are the article, and when readability is asked."""

import numpy as np
import pytest

from ingest.extract.blocks import Block, Node, Segmented
from ingest.extract.choice import By, Choice, settle
from ingest.extract.hints import NONE

TEXT = "The harbour was closed on Friday because of the storm, and the ferries stayed in port until the morning after. " * 2


def page_of(*texts: str) -> Segmented:
    blocks = [Block(text, 0, 0, 0, 0, 0, (text,)) for text in texts]
    return Segmented(blocks, [Node("body", -1, 0, NONE, None, start=0, end=len(blocks))], [])


def settled(page: Segmented, *likely: float, second: frozenset[int] | None = None) -> Choice:
    """The choice; `second` None: readability must not be asked."""

    def ask() -> frozenset[int]:
        assert second is not None, "readability was asked"
        return second

    return settle(page, np.array(likely, dtype=np.float32), ask)


def texts(count: int) -> Segmented:
    return page_of(*(f"{number} {TEXT}" for number in range(count)))


def test_likely_blocks_are_taken_and_readability_is_not_asked_where_all_is_clear() -> None:
    choice = settled(texts(4), 0.02, 0.98, 0.97, 0.03)
    assert (choice.blocks, choice.by) == ((1, 2), By.BLOCKS)


def test_readability_is_heard_where_there_is_doubt() -> None:
    choice = settled(texts(4), 0.45, 0.98, 0.5, 0.45, second=frozenset((1, 2)))
    assert (choice.blocks, choice.by) == ((1, 2), By.BOTH)


def test_readability_is_heard_where_little_is_taken() -> None:
    assert settled(page_of("Short.", TEXT), 0.99, 0.01, second=frozenset((0,))).second == frozenset((0,))


def test_readability_chooses_where_most_of_what_it_keeps_would_be_lost() -> None:
    choice = settled(texts(5), 0.99, 0.3, 0.3, 0.3, 0.3, second=frozenset(range(5)))
    assert (choice.blocks, choice.by) == ((0, 1, 2, 3, 4), By.READABILITY)


def test_where_nothing_is_likely_the_likeliest_are_taken() -> None:
    assert settled(texts(3), 0.05, 0.4, 0.38, second=frozenset()).blocks == (1, 2)


def test_a_page_without_blocks_has_no_article() -> None:
    assert settled(page_of(), second=frozenset()).blocks == ()


@pytest.mark.parametrize(("times", "kept"), [(1, 1), (2, 1), (3, 0), (7, 0)])
def test_a_long_text_that_comes_again_counts_once_and_one_that_comes_often_is_a_placeholder(times: int, kept: int) -> None:
    page = page_of(*[TEXT] * times, *(f"{number} {TEXT}" for number in range(5)))
    chosen = settled(page, *[0.99] * len(page.blocks)).blocks
    assert sum(page.blocks[number].text == TEXT for number in chosen) == kept
