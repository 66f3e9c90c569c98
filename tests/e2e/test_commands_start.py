"""How quickly commands start: what they do not need, they do not import."""

import os
import statistics
import subprocess
import sys

import pytest

HEAVY = {
    "sqlalchemy",
    "httpx",
    "rich",
    "structlog",
    "feedparser",
    "lxml",
    "numpy",
    "starlette",
    "apscheduler",
    "alembic",
    "pebble",
}

_RUN = """
import sys
from ingest.cli import main
sys.argv = ["ingest", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    code = ended.code
print("modules", code or 0, *sys.modules, file=sys.stderr)
"""


def imported_by(command, *args):
    """The packages that are loaded when the command has ended, well."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *args], cwd=command.folder, env=command.env, capture_output=True, text=True, check=True
    )
    _, code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0", done.stderr
    return {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize("args", [["--help"], ["articles", "export", "-h"], ["--version"]], ids=" ".join)
def test_help_imports_no_library_but_typer(lite, args):
    assert imported_by(lite, *args) & (HEAVY | {"asyncio"}) == set()


def test_a_list_imports_the_database_and_nothing_of_the_walk(lite):
    lite("db", "upgrade")
    loaded = imported_by(lite, "feeds", "list")
    assert "sqlalchemy" in loaded
    assert loaded & {"httpx", "feedparser", "lxml", "numpy", "starlette", "apscheduler", "alembic", "pebble"} == set()


def test_config_check_imports_no_database(lite):
    assert imported_by(lite, "config", "check") & (HEAVY - {"structlog", "rich"}) == set()


def cpu_s(*args):
    """CPU seconds of one process, from the kernel's own account of it."""
    process = subprocess.Popen([sys.executable, *args], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


def test_help_costs_little_more_than_typer_itself():
    """A ratio, because both are slower on a slow or busy machine; in turns, because the machine may become so in between."""
    pairs = [(cpu_s("-m", "ingest", "--help"), cpu_s("-c", "import typer")) for _ in range(7)]
    ours, typers = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert ours / typers <= 1.6, f"--help {ours:.3f} s, import typer {typers:.3f} s"
