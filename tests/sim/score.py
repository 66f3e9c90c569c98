"""The score: what every request did to its server, held against what the server said and what the service had promised.

A server knows what it was asked, when, and what it answered. What an answer obliges to is in force once the service has written
it down: an answer that died with its process taught nobody anything. What was written down is told by whoever carries the calls
of the store; what it means is judged here, by rules of our own and not by those of the service.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ingest.model import Applied, FeedPlan, FeedState, Validators
from ingest.outcome import Outcome
from ingest.policy import HostPolicy, PollPolicy, RobotsPolicy
from tests.sim.documents import SimFeed, number_of
from tests.sim.loop import SimClock

_LEEWAY_S = 0.002  # times are stored in microseconds and added up as floats
_ROBOTS_KEPT_S = 25 * 3600.0  # a day, and the request that was on its way when it ended
_KEPT = 20  # offences of each kind that are told
_DOUBTED = 0.3  # below such trust a feed is asked without validators


class Offence(StrEnum):
    """What a rude client does."""

    EARLY = "a poll before the promised moment"
    HINT = "a poll before the feed or its server wanted one (ttl, max-age, skipHours, skipDays)"
    UNCONDITIONAL = "an unconditional repeat outside of trust probes"
    VALIDATORS = "validators that are not those of this document"
    RETRY_AFTER = "a request before Retry-After was over"
    GAP = "a request before the gap of its host was over"
    AT_ONCE = "more requests at once than the host may have"
    TWICE = "a feed polled twice at once"
    ROBOTS = "a page that robots.txt forbids, or that was asked for without knowing it"
    ROBOTS_REPEAT = "a robots.txt asked for again on the same day"
    STRAY = "a favicon, a home page or what else nobody named, a page of archives that nobody missed"


class Kind(StrEnum):
    """What an address is to its server."""

    FEED = "feed"
    PAGE = "page"
    ROBOTS = "robots"
    HISTORY = "history"  # a page of a feed's archives
    HUB = "hub"
    STRAY = "stray"


@dataclass(slots=True)
class Exchange:
    """One request and what became of it. `by` is the process that made it, `first` the address before all redirects."""

    at_s: float
    by: str
    host: str
    url: str
    first: str
    kind: Kind
    held: Validators  # those that it showed
    feed: SimFeed | None = None
    status: int = 0  # 0: no answer yet
    answered_s: float | None = None
    retry_after_s: float | None = None
    given: Validators | None = None  # validators in the answer
    crawl_delay_s: float = 0.0  # in the answer, a robots.txt
    is_forbidden: bool = False  # by the robots.txt that the host has now

    @property
    def is_first(self) -> bool:
        return self.url == self.first

    @property
    def is_conditional(self) -> bool:
        return self.held != Validators()


@dataclass(frozen=True, slots=True)
class Offender:
    """One request that should not have been made, and why."""

    offence: Offence
    exchange: Exchange
    why: str

    def __str__(self) -> str:
        asked = self.exchange
        return f"  {asked.at_s:.3f} s: {asked.url} by {asked.by}{' (conditional)' if asked.is_conditional else ''}: {self.why}"


@dataclass(slots=True)
class _Host:
    """What a host has seen, and what it may expect."""

    started_s: float = float("-inf")  # of the last request
    in_flight: int = 0
    silent_until_s: float = float("-inf")  # Retry-After
    silenced_by: Exchange | None = None
    told_delay_s: float = 0.0  # by its robots.txt
    crawl_delay_s: float = 0.0  # the same, once it is written down
    learned_gap_s: float = 0.0
    learned_at_s: float = 0.0
    robots_at_s: float | None = None  # since then the service knows what it says
    robots_until_s: float = float("-inf")  # before, nobody needs to ask again


@dataclass(slots=True)
class _Poll:
    """What the service has written down of a feed, and what its server may expect of it."""

    next_at: datetime | None = None
    owed: Validators = field(default_factory=Validators)
    whole_s: float | None = None  # the last document that came whole was sent
    trust: float = 1.0
    wanted_at_s: float = float("-inf")  # its own word and its server's: not before
    knows_hints: bool = False
    in_flight: int = 0
    state: FeedState = FeedState.ACTIVE
    unwritten: Exchange | None = None  # answered, and not written down yet


@dataclass
class Score:
    """Keeps count. `intervals` are feeds with an interval of their own, which wins over hints."""

    clock: SimClock
    hosts: HostPolicy
    poll: PollPolicy
    robots: RobotsPolicy
    intervals: dict[str, float] = field(default_factory=dict)
    requests: int = 0
    by_kind: Counter[Kind] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    offences: Counter[Offence] = field(default_factory=Counter)
    delays_s: list[float] = field(default_factory=list)  # from publication to store, of entries published while we watched
    late_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # polls after the promised moment, by host
    polls: int = 0
    pushes: int = 0
    entries: int = 0
    conditional: int = 0
    unmodified: int = 0
    refused: int = 0  # answers that say "too often"
    gaps: list[FeedPlan] = field(default_factory=list)
    moves: list[FeedPlan] = field(default_factory=list)
    _told: dict[Offence, list[Offender]] = field(default_factory=lambda: defaultdict(list))
    _hosts: dict[str, _Host] = field(default_factory=lambda: defaultdict(_Host))
    _polls: dict[str, _Poll] = field(default_factory=lambda: defaultdict(_Poll))
    _fresh: dict[str, list[Exchange]] = field(default_factory=lambda: defaultdict(list))  # refusals by process, not written yet
    _feeds: dict[str, SimFeed] = field(default_factory=dict)

    # ── what servers see ────────────────────────────────────────────────────────────────────────────────────────────────

    def knows(self, feed: SimFeed) -> None:
        """There is this feed."""
        self._feeds[feed.url] = feed

    def asked(self, exchange: Exchange) -> None:
        """A request arrives at its server."""
        self.requests += 1
        self.by_kind[exchange.kind] += 1
        self.conditional += exchange.is_conditional
        host = self._hosts[exchange.host]
        self._judge_host(host, exchange)
        match exchange.kind:
            case Kind.FEED:
                self._judge_poll(self._polls[exchange.first], exchange)
            case Kind.PAGE:
                self._judge_page(host, exchange)
            case Kind.ROBOTS:
                self._judge_robots(host, exchange)
            case Kind.HISTORY if not any(plan.claim.url == self._feed_url(exchange) for plan in self.gaps):
                self._note(Offence.STRAY, exchange, "nothing was missed of this feed")
            case Kind.STRAY:
                self._note(Offence.STRAY, exchange, "nobody named this address")
        host.started_s = exchange.at_s
        host.in_flight += 1

    def answered(self, exchange: Exchange) -> None:
        """Its answer has arrived."""
        exchange.answered_s = self.clock.monotonic_s()
        self.by_status[exchange.status] += 1
        if exchange.kind is Kind.ROBOTS and exchange.status not in (429, 503):
            self._hosts[exchange.host].told_delay_s = exchange.crawl_delay_s
        if exchange.retry_after_s is not None and exchange.status in (429, 503):
            self._refuse(exchange)
        self.unmodified += exchange.status == 304
        if exchange.kind is Kind.FEED:
            self._polls[exchange.first].unwritten = exchange

    def over(self, exchange: Exchange) -> None:
        """It is over: answered, given up, or its process is no more."""
        self._hosts[exchange.host].in_flight -= 1
        if exchange.kind is Kind.FEED and exchange.is_first:
            self._polls[exchange.first].in_flight -= 1

    # ── what the service wrote down ─────────────────────────────────────────────────────────────────────────────────────

    def wrote_polls(self, by: str, plans: Sequence[FeedPlan], results: Sequence[Applied]) -> None:
        """Polls were written; from now on what they say is a promise."""
        for plan, result in zip(plans, results, strict=True):
            if result is Applied.DONE:
                self._wrote_poll(plan)
                self._settle(by, lambda refusal, url=plan.claim.url: refusal.first == url)

    def wrote_robots(self, by: str, name: str, *, is_told: bool) -> None:
        """The service knows what robots.txt says; `is_told`: its host has told it, not only failed to."""
        self.wrote_about(by, name)
        if is_told:
            host = self._hosts[name]
            host.crawl_delay_s = min(host.told_delay_s, self.robots.max_crawl_delay_s)
            host.robots_at_s = self.clock.monotonic_s()
            host.robots_until_s = host.robots_at_s + self.robots.keep_s

    def wrote_lesson(self, name: str, gap_s: float | None) -> None:
        """A refusal taught the service this gap."""
        if gap_s is not None:
            host = self._hosts[name]
            host.learned_gap_s, host.learned_at_s = min(gap_s, self.hosts.max_gap_s), self.clock.monotonic_s()

    def wrote_about(self, by: str, host: str) -> None:
        """Something else was written, with what this host said."""
        self._settle(by, lambda refusal: refusal.host == host)

    def clock_set(self, by_s: float) -> None:
        """The clock of the service was set: back, and what it promised stays where it was; forward, and it cannot know that."""
        for poll in self._polls.values():
            if by_s < 0 and poll.next_at is not None:
                poll.next_at += timedelta(seconds=by_s)

    def made_due(self, url: str) -> None:
        """The service takes a promise back: the feed is to be polled now (our own network was away, somebody asked for it)."""
        self._polls[url].next_at = None
        self._polls[url].wanted_at_s = float("-inf")

    def died(self, by: str) -> None:
        """A process is no more; what it was told and did not write down is not known to anybody."""
        for refusal in self._fresh.pop(by, ()):
            host = self._hosts[refusal.host]
            if host.silenced_by is refusal:
                host.silent_until_s = float("-inf")
        for poll in self._polls.values():
            if poll.unwritten is not None and poll.unwritten.by == by:
                poll.unwritten = None

    # ── what came of it ─────────────────────────────────────────────────────────────────────────────────────────────────

    def told(self, offence: Offence) -> str:
        """How often this was done, and the first offenders."""
        lines = [f"{self.offences[offence]} of {self.requests} requests: {offence}"]
        return "\n".join(lines + [str(offender) for offender in self._told[offence]])

    def assert_none(self, *offences: Offence) -> None:
        """Nobody did any of these (none named: anything at all)."""
        done = [self.told(offence) for offence in offences or Offence if self.offences[offence]]
        assert not done, "\n".join(done)

    def host_gap_s(self, name: str) -> float:
        """Seconds between two starts at this host that are in force now."""
        return self._gap_s(self._hosts[name])

    def promise(self, url: str) -> datetime | None:
        """When the service said that it would poll this feed next."""
        return self._polls[url].next_at

    # ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _judge_host(self, host: _Host, asked: Exchange) -> None:
        if asked.at_s < host.silent_until_s - _LEEWAY_S:
            self._note(Offence.RETRY_AFTER, asked, f"{host.silent_until_s - asked.at_s:.3f} s too early")
        gap_s, passed_s = self._gap_s(host), asked.at_s - host.started_s
        if passed_s < gap_s - _LEEWAY_S:
            self._note(Offence.GAP, asked, f"{passed_s:.3f} s after the last one, the gap is {gap_s:.3f} s")
        if host.in_flight >= self.hosts.at_once:
            self._note(Offence.AT_ONCE, asked, f"{host.in_flight} were on their way already")

    def _judge_poll(self, poll: _Poll, asked: Exchange) -> None:
        self._judge_validators(poll, asked)
        if not asked.is_first:
            return
        now = self.clock.now()
        if poll.in_flight:
            self._note(Offence.TWICE, asked, "another one was on its way")
        poll.in_flight += 1
        if poll.next_at is not None:
            self.late_s[asked.host].append((now - poll.next_at).total_seconds())
        if poll.next_at is not None and now < poll.next_at - timedelta(seconds=_LEEWAY_S):
            self._note(Offence.EARLY, asked, f"promised for {poll.next_at:%d %H:%M:%S}, it is {now:%d %H:%M:%S}")
        if asked.at_s < poll.wanted_at_s - _LEEWAY_S and asked.url not in self.intervals:
            self._note(Offence.HINT, asked, f"{poll.wanted_at_s - asked.at_s:.1f} s before it is wanted")
        self._judge_skipping(poll, asked)

    def _judge_skipping(self, poll: _Poll, asked: Exchange) -> None:
        """A poll that comes late because its host's turn did is not planned for then."""
        feed = asked.feed or self._feeds.get(asked.first)
        if feed is None or not poll.knows_hints or poll.next_at is None or asked.url in self.intervals:
            return
        if feed.skips(poll.next_at):
            self._note(Offence.HINT, asked, f"planned for {poll.next_at:%A %H:%M}, in an hour that the feed wants skipped")

    def _judge_validators(self, poll: _Poll, asked: Exchange) -> None:
        if asked.is_conditional:
            if asked.held != poll.owed:
                self._note(Offence.VALIDATORS, asked, f"shown {asked.held}, it had {poll.owed}")
            return
        if poll.owed == Validators() or poll.whole_s is None:
            return
        is_liar = asked.feed is not None and not asked.feed.is_honest
        if is_liar and poll.trust < _DOUBTED:
            return
        since_s = asked.at_s - poll.whole_s
        if since_s < self.poll.probe_s - _LEEWAY_S:
            self._note(Offence.UNCONDITIONAL, asked, f"it had {poll.owed}, and a whole document {since_s:.0f} s before")

    def _judge_page(self, host: _Host, asked: Exchange) -> None:
        if not self.robots.is_obeyed or not asked.is_first:  # where a redirect leads is known when it was followed
            return
        if asked.is_forbidden:
            self._note(Offence.ROBOTS, asked, "robots.txt forbids it")
        elif host.robots_at_s is None or asked.at_s - host.robots_at_s > _ROBOTS_KEPT_S:
            self._note(Offence.ROBOTS, asked, "robots.txt was not asked for")

    def _judge_robots(self, host: _Host, asked: Exchange) -> None:
        if asked.at_s < host.robots_until_s - _LEEWAY_S:
            self._note(Offence.ROBOTS_REPEAT, asked, f"known for {host.robots_until_s - asked.at_s:.0f} s more")

    @staticmethod
    def _feed_url(asked: Exchange) -> str:
        return asked.feed.url if asked.feed else ""

    def _gap_s(self, host: _Host) -> float:
        """The widest of what the policy says, robots.txt asks for and refusals taught; a lesson fades by halves in 30 days.

        A lesson holds between requests that follow it: until the first one it is Retry-After that counts.
        """
        months = (self.clock.monotonic_s() - host.learned_at_s) // (30 * 86_400.0)
        learned_s = host.learned_gap_s * 0.5**months if host.started_s >= host.learned_at_s else 0.0
        return max(self.hosts.gap_s, host.crawl_delay_s, learned_s)

    def _note(self, offence: Offence, exchange: Exchange, why: str) -> None:
        self.offences[offence] += 1
        if len(self._told[offence]) < _KEPT:
            self._told[offence].append(Offender(offence, exchange, why))

    def _settle(self, by: str, is_written: Callable[[Exchange], bool]) -> None:
        if fresh := self._fresh.get(by):
            self._fresh[by] = [refusal for refusal in fresh if not is_written(refusal)]

    # ── keeping ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _refuse(self, exchange: Exchange) -> None:
        self.refused += 1
        host, wait_s = self._hosts[exchange.host], min(exchange.retry_after_s or 0.0, self.hosts.max_retry_after_s)
        until_s = (exchange.answered_s or 0.0) + wait_s
        if until_s > host.silent_until_s:
            host.silent_until_s, host.silenced_by = until_s, exchange
            self._fresh[exchange.by].append(exchange)

    def _wrote_poll(self, plan: FeedPlan) -> None:
        url = plan.claim.url
        self._wrote_entries(plan)
        if plan.is_push:  # nobody asked, and nothing else follows
            self.pushes += 1
            return
        poll = self._polls[url]
        self.polls += 1
        if plan.lesson is not None:
            self.wrote_lesson(plan.lesson.host or plan.claim.host.host, plan.lesson.gap_s)
        poll.next_at, poll.state = plan.usual_poll_at or plan.next_poll_at, plan.state  # a hub that fails brings that back
        if plan.not_before_at is not None and (poll.next_at is None or plan.not_before_at > poll.next_at):
            poll.next_at = plan.not_before_at
        if plan.trust is not None:
            poll.trust = plan.trust
        if plan.outcome in (Outcome.OK, Outcome.NOT_MODIFIED):
            self._wrote_answer(poll)
        poll.unwritten = None
        if plan.gap is not None:
            self.gaps.append(plan)
        if plan.moved_to is not None:
            self.moves.append(plan)
            self._polls[plan.moved_to] = self._polls.pop(url)

    def _wrote_answer(self, poll: _Poll) -> None:
        """What the last answer gave is ours to show from now on, what it asked for is known."""
        answer = poll.unwritten
        if answer is None or answer.given is None:
            return
        if answer.status == 304:
            poll.owed = Validators(answer.given.etag or poll.owed.etag, answer.given.last_modified or poll.owed.last_modified)
        else:
            poll.owed, poll.whole_s = answer.given, answer.answered_s
        if answer.feed is not None:
            asked_s = max(answer.feed.max_age_s or 0, 60 * (answer.feed.ttl_min or 0))
            poll.wanted_at_s = (answer.answered_s or 0.0) + min(asked_s, self.poll.max_interval_s)
            poll.knows_hints = True

    def _wrote_entries(self, plan: FeedPlan) -> None:
        feed = self._feeds.get(plan.claim.listed_url or plan.claim.url) or self._feeds.get(plan.claim.url)
        now_s = self.clock.monotonic_s()
        for entry in plan.new:
            self.entries += 1
            number = number_of(entry.keyed.entry.url)
            if feed is not None and not feed.has_rotating_guids and number >= 0 and feed.published[number] >= 0:
                self.delays_s.append(now_s - feed.published[number])
