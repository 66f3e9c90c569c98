"""uvicorn beside the daemon's own work, on the same event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn

from ingest.errors import ConfigError, Problem
from ingest.log import get
from ingest.metrics import Metrics
from ingest.policy import HttpPolicy
from ingest.web.app import create_app
from ingest.web.health import Health


class _Server(uvicorn.Server):
    """Signals belong to the daemon."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serve(policy: HttpPolicy, metrics: Metrics, health: Health) -> AsyncIterator[None]:
    """Answer HTTP within the block. Raises ConfigError when the address cannot be had."""
    if not policy.is_enabled:
        yield
        return
    listener = _listen(policy)
    config = uvicorn.Config(
        create_app(metrics, health), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
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
