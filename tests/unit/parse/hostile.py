"""Hostile documents made when they are needed, and the measuring of what a document costs: each in a process of its own.

Run as a program, it parses every file of tests/data/hostile and every document made here, each in a fork that may open no file
and no connection, and writes one line of JSON for each: CPU seconds, memory in MB, what it tried to touch, and a hash of what it
understood.
"""

import dataclasses
import gzip
import hashlib
import json
import os
import resource
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ingest.errors import ParseError
from ingest.model import ParsedFeed
from ingest.parse import key_entries, parse
from ingest.policy import ParsePolicy
from ingest.text import decode

FOLDER = Path(__file__).parents[2] / "data" / "hostile"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.name != "README.md")
NOW = datetime(2025, 7, 1, tzinfo=UTC)
TEN_MB = 10_000_000
ONE_MB = 1_000_000


def rss(inside: str, prolog: str = "", root: str = "") -> bytes:
    channel = f"<channel><title>T</title><item><title>before</title><guid>1</guid></item>{inside}</channel>"
    return f'<?xml version="1.0"?>{prolog}<rss version="2.0"{root}>{channel}</rss>'.encode()


def repeated(piece: str, size: int = TEN_MB) -> str:
    return piece * (size // len(piece))


def item(inside: str) -> str:
    return f"<item><title>x</title><guid>2</guid>{inside}</item>"


# What the files do not show: sizes that do not belong into a repository, and tricks of the format.
MADE: dict[str, Callable[[], bytes]] = {
    "one text of 10 MB": lambda: rss(item(f"<description>{repeated('word ')}</description>")),
    "one title of 10 MB": lambda: rss(f"<item><title>{repeated('word ')}</title><guid>2</guid></item>"),
    "one attribute of 10 MB": lambda: rss(item(f'<enclosure url="http://a.example/{repeated("x")}"/>')),
    "one guid of 5 MB": lambda: rss(f"<item><title>x</title><guid>{repeated('g', 5_000_000)}</guid></item>"),
    "200,000 nested elements": lambda: rss(item("<a>" * 200_000 + "</a>" * 200_000)),
    "50,000 nested elements, never closed": lambda: rss(item("<a>" * 50_000)),
    "20,000 namespaces": lambda: rss(item("".join(f'<p{n}:x xmlns:p{n}="urn:{n}"/>' for n in range(20_000)))),
    "20,000 undeclared prefixes": lambda: rss(item("".join(f"<p{n}:x/>" for n in range(20_000)))),
    "100,000 attributes": lambda: rss(item("<x " + " ".join(f"a{n}='1'" for n in range(100_000)) + "/>")),
    "a million items": lambda: rss("<item/>" * 1_000_000),
    "200,000 items, never closed": lambda: rss("<item>" * 200_000),
    "50,000 categories": lambda: rss(item("<category>c</category>" * 50_000)),
    "50,000 links": lambda: rss(item("<link>http://a.example/</link>" * 50_000)),
    "deep XHTML": lambda: rss(item("<content:encoded>" + "<div>" * 50_000 + "</div>" * 50_000 + "</content:encoded>")),
    "deep XHTML in Atom": lambda: (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">'
        + b"<b>" * 50_000 + b"x" + b"</b>" * 50_000 + b"</div></content></entry></feed>"
    ),
    "a megabyte of ampersands": lambda: rss(item(f"<description>{repeated('&', ONE_MB)}</description>")),
    "a megabyte of entities": lambda: rss(item(f"<description>{repeated('&nbsp;', ONE_MB)}</description>")),
    "a megabyte of CDATA": lambda: rss(item(f"<description>{repeated('<![CDATA[]]>', ONE_MB)}</description>")),
    "a megabyte of CDATA openers": lambda: rss(item(f"<description>{repeated('<![CDATA[', ONE_MB)}</description>")),
    "ten megabytes of comments": lambda: rss(item(repeated("<!---->"))),
    "ten megabytes of instructions": lambda: rss(item(repeated("<?x?>"))),
    "a megabyte of control characters": lambda: rss(item(f"<description>{repeated(chr(1), ONE_MB)}</description>")),
    "UTF-16 of 10 MB": lambda: rss(item(f"<description>{repeated('é', 5_000_000)}</description>")).decode().encode("utf-16"),
    "gzip of UTF-16 that is too much": lambda: gzip.compress(rss(repeated("é", 6_000_000)).decode().encode("utf-16")),
    "entities that refer to each other": lambda: rss(item("<description>&a;</description>"), _circle(1_000)),
    "parameter entities": lambda: rss(
        item("<description>&x;</description>"), "<!DOCTYPE rss [<!ENTITY % a \"<!ENTITY x 'no'>\">%a;]>"
    ),
    "external parameter entity": lambda: rss("", '<!DOCTYPE rss [<!ENTITY % a SYSTEM "file:///etc/passwd">%a;]>'),
    "external stylesheet": lambda: rss("", '<?xml-stylesheet type="text/xsl" href="file:///etc/passwd"?>'),
    "XInclude": lambda: rss(
        item('<description><xi:include href="file:///etc/passwd" parse="text"/></description>'),
        root=' xmlns:xi="http://www.w3.org/2001/XInclude"',
    ),
    "schema at another host": lambda: rss(
        "", root=' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://a.example/ http://a.example/x.xsd"'
    ),
    "attributes given twice": lambda: rss(item('<enclosure url="http://a.example/1" url="http://a.example/2"/>')),
    "end of CDATA in text": lambda: rss(item("<description>a ]]&gt; ]]> b</description>")),
    "CDATA in CDATA": lambda: rss(item("<description><![CDATA[a <![CDATA[b]]> c]]></description>")),
    "NUL in names": lambda: rss(item("<descrip\0tion>words</descrip\0tion>")),
    "declaration in the middle": lambda: rss('<?xml version="1.0"?>' + item("<description>words</description>")),
    "items in the prolog": lambda: rss(item(""), "<!-- <rss><channel><item/> --><!DOCTYPE rss [<!ENTITY x '<item/>'>]>"),
}  # fmt: skip


def _circle(size: int) -> str:
    entities = "".join(f"<!ENTITY e{n} '&e{(n + 1) % size};&e{n};'>" for n in range(size))
    return f"<!DOCTYPE rss [{entities}<!ENTITY a '&e0;'>]>"


def body_of(name: str) -> bytes:
    return MADE[name]() if name in MADE else (FOLDER / name).read_bytes()


def understand(body: bytes) -> ParsedFeed:
    return parse(
        body, url="http://feeds.example.org/f.xml", headers={"content-type": "application/xml"}, policy=ParsePolicy(), now=NOW
    )  # fmt: skip


def say(body: bytes) -> tuple[str, list[str | None]]:
    """All that was understood of a document as a hash, with the guids of its entries; or why nothing was, without any."""
    try:
        parsed = understand(body)
        said = repr([dataclasses.asdict(parsed), [entry.key for entry in key_entries(parsed.entries)]])
    except ParseError as error:
        return repr((error.outcome, error.reason, error.feed_url)), []
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest(), [entry.guid for entry in parsed.entries]


# ── as a program ────────────────────────────────────────────────────────────────────────────────────────────────────────

_WATCHED = ("open", "socket.", "subprocess.", "os.", "urllib.", "ftplib.", "http.", "shutil.", "tempfile.", "glob.", "ctypes.")
_WARMERS = (
    rss(item("<pubDate>2 Jun 2025</pubDate><description>a &nbsp; <b>b</b></description>"), "<br>"),
    b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><link href="http://xn--e1afmkfd.example/"/></entry></feed>',
    b'{"version":"https://jsonfeed.org/version/1.1","items":[{"id":1,"url":"http://\xc3\xa4.example/"}]}',
    "<html><title>é</title>".encode("utf-16"), b"<rss><channel><item><title>x</item>&", "日本".encode("cp932"),
)  # fmt: skip
# Codecs are files that Python opens when they are first used.
_LABELS = ("shift_jis", "gbk", "gb18030", "euc-kr", "big5", "euc-jp", "iso-2022-jp", "utf-16", "windows-1251", "iso-8859-1")


def measure_all() -> None:
    for body in _WARMERS:
        say(body)
    for label in _LABELS:
        decode(b"\x1b$B\xff\0", label)
    for name in [*FILES, *MADE]:
        body = body_of(name)
        sys.stdout.flush()
        if (child := os.fork()) == 0:
            _measure(name, body)
        os.waitpid(child, 0)


def _measure(name: str, body: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF)
    touched: list[str] = []
    os.close(free := os.dup(0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, free))  # no file and no connection can be opened, in C neither
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
    sys.addaudithook(
        lambda event, arguments: touched.append(f"{event} {arguments!r}"[:200]) if event.startswith(_WATCHED) else None
    )
    said, guids = say(body)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    report = {
        "name": name,
        "cpu_s": cpu_s,
        "mb": (after.ru_maxrss - before.ru_maxrss) / 1024,
        "touched": touched,
        "said": said,
        "guids": guids,
    }
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    measure_all()
