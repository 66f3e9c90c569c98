"""What a feature of a block says, in words for people: `under_comment` is "inside something named comment"."""

import math
import re
from collections.abc import Callable

_Say = Callable[[float], str]


def say(feature: str, value: float) -> str:
    """The feature with its value, as a person would put it. One that is not known here is told by its name."""
    if found := _NEIGHBOUR.fullmatch(feature):
        return _say_neighbour(found[1], int(found[2]), value)
    if feature.endswith("_window"):
        return _say_window(feature.removesuffix("_window"), value)
    if found := _UP.fullmatch(feature):
        return f"{_LEVELS[int(found[1])]}: {_INSIDE[found[2]](value)}" if found[2] in _INSIDE else _plainly(feature, value)
    if feature in _OWN:
        return _OWN[feature](value)
    prefix, _, rest = feature.partition("_")
    by_prefix = _BY_PREFIX.get(prefix)
    return by_prefix(rest, value) if by_prefix and rest else _plainly(feature, value)


def _plainly(feature: str, value: float) -> str:
    return f"{feature} {value:.3g}"


# ── kinds of values ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _count(one: str, many: str = "") -> _Say:
    """Of a number given as log(1 + n)."""

    def said(value: float) -> str:
        number = round(math.expm1(min(value, 40.0)))
        return f"{number:,} {one if number == 1 else many or f'{one}s'}"

    return said


def _share(text: str) -> _Say:
    return lambda value: text.format(f"{value:.1%}" if 0 < abs(value) < 0.095 else f"{value:.0%}")  # noqa: PLR2004  below 10 % a digit tells


def _flag(yes: str, no: str) -> _Say:
    return lambda value: yes if value > 0 else no


def _number(text: str) -> _Say:
    return lambda value: text.format(f"{value:.3g}")


def _names(subject: str) -> _Say:
    """Of what names weigh: above zero they are those of articles."""

    def said(value: float) -> str:
        if abs(value) < 0.05:  # noqa: PLR2004  rounds to nothing
            return f"{subject}: nothing known"
        return f"{subject}: {'as around articles' if value > 0 else 'as around other things'} ({value:+.1f})"

    return said


def _since_title(value: float) -> str:
    said = _count("block")(abs(value))
    return "the title itself" if value == 0 else f"{said} {'after' if value > 0 else 'before'} the title"


def _chars_since_title(value: float) -> str:
    return _share("{} of the page's text between it and the title")(abs(value)) + (" below" if value < 0 else "")


def _in_body(value: float) -> str:
    return "the page's data hold no text to compare" if value < 0 else _share("{} of it stands in the page's data")(value)


# ── features ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_MOST = "the element with the most text"
_NAMED = "the element with the most text under good names"

_OWN: dict[str, _Say] = {
    "chars": _count("character"),
    "words": _count("word"),
    "word_chars": _number("{} letters a word"),
    "link_share": _share("{} of it links"),
    "links": _count("link"),
    "strong_share": _share("{} of it bold"),
    "upper_share": _share("{} of its letters upper case"),
    "digit_share": _share("{} of it digits"),
    "comma_share": _share("{} of it commas"),
    "commas": _count("comma"),
    "stops": _count("sentence end"),
    "stop_share": _share("{} of it sentence ends"),
    "quotes": _count("quotation mark"),
    "sign_share": _share("{} of it signs such as | and ›"),
    "starts_upper": _flag("starts with a capital", "starts without a capital"),
    "ends_stop": _flag("ends like a sentence", "does not end like a sentence"),
    "ends_colon": _flag("ends with a colon", "does not end with a colon"),
    "ends_ellipsis": _flag("ends with an ellipsis", "does not end with an ellipsis"),
    "breaks": _count("line break"),
    "has_url": _flag("holds an address", "holds no address"),
    "has_copyright": _flag("holds a copyright sign", "holds no copyright sign"),
    "repeats": _count("other block with the same text", "other blocks with the same text"),
    "names_own": _names("its own names"),
    "names_parent": _names("the names around it"),
    "names_near": _names("the three nearest names"),
    "names_all": _names("all names around it"),
    "names_least": _names("the worst name around it"),
    "names_most": _names("the best name around it"),
    "depth": _number("{} elements deep"),
    "place": _share("after {} of the blocks"),
    "chars_before": _share("after {} of the text"),
    "from_start": _count("block before it", "blocks before it"),
    "from_end": _count("block after it", "blocks after it"),
    "page_blocks": _count("block on the page", "blocks on the page"),
    "page_chars": _count("character on the page", "characters on the page"),
    "page_link_share": _share("{} of the page links"),
    "page_share": _share("{} of the page's text"),
    "chars_rank": _count("longer block on the page", "longer blocks on the page"),
    "since_title": _since_title,
    "chars_since_title": _chars_since_title,
    "in_best": _flag(f"inside {_MOST}", f"outside {_MOST}"),
    "near_best": _flag(f"close to {_MOST}", f"not close to {_MOST}"),
    "from_best": _number(f"{{}} blocks from {_MOST}"),
    "in_named": _flag(f"inside {_NAMED}", f"outside {_NAMED}"),
    "from_named": _number(f"{{}} blocks from {_NAMED}"),
    "is_agreed": _flag("names and text point to one element", "names and text point to two elements"),
    "best_share": _share(f"{{}} of the page's text in {_MOST}"),
    "in_title": _share("{} of its words in the title"),
    "title_covered": _share("{} of the title's words in it"),
    "in_description": _share("{} of its words in the page's summary"),
    "in_body": _in_body,
    "has_body": _flag("the page's data hold its text", "the page's data do not hold its text"),
}

_UP = re.compile(r"up([1-9])_(\w+)")
_LEVELS = {1: "the element around it", **{level: f"{level} elements up" for level in range(2, 10)}}
_INSIDE: dict[str, _Say] = {
    "link_share": _share("{} links"),
    "text_share": _share("{} long texts"),
    "page_text": _share("{} of the page's long texts"),
    "texts": _count("long text"),
    "blocks": _count("block"),
    "stops": _share("{} sentence ends"),
    "commas": _share("{} commas"),
    "paragraphs": _share("{} paragraphs"),
    "score": _share("{} of the best element's score by text"),
    "named": _share("{} of the best element's score by names"),
    "place": _share("after {} of it"),
}
_GROUP: dict[str, Callable[[str], _Say]] = {
    "count": lambda which: _count(f"block {which}", f"blocks {which}"),
    "chars": lambda which: lambda value: f"blocks {which} have {_count('character')(value)}",
    "share": lambda which: _share(f"{{}} of the page's text in blocks {which}"),
    "link_share": lambda which: _share(f"{{}} links in blocks {which}"),
    "ends_stop": lambda which: _share(f"{{}} of the blocks {which} end like a sentence"),
}

# Families of names and single attributes that do not say by themselves what they are (see `hints`).
_FAMILY = {
    "body": "article body",
    "nav": "navigation",
    "side": "sidebar",
    "meta": "tags or details",
    "ad": "advertisement",
    "lead": "lead or summary",
    "quote": "quote or embed",
    "box": "box",
    "shop": "product or shop",
}
_MARKED = {
    "is_hidden": "hidden",
    "is_aria_hidden": "hidden from screen readers",
    "is_dialog": "that is a dialog",
    "is_article_body": "marked as the article's body",
    "is_main": "marked as the main part",
    "is_navigation": "marked as navigation",
    "is_complementary": "marked as beside the matter",
}


def _say_under(mark: str, value: float) -> str:
    what = _MARKED.get(mark) or f"named {_FAMILY.get(mark, mark)}"
    return f"{'right ' if value > 1 else ''}inside something {what}" if value > 0 else f"not inside something {what}"


def _say_group(which: str) -> Callable[[str, float], str]:
    return lambda rest, value: _GROUP[rest](which)(value) if rest in _GROUP else _plainly(f"{which} {rest}", value)


_BY_PREFIX: dict[str, Callable[[str, float], str]] = {
    "is": lambda tag, value: f"{'a' if value > 0 else 'no'} <{tag}>",
    "in": lambda tag, value: f"{'' if value > 0 else 'not '}inside <{tag}>",
    "under": _say_under,
    "alike": _say_group("built alike"),
    "kin": _say_group("of its tag and class"),
}

_NEIGHBOUR = re.compile(r"(\w+)([+-][12])")
_STEPS = {-2: "the one before last", -1: "the one before", 1: "the next one", 2: "the next but one"}
_MISSING = -1.0  # of a neighbour's feature: the page has no such block


def _say_neighbour(feature: str, step: int, value: float) -> str:
    return f"{_STEPS[step]}: {'none' if value == _MISSING else say(feature, value)}"


def _say_window(feature: str, value: float) -> str:
    """The mean of a feature over the block and its neighbours."""
    if feature == "ends_stop":
        return _share("{} of the blocks near it end like a sentence")(value)
    return f"near it on average: {say(feature, value)}"
