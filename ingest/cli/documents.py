"""A document that somebody names on the command line: a file, an address or stdin. Read, described, understood in a worker.

file, stdin or address ─▶ Document ─ worker process ─▶ what was understood, or one line that says why nothing was
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, NoReturn, TypeVar

import typer

from ingest.cli.ending import SOME_FAILED, USAGE, complain
from ingest.cli.options import run_async, web_address

if TYPE_CHECKING:
    from ingest.config import Settings
    from ingest.model import Fetched, FetchRequest, Purpose

T = TypeVar("T")

STDIN = "-"

BaseUrlOption = Annotated[
    str | None,
    typer.Option(metavar="URL", parser=web_address, help="The address a file came from: its relative links lead from there."),
]


def document_name(text: str) -> str:
    """What to read: an address is checked like every address, anything else is a file's name."""
    return web_address(text) if is_address(text) else text


def is_address(name: str) -> bool:
    return "://" in name


def check_base(name: str | None, url: str | None) -> None:
    """Raises BadParameter where an address is given for what has one."""
    if url and name and is_address(name):
        raise typer.BadParameter("goes with a file: an address is its own", param_hint="'--url'")


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes that somebody wants understood, and what is known of where they came from."""

    name: str  # as it was asked for
    url: str  # from which relative links lead; empty when nobody knows
    body: bytes = field(repr=False)
    read_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    fetched: "Fetched | None" = field(default=None, repr=False)


def read_document(settings: "Settings", name: str, url: str | None, purpose: "Purpose") -> Document:
    """The document called `name`. Raises FetchError; a file that cannot be read or is too large ends the command."""
    return _fetched(settings, name, purpose) if is_address(name) else _read(settings, name, url, purpose)


def _fetched(settings: "Settings", url: str, purpose: "Purpose") -> Document:
    async def fetch() -> "Fetched":
        from ingest.clock import SystemClock
        from ingest.fetch import HostGate, HttpFetcher
        from ingest.model import Fetched

        policies, clock = settings.policies, SystemClock()
        async with HttpFetcher(policies.fetch, HostGate(policies.hosts, clock), clock) as fetcher:
            answer = await fetcher.fetch(_request(settings, url, purpose))
        assert isinstance(answer, Fetched)  # 304 answers conditions, and none were made
        return answer

    answer = run_async(fetch())
    return Document(url, answer.final_url, answer.body, answer.fetched_at, answer.headers, answer)


def _request(settings: "Settings", url: str, purpose: "Purpose") -> "FetchRequest":
    """Asked for as the poll of a listed feed asks, with its user agent and secrets."""
    from ingest.model import FetchRequest

    listed = next((one for one in settings.feed_list or () if one.spec.url == url), None)
    if listed is None:
        return FetchRequest(url, purpose)
    return FetchRequest(url, purpose, user_agent=listed.spec.options.user_agent, secrets=listed.secrets)


def _read(settings: "Settings", name: str, url: str | None, purpose: "Purpose") -> Document:
    from ingest.clock import utc_now
    from ingest.model import Purpose

    policy = settings.policies.fetch
    is_page = purpose is Purpose.PAGE
    max_bytes, knob = (policy.max_page_bytes, "max_page_bytes") if is_page else (policy.max_feed_bytes, "max_feed_bytes")
    with reading(name), open_input(name) as file:
        body = file.read(max_bytes + 1)
    if len(body) > max_bytes:
        complain(f"{name}: larger than {max_bytes:,} bytes (fetch.{knob})")
        raise typer.Exit(SOME_FAILED)
    return Document(name, url or "", body, utc_now())


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """What cannot be read in this block ends the command."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        complain(f"{name}: {reason or error}")
        raise typer.Exit(USAGE) from None


def open_input(name: str) -> AbstractContextManager[BinaryIO]:
    """A file, or stdin. Raises OSError, ValueError."""
    if name != STDIN:
        return Path(name).open("rb")
    if sys.stdin is None:  # closed by who started us
        raise OSError(0, "stdin is closed")
    return nullcontext(sys.stdin.buffer)


# ── understanding ───────────────────────────────────────────────────────────────────────────────────────────────────────


def understand(
    settings: "Settings",
    document: Document,
    call: Callable[..., T],
    *,
    timeout_s: float,
    preload: Sequence[str],
    **more: Any,
) -> T:
    """What `call` makes of the document's body in a worker process: one that hangs or explodes is ended as in a poll.

    Only `preload` is loaded beforehand, so that imports do not count as work: for a feed this costs 0.2 CPU s more than to parse
    it in this process, and 1.0 with what workers usually share. Raises what `call` raises; a worker's end is that of the command.
    """
    from ingest.errors import WorkKilled
    from ingest.offload import WorkerPool

    try:
        with closing(WorkerPool(replace(settings.policies.workers, processes=1), preload=preload)) as pool:
            return run_async(
                pool(
                    timeout_s,
                    call,
                    document.body,
                    url=document.url,
                    headers=dict(document.headers),
                    now=document.read_at,
                    **more,
                )
            )
    except WorkKilled as error:
        give_up(document, str(error))


def give_up(document: Document, reason: str) -> NoReturn:
    """End the command: nothing can be made of this document."""
    complain(f"{document.name}: {reason}")
    raise typer.Exit(SOME_FAILED) from None


# ── describing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def document_facts(document: Document) -> dict[str, Any]:
    """Where the document came from, for programs."""
    answer = document.fetched
    if answer is None:
        return {"name": document.name}
    return {
        "name": document.name,
        "final_url": answer.final_url,
        "hops": answer.hops,
        "status": answer.status,
        "media_type": answer.headers.get("content-type"),
    }


def describe_document(document: Document) -> str:
    """The same for people."""
    moves = [f"{hop.status} to {hop.url}" for hop in (document.fetched.hops if document.fetched else ())]
    media_type = document.headers.get("content-type")
    return ", ".join((document.name, *moves, *([media_type] if media_type else []), f"{len(document.body):,} bytes"))
