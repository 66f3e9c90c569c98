"""Small classifiers made by hand: what they answer can be worked out on paper."""

import io
import json
from collections.abc import Mapping

import numpy as np

from ingest.extract.classify import Classifier, read_classifier
from ingest.extract.features import FEATURES

_OFFSET = 64.0  # keeps the one unit above zero, where it is linear
_SCALE = 1 / 16  # so that nothing is clipped


def linear(weights: Mapping[str, float], bias: float = 0.0, *, mean: Mapping[str, float] | None = None) -> Classifier:
    """Log-odds are `bias` and each feature times its weight; nothing is said by trees."""
    return read_classifier(linear_bytes(weights, bias, mean=mean))


def linear_bytes(weights: Mapping[str, float], bias: float = 0.0, *, mean: Mapping[str, float] | None = None) -> bytes:
    """The same as the bytes of a file of weights."""
    means = np.array([(mean or {}).get(name, 0.0) for name in FEATURES], np.float32)
    hidden = np.array([[weights.get(name, 0.0)] for name in FEATURES], np.float32)
    out = io.BytesIO()
    np.savez_compressed(
        out,
        features=_text(list(FEATURES)),
        scores=_text({}),
        share=np.array(0.0),
        trees_feature=np.zeros(1, np.int16),
        trees_threshold=np.zeros(1, np.float32),
        trees_mask=np.full(1, 0xFFFF, np.uint16),
        trees_start=np.zeros(1, np.int32),
        trees_leaf=np.zeros((1, 16), np.float32),
        networks_mean=means,
        networks_scale=np.full(len(FEATURES), _SCALE, np.float32),
        networks_hidden=hidden / np.float32(_SCALE),
        networks_hidden_bias=np.array([_OFFSET + means @ hidden[:, 0]], np.float32),
        networks_out=np.ones((1, 1), np.float32),
        networks_out_bias=np.array([bias - _OFFSET], np.float32),
    )
    return out.getvalue()


def _text(value: object) -> np.ndarray:
    return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)
