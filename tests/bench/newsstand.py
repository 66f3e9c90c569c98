"""Feeds by the thousand on loopback, each on an address of its own: a process whose CPU is not counted in what is measured.

    with open_newsstand(1_000) as stand:
        stand.urls                 # http://127.20.0.1:PORT/feed.xml and so on
        stand.publish(2)           # every feed has two new items on top, and two fewer at its end
        stand.counts()             # {"200": …, "304": …} since it was asked the last time

Documents are what feeds with full content are like: 20 to 30 items, 20 kB in the median with a long tail, three of ten
Atom, three of ten compressed for whoever accepts gzip, validators for whoever keeps them. All text is invented, and the same in
each run. Run as a program it serves until it is ended: python -m tests.bench.newsstand FEEDS
"""

import asyncio
import gzip
import html
import json
import math
import random
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from statistics import NormalDist
from typing import cast

import uvloop

_KINDS = 300  # of documents: every so many feeds are alike in size and form, never in what they say
_MEDIAN_BYTES, _SPREAD = 20_000, 1.05  # lognormal
_LEAST_BYTES, _MOST_BYTES = 2_500, 1_000_000
_FRAME_BYTES = 300  # of an item, around its content
_START = datetime(2026, 11, 1, tzinfo=UTC)
_SYLLABLES = "ta re mo li en sta ver con pro ing der al is tion men gra po lu ci de na ro ka shi um ber land ford".split()  # noqa: SIM905


def address(number: int) -> str:
    """Where feed `number` is served: 127.20.0.1 and on."""
    return f"127.{20 + (number >> 14)}.{(number >> 7) & 127}.{(number & 127) + 1}"


def number_at(host: str) -> int:
    """The feed at an address."""
    _, high, middle, low = (int(part) for part in host.split("."))
    return ((high - 20) << 14) + (middle << 7) + low - 1


# ── from outside ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Newsstand:
    """A newsstand that is open, as its customers see it."""

    port: int
    feeds: int

    @property
    def urls(self) -> list[str]:
        return [f"http://{address(number)}:{self.port}/feed.xml" for number in range(self.feeds)]

    @property
    def items(self) -> int:
        """In all feeds together, whenever they are looked at."""
        kinds = make_kinds()
        return sum(kinds[number % _KINDS].items for number in range(self.feeds))

    def publish(self, count: int) -> None:
        """So many new items in every feed."""
        self._ask(f"/publish/{count}")

    def counts(self) -> dict[str, int]:
        """Answers by status since the last time."""
        return dict(json.loads(self._ask("/counts")))

    def _ask(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return bytes(answer.read())


@contextmanager
def open_newsstand(feeds: int) -> Iterator[Newsstand]:
    """A newsstand until the end of the block."""
    command = [sys.executable, "-m", "tests.bench.newsstand", str(feeds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Newsstand(int(process.stdout.readline()), feeds)
        finally:
            process.terminate()


# ── what it says ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Texts:
    """Invented text with the word frequencies of a language, in paragraphs of HTML as editors make them."""

    def __init__(self, chance: random.Random) -> None:
        words = ["".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(6_000)]
        self._words = iter(chance.choices(words, [1 / (rank + 3) for rank in range(len(words))], k=300_000))
        self._paragraphs = [self._paragraph(number) for number in range(4_000)]

    def content(self, seed: int, size: int) -> str:
        """About `size` characters, in whole paragraphs."""
        found, place = [""], seed * 7919
        while size > len(found[-1]) / 2:
            found.append(self._paragraphs[place % len(self._paragraphs)])
            size -= len(found[-1])
            place += 1
        return "".join(found)

    def _paragraph(self, number: int) -> str:
        first, second, *others = (next(self._words) for _ in range(60))
        rest = " ".join(others)
        if number % 20 == 7:
            return f'<figure><img src="/i/{number}.jpg" alt="{first}"><figcaption>{rest[:60]}</figcaption></figure>\n'
        if number % 4 == 1:
            second = f'<a href="https://else.example/{number}">{second}</a>'
        return f"<p>{first.capitalize()} {second} {rest}.</p>\n"


@dataclass(frozen=True)
class Kind:
    """What feeds of one kind have in common."""

    is_atom: bool
    items: int
    content_chars: int  # of one item


def make_kinds() -> list[Kind]:
    """In the order in which feeds take turns at them; the sizes are the quantiles of their distribution."""
    chance = random.Random(7)
    normal = NormalDist(math.log(_MEDIAN_BYTES), _SPREAD)
    sizes = [math.exp(normal.inv_cdf((rank + 0.5) / _KINDS)) for rank in range(_KINDS)]
    chance.shuffle(sizes)
    kinds = []
    for number, size in enumerate(sizes):
        items = chance.randint(20, 30)
        content_chars = int(min(_MOST_BYTES, max(_LEAST_BYTES, size)) / items) - _FRAME_BYTES
        kinds.append(Kind(number % 10 < 3, items, max(0, content_chars)))
    return kinds


class Press:
    """Writes the document of any feed at any time."""

    def __init__(self) -> None:
        self._texts = Texts(random.Random(7))
        self._kinds = make_kinds()

    def document(self, number: int, published: int, base: str) -> bytes:
        """Feed `number` after so many items were published since the start; items are numbered for ever, the newest on top."""
        kind = self._kinds[number % _KINDS]
        write = self._entry if kind.is_atom else self._item
        newest = kind.items + published
        items = "".join(write(number, item, kind.content_chars, base) for item in range(newest, published, -1))
        return (_atom if kind.is_atom else _rss)(number, base, items, newest).encode()

    def _item(self, feed: int, number: int, chars: int, base: str) -> str:
        return (
            f"<item><title>Story {number} of {feed}</title><link>{base}/a/{number}</link>"
            f'<guid isPermaLink="false">urn:feed:{feed}:{number}</guid><pubDate>{_http_date(number)}</pubDate>'
            "<dc:creator>A. Writer</dc:creator>"
            f"<content:encoded><![CDATA[{self._content(feed, number, chars)}]]></content:encoded></item>\n"
        )

    def _entry(self, feed: int, number: int, chars: int, base: str) -> str:
        return (
            f'<entry><title>Story {number} of {feed}</title><link rel="alternate" href="{base}/a/{number}"/>'
            f"<id>urn:feed:{feed}:{number}</id><updated>{_when(number).isoformat()}</updated>"
            "<author><name>A. Writer</name></author>"
            f'<content type="html">{html.escape(self._content(feed, number, chars))}</content></entry>\n'
        )

    def _content(self, feed: int, number: int, chars: int) -> str:
        return f"<p>Report {number} from {feed}.</p>{self._texts.content(31 * feed + number, chars)}"


def _when(number: int) -> datetime:
    return _START + timedelta(minutes=37 * number)


def _http_date(number: int) -> str:
    return format_datetime(_when(number), usegmt=True)


def _rss(number: int, base: str, items: str, newest: int) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Feed {number}</title><link>{base}/</link>'
        f"<description>invented</description><language>en</language><lastBuildDate>{_http_date(newest)}"
        f"</lastBuildDate>\n{items}</channel></rss>\n"
    )


def _atom(number: int, base: str, items: str, newest: int) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><title>Feed {number}</title>'
        f'<link href="{base}/"/><id>urn:feed:{number}</id><updated>{_when(newest).isoformat()}</updated>\n{items}</feed>\n'
    )


# ── how it serves ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Server:
    """Answers for all feeds."""

    def __init__(self, feeds: int) -> None:
        self.feeds = feeds
        self._press = Press()
        self._published = 0
        self._counts: Counter[int] = Counter()

    def answer(self, host: str, port: int, head: bytes) -> bytes:
        """The answer to a request for a path at `host`."""
        path = head.split(b" ", 2)[1].decode("latin-1")
        if host == "127.0.0.1":
            return _written(200, self._control(path), "Content-Type: application/json")
        number = number_at(host)
        if path != "/feed.xml" or not 0 <= number < self.feeds:
            return self._counted(404, b"not here")
        tag = f'"{number}-{self._published}"'
        validators = (f"ETag: {tag}", f"Last-Modified: {_http_date(self._published)}")
        asked = {name.strip().lower(): value.strip() for name, _, value in map(_split, head.split(b"\r\n")[1:])}
        if asked.get("if-none-match") == tag:
            return self._counted(304, None, *validators)
        body = self._press.document(number, self._published, f"http://{host}:{port}")
        headers = ["Content-Type: application/xml", "Vary: Accept-Encoding", *validators]
        if number % 10 in (4, 7, 8) and "gzip" in asked.get("accept-encoding", ""):
            body = gzip.compress(body, 1)
            headers.append("Content-Encoding: gzip")
        return self._counted(200, body, *headers)

    def _control(self, path: str) -> bytes:
        if path.startswith("/publish/"):
            self._published += int(path.rpartition("/")[2])
        counts = {str(status): count for status, count in self._counts.items()}
        self._counts.clear()
        return json.dumps(counts).encode()

    def _counted(self, status: int, body: bytes | None, *headers: str) -> bytes:
        self._counts[status] += 1
        return _written(status, body, *headers)


def _split(line: bytes) -> tuple[str, str, str]:
    return line.decode("latin-1").partition(":")


def _written(status: int, body: bytes | None, *headers: str) -> bytes:
    phrase = {200: "OK", 304: "Not Modified", 404: "Not Found"}[status]
    length = () if body is None else (f"Content-Length: {len(body)}",)
    return "\r\n".join((f"HTTP/1.1 {status} {phrase}", *headers, *length, "", "")).encode() + (body or b"")


class Conversation(asyncio.Protocol):
    """One connection; the next request comes when the last one has been answered."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._host, self._port = transport.get_extra_info("sockname")[:2]

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            self._transport.write(self._server.answer(self._host, self._port, head))


async def serve(feeds: int) -> None:
    """Print the port, then answer until the end of the process."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Conversation, Server(feeds)), "0.0.0.0", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
