"""What a robots.txt means for us: its rules, how long it is believed, and what its absence says. Source: RFC 9309.

    an answer  → its rules                          §2.2
    4xx        → no rules                           §2.3.1.3 "unavailable"; but 429 says "not now"
    5xx, no answer, 429  → nothing is allowed       §2.3.1.4 "unreachable"; a copy from before still counts (§2.4), and after
                                                    30 days without one there are no rules

The matching of paths is Protego's; only, to it an escaped slash is never a plain one, not even in a query as in §2.2.2. Which
group of rules is ours is found here: Protego takes a group for "in" to be one for "ingest", and one that names 15,000 robots for
20,000 rules costs it minutes.
"""

import re
from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock

from protego import Protego

from ingest.errors import FetchError
from ingest.headers import charset
from ingest.model import Fetched, RobotsFile, RobotsVerdict
from ingest.outcome import Outcome
from ingest.policy import RobotsPolicy
from ingest.text import decode
from ingest.urls import host_of, origin_of, request_url

MAX_BYTES = 512_000  # 500 KiB: what must be read at least (§2.5), and all that is

_GIVE_IN = timedelta(days=30)  # §2.3.1.4
_UNWATCHED = timedelta(days=7)  # without a try: nobody knows whether it could not be had all the time
_LONGEST = timedelta(hours=25)  # a day, and clocks that differ
_FIRST_S = 3600.0
_FIRST_SILENT_S = 600.0  # nobody answered at all: that passes sooner, and may be our own network
_SILENT = frozenset({Outcome.DNS_ERROR, Outcome.CONNECT_ERROR, Outcome.TIMEOUT, Outcome.TLS_ERROR})
_TOO_MANY = 429
_NO_WORD = frozenset({Outcome.RATE_LIMITED, Outcome.PROTOCOL_ERROR})  # about the file, whatever the status
_EMPTY = (204, 205)  # an answer, and nothing in it

_AGENT_LINE = re.compile(r"\s*+user[-\s]?agent(?:\s*+:|\s)\s*+([^\s#].*)", re.IGNORECASE)
_NAME = re.compile(r"[^\s/;,()#*]+")
_EVERYBODY = re.compile(r"\*\s*(?:#|\Z)")
_COMPATIBLE = re.compile(r"mozilla/[\d.]+ \(compatible;\s*([^\s/;,()]+)", re.IGNORECASE)
_US, _OTHERS = "us", "~"  # what Protego gets to see as names: neither is part of the other

QUICK = 16_384  # characters of a file that is judged in less than 10 ms; the largest takes 500
_REMEMBERED_CHARS = 1_500_000  # of files that are kept parsed, three of the largest: a hostile one takes 35 times its size
_LEAST_CHARS = 1_000  # that each counts


def robots_url(url: str) -> str | None:
    """Where the rules for `url` lie; None for what is no http(s) address."""
    origin = origin_of(url)
    return f"{origin}/robots.txt" if origin else None


def product_token(user_agent: str) -> str:
    """The name by which a robots.txt speaks of us: the first of the User-Agent, as in "Ingest/1.0 (…)".

    Where that is a browser's, as in "Mozilla/5.0 (compatible; Ingest/1.0)", the one that it is compatible with.
    """
    found = _COMPATIBLE.match(user_agent)
    name = _NAME.match(found[1] if found else user_agent.strip())
    return name[0].lower() if name else ""


def judge(file: RobotsFile, url: str, token: str) -> tuple[RobotsVerdict, str]:
    """What `file` says to the robot `token` about fetching `url`, and why where that is not plain leave."""
    host = host_of(file.origin)
    if not file.has_rules:
        return _judge_without_rules(file, host)
    rules = _find_rules(file.body, token)
    if rules is None:
        return RobotsVerdict.NO_RULES, f"robots.txt of {host} says nothing about us"
    if rules.can_fetch(request_url(url) or url, _US):
        return RobotsVerdict.ALLOWED, ""
    return RobotsVerdict.DISALLOWED, f"robots.txt of {host} forbids the page"


def _judge_without_rules(file: RobotsFile, host: str) -> tuple[RobotsVerdict, str]:
    since = file.unreachable_since_at
    if since is None:
        return RobotsVerdict.NO_RULES, f"{host} has no robots.txt"
    if file.fetched_at - since >= _GIVE_IN:
        return RobotsVerdict.NO_RULES, f"robots.txt of {host} could not be had for {(file.fetched_at - since).days} days"
    return RobotsVerdict.UNREACHABLE, f"robots.txt of {host} cannot be had ({file.reason}), which is to be taken as a no"


def crawl_delay_s(file: RobotsFile, token: str, policy: RobotsPolicy) -> float | None:
    """Seconds that the file asks the robot `token` to let pass between two requests; None where it does not say."""
    rules = _find_rules(file.body, token) if file.has_rules else None
    delay_s = rules.crawl_delay(_US) if rules else None
    return None if delay_s is None else min(delay_s, policy.max_crawl_delay_s)


def is_current(file: RobotsFile, now: datetime) -> bool:
    """Whether the file need not be asked for. One that holds for longer than any does was asked for by a clock since set back."""
    return now < file.until_at <= now + _LONGEST


# ── what was asked for ──────────────────────────────────────────────────────────────────────────────────────────────────


def read_answer(origin: str, answer: Fetched, policy: RobotsPolicy) -> RobotsFile:
    """The file in an answer, whatever it is: lines that are no rules are passed over, so a page of HTML has none."""
    body = answer.body
    if len(body) >= MAX_BYTES:
        body = body[:MAX_BYTES].rpartition(b"\n")[0]  # half a line may forbid more than the whole: "/" of "/private"
    return RobotsFile(
        origin=origin,
        status=answer.status,
        body=decode(body, charset(answer.headers)).replace("\0", ""),
        fetched_at=answer.fetched_at,
        until_at=answer.fetched_at + timedelta(seconds=policy.keep_s),
    )


def read_failure(origin: str, error: FetchError, known: RobotsFile | None, *, now: datetime, policy: RobotsPolicy) -> RobotsFile:
    """What is known of the file after an attempt without success; `known` is what was known before.

    A host that cannot tell is asked again after an hour (ten minutes, where nobody answered), then whenever it has been so for
    twice as long, a day apart at most.
    """
    if _is_absent(error):
        until_at = now + timedelta(seconds=policy.keep_s)
        return RobotsFile(origin, error.status, "", fetched_at=now, until_at=until_at, reason=error.reason)
    since = _unreachable_since(known, now)
    first_s = _FIRST_SILENT_S if error.outcome in _SILENT else _FIRST_S
    wait_s = min(max((now - since).total_seconds(), first_s, error.retry_after_s or 0.0), policy.keep_s)
    has_copy = known is not None and known.has_rules
    return RobotsFile(
        origin=origin,
        status=known.status if known and has_copy else None,
        body=known.body if known and has_copy else "",
        fetched_at=now,
        until_at=now + timedelta(seconds=wait_s),
        unreachable_since_at=since,
        reason=error.reason,
    )


def _is_absent(error: FetchError) -> bool:
    """Whether the host says that there is no such file; too many redirects and odd ones say so, too (§2.3.1.2)."""
    if error.status is None or error.status == _TOO_MANY or error.outcome in _NO_WORD:
        return False
    return error.status in _EMPTY or 300 <= error.status < 500  # noqa: PLR2004  the classes of statuses


def _unreachable_since(known: RobotsFile | None, now: datetime) -> datetime:
    if known is None or known.unreachable_since_at is None or now - known.until_at > _UNWATCHED:
        return now
    return known.unreachable_since_at


# ── its rules ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _find_rules(body: str, token: str) -> Protego | None:
    """The rules for the robot `token`; None where no group is for it, nor one for everybody."""
    return _parsed.find(body, token)


class _ParsedFiles:
    """Files as they were parsed, those asked for last; together no larger than `max_chars`. Large ones come from threads."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._lock = Lock()  # not held while a file is parsed: two threads may parse the same one
        self._rules: OrderedDict[tuple[str, str], Protego | None] = OrderedDict()
        self.chars = 0

    def find(self, body: str, token: str) -> Protego | None:
        key = (body, token)
        with self._lock:
            if key in self._rules:
                self._rules.move_to_end(key)
                return self._rules[key]
        rules = _parse_rules(body, token)
        with self._lock:
            if key not in self._rules:
                self._rules[key] = rules
                self.chars += max(len(body), _LEAST_CHARS)
            while self.chars > self._max_chars:
                (oldest, _), _ = self._rules.popitem(last=False)
                self.chars -= max(len(oldest), _LEAST_CHARS)
        return rules


def _parse_rules(body: str, token: str) -> Protego | None:
    lines, is_ours = [], False
    for line in re.split(r"\r\n?|\n", body.removeprefix("\ufeff")):
        group = _AGENT_LINE.match(line)
        name = _name_of(group[1], token) if group else ""
        is_ours = is_ours or name in (_US, "*")
        lines.append(f"User-agent: {name}" if name else " ".join(line.splitlines()))  # it has line ends that Protego would see
    return Protego.parse("\n".join(lines)) if is_ours else None


_parsed = _ParsedFiles(_REMEMBERED_CHARS)


def _name_of(said: str, token: str) -> str:
    """Whom a group is for: us, everybody or others. Names are compared whole and in any case, versions left out (§2.2.1)."""
    if _EVERYBODY.match(said):
        return "*"
    name = _NAME.match(said)
    return _US if name and name[0].lower() == token else _OTHERS
