"""What a feed's own rules say about its pages: elements that hold the article, and such that never belong to it."""

import functools

from lxml import etree
from lxml.cssselect import CSSSelector, SelectorError

from ingest.extract.blocks import Segmented
from ingest.extract.tree import Element


@functools.lru_cache(maxsize=1_024)
def read_selector(text: str) -> etree.XPath:
    """A CSS selector, or an XPath expression when it begins with a slash. Raises ValueError with what is wrong."""
    try:
        return etree.XPath(text) if text.startswith("/") else CSSSelector(text)
    except (SelectorError, etree.XPathError) as error:
        raise ValueError(str(error)) from error


def find_within(tree: Element, page: Segmented, selectors: tuple[str, ...]) -> frozenset[int]:
    """Numbers of the blocks within elements that one of `selectors` finds. One that finds no elements finds nothing."""
    found: set[Element] = set()
    for selector in selectors:
        try:
            matches = read_selector(selector)(tree)
        except etree.XPathError:  # a function that does not exist is only missed now
            continue
        if isinstance(matches, list):  # and no number, text or truth
            found.update(match for match in matches if hasattr(match, "tag"))
    numbers: set[int] = set()
    for node in page.nodes:
        if node.element in found:
            numbers.update(range(node.start, node.end))
    return frozenset(numbers)
