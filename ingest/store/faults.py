"""What went wrong in a database, in one clear line and as the type that says what to do next.

No statement, no parameter and no password ever gets into a message: only the first line of what the database itself said.
"""

from enum import Enum, auto

import sqlalchemy as sa
from sqlalchemy import exc

from ingest.errors import StoreError, StoreUnavailable

_MAX_DETAIL = 300


class Fault(Enum):
    """What kind of trouble it is."""

    CONFLICT = auto()  # with another transaction: the same work may succeed now
    AWAY = auto()  # the connection was lost or cannot be had
    FULL = auto()
    REFUSED = auto()  # wrong user, password or database name
    READ_ONLY = auto()
    DAMAGED = auto()
    OTHER = auto()


# Primary result codes. Source: https://www.sqlite.org/rescode.html
_SQLITE = {
    5: Fault.CONFLICT,  # BUSY
    6: Fault.CONFLICT,  # LOCKED
    8: Fault.READ_ONLY,
    10: Fault.AWAY,  # IOERR
    11: Fault.DAMAGED,  # CORRUPT
    13: Fault.FULL,
    26: Fault.DAMAGED,  # NOTADB
}

# Classes and codes of SQLSTATE. Source: PostgreSQL 18, Appendix A.
_POSTGRESQL = {
    "40001": Fault.CONFLICT,  # serialization failure
    "40P01": Fault.CONFLICT,  # deadlock detected
    "55P03": Fault.CONFLICT,  # lock not available within lock_timeout
    "25006": Fault.READ_ONLY,
    "3D000": Fault.REFUSED,  # no such database
    "53100": Fault.FULL,
    "08": Fault.AWAY,
    "28": Fault.REFUSED,  # wrong user or password
    "53": Fault.AWAY,  # too many connections, out of memory
    "57P": Fault.AWAY,  # shutting down or starting up
}

# A refused log-in reaches us without SQLSTATE; the server's words are all there is. Source: auth.c, postinit.c of PostgreSQL.
_REFUSALS = ("authentication failed", "no password supplied", "does not exist", "is not permitted", "no pg_hba.conf entry")

_SAYS = {
    Fault.CONFLICT: "other programs kept it busy for too long",
    Fault.AWAY: "cannot be reached",
    Fault.FULL: "the disk is full",
    Fault.REFUSED: "refuses the log-in",
    Fault.READ_ONLY: "cannot be written",
    Fault.DAMAGED: "is damaged and was left as it is; restore a backup or move it away",
    Fault.OTHER: "failed",
}

_PASSING = (Fault.CONFLICT, Fault.AWAY, Fault.FULL)


def fault_of(error: exc.SQLAlchemyError) -> Fault:
    """What kind of trouble `error` is."""
    if isinstance(error, exc.TimeoutError):
        return Fault.AWAY
    if not isinstance(error, exc.DBAPIError):
        return Fault.OTHER
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE.get(code & 0xFF, Fault.OTHER)
    return _postgresql_fault(error)


def _postgresql_fault(error: exc.DBAPIError) -> Fault:
    state = getattr(error.orig, "sqlstate", None) or ""
    for length in (5, 3, 2):
        if len(state) >= length and state[:length] in _POSTGRESQL:
            return _POSTGRESQL[state[:length]]
    if state or not isinstance(error, exc.OperationalError):
        return Fault.OTHER
    return Fault.REFUSED if any(words in str(error.orig) for words in _REFUSALS) else Fault.AWAY


def translate(error: exc.SQLAlchemyError, place: str) -> StoreError:
    """The error to raise instead of `error`, for the database at `place`."""
    fault = fault_of(error)
    kind = StoreUnavailable if fault in _PASSING else StoreError
    return kind(f"database {place} {_SAYS[fault]}: {_detail(error)}")


def _detail(error: exc.SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, exc.DBAPIError | exc.StatementError) else error
    words = " ".join(str(cause).split("\n", 1)[0].split())
    return words[:_MAX_DETAIL] or type(cause).__name__


def place_of(url: sa.URL) -> str:
    """How messages name the database: a path, or user@host/name. Never with a password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or url.query.get("host") or "localhost"
    where = f"{host}:{url.port}" if url.port else f"{host}"
    return f"{url.username or ''}@{where}/{url.database or ''}".lstrip("@")
