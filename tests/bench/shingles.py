"""How much of a text was found: shares of 4-grams, as the article-extraction-benchmark counts them.

Source: https://github.com/scrapinghub/article-extraction-benchmark (MIT), its `evaluate.py`.
"""

import random
import re
import statistics
from collections import Counter
from collections.abc import Sequence

_TOKEN = re.compile(r"\w+")
Row = tuple[float, float, float]
Gram = tuple[str, ...]


def overlap(true: str, found: str) -> Row:
    """Right, too much and missed, each as a share of all 4-grams of both, so that long texts weigh no more."""
    wanted, given = _shingles(true), _shingles(found)
    right = sum((wanted & given).values())
    wrong, missed = given.total() - right, wanted.total() - right
    total = right + wrong + missed
    return (right / total, wrong / total, missed / total) if total else (0.0, 0.0, 0.0)


def summarise(rows: Sequence[Row], *, rounds: int = 500) -> tuple[float, float, float, float, float]:
    """F1 of mean precision and mean recall, the ends of its 95 % bootstrap interval, precision, recall."""
    rng = random.Random(1)
    found = sorted(_means(rng.choices(rows, k=len(rows)))[0] for _ in range(rounds))
    f1, precision, recall = _means(rows)
    return f1, found[int(0.025 * rounds)], found[int(0.975 * rounds)], precision, recall


def _means(rows: Sequence[Row]) -> tuple[float, float, float]:
    precision = statistics.fmean([_ratio(right, wrong, missed) for right, wrong, missed in rows if right + wrong > 0] or [0.0])
    recall = statistics.fmean([_ratio(right, missed, wrong) for right, wrong, missed in rows if right + missed > 0] or [0.0])
    return (2 * precision * recall / (precision + recall) if precision + recall else 0.0), precision, recall


def _ratio(right: float, bad: float, other: float) -> float:
    if bad == other == 0:
        return 1.0
    return right / (right + bad) if right + bad else 0.0


def _shingles(text: str) -> Counter[Gram]:
    return Counter(grams(words_of(text)))


def words_of(text: str) -> list[str]:
    """The words that are counted by."""
    return _TOKEN.findall(text)


def grams(words: Sequence[str]) -> list[Gram]:
    """Four words in a row, from each on; all of them where there are fewer."""
    return [tuple(words[at : at + 4]) for at in range(max(1, len(words) - 3))] if words else []
