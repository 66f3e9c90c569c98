"""The documentation names everything there is."""

import re
from pathlib import Path

import pytest
import typer.main

from ingest.cli import app
from ingest.metrics import Metrics
from ingest.outcome import Outcome

ROOT = Path(__file__).parents[2]
README, OPERATING = ((ROOT / name).read_text("utf-8") for name in ("README.md", "docs/operating.md"))


def commands():
    tree = typer.main.get_command(app)
    for name, command in tree.commands.items():
        for sub in getattr(command, "commands", {None: None}):
            yield f"{name} {sub}" if sub else name


@pytest.mark.parametrize("command", sorted(commands()))
def test_the_readme_names_every_command(command):
    group, _, verb = command.partition(" ")
    assert re.search(rf"ingest {group}\b[^\n]*\b{verb}", README), f"`ingest {command}` is not in README.md"


def test_the_guide_names_every_metric():
    families = {family.name for family in Metrics().registry.collect()}
    assert families
    missing = {name for name in families if name not in OPERATING}
    assert not missing


def test_every_page_that_the_documentation_points_to_exists():
    for page in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"), ROOT / "SECURITY.md"):
        for path in re.findall(r"`((?:docs|config|tests|ingest)/[\w./-]+?)/?`", page.read_text("utf-8")):
            assert (ROOT / path).exists(), f"{page.name} points to {path}"


def test_every_outcome_has_a_word_of_its_own():
    assert len({outcome.value for outcome in Outcome}) == len(Outcome)
