"""Which addresses may be connected to.

Feeds come from strangers: an address in them, or a redirect, must not reach what only this machine can reach. A name is
resolved once, *every* address it has is judged, and the connection goes to a judged address (see `network`), so a second answer
of the name server changes nothing. `ipaddress.is_global` is no help here: in Python 3.11 it calls multicast, NAT64, 6to4 and
site-local addresses global.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ingest.errors import ConfigError, Problem
from ingest.urls import host_of

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# IANA special-purpose registries, as of RFC 6890 and its updates; all of these are refused.
_V4_SPECIAL = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # the platform service of Azure, at a public address
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# Only 2000::/3 is handed out; what lies outside (loopback, ULA, link-local, NAT64, multicast …) is refused without a list.
_V6_UNICAST = IPv6Network("2000::/3")
_V6_SPECIAL = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: a v4 address inside
        "3fff::/20",  # documentation
    )
)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)


class Blocked(Exception):
    """This host leads to an address that may not be connected to."""

    def __init__(self, host: str, address: str) -> None:
        self.host = host
        self.address = address
        super().__init__(f"{host} is at {address}, which is not public; fetch.allow can permit it")


class Unresolved(Exception):
    """This name has no address, or nobody told us in time."""


@dataclass(frozen=True, slots=True)
class Allow:
    """What may be asked although it is not public: exactly these hosts and networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, entries: Sequence[str]) -> "Allow":
        """Read hosts, addresses and CIDRs. Raises ConfigError naming every entry that is none of these."""
        hosts, networks, problems = set[str](), list[IPv4Network | IPv6Network](), list[Problem]()
        for entry in entries:
            match _allowed(entry):
                case str() as host:
                    hosts.add(host)
                case Problem() as problem:
                    problems.append(problem)
                case network:
                    networks.append(network)
        if problems:
            raise ConfigError(*problems)
        return cls(frozenset(hosts), tuple(networks))

    def has_host(self, host: str) -> bool:
        return host in self.hosts

    def has_address(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def _allowed(entry: str) -> str | IPv4Network | IPv6Network | Problem:
    try:
        return ip_network(entry)
    except ValueError as error:
        if "host bits" in str(error):
            return Problem("fetch.allow", f"{entry!r} is no network", f"did you mean {ip_network(entry, strict=False)}?")
    host = host_of(f"http://{entry}/")
    if not host or "/" in entry or ":" in entry or "@" in entry or literal_of(host) is not None:
        return Problem("fetch.allow", f"{entry!r} is neither a host nor a network", "write intranet.example or 10.1.0.0/16")
    return host


def is_public(address: Address) -> bool:
    """Whether an address belongs to the open internet. IPv4 inside IPv6 (::ffff:…) is judged as what it is."""
    address = _unmapped(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _V4_SPECIAL)
    return address in _V6_UNICAST and not any(address in network for network in _V6_SPECIAL)


def literal_of(host: str) -> Address | None:
    """The address meant by a host that is a number in any spelling resolvers accept (127.1, 0x7f000001, 017700000001)."""
    try:
        return ip_address(host)
    except ValueError:
        if not _NUMBER.fullmatch(host.rpartition(".")[2]):
            return None
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


class Guard:
    """Turns hosts into addresses that may be connected to."""

    def __init__(self, allow: Allow, resolve: Resolve, *, dns_timeout_s: float) -> None:
        self._allow = allow
        self._resolve = resolve
        self._dns_timeout_s = dns_timeout_s

    async def addresses_of(self, host: str, port: int) -> tuple[str, ...]:
        """All addresses of a host, each judged. Raises Blocked when any of them is unfit, Unresolved when there is none."""
        host = host.lower().rstrip(".")
        addresses = await self._addresses(host, port)
        if not self._allow.has_host(host):
            for address in addresses:
                if not self._may_connect(address):
                    raise Blocked(host, str(address))
        return _distinct(addresses)

    async def unjudged_addresses_of(self, host: str, port: int) -> tuple[str, ...]:
        """All addresses of a host that the configuration names, a proxy: it may be anywhere. Raises Unresolved."""
        return _distinct(await self._addresses(host, port))

    async def check(self, host: str, port: int) -> None:
        """Judge a host that somebody else, a proxy, will connect to; a name in the allow list is not even looked up."""
        if not self._allow.has_host(host):
            await self.addresses_of(host, port)

    async def _addresses(self, host: str, port: int) -> tuple[Address, ...]:
        literal = literal_of(host)
        return (literal,) if literal is not None else await self._look_up(host, port)

    def _may_connect(self, address: Address) -> bool:
        return is_public(address) or self._allow.has_address(_unmapped(address))

    async def _look_up(self, host: str, port: int) -> tuple[Address, ...]:
        try:
            async with asyncio.timeout(self._dns_timeout_s):
                answers = await self._resolve(host, port)
        except TimeoutError as error:
            raise Unresolved(f"no answer from the name server within {self._dns_timeout_s:g} s") from error
        except socket.gaierror as error:
            raise Unresolved(_why_unresolved(error)) from error
        except (OSError, UnicodeError) as error:
            raise Unresolved("this name cannot be looked up") from error
        if not answers:
            raise Unresolved("this name has no address")
        return tuple(ip_address(answer) for answer in answers)


def _distinct(addresses: Sequence[Address]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(address) for address in addresses))


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _why_unresolved(error: socket.gaierror) -> str:
    if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
        return "no such name"
    if error.errno == socket.EAI_AGAIN:
        return "the name server does not answer"
    return error.strerror or "this name cannot be looked up"
