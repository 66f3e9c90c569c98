"""A scripted WebSub hub for tests, on a Site of its own: it takes requests, verifies them as hubs do, and pushes.

    hub = Hub(site)
    hub.verifies = False             # take requests and never come back
    hub.denies = "no room"           # come back with a denial
    hub.refuses = 403                # answer requests with this status
    hub.subscribed                   # callback → Wanted(topic, secret), as verified
    hub.push(body)                   # signed with the secret of the (only) subscription; the status it was answered with

It verifies before it answers the request, which hubs may: whoever only notes after the answer that it asked is found out.
"""

import hashlib
import hmac
import http.client
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.site import Answer, Seen, Site


@dataclass(frozen=True)
class Wanted:
    topic: str
    secret: str | None


@dataclass(frozen=True)
class Told:
    """What the callback answered."""

    status: int
    body: str
    headers: Mapping[str, str]


class Hub:
    def __init__(self, site: Site, path: str = "/hub", *, host: str | None = None) -> None:
        self.url = site.url(path, host=host)
        self.verifies = True
        self.lease_s: float | None = None  # None: what it was asked for
        self.denies: str | None = None
        self.refuses: int | None = None
        self.asked: list[Mapping[str, str]] = []  # the forms
        self.subscribed: dict[str, Wanted] = {}
        site.serve(path, self._serve)

    def _serve(self, request: Seen) -> Answer:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.asked.append(form)
        if self.refuses:
            return Answer(b"no", self.refuses)
        if self.denies is not None:
            self.tell(form["hub.callback"], mode="denied", topic=form["hub.topic"], reason=self.denies)
        elif self.verifies:
            self._verify(form)
        return Answer(status=202)

    def _verify(self, form: Mapping[str, str]) -> None:
        callback, mode, topic = form["hub.callback"], form["hub.mode"], form["hub.topic"]
        lease = {"lease_seconds": f"{self.lease_s or float(form['hub.lease_seconds']):.0f}"} if mode == "subscribe" else {}
        told = self.tell(callback, mode=mode, topic=topic, challenge="a challenge & more", **lease)
        if (told.status, told.body) != (200, "a challenge & more"):
            return
        if mode == "subscribe":
            self.subscribed[callback] = Wanted(topic, form.get("hub.secret"))
        else:
            self.subscribed.pop(callback, None)

    # ── calling back ──

    def tell(self, callback: str, *, method: str = "GET", **fields: str) -> Told:
        """A question to the callback, with these fields of `hub.`."""
        query = urlencode({f"hub.{name}": value for name, value in fields.items()})
        return call(urllib.request.Request(f"{callback}?{query}", method=method))

    @property
    def callback(self) -> str:
        (callback,) = self.subscribed
        return callback

    def push(self, body: bytes, *, to: str = "", method: str = "sha256", **headers: str) -> int:
        """Send this to a callback, signed as agreed."""
        callback = to or self.callback
        wanted = self.subscribed[callback]
        sent = {"Content-Type": "application/rss+xml", "Link": f'<{self.url}>; rel="hub", <{wanted.topic}>; rel="self"'}
        if wanted.secret:
            sent["X-Hub-Signature"] = sign(body, wanted.secret, method)
        return self.send(callback, body, **sent | headers)

    def send(self, callback: str, body: bytes | Iterable[bytes], **headers: str) -> int:
        """Send just this; an iterable goes out in chunks, without its length."""
        address = urlsplit(callback)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            connection.request("POST", address.path, body, headers, encode_chunked=not isinstance(body, bytes))
            return connection.getresponse().status
        finally:
            connection.close()


def sign(body: bytes, secret: str, method: str = "sha256") -> str:
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


def call(request: urllib.request.Request) -> Told:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Told(answer.status, answer.read().decode(), dict(answer.headers))
    except urllib.error.HTTPError as error:
        with error:
            return Told(error.code, error.read().decode(), dict(error.headers))
