"""What polls of feeds and attempts at articles share of the world."""

from collections.abc import Callable
from dataclasses import dataclass

from ingest.clock import Clock
from ingest.model import FeedSecrets
from ingest.pipeline.network import NetworkWatch
from ingest.pipeline.observer import Observer
from ingest.policy import HostPolicy
from ingest.ports import Fetcher, InThread, Offload


@dataclass(frozen=True, slots=True)
class Edges:
    """`secrets` finds a feed's secrets by its URL; `chance` gives numbers in [0, 1)."""

    fetcher: Fetcher
    in_thread: InThread
    offload: Offload
    clock: Clock
    observer: Observer
    secrets: Callable[[str], FeedSecrets]
    chance: Callable[[], float]
    hosts: HostPolicy
    network: NetworkWatch
