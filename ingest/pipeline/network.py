"""Is it our own network? When nearly everything fails, no feed and no page is to blame."""

from ingest.clock import Clock
from ingest.errors import FetchError, IngestError, PermanentFetchError
from ingest.model import FeedClaim
from ingest.outcome import Outcome
from ingest.pipeline.observer import Observer
from ingest.schedule import Outage, after_answer, after_silence

_SILENT = frozenset({Outcome.DNS_ERROR, Outcome.CONNECT_ERROR, Outcome.TIMEOUT, Outcome.TLS_ERROR})
_ANSWERS = frozenset({Outcome.TRUNCATED, Outcome.TOO_LARGE, Outcome.DECODE_ERROR})  # that could not be used
_TRIED_S = 5.0  # until the next look whether the network is back


class NetworkWatch:
    """Watches the attempts of one process and says when its network is away.

    Feeds whose failures were counted before that could be seen are remembered, so that they can be forgiven.
    """

    def __init__(self, observer: Observer, clock: Clock) -> None:
        self._observer = observer
        self._clock = clock
        self._state = Outage()
        self._lost_s = 0.0
        self._back_s = 0.0
        self._tried_s = 0.0
        self._counted: dict[int, FeedClaim] = {}

    @property
    def is_away(self) -> bool:
        return self._state.is_on

    def answered(self, host: str) -> None:
        """A host answered, whatever it said."""
        was_away = self.is_away
        self._state = after_answer(self._state, host)
        if was_away and not self.is_away:
            self._back_s = self._clock.monotonic_s()
            self._observer.network_back(self._back_s - self._lost_s)
        if not self.is_away:
            self._counted.clear()

    def failed(self, host: str, error: FetchError, *, was_failing: bool = False) -> None:
        """An attempt failed. It was answered, or met with silence; where nobody was asked it says nothing about the network.

        `was_failing`: so did the one before; then silence says nothing either, but an answer does.
        """
        if _is_answer(error):
            self.answered(host)
        elif error.outcome in _SILENT and not was_failing:
            self._silent(host)

    def _silent(self, host: str) -> None:
        was_away = self.is_away
        self._state = after_silence(self._state, host)
        if self.is_away and not was_away:
            self._lost_s = self._clock.monotonic_s()
            self._observer.network_lost(len(self._state.silent))

    def is_time_to_try(self) -> bool:
        """Whether to look again if the network is back; True once in a few seconds."""
        now_s = self._clock.monotonic_s()
        if now_s - self._tried_s < _TRIED_S:
            return False
        self._tried_s = now_s
        return True

    def is_ours(self, error: FetchError, *, since_s: float) -> bool:
        """Whether it is no fault of the host that an attempt begun at `since_s` (monotonic) failed.

        One that began while the network was away may end after another one had its answer. Whoever answers is heard, also while
        everybody else is silent: it may have said when to come back.
        """
        if _is_answer(error):
            return False
        return self.is_away or (error.outcome in _SILENT and since_s < self._back_s)

    def counted(self, claim: FeedClaim, error: IngestError) -> None:
        """This poll was counted as a failure. Where it was silence, that was for want of proof that it is ours."""
        if isinstance(error, FetchError) and error.outcome in _SILENT:
            self._counted.setdefault(claim.feed_id, claim)

    def take_counted(self) -> tuple[FeedClaim, ...]:
        """The feeds to forgive now, as they were before: each once."""
        counted, self._counted = self._counted, {}
        return tuple(counted.values())


def _is_answer(error: FetchError) -> bool:
    """Whether somebody answered, whatever that was; not so where an address, a header or a turn kept us from asking."""
    if error.status is not None or error.outcome in _ANSWERS:
        return True
    return error.outcome is Outcome.PROTOCOL_ERROR and not isinstance(error, PermanentFetchError)  # else it could not be sent
