"""Who holds a lease: one process, so exactly named that another one on the same machine can tell when it is gone.

The name carries the host, its boot, the process-id namespace, the process id and the second of uptime at which the process
began. Counting from the boot and not from the epoch, the name survives a clock that is set. Of processes elsewhere nothing can
be known: their leases run out by themselves.
"""

import os
import socket
from functools import cache
from pathlib import Path

import psutil

_START_TOLERANCE_S = 2.0  # the boot time is kept in whole seconds and may flicker; no process id comes round that fast


def this_owner() -> str:
    """The name of this process as an owner of leases."""
    pid = os.getpid()
    return f"{_place()}:{pid}:{_started_s(psutil.Process(pid)):.1f}"


def is_gone(owner: str) -> bool:
    """True only if `owner` was a process here, on this boot of this host and in this namespace, and lives no longer."""
    place, _, process = owner.partition(":")
    pid, _, started_s = process.partition(":")
    if place != _place():
        return False
    try:
        return not _lives(int(pid), float(started_s))
    except ValueError:
        return False


def _lives(pid: int, started_s: float) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(_started_s(process) - started_s) < _START_TOLERANCE_S
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _started_s(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()


@cache
def _place() -> str:
    return f"{socket.gethostname().replace(':', '-')}/{_boot()}/{_namespace()}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    except OSError:
        return "-"


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return "-"
