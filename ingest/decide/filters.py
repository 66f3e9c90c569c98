"""Which entries of a feed become articles: its keep and block filters."""

import re

from ingest.model import Entry, EntryPlan, EntryState, FeedOptions, KeyedEntry


def plan_entry(
    keyed: KeyedEntry, options: FeedOptions, *, reason: str, full_text: bool = True, entry_id: int | None = None
) -> EntryPlan:
    """The plan for one new or changed entry: pending, or blocked by a filter of its feed.

    `full_text` says whether pages are wanted where the feed's options do not.
    """
    blocked = _why_blocked(keyed.entry, options)
    state = EntryState.BLOCKED if blocked else EntryState.PENDING
    wants_page = full_text if options.full_text is None else options.full_text
    return EntryPlan(keyed, state, blocked or reason, entry_id, wants_page=wants_page)


def _why_blocked(entry: Entry, options: FeedOptions) -> str | None:
    said = "\n".join(filter(None, (entry.title, entry.url, *entry.categories)))
    for pattern in options.block:
        if re.search(pattern, said, re.IGNORECASE):
            return f"blocked by filter {pattern!r}"
    if options.keep and not any(re.search(pattern, said, re.IGNORECASE) for pattern in options.keep):
        return "no keep filter matches"
    return None
