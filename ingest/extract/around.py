"""What blocks have from the elements around them: names, tags, and how much text those hold."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.extract.blocks import Node
from ingest.extract.letters import COMMA, Letters

TAGS_AROUND = (
    *("article", "main", "aside", "nav", "header", "footer", "form", "figure", "ul", "table", "blockquote", "section"),
    "details",
)
_TAG_BIT = {tag: 1 << place for place, tag in enumerate(TAGS_AROUND)}
_MIN_CHARS = 25  # of a block that counts for its container


@dataclass(frozen=True, slots=True)
class Inherited:
    """What each node has from itself and all around it. Bits of `tags` as in TAGS_AROUND, of the marks as in MARKS."""

    tags: NDArray[np.int64]
    marks: NDArray[np.int64]
    near_marks: NDArray[np.int64]  # of itself and its parent
    names: dict[str, NDArray[np.float64]]  # weights of names: its own, and what is made of those around it


def inherit(nodes: list[Node], scores: Mapping[str, float]) -> Inherited:
    """Parents stand before their children, so one pass suffices. `scores` weighs the words of names."""
    own = [_score(node.hints.words, scores) for node in nodes]
    tags, marks, near = [0] * len(nodes), [0] * len(nodes), [0] * len(nodes)
    sums, least, most, up = list(own), list(own), list(own), list(range(len(nodes)))
    for number, node in enumerate(nodes):
        parent = node.parent
        tags[number], marks[number], near[number] = _TAG_BIT.get(node.tag, 0), node.hints.marks, node.hints.marks
        if parent >= 0:
            up[number] = parent
            tags[number] |= tags[parent]
            marks[number] |= marks[parent]
            near[number] |= nodes[parent].hints.marks
            sums[number] += sums[parent]
            least[number] = min(least[parent], own[number])
            most[number] = max(most[parent], own[number])
    weight, parents = np.array(own), np.array(up, dtype=np.int64)
    names = {
        "names_own": weight,
        "names_parent": weight[parents],
        "names_near": weight + weight[parents] + weight[parents[parents]],
        "names_all": np.array(sums),
        "names_least": np.array(least),
        "names_most": np.array(most),
    }
    return Inherited(np.array(tags), np.array(marks), np.array(near), names)


def _score(words: tuple[str, ...], scores: Mapping[str, float]) -> float:
    """The most telling weights of the words of one element's names."""
    found = [scores[word] for word in words if word in scores]
    return min(found) + max(found) if found else 0.0


def find_wider(nodes: list[Node]) -> NDArray[np.int64]:
    """For each node the nearest one around it that holds more blocks; -1 for none."""
    wider = [-1] * len(nodes)
    for number, node in enumerate(nodes):
        parent = node.parent
        if parent >= 0:
            up = nodes[parent]
            wider[number] = parent if up.end - up.start > node.end - node.start else wider[parent]
    return np.array(wider, dtype=np.int64)


def score_containers(
    nodes: list[Node],
    at: NDArray[np.int64],
    wider: NDArray[np.int64],
    *,
    text: Letters,
    likely: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """How much text each node holds as its own: of each block by half at each step up, less what is links.

    Source: the score of Arc90's readability, kept by all that came after it.
    """
    is_plain = (text.link_chars * 3 < text.chars) & (text.chars >= _MIN_CHARS)
    value = np.where(is_plain, 1.0 if likely is None else likely, 0.0) * (
        1 + text.kinds[:, COMMA] + np.minimum(text.chars / 100, 3)
    )
    score = np.zeros(len(nodes))
    size = np.array([node.end - node.start for node in nodes])
    holder = np.where(size[at] > 1, at, np.maximum(wider[at], 0))
    weight = 1.0
    for _ in range(3):
        score += np.bincount(holder, value * weight, minlength=len(nodes))
        holder = np.maximum(wider[holder], 0)
        weight /= 2
    return score


def signature(nodes: list[Node], number: int) -> tuple[str, ...]:
    node = nodes[number]
    up = nodes[node.parent] if node.parent >= 0 else node
    return (node.tag, node.hints.names, up.tag, up.hints.names)


def wide_signature(nodes: list[Node], number: int) -> tuple[str, ...]:
    node = nodes[number]
    return (node.tag, node.hints.names)
