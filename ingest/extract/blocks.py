"""One walk through a page: its text in blocks, each with where it stood.

A block is what a reader sees as one piece: a paragraph, a heading, an item of a list, a cell; two line breaks in a row part
blocks as well. Nothing is judged here and nothing dropped but what is never shown. What is needed of the elements around a block
is kept by number in a list of nodes, in the order of the document, so that everything within an element is one run of blocks.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.extract.hints import Hints, hints_of, marks_of
from ingest.extract.tree import Element

# What is never text of the page. `button` because what it holds is an instruction.
_SKIPPED = frozenset(
    {
        *("script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "math", "head", "title", "select"),
        *("textarea", "button", "canvas", "audio", "video", "map", "input", "datalist", "applet", "frameset"),
    }
)
# What stands within a line, unless it holds blocks. Those of _SHOWN are kept in the article's markup.
_SHOWN = frozenset(
    {
        *("a", "b", "strong", "i", "em", "u", "s", "del", "ins", "mark", "small", "sub", "sup", "abbr", "time", "q", "cite"),
        *("code", "kbd", "samp", "var"),
    }
)
_INLINE = _SHOWN | frozenset(
    {
        *("span", "font", "label", "bdi", "bdo", "big", "tt", "strike", "acronym", "dfn", "data", "output", "ruby", "rb", "rt"),
        *("rp", "nobr", "wbr", "blink", "center-inline", "meta", "link", "picture", "source", "track", "param", "area", "o:p"),
    }
)
_DEEPEST = 300  # elements within each other that are walked; below, only their text counts (tables in tables get there)
_MAX_BLOCKS, _MAX_NODES = 20_000, 60_000  # real pages have up to 4,000 blocks and 10,000 elements; what follows is dropped


@dataclass(frozen=True, slots=True)
class Open:
    """The start of an element within a line."""

    tag: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    """The end of one."""

    tag: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture within or between lines."""

    src: str
    alt: str


Piece = str | Open | Close | Image
BREAK = "\x02"  # a piece of its own: a line break within a block; no page holds that character (see `tree`)
_CELLS = frozenset(("td", "th"))
CLOSES = {tag: Close(tag) for tag in _SHOWN | _CELLS}
OPENS = {tag: Open(tag) for tag in _SHOWN | _CELLS}


@dataclass(slots=True)
class Node:
    """An element that holds blocks: those from `start` to before `end`."""

    tag: str
    parent: int  # number of the node around it, -1 for the root
    depth: int
    hints: Hints
    element: Element | None = field(repr=False)
    start: int = 0
    end: int = 0


@dataclass(slots=True)
class Block:
    """One piece of the text. `link_chars` of its `text` are within links; `pieces` are its markup in order."""

    text: str
    node: int
    link_chars: int
    links: int
    strong_chars: int
    marks: int  # of the elements within it, as in `Hints`
    pieces: tuple[Piece, ...]


@dataclass(slots=True)
class Picture:
    """Images that stand alone, before the block of number `at`."""

    at: int
    node: int
    images: tuple[Image, ...]


@dataclass(slots=True)
class Segmented:
    """A page in blocks, with the elements around them and the pictures between them."""

    blocks: list[Block]
    nodes: list[Node]
    pictures: list[Picture]


def segment(tree: Element) -> Segmented:
    """The blocks of the page and the elements around them. Never raises; nesting must have been bounded (`parse_tree`)."""
    body = tree.find("body")
    walker = _Walker()
    walker.enter(tree if body is None else body, -1, 0)
    return Segmented(walker.blocks, walker.nodes, walker.pictures)


class _Walker:
    """The walk with what is open at the moment."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.nodes: list[Node] = []
        self.pictures: list[Picture] = []
        self._pieces: list[Piece] = []
        self._marks = 0
        self._in_link = self._in_strong = self._in_cell = self._has_text = 0
        self._link_chars = self._strong_chars = self._link_count = 0

    def enter(self, element: Element, parent: int, depth: int) -> None:
        """Walk an element that stands as a block."""
        number = len(self.nodes)
        if number >= _MAX_NODES:
            return
        node = Node(element.tag, parent, depth, hints_of(element), element, start=len(self.blocks))
        self.nodes.append(node)
        pictures = len(self.pictures)
        self._inside(element, number, depth)
        if self._pieces or self._marks:
            self._flush(number)
        node.end = len(self.blocks)
        if node.end == node.start and len(self.pictures) == pictures and parent >= 0:
            self.nodes.pop()  # it holds nothing, nor does any after it

    def _inside(self, element: Element, number: int, depth: int) -> None:
        is_row = element.tag == "tr" and _is_line_of_cells(element)
        if text := element.text:
            self._say(text)
        for child in element:
            tag = child.tag
            if tag in _INLINE and depth < _DEEPEST:
                self._inline(child, tag, number, depth)
            elif tag == "br":
                self._break(number)
            elif tag == "img":
                self._image(child)
            elif tag in _CELLS and is_row:
                self._cell(child, tag, number, depth)
            elif tag not in _SKIPPED and isinstance(tag, str):
                if self._pieces or self._marks:
                    self._flush(number)
                if depth < _DEEPEST:
                    self.enter(child, number, depth + 1)
                else:
                    self._say("".join(child.itertext()))
            if text := child.tail:
                self._say(text)

    def _say(self, text: str) -> None:
        if not text.isspace():
            self._pieces.append(text)
            self._has_text = 1
            if self._in_link or self._in_strong:
                count = len(" ".join(text.split()))
                self._link_chars += count if self._in_link else 0
                self._strong_chars += count if self._in_strong else 0
        elif self._pieces:  # between blocks it is layout
            self._pieces.append(text)

    def _inline(self, element: Element, tag: str, number: int, depth: int) -> None:
        is_link, is_strong = tag == "a", tag in ("b", "strong")
        shown = tag in _SHOWN
        if names := element.get("class"):
            self._marks |= marks_of(names)
        if shown:
            self._pieces.append(Open("a", element.get("href") or "") if is_link else OPENS[tag])
        self._in_link += is_link
        self._link_count += is_link
        self._in_strong += is_strong
        self._inside(element, number, depth + 1)
        self._in_link -= is_link
        self._in_strong -= is_strong
        if shown:
            self._pieces.append(CLOSES[tag])

    def _cell(self, element: Element, tag: str, number: int, depth: int) -> None:
        """A cell of a row of data, which is read as one line."""
        self._pieces.append(OPENS[tag])
        self._in_cell = 1
        self._inside(element, number, depth)
        self._in_cell = 0
        self._pieces += (CLOSES[tag], " ")

    def _break(self, number: int) -> None:
        if self._in_cell:
            self._say(" ")
            return
        for piece in reversed(self._pieces):
            if piece == BREAK:
                self._flush(number)
                return
            if not isinstance(piece, str) or not piece.isspace():
                break
        self._pieces.append(BREAK)

    def _image(self, element: Element) -> None:
        self._pieces.append(Image(_source_of(element.get), element.get("alt") or ""))

    def _flush(self, number: int) -> None:
        """End the block that is being gathered; without text there is none."""
        if self._has_text and len(self.blocks) < _MAX_BLOCKS:
            pieces = tuple(self._pieces)
            text = " ".join("".join([piece for piece in pieces if type(piece) is str]).replace(BREAK, " ").split())
            self.blocks.append(Block(text, number, self._link_chars, self._link_count, self._strong_chars, self._marks, pieces))
        elif not self._has_text and any(type(piece) is Image for piece in self._pieces):
            images = tuple([piece for piece in self._pieces if type(piece) is Image])
            self.pictures.append(Picture(len(self.blocks), number, images))
        self._pieces = []
        self._has_text = self._link_chars = self._strong_chars = self._link_count = self._marks = 0


_LONGEST_CELL = 120  # characters, of data; tables that lay out a page hold more, or blocks


def _is_line_of_cells(row: Element) -> bool:
    return len(row) > 1 and all(
        (cell.tag in _CELLS or cell.tag not in _SKIPPED)
        and all(inner.tag in _INLINE or inner.tag in ("br", "img") for inner in cell.iterdescendants())
        and len("".join(cell.itertext()).strip()) <= _LONGEST_CELL
        for cell in row
    )


def _source_of(get: Callable[[str], str | None]) -> str:
    """Where a picture is: the first address that is one, for many pages put it off to a data attribute."""
    for name in ("src", "data-src", "data-original", "data-lazy-src"):
        value = get(name) or ""
        if value and not value.startswith("data:"):
            return value
    return ""
