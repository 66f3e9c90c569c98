"""What is known of the service's own health."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.clock import Clock
from ingest.errors import StoreError
from ingest.store import SqlStore

# The scheduler ticks every second; a minute of silence means that the event loop or the scheduler stands still.
_STALE_TICK_S = 60.0


@dataclass(slots=True)
class Health:
    """Alive: the process answers. Ready: the database answers too. Healthy: and work is looked for and handed out."""

    clock: Clock
    _store: SqlStore | None = None
    _problem: str = "starting"
    _ticked_s: float | None = None
    _work_problem: Callable[[], str] = field(default=str)  # nothing is wrong with the work: ''

    def started(self, store: SqlStore, work_problem: Callable[[], str] = str) -> None:
        """`work_problem` says why no work can be had, or '': a full disk still answers questions."""
        self._store, self._problem, self._ticked_s = store, "", self.clock.monotonic_s()
        self._work_problem = work_problem

    def ticked(self) -> None:
        self._ticked_s = self.clock.monotonic_s()

    def failed(self, problem: str) -> None:
        self._store, self._problem = None, problem

    def stopping(self) -> None:
        self._store, self._problem = None, "stopping"

    def ready_problem(self) -> str:
        """Why the service is not ready, or ''. Asks the database: call it in a thread."""
        if self._store is None:
            return self._problem
        try:
            self._store.ping()
        except StoreError as error:
            return str(error)
        return ""

    def problem(self) -> str:
        """Why the service is not healthy, or ''."""
        silent_s = self.clock.monotonic_s() - self._ticked_s if self._ticked_s is not None else 0.0
        is_silent = silent_s > _STALE_TICK_S
        return self.ready_problem() or self._work_problem() or (f"no tick for {silent_s:.0f} s" if is_silent else "")
