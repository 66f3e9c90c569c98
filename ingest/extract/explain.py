"""Why each block of a page was taken or left: the verdict with what decided it, for people who wonder about an article.

What a feature contributed is found by taking it away: the classifier is asked again with that one feature as it is on average.
Where several features say the same, each alone changes little; so it is told as well what is left without all that are named.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ingest.extract.blocks import Segmented
from ingest.extract.choice import By, Choice, choose
from ingest.extract.classify import Classifier, load_classifier
from ingest.extract.features import FEATURES, Matrix, Told, find_features
from ingest.extract.reading import read_page
from ingest.extract.wording import say

_NAMED = 4  # features told of a block
_TRIED = 32  # features taken away one by one: those that stand out most, as far as the model looks at them
_MAX_BLOCKS = 2_000  # with reasons; a block costs about 1 ms
_LONG = 60  # characters: shorter texts may stand twice (see `choice`)


@dataclass(frozen=True, slots=True)
class Reason:
    """What one feature contributed: the probability with it less that without it."""

    feature: str
    value: float
    said: str  # in words
    change: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """One block of the page and what became of it. Without a classifier `likely` is 0 or 1, and there are no reasons."""

    number: int
    tag: str
    text: str
    is_taken: bool
    likely: float  # what was chosen by: the classifier's word, blended with readability's where that was asked
    is_kept: bool | None  # by readability; None: it was not asked
    note: str = ""
    classified: float | None = None  # the classifier's word alone
    reasons: tuple[Reason, ...] = ()
    without: float | None = None  # the classifier's word without all of `reasons`


@dataclass(frozen=True, slots=True)
class Explained:
    """A page's blocks with their verdicts; who chose, and why that one."""

    by: By
    version: str
    why: str
    verdicts: tuple[Verdict, ...]


def explain(body: bytes, *, url: str, headers: Mapping[str, str], now: datetime, is_learned: bool = True) -> Explained:
    """What `extract` chooses on this page, and why. Raises ExtractError where it is no page."""
    page = read_page(body, url=url, content_type=headers.get("content-type"), now=now)
    classifier = load_classifier() if is_learned else None
    choice = choose(page.tree, page.segmented, page.told, classifier)
    return explain_choice(choice, page.segmented, page.told, classifier)


def explain_choice(choice: Choice, page: Segmented, told: Told, classifier: Classifier | None) -> Explained:
    """`choice` block by block, with what decided `classifier`."""
    verdicts = _verdicts(choice, page)
    if classifier and verdicts:
        features = find_features(page, told, classifier.scores)
        classified = classifier.probabilities(features)
        verdicts = [
            _with_reasons(replace(one, classified=_rounded(classified[one.number])), classifier, features[one.number])
            for one in verdicts
        ]
    return Explained(choice.by, choice.version, choice.why, tuple(verdicts))


def _verdicts(choice: Choice, page: Segmented) -> list[Verdict]:
    """Without what only a classifier can say."""
    taken = frozenset(choice.blocks)
    texts = {page.blocks[number].text for number in taken}
    return [
        Verdict(
            number=number,
            tag=page.nodes[block.node].tag,
            text=block.text,
            is_taken=number in taken,
            likely=_rounded(choice.likely[number]),
            is_kept=None if choice.second is None else number in choice.second,
            note="the same text is taken already"
            if number not in taken and len(block.text) >= _LONG and block.text in texts
            else "",
        )
        for number, block in enumerate(page.blocks)
    ]


def _with_reasons(verdict: Verdict, classifier: Classifier, row: NDArray[np.float32]) -> Verdict:
    if verdict.number >= _MAX_BLOCKS:
        return verdict
    reasons, without = find_reasons(classifier, row)
    return replace(verdict, reasons=reasons, without=without)


def find_reasons(classifier: Classifier, row: NDArray[np.float32], *, most: int = _NAMED) -> tuple[tuple[Reason, ...], float]:
    """The features of a block that moved the classifier most, the first most; and its probability without all of them.

    Compared by log-odds: where the block is as good as certain, probabilities hardly differ.
    """
    mean = classifier.networks.mean
    tried = _outstanding(classifier, row)
    rows: Matrix = np.repeat(row[None, :], len(tried) + 1, axis=0)
    rows[np.arange(len(tried)), tried] = mean[tried]
    likely = classifier.probabilities(rows).astype(np.float64)
    whole, each = likely[-1], likely[:-1]
    moved = np.abs(_log_odds(whole) - _log_odds(each))
    best = np.argsort(-moved, kind="stable")[:most]
    best = best[moved[best] > 0]
    bare = row.copy()
    bare[tried[best]] = mean[tried[best]]
    reasons = tuple(
        Reason(FEATURES[at], float(row[at]), say(FEATURES[at], float(row[at])), float(whole - each[place]))
        for place, at in ((int(place), int(tried[place])) for place in best)
    )
    return reasons, float(classifier.probabilities(bare[None, :])[0])


def _outstanding(classifier: Classifier, row: NDArray[np.float32]) -> NDArray[np.int64]:
    """Numbers of the features that are far from their mean, weighed by how much networks and trees look at them."""
    networks, trees = classifier.networks, classifier.trees
    weight = np.linalg.norm(networks.hidden, axis=1)
    asked = np.bincount(trees.feature, minlength=len(row)).astype(np.float64)
    influence = weight / max(float(weight.sum()), 1e-9) + asked / max(float(asked.sum()), 1.0)
    standing = np.minimum(np.abs((row - networks.mean) * networks.scale), _FAR) * influence
    return np.argsort(-standing, kind="stable")[:_TRIED]


_FAR = 4.0  # standard deviations: the classifier sees no more


def _log_odds(likely: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    within = np.clip(likely, 1e-9, 1 - 1e-9)
    odds: NDArray[np.float64] = np.log(within / (1 - within))
    return odds


def _rounded(likely: np.float32) -> float:
    return round(float(likely), 4)
