"""A body within its bounds: decoded while it streams in, never larger than its cap, and whole or not at all.

A small compressed body can stand for gigabytes (measured: 809 bytes of brotli came out as one chunk of 537 MB). So the raw bytes
are read, and inflated by the one decoder of the standard library that can be told to stop. Nothing else is accepted.
"""

import zlib
from collections.abc import AsyncIterable, Iterator
from io import BytesIO
from typing import Protocol

_ANY_HEADER = 47  # zlib: gzip or zlib, whichever the data shows
_NO_HEADER = -15  # zlib: bare deflate
_ZLIB_HEADER = 2  # bytes
_GZIP_MAGIC = b"\x1f\x8b"
_PIECE = 1 << 18  # bytes inflated at once
_MAX_MEMBERS = 64  # gzip streams one after the other; real ones have one, crafted ones thousands of empty ones

ACCEPT_ENCODING = b"gzip"


class TooLarge(Exception):
    """The body is larger than its cap."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"the body is larger than {max_bytes} bytes")


class Truncated(Exception):
    """The compressed body ends before its end."""


class Undecodable(Exception):
    """The body cannot be decoded: an encoding nobody asked for, or not what it says it is."""


async def read_body(chunks: AsyncIterable[bytes], *, encoding: str, max_bytes: int, cut: bool = False) -> bytes:
    """All of a body, decoded, or its first `max_bytes` if it is longer and may be `cut`; `encoding` is the Content-Encoding.

    Raises TooLarge, Truncated or Undecodable.
    """
    inflate = _decoder(encoding)
    whole = BytesIO()  # not a list of parts: millions of chunks of two bytes would cost twenty times their size
    raw = decoded = 0
    async for chunk in chunks:
        raw += len(chunk)
        for piece in inflate.pieces(chunk) if inflate else (chunk,):
            decoded += len(piece)
            whole.write(piece)
            if max(raw, decoded) > max_bytes:
                if cut:
                    return whole.getvalue()[:max_bytes]
                raise TooLarge(max_bytes)
    if inflate and raw and not inflate.is_whole:
        raise Truncated("the compressed body ends too early")
    return whole.getvalue()


def _decoder(encoding: str) -> "_Inflate | None":
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip"):
        return _Inflate(zlib.decompressobj(_ANY_HEADER))
    if name == "deflate":
        return _Inflate(_Deflate())
    raise Undecodable(f"the body is encoded as {name[:40]!r}, which was not asked for")


class _Stream(Protocol):
    """As much of a zlib decompressor as is needed here."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def unconsumed_tail(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Inflate:
    """Inflates a stream in pieces of a bounded size."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._members = 1

    @property
    def is_whole(self) -> bool:
        return self._stream.eof

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """What `chunk` stands for, for as long as the caller wants more of it."""
        data = chunk
        while True:
            piece = self._inflate(data)
            yield piece
            data = self._stream.unconsumed_tail
            if len(piece) < _PIECE:  # all of the data is used up
                if not self._another_begins():
                    return
                data = self._next_member()

    def _inflate(self, data: bytes) -> bytes:
        if self._stream.eof and len(self._stream.unused_data) >= len(_GZIP_MAGIC):
            return b""  # padding; a member would have been begun
        try:
            return self._stream.decompress(data, _PIECE)  # behind the end this only adds to unused_data
        except zlib.error as error:
            raise Undecodable("the body is not compressed as it says, or damaged") from error

    def _another_begins(self) -> bool:
        return self._stream.eof and self._stream.unused_data.startswith(_GZIP_MAGIC)

    def _next_member(self) -> bytes:
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise Undecodable("the compressed body is made of too many pieces")
        rest = self._stream.unused_data
        self._stream = zlib.decompressobj(_ANY_HEADER)
        return rest


class _Deflate:
    """The encoding "deflate", which is zlib by the book (RFC 9110 §8.4.1.2) and a bare stream with some servers."""

    unused_data = b""

    def __init__(self) -> None:
        self._head = b""
        self._stream: _Stream | None = None

    @property
    def eof(self) -> bool:
        return self._stream is not None and self._stream.eof

    @property
    def unconsumed_tail(self) -> bytes:
        return self._stream.unconsumed_tail if self._stream else b""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        if self.eof:
            return b""
        if self._stream is None:
            data = self._head = self._head + data
            if len(data) < _ZLIB_HEADER:
                return b""
            self._stream = zlib.decompressobj(_ANY_HEADER if _is_zlib(data) else _NO_HEADER)
        return self._stream.decompress(data, max_length)


def _is_zlib(data: bytes) -> bool:
    """Whether these bytes begin with a zlib header. Source: RFC 1950 §2.2."""
    return data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:_ZLIB_HEADER]) % 31 == 0
