"""Chosen blocks → the article's text and its markup, with the structure they stood in."""

from collections.abc import Sequence
from html import escape

from ingest.extract.blocks import BREAK, Block, Close, Image, Node, Open, Picture, Segmented
from ingest.text import strip_controls

# Elements around a block that its markup keeps. The innermost, if none of these, becomes a paragraph.
_STRUCTURE = frozenset(("ul", "ol", "li", "blockquote", "table", "tr", "td", "th", "dl", "dt", "dd", "figure"))
_LEAVES = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "figcaption", "caption", "address"))
_LINES = frozenset(("li", "tr", "td", "th", "dt", "dd"))  # follow each other line by line


def to_text(page: Segmented, chosen: Sequence[int]) -> str:
    """The text of the blocks: paragraphs separated by one blank line, items and rows by a line end."""
    parts: list[str] = []
    before = -2
    for number in chosen:
        block = page.blocks[number]
        text = _lines_of(block, is_kept=_is_pre(page.nodes, block.node))
        joined = before >= 0 and _is_line(page.nodes, block) and _is_line(page.nodes, page.blocks[before])
        parts += ("\n" if joined else "\n\n", text) if parts else (text,)
        before = number
    return strip_controls("".join(parts))


def to_html(page: Segmented, chosen: Sequence[int]) -> str:
    """Their markup, not yet sanitised: headings, lists, quotes, tables, code, and the pictures among them with their captions."""
    writer = _Writer(page, chosen)
    pictures = [picture for picture in page.pictures if _is_among(picture, chosen)]
    for number in chosen:
        while pictures and pictures[0].at <= number:
            writer.picture(pictures.pop(0))
        writer.block(number)
    for picture in pictures:
        writer.picture(picture)
    return writer.markup()


class _Writer:
    """Markup as it grows, with the elements that are open."""

    def __init__(self, page: Segmented, chosen: Sequence[int]) -> None:
        self._page = page
        self._chosen = frozenset(chosen)
        self._parts: list[str] = []
        self._open: list[int] = []  # numbers of nodes
        self._shown: set[str] = set()  # addresses of pictures
        self._captioned: set[int] = set()  # numbers of figures

    def block(self, number: int) -> None:
        block = self._page.blocks[number]
        node = self._page.nodes[block.node]
        self._enter(block.node)
        is_pre = _is_pre(self._page.nodes, block.node)
        inner = _inline(block, is_kept=is_pre)
        tag = "pre" if is_pre else node.tag if node.tag in _LEAVES else "" if node.tag in _STRUCTURE else "p"
        self._parts.append(f"<{tag}>{inner}</{tag}>" if tag else inner)

    def picture(self, picture: Picture) -> None:
        """A figure, with the captions that were not taken for text; each picture once."""
        images = [image for image in picture.images if image.src and image.src not in self._shown]
        if not images:
            return
        self._shown.update(image.src for image in images)
        self._enter(-1)
        caption = self._caption(picture.node)
        shown = "".join(_image(image) for image in images)
        self._parts.append(f"<figure>{shown}{f'<figcaption>{escape(caption)}</figcaption>' if caption else ''}</figure>")

    def _caption(self, number: int) -> str:
        """What the figure around a node says beside the text; once, however many pictures it holds."""
        figure = _figure_around(self._page.nodes, number)
        if figure < 0 or figure in self._captioned:
            return ""
        self._captioned.add(figure)
        node = self._page.nodes[figure]
        texts = [self._page.blocks[at].text for at in range(node.start, node.end) if at not in self._chosen]
        return " ".join(text for text in texts if len(text) <= _MAX_CAPTION)[: 2 * _MAX_CAPTION]

    def markup(self) -> str:
        self._enter(-1)
        return "".join(self._parts)

    def _enter(self, number: int) -> None:
        """Close and open elements so that exactly the structure around a node is open."""
        path = _structure_around(self._page.nodes, number)
        same = 0
        while same < min(len(path), len(self._open)) and path[same] == self._open[same]:
            same += 1
        for closed in reversed(self._open[same:]):
            self._parts.append(f"</{self._page.nodes[closed].tag}>")
        for opened in path[same:]:
            self._parts.append(f"<{self._page.nodes[opened].tag}>")
        self._open = path


def _structure_around(nodes: list[Node], number: int) -> list[int]:
    path: list[int] = []
    while number >= 0:
        if nodes[number].tag in _STRUCTURE and nodes[number].tag != "figure":
            path.append(number)
        number = nodes[number].parent
    return path[::-1]


def _inline(block: Block, *, is_kept: bool) -> str:
    parts: list[str] = []
    open_tags: list[str] = []
    for piece in block.pieces:
        if isinstance(piece, str):
            parts.append(("\n" if is_kept else "<br>") if piece == BREAK else escape(piece, quote=False))
        elif isinstance(piece, Open):
            open_tags.append(piece.tag)
            parts.append(f'<a href="{escape(piece.href)}">' if piece.href else f"<{piece.tag}>")
        elif isinstance(piece, Close):
            if piece.tag in open_tags:  # it may have been opened before a block within it began
                open_tags.remove(piece.tag)
                parts.append(f"</{piece.tag}>")
        else:
            parts.append(_image(piece))
    parts += [f"</{tag}>" for tag in reversed(open_tags)]  # what goes on in the next block must not run on to the last
    inner = "".join(parts)
    return inner if is_kept else inner.strip().removeprefix("<br>").removesuffix("<br>")


def _image(image: Image) -> str:
    return f'<img src="{escape(image.src)}" alt="{escape(image.alt)}">' if image.src else ""


_MAX_CAPTION = 600  # characters; more is text that was left out for another reason


def _figure_around(nodes: list[Node], number: int) -> int:
    while number >= 0 and nodes[number].tag != "figure":
        number = nodes[number].parent
    return number


def _is_among(picture: Picture, chosen: Sequence[int]) -> bool:
    """Whether it stands between the first and the last of the chosen."""
    return bool(chosen) and chosen[0] < picture.at <= chosen[-1]


def _is_line(nodes: list[Node], block: Block) -> bool:
    return nodes[block.node].tag in _LINES


def _is_pre(nodes: list[Node], number: int) -> bool:
    while number >= 0:
        if nodes[number].tag == "pre":
            return True
        number = nodes[number].parent
    return False


def _lines_of(block: Block, *, is_kept: bool) -> str:
    """The text of a block with the line breaks its author set; where lines are kept as they stand, all of them."""
    if not is_kept and BREAK not in block.pieces:
        return block.text
    text = "".join([piece for piece in block.pieces if isinstance(piece, str)])
    if is_kept:
        return "\n".join(line.rstrip() for line in text.replace(BREAK, "\n").split("\n")).strip("\n")
    return "\n".join(line for part in text.split(BREAK) if (line := " ".join(part.split())))
