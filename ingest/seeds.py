"""Seed documents into the store: a folder of text files becomes articles with the source `seed`."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.clock import Clock
from ingest.decide import draft_seed
from ingest.dedupe import fingerprint
from ingest.errors import ConfigError, ParseError, Problem
from ingest.model import Identity, IdentityKind
from ingest.parse import read_seed
from ingest.policy import MatchPolicy
from ingest.store import SqlStore

_MAX_BYTES = 10_000_000


@dataclass(slots=True)
class SeedTally:
    """What one load did."""

    stored: int = 0
    known: int = 0
    failed: int = 0

    def __str__(self) -> str:
        return f"seeds {self.stored} stored, {self.known} known, {self.failed} failed"


def load_seeds(
    folder: Path, store: SqlStore, *, clock: Clock, matching: MatchPolicy, complain: Callable[[str], None]
) -> SeedTally:
    """Store every `*.txt` of `folder`; a document known by its content or its text changes nothing.

    A file that cannot be read as a seed is told to `complain` in one line and passed over. Raises ConfigError when there is no
    such folder.
    """
    if not folder.is_dir():
        raise ConfigError(Problem(str(folder), "no such folder", "name the folder that holds the seed documents (*.txt)"))
    tally = SeedTally()
    for path in sorted(folder.glob("*.txt")):
        try:
            is_new = _load(path, store, clock, matching)
        except (ParseError, OSError) as error:
            complain(f"{path}: {error.strerror if isinstance(error, OSError) else error}")
            tally.failed += 1
            continue
        tally.stored += is_new
        tally.known += not is_new
    return tally


def _load(path: Path, store: SqlStore, clock: Clock, matching: MatchPolicy) -> bool:
    with path.open("rb") as file:
        body = file.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise OSError(0, f"larger than {_MAX_BYTES // 1_000_000} MB, which no seed document is")
    article = draft_seed(read_seed(path.name, body))
    own = Identity(IdentityKind.SEED, hashlib.sha256(body).hexdigest())
    return store.articles.put_seed((own, *fingerprint(article, matching)), article, clock.now())
