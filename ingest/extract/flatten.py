"""Markup without absurd nesting: what no page needs and every parser fears.

lxml loses a whole document once elements nest deeper than 256 (2,048 with `huge_tree`), and html5ever, in nh3, takes 32 s for
100,000 nested divs. Tags beyond the bound are dropped; their text stays.
"""

import re
from collections.abc import Iterator

MAX_DEPTH = 200  # real pages stay under 60; one with 57 unclosed divs reached 119

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)[^<>]*+>|<!--")
# Elements that end without an end tag nest no deeper for being repeated.
_NO_DEPTH = frozenset(
    (
        *(
            "html",
            "head",
            "body",
            "p",
            "li",
            "dt",
            "dd",
            "td",
            "th",
            "tr",
            "thead",
            "tbody",
            "tfoot",
            "colgroup",
            "option",
            "optgroup",
        ),
        *(
            "rp",
            "rt",
            "area",
            "base",
            "br",
            "col",
            "embed",
            "hr",
            "img",
            "input",
            "link",
            "meta",
            "param",
            "source",
            "track",
            "wbr",
        ),
        *("path", "circle", "rect", "line", "polygon", "use"),
    )
)
_RAW = frozenset(("script", "style", "textarea", "title", "noscript"))  # what stands in them are no tags


def flatten(markup: str) -> str:
    """`markup` with at most so many elements within each other."""
    depth, at = 0, 0
    kept: list[str] = []
    for start, end, is_end in _nesting_tags(markup):
        depth = max(0, depth - 1) if is_end else depth + 1
        # An end tag at the bound closes what was let through; those beyond belong to dropped ones.
        if depth > MAX_DEPTH or (is_end and depth == MAX_DEPTH):
            kept.append(markup[at:start])
            at = end
    return "".join((*kept, markup[at:]))


def _nesting_tags(markup: str) -> Iterator[tuple[int, int, bool]]:
    """Begin and end of the tags that nest, and whether they are end tags; nothing out of scripts and comments."""
    at = 0
    unclosed: set[str] = set()  # looked for once and found nowhere
    while tag := _TAG.search(markup, at):
        at = tag.end()
        name = (tag[2] or "").lower()
        closing = "-->" if not name else f"</{name}" if name in _RAW and not tag[1] else ""
        if closing and closing not in unclosed:
            found = re.compile(closing, re.IGNORECASE).search(markup, at)
            if found:
                at = found.start()
            else:
                unclosed.add(closing)
        if name and name not in _NO_DEPTH and name not in _RAW and not tag[0].endswith("/>"):
            yield tag.start(), tag.end(), bool(tag[1])
