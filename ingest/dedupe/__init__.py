"""Recognising an article: by which identities it can be known (`fingerprint`), and which stored one it is (`match`)."""

from ingest.dedupe.fingerprint import fingerprint, link_identity
from ingest.dedupe.match import match

__all__ = ["fingerprint", "link_identity", "match"]
