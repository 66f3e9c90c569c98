"""A feed's secrets go to its own origin and nowhere else."""

from collections.abc import Callable

from ingest.model import FeedSecrets
from ingest.urls import origin_of


def scoped_secrets(secrets_of: Callable[[str], FeedSecrets], feed_url: str, url: str) -> FeedSecrets:
    """What may be sent to `url` on behalf of the feed: everything at its own origin, elsewhere only its proxy is used."""
    secrets = secrets_of(feed_url)
    return secrets if origin_of(feed_url) == origin_of(url) else FeedSecrets(proxy=secrets.proxy)
