"""Parse every feed of a folder and write what was understood, one JSON line a file, for a scorer to compare with the truth.

usage: python tests/bench/quality_parse.py FOLDER OUT.jsonl

FOLDER holds feeds as NAME beside NAME.expect.json, which names the `url` and the HTTP `headers` a feed came with.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from ingest.clock import utc_now
from ingest.errors import ParseError
from ingest.model import Entry, ParsedFeed
from ingest.parse import parse
from ingest.policy import ParsePolicy


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("output", type=Path)
    given = arguments.parse_args()
    started, count = time.process_time(), 0
    with given.output.open("w", encoding="utf-8") as out:
        for expected in sorted(given.folder.glob("*.expect.json")):
            count += 1
            out.write(json.dumps(_line(expected)) + "\n")
    print(f"{count} feeds, {1000 * (time.process_time() - started) / max(count, 1):.1f} ms of CPU a feed")


def _line(expected: Path) -> dict[str, Any]:
    said = json.loads(expected.read_text("utf-8"))
    name = expected.name.removesuffix(".expect.json")
    headers = {key.lower(): value for key, value in (said.get("headers") or {"content-type": "application/xml"}).items()}
    body = expected.with_name(name).read_bytes()
    try:
        parsed = parse(body, url=said.get("url") or "", headers=headers, policy=ParsePolicy(), now=utc_now())
    except ParseError as error:
        return {"file": name, "error": f"{error.outcome}: {error.reason}"}
    return {
        "file": name,
        "feed": _head(parsed),
        "entries": [_entry(entry) for entry in parsed.entries],
        "repaired": parsed.repaired,
    }


def _head(parsed: ParsedFeed) -> dict[str, Any]:
    head = parsed.head
    updated = head.updated_at.isoformat() if head.updated_at else None
    return {
        "id": head.id,
        "author": head.authors[0] if head.authors else None,
        "title": head.title,
        "link": head.site_url,
        "description": head.description,
        "language": head.language,
        "updated": updated,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.guid,
        "title": entry.title,
        "link": entry.url,
        "published": entry.published_at.isoformat() if entry.published_at else None,
        "updated": entry.updated_at.isoformat() if entry.updated_at else None,
        "author": entry.authors[0] if entry.authors else None,
        "summary": entry.summary,
        "content": entry.content,
        "categories": list(entry.categories),
        "enclosures": [enclosure.url for enclosure in entry.enclosures],
    }


if __name__ == "__main__":
    main()
