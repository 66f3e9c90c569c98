"""Which blocks of a page readability-lxml takes for its article. The only room that knows it.

Its own way is to clean, serialise and parse again, several times a page. Here it works on copies of the tree that everything else
shares, and says which of the elements it kept, so that its answer can be compared with others block by block.
"""

import copy
import functools
import re

import readability
import readability.readability as library
from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from ingest.extract.blocks import Segmented
from ingest.extract.tree import Element

VERSION = str(readability.__version__)

# It logs each failure with a traceback and raises as well; one of the two is enough.
library.log.disabled = True

_NUMBER = "data-node-number"
_MOST_BLOCKS = 8_000  # and links; what has more is no page of a reader, and costs seconds
_MIN_CHARS = 200  # of text; with less it is asked again without its list of unlikely names (250 of markup in its own code)
_NOT_TEXT = ("script", "style", "noscript", "link", "meta", "svg", "head", "template", "button")
# What it looks for in serialised markup, as prefixes of tags.
_HOLDS_BLOCKS = ("blockquote", "dl", "div", "img", "ol", "p", "table", "ul")


def find_chosen(tree: Element, page: Segmented) -> frozenset[int]:
    """Numbers of the blocks that readability keeps; none where it fails, as it does on some trees."""
    if len(page.blocks) + sum(block.links for block in page.blocks) > _MOST_BLOCKS:
        return frozenset()
    for number in {block.node for block in page.blocks}:
        element = page.nodes[number].element
        assert element is not None
        element.set(_NUMBER, str(number))
    try:
        kept = _Document(tree).find_kept()
    except (library.Unparseable, etree.LxmlError, ValueError, AssertionError, AttributeError, TypeError, KeyError, IndexError):
        return frozenset()
    return frozenset(number for number, block in enumerate(page.blocks) if block.node in kept)


class _Document(library.Document):  # type: ignore[misc]
    """readability's own walk on a shared tree: without its cleaning, serialising and parsing."""

    def __init__(self, tree: Element) -> None:
        super().__init__(None)
        self._tree = _without_what_is_no_text(_as_html(tree))

    def find_kept(self) -> frozenset[int]:
        """Numbers of the nodes that are left when it has done its work."""
        for is_ruthless in (True, False):
            self.html = copy.deepcopy(self._tree) if is_ruthless else self._tree
            for body in self.tags(self.html, "body"):
                body.set("id", "readabilityBody")
            if is_ruthless:
                self.remove_unlikely_candidates()
            self.transform_misused_divs_into_paragraphs()
            candidates = self.score_paragraphs()
            best = self.select_best_candidate(candidates)
            if best is None and is_ruthless:
                continue
            article = self._choose(candidates, best)
            self.sanitize(article, candidates)
            if not is_ruthless or len("".join(article.itertext())) >= _MIN_CHARS:
                break
        return frozenset(int(number) for element in article.iter() if (number := element.get(_NUMBER)))

    def _choose(self, candidates: dict[HtmlElement, object], best: object) -> HtmlElement:
        if best is None:
            body = self.html.find("body")
            return self.html if body is None else body
        best = self.get_semantic_article_candidate(candidates, best)
        best = self.get_semantic_main_candidate(candidates, best)
        return self.get_article(candidates, best, html_partial=True)

    def get_clean_html(self) -> str:
        """Nothing: it is asked for its elements, not for their markup."""
        return ""

    def remove_unlikely_candidates(self) -> None:
        """As its own, which looks through the names of each element anew."""
        for element in self.html.findall(".//*"):
            names = f"{element.get('class', '')} {element.get('id', '')}"
            if len(names) > 1 and _is_unlikely(names) and element.tag not in ("html", "body") and not _is_kept_anyway(element):
                element.drop_tree()

    def get_link_density(self, elem: HtmlElement) -> float:
        """As its own, which strips and collapses white space character by character."""
        total = _text_chars(elem)
        return sum(_text_chars(link) for link in elem.iter("a") if link is not elem) / max(total, 1)

    def transform_misused_divs_into_paragraphs(self) -> None:
        """As its own, which serialises all that stands in each div to look for tags in it."""
        for element in self.html.findall(".//div"):
            if not any(_is_block(inner) for inner in element.iterdescendants()):
                element.tag = "p"
        for element in self.html.findall(".//div"):
            _wrap_loose_text(element)


def _as_html(tree: Element) -> HtmlElement:
    """A copy whose elements have the methods that readability calls."""
    parser = HTMLParser(encoding="utf-8", huge_tree=True)
    return document_fromstring(etree.tostring(tree, encoding="utf-8", method="html"), parser=parser)


def _without_what_is_no_text(tree: HtmlElement) -> HtmlElement:
    for element in tree.xpath("//*[@hidden] | //*[@style]"):
        is_hidden = element.get("hidden") is not None or library.REGEXES["displayNoneRe"].search(element.get("style") or "")
        if is_hidden and element.getparent() is not None:
            element.drop_tree()
    etree.strip_elements(tree, *_NOT_TEXT, with_tail=False)
    return tree


@functools.lru_cache(maxsize=8_192)
def _is_unlikely(names: str) -> bool:
    unlikely, maybe = library.REGEXES["unlikelyCandidatesRe"], library.REGEXES["okMaybeItsACandidateRe"]
    return bool(unlikely.search(names)) and not maybe.search(names)


def _is_kept_anyway(element: HtmlElement) -> bool:
    holds_article = next(element.iter("main", "article", "math"), None) is not None
    return holds_article or element.tag in ("pre", "code") or next(element.iterancestors("pre", "code"), None) is not None


_SPACES = re.compile(r"\s+")


def _text_chars(element: HtmlElement) -> int:
    return len(_SPACES.sub(" ", "".join(element.itertext())).strip())


def _is_block(element: HtmlElement) -> bool:
    return isinstance(element.tag, str) and element.tag.startswith(_HOLDS_BLOCKS)


_INLINE = frozenset(("a", "b", "cite", "code", "em", "font", "i", "small", "span", "strong", "sub", "sup", "u"))


def _wrap_loose_text(element: HtmlElement) -> None:
    """Paragraphs around text and lines that stand directly in a div."""
    children = list(element)
    paragraph = None
    if element.text and element.text.strip():
        paragraph = _new_paragraph(element.text)
        element.text = None
        element.insert(0, paragraph)
    for child in children:
        if child.tag not in _INLINE or _is_block(child) or any(_is_block(inner) for inner in child.iterdescendants()):
            paragraph = None
            continue
        if paragraph is None:
            paragraph = _new_paragraph(None)
            child.addprevious(paragraph)
        paragraph.append(child)
    for place, child in reversed(list(enumerate(element))):
        if child.tail and child.tail.strip():
            following = _new_paragraph(child.tail)
            child.tail = None
            element.insert(place + 1, following)
        if child.tag == "br":
            child.drop_tree()


def _new_paragraph(text: str | None) -> HtmlElement:
    paragraph: HtmlElement = library.fragment_fromstring("<p/>")
    paragraph.text = text
    return paragraph
