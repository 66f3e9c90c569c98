"""Where big sites keep their feeds, by rules that they document or have kept for years; for pages that name none.

One line a rule: host and path as they stand in a browser → addresses of feeds, the likeliest first.
"""

import re

from ingest.urls import host_of, is_http_url, resolve

_NAME = r"[\w.~%+-]{1,100}"

# Host (with a dot in front: any host below it), path, and what to ask for; {1} and {2} are groups of the path.
_RULES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # https://developers.google.com/youtube/v3/guides/push_notifications
    ("youtube.com", r"/channel/(UC[\w-]{22})", ("https://www.youtube.com/feeds/videos.xml?channel_id={1}",)),
    ("youtube.com", rf"/user/({_NAME})", ("https://www.youtube.com/feeds/videos.xml?user={1}",)),
    ("youtube.com", r"/playlist\?(?:.*&)?list=([\w-]{10,64})", ("https://www.youtube.com/feeds/videos.xml?playlist_id={1}",)),
    # https://www.reddit.com/wiki/rss
    ("reddit.com", rf"/(r|user)/({_NAME})/?.*", ("https://www.reddit.com/{1}/{2}/.rss",)),
    ("reddit.com", rf"/u/({_NAME})/?.*", ("https://www.reddit.com/user/{1}/.rss",)),
    # https://docs.github.com/rest/activity/feeds
    ("github.com", rf"/({_NAME})/({_NAME})(?:/releases)?/?",
     ("https://github.com/{1}/{2}/releases.atom", "https://github.com/{1}/{2}/tags.atom", "https://github.com/{1}/{2}/commits.atom")),
    ("github.com", rf"/({_NAME})/({_NAME})/(?:commits|tree)(?:/.*)?", ("https://github.com/{1}/{2}/commits.atom",)),
    ("github.com", rf"/({_NAME})/({_NAME})/tags/?", ("https://github.com/{1}/{2}/tags.atom",)),
    ("github.com", rf"/({_NAME})/?", ("https://github.com/{1}.atom",)),
    ("gitlab.com", rf"/({_NAME}(?:/{_NAME}){{1,5}}?)(?:/-/.*)?/?",
     ("https://gitlab.com/{1}/-/releases.atom", "https://gitlab.com/{1}/-/tags?format=atom")),
    ("codeberg.org", rf"/({_NAME})/({_NAME})(?:/releases)?/?", ("https://codeberg.org/{1}/{2}/releases.rss", "https://codeberg.org/{1}/{2}.rss")),
    ("pypi.org", rf"/project/({_NAME})/?.*", ("https://pypi.org/rss/project/{1}/releases.xml",)),
    # https://help.medium.com/hc/en-us/articles/214874118
    (".medium.com", r"/.*", ("https://{host}/feed",)),
    ("medium.com", rf"/tag/({_NAME})(?:/.*)?", ("https://medium.com/feed/tag/{1}",)),
    ("medium.com", rf"/(@?{_NAME})(?<!/tag)(?:/.*)?", ("https://medium.com/feed/{1}",)),
    (".substack.com", r"/.*", ("https://{host}/feed",)),
    (".wordpress.com", r"/.*", ("https://{host}/feed/",)),
    (".blogspot.com", r"/.*", ("https://{host}/feeds/posts/default",)),
    (".tumblr.com", r"/.*", ("https://{host}/rss",)),
    ("tumblr.com", rf"/({_NAME})(?:/.*)?", ("https://{1}.tumblr.com/rss",)),
    (".livejournal.com", r"/.*", ("https://{host}/data/rss",)),
    ("dev.to", rf"/({_NAME})(?:/.*)?", ("https://dev.to/feed/{1}",)),
    ("bsky.app", r"/profile/([\w.:%-]{3,100})(?:/.*)?", ("https://bsky.app/profile/{1}/rss",)),
    ("vimeo.com", rf"/(?:channels/)?({_NAME})/?", ("https://vimeo.com/{1}/videos/rss", "https://vimeo.com/channels/{1}/videos/rss")),
    ("stackoverflow.com", rf"/questions/tagged/({_NAME})(?:[/?].*)?", ("https://stackoverflow.com/feeds/tag/{1}",)),
    ("arxiv.org", r"/list/([\w.-]{2,20})(?:/.*)?", ("https://rss.arxiv.org/rss/{1}",)),
    ("letterboxd.com", rf"/({_NAME})(?:/.*)?", ("https://letterboxd.com/{1}/rss/",)),
    ("news.ycombinator.com", r"/.*", ("https://news.ycombinator.com/rss",)),
    (".itch.io", r"/(?:.*/)?devlog/?.*", ("https://{host}/devlog.rss",)),
    ("store.steampowered.com", r"/app/([0-9]{1,10})(?:/.*)?", ("https://store.steampowered.com/feeds/news/app/{1}",)),
)  # fmt: skip
_PATTERNS = tuple((host, re.compile(path), feeds) for host, path, feeds in _RULES)
# Any host: Mastodon and its like (https://docs.joinmastodon.org/user/profile/), categories of Discourse.
_ANYWHERE = (
    (re.compile(rf"/(@{_NAME})/?"), "/{0}.rss"),
    (re.compile(r"/c/((?:[\w-]{1,60}/){1,3}[0-9]{1,9})/?"), "/c/{0}.rss"),
)
# A channel under a name of its choice: its page knows its number.
_LOOKED_AT = 1_000_000  # bytes of a page
_CHANNEL = re.compile(rb"""(?:/channel/|"(?:externalId|channelId|externalChannelId)"\s*:\s*")(UC[\w-]{22})(?![\w-])""")


def known_feed_urls(url: str, page: bytes = b"") -> tuple[str, ...]:
    """Addresses of feeds that belong to `url` by the rules of its site; `page` is what stands there, if it is known."""
    host = host_of(url)
    path = "/" + url.partition("://")[2].partition("/")[2].partition("#")[0]
    found = [
        feed.format(None, *match.groups(), host=host)
        for place, pattern, feeds in _PATTERNS
        if _is_at(host, place) and (match := pattern.fullmatch(path))
        for feed in feeds
    ]
    return tuple(dict.fromkeys(address for address in found or _by_page(url, host, path, page) if is_http_url(address)))


def _by_page(url: str, host: str, path: str, page: bytes) -> list[str]:
    """By what the page says of itself, or by a form of path that only one kind of software has."""
    if _is_at(host, "youtube.com"):
        channel = _CHANNEL.search(page, 0, _LOOKED_AT)
        return [f"https://www.youtube.com/feeds/videos.xml?channel_id={channel[1].decode()}"] if channel else []
    matches = ((pattern.fullmatch(path.partition("?")[0]), feed) for pattern, feed in _ANYWHERE)
    return [resolve(url, feed.format(*match.groups())) or "" for match, feed in matches if match]


def _is_at(host: str, place: str) -> bool:
    if place.startswith("."):
        return host.endswith(place) and host != f"www{place}"
    return re.sub(r"^(?:www|m|old|new)\.", "", host) == place
