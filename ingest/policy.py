"""Every knob: unit, default, range, and why it is as it is. `config/ingest.toml` is generated from this file.

A policy holds the knobs of one stage. It is frozen and handed to the functions that need it; nobody is handed all of them.
"""

from dataclasses import dataclass, field, fields
from typing import Any

USER_AGENT = "Ingest/{version} (feed reader; set fetch.user_agent to your own name and contact)"

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
MB = 1_000_000


def _knob(
    default: Any, why: str, *, unit: str = "", low: float | None = None, high: float | None = None, choices: tuple[str, ...] = ()
) -> Any:
    """A dataclass field that carries its own documentation and range (`low` and `high` are inclusive)."""
    return field(default=default, metadata={"why": why, "unit": unit, "low": low, "high": high, "choices": choices})


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """One HTTP exchange: its limits and its manners. Table [fetch]."""

    allow: tuple[str, ...] = _knob(
        (), "Hosts or CIDRs inside private ranges that may be asked all the same; everything else that points inward is refused."
    )
    user_agent: str = _knob(USER_AGENT, "Who asks. Name yourself and a contact: hosts block what they cannot write to.")
    proxy: str = _knob("", "Proxy for all requests (http://…, socks is not supported); a feed may name its own.")
    timeout_s: float = _knob(
        30.0, "Total deadline of one exchange with all redirects: a body that drips must end.", unit="s", low=1, high=600
    )
    connect_timeout_s: float = _knob(
        10.0, "For the connection; its TLS handshake gets as long again.", unit="s", low=0.1, high=120
    )
    dns_timeout_s: float = _knob(5.0, "For resolving a name.", unit="s", low=0.1, high=60)
    max_feed_bytes: int = _knob(10 * MB, "Decoded size of a feed at most.", unit="bytes", low=10_000, high=1_000_000_000)
    max_page_bytes: int = _knob(5 * MB, "Decoded size of a page at most.", unit="bytes", low=10_000, high=1_000_000_000)
    max_redirects: int = _knob(5, "Redirects followed in one exchange.", low=0, high=20)


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """How hard one host is asked, by feeds and pages together. Table [hosts]."""

    at_once: int = _knob(2, "Requests in flight at one host.", low=1, high=64)
    gap_s: float = _knob(
        1.0, "Between the starts of two requests to one host. 205 feeds of one host without it once got a peer banned.",
        unit="s", low=0, high=3600,
    )  # fmt: skip
    max_gap_s: float = _knob(
        HOUR_S, "What refusals teach widens the gap to this at most.",
        unit="s", low=1, high=DAY_S,
    )  # fmt: skip
    feed_share: float = _knob(
        0.5, "Share of what a host can be asked that polls may use where it has many feeds; the rest is for pages.",
        low=0.01, high=1,
    )  # fmt: skip
    max_retry_after_s: float = _knob(DAY_S, "A longer Retry-After is believed only so far.", unit="s", low=0, high=30 * DAY_S)


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """When a feed is visited. Table [poll]."""

    interval_s: float = _knob(
        30 * MINUTE_S, "Mean time between two polls over all feeds: the request budget. Feeds that publish often get more of it.",
        unit="s", low=10, high=30 * DAY_S,
    )  # fmt: skip
    min_interval_s: float = _knob(
        5 * MINUTE_S, "No feed is polled more often than this, unless its own interval says so.", unit="s", low=1, high=DAY_S
    )
    max_interval_s: float = _knob(DAY_S, "No hint and no failure makes polls rarer than this.", unit="s", low=60, high=30 * DAY_S)
    is_adaptive: bool = _knob(True, "Learn when each feed publishes and share polls out by it. Off: every feed at interval_s.")
    half_life_days: float = _knob(
        21.0, "What a feed did this long ago counts half of what it does today.", unit="days", low=1, high=365
    )
    max_per_hour: float = _knob(
        0.0, "Polls of all feeds together at most, whatever interval_s says; 0 means no such limit.",
        unit="polls", low=0, high=100_000_000,
    )  # fmt: skip
    jitter: float = _knob(0.1, "Share by which each interval is varied at random, so that polls spread out.", low=0, high=0.5)
    probe_s: float = _knob(
        DAY_S, "A feed that answers only 304 is asked for the whole document this often: some servers say 304 for ever.",
        unit="s", low=HOUR_S, high=365 * DAY_S,
    )  # fmt: skip
    move_after_days: float = _knob(
        7.0, "A permanent redirect is believed after as many days of the same answer: some lead to a page of apology.",
        unit="days", low=0, high=365,
    )  # fmt: skip
    last_probe_days: float = _knob(
        30.0, "A feed that was given up is asked once more after as many days.", unit="days", low=1, high=365
    )
    at_once: int = _knob(20, "Feeds polled at the same time.", low=1, high=1000)
    lease_s: float = _knob(120.0, "A worker that dies holds its feeds this long; live ones renew.", unit="s", low=5, high=3600)
    disable_after: float = _knob(
        30.0, "Weighted failures in a row before a feed is given up (hard 1, soft 0.5, passing 0.25). "
        "Media Cloud's figure: a surprising number come back.", low=1, high=10_000,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArticlePolicy:
    """How entries are turned into articles. Table [articles]."""

    at_once: int = _knob(16, "Pages fetched at the same time.", low=1, high=1000)
    attempts: int = _knob(8, "Tries for a page before the entry is given up with its reason.", low=1, high=100)
    retry_s: float = _knob(10 * MINUTE_S, "Before the second try; doubles with each further one.", unit="s", low=1, high=DAY_S)
    max_retry_s: float = _knob(DAY_S, "Between two tries at most.", unit="s", low=1, high=30 * DAY_S)
    lease_s: float = _knob(120.0, "A worker that dies holds its entries this long; live ones renew.", unit="s", low=5, high=3600)


@dataclass(frozen=True, slots=True)
class ParsePolicy:
    """Reading feed documents. Table [parse]."""

    max_entries: int = _knob(2_000, "Entries kept of one document, from the top.", low=1, high=1_000_000)
    timeout_s: float = _knob(10.0, "A worker that parses longer is killed.", unit="s", low=1, high=600)


EXTRACTORS = ("blocks", "readability")  # the learned classifier, with readability as second opinion; readability alone


@dataclass(frozen=True, slots=True)
class ExtractPolicy:
    """Making an article of a page. Table [extract]."""

    extractor: str = _knob(
        "blocks",
        "What chooses the article's text: a learned classifier of blocks (readability its second opinion), or readability alone.",
        choices=EXTRACTORS,
    )
    timeout_s: float = _knob(10.0, "A worker that extracts longer is killed.", unit="s", low=1, high=600)
    min_words: int = _knob(
        25, "A page that yields fewer words is taken to have hidden its text; the feed's own text is preferred if longer.",
        unit="words", low=0, high=10_000,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """Recognising an article. Table [match]."""

    min_words: int = _knob(
        40,
        "Equal texts shorter than this prove nothing: error pages and teasers are alike everywhere.",
        unit="words",
        low=1,
        high=10_000,
    )


@dataclass(frozen=True, slots=True)
class WorkerPolicy:
    """Processes for work that costs CPU. Table [workers]."""

    processes: int = _knob(0, "Worker processes; 0 means one per core.", low=0, high=256)
    max_tasks: int = _knob(500, "Tasks before a worker is replaced: parsers leak.", low=1, high=1_000_000)
    max_memory_bytes: int = _knob(
        1024 * MB,
        "Address space of a worker at most; what needs more fails alone.",
        unit="bytes",
        low=256 * MB,
        high=1_000_000 * MB,
    )


@dataclass(frozen=True, slots=True)
class KeepPolicy:
    """How long records are kept. Table [keep]."""

    polls_days: float = _knob(
        30.0, "Past polls, and gaps that were looked into. Articles are never dropped.", unit="days", low=1, high=36500
    )


@dataclass(frozen=True, slots=True)
class RobotsPolicy:
    """robots.txt, asked before article pages; feeds are named by people and need no leave. Table [robots]."""

    is_obeyed: bool = _knob(True, "Fetch no page that its host's robots.txt forbids; the feed's own text is the article then.")
    keep_s: float = _knob(
        DAY_S, "A robots.txt is believed this long (RFC 9309 §2.4: no more than a day).", unit="s", low=60, high=DAY_S
    )
    max_crawl_delay_s: float = _knob(60.0, "A longer Crawl-delay is believed only so far.", unit="s", low=0, high=3600)


@dataclass(frozen=True, slots=True)
class GapPolicy:
    """What is done about entries that came and went between two polls. Table [gaps]."""

    is_repaired: bool = _knob(True, "Look for missed entries in the feed's archives, where it has any.")
    max_pages: int = _knob(10, "Pages of history asked for to repair one gap.", unit="pages", low=1, high=1000)


@dataclass(frozen=True, slots=True)
class WebSubPolicy:
    """Feeds whose hub pushes what is new. Table [websub]."""

    callback_url: str = _knob(
        "", "Where hubs on the internet reach this service, e.g. https://ingest.example.org; empty: no subscriptions. "
        "What is asked there under /websub/ must lead to [http], best through a proxy with TLS.",
    )  # fmt: skip
    lease_s: float = _knob(
        10 * DAY_S, "How long a subscription is asked to hold; renewed before.", unit="s", low=HOUR_S, high=90 * DAY_S
    )
    slow_down: float = _knob(
        8.0, "A feed whose hub has proven to push everything is polled this many times less often.", low=1, high=100
    )


@dataclass(frozen=True, slots=True)
class BackfillPolicy:
    """Reading a feed's history. Table [backfill]."""

    max_pages: int = _knob(
        1000, "Pages of history asked for in one run of a feed; the next run goes on there.", unit="pages", low=1, high=1_000_000
    )


@dataclass(frozen=True, slots=True)
class DatabasePolicy:
    """The database. Table [database]."""

    url: str = _knob(
        "sqlite:///data/ingest.db",
        "sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME. Mind INGEST_DATABASE_URL_FILE for secrets.",
    )
    busy_timeout_s: float = _knob(5.0, "SQLite: how long to wait for another writer.", unit="s", low=0.1, high=300)
    is_synchronous_full: bool = _knob(
        False,
        "SQLite: keep the last commits even on power loss, for 4 times the cost of a write. kill -9 loses nothing either way.",
    )


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """Health and metrics while `ingest run` runs. Table [http]."""

    is_enabled: bool = _knob(True, "Serve /livez, /readyz, /healthz and /metrics.")
    host: str = _knob("127.0.0.1", "Address to listen at; 0.0.0.0 inside a container.")
    port: int = _knob(8080, "Port to listen at; 0 takes a free one.", low=0, high=65535)


@dataclass(frozen=True, slots=True)
class LogPolicy:
    """Logging to stderr. Table [log]."""

    level: str = _knob("info", "How much is logged.", choices=("debug", "info", "warning", "error"))
    format: str = _knob("auto", "auto: JSON unless stderr is a terminal.", choices=("auto", "json", "text"))


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies, by the name of their table. Only `config` and `wiring` hold this; everyone else is handed one policy."""

    database: DatabasePolicy = DatabasePolicy()
    fetch: FetchPolicy = FetchPolicy()
    hosts: HostPolicy = HostPolicy()
    poll: PollPolicy = PollPolicy()
    articles: ArticlePolicy = ArticlePolicy()
    parse: ParsePolicy = ParsePolicy()
    extract: ExtractPolicy = ExtractPolicy()
    match: MatchPolicy = MatchPolicy()
    backfill: BackfillPolicy = BackfillPolicy()
    robots: RobotsPolicy = RobotsPolicy()
    gaps: GapPolicy = GapPolicy()
    websub: WebSubPolicy = WebSubPolicy()
    workers: WorkerPolicy = WorkerPolicy()
    keep: KeepPolicy = KeepPolicy()
    http: HttpPolicy = HttpPolicy()
    log: LogPolicy = LogPolicy()


DEFAULTS = Policies()


@dataclass(frozen=True, slots=True)
class Knob:
    """One knob as read from its field, for the loader and the generated file."""

    table: str
    name: str
    default: Any
    why: str
    unit: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]


def knobs() -> tuple[Knob, ...]:
    """Every knob of every policy, in the order of this file."""
    return tuple(
        Knob(table=policy.name, name=knob.name, default=knob.default, **knob.metadata)
        for policy in fields(Policies)
        for knob in fields(getattr(DEFAULTS, policy.name))
    )
