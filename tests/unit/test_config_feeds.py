"""The feed list as a TOML file."""

from pathlib import Path

import pytest

from ingest.config import ConfiguredFeed, load
from ingest.errors import ConfigError
from ingest.model import FeedOptions, FeedOrigin, FeedSecrets, FeedSpec

URL = 'url = "https://a.example/feed"\n'


def read(folder: Path, text: str) -> tuple[ConfiguredFeed, ...]:
    (folder / "feeds.toml").write_text(text, encoding="utf-8")
    settings = load(feeds="feeds.toml", env={}, cwd=folder)
    assert settings.feed_list is not None
    return settings.feed_list


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return [str(problem) for problem in caught.value.problems]


def test_a_feed_needs_only_its_url(tmp_path: Path) -> None:
    [feed] = read(tmp_path, f"[[feed]]\n{URL}")
    assert feed.spec == FeedSpec("https://a.example/feed", FeedOptions(), FeedOrigin.FILE)
    assert feed.secrets == FeedSecrets()
    assert feed.where == "feeds.toml:1"


def test_every_key_of_a_feed_is_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n")
    (tmp_path / "password").write_text("pass-word\n")
    text = """
[[feed]]
url = "https://a.example/feed"
title = "A"
tags = ["news", "en", "news"]
interval = "15m"
full_text = false
enabled = false
user_agent = "Me/1"
keep = ["climate", "energ(y|ies)"]
block = ["sponsored"]
username = "me"
password_file = "password"
proxy = "http://u:p@proxy.example:3128"
headers = { "X-One" = "1" }
[feed.headers_files]
X-Two = "key"
"""
    [feed] = read(tmp_path, text)
    assert feed.spec.options == FeedOptions(
        title="A",
        tags=("news", "en"),
        is_enabled=False,
        interval_s=900.0,
        full_text=False,
        user_agent="Me/1",
        keep=("climate", "energ(y|ies)"),
        block=("sponsored",),
    )
    assert feed.secrets == FeedSecrets(
        headers={"X-One": "1", "X-Two": "from-file"},
        username="me",
        password="pass-word",
        proxy="http://u:p@proxy.example:3128",
    )


def test_a_proxy_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "proxy").write_text("http://proxy.example:1\n")
    [feed] = read(tmp_path, f'[[feed]]\n{URL}proxy_file = "proxy"\n')
    assert feed.secrets.proxy == "http://proxy.example:1"


def test_a_login_in_the_url_becomes_a_secret(tmp_path: Path) -> None:
    [feed] = read(tmp_path, '[[feed]]\nurl = "https://me%40x:p%2Fw@a.example/feed?x=@"\n')
    assert feed.spec.url == "https://a.example/feed?x=@"
    assert (feed.secrets.username, feed.secrets.password) == ("me@x", "p/w")


def test_secrets_do_not_show_when_a_feed_is_printed(tmp_path: Path) -> None:
    [feed] = read(tmp_path, f'[[feed]]\n{URL}username = "me"\npassword = "hush1"\nheaders = {{ K = "hush2" }}\n')
    assert "hush" not in repr(feed)


def test_an_unusable_list_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path, f"\n[feed]\n{URL}") == ["feeds.toml:2: feed must be an array of tables (write [[feed]])"]
    assert problems(tmp_path, f"[[feeds]]\n{URL}") == ["feeds.toml:1: unknown key feeds (did you mean feed?)"]
    assert problems(tmp_path, URL) == ["feeds.toml:1: unknown key url (put it below [[feed]])"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('title = "x"', "1: this feed has no url"),
        ('url = "ftp://a.example/"', "2: url must be an http:// or https:// URL"),
        ('url = "https://a.example/\\nb"', "2: url must not hold control characters"),
        (URL + "intervall = 60", "3: unknown key intervall (did you mean interval?)"),
        (URL + "interval = 3", "3: interval must be from 10 to 2592000 seconds, not 3"),
        (URL + 'interval = "often"', '3: interval must be a number of seconds or a duration such as "30m", not text'),
        (URL + 'enabled = "yes"', "3: enabled must be true or false, not text"),
        (URL + 'tags = "news"', "3: tags must be a list of texts, not text"),
        (URL + 'user_agent = ""', "3: user_agent must not be empty"),
        (URL + 'proxy = "socks5://p"', "3: proxy must be an http:// or https:// URL (SOCKS is not supported)"),
        (URL + 'password = "x"', "3: password without username"),
        (URL + 'username = "u"\npassword = "x"\npassword_file = "y"', "5: password is given together with password_file"),
        (URL + 'username = "u"\npassword_file = "gone"', "4: cannot read gone: No such file or directory"),
        (URL + 'proxy_file = "gone"', "3: cannot read gone: No such file or directory"),
        (URL + 'extractor = "magic"', "3: extractor must be one of blocks, readability"),
        (URL + 'exclude = ["div["]', "3: exclude holds 'div[', which is neither a CSS selector nor an XPath expression: "),
        (URL + 'include = ["//p["]', "3: include holds '//p[', which is neither a CSS selector nor an XPath expression: "),
        (URL + 'headers = "X: y"', "3: headers must be a table (such as"),
        (URL + "[feed.headers]\nX-A = 1", "4: header X-A must be text in quotes, not a whole number"),
        (URL + '[feed.headers]\nX-A = "a\\r\\nB: c"', "4: header X-A must not hold control characters"),
        (URL + '[feed.headers]\nX-A = "Größe"', "4: header X-A must be ASCII"),
        (URL + '[feed.headers]\n"X A" = "1"', "4: 'X A' is no header name"),
        (URL + '[feed.headers]\nHost = "b"', "4: header Host cannot be set"),
        (URL + '[feed.headers]\nUser-Agent = "b"', "4: header User-Agent cannot be set (use the key user_agent)"),
        (URL + '[feed.headers]\nX-A = "1"\nx-a = "2"', "5: header x-a is given twice"),
        (URL + "[feed.headers_files]\nX-A = 1", "4: header X-A must be text in quotes, not a whole number"),
        (URL + '[feed.headers_files]\nX-A = "gone"', "4: cannot read gone"),
        (URL + '[feed.headers_files]\nX-A = "two"', "4: two as header X-A must not hold control characters"),
        (
            'url = "https://u:p@a.example/"\nusername = "me"',
            "2: url holds a user name and username is given too (give one of the two)",
        ),
    ],
)
def test_each_mistake_in_a_feed_names_its_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "two").write_text("line\nline\n")
    told = problems(tmp_path, f"[[feed]]\n{text}\n")
    assert len(told) == 1
    assert told[0].startswith(f"feeds.toml:{problem}")


def test_each_bad_expression_names_its_own_line(tmp_path: Path) -> None:
    told = problems(tmp_path, f'[[feed]]\n{URL}keep = [\n"fine",\n"(open",\n]\nblock = ["*"]\n')
    assert [line.partition(", ")[0] for line in told] == ["feeds.toml:5: keep holds '(open'", "feeds.toml:7: block holds '*'"]


def test_a_mistake_never_shows_a_secret(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        f'[[feed]]\n{URL}password = "hush\\n"\nproxy = "socks5://u:hush@p"\nheaders = {{ K = "hush\\n" }}\n'
        '[[feed]]\nurl = "htps://u:hush@b.example/"\n',
    )
    assert len(told) == 4
    assert "hush" not in "".join(told)


def test_the_same_feed_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    text = f'[[feed]]\n{URL}\n[[feed]]\nurl = "https://b.example/"\n\n[[feed]]\nurl = "HTTPS://A.example:443/feed"\n'
    assert problems(tmp_path, text) == ["feeds.toml:7: the same feed as in feeds.toml:1 (remove one of the two)"]


def test_mistakes_of_several_feeds_are_told_together(tmp_path: Path) -> None:
    text = f'[[feed]]\n{URL}colour = 1\n[[feed]]\nurl = 3\n[[feed]]\n{URL}tags = [1, "a", 2]\n'
    assert [line.partition(" ")[0] for line in problems(tmp_path, text)] == [
        "feeds.toml:3:",
        "feeds.toml:5:",
        "feeds.toml:8:",
        "feeds.toml:8:",
        "feeds.toml:6:",
    ]
