"""A feed's secrets go to its own origin and nowhere else."""

from collections.abc import Callable

from ingest.model import FeedSecrets
from ingest.urls import origin_of


def scoped_secrets(secrets_of: Callable[[str], FeedSecrets], feed_url: str, url: str) -> FeedSecrets:
    """What may be sent to `url` on behalf of the feed: everything at its own origin, elsewhere only its proxy is used.

    An origin that has moved to https is the same, and better kept.
    """
    secrets = secrets_of(feed_url)
    return secrets if url == feed_url or _is_at_home(feed_url, url) else FeedSecrets(proxy=secrets.proxy)


def _is_at_home(feed_url: str, url: str) -> bool:
    listed, asked = origin_of(feed_url), origin_of(url)
    return listed is not None and asked in (listed, listed.replace("http://", "https://", 1))
