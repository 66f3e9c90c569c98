"""One connection that speaks HTTP/1.1: a request goes out, the head of the answer comes back, its body follows in pieces.

llhttp (through httptools) tells heads from bodies. What it leaves open is here: how long a head may be, when a body without a
length is whole, that nobody is sent more than he takes, and whether the connection can serve once more.

    ask ──▶ head ──▶ pieces … ──▶ is over ──▶ can serve again, or not
             └── NoAnswer, Lost, Malformed └── CutShort, Lost, Malformed
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import httptools

RawHeaders = list[tuple[bytes, bytes]]

# What may come without a byte of body: the head with all that goes before it, or the trailer. Real heads are below 20 kB.
_MAX_HEAD = 100_000  # bytes
_MAX_HEADERS = 1_000
_HOLD_AT_MOST = 1 << 18  # bytes of body that nobody has taken yet; then the other side must wait


class NoAnswer(Exception):
    """The connection ended before the first byte of an answer; on a kept one that only means that it had gone stale."""


class Lost(Exception):
    """The connection broke in the middle of an answer."""


class CutShort(Exception):
    """The answer ends before its end."""


class Malformed(Exception):
    """What came back is not HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer, byte for byte."""

    status: int
    headers: RawHeaders


class Connection(asyncio.Protocol):
    """Serves one request at a time. Whoever holds it closes it or, if it can serve again, keeps it."""

    def __init__(self) -> None:
        self.is_open = True
        self._loop = asyncio.get_running_loop()
        self._answer: _Answer | None = None
        self._has_surplus = False

    # ── for its user ──

    @property
    def transport(self) -> asyncio.Transport:
        return self._transport

    def speak_over(self, transport: asyncio.Transport) -> None:
        """Use this transport from now on: the one below, wrapped in TLS."""
        self._transport = transport

    @property
    def can_serve_again(self) -> bool:
        """Whether the last answer is over, was clean, and the other side lets the connection stand."""
        answer = self._answer
        return self.is_open and not self._has_surplus and answer is not None and answer.is_over and answer.can_go_on

    def close(self) -> None:
        """Let go at once: nothing that matters is on its way when this is called."""
        self.is_open = False
        self._answer = None
        self._transport.abort()

    async def ask(self, request: bytes) -> Head:
        """Send a whole request and wait for the head of its answer. Raises NoAnswer, Lost or Malformed."""
        answer = self._answer = _Answer(self._loop)
        if not self.is_open:
            raise NoAnswer("the connection is closed")
        self._transport.write(request)
        while answer.head is None:
            await answer.news()
        return answer.head

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, as it comes. Raises CutShort, Lost or Malformed."""
        answer = self._answer
        while answer is not None:
            if answer.body:
                piece, answer.body = bytes(answer.body), bytearray()
                if self.is_open:
                    self._transport.resume_reading()
                yield piece
            elif answer.is_over:
                return
            else:
                await answer.news()

    # ── for the loop ──

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclasses

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._answer is not None:
            self._answer.end(error)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None or answer.is_over:  # nobody asked: this must not become the answer to the next request
            self._has_surplus = True
            return
        answer.feed(data)
        if len(answer.body) > _HOLD_AT_MOST:
            self._transport.pause_reading()


class _Answer:
    """An answer on its way in; the methods on_… are called by the parser."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.head: Head | None = None
        self.body = bytearray()  # what has not been taken yet
        self.is_over = False
        self.can_go_on = False  # the connection, with another request
        self._loop = loop
        self._parser = _parser(self)
        self._fault: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._headers: RawHeaders = []
        self._head_bytes = 0
        self._framing = 0  # headers that say where the body ends; without any, the connection does
        self._heard = 0  # bytes
        self._barren = 0  # bytes since the last piece of body

    async def news(self) -> None:
        """Until something has changed. Raises the fault that ended the answer."""
        if self._fault is None:
            self._waiting = self._loop.create_future()
            await self._waiting
        if self._fault is not None:
            raise self._fault

    def feed(self, data: bytes) -> None:
        self._heard += len(data)
        self._barren += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(Malformed("the server changes to another protocol"))
        except httptools.HttpParserError as error:
            self.can_go_on = False
            if not self.is_over:  # else it is no more than noise behind the end
                self._fail(_meaning(error))
        if self._barren > _MAX_HEAD and not self.is_over:
            self._fail(_too_long())

    def end(self, error: Exception | None) -> None:
        """The connection is gone."""
        if self.is_over:
            return
        if self.head is not None and error is None and not self._framing:
            self._finish()
        elif error is not None:
            fault = Lost("the connection broke") if self._heard else NoAnswer("the connection broke")
            fault.__cause__ = error
            self._fail(fault)
        elif self.head is not None:
            self._fail(CutShort("the body ends too early"))
        else:
            self._fail(Malformed("the answer ends within its head") if self._heard else NoAnswer("no answer at all"))

    def on_message_begin(self) -> None:
        if self.head is not None:
            raise Malformed("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _MAX_HEAD or len(self._headers) >= _MAX_HEADERS:
            raise _too_long()
        if name.endswith(b" "):  # "Content-Length : 9" is that header to some and another one to others
            raise Malformed("the name of a header ends in a space")
        if self.head is None:  # a trailer says nothing that anybody needs
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < HTTPStatus.CONTINUE:
            raise Malformed(f"no status is {status:03}")
        if status < HTTPStatus.OK and status != HTTPStatus.SWITCHING_PROTOCOLS:
            self._headers = []  # of an answer before the answer
            return
        self.head = Head(status, self._headers)
        self._framing = sum(_frames(name.lower(), value) for name, value in self._headers)
        self._wake()

    def on_body(self, piece: bytes) -> None:
        self._barren = 0
        self.body += piece
        self._wake()

    def on_message_complete(self) -> None:
        if self.head is not None:
            # By its length and by chunks: RFC 9112 §6.3 takes the chunks, and so do we; but such a peer is not to be trusted.
            is_framed_twice = self._framing > 1
            self.can_go_on = self._parser.should_keep_alive() and not is_framed_twice
            self._finish()

    def _finish(self) -> None:
        self.is_over = True
        self._wake()

    def _fail(self, fault: Exception) -> None:
        self._fault = self._fault or fault
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def _parser(answer: _Answer) -> httptools.HttpResponseParser:
    """A parser that takes what browsers take and h11 took: folded lines, bare line feeds, a length besides chunks."""
    parser = httptools.HttpResponseParser(answer)
    parser.set_dangerous_leniencies(
        lenient_headers=True,
        lenient_optional_cr_before_lf=True,
        lenient_chunked_length=True,
        lenient_spaces_after_chunk_size=True,
    )
    return parser


def _frames(name: bytes, value: bytes) -> bool:
    """Whether a header says where the body ends. Source: RFC 9112 §6.3."""
    return name == b"content-length" or (name == b"transfer-encoding" and value.strip().lower().endswith(b"chunked"))


def _too_long() -> Malformed:
    return Malformed(f"the head of the answer is longer than {_MAX_HEAD} bytes or {_MAX_HEADERS} headers")


def _meaning(error: httptools.HttpParserError) -> Malformed:
    if isinstance(error.__context__, Malformed):
        return error.__context__
    fault = Malformed(" ".join(f"the answer is not HTTP: {error}".split()))
    fault.__cause__ = error
    return fault
