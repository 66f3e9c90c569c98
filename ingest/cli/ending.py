"""How a command ends: one clear line on stderr for each problem, and the exit code that tells the truth.

0 ok · 1 unexpected · 2 usage · 3 some feeds failed · 4 configuration · 5 database · 130/143 signals
"""

import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import typer
import typer.core

OK, UNEXPECTED, USAGE, SOME_FAILED, CONFIG, DATABASE = range(6)
INTERRUPTED = 130


class QuietGroup(typer.core.TyperGroup):
    """Commands whose reader may go away, as `head` does. Typer itself would call that a failure."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise typer.Exit(_stop_writing()) from None


def complain(line: str) -> None:
    """One line on stderr, from us, whatever is in it."""
    typer.echo(f"ingest: {''.join(char if char.isprintable() else ' ' for char in line)}", err=True)


def ending_honestly(command: Callable[[], Any]) -> NoReturn:
    """Run the command line; turn what was raised into clear lines on stderr and the right exit code."""
    _prepare_streams()
    try:
        code = command() or OK
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001  the last place where it can be told
        code = _tell(error)
    sys.exit(_flush() or code)


def _prepare_streams() -> None:
    """What we print is UTF-8 where programs read it, and never fails for a character that a terminal does not know."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by who started us
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  for as long as the process lives
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace", encoding=None if stream.isatty() else "utf-8")


def _flush() -> int:
    """Write what is still held back, while a failure can be told; the exit code if there is one."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _stop_writing()
    except OSError as error:
        return _tell(error)
    return OK


def _stop_writing() -> int:
    """The reader of our output has seen enough; nothing is wrong, but nothing more can be written either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OK


def _tell(error: Exception) -> int:
    from ingest.errors import ConfigError, FetchError, IngestError, StoreError

    if isinstance(error, typer.TyperException):
        return _tell_usage(error)
    if isinstance(error, ConfigError):
        for problem in error.problems:
            complain(str(problem))
        return CONFIG
    if isinstance(error, IngestError):
        complain(f"{error.url}: {error.reason}" if isinstance(error, FetchError) else str(error))
        return DATABASE if isinstance(error, StoreError) else SOME_FAILED
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _stop_writing()
        complain("the disk is full: what was written is incomplete")
        return UNEXPECTED
    import traceback

    traceback.print_exception(error)
    complain("this is a defect of ingest; please report it with the lines above")
    return UNEXPECTED


def _tell_usage(error: typer.TyperException) -> int:
    said = error.format_message()
    if "\n" in said:  # no command was named: this is the help
        typer.echo(said, err=True)
        return error.exit_code
    said = said.replace("Value error, ", "").rstrip(".")
    context = getattr(error, "ctx", None)
    complain(f"{said[:1].lower()}{said[1:]}" + (f" (see `{context.command_path} -h`)" if context else ""))
    return error.exit_code
