"""Which blocks are the article, and why: by the classifier, with readability as second opinion where that is unsure."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ingest.extract import by_readability
from ingest.extract.blocks import Segmented
from ingest.extract.classify import Classifier
from ingest.extract.features import Told, find_features
from ingest.extract.tree import Element

# All measured by tests/bench/train_extract.py, which prints them with their neighbours.
_THRESHOLD = 0.55
_OF_BEST = 0.7  # where no block is likely, those nearly as likely as the likeliest
_UNSURE = 0.16  # characters in doubt to characters taken; above are one in ten pages
_SECOND_SHARE = 0.3  # of readability's word in the blend, where it is asked
_FEW_CHARS = 300  # with fewer it is asked as well
_FAR_SHORTER = 0.5  # of what readability keeps: the guard against losing most of a body
_OFTEN = 3  # times the same long text within a page: a placeholder, not an article
_LONG = 60  # characters


class By(StrEnum):
    """Who chose."""

    BLOCKS = "blocks"
    BOTH = "blocks+readability"
    READABILITY = "readability"


@dataclass(frozen=True, slots=True)
class Choice:
    """Numbers of the chosen blocks, in order; how likely each block of the page is, and what readability kept if asked.

    `why` says in words for people why it was chosen so.
    """

    blocks: tuple[int, ...]
    by: By
    likely: NDArray[np.float32]
    second: frozenset[int] | None = None
    version: str = by_readability.VERSION
    why: str = ""


def choose(tree: Element, page: Segmented, told: Told, classifier: Classifier | None) -> Choice:
    """The blocks of the article; without a classifier readability alone chooses. None chosen: there is no article.

    May change `tree`, which is not needed afterwards: what the blocks are made of was copied.
    """
    if classifier is None or not page.blocks:
        kept = by_readability.find_chosen(tree, page)
        likely = np.array([number in kept for number in range(len(page.blocks))], dtype=np.float32)
        why = "the page holds no text" if classifier else "the classifier is off"
        return Choice(_without_repeats(page, likely >= _THRESHOLD), By.READABILITY, likely, kept, why=why)
    likely = classifier.probabilities(find_features(page, told, classifier.scores))
    choice = settle(page, likely, lambda: by_readability.find_chosen(tree, page))
    return replace(choice, version=classifier.version)


def settle(page: Segmented, likely: NDArray[np.float32], ask: Callable[[], frozenset[int]]) -> Choice:
    """The choice by how likely each block is; `ask` gives readability's blocks and is called only where that leaves doubt."""
    chars = np.array([len(block.text) for block in page.blocks])
    doubt = _find_doubt(likely, chars)
    if doubt.is_sure:
        return Choice(_without_repeats(page, _taken(likely)), By.BLOCKS, likely, why=str(doubt))
    return _with_second_opinion(page, likely, chars, doubt=doubt, kept=ask())


@dataclass(frozen=True, slots=True)
class _Doubt:
    """How sure the classifier is of a page: characters in doubt to characters taken, and how many are taken."""

    share: float
    taken: int

    @property
    def is_sure(self) -> bool:
        return self.share <= _UNSURE and self.taken >= _FEW_CHARS

    def __str__(self) -> str:
        if self.share > _UNSURE:
            return f"unsure: {min(self.share, 1):.0%} of the characters are in doubt ({_UNSURE:.0%} may be)"
        if self.taken < _FEW_CHARS:
            return f"few characters: {self.taken:,} are taken ({_FEW_CHARS} are enough)"
        return f"sure: {self.share:.0%} of the characters are in doubt ({_UNSURE:.0%} may be)"


def _find_doubt(likely: NDArray[np.float32], chars: NDArray[np.int64]) -> _Doubt:
    in_doubt = float((chars * np.minimum(likely, 1 - likely)).sum())
    expected = float((chars * likely).sum())
    return _Doubt(in_doubt / max(expected, 1e-9), int(chars[_taken(likely)].sum()))


def _with_second_opinion(
    page: Segmented, likely: NDArray[np.float32], chars: NDArray[np.int64], *, doubt: _Doubt, kept: frozenset[int]
) -> Choice:
    if not kept:
        why = f"{doubt}; readability was asked and keeps nothing"
        return Choice(_without_repeats(page, _taken(likely)), By.BLOCKS, likely, kept, why=why)
    second = np.array([number in kept for number in range(len(page.blocks))])
    blend = ((1 - _SECOND_SHARE) * likely + _SECOND_SHARE * second).astype(np.float32)
    taken = _taken(blend)
    ours, theirs = int(chars[taken].sum()), int(chars[second].sum())
    if ours < _FAR_SHORTER * theirs:
        why = f"{doubt}; guard: with readability's word {ours:,} characters would be taken, it keeps {theirs:,} itself"
        return Choice(_without_repeats(page, second), By.READABILITY, blend, kept, why=why)
    why = f"{doubt}; readability was asked, its word counts {_SECOND_SHARE:.0%}"
    return Choice(_without_repeats(page, taken), By.BOTH, blend, kept, why=why)


def _taken(likely: NDArray[np.float32]) -> NDArray[np.bool_]:
    taken: NDArray[np.bool_] = likely >= min(_THRESHOLD, _OF_BEST * float(likely.max(initial=0.0)))
    return taken


def _without_repeats(page: Segmented, taken: NDArray[np.bool_]) -> tuple[int, ...]:
    """Numbers of what was taken: of a long text twice the first, and none of one that comes again and again."""
    numbers = [int(number) for number in np.flatnonzero(taken)]
    times = Counter(text for number in numbers if len(text := page.blocks[number].text) >= _LONG)
    placeholders = {text for text, count in times.items() if count >= _OFTEN}
    if sum(map(len, placeholders)) * 2 > sum(map(len, times)):
        placeholders = set()  # they are most of what there is
    seen = set(placeholders)
    kept = []
    for number in numbers:
        text = page.blocks[number].text
        if text not in seen:
            kept.append(number)
        if text in times:
            seen.add(text)
    return tuple(kept)
