"""Lines of a batch: however long, broken or unlucky one is, the others are read."""

import asyncio
import io
import json
from pathlib import Path

import pytest

from ingest.cli.batch import Batch, _read_lines, _Run
from ingest.config import load

GOOD = b'{"id": 5, "url": "https://a.example/1", "html": "<p>x"}'


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"", []),
        (b"a\nb", [(1, b"a\n"), (2, b"b")]),
        (b"\n  \r\na\r\n\n", [(3, b"a\r\n")]),
        (b"12345678\n123456789\na\n", [(1, None), (2, None), (3, b"a\n")]),
        (b"1234567\na\n", [(1, b"1234567\n"), (2, b"a\n")]),
        (b"x" * 100, [(1, None)]),
        (b"x" * 100 + b"\n\n" + b"y" * 17 + b"\nz", [(1, None), (3, None), (4, b"z")]),
    ],
)
def test_a_line_that_is_too_long_is_skipped_to_its_end(text, lines):
    assert list(_read_lines(io.BytesIO(text), 8)) == lines


def test_a_defect_costs_one_page_and_is_counted(tmp_path, capfd):
    async def pool(timeout_s, call, page):
        raise ZeroDivisionError("by nought")

    run = _Run(load(env={}, cwd=tmp_path), Path("in.ndjson"), is_learned=True)
    batch = Batch(total=None)
    line = json.loads(asyncio.run(run._extract(pool, 7, GOOD, batch)))
    assert line == {
        "id": 5,
        "url": "https://a.example/1",
        "error": {"outcome": "internal_error", "reason": "ZeroDivisionError: by nought"},
    }
    assert (batch.ok, batch.failed, batch.crashed, str(batch)) == (0, 1, 1, "pages 0 ok, 1 failed")
    assert "page_crashed" in capfd.readouterr().err
