"""Blocks → numbers: one row a block, one column a feature, the same for every language.

Columns tell of the block's own text, of the names around it, of its place, of the elements that hold it, of those built like it,
of its neighbours, and of what the page says about its article. Characters are counted for all blocks at once in one array; as
everything within an element is one run of blocks, sums over elements are differences of running sums.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.extract.around import TAGS_AROUND, find_wider, inherit, score_containers, signature, wide_signature
from ingest.extract.blocks import BREAK, Block, Node, Segmented
from ingest.extract.hints import MARKS, NONE
from ingest.extract.letters import COMMA, DIGIT, QUOTE, SIGN, STOP, UPPER, Letters, count_letters, only_letters

Matrix = NDArray[np.float32]

_TAGS = ("p", "li", "td", "tr", "blockquote", "pre", "figcaption", "div", "h1", "h2", "h3", "h4")
_TAG_NUMBER = {tag: place for place, tag in enumerate(_TAGS)}
_MOST_COLUMNS = 256
_LONG = 80  # characters of a block that is text rather than a label
_LEVELS = 4  # of the elements that hold a block, each wider than the one before
_LONGEST_TITLE, _FOR_H1 = 400, 0.3  # characters; what an h1 is preferred by
_LONGEST_LINE = 600  # characters of a block that is compared with title and description word by word
_LEAST_BODY = 200  # characters of a text in JSON-LD that is worth comparing


@dataclass(frozen=True, slots=True)
class Told:
    """What the page says about its article: its title, its summary, and its text where JSON-LD carries that."""

    title: str = ""
    description: str = ""
    body: str = ""


def find_features(page: Segmented, told: Told, scores: Mapping[str, float]) -> Matrix:
    """A row of features for each block of `page`, in the order of `FEATURES`. `scores` weighs the words of names."""
    return _Columns(page, told, scores).matrix()


class _Columns:
    """The columns of one page while they are made."""

    def __init__(self, page: Segmented, told: Told, scores: Mapping[str, float]) -> None:
        self.page, self.told = page, told
        self.scores = scores
        self.columns = np.empty((_MOST_COLUMNS, len(page.blocks)), dtype=np.float32)  # a row each: they are made one by one
        self.names: list[str] = []

    def add(self, name: str, values: NDArray[np.generic] | Sequence[float]) -> None:
        self.columns[len(self.names)] = values
        self.names.append(name)

    def add_all(self, names: Sequence[str], rows: NDArray[np.generic]) -> None:
        self.columns[len(self.names) : len(self.names) + len(names)] = rows
        self.names += names

    def matrix(self) -> Matrix:
        if not self.page.blocks:
            return np.zeros((0, len(FEATURES)), np.float32)
        blocks, nodes = self.page.blocks, self.page.nodes
        text = count_letters(blocks)
        self._own(blocks, text)
        self._names(blocks, nodes)
        self._place(blocks, text)
        self._containers(blocks, nodes, text)
        self._alike(blocks, nodes, text)
        self._told(blocks)
        self._neighbours()
        return self.columns[: len(self.names)].T

    # ── the block itself ────────────────────────────────────────────────────────────────────────────────────────────────

    def _own(self, blocks: list[Block], text: Letters) -> None:
        chars = np.maximum(text.chars, 1)
        link_share = np.minimum(text.link_chars / chars, 1)
        self.add("chars", np.log1p(text.chars))
        self.add("words", np.log1p(text.words))
        self.add("word_chars", text.letters / np.maximum(text.words, 1))
        self.add("link_share", link_share)
        self.add("links", np.log1p([block.links for block in blocks]))
        self.add("strong_share", np.minimum([block.strong_chars for block in blocks] / chars, 1))
        self.add("upper_share", text.kinds[:, UPPER] / np.maximum(text.letters, 1))
        self.add("digit_share", text.kinds[:, DIGIT] / chars)
        self.add("comma_share", text.kinds[:, COMMA] / chars)
        self.add("commas", np.log1p(text.kinds[:, COMMA]))
        self.add("stops", np.log1p(text.kinds[:, STOP]))
        self.add("stop_share", text.kinds[:, STOP] / chars)
        self.add("quotes", np.log1p(text.kinds[:, QUOTE]))
        self.add("sign_share", text.kinds[:, SIGN] / chars)
        self.add("starts_upper", text.starts_upper)
        self.add("ends_stop", text.ends_stop)
        self.add("ends_colon", [block.text.endswith((":", "：")) for block in blocks])
        self.add("ends_ellipsis", [block.text.endswith(("…", "...", "[…]")) for block in blocks])
        self.add("breaks", np.log1p([block.pieces.count(BREAK) for block in blocks]))
        self.add("has_url", ["http" in block.text or "www." in block.text or "@" in block.text for block in blocks])
        self.add("has_copyright", ["©" in block.text or "(c)" in block.text for block in blocks])
        self.add("repeats", np.log1p(_repeats(blocks)))

    # ── the names around it ─────────────────────────────────────────────────────────────────────────────────────────────

    def _names(self, blocks: list[Block], nodes: list[Node]) -> None:
        tags = np.array([_TAG_NUMBER.get(node.tag, len(_TAGS)) for node in nodes])
        inherited = inherit(nodes, self.scores)
        at = _nodes_of(blocks)
        self.add_all(_IS_TAG, tags[at] == _column(_TAGS))
        self.add_all(_IN_TAG, _bits(inherited.tags[at], _IN_TAG))
        self.add_all(_UNDER, _bits(inherited.marks[at], _UNDER) + _bits(inherited.near_marks[at], _UNDER))
        for name, values in inherited.names.items():
            self.add(name, values[at])
        self.add("depth", np.array([node.depth for node in nodes])[at])
        self.likely = 1 / (1 + np.exp(-np.clip(inherited.names["names_all"][at], -4, 4)))

    # ── its place ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _place(self, blocks: list[Block], text: Letters) -> None:
        count = len(blocks)
        before = np.cumsum(text.chars) - text.chars
        total = max(float(text.chars.sum()), 1.0)
        self.add("place", np.arange(count) / max(count, 1))
        self.add("chars_before", before / total)
        self.add("from_start", np.log1p(np.arange(count)))
        self.add("from_end", np.log1p(np.arange(count)[::-1]))
        self.add("page_blocks", np.full(count, np.log1p(count)))
        self.add("page_chars", np.full(count, np.log1p(total)))
        self.add("page_link_share", np.full(count, text.link_chars.sum() / total))
        self.add("page_share", text.chars / total)
        self.add("chars_rank", _ranks(text.chars))
        title = self._title_place(blocks)
        self.add("since_title", np.sign(np.arange(count) - title) * np.log1p(np.abs(np.arange(count) - title)))
        self.add("chars_since_title", (before - before[min(title, count - 1)]) / total if count else before)

    def _title_place(self, blocks: list[Block]) -> int:
        """The number of the block that is the title: a heading with the words of the page's title, else the first h1."""
        wanted = frozenset(_words(self.told.title))
        best, place = 0.0, 0
        for number, block in enumerate(blocks):
            if len(block.text) <= _LONGEST_TITLE and self._may_be_title(block):
                words = frozenset(_words(block.text))
                share = len(words & wanted) / max(len(words | wanted), 1)
                share += _FOR_H1 if self.page.nodes[block.node].tag == "h1" else 0.0
                if share > best:
                    best, place = share, number
        return place

    def _may_be_title(self, block: Block) -> bool:
        node = self.page.nodes[block.node]
        return node.tag.startswith("h") or bool((block.marks | node.hints.marks) & _TITLE_MARK)

    # ── the elements that hold it ───────────────────────────────────────────────────────────────────────────────────────

    def _containers(self, blocks: list[Block], nodes: list[Node], text: Letters) -> None:
        start = np.array([node.start for node in nodes], dtype=np.int64)
        end = np.array([node.end for node in nodes], dtype=np.int64)
        at, place, wider = _nodes_of(blocks), np.arange(len(blocks)), find_wider(nodes)
        inside = {name: total[end] - total[start] for name, total in self._sums(blocks, text).items()}
        score = score_containers(nodes, at, wider, text=text)
        named = score_containers(nodes, at, wider, text=text, likely=self.likely)
        best, best_named = int(np.argmax(score)), int(np.argmax(named))
        best_up = wider[best] if wider[best] >= 0 else best
        page_text = max(float(inside["text"][0]), 1.0)
        self.add("in_best", _distance(place, start[best], end[best]) == 0)
        self.add("near_best", _distance(place, start[best_up], end[best_up]) == 0)
        self.add("from_best", _distance(place, start[best], end[best]))
        self.add("in_named", _distance(place, start[best_named], end[best_named]) == 0)
        self.add("from_named", _distance(place, start[best_named], end[best_named]))
        self.add("is_agreed", np.full(len(blocks), float(best == best_named)))
        self.add("best_share", np.full(len(blocks), inside["text"][best] / page_text))
        size, holder = end - start, at
        for level in range(1, _LEVELS + 1):
            holder = np.where(size[holder] > 1, holder, wider[holder]) if level == 1 else wider[holder]
            holder = np.maximum(holder, 0)
            chars = np.maximum(inside["chars"][holder], 1)
            self.add(f"up{level}_link_share", np.minimum(inside["links"][holder] / chars, 1))
            self.add(f"up{level}_text_share", inside["text"][holder] / chars)
            self.add(f"up{level}_page_text", inside["text"][holder] / page_text)
            self.add(f"up{level}_texts", np.log1p(inside["texts"][holder]))
            self.add(f"up{level}_blocks", np.log1p(size[holder]))
            self.add(f"up{level}_stops", inside["stops"][holder] / chars)
            self.add(f"up{level}_commas", inside["commas"][holder] / chars)
            self.add(f"up{level}_paragraphs", inside["paragraphs"][holder] / np.maximum(size[holder], 1))
            self.add(f"up{level}_score", score[holder] / max(float(score[best]), 1e-6))
            self.add(f"up{level}_named", named[holder] / max(float(named[best_named]), 1e-6))
            self.add(f"up{level}_place", (place - start[holder]) / np.maximum(size[holder], 1))

    def _sums(self, blocks: list[Block], text: Letters) -> dict[str, NDArray[np.float64]]:
        """Running sums over the blocks."""
        is_plain = text.link_chars * 3 < text.chars
        is_text = is_plain & (text.chars >= _LONG)
        is_paragraph = np.array([self.page.nodes[block.node].tag == "p" for block in blocks], dtype=bool) & is_plain
        return {
            "chars": _running(text.chars),
            "links": _running(text.link_chars),
            "text": _running(np.where(is_text, text.chars, 0)),
            "texts": _running(is_text),
            "stops": _running(text.kinds[:, STOP]),
            "commas": _running(np.where(is_plain, text.kinds[:, COMMA], 0)),
            "paragraphs": _running(is_paragraph),
        }

    # ── those built like it ─────────────────────────────────────────────────────────────────────────────────────────────

    def _alike(self, blocks: list[Block], nodes: list[Node], text: Letters) -> None:
        """Blocks alike stand in elements of the same tag and class within elements of the same tag and class."""
        for name, key in (("alike", signature), ("kin", wide_signature)):
            numbers: dict[tuple[str, ...], int] = {}
            groups = np.array([numbers.setdefault(key(nodes, block.node), len(numbers)) for block in blocks], dtype=np.int64)
            count = np.maximum(np.bincount(groups, minlength=len(numbers)), 1)
            chars = np.bincount(groups, text.chars, minlength=len(numbers))
            links = np.bincount(groups, text.link_chars, minlength=len(numbers))
            stops = np.bincount(groups, text.ends_stop, minlength=len(numbers))
            total = max(float(text.chars.sum()), 1.0)
            self.add(f"{name}_count", np.log1p(count)[groups])
            self.add(f"{name}_chars", np.log1p(chars / count)[groups])
            self.add(f"{name}_share", (chars / total)[groups])
            self.add(f"{name}_link_share", np.minimum(links / np.maximum(chars, 1), 1)[groups])
            self.add(f"{name}_ends_stop", (stops / count)[groups])

    # ── what the page says about its article ────────────────────────────────────────────────────────────────────────────

    def _told(self, blocks: list[Block]) -> None:
        title, description = frozenset(_words(self.told.title)), frozenset(_words(self.told.description))
        words = [frozenset(_words(block.text)) if len(block.text) < _LONGEST_LINE else frozenset() for block in blocks]
        count = np.array([len(one) or 1 for one in words])
        titled = np.array([len(one & title) for one in words])
        self.add("in_title", titled / count)
        self.add("title_covered", titled / max(len(title), 1))
        self.add("in_description", [len(one & description) for one in words] / count)
        body = only_letters(self.told.body) if len(self.told.body) > _LEAST_BODY else ""
        self.add("in_body", [_share_found(only_letters(block.text), body) if body else -1.0 for block in blocks])
        self.add("has_body", np.full(len(blocks), float(bool(body))))

    # ── its neighbours ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _neighbours(self) -> None:
        near = self.columns[[self.names.index(name) for name in _FROM_NEIGHBOURS]]
        for step in _STEPS:
            self.add_all([f"{name}{step:+d}" for name in _FROM_NEIGHBOURS], _shifted(near, step))
        around = self.columns[[self.names.index(name) for name in _FROM_WINDOW]]
        self.add_all([f"{name}_window" for name in _FROM_WINDOW], _window(around))


_STEPS = (-2, -1, 1, 2)
_REACH = 4  # blocks on each side
_FROM_NEIGHBOURS = ("chars", "link_share", "ends_stop", "is_p", "names_near", "up2_page_text")
_FROM_WINDOW = ("chars", "link_share", "stop_share", "comma_share", "ends_stop", "names_near", "names_all")
_TITLE_MARK = 1 << MARKS.index("title")
_IS_TAG = [f"is_{tag}" for tag in _TAGS]
_IN_TAG = [f"in_{tag}" for tag in TAGS_AROUND]
_UNDER = [f"under_{mark}" for mark in MARKS]


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _words(text: str) -> list[str]:
    return text.lower().split()


_SCRAP = 4  # characters
_PROBE = 24  # characters: the chance that they are found in another text by accident is small


def _share_found(text: str, body: str) -> float:
    """How much of `text` stands in `body`, by three probes."""
    if len(text) <= _PROBE:
        return float(text in body) if len(text) > _SCRAP else 0.0
    middle = (len(text) - _PROBE) // 2
    return sum(text[at : at + _PROBE] in body for at in (0, middle, len(text) - _PROBE)) / 3


def _repeats(blocks: list[Block]) -> list[int]:
    seen: dict[str, int] = {}
    for block in blocks:
        seen[block.text] = seen.get(block.text, 0) + 1
    return [seen[block.text] - 1 for block in blocks]


# ── arithmetic ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _column(names: Sequence[str]) -> NDArray[np.int64]:
    """Their numbers, one below the other."""
    return np.arange(len(names))[:, np.newaxis]


def _bits(values: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.int64]:
    """A row for each bit of `values`, from the lowest."""
    found: NDArray[np.int64] = (values >> _column(names)) & 1
    return found


def _nodes_of(blocks: list[Block]) -> NDArray[np.int64]:
    return np.array([block.node for block in blocks], dtype=np.int64)


def _distance(place: NDArray[np.int64], start: int, end: int) -> NDArray[np.int64]:
    """How many blocks each place is away from those of one element; 0 within it."""
    return np.where(place < start, start - place, np.where(place >= end, place - end + 1, 0))


def _running(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))


def _ranks(values: NDArray[np.int64]) -> NDArray[np.float64]:
    ranks = np.empty(len(values))
    ranks[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return np.log1p(ranks)


def _shifted(rows: Matrix, step: int) -> Matrix:
    """Each row as its neighbour sees it that many blocks on; -1 beyond the ends."""
    moved = np.full_like(rows, -1.0)
    if step < 0:
        moved[:, -step:] = rows[:, :step]
    else:
        moved[:, :-step] = rows[:, step:]
    return moved


def _window(rows: Matrix) -> NDArray[np.float64]:
    """The mean of each row over the blocks within reach."""
    count = rows.shape[1]
    total = np.concatenate((np.zeros((len(rows), 1)), np.cumsum(rows, axis=1, dtype=np.float64)), axis=1)
    place = np.arange(count)
    low, high = np.maximum(place - _REACH, 0), np.minimum(place + _REACH + 1, count)
    mean: NDArray[np.float64] = (total[:, high] - total[:, low]) / np.maximum(high - low, 1)
    return mean


def _names() -> tuple[str, ...]:
    """The names of the columns, by making those of a page of one block."""
    node = Node("p", -1, 0, NONE, None, start=0, end=1)
    columns = _Columns(Segmented([Block("x", 0, 0, 0, 0, 0, ())], [node], []), Told(), {})
    columns.matrix()
    return tuple(columns.names)


FEATURES = _names()
