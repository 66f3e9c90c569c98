"""Files, environment and command line together."""

from pathlib import Path

import pytest

from ingest.config import Settings, changed, load
from ingest.errors import ConfigError
from ingest.policy import DEFAULTS


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def load_here(cwd: Path, *, feeds: str | None = None, **env: str) -> Settings:
    return load(feeds=feeds, env=env, cwd=cwd)


def problems(cwd: Path, *, config: str | None = None, feeds: str | None = None, **env: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(config=config, feeds=feeds, env=env, cwd=cwd)
    return [str(problem) for problem in caught.value.problems]


def test_nothing_configured_means_the_defaults(tmp_path: Path) -> None:
    settings = load_here(tmp_path, HOME="/home/me")
    assert settings.policies == DEFAULTS
    assert settings.full_text is True
    assert settings.path is None
    assert settings.feeds == ""
    assert settings.feed_list is None
    assert set(settings.provenance.values()) == {"default"}


def test_the_file_in_the_usual_place_is_read(tmp_path: Path) -> None:
    write(tmp_path, "config/ingest.toml", 'full_text = false\n\n[poll]\ninterval_s = "1h"\n[fetch]\nallow = ["localhost"]\n')
    settings = load_here(tmp_path)
    assert settings.full_text is False
    assert settings.policies.poll.interval_s == 3600.0
    assert settings.policies.fetch.allow == ("localhost",)
    assert settings.policies.hosts == DEFAULTS.hosts
    assert settings.path == tmp_path / "config/ingest.toml"
    assert settings.provenance["full_text"] == "config/ingest.toml:1"
    assert settings.provenance["poll.interval_s"] == "config/ingest.toml:4"
    assert settings.provenance["poll.jitter"] == "default"


def test_the_command_line_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    write(tmp_path, "config/ingest.toml", '[database]\nurl = "sqlite:///file.db"\n[poll]\ninterval_s = 100\nat_once = 7\n')
    env = {"INGEST_DATABASE_URL": "sqlite:///env.db", "INGEST_POLL_INTERVAL_S": "200"}
    settings = load(database_url="sqlite:///option.db", env=env, cwd=tmp_path)
    assert settings.policies.database.url == "sqlite:///option.db"
    assert settings.policies.poll.interval_s == 200.0
    assert settings.policies.poll.at_once == 7
    assert settings.policies.poll.jitter == DEFAULTS.poll.jitter
    assert settings.provenance["database.url"] == "--database-url"
    assert settings.provenance["poll.interval_s"] == "INGEST_POLL_INTERVAL_S"
    assert settings.provenance["poll.at_once"] == "config/ingest.toml:5"


def test_another_config_file_is_named_by_option_before_environment(tmp_path: Path) -> None:
    write(tmp_path, "a.toml", "full_text = false\n")
    write(tmp_path, "b.toml", "full_text = true\n")
    assert load(config="a.toml", env={"INGEST_CONFIG": "b.toml"}, cwd=tmp_path).provenance["full_text"] == "a.toml:1"
    assert load(env={"INGEST_CONFIG": "b.toml"}, cwd=tmp_path).provenance["full_text"] == "b.toml:1"
    assert load(config=str(tmp_path / "a.toml"), env={}, cwd=Path("/")).path == tmp_path / "a.toml"


def test_a_named_config_file_must_be_there(tmp_path: Path) -> None:
    assert problems(tmp_path, config="no.toml") == ["--config: cannot read no.toml: No such file or directory"]
    assert problems(tmp_path, INGEST_CONFIG="no.toml") == ["INGEST_CONFIG: cannot read no.toml: No such file or directory"]


# ── wrong keys and values ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[poll]\nintervall_s = 60", "c.toml:2: unknown key poll.intervall_s (did you mean interval_s?)"),
        ("[fetch]\ninterval_s = 60", "c.toml:2: unknown key fetch.interval_s (did you mean poll.interval_s?)"),
        ("[log]\nzzzz = 60", "c.toml:2: unknown key log.zzzz (known: level, format)"),
        ("\n[pol]\ninterval_s = 60", "c.toml:2: unknown key pol (did you mean poll?)"),
        ("port = 80", "c.toml:1: unknown key port (did you mean http.port?)"),
        ("fulltext = true", "c.toml:1: unknown key fulltext (did you mean full_text?)"),
        ("poll = 3", "c.toml:1: poll must be a table (write [poll])"),
        ("[[poll]]\nat_once = 3", "c.toml:1: poll must be a table (write [poll])"),
        ("feeds = 3", "c.toml:1: feeds must be text in quotes, not a whole number"),
        ("[poll]\n\nat_once = 0", "c.toml:3: poll.at_once must be from 1 to 1000, not 0"),
        (
            '[fetch]\nallow = [\n  "ok.example",\n  "10.0.0.1/8",\n]',
            "c.toml:4: fetch.allow holds '10.0.0.1/8', which is neither a host nor a CIDR (did you mean 10.0.0.0/8?)",
        ),
        (
            "[poll]\nmin_interval_s = 7200\nmax_interval_s = 3600",
            "c.toml:3: poll.min_interval_s (7200) must not exceed poll.max_interval_s (3600)",
        ),
        (
            '[articles]\nretry_s = "20h"\nmax_retry_s = "19h"\n',
            "c.toml:3: articles.retry_s (72000) must not exceed articles.max_retry_s (68400)",
        ),
        (
            '[http]\nis_enabled = false\n[websub]\ncallback_url = "https://ingest.example"\n',
            "c.toml:4: websub.callback_url leads nowhere (http.is_enabled is off)",
        ),
        ('[poll]\nmin_interval_s = "1d"\nmax_interval_s = "1h"\n"x', "c.toml:4: is not valid TOML: Unterminated string"),
    ],
)
def test_each_mistake_in_the_file_names_its_line_and_the_nearest_key(tmp_path: Path, text: str, problem: str) -> None:
    write(tmp_path, "c.toml", text)
    told = problems(tmp_path, config="c.toml")
    assert len(told) == 1
    assert told[0].startswith(problem)


def test_two_settings_that_contradict_name_the_one_that_was_set(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, INGEST_POLL_MIN_INTERVAL_S="86400", INGEST_POLL_MAX_INTERVAL_S="3600")
    assert problem.startswith("INGEST_POLL_MAX_INTERVAL_S: poll.min_interval_s (86400) must not exceed")
    write(tmp_path, "config/ingest.toml", "[articles]\nmax_retry_s = 10\n")
    [problem] = problems(tmp_path)
    assert problem.startswith("config/ingest.toml:2: articles.retry_s (600) must not exceed articles.max_retry_s (10)")


def test_all_mistakes_of_all_places_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "config/ingest.toml", 'fulltext = 1\n[poll]\nat_once = "x"\njitter = 9\n[http]\nport = 70000\n')
    write(tmp_path, "config/feeds.toml", '[[feed]]\nurl = "ftp://a.example/"\n[[feed]]\ntitle = "x"\n')
    with pytest.raises(ConfigError) as caught:
        load(
            database_url="nope",
            env={"INGEST_POLL_JITER": "1", "INGEST_LOG_LEVEL": "loud", "INGEST_FETCH_PROXY_FILE": "gone"},
            cwd=tmp_path,
        )
    assert [problem.where for problem in caught.value.problems] == [
        "config/ingest.toml:1",
        "config/ingest.toml:3",
        "config/ingest.toml:4",
        "config/ingest.toml:6",
        "INGEST_FETCH_PROXY_FILE",
        "INGEST_LOG_LEVEL",
        "INGEST_POLL_JITER",
        "--database-url",
        "config/feeds.toml:2",
        "config/feeds.toml:3",
    ]


def test_a_value_that_is_overruled_is_checked_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, "config/ingest.toml", "[poll]\nat_once = -1\n")
    assert len(problems(tmp_path, INGEST_POLL_AT_ONCE="5")) == 1


# ── environment ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_variable_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    assert problems(tmp_path, INGEST_DATABSE_URL="x") == [
        "INGEST_DATABSE_URL: unknown environment variable (did you mean INGEST_DATABASE_URL?)"
    ]


def test_variables_of_others_and_of_the_test_suite_are_left_alone(tmp_path: Path) -> None:
    assert load_here(tmp_path, PATH="/bin", INGEST_TEST_POSTGRES_URL="x", INGESTION="y").policies == DEFAULTS


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    write(tmp_path, "password", "sqlite:///secret.db\n")
    settings = load_here(
        tmp_path, INGEST_FETCH_PROXY="", INGEST_HTTP_PORT=" ", INGEST_DATABASE_URL="", INGEST_DATABASE_URL_FILE="password"
    )
    assert settings.policies.http == DEFAULTS.http
    assert settings.policies.database.url == "sqlite:///secret.db"


def test_a_variable_may_name_a_file_that_holds_its_value(tmp_path: Path) -> None:
    write(tmp_path, "dsn", "\npostgresql://me:secret@db/ingest\n")
    settings = load_here(tmp_path, INGEST_DATABASE_URL_FILE=str(tmp_path / "dsn"))
    assert settings.policies.database.url == "postgresql://me:secret@db/ingest"
    assert settings.provenance["database.url"] == "INGEST_DATABASE_URL_FILE"


def test_an_empty_file_counts_as_not_set(tmp_path: Path) -> None:
    write(tmp_path, "dsn", "\n")
    assert load_here(tmp_path, INGEST_DATABASE_URL_FILE="dsn").policies == DEFAULTS


def test_a_variable_and_its_file_together_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "dsn", "sqlite:///x.db")
    assert problems(tmp_path, INGEST_DATABASE_URL="sqlite:///y.db", INGEST_DATABASE_URL_FILE="dsn") == [
        "INGEST_DATABASE_URL_FILE: is set together with INGEST_DATABASE_URL (set one of the two)"
    ]


def test_a_file_that_cannot_be_read_is_told_by_its_variable(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert problems(tmp_path, INGEST_FEEDS_FILE="gone", INGEST_FETCH_PROXY_FILE="binary") == [
        "INGEST_FEEDS_FILE: cannot read gone: No such file or directory",
        "INGEST_FETCH_PROXY_FILE: cannot read binary: it is not UTF-8 text",
    ]


def test_wrong_values_of_variables_are_told_by_their_name(tmp_path: Path) -> None:
    assert problems(tmp_path, INGEST_HTTP_PORT="http", INGEST_FULL_TEXT="perhaps") == [
        "INGEST_FULL_TEXT: full_text must be true or false",
        "INGEST_HTTP_PORT: http.port must be a whole number, not text",
    ]


# ── the feed list ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_toml_feed_list_is_read(tmp_path: Path) -> None:
    write(tmp_path, "mine.toml", '# mine\n[[feed]]\nurl = "https://a.example/feed"\n')
    settings = load_here(tmp_path, feeds="mine.toml")
    assert settings.feeds == "mine.toml"
    assert settings.feed_list is not None
    assert [(feed.spec.url, feed.where) for feed in settings.feed_list] == [("https://a.example/feed", "mine.toml:2")]
    assert settings.provenance["feeds"] == "--feeds"


def test_an_empty_feed_file_is_a_list_without_feeds(tmp_path: Path) -> None:
    write(tmp_path, "config/feeds.toml", "# none yet\n")
    settings = load_here(tmp_path)
    assert settings.feeds == "config/feeds.toml"
    assert settings.feed_list == ()


@pytest.mark.parametrize("feeds", ["https://lists.example/feeds.opml", "HTTP://lists.example/all?format=opml", "mine.opml"])
def test_an_opml_list_is_recognised_and_left_to_the_caller(tmp_path: Path, feeds: str) -> None:
    write(tmp_path, "mine.opml", "<opml/>")
    settings = load_here(tmp_path, INGEST_FEEDS=feeds)
    assert settings.feeds == feeds
    assert settings.feed_list is None


def test_no_feed_list_may_be_asked_for(tmp_path: Path) -> None:
    write(tmp_path, "config/feeds.toml", '[[feed]]\nurl = "https://a.example/feed"\n')
    settings = load_here(tmp_path, feeds="")
    assert (settings.feeds, settings.feed_list) == ("", None)


@pytest.mark.parametrize(
    ("feeds", "problem"),
    [
        ("gone.toml", "INGEST_FEEDS: cannot read gone.toml: No such file or directory"),
        ("gone.opml", "INGEST_FEEDS: cannot read gone.opml: no such file"),
        ("ftp://lists.example/feeds.opml", "INGEST_FEEDS: feeds must be a path or an http(s) URL"),
    ],
)
def test_a_named_feed_list_must_be_there(tmp_path: Path, feeds: str, problem: str) -> None:
    assert problems(tmp_path, INGEST_FEEDS=feeds) == [problem]


def test_a_feed_list_named_in_the_file_is_told_by_its_line(tmp_path: Path) -> None:
    write(tmp_path, "config/ingest.toml", '\nfeeds = "gone.opml"\n')
    assert problems(tmp_path) == ["config/ingest.toml:2: cannot read gone.opml: no such file"]


def test_ten_thousand_feeds_load_with_their_lines(tmp_path: Path) -> None:
    feed = '[[feed]]\nurl = "https://host{0}.example/feed"\ntags = ["a", "b"]\nkeep = ["x{0}"]\n\n'
    write(tmp_path, "config/feeds.toml", "".join(feed.format(at) for at in range(10_000)))
    settings = load_here(tmp_path)
    assert settings.feed_list is not None
    assert settings.feed_list[-1].where == "config/feeds.toml:49996"


# ── reloading ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_reload_names_what_differs_and_what_needs_a_restart(tmp_path: Path) -> None:
    write(tmp_path, "config/feeds.toml", '[[feed]]\nurl = "https://a.example/feed"\n')
    old = load_here(tmp_path)
    write(tmp_path, "config/ingest.toml", 'full_text = false\n[poll]\nat_once = 3\n[http]\nport = 9090\n[log]\nlevel = "debug"\n')
    write(tmp_path, "config/feeds.toml", '[[feed]]\nurl = "https://a.example/feed"\ninterval = "1h"\n')
    changes = changed(old, load_here(tmp_path))
    assert [str(change) for change in changes] == [
        "full_text",
        "poll.at_once",
        "http.port (needs a restart)",
        "log.level (needs a restart)",
        "feed_list",
    ]


def test_a_reload_that_only_moves_lines_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, "config/feeds.toml", '[[feed]]\nurl = "https://a.example/feed"\n')
    old = load_here(tmp_path)
    write(tmp_path, "config/feeds.toml", '# moved\n\n[[feed]]\nurl = "https://a.example/feed"\n')
    write(tmp_path, "config/ingest.toml", "[poll]\njitter = 0.1\n")
    assert changed(old, load_here(tmp_path)) == ()
    assert changed(old, load_here(tmp_path, feeds="")) != ()
