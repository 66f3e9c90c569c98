"""Log lines: their form, what they never say, and that nothing can forge one."""

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ingest.log import get, set_up
from ingest.outcome import Outcome
from ingest.policy import LogPolicy


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Leave structlog and the standard library as they were."""
    handlers, level, show = logging.root.handlers, logging.root.level, warnings.showwarning
    yield
    logging.captureWarnings(capture=False)
    warnings.showwarning = show
    logging.root.handlers, logging.root.level = handlers, level
    structlog.reset_defaults()


class Stderr:
    """All that was written to stderr since the last look back."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def text(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text

    def forget(self) -> None:
        self.text()
        self._text = ""

    def as_json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Stderr:
    return Stderr(capsys)


def fail(error: Exception) -> None:
    raise error


def test_a_line_is_json_when_stderr_is_no_terminal(stderr: Stderr) -> None:
    set_up(LogPolicy(), is_terminal=False)
    get("ingest.walk").info("feed_polled", feed_id=7, outcome=Outcome.OK, new=3, at=datetime(2026, 1, 2, tzinfo=UTC), status=None)
    [line] = stderr.as_json()
    stamp = line.pop("timestamp")
    assert datetime.fromisoformat(stamp).utcoffset() is not None
    assert stamp.endswith("Z")
    assert list(line.items()) == [
        ("level", "info"),
        ("event", "feed_polled"),
        ("feed_id", 7),
        ("outcome", "ok"),
        ("new", 3),
        ("at", "2026-01-02T00:00:00+00:00"),
        ("status", None),
        ("logger", "ingest.walk"),
    ]


def test_a_line_is_readable_on_a_terminal(stderr: Stderr) -> None:
    set_up(LogPolicy(), is_terminal=True)
    get("x").warning("feed_polled", feed_id=7, title='He said "no"', tags=["ä", "b"], url="https://a.example/ü")
    stamp, rest = stderr.text().split(" ", 1)
    assert datetime.fromisoformat(stamp).tzinfo is not None
    assert rest == 'warning feed_polled feed_id=7 title="He said \\"no\\"" tags=["ä", "b"] url=https://a.example/ü logger=x\n'


@pytest.mark.parametrize(("form", "is_terminal", "is_json"), [("json", True, True), ("text", False, False)])
def test_the_form_can_be_demanded(stderr: Stderr, form: str, is_terminal: bool, is_json: bool) -> None:
    set_up(LogPolicy(format=form), is_terminal=is_terminal)
    get("x").info("thing_happened")
    assert stderr.text().startswith("{") is is_json


def test_lines_below_the_level_are_left_out(stderr: Stderr) -> None:
    log = get("x")
    for level, expected in [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)]:
        stderr.forget()
        set_up(LogPolicy(level=level), is_terminal=False)
        log.debug("thing_happened")
        log.info("thing_happened")
        log.warning("thing_happened")
        log.error("thing_happened")
        assert len(stderr.as_json()) == expected


def test_bound_fields_come_with_every_line(stderr: Stderr) -> None:
    set_up(LogPolicy(), is_terminal=False)
    log = get("x").bind(feed_id=7, try_=1)
    log.info("thing_happened", try_=2)
    assert stderr.as_json()[0]["feed_id"] == 7
    assert stderr.as_json()[0]["try_"] == 2


def test_a_logger_works_before_anybody_has_set_it_up(stderr: Stderr) -> None:
    get("x").info("thing_happened")
    assert stderr.as_json()[0]["event"] == "thing_happened"


# ── forging ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

HOSTILE = 'x\n{"level": "error"}\r\x1b[2J\x1b]0;t\x07\x9b31m\u2028\u202e\x7f\x00\ud800 feed_polled outcome="ok"'


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("field", ["title", "url"])
def test_no_title_or_url_can_forge_a_line(stderr: Stderr, is_terminal: bool, field: str) -> None:
    set_up(LogPolicy(), is_terminal=is_terminal)
    get("x").info("feed_polled", **{field: HOSTILE, "more": {"in": [HOSTILE]}})
    written = stderr.text()
    assert len(written.splitlines()) == 1
    assert written.endswith("\n")
    assert written[:-1].isprintable()


@given(st.text(), st.text())
def test_any_text_is_one_printable_line_that_reads_back(title: str, key: str) -> None:
    stream, before = io.StringIO(), sys.stderr
    sys.stderr = stream
    try:
        for is_terminal in (True, False):
            set_up(LogPolicy(), is_terminal=is_terminal)
            get("x").info("feed_polled", title=title, inner={key: title})
    finally:
        sys.stderr = before
    lines = stream.getvalue().split("\n")
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    if "://" not in title:
        assert json.loads(lines[1])["title"] == title


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_traceback_cannot_forge_a_line_either(stderr: Stderr, is_terminal: bool) -> None:
    set_up(LogPolicy(), is_terminal=is_terminal)
    try:
        fail(ValueError("bad\n2026-01-01T00:00:00Z info feed_polled\x1b[2J http://u:hush@a.example/"))
    except ValueError as error:
        get("x").exception("work_crashed")
        get("x").error("work_crashed", exc_info=error)
    first, *rest = stderr.text().splitlines()
    if is_terminal:
        assert all(line.startswith("    | ") or " work_crashed " in line for line in rest)
    else:
        assert "ValueError: bad\n" in json.loads(first)["exception"]
    assert "\x1b" not in stderr.text()
    assert "hush" not in stderr.text()
    assert stderr.text().count("ValueError: bad") == 2


# ── secrets ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_secrets_are_never_logged(stderr: Stderr) -> None:
    set_up(LogPolicy(), is_terminal=False)
    get("x").info(
        "feed_polled",
        url="https://me:hush@a.example/feed?token=hush&page=2",
        final_url="https://a.example/feed?api_key=hush",
        urls=["https://a.example/feed?token=hush"],
        error="cannot reach http://me:hush@proxy.example:3128",
        password="hush",
        Authorization="Basic hush",
        headers={"Set-Cookie": "hush", "cookie": "hush", "etag": "1"},
        body=b"hush",
    )
    assert "hush" not in stderr.text()
    [line] = stderr.as_json()
    assert line["url"] == "https://***@a.example/feed?token=***&page=2"
    assert line["headers"] == {"etag": "1"}
    assert line["body"] == "4 bytes"
    assert line["error"] == "cannot reach http://***@proxy.example:3128"
    assert "password" not in line


# ── libraries ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_libraries_are_heard_from_warning_on_in_the_same_form(stderr: Stderr) -> None:
    set_up(LogPolicy(level="debug"), is_terminal=False)
    logging.getLogger("httpx").info("HTTP Request: GET https://a.example/")
    logging.getLogger("apscheduler.executors").warning("late by %s\nforged", "3 s")
    try:
        fail(KeyError("k"))
    except KeyError:
        logging.getLogger("uvicorn.error").exception("it broke")
    late, broke = stderr.as_json()
    assert (late["level"], late["event"], late["logger"]) == ("warning", "library_logged", "apscheduler.executors")
    assert late["message"] == "late by 3 s\nforged"
    assert "exception" not in late
    assert (broke["level"], broke["message"]) == ("error", "it broke")
    assert "KeyError" in broke["exception"]


def test_only_errors_of_libraries_are_heard_at_level_error(stderr: Stderr) -> None:
    set_up(LogPolicy(level="error"), is_terminal=False)
    logging.getLogger("alembic").warning("hm")
    logging.getLogger("alembic").error("oh")
    assert [line["message"] for line in stderr.as_json()] == ["oh"]


def test_a_wrong_format_of_a_library_is_logged_as_it_is(stderr: Stderr) -> None:
    set_up(LogPolicy(), is_terminal=False)
    logging.getLogger("lib").warning("%d feeds", "many")
    assert stderr.as_json()[0]["message"] == "%d feeds"


def test_warnings_become_lines(stderr: Stderr) -> None:
    set_up(LogPolicy(), is_terminal=False)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "DeprecationWarning: old way" in stderr.as_json()[0]["message"]


@pytest.mark.parametrize("failure", [BrokenPipeError, ValueError])
def test_a_stderr_that_is_gone_stops_nothing(monkeypatch: pytest.MonkeyPatch, failure: type[Exception]) -> None:
    class Gone(io.StringIO):
        def flush(self) -> None:
            raise failure

    monkeypatch.setattr(sys, "stderr", Gone())
    set_up(LogPolicy(), is_terminal=False)
    get("x").info("thing_happened")


def test_importing_the_module_does_not_import_structlog() -> None:
    code = "import sys, ingest.log; ingest.log.get('x'); print('structlog' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
