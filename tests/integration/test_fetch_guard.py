"""Nothing that a stranger writes leads to an address that is not public."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

import pytest

from ingest.errors import ConfigError, PermanentFetchError, TransientFetchError
from ingest.fetch.client import HttpFetcher
from ingest.fetch.guard import Allow, Resolve, is_public, literal_of
from ingest.fetch.network import SystemResolver
from ingest.model import FetchRequest, Purpose
from ingest.outcome import Outcome
from ingest.policy import FetchPolicy
from tests.fetching import failure, fetched, with_fetcher
from tests.site import Answer, Site

STRICT = FetchPolicy(timeout_s=2.0, dns_timeout_s=0.2)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.page("/", b"reached")
        yield site


def answering(*answers: Sequence[str]) -> Resolve:
    """A name server that gives these answers one after the other; the last one stays."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def failing(error: Exception) -> Resolve:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise error

    return resolve


# ── the table ──

NOT_PUBLIC = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254
    172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7
    203.0.113.7 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
    :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::8.8.8.8 64:ff9b:1::a00:1 100::1
    2001::1 2001:0:7f00:1:: 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:808:808:: 3fff::1 4000::1 5f00::1
    fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1
""".split()  # noqa: SIM905  # a table reads better than a list here
PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.0.1.1 198.17.255.255
    198.20.0.0 223.255.255.255 2001:200::1 2001:4860:4860::8888 2003::1 2606:4700::1111 3ffe::1 ::ffff:8.8.8.8
""".split()  # noqa: SIM905  # as above


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0x7F000001", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("::1", "::1"),
        ("1.1.1.1", "1.1.1.1"),
        ("example.org", None),
        ("1.example.org", None),
        ("1.2.3.4.5", None),
        ("999.1", None),
        ("127.0.0.0y", None),
        ("", None),
    ],
)
def test_numbers_are_recognised_in_every_spelling(host: str, address: str | None) -> None:
    assert literal_of(host) == (ip_address(address) if address else None)


# ── no connection is opened ──

HOSTILE_HOSTS = """
    127.0.0.1 127.1 127.0.1 127.0.0.1. 127.000.000.001 2130706433 0x7f000001 0x7f.0.0.1 0x7F.1 0177.0.0.1 017700000001 00000177.1
    0 0.0.0.0 0x0 127.255.255.254 127.0.0.53 １２７.0.0.1 127。0。0。1 ①②⑦.⓪.⓪.① [::] [::1] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1]
    [::ffff:7f00:1] [::ffff:0:127.0.0.1] [::127.0.0.1] [::7f00:1] [64:ff9b::127.0.0.1] [64:ff9b:1::7f00:1] [2002:7f00:1::]
    [2001:0:7f00:1::1] [fe80::1] [fc00::1] [fec0::1] [ff02::1] localhost LOCALHOST localhost. 10.0.0.1 169.254.169.254 user@127.1
    example.org@127.0.0.1
""".split()  # noqa: SIM905  # as above


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_no_spelling_of_a_private_address_is_connected_to(site: Site, host: str) -> None:
    error = failure(f"http://{host}:{site.port}/", policy=STRICT)
    assert isinstance(error, PermanentFetchError)
    assert error.outcome is Outcome.BLOCKED_ADDRESS
    assert "fetch.allow" in error.reason
    assert site.connections == 0


def test_a_redirect_to_a_private_address_is_not_followed(site: Site) -> None:
    with Site("127.0.0.2") as outside:
        for path, location in {
            "/a": site.url("/"),
            "/b": f"//127.0.0.1:{site.port}/",
            "/c": f"http://2130706433:{site.port}/",
        }.items():
            outside.page(path, status=301, headers={"Location": location})
            error = failure(outside.url(path), policy=FetchPolicy(allow=("127.0.0.2",)))
            assert error.outcome is Outcome.BLOCKED_ADDRESS
    assert site.connections == 0


@pytest.mark.parametrize("purpose", Purpose)
def test_every_purpose_is_guarded(site: Site, purpose: Purpose) -> None:
    assert failure(site.url("/"), policy=STRICT, purpose=purpose).outcome is Outcome.BLOCKED_ADDRESS
    assert site.connections == 0


def test_one_private_address_among_public_ones_spoils_a_name(site: Site) -> None:
    resolve = answering(["1.1.1.1", "127.0.0.1"])
    error = failure(f"http://mixed.example:{site.port}/", policy=STRICT, resolve=resolve)
    assert error.outcome is Outcome.BLOCKED_ADDRESS
    assert "mixed.example is at 127.0.0.1" in error.reason
    assert site.connections == 0


def test_a_name_that_changes_its_address_is_judged_at_every_connect(site: Site) -> None:
    """The allowed address stands for a public one; the second answer leads inward."""
    resolve = answering(["127.0.0.2"], ["127.0.0.1"])
    with Site("127.0.0.2", port=site.port) as outside:
        outside.page("/", b"outside", headers={"Connection": "close"})
        outcomes: list[object] = []

        async def twice(fetcher: HttpFetcher) -> None:
            request = FetchRequest(f"http://rebinding.example:{site.port}/", Purpose.FEED)
            for _ in range(2):
                try:
                    outcomes.append(getattr(await fetcher.fetch(request), "body", None))
                except PermanentFetchError as error:
                    outcomes.append(error.outcome)

        with_fetcher(twice, policy=FetchPolicy(allow=("127.0.0.2",)), resolve=resolve)
    assert outcomes == [b"outside", Outcome.BLOCKED_ADDRESS]
    assert site.connections == 0


def test_the_next_address_is_tried_when_one_does_not_answer(site: Site) -> None:
    resolve = answering(["127.0.0.3", "127.0.0.4", "127.0.0.1"])
    assert fetched(f"http://many.example:{site.port}/", resolve=resolve).body == b"reached"
    assert site.requests[0].headers["host"] == f"many.example:{site.port}"


# ── what is allowed all the same ──


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "localhost", "LOCALHOST.", "::1/128"])
def test_an_allowed_address_may_be_asked_and_no_other(site: Site, entry: str) -> None:
    policy = FetchPolicy(allow=(entry, "::1"))
    by_name = entry.lower().startswith("localhost")
    reachable = entry != "::1/128"
    if by_name or entry == "127.0.0.0/8":
        assert fetched(site.url("/", host="localhost"), policy=policy).body == b"reached"
    if not by_name and reachable:
        assert fetched(site.url("/"), policy=policy).body == b"reached"
    else:
        assert failure(site.url("/"), policy=policy).outcome is Outcome.BLOCKED_ADDRESS
    assert failure("http://10.0.0.1/", policy=policy).outcome is Outcome.BLOCKED_ADDRESS


def test_an_allowed_name_does_not_allow_its_relatives() -> None:
    allow = Allow.parse(("intranet.example", "bücher.example", "10.0.0.0/8", "fd00::/8"))
    assert allow.has_host("intranet.example")
    assert allow.has_host("xn--bcher-kva.example")
    assert not allow.has_host("www.intranet.example")
    assert not allow.has_host("example")
    assert allow.has_address(ip_address("10.1.2.3"))
    assert allow.has_address(ip_address("fd12::1"))
    assert not allow.has_address(ip_address("11.1.2.3"))


def test_a_mapped_address_is_allowed_as_what_it_is() -> None:
    error = failure("http://[::ffff:127.0.0.9]:1/", policy=FetchPolicy(allow=("127.0.0.9",), connect_timeout_s=0.5))
    assert error.outcome is not Outcome.BLOCKED_ADDRESS


def test_every_wrong_entry_of_the_allow_list_is_named() -> None:
    wrong = ("10.0.0.1/8", "http://x.example", "x.example/a", "x.example:80", "*.example", "", "127.1", "[::1]", "u@x.example")
    with pytest.raises(ConfigError) as caught:
        Allow.parse((*wrong, "fine.example"))
    assert len(caught.value.problems) == len(wrong)
    assert "did you mean 10.0.0.0/8?" in str(caught.value)
    with pytest.raises(ConfigError):
        with_fetcher(lambda fetcher: fetcher.aclose(), policy=FetchPolicy(allow=("*",)))


# ── names ──


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no such name"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "the name server does not answer"),
        (socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure"), "Non-recoverable failure"),
        (UnicodeError("label too long"), "this name cannot be looked up"),
        (OSError(24, "Too many open files"), "this name cannot be looked up"),
    ],
    ids=["no name", "again", "fail", "odd", "no files"],
)
def test_a_name_that_cannot_be_resolved_is_a_dns_error(error: Exception, reason: str) -> None:
    failed = failure("http://name.example/", resolve=failing(error))
    assert isinstance(failed, TransientFetchError)
    assert (failed.outcome, failed.reason) == (Outcome.DNS_ERROR, reason)


def test_a_name_without_address_is_a_dns_error() -> None:
    assert failure("http://name.example/", resolve=answering([])).outcome is Outcome.DNS_ERROR


def test_a_name_server_that_never_answers_is_a_dns_error() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    failed = failure("http://name.example/", policy=STRICT, resolve=resolve)
    assert (failed.outcome, failed.reason) == (Outcome.DNS_ERROR, "no answer from the name server within 0.2 s")


def test_the_system_knows_this_machine_and_refuses_odd_names() -> None:
    async def look_up() -> None:
        resolve = SystemResolver()
        assert "127.0.0.1" in await resolve("localhost", 80)
        with pytest.raises(UnicodeError):
            await resolve("a" * 64 + ".example", 80)

    asyncio.run(look_up())


# ── through a proxy ──


def test_a_private_proxy_is_used_and_what_lies_behind_it_is_judged() -> None:
    with Site() as proxy:
        proxy.page("http://public.example/feed", b"by proxy")
        policy = FetchPolicy(proxy=proxy.url().replace("//", "//me:word@"))
        answer = fetched("http://public.example/feed", policy=policy, resolve=answering(["1.1.1.1"]))
        assert answer.body == b"by proxy"
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic bWU6d29yZA=="
        for url in ("http://10.0.0.1/", "http://private.example/", "https://127.1/"):
            error = failure(url, policy=policy, resolve=answering(["10.0.0.1"]))
            assert error.outcome is Outcome.BLOCKED_ADDRESS
        assert len(proxy.requests) == 1


def test_a_proxy_may_be_asked_for_an_allowed_name_unseen() -> None:
    with Site() as proxy:
        proxy.page("http://intranet.example/feed", b"by proxy")
        policy = FetchPolicy(proxy=proxy.url(), allow=("intranet.example",))
        unknown = failing(socket.gaierror(socket.EAI_NONAME, "unknown"))
        assert fetched("http://intranet.example/feed", policy=policy, resolve=unknown).body == b"by proxy"
        assert failure("http://other.example/feed", policy=policy, resolve=unknown).outcome is Outcome.DNS_ERROR


def test_a_proxy_that_refuses_is_a_connect_error() -> None:
    with Site() as proxy:
        proxy.answers("public.example:443", Answer(status=403))
        error = failure("https://public.example/", policy=FetchPolicy(proxy=proxy.url()), resolve=answering(["1.1.1.1"]))
    assert (error.outcome, error.reason) == (Outcome.CONNECT_ERROR, "the proxy refused: 403 Forbidden")


def test_a_proxy_that_is_none_is_named_in_the_configuration() -> None:
    with pytest.raises(ConfigError, match=r"fetch\.proxy"):
        with_fetcher(lambda fetcher: fetcher.aclose(), policy=FetchPolicy(proxy="socks5://127.0.0.1:1"))
