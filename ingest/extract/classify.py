"""How likely is each block part of the article: a blend of boosted trees and small networks, as plain arrays.

The arrays are made by tests/bench/train_extract.py and lie in `weights/blocks.npz`; `weights/card.md` tells of what they were
learned and how well they do. Nothing but numpy is needed to use them, and the same page gives the same numbers everywhere.
"""

import functools
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from ingest.extract.features import FEATURES, Matrix

_RULES = 1  # raised when the code around the weights changes what is chosen
_CLIP = 4.0  # standard deviations; the networks saw no more


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees of at most 16 leaves each, laid out for QuickScorer.

    A condition that does not hold takes away the leaves on its left: what a tree says is the first leaf that is left when all its
    conditions were looked at, whatever their order. So all conditions of all trees are one array operation.
    Source: Lucchese et al., QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees, 2015.
    """

    feature: NDArray[np.int16]  # of each condition, by tree
    threshold: NDArray[np.float32]
    mask: NDArray[np.uint16]  # leaves that stay when the condition does not hold
    start: NDArray[np.int32]  # of each tree among the conditions
    leaf: NDArray[np.float32]  # (trees, 16)

    def scores(self, features: Matrix) -> NDArray[np.float32]:
        """Log-odds of each row."""
        by_condition = np.ascontiguousarray(features.T)[self.feature]  # conditions in rows: whole rows are compared and joined
        fails = by_condition > self.threshold[:, np.newaxis]
        left = np.bitwise_and.reduceat(np.where(fails, self.mask[:, np.newaxis], _ALL_LEAVES), self.start, axis=0)
        first = _FIRST_LEAF[left & (~left + np.uint16(1))]
        sums: NDArray[np.float32] = self.leaf[np.arange(len(self.start))[:, np.newaxis], first].sum(axis=0)
        return sums


_ALL_LEAVES = np.uint16(0xFFFF)
_FIRST_LEAF = np.zeros(1 << 16, dtype=np.uint8)  # of the lowest bit alone
_FIRST_LEAF[1 << np.arange(16)] = np.arange(16)


@dataclass(frozen=True, slots=True)
class Networks:
    """Networks of one hidden layer side by side: their weights are one matrix, their answers are averaged."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    hidden: NDArray[np.float32]  # (features, networks * units)
    hidden_bias: NDArray[np.float32]
    out: NDArray[np.float32]  # (networks, units)
    out_bias: NDArray[np.float32]

    def probabilities(self, features: Matrix) -> NDArray[np.float32]:
        """Of each row."""
        normal = np.clip((features - self.mean) * self.scale, -_CLIP, _CLIP)
        sums = np.concatenate([normal[at : at + _ROWS] @ self.hidden for at in range(0, len(normal), _ROWS)])
        units = np.maximum(sums + self.hidden_bias, 0).reshape(len(features), *self.out.shape)
        found: NDArray[np.float32] = sigmoid((units * self.out).sum(axis=2) + self.out_bias).mean(axis=1)
        return found


# Rows multiplied at once: beneath what OpenBLAS starts threads for, which cost 10 ms a page where all cores have work already.
_ROWS = 12


@dataclass(frozen=True, slots=True)
class Classifier:
    """The model: `scores` weighs the words of names for the features, `share` is the weight of the trees in the blend."""

    scores: Mapping[str, float]
    trees: Trees
    networks: Networks
    share: float
    version: str

    def probabilities(self, features: Matrix) -> NDArray[np.float32]:
        """For each row of features how likely its block belongs to the article, 0–1."""
        if not len(features):
            return np.zeros(0, np.float32)
        return self.share * sigmoid(self.trees.scores(features)) + (1 - self.share) * self.networks.probabilities(features)


def sigmoid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 / (1 + e⁻ˣ) without overflow."""
    found: NDArray[np.float32] = 0.5 * (1 + np.tanh(0.5 * values))
    return found


@functools.cache
def load_classifier() -> Classifier:
    """The model that comes with the package, read once in each process (10 ms)."""
    return read_classifier(files("ingest.extract").joinpath("weights", "blocks.npz").read_bytes())


def read_classifier(data: bytes) -> Classifier:
    """The model in the bytes of an .npz file. Raises ValueError when it was made for other features."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        made_for = json.loads(arrays["features"].tobytes())
        if made_for != list(FEATURES):
            raise ValueError("the weights were made for other features: train anew")
        return Classifier(
            scores=json.loads(arrays["scores"].tobytes()),
            trees=Trees(*(arrays[f"trees_{name}"] for name in ("feature", "threshold", "mask", "start", "leaf"))),
            networks=Networks(*(arrays[f"networks_{name}"] for name in Networks.__slots__)),
            share=float(arrays["share"]),
            version=f"{_RULES}.{hashlib.sha256(data).hexdigest()[:8]}",
        )
