"""One attempt to make the article of one entry."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ingest.decide import (
    Draft,
    FeedText,
    Recognition,
    draft,
    draft_texts,
    plan_article,
    plan_article_failure,
    plan_article_in_outage,
    plan_article_without_turn,
    plan_disallowed,
    plan_empty,
    plan_known_link,
)
from ingest.dedupe import link_identity, match
from ingest.errors import FetchError, IngestError, LeaseLost, NoTurn, RobotsUnreachable, StoreError, WorkKilled
from ingest.model import (
    Applied,
    ArticleClaim,
    ArticlePlan,
    Candidate,
    Entry,
    Fetched,
    FetchRequest,
    Lease,
    NotModified,
    Purpose,
    RobotsVerdict,
    Ruling,
    Sought,
)
from ingest.pipeline.batch import Together, applying
from ingest.pipeline.edges import Edges
from ingest.pipeline.robots import RobotsGate
from ingest.pipeline.secrets import scoped_secrets
from ingest.policy import ArticlePolicy, ExtractPolicy, MatchPolicy
from ingest.ports import ArticleStore
from ingest.schedule import effective_gap_s
from ingest.urls import host_of, origin_of

# How often a plan is made anew because another writer was faster; each round ends with one of them stored.
_ROUNDS = 8
_DRAFTED_TOGETHER, _DRAFTING_LANES = 25, 4  # feeds' own texts: 0.5 ms each, and a round trip to a worker costs as much
_TEXTS = 100  # of them claimed at once, beside pages
_CLAIMED_IN_OUTAGE = 2  # entries: enough to see that the network is back


@dataclass(frozen=True, slots=True)
class ArticleTools:
    """What an attempt needs. `full_text` is the default for feeds that do not say."""

    store: ArticleStore
    edges: Edges
    robots: RobotsGate
    full_text: bool
    articles: ArticlePolicy
    extract: ExtractPolicy
    match: MatchPolicy
    apply: Together[ArticlePlan, Applied] = field(init=False)
    candidates: Together[Sought, tuple[Candidate, ...]] = field(init=False)
    drafts: Together[ArticleClaim, Draft] = field(init=False)  # of feeds' own texts

    def __post_init__(self) -> None:
        object.__setattr__(self, "apply", applying(self.store, self.edges.in_thread))
        object.__setattr__(self, "candidates", Together(self._find_candidates))
        object.__setattr__(self, "drafts", Together(self._draft_texts, most=_DRAFTED_TOGETHER, lanes=_DRAFTING_LANES))

    async def _find_candidates(self, sought: Sequence[Sought]) -> Sequence[tuple[Candidate, ...]]:
        return await self.edges.in_thread(self.store.candidates, sought)

    async def _draft_texts(self, claims: Sequence[ArticleClaim]) -> Sequence[Draft]:
        texts = [FeedText(claim.entry, claim.feed_url, claim.feed_language) for claim in claims]
        return await self.edges.offload(self.extract.timeout_s, draft_texts, texts, policy=self.extract, matching=self.match)


@dataclass(frozen=True, slots=True)
class _Sight:
    """What was seen of the entry's page, and what robots.txt says about looking. Without page and error: none is wanted."""

    ruling: Ruling
    page: Fetched | None = None
    error: FetchError | None = None
    is_ours: bool = False  # the error is no fault of the host: our own network was away


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What came of one attempt, before it is compared with what is stored."""

    made: Draft
    ruling: Ruling
    error: IngestError | None = None
    is_ours: bool = False  # see _Sight


async def ingest_article(claim: ArticleClaim, tools: ArticleTools) -> ArticlePlan:
    """Make the entry's article and write it. Raises LeaseLost when another worker has the entry now; StoreError."""
    if plan := await _find_known_link(claim, tools):
        return await _apply(plan, tools)
    sight = await _look(claim, tools)
    return await _settle(claim, await _make(claim, sight, tools), tools)


async def _look(claim: ArticleClaim, tools: ArticleTools) -> _Sight:
    """The entry's page, where its feed wants one, the entry has a link and robots.txt lets us; or why it could not be had."""
    ruling = Ruling(RobotsVerdict.NOT_ASKED)
    if claim.entry.url is None or not _wants_page(claim, tools):
        return _Sight(ruling)
    request, began_s = _page_request(claim, claim.entry.url, tools), tools.edges.clock.monotonic_s()
    try:
        ruling = await tools.robots.check(request)
        if ruling.verdict is RobotsVerdict.DISALLOWED:
            return _Sight(ruling)
        page = await _fetch_page(_without_turn(request) if ruling.has_asked else request, tools)
        if origin_of(page.final_url) != origin_of(request.url):  # a redirect was followed: it must have been allowed there, too
            ruling = await tools.robots.check(_without_turn(replace(request, url=page.final_url)))
    except FetchError as error:
        is_unknown, is_ours = isinstance(error, RobotsUnreachable), tools.edges.network.is_ours(error, since_s=began_s)
        ruling = replace(ruling, verdict=RobotsVerdict.UNREACHABLE) if is_unknown else ruling
        return _Sight(ruling, error=error, is_ours=is_ours)
    return _Sight(ruling, None if ruling.verdict is RobotsVerdict.DISALLOWED else page)


def _page_request(claim: ArticleClaim, url: str, tools: ArticleTools) -> FetchRequest:
    edges = tools.edges
    return FetchRequest(
        url,
        Purpose.PAGE,
        user_agent=claim.options.user_agent,
        secrets=scoped_secrets(edges.secrets, claim.feed_url, url),
        host_granted=claim.host.host,
        host_gap_s=effective_gap_s(claim.host, edges.clock.now(), edges.hosts),
    )


def _without_turn(request: FetchRequest) -> FetchRequest:
    """The request as it has to be made when the turn that came with its claim is used up."""
    return replace(request, host_granted=None, host_gap_s=None)


async def _fetch_page(request: FetchRequest, tools: ArticleTools) -> Fetched:
    edges, host = tools.edges, host_of(request.url)
    try:
        answer = await edges.fetcher.fetch(request)
    except FetchError as error:
        edges.network.failed(host, error)
        raise
    edges.network.answered(host)
    if isinstance(answer, NotModified):
        raise IngestError("304 to a request without conditions")
    return answer


async def _make(claim: ArticleClaim, sight: _Sight, tools: ArticleTools) -> _Attempt:
    """The article of what was seen, or of the feed's own text."""
    if sight.error is not None:
        return _Attempt(await _draft_without_page(claim, tools), sight.ruling, sight.error, sight.is_ours)
    try:
        made = await (tools.drafts(claim) if sight.page is None else _draft(claim, sight.page, tools))
    except WorkKilled as error:
        return _Attempt(await _draft_without_page(claim, tools), sight.ruling, error)
    return _Attempt(made, sight.ruling, made.problem)


async def _draft(claim: ArticleClaim, page: Fetched, tools: ArticleTools) -> Draft:
    return await tools.edges.offload(
        tools.extract.timeout_s,
        draft,
        claim.entry,
        page,
        feed_url=claim.feed_url,
        feed_language=claim.feed_language,
        policy=tools.extract,
        matching=tools.match,
        options=claim.options,
    )


async def _draft_without_page(claim: ArticleClaim, tools: ArticleTools) -> Draft:
    """The feed's own text; where even that kills its worker or trips over a defect of ours, the entry without any text."""
    try:
        return await tools.drafts(claim)
    except Exception:  # noqa: BLE001  told already by whoever asks for less than the page; else the entry is tried for ever
        return draft(
            _without_text(claim),
            None,
            feed_url=claim.feed_url,
            feed_language=claim.feed_language,
            policy=tools.extract,
            matching=tools.match,
        )


def _without_text(claim: ArticleClaim) -> Entry:
    return replace(claim.entry, summary=None, content=None)


async def _settle(claim: ArticleClaim, attempt: _Attempt, tools: ArticleTools) -> ArticlePlan:
    """Match, plan and apply; again while another writer takes one of our identities in between."""
    for _ in range(_ROUNDS):
        with contextlib.suppress(_Taken):
            return await _apply(await _plan(claim, attempt, tools), tools)
    raise StoreError(f"entry {claim.entry_id}: its identities were taken by others {_ROUNDS} times in a row")


async def _apply(plan: ArticlePlan, tools: ArticleTools) -> ArticlePlan:
    applied = await tools.apply(plan)
    if applied is Applied.LEASE_LOST:
        raise LeaseLost(f"entry {plan.claim.entry_id}")
    if applied is Applied.TAKEN:
        raise _Taken
    tools.edges.observer.article_ingested(plan)
    return plan


class _Taken(StoreError):
    """Another writer got one of the identities first."""


async def _find_known_link(claim: ArticleClaim, tools: ArticleTools) -> ArticlePlan | None:
    """A page that was read for another feed is not asked for again."""
    if claim.attempts or not _wants_page(claim, tools):
        return None
    candidates = await tools.candidates(Sought(link_identity(claim.entry.url)))
    return plan_known_link(claim, candidates, now=tools.edges.clock.now())


def _wants_page(claim: ArticleClaim, tools: ArticleTools) -> bool:
    wanted = tools.full_text if claim.options.full_text is None else claim.options.full_text
    return wanted and claim.entry.url is not None


async def _plan(claim: ArticleClaim, attempt: _Attempt, tools: ArticleTools) -> ArticlePlan:
    made = attempt.made
    candidates = await tools.candidates(Sought(made.identities, claim.article_id))
    known = Recognition(made.identities, candidates, match(made.article, candidates, feed_id=claim.feed_id))
    return replace(_decide(claim, attempt, known, tools), robots=attempt.ruling.verdict)


def _decide(claim: ArticleClaim, attempt: _Attempt, known: Recognition, tools: ArticleTools) -> ArticlePlan:
    article, now = attempt.made.article, tools.edges.clock.now()
    if attempt.error is not None:
        return _decide_failure(claim, attempt, known, tools)
    if attempt.ruling.verdict is RobotsVerdict.DISALLOWED:
        return plan_disallowed(claim, attempt.ruling.reason, fallback=article, known=known, now=now)
    if not (article.text or article.title):
        return plan_empty(claim, now=now)
    return plan_article(claim, article, known, now=now)


def _decide_failure(claim: ArticleClaim, attempt: _Attempt, known: Recognition, tools: ArticleTools) -> ArticlePlan:
    error, fallback = attempt.error, attempt.made.article
    assert error is not None
    edges, now = tools.edges, tools.edges.clock.now()
    if isinstance(error, NoTurn):
        return plan_article_without_turn(claim, error, fallback=fallback, known=known, now=now, chance=edges.chance())
    if attempt.is_ours and isinstance(error, FetchError):
        return plan_article_in_outage(claim, error, fallback=fallback, known=known, now=now, chance=edges.chance())
    return plan_article_failure(
        claim,
        error,
        fallback=fallback,
        known=known,
        now=now,
        policy=tools.articles,
        hosts=edges.hosts,
        chance=edges.chance(),
    )


class ArticleWork:
    """Entries whose article is due, for the runner."""

    name = "article"

    def __init__(self, tools: ArticleTools) -> None:
        self.tools = tools

    async def claim(self, limit: int) -> Sequence[ArticleClaim]:
        tools, now = self.tools, self.tools.edges.clock.now()
        if tools.edges.network.is_away:
            limit = min(limit, _CLAIMED_IN_OUTAGE)
        return await tools.edges.in_thread(
            tools.store.claim,
            now,
            limit=limit,
            lease_until=now + timedelta(seconds=tools.articles.lease_s),
            texts=_TEXTS,
        )

    async def handle(self, claim: ArticleClaim) -> None:
        await ingest_article(claim, self.tools)

    async def crashed(self, claim: ArticleClaim, error: Exception) -> None:
        """An attempt that trips over a defect of ours is a failed attempt with a reason, not one repeated for ever."""
        told = IngestError(f"{type(error).__name__}: {error}")
        attempt = _Attempt(await _draft_without_page(claim, self.tools), Ruling(RobotsVerdict.NOT_ASKED), told)
        await _settle(claim, attempt, self.tools)

    def key(self, claim: ArticleClaim) -> int:
        return claim.entry_id

    async def is_waiting(self) -> bool:
        return await self.tools.edges.in_thread(self.tools.store.is_waiting, self.tools.edges.clock.now())

    def lease(self, claim: ArticleClaim) -> Lease:
        return claim.lease

    async def renew(self, leases: Mapping[int, Lease]) -> None:
        until = self.tools.edges.clock.now() + timedelta(seconds=self.tools.articles.lease_s)
        await self.tools.edges.in_thread(self.tools.store.renew, leases, until)

    async def release(self, leases: Mapping[int, Lease]) -> None:
        await self.tools.edges.in_thread(self.tools.store.release, leases)
