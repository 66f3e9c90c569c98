"""Hashes over lists of texts: of what an entry says, and of where it stands."""

import hashlib

HASH_BYTES = 12  # of a short hash: 2⁻⁴⁸ for two of a million to be alike


def hash_parts(*parts: str | bytes) -> bytes:
    """SHA-256 over the parts, each with its length, so that no two lists of parts are alike."""
    hashed = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "replace") if isinstance(part, str) else part
        hashed.update(b"%d:" % len(data))
        hashed.update(data)
    return hashed.digest()


def short_hash(*parts: str | bytes) -> bytes:
    """The beginning of the same, where thousands are kept."""
    return hash_parts(*parts)[:HASH_BYTES]
