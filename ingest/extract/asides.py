"""What on a page stands beside its text: dialogs, offers, comments, menus, told by names and elements."""

import re

from ingest.extract.blocks import Node
from ingest.extract.hints import MARKS

_IS_DIALOG = 1 << MARKS.index("is_dialog")
_CONSENT = 1 << MARKS.index("consent")
_POPUP = 1 << MARKS.index("popup")
_PAYWALL = 1 << MARKS.index("paywall")
_COMMENT = 1 << MARKS.index("comment")

# Sets of marks of a node, as `find_asides` gives them.
DIALOG = _IS_DIALOG | _CONSENT | _POPUP
ASIDE = DIALOG | _PAYWALL | _COMMENT
MENU = 1 << len(MARKS)  # within nav, header, footer or aside

MAX_BOX = 600  # characters; an offer is shorter, and what is longer and named so is the text that is locked
_WALL_NAMES = re.compile(
    r"pay-?wall|(?:reg|login|subscri(?:be|ption)s?|abo|plus)-?(?:wall|gate)|piano|tinypass|content-not-granted"
    r"|\b(?:metered|locked)\b|-gate(?:\b|_)",
    re.IGNORECASE,
)
_OFFER_NAMES = re.compile(
    r"premium|subscri(?:be|ption)s?-?(?:offer|box|prompt)|(?:plus|abo|offer|login|register)-?box|-offer(?:\b|_)", re.IGNORECASE
)
_FRAME_TAGS = frozenset(("main", "article", "nav", "header", "footer", "body", "html"))
_MENU_TAGS = frozenset(("nav", "header", "footer", "aside"))


def find_asides(nodes: list[Node], before: list[int]) -> list[int]:
    """Marks of asides of each node, with those of the nodes around it. What frames the page is no aside, whatever its name.

    `before` is the count of characters before each block, and of all. An offer or popup named so that holds much text is the
    text: sites name what they lock as they name the lock.
    """
    marks = [0] * len(nodes)
    for number, node in enumerate(nodes):
        own = (node.hints.marks | (_tag_marks(node.tag) if "-" in node.tag or node.tag == "dialog" else 0)) & ASIDE
        if own:
            if own & (_PAYWALL | _POPUP) and before[node.end] - before[node.start] > MAX_BOX:
                own &= ~(_PAYWALL | _POPUP)
            if own and _is_frame(nodes, number):
                own = 0
        own |= MENU if node.tag in _MENU_TAGS else 0
        marks[number] = own | (marks[node.parent] if node.parent >= 0 else 0)
    return marks


def _is_frame(nodes: list[Node], number: int) -> bool:
    """Whether a node is or holds what only a page has."""
    if nodes[number].tag in _FRAME_TAGS:
        return nodes[number].tag in ("main", "article", "body", "html")
    for inner in range(number + 1, len(nodes)):
        if nodes[inner].depth <= nodes[number].depth:
            return False
        if nodes[inner].tag in _FRAME_TAGS:
            return True
    return False


def _tag_marks(tag: str) -> int:
    """Marks of a dialog, and of an element of the site's own, which names itself."""
    if tag == "dialog":
        return _IS_DIALOG
    return (_CONSENT if "consent" in tag or "cookie" in tag else 0) | (_PAYWALL if "paywall" in tag or "regwall" in tag else 0)


def find_wall_name(node: Node) -> tuple[str, str] | None:
    """What an element is called by, where that is the name of a gate or of an offer."""
    if node.element is None:
        return None
    get = node.element.get
    names = (
        get("id"),
        get("class"),
        get("data-testid"),
        get("data-component"),
        get("subscriptions-section"),
        node.tag if "-" in node.tag else "",
    )
    named = " ".join([name for name in names if name])
    wall, offer = _WALL_NAMES.search(named), _OFFER_NAMES.search(named)
    return (wall[0].lower() if wall else "", offer[0].lower() if offer else "") if wall or offer else None
