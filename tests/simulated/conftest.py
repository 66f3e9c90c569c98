"""Worlds for stories: each has a migrated database of its own, its web is empty."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from ingest.policy import DatabasePolicy, Policies
from ingest.store import migrate, open_store
from tests.sim.service import Setup, World

MakeWorld = Callable[..., World]
_PLAIN = {"has_articles": False, "pace_s": 3600.0}
_TABLES = {table.name for table in fields(Policies)}


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "ingest.db"
    store = open_store(DatabasePolicy(f"sqlite:///{path}"))
    migrate.upgrade(store.database)
    store.close()
    return path


@pytest.fixture
def world(migrated_file: Path, tmp_path: Path) -> MakeWorld:
    """Makes a world. A table of the configuration (`poll`, `hosts`, …) takes some of its knobs, all else is for Setup.

    `rules` are knobs by which the score is kept, where they are other than those that the service has.
    Feeds only, and a pace that is worked out by the hour: what a story is not about costs it nothing.
    """

    def make(**options: Any) -> World:
        path = tmp_path / f"{len(list(tmp_path.glob('*.db')))}.db"
        shutil.copy(migrated_file, path)
        policies = _policies({name: options.pop(name) for name in _TABLES & options.keys()})
        rules = _policies(options.pop("rules")) if "rules" in options else None
        return World(Setup(policies=policies, **({"database_url": f"sqlite:///{path}"} | _PLAIN | options)), rules)

    return make


def _policies(knobs: Mapping[str, Mapping[str, Any]]) -> Policies:
    defaults = Policies()
    return replace(defaults, **{name: replace(getattr(defaults, name), **values) for name, values in knobs.items()})
