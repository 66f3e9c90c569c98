"""Training: labels, words, and that the same pages give the same bytes and the arrays say what the trees say."""

import gzip
import json
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from ingest.extract.classify import Trees
from tests.bench.train_extract import _TREES, _lay_out_all, fit, label_blocks, load_pages, weigh_words

STORIES = ("The harbour was closed", "The council met again", "A bridge was opened", "The ferry ran late", "Two boats were found")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Invented pages of ten sites, four of each."""
    found = tmp_path_factory.mktemp("pages")
    lines = []
    for number in range(40):
        body = [
            f"{STORIES[(number + part) % 5]} in the year {1900 + number}, said the harbour master, and {part} more."
            for part in range(9)
        ]
        menu = "".join(f"<li><a href='/{one}'>Section {one}</a></li>" for one in range(20))
        story = "".join(f"<p>{text}</p>" for text in body)
        article = f"<div class='article-text'><h1>Story {number}</h1>{story}</div>"
        page = f"<body><ul class='nav-menu'>{menu}</ul>{article}<div class='footer'>© 2026</div>"
        (found / f"{number}.html.gz").write_bytes(gzip.compress(page.encode()))
        site = f"site{number % 10}.example"
        item = {
            "id": f"p{number:02}",
            "source": "made",
            "domain": site,
            "url": f"https://{site}/{number}",
            "html_path": f"{number}.html.gz",
        }
        lines.append(json.dumps(item | {"truth": {"body": "\n".join(body)}}))
    (found / "made.jsonl").write_text("\n".join(lines))
    return found


def test_a_block_is_labelled_by_how_much_of_it_stands_in_the_true_text() -> None:
    truth = "One two three four five six seven.\nShort line"
    label, weight = label_blocks(
        ["one two three four", "One two three four five six", "Short line", "line", "", "Nothing of it here at all"], truth
    )
    assert label.tolist() == [0, 1, 1, 0, 0, 0]
    assert weight.sum() == pytest.approx(1)


def test_names_around_the_text_weigh_more_than_those_of_menus(folder: Path) -> None:
    words = weigh_words(load_pages(folder))
    assert words["article"] > 0 > words["nav"]


def test_the_same_pages_give_the_same_bytes_and_the_model_finds_their_text(folder: Path) -> None:
    pages = load_pages(folder)
    first, second = fit(pages), fit(load_pages(folder))
    assert first.data == second.data
    assert len(first.data) < 1_000_000


def test_the_arrays_say_what_the_trees_say() -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(800, 6)).astype(np.float32)
    label = ((features[:, 0] > 0) ^ (features[:, 1] > 0.5)).astype(float)
    booster = lightgbm.train({**_TREES, "seed": 1}, lightgbm.Dataset(features, label), 30)
    trees = Trees(**_lay_out_all([tree["tree_structure"] for tree in booster.dump_model()["tree_info"]], share=1.0))
    assert np.allclose(trees.scores(features), booster.predict(features, raw_score=True), atol=1e-5)
