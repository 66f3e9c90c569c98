"""How many labelled pages get their class: a confusion matrix over those for design (odd) and those held out (even).

usage: python -m tests.bench.quality_classes [--wrong] [--readability]
"""

import argparse
import time
from collections import Counter

from ingest.extract.quality import Quality, judge
from tests.qualitypages import CLASSES, LabelledPage, load_pages, read

_OTHERS = ("short", "none")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument(
        "--wrong", action="store_true", help="name each page of design that gets another class, with the reason"
    )
    arguments.add_argument("--readability", action="store_true", help="blocks chosen by readability alone")
    given = arguments.parse_args()
    pages = [read(page, is_learned=not given.readability) for page in load_pages()]
    started = time.process_time()
    verdicts = [(page.labelled, *judge(page.evidence())) for page in pages]
    spent = time.process_time() - started
    for name, chosen in (("odd, for design", False), ("even, held out", True)):
        judged = [verdict for verdict in verdicts if verdict[0].is_held_out is chosen]
        print_matrix(name, judged)
        if given.wrong and not chosen:
            for page, found, reason in judged:
                if found is not page.expected:
                    print(f"  {page.name}: {found} ({reason}); {page.shows}")

    print(f"\n{1000 * spent / len(pages):.2f} ms of CPU a page, evidence and verdict")


def print_matrix(name: str, judged: list[tuple[LabelledPage, Quality, str]]) -> None:
    counts = Counter((str(page.expected), str(found)) for page, found, _ in judged)
    columns = (*CLASSES, *_OTHERS)
    print(f"\n{name}: {len(judged)} pages; rows are the labels")
    print(" " * 13 + "".join(f"{column[:9]:>10}" for column in columns) + f"{'recall':>8}{'precision':>11}")
    for label in CLASSES:
        row = [counts[label, column] for column in columns]
        found = sum(counts[other, label] for other in CLASSES)
        right = counts[label, label]
        print(
            f"{label:13}"
            + "".join(f"{count or '·':>10}" for count in row)
            + f"{right / sum(row):8.2f}{right / max(found, 1):11.2f}"
        )


if __name__ == "__main__":
    main()
