"""Markup → one tree, which everything after it shares."""

from typing import TypeAlias

from lxml import etree

from ingest.errors import ExtractError
from ingest.extract.flatten import MAX_DEPTH, flatten
from ingest.outcome import Outcome

# Of lxml.etree: elements of lxml.html ask Python for their class each time they are touched.
Element: TypeAlias = etree._Element  # noqa: SLF001  its only name for annotations


def parse_tree(page: str) -> Element:
    """The tree of `page`, which is characters, without comments. Raises ExtractError where nothing can be made of it.

    Nesting beyond what any page needs is flattened, and only where there is any: looking for it costs as much as parsing.
    `huge_tree` because the parser loses texts over 10 MB otherwise, without a word.
    """
    tree = _parse(page)
    return _parse(flatten(page)) if _is_deep(tree) else tree


def _parse(page: str) -> Element:
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        tree = etree.fromstring(page.encode("utf-8", "replace").translate(None, _CONTROLS), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise ExtractError(Outcome.EXTRACT_ERROR, f"no page: {error}"[:200]) from error
    if tree is None:
        raise ExtractError(Outcome.EXTRACT_ERROR, "no text in the page")
    return tree


_CONTROLS = bytes((*range(9), 11, 12, *range(14, 32), 127))  # at NUL the parser would stop

# One element at every depth would do; the parser's own bound of 2,048 shows by it as well.
_is_deep = etree.XPath("boolean(" + "/".join(["*"] * (MAX_DEPTH + 10)) + ")")
