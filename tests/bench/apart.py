"""Environments of their own for what benchmarks need and the project does not: other parsers, a fuzzer."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def python_with(requirements: Path) -> Path:
    """A Python of our version that has what `requirements` (hashed) lists; made once, in the folder for temporary files.

    Raises RuntimeError where it cannot be had.
    """
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"ingest-bench-{requirements.stem}-{digest}"
    python, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        try:
            _run(uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(requirements))
        except RuntimeError:
            shutil.rmtree(folder)
            raise
        ready.touch()
    return python


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"{command[1]}: {error}") from error
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or [f"{command[1]} failed"])[-1][:200])
