"""Hiding what is secret in a URL before anybody reads it."""

from ingest.urls import redact


def mask_url(url: str) -> str:
    """`url` with `***` for its password and for the value of every parameter whose name sounds secret.

    For database and proxy URLs too, and for broken ones: everything up to the last @ counts as user and password, so that a
    password with a slash or an @ in it is hidden as well. A user name stays readable where a password follows it.
    """
    scheme, separator, rest = url.partition("://")
    userinfo, at, place = rest.rpartition("@")
    if at and not rest.startswith("/"):
        user, colon, _ = userinfo.partition(":")
        rest = f"{user if colon else ''}{colon}***@{place}"
    return redact(scheme + separator + rest)
