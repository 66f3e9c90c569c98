"""A feed's secrets go to its own origin and nowhere else."""

import pytest

from ingest.model import FeedSecrets
from ingest.pipeline import scoped_secrets

SECRETS = FeedSecrets(headers={"X-Key": "k"}, username="u", password="p", proxy="http://proxy.example:3128")


@pytest.mark.parametrize(
    ("listed", "url", "is_sent"),
    [
        ("https://a.example/feed", "https://a.example/feed", True),
        ("https://a.example/feed", "https://a.example/page?x=1", True),
        ("http://a.example/feed", "https://a.example/feed", True),
        ("https://a.example/feed", "http://a.example/feed", False),
        ("https://a.example/feed", "https://b.example/feed", False),
        ("https://a.example/feed", "https://a.example:8443/feed", False),
        ("http://a.example:8080/feed", "https://a.example:8080/feed", True),
        ("https://a.example/feed", "no address", False),
    ],
)
def test_secrets_are_for_the_feeds_own_origin_and_for_it_over_https(listed, url, is_sent):
    expected = SECRETS if is_sent else FeedSecrets(proxy=SECRETS.proxy)
    assert scoped_secrets(lambda _: SECRETS, listed, url) == expected
