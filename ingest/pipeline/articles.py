"""One attempt to make the article of one entry."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ingest.decide import Draft, Recognition, draft, plan_article, plan_article_failure, plan_empty, plan_known_link
from ingest.dedupe import link_identity, match
from ingest.errors import FetchError, IngestError, LeaseLost, StoreError, WorkKilled
from ingest.model import (
    Applied,
    ArticleClaim,
    ArticlePlan,
    Entry,
    Fetched,
    FetchRequest,
    Lease,
    NotModified,
    Purpose,
)
from ingest.pipeline.batch import ApplyInBatches
from ingest.pipeline.edges import Edges
from ingest.pipeline.secrets import scoped_secrets
from ingest.policy import ArticlePolicy, ExtractPolicy, MatchPolicy
from ingest.ports import ArticleStore

# How often a plan is made anew because another writer was faster; each round ends with one of them stored.
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class ArticleTools:
    """What an attempt needs. `full_text` is the default for feeds that do not say."""

    store: ArticleStore
    edges: Edges
    full_text: bool
    articles: ArticlePolicy
    extract: ExtractPolicy
    match: MatchPolicy
    apply: ApplyInBatches[ArticlePlan] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "apply", ApplyInBatches(self.store.apply, self.edges.in_thread))


async def ingest_article(claim: ArticleClaim, tools: ArticleTools) -> ArticlePlan:
    """Make the entry's article and write it. Raises LeaseLost when another worker has the entry now; StoreError."""
    if plan := await _find_known_link(claim, tools):
        return await _apply(plan, tools)
    error: IngestError | None = None
    page: Fetched | None = None
    try:
        page = await _fetch_page(claim, tools)
        made = await _draft(claim, page, tools)
        error = made.problem
    except (FetchError, WorkKilled) as failure:
        error = failure
        made = await _draft_without_page(claim, tools)
    return await _settle(claim, made, error, tools)


async def _fetch_page(claim: ArticleClaim, tools: ArticleTools) -> Fetched | None:
    """The entry's page, or None where its feed wants none or the entry has no link."""
    if claim.entry.url is None or not _wants_page(claim, tools):
        return None
    secrets = scoped_secrets(tools.edges.secrets, claim.feed_url, claim.entry.url)
    answer = await tools.edges.fetcher.fetch(
        FetchRequest(claim.entry.url, Purpose.PAGE, user_agent=claim.options.user_agent, secrets=secrets)
    )
    if isinstance(answer, NotModified):
        raise IngestError("304 to a request without conditions")
    return answer


async def _draft(claim: ArticleClaim, page: Fetched | None, tools: ArticleTools) -> Draft:
    return await tools.edges.offload(
        tools.extract.timeout_s,
        draft,
        claim.entry,
        page,
        feed_url=claim.feed_url,
        feed_language=claim.feed_language,
        policy=tools.extract,
        matching=tools.match,
    )


async def _draft_without_page(claim: ArticleClaim, tools: ArticleTools) -> Draft:
    """The feed's own text; where even that kills its worker or trips over a defect of ours, the entry without any text."""
    try:
        return await _draft(claim, None, tools)
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


async def _settle(claim: ArticleClaim, made: Draft, error: IngestError | None, tools: ArticleTools) -> ArticlePlan:
    """Match, plan and apply; again while another writer takes one of our identities in between."""
    for _ in range(_ROUNDS):
        with contextlib.suppress(_Taken):
            return await _apply(await _plan(claim, made, error, tools), tools)
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
    candidates = await tools.edges.in_thread(tools.store.candidates, link_identity(claim.entry.url))
    return plan_known_link(claim, candidates, now=tools.edges.clock.now())


def _wants_page(claim: ArticleClaim, tools: ArticleTools) -> bool:
    wanted = tools.full_text if claim.options.full_text is None else claim.options.full_text
    return wanted and claim.entry.url is not None


async def _plan(claim: ArticleClaim, made: Draft, error: IngestError | None, tools: ArticleTools) -> ArticlePlan:
    candidates = await tools.edges.in_thread(tools.store.candidates, made.identities, article_id=claim.article_id)
    known = Recognition(made.identities, candidates, match(made.article, candidates, feed_id=claim.feed_id))
    now = tools.edges.clock.now()
    if error is None:
        is_empty = not (made.article.text or made.article.title)
        return plan_empty(claim, now=now) if is_empty else plan_article(claim, made.article, known, now=now)
    return plan_article_failure(
        claim,
        error,
        fallback=made.article,
        known=known,
        now=now,
        policy=tools.articles,
        hosts=tools.edges.hosts,
        chance=tools.edges.chance(),
    )


class ArticleWork:
    """Entries whose article is due, for the runner."""

    name = "article"

    def __init__(self, tools: ArticleTools) -> None:
        self.tools = tools

    async def claim(self, limit: int) -> Sequence[ArticleClaim]:
        tools, now = self.tools, self.tools.edges.clock.now()
        return await tools.edges.in_thread(
            tools.store.claim,
            now,
            limit=limit,
            lease_until=now + timedelta(seconds=tools.articles.lease_s),
        )

    async def handle(self, claim: ArticleClaim) -> None:
        await ingest_article(claim, self.tools)

    async def crashed(self, claim: ArticleClaim, error: Exception) -> None:
        """An attempt that trips over a defect of ours is a failed attempt with a reason, not one repeated for ever."""
        await _settle(
            claim, await _draft_without_page(claim, self.tools), IngestError(f"{type(error).__name__}: {error}"), self.tools
        )

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
