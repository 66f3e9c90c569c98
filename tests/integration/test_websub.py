"""Hubs: subscribed to, verified, pushing and misbehaving, with everything wired and a callback that listens."""

import asyncio
import contextlib
import socket
import ssl
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from ingest.config.settings import ConfiguredFeed, Settings
from ingest.daemon import run_once
from ingest.metrics import Metrics
from ingest.model import FeedSecrets, FeedSpec, SubscriptionState
from ingest.policy import DEFAULTS, DatabasePolicy, FetchPolicy, HostPolicy, HttpPolicy, WebSubPolicy, WorkerPolicy
from ingest.pushes import Pushes
from ingest.store.schema import entries, gaps, polls
from ingest.subscribing import review_subscriptions, tend_subscriptions
from ingest.web import Health, serve
from ingest.wiring import wire
from tests.clocks import MovableClock
from tests.hub import Hub, sign
from tests.news import prose
from tests.site import Answer, Site

TLS = Path(__file__).parent.parent / "data" / "tls"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MAX_BYTES = 50_000
ASKED, ACTIVE, DENIED = SubscriptionState.ASKED, SubscriptionState.ACTIVE, SubscriptionState.DENIED
LEFT = SubscriptionState.LEFT


class World:
    """A feed that names a hub, and a service with a callback for it."""

    def __init__(self, site, hub, database_url):
        self.site, self.hub, self.clock = site, hub, MovableClock()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.stories = {}  # number → published at
        self.names_hub = hub.url
        self.names_itself = site.url("/feed")
        self.paths = ["/feed"]  # of feeds that show the same
        site.serve("/feed", lambda _: self.answer())
        self.policies = replace(
            DEFAULTS,
            database=DatabasePolicy(database_url),
            fetch=FetchPolicy(allow=("127.0.0.0/8",), max_feed_bytes=MAX_BYTES, timeout_s=2.0),
            hosts=HostPolicy(gap_s=0, at_once=20),
            workers=WorkerPolicy(processes=1),
            http=HttpPolicy(port=self.port),
            websub=WebSubPolicy(callback_url=f"http://127.0.0.1:{self.port}/"),
        )

    def answer(self):
        return Answer(self.document(*self.stories))

    def publish(self, *numbers, ago=timedelta()):
        self.stories |= dict.fromkeys(numbers, self.clock.now() - ago)

    def document(self, *numbers):
        """The feed with these stories; the latest on top."""
        head = "".join(
            f'<atom:link rel="{relation}" href="{url}"/>'
            for relation, url in (("hub", self.names_hub), ("self", self.names_itself))
            if url
        )
        channel = f"<title>News</title><link>{self.site.url('/')}</link><description>x</description>{head}"
        items = "".join(self.item(number) for number in sorted(numbers, reverse=True))
        return f'<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>{channel}{items}</channel></rss>'.encode()

    def item(self, number):
        date = self.stories.setdefault(number, self.clock.now())
        return (
            f"<item><title>Story {number}</title><link>/a/{number}</link><guid isPermaLink='false'>s{number}</guid>"
            f"<pubDate>{date:%a, %d %b %Y %H:%M:%S} GMT</pubDate><description>{prose(number)}</description></item>"
        )

    # ── the service ──

    def play(self, script, **policies):
        """What `script` answers, given the wired service; each call is a start of its own, on the same database."""
        return asyncio.run(self._play(script, replace(self.policies, **policies)))

    async def _play(self, script, policies):
        feeds = tuple(ConfiguredFeed(FeedSpec(self.site.url(path)), FeedSecrets(), "here") for path in self.paths)
        settings = Settings(policies, "feeds.toml", full_text=False, path=None, feed_list=feeds, provenance={})
        self.pushes, metrics = Pushes(), Metrics()
        async with (
            serve(policies.http, metrics, Health(self.clock), self.pushes),
            wire(settings, clock=self.clock, metrics=metrics) as service,
            self.pushes.open(service),
        ):
            return await asyncio.wait_for(script(service), 60)

    async def subscribe(self, service):
        """A first poll, then what the feed names is subscribed to."""
        self.stories or self.publish(1, 2, 3, ago=DAY)
        await run_once(service, everything=True)
        await tend_subscriptions(service, 10)

    async def push(self, service, *numbers, **headers):
        """The status with which a push of these stories was answered; what follows from it has been done."""
        status = await asyncio.to_thread(self.hub.push, self.document(*numbers), **headers)
        await self.settled()
        return status

    async def settled(self):
        while self.pushes._desk._workers:
            await asyncio.wait(self.pushes._desk._workers)

    async def subscription(self, service):
        return await service.in_thread(service.store.subscriptions.of_feed, 1)

    async def feed(self, service):
        return await service.in_thread(service.store.feeds.find, "1")

    async def stored(self, service):
        return {guid for (guid,) in await self.rows(service, sa.select(entries.c.guid))}

    async def rows(self, service, query):
        def read():
            with service.store.database.read() as connection:
                return connection.execute(query).all()

        return await service.in_thread(read)


async def until(check):
    """Wait for something that nobody tells of."""
    async with asyncio.timeout(10):
        while not check():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
def site():
    with Site() as site:
        yield site


@pytest.fixture
def hub_site(monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "good.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "good.pem"))
    with Site(tls=context) as site:
        yield site


@pytest.fixture
def hub(hub_site):
    return Hub(hub_site, host="localhost")


@pytest.fixture
def world(site, hub, tmp_path):
    return World(site, hub, f"sqlite:///{tmp_path / 'ingest.db'}")


# ── subscribing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_that_names_a_hub_is_subscribed_to_verified_and_pushed_into_the_walk(site, hub, database_url):
    world = World(site, hub, database_url)

    async def script(service):
        await world.subscribe(service)
        before = await world.feed(service)
        status = await world.push(service, 4)
        counts = service.metrics.polls.labels("ok"), service.metrics.entries.labels("new"), service.metrics.pushes.labels("new")
        assert [count._value.get() for count in counts] == [1, 4, 1]
        return status, before, await world.feed(service), await world.subscription(service), await world.stored(service)

    status, before, after, sub, stored = world.play(script)

    (form,) = hub.asked
    assert form["hub.callback"].startswith(f"http://127.0.0.1:{world.port}/websub/")
    assert (form["hub.mode"], form["hub.topic"], form["hub.lease_seconds"]) == ("subscribe", site.url("/feed"), "864000")
    assert len(form["hub.secret"]) == 43
    assert (sub.state, sub.pushes, sub.brought) == (ACTIVE, 1, 1)
    assert (status, stored) == (202, {"s1", "s2", "s3", "s4"})
    assert (after.next_poll_at, after.polled_at) == (before.next_poll_at, before.polled_at)
    assert len(site.seen("/feed")) == 1


def test_without_an_address_of_our_own_no_hub_is_asked_and_nobody_is_let_in(world):
    async def script(service):
        await world.subscribe(service)
        return (await world.feed(service)).hub_url

    assert world.play(script, websub=WebSubPolicy()) == world.hub.url
    assert world.hub.asked == []


def test_a_restart_keeps_subscriptions_and_asks_nobody_again(world):
    world.play(world.subscribe)

    async def script(service):
        await tend_subscriptions(service, 10)
        return await world.push(service, 4), await world.stored(service)

    assert world.play(script) == (202, {"s1", "s2", "s3", "s4"})
    assert len(world.hub.asked) == 1


def test_the_hub_is_asked_anew_at_four_fifths_of_its_lease_at_the_same_callback(world):
    world.hub.lease_s = 100_000.0
    world.play(world.subscribe)
    callback = world.hub.callback

    async def tend(service):
        await tend_subscriptions(service, 10)
        return (await world.subscription(service)).lease_until

    world.clock.ahead = timedelta(seconds=79_000)
    world.play(tend)
    assert len(world.hub.asked) == 1
    world.clock.ahead = timedelta(seconds=81_000)
    lease_until = world.play(tend)
    assert [form["hub.callback"] for form in world.hub.asked] == [callback, callback]
    assert [form["hub.secret"] for form in world.hub.asked] == [world.hub.subscribed[callback].secret] * 2
    assert timedelta(seconds=99_000) < lease_until - world.clock.now() <= timedelta(seconds=100_000)


def test_a_hub_that_never_verifies_is_asked_again_after_a_while(world):
    world.hub.verifies = False

    async def script(service):
        await world.subscribe(service)
        first = await world.subscription(service)
        await tend_subscriptions(service, 10)
        world.clock.ahead = HOUR
        world.hub.verifies = True
        await tend_subscriptions(service, 10)
        return first.state, (await world.subscription(service)).state

    assert world.play(script) == (ASKED, ACTIVE)
    assert len(world.hub.asked) == 2


def test_a_hub_that_denies_is_left_alone_for_a_week(world):
    world.hub.denies = "no room"

    async def script(service):
        await world.subscribe(service)
        denied = await world.subscription(service)
        world.clock.ahead = 6 * DAY
        await tend_subscriptions(service, 10)
        asked = len(world.hub.asked)
        world.clock.ahead, world.hub.denies = 8 * DAY, None
        await tend_subscriptions(service, 10)
        return denied, asked, (await world.subscription(service)).state

    denied, asked, state = world.play(script)
    assert (denied.state, denied.reason, asked, state) == (DENIED, "denied by the hub: no room", 1, ACTIVE)


def test_a_hub_that_refuses_is_asked_again_after_a_day(world):
    world.hub.refuses = 403

    async def script(service):
        await world.subscribe(service)
        return await world.subscription(service)

    sub = world.play(script)
    assert (sub.state, sub.reason) == (ASKED, "403 Forbidden")
    assert sub.next_ask_at - world.clock.now() > 17 * HOUR


def test_a_hub_that_says_when_to_come_back_teaches_its_host(world, hub_site):
    hub_site.page("/busy", status=503, headers={"Retry-After": "3600"})
    world.names_hub = hub_site.url("/busy", host="localhost")

    async def script(service):
        await world.subscribe(service)
        host = await service.in_thread(service.store.hosts.find, "localhost")
        return (await world.subscription(service)).next_ask_at - world.clock.now(), host.throttled_until - world.clock.now()

    assert all(0.9 * HOUR < wait <= HOUR for wait in world.play(script))


def test_a_hub_on_a_private_address_is_never_asked(world):
    with Site("127.0.0.9") as canary:
        world.names_hub = canary.url("/hub")

        async def script(service):
            await world.subscribe(service)
            return await world.subscription(service)

        sub = world.play(script, fetch=FetchPolicy(allow=("127.0.0.1/32",)))
        assert canary.connections == 0
    assert (sub.state, "not public" in sub.reason) == (ASKED, True)
    assert sub.next_ask_at - world.clock.now() > 17 * HOUR


@pytest.mark.parametrize(
    ("status", "to_tls", "state"), [(307, True, ACTIVE), (308, True, ACTIVE), (302, True, ASKED), (308, False, ASKED)]
)
def test_a_hub_may_name_another_but_none_that_is_asked_without_tls(world, site, hub_site, status, to_tls, state):
    plain = Hub(site, "/plain")
    target = world.hub.url if to_tls else plain.url
    hub_site.page("/old", status=status, headers={"Location": target})
    world.names_hub = hub_site.url("/old", host="localhost")

    async def script(service):
        await world.subscribe(service)
        return (await world.subscription(service)).state

    assert world.play(script) is state
    assert plain.asked == []


# ── questions ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_what_was_asked_for_is_confirmed_and_nothing_else_is_reflected(world):
    markup = "<script>alert(1)</script>"

    async def script(service):
        await world.subscribe(service)
        tell = partial(asyncio.to_thread, world.hub.tell, world.hub.callback)
        known = {"topic": world.site.url("/feed"), "challenge": markup}
        return [
            await tell(mode="subscribe", **known),
            await tell(mode="unsubscribe", **known),
            await tell(mode="subscribe", **known | {"topic": "https://elsewhere.example/"}),
            await tell(mode=markup, **known),
            await tell(mode="subscribe", topic=world.site.url("/feed")),
            await asyncio.to_thread(world.hub.tell, world.hub.callback[:-1] + "!", mode="subscribe", **known),
            await asyncio.to_thread(world.hub.tell, world.hub.callback + "0", mode="subscribe", **known),
            await tell(method="HEAD", mode="subscribe", **known),
        ]

    confirmed, *refused, head = world.play(script)
    assert (confirmed.status, confirmed.body) == (200, markup)
    assert confirmed.headers["content-type"].startswith("text/plain")
    assert confirmed.headers["x-content-type-options"] == "nosniff"
    assert [(told.status, told.body) for told in refused] == [(404, "")] * 6
    assert head.status == 405


# ── pushes ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_a_push_is_believed_whatever_method_signs_it(world, method):
    async def script(service):
        await world.subscribe(service)
        return await world.push(service, 4, method=method), await world.stored(service)

    assert world.play(script) == (202, {"s1", "s2", "s3", "s4"})


@pytest.mark.parametrize("signature", [None, "", "sha256=00", "forged", "other body"])
def test_a_forged_push_is_taken_and_ignored_before_anything_is_parsed(world, signature):
    async def script(service):
        await world.subscribe(service)
        body, secret = world.document(4), world.hub.subscribed[world.hub.callback].secret
        told = {"forged": sign(body, "guess"), "other body": sign(b"x", secret)}.get(signature, signature)
        headers = {} if told is None else {"X-Hub-Signature": told}
        status = await asyncio.to_thread(world.hub.send, world.hub.callback, body, **headers)
        await world.settled()
        visits = await world.rows(service, sa.select(polls.c.id))
        forged = service.metrics.pushes.labels("forged")._value.get()
        return status, await world.stored(service), len(visits), forged, (await world.subscription(service)).pushed_at

    assert world.play(script) == (202, {"s1", "s2", "s3"}, 1, 1, None)


def test_a_push_that_is_a_part_of_the_feed_takes_nothing_away_and_leaves_no_gap(world):
    async def script(service):
        await world.subscribe(service)
        before = await world.feed(service)
        await world.push(service, 9)
        world.publish(4, 9)
        world.clock.ahead = HOUR
        await run_once(service, everything=True)
        after = await world.feed(service)
        found = await world.rows(service, sa.select(gaps.c.missed))
        return before.learned.window, after.learned.window, found, await world.stored(service)

    assert world.play(script) == (3, 5, [], {"s1", "s2", "s3", "s4", "s9"})


def test_a_story_that_was_pushed_and_is_polled_later_is_one(world):
    async def script(service):
        await world.subscribe(service)
        await world.push(service, 4)
        world.publish(4)
        world.clock.ahead = HOUR
        await run_once(service, everything=True)
        return [row.reason for row in await world.rows(service, sa.select(polls.c.reason, polls.c.new))], await world.rows(
            service, sa.select(sa.func.count()).select_from(entries).where(entries.c.guid == "s4")
        )

    reasons, count = world.play(script)
    assert count == [(1,)]
    assert reasons[1].startswith("pushed by its hub")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_push_that_is_too_large_is_refused(world, chunked):
    async def script(service):
        await world.subscribe(service)
        body = b"x" * (MAX_BYTES + 1)
        sent = [body[:30_000], body[30_000:]] if chunked else body
        return await asyncio.to_thread(world.hub.send, world.hub.callback, sent)

    assert world.play(script) == 413


def test_an_endless_push_is_hung_up_on(world):
    sent = 0

    def endless():
        nonlocal sent
        while True:
            sent += 10_000
            yield b"x" * 10_000

    async def script(service):
        await world.subscribe(service)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(world.hub.send, world.hub.callback, endless())

    world.play(script)
    assert sent < 20_000_000  # what the buffers of two sockets hold


def test_a_push_that_drips_is_refused_when_its_time_is_over(world):
    async def script(service):
        await world.subscribe(service)
        address = urlsplit(world.hub.callback)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"POST {address.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc".encode())
        answer = await reader.read()
        writer.close()
        return answer.split(b"\r\n")[0], world.pushes._desk._room._bytes.total()

    status, held = world.play(script, fetch=replace(world.policies.fetch, timeout_s=1.0))
    assert (status, held) == (b"HTTP/1.1 408 Request Timeout", 0)


def test_a_push_that_breaks_off_leaves_no_trace(world):
    async def script(service):
        await world.subscribe(service)
        address = urlsplit(world.hub.callback)
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"POST {address.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc".encode())
        await writer.drain()
        room = world.pushes._desk._room
        await until(lambda: room._bytes.total() == 3)
        writer.transport.abort()
        await until(lambda: room._bytes.total() == 0)
        return room._pushes.total(), await world.push(service, 4)

    assert world.play(script) == (0, 202)


@pytest.mark.parametrize(
    ("length", "sent"),
    [(f"Content-Length: {MAX_BYTES}", 3), ("Transfer-Encoding: chunked", MAX_BYTES - 100)],
    ids=["few", "many"],
)
def test_pushes_of_one_feed_that_do_not_end_leave_room_for_those_of_another(world, length, sent):
    world.paths.append("/other")
    world.names_itself = None
    world.site.serve("/other", lambda _: world.answer())
    part = b"x" * sent if "Length" in length else b"%x\r\n%b\r\n" % (sent, b"x" * sent)

    async def script(service):
        await world.subscribe(service)
        callbacks = {urlsplit(wanted.topic).path: callback for callback, wanted in world.hub.subscribed.items()}
        address = urlsplit(callbacks["/feed"])
        writers = [(await asyncio.open_connection(address.hostname, address.port))[1] for _ in range(4)]
        for writer in writers:
            writer.write(f"POST {address.path} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode() + part)
            await writer.drain()
        room = world.pushes._desk._room
        await until(lambda: room._bytes.total() >= 2 * sent)
        status = await asyncio.to_thread(world.hub.push, world.document(4), to=callbacks["/other"])
        for writer in writers:
            writer.transport.abort()
        await world.settled()
        return status, await world.stored(service)

    assert world.play(script) == (202, {"s1", "s2", "s3", "s4"})


def test_a_compressed_push_is_not_unpacked(world):
    async def script(service):
        await world.subscribe(service)
        return await world.push(service, 4, **{"Content-Encoding": "gzip"}), await world.stored(service)

    assert world.play(script) == (415, {"s1", "s2", "s3"})


def test_a_request_whose_head_does_not_come_is_hung_up_on(world, monkeypatch):
    monkeypatch.setattr("ingest.web.server._HEAD_S", 0.1)

    async def script(service):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(b"POST /websub/x HTTP/1.1\r\nHost:")
        silent = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        idle = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return silent, idle[:15]

    assert world.play(script) == (b"", b"HTTP/1.1 200 OK")


def test_a_push_that_is_no_feed_makes_the_feed_due(world):
    async def script(service):
        await world.subscribe(service)
        world.clock.ahead = 10 * MINUTE
        status = await asyncio.to_thread(world.hub.push, b"<html>hello</html>")
        await world.settled()
        feed = await world.feed(service)
        return status, feed.next_poll_at <= world.clock.now(), feed.failures, feed.next_reason

    assert world.play(script) == (202, True, 0.0, "its hub says that there is something new")


# ── a hub without TLS ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hub_without_tls_gets_no_secret_and_its_push_only_makes_the_feed_due(site, tmp_path):
    world = World(site, Hub(site), f"sqlite:///{tmp_path / 'ingest.db'}")

    async def script(service):
        await world.subscribe(service)
        world.clock.ahead = 10 * MINUTE
        status = await world.push(service, 66)
        feed = await world.feed(service)
        return status, feed.next_poll_at <= world.clock.now(), await world.stored(service)

    assert world.play(script) == (202, True, {"s1", "s2", "s3"})
    assert "hub.secret" not in world.hub.asked[0]


# ── a feed that is busy, a service that is ───────────────────────────────────────────────────────────────────────────────


async def hold(service, clock):
    """The feed's lease, as a poll has it."""
    claim = await service.in_thread(service.store.feeds.claim_one, 1, clock.now(), clock.now() + HOUR)
    return {1: claim.lease}


def test_a_push_waits_for_the_poll_that_holds_its_feed(world):
    async def script(service):
        await world.subscribe(service)
        lease = await hold(service, world.clock)
        status = await asyncio.to_thread(world.hub.push, world.document(4))
        early = await world.stored(service)
        await service.in_thread(service.store.feeds.release, lease)
        await world.settled()
        return status, early, await world.stored(service)

    assert world.play(script) == (202, {"s1", "s2", "s3"}, {"s1", "s2", "s3", "s4"})


def test_a_push_that_waits_too_long_makes_the_feed_due_instead(world, monkeypatch):
    monkeypatch.setattr("ingest.pushes._WAITS_S", (0.01,))

    async def script(service):
        await world.subscribe(service)
        world.clock.ahead = 10 * MINUTE
        await hold(service, world.clock)
        await world.push(service, 4)
        return (await world.feed(service)).next_poll_at <= world.clock.now(), await world.stored(service)

    assert world.play(script) == (True, {"s1", "s2", "s3"})


def test_a_hub_that_pushes_faster_than_can_be_worked_on_is_asked_to_come_back_and_keeps_its_order(world):
    async def script(service):
        await world.subscribe(service)
        lease = await hold(service, world.clock)
        statuses = [await asyncio.to_thread(world.hub.push, world.document(number)) for number in range(11, 17)]
        await service.in_thread(service.store.feeds.release, lease)
        await world.settled()
        rows = await world.rows(service, sa.select(entries.c.guid).order_by(entries.c.id))
        room = world.pushes._desk._room
        return statuses, [guid for (guid,) in rows][3:], (room._bytes.total(), room._pushes.total())

    assert world.play(script) == ([202] * 4 + [503] * 2, ["s11", "s12", "s13", "s14"], (0, 0))


def test_what_was_taken_and_not_worked_on_when_the_service_ends_makes_its_feed_due(world, monkeypatch):
    monkeypatch.setattr("ingest.pushes._GRACE_S", 0.05)

    async def script(service):
        await world.subscribe(service)
        world.clock.ahead = 10 * MINUTE
        await hold(service, world.clock)
        return await asyncio.to_thread(world.hub.push, world.document(4))

    assert world.play(script) == 202

    async def look(service):
        return (await world.feed(service)).next_poll_at <= world.clock.now()

    assert world.play(look)


def test_while_no_service_is_there_hubs_are_asked_to_come_back(world):
    world.play(world.subscribe)
    world.hub.verifies = False

    async def script():
        async with serve(world.policies.http, Metrics(), Health(world.clock), Pushes()):
            pushed = await asyncio.to_thread(world.hub.push, b"x")
            told = await asyncio.to_thread(world.hub.tell, world.hub.callback, mode="subscribe", topic="t", challenge="c")
        return pushed, told

    pushed, told = asyncio.run(script())
    assert (pushed, told.status, told.headers["retry-after"]) == (503, 503, "60")


# ── leaving ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_removed_feed_is_unsubscribed_and_its_hub_refused(world):
    async def script(service):
        await world.subscribe(service)
        callback, wanted = world.hub.callback, world.hub.subscribed[world.hub.callback]
        await service.in_thread(service.store.feeds.remove, 1)
        early = await asyncio.to_thread(world.hub.push, b"x")
        await tend_subscriptions(service, 10)
        gone = dict(world.hub.subscribed)
        world.hub.subscribed[callback] = wanted
        late = await asyncio.to_thread(world.hub.push, b"x")
        return early, gone, late, await service.in_thread(service.store.subscriptions.counts_by_state)

    assert world.play(script) == (410, {}, 410, {LEFT: 1})
    assert [form["hub.mode"] for form in world.hub.asked] == ["subscribe", "unsubscribe"]


def test_switched_off_again_every_hub_is_told(world):
    world.play(world.subscribe)

    async def script(service):
        await tend_subscriptions(service, 10)
        return await service.in_thread(service.store.subscriptions.counts_by_state)

    assert world.play(script, websub=WebSubPolicy()) == {LEFT: 1}
    assert world.hub.subscribed == {}


def test_a_feed_that_names_another_hub_leaves_the_one_and_asks_the_other(world, hub_site):
    other = Hub(hub_site, "/other", host="localhost")

    async def script(service):
        await world.subscribe(service)
        world.names_hub = other.url
        world.publish(4)
        world.clock.ahead = HOUR
        await world.subscribe(service)
        return (await world.subscription(service)).hub_url

    assert world.play(script) == other.url
    assert (len(world.hub.subscribed), len(other.subscribed)) == (0, 1)


# ── relying ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def prove(world, service):
    """Pushes over two days with polls in between that find nothing else."""
    await world.subscribe(service)
    for number, hours in enumerate((1, 20, 40, 50), start=10):
        world.clock.ahead = hours * HOUR
        world.publish(number)
        await world.push(service, number)
        await run_once(service, everything=True)
        await review_subscriptions(service)
    return await world.feed(service)


def test_a_hub_that_pushes_everything_for_two_days_is_relied_on_and_polls_thin_out(world):
    async def script(service):
        feed = await prove(world, service)
        usual = feed.next_poll_at - feed.polled_at
        await run_once(service, everything=True)
        thinned = await world.feed(service)
        return feed.is_pushed, usual, thinned.next_poll_at - thinned.polled_at, thinned.next_reason

    is_pushed, usual, thinned, reason = world.play(script)
    assert is_pushed
    assert 5 < thinned / usual < 12  # 8, with the jitter of both
    assert reason.endswith("8 times as long, for its hub pushes all of it")


def test_polling_returns_at_the_first_entry_that_was_not_pushed(world):
    async def script(service):
        await prove(world, service)
        world.publish(20, ago=HOUR)
        world.clock.ahead += 2 * HOUR
        await run_once(service, everything=True)
        feed, sub = await world.feed(service), await world.subscription(service)
        return feed.is_pushed, sub.missed, sub.pushes, "8 times" in feed.next_reason

    assert world.play(script) == (False, 1, 0, False)


def test_polling_returns_when_the_lease_runs_out(world):
    async def script(service):
        world.hub.lease_s = 3 * DAY.total_seconds()
        await prove(world, service)
        await run_once(service, everything=True)
        slow = await world.feed(service)
        world.hub.refuses = 503
        world.clock.ahead = 73 * HOUR
        await tend_subscriptions(service, 10)
        await review_subscriptions(service)
        feed, sub = await world.feed(service), await world.subscription(service)
        return slow.is_pushed, feed.is_pushed, sub.state, sub.reason, feed.next_poll_at < slow.next_poll_at

    assert world.play(script) == (True, False, ASKED, "its lease ran out before the hub renewed it", True)


def test_polling_returns_when_pushes_stop(world):
    async def script(service):
        await prove(world, service)
        world.clock.ahead += 8 * DAY
        await tend_subscriptions(service, 10)
        await review_subscriptions(service)
        feed, sub = await world.feed(service), await world.subscription(service)
        return feed.is_pushed, sub.state, sub.reason

    assert world.play(script) == (False, ACTIVE, "nothing was pushed for suspiciously long")
