"""What all commands share: the three options that name files and database, and how a command ends.

Exit codes: 0 ok · 1 unexpected · 2 usage · 3 some feeds failed · 4 configuration · 5 database · 130/143 signals.
"""

import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from ingest.config import Settings

T = TypeVar("T")

OK, UNEXPECTED, USAGE, SOME_FAILED, CONFIG, DATABASE = range(6)
INTERRUPTED = 130

ConfigOption = Annotated[str | None, typer.Option("--config", "-c", metavar="PATH", help="Configuration file (INGEST_CONFIG).")]
FeedsOption = Annotated[str | None, typer.Option("--feeds", metavar="PATH|URL", help="Feed list: TOML or OPML (INGEST_FEEDS).")]
DatabaseOption = Annotated[str | None, typer.Option("--database-url", metavar="URL", help="Database (INGEST_DATABASE_URL).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class Given:
    """The three options as given before the command's name."""

    config: str | None = None
    feeds: str | None = None
    database_url: str | None = None


def load_settings(
    context: typer.Context, config: str | None = None, feeds: str | None = None, database_url: str | None = None
) -> "Settings":
    """The settings in force, with logging set up by them. Options after the command's name win over those before it."""
    settings = reader(context, config, feeds, database_url)()
    set_up_log(settings)
    return settings


def reader(
    context: typer.Context, config: str | None = None, feeds: str | None = None, database_url: str | None = None
) -> "Callable[[], Settings]":
    """Reads the settings, each time anew."""
    from ingest.config import load

    given = context.obj or Given()

    def read() -> "Settings":
        return load(
            config=given.config if config is None else config,
            feeds=given.feeds if feeds is None else feeds,
            database_url=given.database_url if database_url is None else database_url,
            env=os.environ,
            cwd=Path.cwd(),
        )

    return read


def set_up_log(settings: "Settings", *, level: str | None = None) -> None:
    """Log to stderr as configured; `level` for commands that show their progress otherwise."""
    from dataclasses import replace

    from ingest import log

    policy = settings.policies.log
    log.set_up(replace(policy, level=level) if level else policy, is_terminal=sys.stderr.isatty())


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


def ending_honestly(command: Callable[[], Any]) -> NoReturn:
    """Run the command line; turn what was raised into one clear line on stderr and the right exit code."""
    try:
        command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has seen enough; nothing is wrong, but nothing more can be written either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(OK)
    except Exception as error:  # noqa: BLE001  the last place where it can be told
        sys.exit(_tell(error))
    sys.exit(OK)


def _tell(error: Exception) -> int:
    from ingest.errors import ConfigError, FetchError, IngestError, StoreError

    if isinstance(error, ConfigError):
        for problem in error.problems:
            complain(str(problem))
        return CONFIG
    if isinstance(error, IngestError):
        complain(f"{error.url}: {error.reason}" if isinstance(error, FetchError) else str(error))
        return DATABASE if isinstance(error, StoreError) else SOME_FAILED
    import traceback

    traceback.print_exception(error)
    complain("this is a defect of ingest; please report it with the lines above")
    return UNEXPECTED


def complain(line: str) -> None:
    """One line on stderr, from us."""
    typer.echo(f"ingest: {line}", err=True)
