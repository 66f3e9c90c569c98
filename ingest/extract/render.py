"""Chosen blocks → the article's text and its markup, with the structure they stood in."""

from collections.abc import Sequence
from html import escape

from ingest.extract.blocks import BREAK, Block, Close, Image, Node, Open, Picture, Segmented
from ingest.text import strip_controls

# Elements around a block that its markup keeps. The innermost, if none of these, becomes a paragraph.
_STRUCTURE = frozenset(("ul", "ol", "li", "blockquote", "table", "tr", "td", "th", "dl", "dt", "dd", "figure"))
_LEAVES = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "dt", "dd", "figcaption", "caption", "address"))
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

    def block(self, number: int) -> None:
        block = self._page.blocks[number]
        node = self._page.nodes[block.node]
        self._enter(block.node)
        inner = _inline(block, is_kept=_is_pre(self._page.nodes, block.node))
        tag = node.tag if node.tag in _LEAVES else "" if node.tag in _STRUCTURE else "p"
        self._parts.append(f"<{tag}>{inner}</{tag}>" if tag else inner)

    def picture(self, picture: Picture) -> None:
        """A figure, with the captions that were not taken for text; each picture once."""
        images = [image for image in picture.images if image.src and image.src not in self._shown]
        if not images:
            return
        self._shown.update(image.src for image in images)
        self._enter(-1)
        caption = " ".join(_captions(self._page, picture.node, self._chosen))
        shown = "".join(_image(image) for image in images)
        self._parts.append(f"<figure>{shown}{f'<figcaption>{escape(caption)}</figcaption>' if caption else ''}</figure>")

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
            parts.append("<br>" if piece is BREAK and not is_kept else escape(piece, quote=False))
        elif isinstance(piece, Open):
            open_tags.append(piece.tag)
            parts.append(f'<a href="{escape(piece.href)}">' if piece.href else f"<{piece.tag}>")
        elif isinstance(piece, Close):
            if piece.tag in open_tags:  # it may have been opened before a block within it began
                open_tags.remove(piece.tag)
                parts.append(f"</{piece.tag}>")
        else:
            parts.append(_image(piece))
    inner = "".join(parts)
    return inner if is_kept else inner.strip().removeprefix("<br>").removesuffix("<br>")


def _image(image: Image) -> str:
    return f'<img src="{escape(image.src)}" alt="{escape(image.alt)}">' if image.src else ""


_MAX_CAPTION = 600  # characters; more is text that was left out for another reason


def _captions(page: Segmented, number: int, chosen: frozenset[int]) -> list[str]:
    figure = number
    while figure >= 0 and page.nodes[figure].tag != "figure":
        figure = page.nodes[figure].parent
    if figure < 0:
        return []
    node = page.nodes[figure]
    texts = [page.blocks[at].text for at in range(node.start, node.end) if at not in chosen]
    return [text for text in texts if len(text) <= _MAX_CAPTION]


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
    """The text of a block with the line breaks its author set."""
    if not is_kept and BREAK not in block.pieces:
        return block.text
    text = "".join([piece for piece in block.pieces if isinstance(piece, str)] if is_kept else _marked(block))
    lines = text.split("\n") if is_kept else text.split(_LINE_MARK)
    return "\n".join(line for line in (line.rstrip() if is_kept else " ".join(line.split()) for line in lines) if line)


_LINE_MARK = "\x03"


def _marked(block: Block) -> list[str]:
    return [_LINE_MARK if piece is BREAK else piece for piece in block.pieces if isinstance(piece, str)]
