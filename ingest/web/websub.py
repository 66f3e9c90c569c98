"""The callback at which hubs ask whether we subscribed (GET) and push what is new (POST). HTTP only: what is answered is decided
by the `Callback` behind it.

Whoever answers anything but success here hangs up: what the other side goes on sending is not read.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ingest.websub import CALLBACK_PATH


@dataclass(frozen=True, slots=True)
class Reply:
    """What a hub is answered: a status, and to its own question the text it asked for."""

    status: HTTPStatus
    text: str = ""
    retry_after_s: int | None = None


class Callback(Protocol):
    """What is behind the address that a hub was given; `token` is the end of that address."""

    async def answer(self, token: str, query: str) -> Reply:
        """To a hub that asks whether we subscribed."""
        ...

    async def receive(self, token: str, headers: Mapping[str, str], body: AsyncIterator[bytes]) -> Reply:
        """To a hub that pushes; `body` is read as far as it is wanted."""
        ...


def websub_route(callback: Callback) -> Route:
    """The one address of all hubs, each with its token."""

    async def answer(request: Request) -> Response:
        token = request.path_params["token"]
        if request.method == "GET":
            return _response(await callback.answer(token, request.scope["query_string"].decode("utf-8", "replace")))
        if request.method != "POST":  # HEAD comes with GET
            return _response(Reply(HTTPStatus.METHOD_NOT_ALLOWED))
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            return _response(await callback.receive(token, headers, request.stream()))
        except ClientDisconnect:  # nobody is there to be answered
            return _response(Reply(HTTPStatus.BAD_REQUEST))

    return Route(f"{CALLBACK_PATH}{{token}}", answer, methods=["GET", "POST"])


def _response(reply: Reply) -> Response:
    headers = {"X-Content-Type-Options": "nosniff"}
    if reply.status >= HTTPStatus.MULTIPLE_CHOICES:
        headers["Connection"] = "close"
    if reply.retry_after_s is not None:
        headers["Retry-After"] = str(reply.retry_after_s)
    return PlainTextResponse(reply.text, status_code=reply.status, headers=headers)
