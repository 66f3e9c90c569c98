"""`ingest feeds gaps`: entries that came and went between two polls, and what was found of them."""

from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.ending import USAGE, complain
from ingest.cli.options import Given, JsonOption, load_settings, run_async, spread
from ingest.cli.output import print_json, print_table

if TYPE_CHECKING:
    from ingest.config import Settings
    from ingest.model import GapInfo
    from ingest.store import SqlStore

_SHOWN = 1_000
_NEARLY = 0.8  # of what was missed, which is an estimate


@spread
def gaps(
    context: typer.Context,
    feed: Annotated[str | None, typer.Argument(metavar="URL|ID", help="Only of this feed.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only gaps that are still to be looked into.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Look for what was missed first, in older pages.")] = False,
    json: JsonOption = False,
    *,
    given: Given,
) -> None:
    """List gaps, the latest first: two polls that did not overlap, how many entries came and went, how many were found."""
    from ingest.opening import ready_store

    settings = load_settings(context, given)
    if repair:
        run_async(_repair(settings, feed))
    with ready_store(settings) as store:
        found = [gap for gap in _gaps(store, feed) if not only_open or gap.is_open]
    if json:
        print_json(found)
        return
    columns = ("feed", "url", "since", "until", "missed", "found", "state", "how")
    print_table(columns, (_row(gap) for gap in found), spare=("how", "since", "url"))


def _row(gap: "GapInfo") -> tuple[object, ...]:
    how = gap.repair or gap.reason
    return gap.feed_id, gap.feed_url, gap.since_at, gap.until_at, round(gap.missed), gap.found, _state(gap), how


def _state(gap: "GapInfo") -> str:
    """open, repaired, in part, or lost."""
    if gap.is_open:
        return "open"
    if not gap.found:
        return "lost"
    return "repaired" if gap.found >= _NEARLY * gap.missed else "in part"


def _gaps(store: "SqlStore", feed: str | None) -> "tuple[GapInfo, ...]":
    """The gaps of the feed, or of all. Ends the command where there is no such feed: it would silently find nothing."""
    known = store.feeds.find(feed) if feed is not None else None
    if feed is not None and known is None:
        complain(f"no feed {feed!r}; `ingest feeds list` shows those there are")
        raise typer.Exit(USAGE)
    return store.gaps.infos(known.feed_id if known else None, _SHOWN)


async def _repair(settings: "Settings", feed: str | None) -> None:
    """Look into every open gap, also into those that were to wait, the oldest first."""
    from ingest.repair import repair
    from ingest.wiring import wire

    async with wire(settings) as service:
        known = await service.in_thread(_gaps, service.store, feed)
        await repair(service, [gap for gap in reversed(known) if gap.is_open])
