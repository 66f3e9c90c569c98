"""The HTTP application: four addresses, no feed's or user's data; and one that hubs call back."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ingest.metrics import Metrics
from ingest.web.health import Health
from ingest.web.websub import Callback, websub_route

_PATIENCE_S = 5.0  # with the database, which may hang; who asks for health has little patience too


def create_app(metrics: Metrics, health: Health, callback: Callback | None = None) -> Starlette:
    """`/livez` the process answers, `/readyz` the database too, `/healthz` and work goes on, `/metrics` for Prometheus.

    With a `callback` also `/websub/…`, where hubs ask and push.
    """

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def render_metrics(_: Request) -> Response:
        return PlainTextResponse(metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(
        routes=[
            Route("/livez", livez),
            Route("/readyz", _check(health.ready_problem)),
            Route("/healthz", _check(health.problem)),
            Route("/metrics", render_metrics),
            *([websub_route(callback)] if callback else []),
        ]
    )


def _check(problem: Callable[[], str]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        try:
            found = await asyncio.wait_for(asyncio.to_thread(problem), _PATIENCE_S)
        except TimeoutError:
            found = f"the database does not answer within {_PATIENCE_S:g} s"
        return JSONResponse({"status": found or "ok"}, status_code=503 if found else 200)

    return answer
