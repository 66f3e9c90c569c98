"""Logging to stderr: one line per event, JSON or key=value, that no text from the web can forge or break.

    _log = get(__name__)
    _log.info("feed_polled", feed_id=7, url=url, outcome="ok")

Event names are `noun_verbed` and constant; what varies is a field. Lines of libraries (stdlib logging, warnings) come out in the
same form as `library_logged` from level warning on. structlog is imported with the first line logged or the call of `set_up`,
not with this module: it costs a fifth of a second, which `--help` need not pay.
"""

import functools
import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any, Final, TextIO

from ingest.clock import utc_now
from ingest.policy import LogPolicy
from ingest.urls import redact

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_Event = MutableMapping[str, Any]


class Log:
    """A logger with its fields bound. Cheap to make at import; `set_up` may come later, and again."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def bind(self, **fields: Any) -> "Log":
        """A logger that says these fields with every line."""
        return Log({**self._fields, **fields})

    def debug(self, event: str, /, **fields: Any) -> None:
        _structlog().debug(event, **{**self._fields, **fields})

    def info(self, event: str, /, **fields: Any) -> None:
        _structlog().info(event, **{**self._fields, **fields})

    def warning(self, event: str, /, **fields: Any) -> None:
        _structlog().warning(event, **{**self._fields, **fields})

    def error(self, event: str, /, **fields: Any) -> None:
        _structlog().error(event, **{**self._fields, **fields})

    def exception(self, event: str, /, **fields: Any) -> None:
        """An error with the traceback of the exception that is being handled."""
        _structlog().error(event, exc_info=True, **{**self._fields, **fields})


def get(name: str) -> Log:
    """The logger of a module; its name is the field `logger`."""
    return Log({"logger": name})


def set_up(policy: LogPolicy, *, is_terminal: bool) -> None:
    """Log from now on as `policy` says, to what is stderr now. May be called again."""
    import structlog

    is_json = policy.format == "json" or (policy.format == "auto" and not is_terminal)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _clean,
            _as_json if is_json else _as_text,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[policy.level]),
        logger_factory=lambda *_: _Lines(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.captureWarnings(capture=True)
    logging.root.handlers = [_Bridge()]
    logging.root.setLevel(max(logging.WARNING, _LEVELS[policy.level]))


def _structlog() -> Any:
    import structlog

    if not structlog.is_configured():
        set_up(LogPolicy(), is_terminal=sys.stderr.isatty())
    return structlog.get_logger()


class _Lines:
    """Where lines go. A stderr that is full or gone must not stop the work that is being logged."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = _write


class _Bridge(logging.Handler):
    """Lines of libraries, in our form."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - a library's wrong format string is no reason to fail
            message = str(record.msg)
        is_error = record.levelno >= logging.ERROR
        log = get(record.name)
        (log.error if is_error else log.warning)("library_logged", message=message, exc_info=record.exc_info or None)


# ── what may be logged ──────────────────────────────────────────────────────────────────────────────────────────────────

_NEVER: Final = {"password", "authorization", "proxy_authorization", "cookie", "set_cookie", "secrets"}
_USERINFO = re.compile(r"(://)[^\s/?#]*@")


def _clean(_: object, __: str, event: _Event) -> _Event:
    """Secret fields left out, URLs without their secrets, every value something that JSON knows."""
    return {
        # Most values are texts, and asking whether one is a Mapping costs as much as all else here.
        key: _clean_text(key, value) if type(value) is str else _clean_value(key, value)
        for key, value in event.items()
        if not _is_secret(key)
    }


@functools.lru_cache(maxsize=512)  # names of fields are constant, and a line has a dozen
def _is_secret(key: str) -> bool:
    return key.lower().replace("-", "_") in _NEVER


def _clean_value(key: str, value: object) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _clean_value(str(name), item) for name, item in value.items() if not _is_secret(str(name))}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean_value(key, item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return _clean_text(key, str(value))


def _clean_text(key: str, text: str) -> str:
    if key.lower().endswith(("url", "urls")):
        text = redact(text)
    return _USERINFO.sub(r"\1***@", text) if "@" in text else text


# ── how a line looks ────────────────────────────────────────────────────────────────────────────────────────────────────


def _as_json(_: object, __: str, event: _Event) -> str:
    """One JSON object, in ASCII: control characters, line separators and direction marks are all escaped."""
    return json.dumps(dict(_ordered(event)))


def _as_text(_: object, __: str, event: _Event) -> str:
    """`time level event key=value …`; below it, marked by a bar, the lines of a traceback."""
    traceback = event.pop("exception", None)
    (_, at), (_, level), (_, name), *fields = _ordered(event)
    line = " ".join(
        [at, f"{level:<7}", _printable(str(name)), *(f"{_printable(key)}={_readable(value)}" for key, value in fields)]
    )
    below = str(traceback).splitlines() if traceback else []
    return "\n".join([line, *(f"    | {_printable(text)}" for text in below)])


def _ordered(event: _Event) -> list[tuple[str, Any]]:
    """Time, level and event first, the logger last."""
    now = utc_now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    first = {"timestamp": now, "level": event["level"], "event": event["event"]}
    last = {"logger": event["logger"]} if "logger" in event else {}
    middle = {key: value for key, value in event.items() if key not in first and key not in last}
    return [*first.items(), *middle.items(), *last.items()]


_PLAIN = re.compile(r"[^\s\"'=\\{}\[\]]+")


def _readable(value: object) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return _printable(value)
    return _printable(json.dumps(value, ensure_ascii=False))


def _printable(text: str) -> str:
    """Everything that is no visible character or blank as an escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in text)
