"""Extract every page of a folder and write what was found, one JSON line a page, for a scorer to compare with the truth.

usage: python tests/bench/quality_extract.py FOLDER PREDICTIONS.jsonl

FOLDER holds *.jsonl files whose lines name a page by `id`, `url` and `html_path` (gzip, beside them).
"""

import argparse
import gzip
import json
import time
from pathlib import Path
from typing import Any

from ingest.clock import utc_now
from ingest.errors import ExtractError
from ingest.extract.article import extract


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("output", type=Path)
    given = arguments.parse_args()
    started, count = time.process_time(), 0
    with given.output.open("w", encoding="utf-8") as out:
        for index in sorted(given.folder.glob("*.jsonl")):
            for line in index.read_text("utf-8").splitlines():
                count += 1
                out.write(json.dumps(_predict(given.folder, json.loads(line))) + "\n")
    print(f"{count} pages, {1000 * (time.process_time() - started) / max(count, 1):.1f} ms of CPU a page")


def _predict(folder: Path, item: dict[str, Any]) -> dict[str, Any]:
    page = gzip.decompress((folder / item["html_path"]).read_bytes())
    try:
        found = extract(page, url=item["url"], headers={"content-type": "text/html"}, now=utc_now())
    except ExtractError as error:
        return {"id": item["id"], "body": "", "error": f"{error.outcome}: {error.reason}"}
    return {
        "id": item["id"],
        "body": found.text,
        "title": found.title,
        "date": found.published_at.isoformat() if found.published_at else None,
        "authors": list(found.authors),
        "language": found.language,
        "extractor": found.extractor,
    }


if __name__ == "__main__":
    main()
