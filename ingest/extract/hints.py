"""What an element's attributes hint at: the names its author gave it, in families and word by word.

Names are English on the sites of every language, because those who write templates write them so.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from ingest.extract.tree import Element

# Families of names; their order is part of the model. `a_b` is two words in a row, or both
# as one. Looked for in class, id, role and the like.
FAMILIES: dict[str, str] = {
    "body": (
        "article_body story_body entry_content post_content post_body article_content article_text body_text "
        "body_content body_copy"
    ),
    "article": "article story post entry hentry blog text rich_text prose copy paragraph content body",
    "comment": "comment disqus reply respond discussion remark shoutbox livefyre reactions reaction",
    "related": (
        "related recirc recommend similar more_from more_on more_stories more_news more_like read_more read_also "
        "read_next see_also outbrain taboola also_like next_article up_next"
    ),
    "popular": "popular trending most_read most_viewed latest recent top_stories headlines ticker newsfeed",
    "share": "share social follow facebook twitter whatsapp addthis sharing like_button",
    "nav": ("nav navigation navbar menu breadcrumbs breadcrumb pagination pager paging skip_link toolbar toc sitemap"),
    "footer": "footer foot bottom copyright legal colophon imprint disclaimer",
    "header": "header masthead topbar top_bar banner site_title logo brand",
    "side": "sidebar side aside rail widget secondary complementary column_right right_col left_col",
    "caption": "caption figcaption figure image photo picture gallery slideshow carousel slider credit media thumb",
    "byline": "byline author writer contributor reporter creator bio profile vcard",
    "date": "date time timestamp published updated dateline posted",
    "meta": ("meta info details kicker eyebrow category categories tags tag topics topic label section_name keywords keyword"),
    "ad": (
        "ads ad advert advertisement advertorial sponsored sponsor promo promotion dfp gpt adsense commercial "
        "partner affiliate banner_ad"
    ),
    "newsletter": ("newsletter subscribe subscription sign_up signup mailing email optin cta call_to donate donation membership"),
    "paywall": "paywall premium regwall piano meter locked login log_in register registration gate",
    "consent": "consent cookies cookie gdpr privacy onetrust didomi ccpa usercentrics",
    "title": "title headline heading hed",
    "lead": (
        "lead lede standfirst summary dek deck intro excerpt description subtitle subhead sub_headline teaser "
        "abstract preamble sapo chapo chapeau"
    ),
    "popup": "modal popup pop_up overlay dialog lightbox toast notification alert tooltip drawer offcanvas",
    "list": ("list grid cards card feed archive items item loop tiles tile collection teasers teaser river listing"),
    "hidden": "hidden hide sr_only visually_hidden screen_reader print_only noprint offscreen invisible",
    "quote": "quote pullquote blockquote tweet embed instagram",
    "main": "main page primary wrapper container center middle",
    "box": "box infobox factbox fact note callout highlight inset aside_box faq accordion correction disclosure",
    "shop": "product price cart shop buy rating stars review_count deal coupon add_to",
    "player": "player video audio podcast jw brightcove listen playlist",
    "search": "search filter sort form input field",
}


def _families() -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """Bits by word and by pair of words; a pair written as one word counts as well."""
    single: dict[str, int] = {}
    pairs: dict[tuple[str, str], int] = {}
    for place, words in enumerate(FAMILIES.values()):
        for word in words.split():
            first, joint, second = word.partition("_")
            single[first + second] = single.get(first + second, 0) | 1 << place
            if joint:
                pairs[first, second] = pairs.get((first, second), 0) | 1 << place
    return single, pairs


_BY_WORD, _BY_PAIR = _families()

# Marks of single attributes, above those of the families.
ATTRIBUTES = ("is_hidden", "is_aria_hidden", "is_dialog", "is_article_body", "is_main", "is_navigation", "is_complementary")
_FIRST = len(FAMILIES)
MARKS = (*FAMILIES, *ATTRIBUTES)
_HIDDEN, _ARIA_HIDDEN, _DIALOG, _ARTICLE_BODY, _MAIN, _NAVIGATION, _COMPLEMENTARY = (
    1 << (_FIRST + place) for place in range(len(ATTRIBUTES))
)
_READ = frozenset(
    {
        *("class", "id", "role", "itemprop", "hidden", "aria-hidden", "aria-modal", "style", "data-testid", "data-component"),
        *("data-type", "data-module", "data-qa", "data-test-id", "data-block-type", "data-block", "property", "data-print"),
    }
)
_FLAGS = frozenset(("hidden", "aria-hidden", "aria-modal", "style"))
_NO_DISPLAY = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MAX_CHARS, _MAX_WORDS = 400, 40  # of names; more is generated


@dataclass(frozen=True, slots=True)
class Hints:
    """What the attributes of one element say: `marks` as bits in the order of MARKS, `words` of its names in lower case."""

    marks: int = 0
    words: tuple[str, ...] = ()
    names: str = ""  # class as given: blocks alike share it


NONE = Hints()


def hints_of(element: Element) -> Hints:
    """The hints of `element`'s attributes. Never raises."""
    names = element.keys()  # items() would look for each value among all, which takes the square of their number
    if not names:
        return NONE
    said = tuple([(name, element.get(name, "")) for name in names if name in _READ])
    return _hints(said) if said else NONE


@lru_cache(maxsize=16_384)
def marks_of(names: str) -> int:
    """The marks of an element that has nothing but a class."""
    return _hints((("class", names),)).marks


@lru_cache(maxsize=16_384)
def _hints(said: tuple[tuple[str, str], ...]) -> Hints:
    names = ""
    marks = 0
    group = ""
    for name, value in said:
        if name in _FLAGS:
            marks |= _mark_of(name, value)
            continue
        names = f"{names} {value[:_MAX_CHARS]}"
        if name == "class":
            group = value
        else:
            marks |= _role_of(name, value)
    words = [word.lower() for word in _WORD.findall(names)[:_MAX_WORDS]]
    for word in words:
        marks |= _BY_WORD.get(word, 0)
    for pair in pairwise(words):
        marks |= _BY_PAIR.get(pair, 0)
    return Hints(marks, tuple(dict.fromkeys(words)), group)


def _mark_of(name: str, value: str) -> int:
    if name == "hidden":
        return _HIDDEN
    if name == "aria-hidden":
        return _ARIA_HIDDEN if value == "true" else 0
    if name == "aria-modal":
        return _DIALOG
    return _HIDDEN if _NO_DISPLAY.search(value) else 0


def _role_of(name: str, value: str) -> int:
    if name == "role":
        return {"dialog": _DIALOG, "alertdialog": _DIALOG, "main": _MAIN, "navigation": _NAVIGATION}.get(value, 0) or (
            _COMPLEMENTARY if value in ("complementary", "contentinfo", "banner", "search") else 0
        )
    return _ARTICLE_BODY if name in ("itemprop", "property") and "articlebody" in value.lower() else 0
