"""Runs in a network and mount namespace of its own, where every address of the world is this machine: what is asked is seen.

    unshare --net --mount python -m tests.integration.inward URL…     (as root; others with --map-root-user)

A canary listens at all addresses and notes where each connection was made to; it answers `/to?URL` with a redirect there. A
name server of our own gives hostile answers. Prints a line of JSON for each URL: its outcome, the addresses connected to, and how
often its name was looked up.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import unquote

from ingest.clock import SystemClock
from ingest.errors import FetchError
from ingest.fetch import HostGate, HttpFetcher
from ingest.model import FetchRequest, Purpose
from ingest.policy import FetchPolicy, HostPolicy

PORTS = (80, 443, 22, 6379, 8080)
PUBLIC = "93.184.216.34"
A, AAAA = 1, 28
# What the name server answers, one list after the other; the last one stays.
NAMES = {
    "public.example": [[PUBLIC]],
    "private.example": [["10.0.0.1"]],
    "metadata.example": [["169.254.169.254"]],
    "cgnat.example": [["100.64.0.1"]],
    "loopback.example": [["127.0.0.1"]],
    "loopback6.example": [["::1"]],
    "mapped.example": [["::ffff:127.0.0.1"]],
    "nat64.example": [["64:ff9b::7f00:1"]],
    "ula.example": [["fc00::1"]],
    "mixed.example": [[PUBLIC, "127.0.0.1"]],
    "mixed6.example": [[PUBLIC, "::1"]],
    "rebinding.example": [[PUBLIC], ["127.0.0.1"]],
}


def lay_out_the_world() -> None:
    """All addresses lead to this machine, and names are asked of our own server."""
    for command in ("link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("nameserver 127.0.0.1\noptions attempts:1 timeout:1\n")
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
    Path(file.name).unlink()


class NameServer(threading.Thread):
    """Answers A and AAAA; counts how often each name was asked for an address of version 4."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.asked: dict[str, int] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))

    def run(self) -> None:
        while True:
            query, sender = self._socket.recvfrom(4096)
            self._socket.sendto(self._answer(query), sender)

    def _answer(self, query: bytes) -> bytes:
        name, end = _read_name(query, 12)
        kind = int.from_bytes(query[end : end + 2])
        answers = NAMES.get(name, [[]])
        turn = self.asked.get(name, 0)
        if kind == A:
            self.asked[name] = turn + 1
        addresses = answers[min(turn if kind == A else max(turn - 1, 0), len(answers) - 1)]
        packed = [socket.inet_pton(socket.AF_INET6 if ":" in one else socket.AF_INET, one) for one in addresses]
        wanted = [one for one in packed if len(one) == (4 if kind == A else 16)]
        records = b"".join(b"\xc0\x0c" + kind.to_bytes(2) + b"\0\1\0\0\0\0" + len(one).to_bytes(2) + one for one in wanted)
        return query[:2] + b"\x81\x80\0\1" + len(wanted).to_bytes(2) + b"\0\0\0\0" + query[12 : end + 4] + records


def _read_name(query: bytes, at: int) -> tuple[str, int]:
    parts = []
    while length := query[at]:
        parts.append(query[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(parts).lower(), at + 1


class Canary(threading.Thread):
    """Listens at a port of every address; notes the address that each connection was made to."""

    def __init__(self, port: int, seen: list[str]) -> None:
        super().__init__(daemon=True)
        self._seen = seen
        self._socket = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)

    def run(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            self._seen.append(connection.getsockname()[0].removeprefix("::ffff:"))
            with connection:
                connection.settimeout(1.0)
                try:
                    connection.sendall(_answer_to(connection.recv(4096)))
                except OSError:
                    continue


def _answer_to(request: bytes) -> bytes:
    target = request.split(b" ")[1] if request.startswith(b"GET ") else b""
    if target.startswith(b"/to?"):
        return b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: " + unquote(target[4:].decode()).encode() + b"\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<rss/>"


async def ask(urls: list[str], names: NameServer, seen: list[str]) -> None:
    clock = SystemClock()
    policy = FetchPolicy(timeout_s=5.0, connect_timeout_s=2.0, dns_timeout_s=3.0)
    for url in urls:
        seen.clear()
        names.asked.clear()
        async with HttpFetcher(policy, HostGate(HostPolicy(gap_s=0), clock), clock) as fetcher:
            try:
                outcome = str((await fetcher.fetch(FetchRequest(url, Purpose.PAGE))).status)
            except FetchError as error:
                outcome = error.outcome.value
        print(json.dumps({"url": url, "outcome": outcome, "connected": list(seen), "lookups": dict(names.asked)}), flush=True)


def main() -> None:
    lay_out_the_world()
    names, seen = NameServer(), []
    names.start()
    for port in PORTS:
        Canary(port, seen).start()
    asyncio.run(ask(sys.argv[1:], names, seen))
    os._exit(0)


if __name__ == "__main__":
    main()
