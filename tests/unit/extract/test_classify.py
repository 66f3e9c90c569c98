"""The model as arrays: what trees and networks answer, and that the weights fit the features."""

import io
import json

import numpy as np
import pytest

from ingest.extract.classify import Networks, Trees, load_classifier, read_classifier, sigmoid
from ingest.extract.features import FEATURES

# x0 ≤ 1 ? (x1 ≤ 5 ? 10 : 20) : 30, and x1 ≤ 2 ? 1 : 2.
STUMPS = Trees(
    feature=np.array([0, 1, 1], np.int16),
    threshold=np.array([1, 5, 2], np.float32),
    mask=np.array([0xFFFC, 0xFFFE, 0xFFFE], np.uint16),
    start=np.array([0, 2], np.int32),
    leaf=np.array([[10, 20, 30, *[0] * 13], [1, 2, *[0] * 14]], np.float32),
)


@pytest.mark.parametrize(("row", "score"), [((0, 0), 11), ((1, 5), 12), ((1, 6), 22), ((2, 0), 31), ((2, 9), 32)])
def test_a_row_falls_into_one_leaf_of_each_tree(row: tuple[float, float], score: float) -> None:
    assert STUMPS.scores(np.array([row], np.float32)).tolist() == [score]


def test_networks_answer_the_mean_of_their_answers() -> None:
    two = Networks(
        mean=np.zeros(1, np.float32),
        scale=np.ones(1, np.float32),
        hidden=np.array([[1.0, 0.0]], np.float32),
        hidden_bias=np.zeros(2, np.float32),
        out=np.array([[2.0], [0.0]], np.float32),
        out_bias=np.array([0.0, 0.0], np.float32),
    )
    rows = np.linspace(-3, 3, 40, dtype=np.float32).reshape(-1, 1)
    assert np.allclose(two.probabilities(rows), (sigmoid(2 * np.maximum(rows[:, 0], 0)) + 0.5) / 2)


def test_a_page_without_blocks_has_no_probabilities() -> None:
    assert load_classifier().probabilities(np.zeros((0, len(FEATURES)), np.float32)).shape == (0,)


def test_the_weights_that_come_along_are_small_and_fit_the_features() -> None:
    classifier = load_classifier()
    assert len(classifier.networks.mean) == len(FEATURES)
    assert classifier.trees.feature.max() < len(FEATURES)
    assert classifier.version.count(".") == 1


def test_weights_made_for_other_features_are_refused() -> None:
    out = io.BytesIO()
    np.savez(out, features=np.frombuffer(json.dumps(["height"]).encode(), dtype=np.uint8))
    with pytest.raises(ValueError, match="other features"):
        read_classifier(out.getvalue())
