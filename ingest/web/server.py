"""uvicorn beside the daemon's own work, on the same event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from ingest.errors import ConfigError, Problem
from ingest.log import get
from ingest.metrics import Metrics
from ingest.policy import HttpPolicy
from ingest.web.app import create_app
from ingest.web.health import Health
from ingest.web.websub import Callback

_HEAD_S = 10.0  # for the head of a request
_MOST_CONNECTIONS = 500  # so that file descriptors are left for our own work


class _Patient(H11Protocol):
    """uvicorn on h11, which bounds the head of a request (64 KB); and one that takes too long, or comes on too many connections
    at once, is hung up on: uvicorn itself waits for ever.
    """

    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > _MOST_CONNECTIONS:
            transport.close()
            return
        self._watch = self.loop.call_later(_HEAD_S, self._look, None)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def _look(self, last: RequestResponseCycle | None) -> None:
        """Hang up if no request has come since the last look and none is being answered."""
        is_idle = last is None or last.response_complete
        if is_idle and self.cycle is last:
            self.transport.close()
            return
        self._watch = self.loop.call_later(_HEAD_S, self._look, self.cycle)


class _Server(uvicorn.Server):
    """Signals belong to the daemon."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serve(policy: HttpPolicy, metrics: Metrics, health: Health, callback: Callback | None = None) -> AsyncIterator[None]:
    """Answer HTTP within the block, hubs by `callback`. Raises ConfigError when the address cannot be had."""
    if not policy.is_enabled:
        yield
        return
    listener = _listen(policy)
    config = uvicorn.Config(
        create_app(metrics, health, callback),
        http=_Patient,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    host, port = listener.getsockname()[:2]
    get("ingest.web").info("http_started", host=host, port=port)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        listener.close()


def _listen(policy: HttpPolicy) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in policy.host else socket.AF_INET
        return socket.create_server((policy.host, policy.port), family=family, backlog=128)
    except OSError as error:
        raise ConfigError(
            Problem(
                "http.port",
                f"cannot listen at {policy.host}:{policy.port}: {error.strerror}",
                "set http.port or INGEST_HTTP_PORT; 0 takes a free one",
            )
        ) from error
