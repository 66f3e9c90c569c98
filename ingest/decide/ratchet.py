"""The ratchet: a better stored body is never replaced by a worse one."""

from ingest.model import Quality


def is_better(new: Quality, new_words: int, old: Quality, old_words: int, *, is_new_free: bool = False) -> bool:
    """Whether a new body takes the place of the stored one. Never a worse one for a better.

    A full text gives way to a full one that kept at least half of its words, or that the page declares free (`is_new_free`), and
    to nothing else. Other classes give way to their own in the same way. A start never takes the place of a longer text; what
    stands in a text's place takes nobody's.
    """
    if new is Quality.FULL:
        return old is not Quality.FULL or is_new_free or new_words * 2 >= old_words
    if not _WORTH[new] or old is Quality.FULL:
        return False
    if not _WORTH[old]:
        return True
    if new is old:
        return new_words * 2 >= old_words
    return _WORTH[new] >= _WORTH[old] and new_words >= old_words


_WORTH = dict.fromkeys(Quality, 0) | {
    Quality.FULL: 3,
    Quality.SHORT: 2,
    Quality.SUMMARY: 1,
    Quality.TEASER: 1,
    Quality.PAYWALL: 1,
}
