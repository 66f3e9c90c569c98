"""Owners of leases: whether the process that holds one still lives."""

import os
import subprocess
import sys

import pytest

from ingest.store.owner import is_gone, this_owner

TELL = "from ingest.store.owner import this_owner; import sys; print(this_owner(), flush=True); sys.stdin.read()"


def test_this_process_is_not_gone() -> None:
    assert this_owner() == this_owner()
    assert not is_gone(this_owner())
    assert len(this_owner()) <= 255


def test_a_process_is_gone_once_it_was_killed_even_before_it_is_reaped() -> None:
    with subprocess.Popen([sys.executable, "-c", TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        assert owner != this_owner()
        assert not is_gone(owner)

        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(owner)  # a zombie
        process.wait()
        assert is_gone(owner)


def test_a_process_id_that_came_round_again_is_another_process() -> None:
    place, pid, started_s = this_owner().split(":")

    assert is_gone(f"{place}:{pid}:{float(started_s) - 100}")


@pytest.mark.parametrize("part", [0, 1, 2])
def test_of_processes_elsewhere_nothing_is_known(part: int) -> None:
    place, rest = this_owner().split(":", 1)
    parts = place.split("/")
    parts[part] = "other"

    assert not is_gone(f"{'/'.join(parts)}:{rest}")
    assert not is_gone(f"{'/'.join(parts)}:1:1.0")


@pytest.mark.parametrize("owner", ["", "me", "a:b:c", "::"])
def test_a_name_that_is_none_of_ours_is_not_gone(owner: str) -> None:
    assert not is_gone(owner)
    assert not is_gone(f"{this_owner().split(':')[0]}:{owner}")
