"""The pace of the day: how the request budget is shared out among the feeds, worked out anew now and then."""

from collections.abc import Callable, Iterable

from ingest.policy import PollPolicy
from ingest.ports import InThread
from ingest.schedule import Pace, find_pace


class Pacer:
    """Holds the pace by which polls are planned. `rates` answers the roots of the rates of all active feeds."""

    def __init__(self, rates: Callable[[], Iterable[float | None]], in_thread: InThread, policy: PollPolicy) -> None:
        self._rates = rates
        self._in_thread = in_thread
        self._policy = policy
        self.pace = find_pace((), policy)

    async def refresh(self) -> None:
        """Work it out anew from what is known now. Raises StoreError."""
        self.pace = await self._in_thread(self._find)

    def _find(self) -> Pace:
        return find_pace(self._rates(), self._policy)
