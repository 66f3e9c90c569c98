"""Worlds for stories: each has a migrated database of its own, its web is empty."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingest.policy import DatabasePolicy, HostPolicy, Policies, PollPolicy, RobotsPolicy
from ingest.store import migrate, open_store
from tests.sim.service import Setup, World

MakeWorld = Callable[..., World]
_POLICIES = {"poll": PollPolicy, "hosts": HostPolicy, "robots": RobotsPolicy}


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "ingest.db"
    store = open_store(DatabasePolicy(f"sqlite:///{path}"))
    migrate.upgrade(store.database)
    store.close()
    return path


@pytest.fixture
def world(migrated_file: Path, tmp_path: Path) -> MakeWorld:
    """Makes a world. `poll`, `hosts` and `robots` are knobs of their policies, the rest is for Setup."""

    def make(**options: Any) -> World:
        path = tmp_path / f"{len(list(tmp_path.glob('*.db')))}.db"
        shutil.copy(migrated_file, path)
        policies = {name: policy(**options.pop(name, {})) for name, policy in _POLICIES.items()}
        return World(Setup(f"sqlite:///{path}", policies=replace(Policies(), **policies), **options))

    return make
