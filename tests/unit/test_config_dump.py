"""The effective settings, shown without secrets."""

import json
import tomllib
from pathlib import Path

import pytest

from ingest.config import dump, dump_text, load, mask_url
from ingest.config.known import SETTINGS
from ingest.policy import DEFAULTS

FEEDS = """
[[feed]]
url = "https://a.example/feed?api_key=hush1&page=2"
title = "A"
tags = ["x"]
interval = 900
username = "me"
password = "hush2"
proxy = "http://me:hush3@proxy.example:3128"
headers = { "X-Key" = "hush4" }

[[feed]]
url = "https://reader:hush5@b.example/feed"
"""
ENV = {
    "INGEST_DATABASE_URL": "postgresql://me:hush6@db.example/ingest",
    "INGEST_FETCH_PROXY": "http://me:hush7@proxy.example:3128",
    "INGEST_FETCH_ALLOW": "localhost",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "feeds.toml").write_text(FEEDS)
    return tmp_path


def test_no_secret_is_shown_anywhere(folder: Path) -> None:
    settings = load(feeds="feeds.toml", env=ENV, cwd=folder)
    assert "hush" not in json.dumps(dump(settings))
    assert "hush" not in dump_text(settings)
    assert "hush" not in repr(settings).replace("api_key=hush1", "")  # a feed is its address, whoever prints the value


def test_a_secret_in_the_address_of_the_list_is_not_shown(tmp_path: Path) -> None:
    settings = load(feeds="https://me:hush@lists.example/opml?token=hush", env={}, cwd=tmp_path)
    assert "hush" not in json.dumps(dump(settings)) + dump_text(settings) + repr(settings)
    assert dump(settings)["settings"]["feeds"]["value"] == "https://me:***@lists.example/opml?token=***"
    assert dump(settings)["feeds"] is None


def test_the_dump_tells_values_and_who_set_them(folder: Path) -> None:
    told = dump(load(feeds="feeds.toml", env=ENV, cwd=folder))
    assert told["path"] is None
    assert list(told["settings"]) == list(SETTINGS)
    assert told["settings"]["fetch.allow"] == {"value": ["localhost"], "source": "INGEST_FETCH_ALLOW"}
    assert told["settings"]["database.url"]["value"] == "postgresql://me:***@db.example/ingest"
    assert told["feeds"][0] == {
        "url": "https://a.example/feed?api_key=***&page=2",
        "where": "feeds.toml:2",
        "title": "A",
        "tags": ["x"],
        "interval": 900.0,
        "full_text": None,
        "enabled": True,
        "user_agent": None,
        "keep": [],
        "block": [],
        "extractor": None,
        "include": [],
        "exclude": [],
        "headers": {"X-Key": "***"},
        "username": "me",
        "password": "***",
        "proxy": "http://me:***@proxy.example:3128",
    }
    assert (told["feeds"][1]["url"], told["feeds"][1]["username"]) == ("https://b.example/feed", "reader")


def test_the_text_names_the_source_of_each_value_and_loads_again(folder: Path) -> None:
    text = dump_text(load(feeds="feeds.toml", env={"INGEST_POLL_AT_ONCE": "3"}, cwd=folder))
    assert "at_once = 3  # INGEST_POLL_AT_ONCE\n" in text
    assert "jitter = 0.1  # default\n" in text
    assert '#   headers = { "X-Key" = "***" }\n' in text
    assert "# feed https://b.example/feed · feeds.toml:12\n" in text
    assert tomllib.loads(text)["poll"]["at_once"] == 3
    (folder / "again.toml").write_text(text)
    again = load(config="again.toml", env={"INGEST_POLL_AT_ONCE": "20"}, cwd=folder)
    assert again.policies == DEFAULTS


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://me:hush@db/x", "postgresql://me:***@db/x"),
        ("postgresql://me:hu/s@h#@db/x", "postgresql://me:***@db/x"),
        ("postgresql://db/x?user=me&password=hush", "postgresql://db/x?user=me&password=***"),
        ("http://tokenhush@proxy:1", "http://***@proxy:1"),
        ("https://a.example/?access_token=hush&q=1", "https://a.example/?access_token=***&q=1"),
        ("sqlite:///data/a@b.db", "sqlite:///data/a@b.db"),
        ("config/feeds.toml", "config/feeds.toml"),
    ],
)
def test_urls_are_shown_without_what_is_secret_in_them(url: str, masked: str) -> None:
    assert mask_url(url) == masked
    assert mask_url(masked) == masked
