"""Is it our own network? When one host after another is silent and none answers in between, no feed is to blame."""

from dataclasses import dataclass

_HOSTS = 5  # silent in a row: the network is away
_FEW_HOSTS = 3  # are enough where no other host is known
_REMEMBERED = 30  # silent hosts at most


@dataclass(frozen=True, slots=True)
class Outage:
    """The hosts that were silent since the last answer, and those that answered last before."""

    silent: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()

    @property
    def is_on(self) -> bool:
        """Whether it is our own network, as far as can be seen."""
        if len(self.silent) >= _HOSTS:
            return True
        return len(self.silent) >= _FEW_HOSTS and set(self.answered) <= set(self.silent)


def after_answer(outage: Outage, host: str) -> Outage:
    """A host answered, whatever it said: the network is there."""
    return Outage((), _with(outage.answered, host, _HOSTS))


def after_silence(outage: Outage, host: str) -> Outage:
    """No answer from a host: no name, no connection, or nothing before the deadline.

    Hosts that were silent at their last poll, too, prove nothing: they are better not told here.
    """
    return Outage(_with(outage.silent, host, _REMEMBERED), outage.answered)


def _with(hosts: tuple[str, ...], host: str, most: int) -> tuple[str, ...]:
    return (*(other for other in hosts if other != host), host)[-most:]
