"""`ingest extract --batch`: many pages, on all cores, in the order in which they came.

IN.ndjson ─ line by line ─▶ page ─ worker process ─▶ line ─▶ OUT.ndjson, which is there when it is whole

A page costs itself at most: what cannot be read, takes too long or kills its worker is a line with an error. What is in flight is
bounded in pages and bytes, however long IN is.
"""

import asyncio
import contextlib
import gzip
import itertools
import json
import os
import signal
import zlib
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import typer

from ingest.cli.documents import STDIN, open_input, reading
from ingest.cli.ending import SOME_FAILED, UNEXPECTED, complain
from ingest.cli.options import run_async, set_up_log_beside_bars
from ingest.cli.output import as_json, opened

if TYPE_CHECKING:
    from ingest.config import Settings
    from ingest.offload import WorkerPool
    from ingest.outcome import Outcome

_AHEAD = 16  # pages in flight for each worker: while one takes seconds, the others go on
_MAX_AHEAD = 256
_MAX_AHEAD_BYTES = 64_000_000  # of lines in flight
_ESCAPED = 6  # characters of a line for one of a page, at most: \u0000
_REST_OF_LINE = 100_000  # bytes, beside the page
_PRELOAD = ("ingest.warm", "ingest.cli.batch")


def extract_batch(settings: "Settings", source: Path, target: Path, *, is_learned: bool) -> None:
    """Extract the pages of `source` into `target`; ends the command with the exit code that tells how that went."""
    set_up_log_beside_bars(settings)
    batch = Batch(total=_count_lines(source))
    with contextlib.ExitStack() as open_files:
        with reading(str(source)):
            lines = open_files.enter_context(open_input(str(source)))
        out = open_files.enter_context(opened(target))
        ended_by = run_async(_Run(settings, source, is_learned=is_learned).extract_all(lines, out, batch))
        if ended_by:
            complain(f"ended after {batch.done:,} pages" + ("" if str(target) == STDIN else f", {target} was not written"))
            raise typer.Exit(128 + ended_by)
    typer.echo(str(batch), err=str(target) == STDIN)
    if batch.crashed:
        raise typer.Exit(UNEXPECTED)
    if batch.failed:
        raise typer.Exit(SOME_FAILED)


def _count_lines(source: Path) -> int | None:
    """How many lines there are, or None where that cannot be known without reading them away."""
    if not source.is_file():
        return None
    with contextlib.suppress(OSError), source.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return None


@dataclass(slots=True)
class Batch:
    """How far it is."""

    total: int | None  # lines
    ok: int = 0
    failed: int = 0
    crashed: int = 0  # of those that failed: a defect of ours

    @property
    def done(self) -> int:
        return self.ok + self.failed

    def __str__(self) -> str:
        return f"pages {self.ok:,} ok, {self.failed:,} failed"


# ── lines in ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Page:
    """One line of the input. Either `html` or `path` is given."""

    id: str | int | None
    url: str
    html: str | None = field(default=None, repr=False)
    path: Path | None = None
    content_type: str | None = None


class _BadLine(Exception):
    """A line that names no page; `id` and `url` as far as they could be read."""

    def __init__(self, reason: str, *, id: Any = None, url: Any = None) -> None:  # noqa: A002  the key's name
        self.reason = reason
        self.id = id if isinstance(id, str | int) else None
        self.url = url if isinstance(url, str) else None
        super().__init__(reason)


def _read_lines(file: BinaryIO, max_bytes: int) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their number, empty ones left out; None for one that is longer than `max_bytes`, of which no more is kept."""
    for number in itertools.count(1):
        line, is_long = _read_line(file, max_bytes)
        if not line:
            return
        if is_long or line.strip():
            yield number, None if is_long else line


def _read_line(file: BinaryIO, max_bytes: int) -> tuple[bytes, bool]:
    """The next line, or the last piece of one that is too long; empty at the end."""
    line = piece = file.readline(max_bytes + 1)
    is_long = len(line) > max_bytes
    while is_long and piece and not piece.endswith(b"\n"):
        piece = file.readline(max_bytes)
    return line, is_long


def _read_page(line: bytes | None, folder: Path) -> _Page:
    """The page that a line names. Raises _BadLine."""
    if line is None:
        raise _BadLine("longer than a page may be (fetch.max_page_bytes)")
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _BadLine(f"no JSON: {error}") from None
    if not isinstance(said, dict):
        raise _BadLine("not an object with url, and html or path")
    if reason := _find_mistake(said):
        raise _BadLine(reason, id=said.get("id"), url=said.get("url"))
    path = folder / said["path"] if said.get("path") is not None else None
    return _Page(said.get("id"), said["url"], said.get("html"), path, said.get("content_type"))


_KEYS: dict[str, tuple[type, ...]] = {"id": (str, int), "url": (str,), "html": (str,), "path": (str,), "content_type": (str,)}


def _find_mistake(said: Mapping[str, Any]) -> str:
    from ingest.urls import is_http_url

    for key, types in _KEYS.items():
        if said.get(key) is not None and (not isinstance(said[key], types) or isinstance(said[key], bool)):
            return f"{key} is no {'text' if types == (str,) else 'text and no whole number'}"
    if said.get("url") is None:
        return "url is missing"
    if not is_http_url(said["url"]):
        return "url is no address that begins with http:// or https://"
    if (said.get("html") is None) == (said.get("path") is None):
        return "one of html and path must be there"
    return ""


# ── in a worker ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _extract_line(page: _Page, *, now: datetime, is_learned: bool, max_bytes: int) -> tuple[str, bool]:
    """The line for a page, and whether it holds an article."""
    from ingest.errors import ExtractError
    from ingest.extract.article import extract
    from ingest.text import count_words

    headers = {"content-type": page.content_type} if page.content_type else {}
    try:
        body = _load_body(page, max_bytes)
        article = extract(body, url=page.url, headers=headers, now=now, is_learned=is_learned)
    except ExtractError as error:
        return _error_line(page.id, page.url, error.outcome, error.reason), False
    said = {"id": page.id, "url": page.url, **as_json(article), "words": count_words(article.text)}
    return json.dumps(said, ensure_ascii=False), True


def _load_body(page: _Page, max_bytes: int) -> bytes:
    """The page's bytes. Raises ExtractError where its file cannot be had or is larger than a page may be."""
    from ingest.errors import ExtractError
    from ingest.outcome import Outcome

    if page.html is not None:
        body = page.html.encode("utf-8", "replace")
    else:
        assert page.path is not None
        try:
            with gzip.open(page.path) if page.path.suffix == ".gz" else page.path.open("rb") as file:
                body = file.read(max_bytes + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ExtractError(Outcome.DECODE_ERROR, f"{page.path.name}: {error}") from error
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = error.strerror if isinstance(error, OSError) else error
            raise ExtractError(Outcome.EXTRACT_ERROR, f"{page.path.name}: {reason or error}") from error
    if len(body) > max_bytes:
        raise ExtractError(Outcome.TOO_LARGE, f"larger than {max_bytes:,} bytes (fetch.max_page_bytes)")
    return body


def _error_line(page_id: str | int | None, url: str | None, outcome: "Outcome", reason: str) -> str:
    return json.dumps({"id": page_id, "url": url, "error": {"outcome": outcome, "reason": reason}}, ensure_ascii=False)


# ── the walk ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Run:
    """One walk through a file of pages."""

    def __init__(self, settings: "Settings", source: Path, *, is_learned: bool) -> None:
        from ingest.clock import utc_now

        self._policies = settings.policies
        self._source = str(source)
        self._folder = Path() if self._source == STDIN else source.parent
        self._extract_line = partial(
            _extract_line, now=utc_now(), is_learned=is_learned, max_bytes=settings.policies.fetch.max_page_bytes
        )
        self._held_bytes = 0  # of lines that were read, and of lines that wait to be written

    async def extract_all(self, lines: BinaryIO, out: TextIO, batch: Batch) -> int | None:
        """Write a line for each line; answers the signal that ended it early, or None."""
        from ingest.cli.progress import showing_pages
        from ingest.offload import WorkerPool

        pool = WorkerPool(self._policies.workers, preload=_PRELOAD)
        walk = asyncio.create_task(self._walk(pool, lines, out, batch))
        try:
            async with _ending(walk) as ended_by, showing_pages(lambda: batch.done, batch.total):
                await asyncio.wait((walk,))
            if ended_by:
                return ended_by[0]
            walk.result()
            return None
        finally:
            walk.cancel()
            await asyncio.to_thread(pool.close)

    async def _walk(self, pool: "WorkerPool", lines: BinaryIO, out: TextIO, batch: Batch) -> None:
        ahead: deque[asyncio.Task[str]] = deque()
        most = min(_AHEAD * (self._policies.workers.processes or os.cpu_count() or 1), _MAX_AHEAD)
        longest = self._policies.fetch.max_page_bytes * _ESCAPED + _REST_OF_LINE

        async def write_first() -> None:
            said = await ahead[0]
            ahead.popleft()
            self._held_bytes -= len(said)
            out.write(said.encode("utf-8", "replace").decode() + "\n")  # a surrogate that a line held, say in its id

        try:
            for number, line in self._reading(_read_lines(lines, longest)):
                while ahead and (len(ahead) >= most or self._held_bytes > _MAX_AHEAD_BYTES):
                    await write_first()
                self._held_bytes += len(line or b"")
                ahead.append(asyncio.create_task(self._extract(pool, number, line, batch)))
                await asyncio.sleep(0)  # signals and the bar have their turn, however many lines are bad
            while ahead:
                await write_first()
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    def _reading(self, lines: Iterator[tuple[int, bytes | None]]) -> Iterator[tuple[int, bytes | None]]:
        """`lines`; where no more can be read, the command ends."""
        while True:
            with reading(self._source):
                found = next(lines, None)
            if found is None:
                return
            yield found

    async def _extract(self, pool: "WorkerPool", number: int, line: bytes | None, batch: Batch) -> str:
        """The line for a line."""
        from ingest.errors import WorkKilled
        from ingest.log import get
        from ingest.outcome import Outcome

        page, is_ok = None, False
        try:
            page = _read_page(line, self._folder)
            said, is_ok = await pool(self._policies.extract.timeout_s, self._extract_line, page)
        except _BadLine as error:
            said = _error_line(error.id, error.url, Outcome.PARSE_ERROR, f"line {number}: {error.reason}")
        except WorkKilled as error:
            assert page is not None
            said = _error_line(page.id, page.url, Outcome.EXTRACT_KILLED, str(error))
        except Exception as error:  # noqa: BLE001  a defect costs one page, never the others
            assert page is not None
            batch.crashed += 1
            get("ingest.batch").error("page_crashed", line=number, url=page.url, exc_info=error)
            said = _error_line(page.id, page.url, Outcome.INTERNAL_ERROR, f"{type(error).__name__}: {error}")
        batch.ok += is_ok
        batch.failed += not is_ok
        self._held_bytes += len(said) - len(line or b"")
        return said


@contextlib.asynccontextmanager
async def _ending(walk: "asyncio.Task[None]") -> AsyncIterator[list[int]]:
    """Ctrl-C and SIGTERM end `walk`; yields a list that then holds the signal."""
    loop = asyncio.get_running_loop()
    ended_by: list[int] = []

    def end(number: int) -> None:
        ended_by.append(number)
        walk.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)
    try:
        yield ended_by
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
