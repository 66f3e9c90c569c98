"""What commands share on their way in: options that belong together, the settings they lead to, values to check, event loop."""

import functools
import inspect
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ingest.cli.ending import complain

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from ingest.config import Settings

T = TypeVar("T")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


# ── groups of options ───────────────────────────────────────────────────────────────────────────────────────────────────


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """The command as Typer wants it: a parameter that is a dataclass of options becomes those options."""
    signature = inspect.signature(command)
    groups: dict[str, Any] = {name: p.annotation for name, p in signature.parameters.items() if is_dataclass(p.annotation)}
    alone = [p.replace(kind=p.KEYWORD_ONLY) for name, p in signature.parameters.items() if name not in groups]
    grouped = [_parameter(option) for group in groups.values() for option in fields(group)]

    @functools.wraps(command)
    def gathering(**given: Any) -> None:
        gathered = {name: group(**{one.name: given.pop(one.name) for one in fields(group)}) for name, group in groups.items()}
        command(**given, **gathered)

    gathering.__signature__ = signature.replace(parameters=[*alone, *grouped])  # type: ignore[attr-defined]  # read by inspect
    return gathering


def _parameter(option: "Field[Any]") -> inspect.Parameter:
    default = inspect.Parameter.empty if option.default is MISSING else option.default
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=option.type)


@dataclass(frozen=True, slots=True)
class Given:
    """Where the settings are, as said on the command line: before the command's name, after it, or not at all."""

    config: Annotated[str | None, typer.Option("--config", "-c", metavar="PATH", help="Configuration file (INGEST_CONFIG).")] = (
        None
    )
    feeds: Annotated[str | None, typer.Option("--feeds", metavar="PATH|URL", help="Feed list: TOML or OPML (INGEST_FEEDS).")] = (
        None
    )
    database_url: Annotated[str | None, typer.Option("--database-url", metavar="URL", help="Database (INGEST_DATABASE_URL).")] = (
        None
    )


def load_settings(context: typer.Context, given: Given) -> "Settings":
    """The settings in force, with logging set up by them."""
    settings = reader(context, given)()
    set_up_log(settings)
    return settings


def reader(context: typer.Context, given: Given) -> "Callable[[], Settings]":
    """Reads the settings, each time anew. Options after the command's name win over those before it."""
    from ingest.config import load

    before = context.obj or Given()
    said = {one.name: getattr(before if getattr(given, one.name) is None else given, one.name) for one in fields(Given)}

    def read() -> "Settings":
        return load(**said, env=os.environ, cwd=Path.cwd())

    return read


def set_up_log(settings: "Settings", *, level: str | None = None) -> None:
    """Log to stderr as configured; `level` where nobody configured one."""
    from dataclasses import replace

    from ingest import log

    policy = settings.policies.log
    is_default = settings.provenance["log.level"] == "default"
    log.set_up(replace(policy, level=level) if level and is_default else policy, is_terminal=sys.stderr.isatty())


def set_up_log_beside_bars(settings: "Settings") -> None:
    """On a terminal, the bars tell what goes well: only what does not is logged above them."""
    if sys.stderr.isatty():
        set_up_log(settings, level="warning")


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def moment(text: str) -> datetime:
    """A date or a time in ISO 8601; UTC where it names no zone."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date: write YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS") from None
    try:
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is beyond the calendar") from None


def check_order(since: datetime | None, until: datetime | None) -> None:
    """Raises BadParameter for a period that ends before it begins: it would silently find nothing."""
    if since and until and since >= until:
        raise typer.BadParameter(f"{until:%Y-%m-%dT%H:%M:%S} is not after --since", param_hint="'--until'")


def web_address(text: str) -> str:
    """An http(s) address without a login in it, which would be stored and shown."""
    from ingest.urls import is_http_url, login_of, redact

    if not is_http_url(text):
        raise typer.BadParameter(f"{text!r} is no address that begins with http:// or https://")
    if login_of(text):
        raise typer.BadParameter(
            f"{redact(text)!r} holds a login, which would be stored: list it in config/feeds.toml with username and password_file"
        )
    return text


# ── what commands run on and say ────────────────────────────────────────────────────────────────────────────────────────


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` on a fresh event loop."""
    import asyncio

    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        return runner.run(work)


def _fast_loop() -> "Callable[[], AbstractEventLoop] | None":
    """uvloop's, where there is one for the platform."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


def hint_without_feeds(counts: Mapping[Any, int]) -> None:
    """One line for who has nothing to poll; `counts` of feeds by their state."""
    from ingest.model import FeedState

    if counts.get(FeedState.ACTIVE):
        return
    if total := sum(counts.values()):
        complain(f"none of {total} feeds is active: `ingest feeds list` shows their states, `ingest feeds show ID` the reason")
    else:
        complain("no feeds yet: list them in config/feeds.toml, name a list with --feeds, or `ingest feeds add URL`")
