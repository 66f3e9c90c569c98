"""Feeds that sites are known to keep, though their pages may not say so."""

import pytest

from ingest.parse.sites import known_feed_urls

CHANNEL = "UC1234567890_-3456789012"


@pytest.mark.parametrize(
    ("page", "feed"),
    [
        (f"https://www.youtube.com/channel/{CHANNEL}", f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}"),
        ("https://m.youtube.com/user/abc", "https://www.youtube.com/feeds/videos.xml?user=abc"),
        ("https://youtube.com/playlist?a=1&list=PL1234567890ab", "https://www.youtube.com/feeds/videos.xml?playlist_id=PL1234567890ab"),
        ("https://old.reddit.com/r/python/top/?t=day", "https://www.reddit.com/r/python/.rss"),
        ("https://www.reddit.com/u/someone", "https://www.reddit.com/user/someone/.rss"),
        ("https://github.com/a/b", "https://github.com/a/b/releases.atom"),
        ("https://github.com/a/b/tree/main/x", "https://github.com/a/b/commits.atom"),
        ("https://github.com/a/b/tags", "https://github.com/a/b/tags.atom"),
        ("https://github.com/a", "https://github.com/a.atom"),
        ("https://gitlab.com/g/s/p/-/issues", "https://gitlab.com/g/s/p/-/releases.atom"),
        ("https://codeberg.org/a/b", "https://codeberg.org/a/b/releases.rss"),
        ("https://pypi.org/project/some-thing/", "https://pypi.org/rss/project/some-thing/releases.xml"),
        ("https://medium.com/@me/some-title-1", "https://medium.com/feed/@me"),
        ("https://medium.com/tag/food", "https://medium.com/feed/tag/food"),
        ("https://me.medium.com/some", "https://me.medium.com/feed"),
        ("https://x.substack.com/p/y", "https://x.substack.com/feed"),
        ("https://x.wordpress.com/2020/", "https://x.wordpress.com/feed/"),
        ("https://x.blogspot.com/2020/01/a.html", "https://x.blogspot.com/feeds/posts/default"),
        ("https://x.tumblr.com/", "https://x.tumblr.com/rss"),
        ("https://www.tumblr.com/x", "https://x.tumblr.com/rss"),
        ("https://bsky.app/profile/a.b.example", "https://bsky.app/profile/a.b.example/rss"),
        ("https://stackoverflow.com/questions/tagged/python?tab=Newest", "https://stackoverflow.com/feeds/tag/python"),
        ("https://arxiv.org/list/cs.AI/recent", "https://rss.arxiv.org/rss/cs.AI"),
        ("https://social.example/@me", "https://social.example/@me.rss"),
        ("https://forum.example/c/general/4?x#y", "https://forum.example/c/general/4.rss"),
    ],
)  # fmt: skip
def test_feed_of_a_page_is_known(page: str, feed: str) -> None:
    assert known_feed_urls(page)[0] == feed


@pytest.mark.parametrize(
    "url",
    [
        "https://site.example/", "no address", "", "https://evilyoutube.com/user/abc", "https://youtube.com.evil.example/user/abc",
        "https://www.youtube.com/@abc", "https://www.substack.com/", "https://youtube.com/playlist?list=x&y={1}",
    ],
)  # fmt: skip
def test_other_pages_have_no_rule(url: str) -> None:
    assert known_feed_urls(url) == ()


def test_channel_under_a_name_is_found_in_its_page() -> None:
    page = f'<script>var x = {{"externalId":"{CHANNEL}","x":1}}</script>'.encode()
    assert known_feed_urls("https://www.youtube.com/@abc", page) == (
        f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}",
    )
    assert known_feed_urls("https://site.example/@abc/x", page) == ()
