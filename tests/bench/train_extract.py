"""Train the block classifier from a folder of pages with their true texts, cross-validated by site; write weights and card.

usage: python -m tests.bench.train_extract FOLDER [--out ingest/extract/weights] [--folds 5] [--data LICENCES]

FOLDER holds *.jsonl files; each line has `id`, `source`, `domain` (registered), `url`, `html_path` (gzip, in FOLDER) and
`truth.body`. A block belongs to the article when half of its 4-grams stand in the true text. No site is ever in training and test
at once, nor are the words of names weighed on the pages they are used for. The same folder gives the same bytes.

Needs what `make train` installs: lightgbm and scikit-learn.
"""

import argparse
import gzip
import io
import json
import math
import random
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from ingest.extract.blocks import Segmented
from ingest.extract.by_readability import find_chosen
from ingest.extract.choice import settle
from ingest.extract.classify import Classifier, read_classifier
from ingest.extract.features import FEATURES, Told, find_features
from ingest.extract.reading import read_page
from tests.bench.shingles import grams, overlap, summarise, words_of

_NOW = datetime(2100, 1, 1, tzinfo=UTC)  # no date of a page is too new, whenever this runs
_MIN_DOMAINS = 4  # a word of names must be used by so many sites to be weighed
_INNER = 3  # folds for the weights of words
_NEGATIVES = 0.35  # of the blocks outside articles are learned from; the others say the same
_BOOSTERS, _ROUNDS = 1, 150
_NETWORKS, _UNITS, _EPOCHS = 4, 32, 10
_SHARE = 0.5  # of the trees in the blend
_TREES = {
    "objective": "cross_entropy", "learning_rate": 0.08, "num_leaves": 16, "max_bin": 63, "min_data_in_leaf": 60,
    "feature_fraction": 0.3, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5.0, "min_sum_hessian_in_leaf": 1e-3,
    "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbosity": -1,
}  # fmt: skip


@dataclass(slots=True)
class Page:
    """A page to learn from. `label` is the share of each block's 4-grams in the true text, `weight` what it counts for."""

    id: str
    source: str
    domain: str
    truth: str
    segmented: Segmented
    told: Told
    second: frozenset[int]  # what readability keeps
    label: NDArray[np.float64] = field(repr=False)
    weight: NDArray[np.float64] = field(repr=False)


# ── pages and labels ────────────────────────────────────────────────────────────────────────────────────────────────────


def load_pages(folder: Path) -> list[Page]:
    """All pages of the folder that have a true text, in a fixed order."""
    items = [json.loads(line) for index in sorted(folder.glob("*.jsonl")) for line in index.read_text("utf-8").splitlines()]
    wanted = [item for item in sorted(items, key=lambda item: str(item["id"])) if item["truth"].get("body")]
    with get_context("fork").Pool(2) as pool:
        return pool.map(partial(_load_page, folder), wanted, chunksize=16)


def _load_page(folder: Path, item: Mapping[str, Any]) -> Page:
    body = gzip.decompress((folder / item["html_path"]).read_bytes())
    read = read_page(body, url=item["url"], content_type="text/html", now=_NOW)
    segmented, truth = read.segmented, str(item["truth"]["body"])
    label, weight = label_blocks([block.text for block in segmented.blocks], truth)
    second = find_chosen(read.tree, segmented)
    for node in segmented.nodes:
        node.element = None
    return Page(item["id"], item["source"], item["domain"], truth, segmented, read.told, second, label, weight)


def label_blocks(texts: Sequence[str], truth: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much of each block stands in the true text, and its weight: 4-grams it has, as a share of the page's."""
    known = set(grams(words_of(truth)))
    lines = {" ".join(words_of(line)) for line in truth.split("\n")}
    label, weight = np.zeros(len(texts)), np.zeros(len(texts))
    for place, text in enumerate(texts):
        words = words_of(text)
        if len(words) >= 4:
            found = grams(words)
            label[place], weight[place] = sum(gram in known for gram in found) / len(found), len(found) + 3
        else:
            label[place], weight[place] = float(bool(words) and " ".join(words) in lines), 3 if words else 0.5
    return label, weight / max(weight.sum(), 1)


# ── words of names ──────────────────────────────────────────────────────────────────────────────────────────────────────


def weigh_words(pages: Iterable[Page]) -> dict[str, float]:
    """Log-odds that what stands under a name belongs to the article, each site counted once."""
    inside, outside = defaultdict(lambda: defaultdict(list)), defaultdict(lambda: defaultdict(list))
    for page in pages:
        for word, (body, rest) in _shares(page).items():
            inside[word][page.domain].append(body)
            outside[word][page.domain].append(rest)
    mean = lambda sites: sum(sum(values) / len(values) for values in sites.values())  # noqa: E731
    return {
        word: round(math.log((mean(inside[word]) + 0.5) / (mean(outside[word]) + 0.5)), 3)
        for word in sorted(inside)
        if len(inside[word]) >= _MIN_DOMAINS
    }


def _shares(page: Page) -> dict[str, tuple[float, float]]:
    """For each word of names: the greatest share of the article's and of the other characters under one element."""
    chars = np.array([len(block.text) for block in page.segmented.blocks], dtype=float)
    is_body = page.label >= 0.5
    body = np.concatenate(([0], np.cumsum(chars * is_body)))
    rest = np.concatenate(([0], np.cumsum(chars * ~is_body)))
    found: dict[str, tuple[float, float]] = {}
    for node in page.segmented.nodes:
        one = (body[node.end] - body[node.start]) / max(body[-1], 1), (rest[node.end] - rest[node.start]) / max(rest[-1], 1)
        for word in node.hints.words:
            before = found.get(word, (0.0, 0.0))
            found[word] = max(before[0], one[0]), max(before[1], one[1])
    return found


# ── models ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learned, as a model to use and as the bytes that are shipped."""

    classifier: Classifier
    data: bytes


def fit(pages: Sequence[Page]) -> Fitted:
    """A model learned from `pages`."""
    rows = _features_across_folds(pages)
    features = np.concatenate(rows)
    label = np.concatenate([page.label for page in pages])
    weight = np.concatenate([page.weight for page in pages])
    taken = (label > 0.2) | (np.random.default_rng(1).random(len(label)) < _NEGATIVES)
    weight = np.where(label > 0.2, weight, weight / _NEGATIVES)[taken]
    weight *= len(weight) / weight.sum()
    features, label = features[taken], label[taken]
    arrays = {
        "features": _text(list(FEATURES)),
        "scores": _text(weigh_words(pages)),
        "share": np.array(_SHARE),
        **{f"trees_{name}": value for name, value in _fit_trees(features, label, weight).items()},
        **{f"networks_{name}": value for name, value in _fit_networks(features, label, weight).items()},
    }
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return Fitted(read_classifier(out.getvalue()), out.getvalue())


def _features_across_folds(pages: Sequence[Page]) -> list[NDArray[np.float32]]:
    """The features of each page, with words weighed on the pages of other sites only."""
    place = _folds(pages, _INNER, seed=7)
    rows: list[NDArray[np.float32]] = [np.zeros((0, len(FEATURES)), np.float32)] * len(pages)
    for fold in range(_INNER):
        scores = weigh_words(page for page in pages if place[page.domain] != fold)
        for number, page in enumerate(pages):
            if place[page.domain] == fold:
                rows[number] = find_features(page.segmented, page.told, scores)
    return rows


def _folds(pages: Sequence[Page], count: int, *, seed: int) -> dict[str, int]:
    sites = sorted({page.domain for page in pages})
    random.Random(seed).shuffle(sites)
    return {site: number % count for number, site in enumerate(sites)}


def _text(value: object) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value, separators=(",", ":")).encode(), dtype=np.uint8)


def _fit_trees(features: NDArray[np.float32], label: NDArray[np.float64], weight: NDArray[np.float64]) -> dict[str, Any]:
    trees: list[dict[str, Any]] = []
    for seed in range(_BOOSTERS):
        data = lightgbm.Dataset(features, label, weight=weight, free_raw_data=False)
        booster = lightgbm.train({**_TREES, "seed": seed + 1}, data, _ROUNDS)
        trees += [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    return _lay_out_all(trees, share=1 / _BOOSTERS)


def _lay_out_all(trees: Sequence[dict[str, Any]], *, share: float) -> dict[str, Any]:
    """The arrays of `Trees`; each leaf counts for `share` of what it says."""
    laid = [_lay_out(tree) for tree in trees if "split_feature" in tree]
    leaves = np.zeros((len(laid), 16), np.float32)
    for number, tree in enumerate(laid):
        leaves[number, : len(tree[3])] = np.array(tree[3]) * share
    return {
        "feature": np.concatenate([tree[0] for tree in laid]).astype(np.int16),
        "threshold": np.concatenate([tree[1] for tree in laid]).astype(np.float32),
        "mask": np.concatenate([tree[2] for tree in laid]).astype(np.uint16),
        "start": np.concatenate(([0], np.cumsum([len(tree[0]) for tree in laid])[:-1])).astype(np.int32),
        "leaf": leaves,
    }


def _lay_out(tree: dict[str, Any]) -> tuple[list[int], list[np.float32], list[int], list[float]]:
    """Conditions, thresholds, masks and leaves of one tree, leaves numbered from left to right (see `Trees`)."""
    feature: list[int] = []
    threshold: list[np.float32] = []
    mask: list[int] = []
    leaves: list[float] = []

    def walk(node: dict[str, Any]) -> None:
        if "leaf_value" in node:
            leaves.append(float(node["leaf_value"]))
            return
        place, first = len(feature), len(leaves)
        feature.append(int(node["split_feature"]))
        threshold.append(_round_down(float(node["threshold"])))
        mask.append(0)
        walk(node["left_child"])
        mask[place] = 0xFFFF & ~(((1 << len(leaves)) - 1) & ~((1 << first) - 1))
        walk(node["right_child"])

    walk(tree)
    return feature, threshold, mask, leaves


def _round_down(value: float) -> np.float32:
    """The greatest 32-bit number that is not above: features are such numbers, and the same ones pass."""
    rounded = np.float32(value)
    return np.nextafter(rounded, np.float32(-np.inf)) if float(rounded) > value else rounded


def _fit_networks(features: NDArray[np.float32], label: NDArray[np.float64], weight: NDArray[np.float64]) -> dict[str, Any]:
    mean, scale = features.mean(axis=0), 1 / (features.std(axis=0) + 1e-3)
    normal = np.clip((features - mean) * scale, -4, 4).astype(np.float32)
    found = []
    for seed in range(_NETWORKS):
        network = MLPClassifier(
            (_UNITS,),
            alpha=3e-3,
            batch_size=512,
            learning_rate_init=2e-3,
            max_iter=_EPOCHS,
            random_state=seed,
            n_iter_no_change=99,
        )
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")  # it does not converge in so few rounds, and is not meant to
            network.fit(normal, label >= 0.5, sample_weight=weight)
        found.append(network)
    return {
        "mean": mean.astype(np.float32),
        "scale": scale.astype(np.float32),
        "hidden": np.concatenate([network.coefs_[0] for network in found], axis=1).astype(np.float32),
        "hidden_bias": np.concatenate([network.intercepts_[0] for network in found]).astype(np.float32),
        "out": np.stack([network.coefs_[1][:, 0] for network in found]).astype(np.float32),
        "out_bias": np.array([network.intercepts_[1][0] for network in found], dtype=np.float32),
    }


# ── cross-validation ────────────────────────────────────────────────────────────────────────────────────────────────────


def cross_validate(pages: Sequence[Page], folds: int) -> dict[str, NDArray[np.float32]]:
    """For each page how likely its blocks are, by a model that saw no page of its site."""
    place = _folds(pages, folds, seed=1)
    with get_context("fork").Pool(2) as pool:
        found = pool.map(partial(_likely_in_fold, pages, place), range(folds), chunksize=1)
    return {key: value for part in found for key, value in part.items()}


def _likely_in_fold(pages: Sequence[Page], place: Mapping[str, int], fold: int) -> dict[str, NDArray[np.float32]]:
    model = fit([page for page in pages if place[page.domain] != fold]).classifier
    return {
        page.id: model.probabilities(find_features(page.segmented, page.told, model.scores))
        for page in pages
        if place[page.domain] == fold
    }


def score(pages: Sequence[Page], likely: Mapping[str, NDArray[np.float32]]) -> dict[str, tuple[float, ...]]:
    """F1 with its 95 % interval, precision and recall by source, second opinion included."""
    rows = defaultdict(list)
    for page in pages:
        choice = settle(page.segmented, likely[page.id], lambda page=page: page.second)
        text = "\n".join(page.segmented.blocks[number].text for number in choice.blocks)
        rows[page.source].append(overlap(page.truth, text))
    return {source: summarise(found) for source, found in sorted(rows.items())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("ingest/extract/weights"))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--data", default="not said", help="what the pages are and their licences, for the card")
    given = parser.parse_args()
    pages = load_pages(given.folder)
    print(f"{len(pages)} pages of {len({page.domain for page in pages})} sites")
    scores = score(pages, cross_validate(pages, given.folds))
    table = [_line(source, len([page for page in pages if page.source == source]), found) for source, found in scores.items()]
    print("\n".join(table))
    fitted = fit(pages)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "blocks.npz").write_bytes(fitted.data)
    (given.out / "card.md").write_text(_card(pages, given, table, fitted), "utf-8")
    print(f"wrote {given.out / 'blocks.npz'}: {len(fitted.data) / 1000:.0f} kB, version {fitted.classifier.version}")


def _line(source: str, count: int, found: tuple[float, ...]) -> str:
    f1, low, high, precision, recall = found
    return f"| {source} | {count} | {f1:.3f} | {low:.3f}–{high:.3f} | {precision:.3f} | {recall:.3f} |"


def _card(pages: Sequence[Page], given: argparse.Namespace, table: list[str], fitted: Fitted) -> str:
    return _CARD.format(
        version=fitted.classifier.version,
        pages=len(pages),
        sites=len({page.domain for page in pages}),
        blocks=sum(len(page.segmented.blocks) for page in pages),
        data=given.data,
        folds=given.folds,
        table="\n".join(table),
        features=len(FEATURES),
        words=len(fitted.classifier.scores),
        trees=len(fitted.classifier.trees.start),
        networks=len(fitted.classifier.networks.out_bias),
        units=fitted.classifier.networks.out.shape[1],
        size=len(fitted.data) / 1000,
    )


_CARD = """# Block classifier {version}

Tells which blocks of a web page are its article. Written by `tests/bench/train_extract.py`; do not edit.

**Learned from** {pages} pages of {sites} sites, {blocks} blocks. Data: {data}. The weights hold no text of theirs; {words} words
out of names of classes and ids are listed with a number each, those that {minimum} sites or more use.

**Model**: {features} features of a block that know no language; {trees} boosted trees of up to 16 leaves and {networks} networks
of {units} units, blended; {size:.0f} kB.

**Scores**, cross-validated by registered domain in {folds} folds (no site in training and test), 4-gram shingles, macro-averaged,
95 % bootstrap interval, readability-lxml asked where the model is unsure:

| source | pages | F1 | 95 % | precision | recall |
|---|---|---|---|---|---|
{table}

**Limits**: articles of news sites and blogs. Forums, shops, live tickers and pages of comments are read as if they were articles.
Pages that build their text by script have none to find. What a site means by its article (its summary, its fact boxes, captions)
differs, and the labels differ with it: a perfect choice of blocks would reach about .98–.99.
""".replace("{minimum}", str(_MIN_DOMAINS))


if __name__ == "__main__":
    main()
