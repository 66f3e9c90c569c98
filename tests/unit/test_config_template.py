"""The files that are shipped."""

import re
import tomllib
from pathlib import Path

from ingest.config import load, template
from ingest.config.feedfile import ALL_KEYS
from ingest.config.known import SETTINGS, env_name
from ingest.policy import DEFAULTS, knobs

ROOT = Path(__file__).resolve().parents[2]
_OFF = re.compile(r"^#(?=[a-z_]+ = )", re.MULTILINE)


def test_the_shipped_file_is_what_the_policies_say() -> None:
    shipped = (ROOT / "config" / "ingest.toml").read_text(encoding="utf-8")
    assert shipped == template(), "write it anew: ingest config dump --default > config/ingest.toml"


def test_every_setting_is_there_with_its_environment_name_and_reason() -> None:
    text = template()
    words = " ".join(line.removeprefix("# ") for line in text.splitlines())
    for name, knob in SETTINGS.items():
        assert re.search(rf"^#{knob.name} = ", text, re.MULTILINE), name
        assert env_name(name) in text
        assert knob.why in words
    assert len(_OFF.findall(text)) == len(SETTINGS) == len(knobs()) + 2


def test_no_line_is_longer_than_the_code_may_be() -> None:
    assert max(map(len, template().splitlines())) <= 130


def test_the_template_loads_to_the_defaults(tmp_path: Path) -> None:
    assert all(value == {} for value in tomllib.loads(template()).values())
    (tmp_path / "ingest.toml").write_text(template(), encoding="utf-8")
    settings = load(config="ingest.toml", env={}, cwd=tmp_path)
    assert settings.policies == DEFAULTS
    assert set(settings.provenance.values()) == {"default"}


def test_the_template_loads_to_the_defaults_with_every_setting_switched_on(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feeds.toml").touch()
    (tmp_path / "ingest.toml").write_text(_OFF.sub("", template()), encoding="utf-8")
    settings = load(config="ingest.toml", env={}, cwd=tmp_path)
    assert settings.policies == DEFAULTS
    assert (settings.feeds, settings.full_text) == (SETTINGS["feeds"].default, True)
    assert all(source.startswith("ingest.toml:") for source in settings.provenance.values())


def test_the_shipped_feeds_are_a_handful_and_enabled() -> None:
    settings = load(env={}, cwd=ROOT)
    assert settings.feed_list is not None
    assert 6 <= len(settings.feed_list) <= 8
    assert all(feed.spec.options.is_enabled and feed.spec.options.title for feed in settings.feed_list)


def test_the_example_in_the_docs_loads(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "feeds.toml").write_text(re.sub(r"/run/secrets/\w+", "secret", example), encoding="utf-8")
    settings = load(feeds="feeds.toml", env={}, cwd=tmp_path)
    assert settings.feed_list is not None
    assert settings.feed_list[0].secrets.password == "hush"


def test_the_example_in_the_feed_file_is_valid_and_shows_every_key(tmp_path: Path) -> None:
    shipped = (ROOT / "config" / "feeds.toml").read_text(encoding="utf-8")
    example = tomllib.loads("".join(f"{line[4:]}\n" for line in shipped.splitlines() if line.startswith("#   ")))
    [feed] = example["feed"]
    alternatives = {"password", "proxy_file"}  # named in the remarks beside their twins
    assert set(feed) | alternatives == set(ALL_KEYS)
    assert all(f"or {key} = " in shipped for key in alternatives)
