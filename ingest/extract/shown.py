"""What a page shows of its article's facts: headings, bylines, dates. Asked only where JSON-LD and meta elements say nothing.

Found by standard markup first (rel=author, itemprop, time), then by the names that authors of templates give to such elements.
What stands in comments, related stories, navigation and footers is about something else.
"""

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import islice
from typing import NamedTuple

from lxml import etree

from ingest.extract.names import is_interface, is_person, split_names
from ingest.extract.tree import Element

_MAX_ELEMENTS = 20_000  # of a page looked at
_MAX_FOUND = 200  # of one kind
_MAX_MARKED = 1_000  # elements with itemprop, links
_MAX_NAMES_CHARS = 400  # of an element's classes
_MAX_TEXTS = 60  # within one element
_MAX_CHARS = 5_000  # of an attribute or of an element's text
_MAX_BYLINE_CHARS = 300
_MAX_DATE_CHARS = 90
_MAX_HEADINGS = 10
_MAX_ANCESTORS = 60
_NEAR = 120  # texts after the heading among which a date may stand

_MAX_ACCOUNT_CHARS = 40

_IS_BYLINE, _IS_NAME, _IS_DATE = 1, 2, 4
_HINTS = (
    *("byline", "by-line", "writer", "contrib", "reporter", "journal", "aut", "redakt", "fn"),
    *("date", "time", "publi", "post", "datum", "fecha", "meta", "info"),
)
_BYLINE = re.compile(
    r"(?:^|[^a-z])(?:by-?line|author|writer|contributor|reporter|journalist|autor|auteur|autore|autorin|redakteur)"
)
_NAME = re.compile(r"(?:author|byline|writer|autor|auteur)[a-z-]{0,12}name(?![a-z])|(?:^|\s)(?:fn|author)(?:\s|$)|author-?link")
_DATE = re.compile(r"(?:^|[^a-z])(?:date|time(?!line|r)|publi|posted|datum|fecha|meta|info|entry-date)|pubdate|date(?![a-z])")
_ELSEWHERE = re.compile(
    r"(?:^|[^a-z])(?:comments?|related|recommend\w*|similar|popular|trending|most-?read|sidebar|footer|nav|navbar|menu|read-?next|"
    r"next-?article|more-?(?:from|stories|news)|also|latest|newsfeed|ticker|carousel|teasers?|promo|cards?|copyright|replies|reply|"
    r"cookie|consent|newsletter|breaking|weather)(?:[^a-z]|$)"
)
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BY = re.compile(
    r"(?:(?:written|posted|published|words|story|text)\s+)?(?:by|von|par|por|di|door|av|af)\b:?\s+(?=\S+\s)", re.IGNORECASE
)
_SHOWN = (
    *(
        "a",
        "abbr",
        "address",
        "article",
        "b",
        "br",
        "cite",
        "dd",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "font",
        "h1",
        "h2",
        "h3",
        "h4",
    ),
    *("h5", "h6", "header", "i", "li", "main", "p", "section", "small", "span", "strong", "td", "time", "ul"),
)
_CONNECTIVE = re.compile(r"(?:by|and|und|et|og|och|with|&|,|/|\||·|•|:)*", re.IGNORECASE)
_SILENT = frozenset(("script", "style", "noscript", "template", "svg", "button", "select", "iframe"))
_INLINE = frozenset(
    ("a", "b", "i", "em", "strong", "u", "s", "small", "sub", "sup", "mark", "font", "q", "cite", "abbr", "wbr", "code")
)
_MODIFIED = re.compile(
    r"updated?|modif|aktualis|mis à jour|actuali[sz]|aggiorna|bijgewerkt|oppdater|uppdater|opdater|更新|수정", re.IGNORECASE
)
_DAY = re.compile(r"(?:19|20)\d\d\D|\D(?:19|20)\d\d(?!\d)|\d[./]\d{1,2}[./]\d\d(?!\d)")
_NUMBER = re.compile(r"\d+")
_IN_ADDRESS = re.compile(r"/((?:19|20)\d\d)[/-]?(0[1-9]|1[0-2])[/-]?(0[1-9]|[12]\d|3[01])(?=[/_-]|$)")
_AUTHOR_PAGE = re.compile(
    r"/(?:authors?|people|person|staff|contributors?|writers?|by|profiles?|producers?|autor(?:es|en)?|auteurs?|team|experts?)/"
)


class _Marked(NamedTuple):
    element: Element
    kind: int
    is_after_heading: bool


class Shown:
    """The visible page of `tree`, walked once and only when first asked."""

    def __init__(self, tree: Element) -> None:
        self._tree = tree

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """Texts of the main headings, in order."""
        return tuple(text for _, text in self._headings)

    def bylines(self) -> Iterator[str]:
        """Texts that name authors and hardly anything else, the likeliest first; at last what may be the name of an account."""
        in_markup = self._authors_in_markup()
        yield from _bylines_of(in_markup)  # the walk is for what is not found like this
        marked = [mark for mark in self._marked if mark.kind & _IS_BYLINE][:_MAX_FOUND]
        marked = [mark for mark in marked if not _is_elsewhere(mark.element)]
        marked.sort(key=lambda mark: (not mark.kind & _IS_NAME, not mark.is_after_heading))
        yield from _bylines_of([mark.element for mark in marked])
        yield from _bylines_of(self._links_to_authors())
        for text in self._texts_below_heading:
            if (found := _BY.match(text)) and all(map(is_person, names := split_names(text[found.end() :]))):
                yield "; ".join(names)
        for text in map(text_of, (*in_markup, *(mark.element for mark in marked if mark.kind & _IS_NAME))):
            if text and len(text) <= _MAX_ACCOUNT_CHARS and not is_interface(text):
                yield text

    def dates(self, url: str) -> Iterator[str]:
        """Dates of publication as the page shows them, the likeliest first."""
        yield from self._dates_in_markup("datePublished")
        times = [mark for mark in self._times if not _is_elsewhere(mark.element)]
        times.sort(key=lambda mark: (not mark.is_after_heading, _is_of_change(mark.element)))
        yield from (text for mark in times if (text := mark.element.get("datetime") or text_of(mark.element)))
        if found := _IN_ADDRESS.search(url):
            yield "-".join(found.groups())
        for mark in [mark for mark in self._marked if mark.kind & _IS_DATE][:_MAX_FOUND]:
            texts = [] if _is_elsewhere(mark.element) else _texts_of(mark.element)
            yield from (text for text in texts if _is_dated(text) and not _MODIFIED.search(text))
        yield from (text for text in self._texts_below_heading if _is_dated(text))

    def changes(self) -> Iterator[str]:
        """Dates of the last change, in markup only."""
        yield from self._dates_in_markup("dateModified")
        yield from (mark.element.get("datetime") or "" for mark in self._times if _is_of_change(mark.element))

    # ── the walk ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _headings(self) -> list[tuple[Element, str]]:
        found = ((element, text_of(element)) for element in islice(self._tree.iter("h1"), _MAX_HEADINGS))
        return [(element, text) for element, text in found if text]

    @cached_property
    def _heading(self) -> Element | None:
        """The one that is the article's: the longest, for the others name the site or a section."""
        return max(self._headings, key=lambda found: len(found[1]), default=(None, ""))[0]

    @cached_property
    def _marked(self) -> list[_Marked]:
        """Elements whose names say byline or date, in order."""
        return self._walked[0]

    @cached_property
    def _texts_below_heading(self) -> list[str]:
        return self._walked[1]

    @cached_property
    def _walked(self) -> tuple[list[_Marked], list[str]]:
        found: list[_Marked] = []
        texts: list[str] = []
        heading = self._heading
        is_after = is_near = False
        for element in islice(self._tree.iter(*_SHOWN), _MAX_ELEMENTS):
            names = element.get("class") or element.get("id")
            kind = _kind_of(names[:_MAX_NAMES_CHARS]) if names else 0
            if kind:
                found.append(_Marked(element, kind, is_after))
            if is_near:
                texts += [text.strip() for text in (element.text, element.tail) if text and not text.isspace()]
                is_near = len(texts) < _NEAR
            if element is heading:
                is_after = is_near = True
        return found, [" ".join(text.split()) for text in texts if len(text) <= _MAX_BYLINE_CHARS]

    @cached_property
    def _times(self) -> list[_Marked]:
        found: list[_Marked] = []
        is_after = False
        for element in islice(self._tree.iter("h1", "time"), _MAX_FOUND):
            if element.tag == "time":
                found.append(_Marked(element, _IS_DATE, is_after))
            is_after = is_after or element is self._heading
        return found

    def _authors_in_markup(self) -> list[Element]:
        """rel=author and itemprop=author, the name within it where that is marked too."""
        found = []
        for element in (*_WITH_REL(self._tree)[:_MAX_FOUND], *self._with_itemprop):
            words = f"{element.get('rel') or ''} {element.get('itemprop') or ''}"[:_MAX_CHARS].lower().split()
            if "author" in words and element.tag != "meta" and not _is_elsewhere(element):
                inner = islice(element.iterdescendants(), _MAX_TEXTS)
                found.append(next((part for part in inner if part.get("itemprop") == "name"), element))
        return found[:_MAX_FOUND]

    def _links_to_authors(self) -> list[Element]:
        links = (link for link in islice(self._tree.iter("a"), _MAX_MARKED) if _is_to_author(link))
        return [link for link in islice(links, _MAX_FOUND) if not _is_elsewhere(link)]

    def _dates_in_markup(self, prop: str) -> Iterator[str]:
        for element in self._with_itemprop:
            if prop in (element.get("itemprop") or "")[:_MAX_CHARS] and element.tag != "meta":
                yield (element.get("content") or element.get("datetime") or text_of(element))[:_MAX_CHARS]

    @cached_property
    def _with_itemprop(self) -> list[Element]:
        return list(_WITH_ITEMPROP(self._tree)[:_MAX_MARKED])


_WITH_REL = etree.XPath("//a[contains(@rel, 'author')]")
_WITH_ITEMPROP = etree.XPath("//*[@itemprop]")


@lru_cache(maxsize=8_192)
def _kind_of(names: str) -> int:
    """Whether the names that an element goes by say byline or date."""
    plain = names.lower()
    for hint in _HINTS:  # a third of the cost of one pattern for all, and nearly every name ends here
        if hint in plain:
            break
    else:
        return 0
    line = _in_words(names)
    kind = _IS_BYLINE if _BYLINE.search(line) else 0
    kind |= _IS_NAME | _IS_BYLINE if _NAME.search(line) else 0
    return kind | (_IS_DATE if _DATE.search(line) else 0)


@lru_cache(maxsize=8_192)
def _is_of_others(names: str) -> bool:
    return _ELSEWHERE.search(_in_words(names)) is not None


def _in_words(names: str) -> str:
    return _CAPITAL.sub("-", names).lower().replace("_", "-")


def _is_elsewhere(element: Element) -> bool:
    """Whether an element stands within what is about something else."""
    for above in islice(element.iterancestors(), _MAX_ANCESTORS):
        if above.tag in ("nav", "footer"):
            return True
        if above.tag in ("body", "html", "main"):
            return False
        if _is_of_others(f"{above.get('class') or ''} {above.get('id') or ''}"[:_MAX_NAMES_CHARS]):
            return True
    return False


def _is_of_change(element: Element) -> bool:
    above = element.getparent()
    names = f"{element.get('class') or ''} {element.get('itemprop') or ''} {'' if above is None else above.get('class') or ''}"
    return _MODIFIED.search(names[:_MAX_CHARS]) is not None


def _is_dated(text: str) -> bool:
    """Whether a short text names a day: a year and another number at least."""
    return len(text) <= _MAX_DATE_CHARS and _DAY.search(f" {text} ") is not None and len(_NUMBER.findall(text)) > 1


def _is_to_author(link: Element) -> bool:
    return _AUTHOR_PAGE.search((link.get("href") or "")[:_MAX_CHARS]) is not None


def _bylines_of(elements: list[Element]) -> Iterator[str]:
    return ("; ".join(names) for element in elements if (names := _names_in(element)))


def _names_in(element: Element) -> list[str]:
    """Names of people in an element that holds a byline, perhaps with more around it."""
    links = filter(_is_to_author, islice(element.iter("a"), _MAX_TEXTS))
    if names := [name for link in links for name in split_names(text_of(link)) if is_person(name)]:
        return names
    texts = list(dict.fromkeys(_texts_of(element)))
    whole = " ".join(texts)
    if len(whole) > _MAX_BYLINE_CHARS:
        return []
    names = []
    for text in texts:
        if _CONNECTIVE.fullmatch(text):
            continue
        found = split_names(text)
        if found and all(map(is_person, found)):
            names += found
        elif names:
            break
    found = names or split_names(whole)
    return found if all(map(is_person, found)) else []


def text_of(element: Element) -> str:
    """The text of a small element on one line."""
    pieces: list[str] = []
    for is_inline, text in _pieces_of(element):
        pieces.append(text if is_inline else f" {text}")
    return " ".join("".join(pieces).split())[:_MAX_CHARS]


def _texts_of(element: Element) -> list[str]:
    """Its texts one by one, as its elements part them."""
    return [" ".join(text.split()) for _, text in _pieces_of(element) if text.strip()]


def _pieces_of(element: Element) -> Iterator[tuple[bool, str]]:
    """Texts that are shown, each with whether it runs on on the line of the one before."""
    walker = etree.iterwalk(element, events=("start", "end"))
    for event, part in islice(walker, 2 * _MAX_TEXTS):
        is_start = event == "start"
        if part is element and not is_start:
            return
        if is_start and part.tag in _SILENT:
            walker.skip_subtree()
            continue
        text = part.text if is_start else part.tail
        yield part.tag in _INLINE, (text or "")[:_MAX_CHARS]
