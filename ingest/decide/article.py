"""One attempt at an entry → its plan."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ingest.decide.draft import TITLE_CHARS
from ingest.decide.ratchet import is_better
from ingest.errors import ExtractError, FetchError, IngestError, NoTurn, PermanentFetchError, RobotsUnreachable, WorkKilled
from ingest.model import (
    Action,
    Article,
    ArticleClaim,
    ArticlePlan,
    Candidate,
    Entry,
    EntryState,
    HostLesson,
    Identity,
    Match,
    Quality,
)
from ingest.outcome import Outcome
from ingest.policy import ArticlePolicy, HostPolicy
from ingest.schedule import after_refusal, after_refusal_elsewhere, is_throttling, next_try_at, next_turn_at, throttled_until
from ingest.text import one_line
from ingest.urls import host_of

# Tries for what will hardly change: a page that is gone, refused, or kills its worker.
_HOPELESS_ATTEMPTS = 3
_OUTAGE_S = 60.0  # until a page is tried again while our own network is away


@dataclass(frozen=True, slots=True)
class Recognition:
    """What is known of an article in hand: its identities, the stored articles that share one, and which of them it is."""

    identities: tuple[Identity, ...]
    candidates: tuple[Candidate, ...]
    verdict: Match


def plan_article(claim: ArticleClaim, article: Article, known: Recognition, *, now: datetime) -> ArticlePlan:
    """The page (or the feed's own text, where no page is wanted) was had: the entry gets its article."""
    action, article_id, reason = _act(claim, article, known)
    return ArticlePlan(
        claim=claim,
        action=action,
        outcome=Outcome.OK,
        reason=reason,
        tried_at=now,
        state=EntryState.STORED,
        article=article,
        article_id=article_id,
        identities=_free(known, article_id),
    )


def plan_empty(claim: ArticleClaim, *, now: datetime) -> ArticlePlan:
    """The entry says nothing and no page is wanted or named: there is nothing to make an article of, now or later."""
    return ArticlePlan(
        claim=claim,
        action=Action.NONE,
        outcome=Outcome.EXTRACT_ERROR,
        reason="the entry has neither title nor text",
        tried_at=now,
        state=EntryState.FAILED,
        attempts=claim.attempts + 1,
    )


def plan_disallowed(claim: ArticleClaim, reason: str, *, fallback: Article, known: Recognition, now: datetime) -> ArticlePlan:
    """robots.txt forbids the page: the feed's own text is the article, and without one the entry has failed for good."""
    plan = ArticlePlan(
        claim=claim,
        action=Action.NONE,
        outcome=Outcome.DISALLOWED,
        reason=reason,
        tried_at=now,
        state=EntryState.FAILED,
        article_id=claim.article_id,
        attempts=claim.attempts + 1,
    )
    plan = _with_feed_text(plan, fallback, known)
    return replace(plan, outcome=Outcome.OK, state=EntryState.STORED, attempts=0) if _has_article(plan) else plan


def plan_article_failure(
    claim: ArticleClaim,
    error: IngestError,
    *,
    fallback: Article,
    known: Recognition,
    now: datetime,
    policy: ArticlePolicy,
    hosts: HostPolicy,
    chance: float,
) -> ArticlePlan:
    """The page could not be had. The feed's own text, if it has any, becomes the article at once; the page is tried again.

    After the last try the entry is stored with the feed's text, or failed where there is none.
    """
    outcome, reason, is_hopeless = _read_error(error)
    attempts = claim.attempts + 1
    is_last = attempts >= (min(_HOPELESS_ATTEMPTS, policy.attempts) if is_hopeless else policy.attempts)
    lesson = _lesson(claim, error, now, hosts)
    at = next_try_at(now, attempts=attempts, first_s=policy.retry_s, max_s=policy.max_retry_s, chance=chance)
    plan = ArticlePlan(
        claim=claim,
        action=Action.NONE,
        outcome=outcome,
        reason=reason,
        tried_at=now,
        state=EntryState.PENDING,
        article_id=claim.article_id,
        attempts=attempts,
        next_try_at=max(at, *_bounds(error, lesson, now, hosts)),
        lesson=lesson,
    )
    plan = _with_feed_text(plan, fallback, known)
    return _given_up(plan) if is_last else plan


def plan_article_in_outage(
    claim: ArticleClaim, error: FetchError, *, fallback: Article, known: Recognition, now: datetime, chance: float
) -> ArticlePlan:
    """Nearly everything fails: it is our own network. No try is counted, the page is tried again soon."""
    plan = _uncounted(claim, error, now, why="our own network is away")
    at = now + timedelta(seconds=_OUTAGE_S * (0.5 + chance))
    return _with_feed_text(replace(plan, next_try_at=at), fallback, known)


def plan_article_without_turn(
    claim: ArticleClaim, error: NoTurn, *, fallback: Article, known: Recognition, now: datetime, chance: float
) -> ArticlePlan:
    """A host on the way to the page had no turn to give: nobody was asked. No try is counted, it is tried when there is one."""
    plan = _uncounted(claim, error, now, why="nobody was asked")
    at = next_turn_at(error.retry_after_s, now, chance=chance)
    return _with_feed_text(replace(plan, next_try_at=at), fallback, known)


def _uncounted(claim: ArticleClaim, error: FetchError, now: datetime, *, why: str) -> ArticlePlan:
    """An attempt that is no fault of the page."""
    return ArticlePlan(
        claim=claim,
        action=Action.NONE,
        outcome=error.outcome,
        reason=f"{error.reason}; not counted, {why}",
        tried_at=now,
        state=EntryState.PENDING,
        article_id=claim.article_id,
        attempts=claim.attempts,
        next_try_at=now,
    )


def plan_known_link(claim: ArticleClaim, candidates: tuple[Candidate, ...], *, now: datetime) -> ArticlePlan | None:
    """The plan that spares a fetch: another entry had the same link, and its page was read. Else None.

    An entry of the same feed must be the same one under another guid: feeds whose guids change with every poll would have all
    their pages asked for at every poll. One that says something else under a link that stays is read again.
    """
    if claim.article_id is not None:
        return None
    for candidate in candidates:
        is_others = claim.feed_id not in candidate.feed_ids
        if candidate.body_source == "page" and (is_others or _is_renamed(claim.entry, candidate)):
            whose = "an entry of another feed" if is_others else "an entry of this feed with another guid"
            return ArticlePlan(
                claim=claim,
                action=Action.LINK,
                outcome=Outcome.OK,
                reason=f"same link as {whose}, whose page was read",
                tried_at=now,
                state=EntryState.STORED,
                article_id=candidate.article_id,
            )
    return None


def _is_renamed(entry: Entry, candidate: Candidate) -> bool:
    """Whether this is the entry that led to the article, as far as title and date tell."""
    date = entry.published_at or entry.updated_at
    is_same_date = date is None or date == candidate.published_at
    return is_same_date and entry.title is not None and one_line(entry.title, TITLE_CHARS) == candidate.title


def _with_feed_text(plan: ArticlePlan, fallback: Article, known: Recognition) -> ArticlePlan:
    """The plan with the feed's own text as the article, where the feed has any or the article is known already."""
    if not fallback.text and known.verdict.article_id is None:
        return plan
    action, article_id, _ = _act(plan.claim, fallback, known)
    return replace(
        plan,
        action=action,
        reason=f"{plan.reason}; text from the feed" if fallback.text else plan.reason,
        article=fallback,
        article_id=article_id,
        identities=_free(known, article_id),
    )


def _given_up(plan: ArticlePlan) -> ArticlePlan:
    return replace(plan, state=EntryState.STORED if _has_article(plan) else EntryState.FAILED, next_try_at=None)


def _has_article(plan: ArticlePlan) -> bool:
    return plan.action is not Action.NONE or plan.article_id is not None


def _lesson(claim: ArticleClaim, error: IngestError, now: datetime, hosts: HostPolicy) -> HostLesson | None:
    """What the answer says about the host, if it says "too often" rather than "no"; a redirect may lead to another one."""
    if not isinstance(error, FetchError) or not is_throttling(error.status, error.retry_after_s):
        return None
    host = host_of(error.url)
    if host and host != claim.host.host:
        return after_refusal_elsewhere(host, now, hosts, retry_after_s=error.retry_after_s)
    return after_refusal(claim.host, now, hosts, retry_after_s=error.retry_after_s)


def _bounds(error: IngestError, lesson: HostLesson | None, now: datetime, hosts: HostPolicy) -> tuple[datetime, ...]:
    """Before these the page is not tried again."""
    until = (
        throttled_until(error.retry_after_s, now, hosts) if isinstance(error, FetchError) else None,
        error.again_at if isinstance(error, RobotsUnreachable) else None,
        lesson.throttled_until if lesson else None,
    )
    return (now, *(at for at in until if at is not None))


def _act(claim: ArticleClaim, article: Article, known: Recognition) -> tuple[Action, int | None, str]:
    """New, linked or revised, with the article concerned and why."""
    if claim.article_id is not None:
        own = next((c for c in known.candidates if c.article_id == claim.article_id), None)
        if own and not _is_revision(article, own, feed_id=claim.feed_id, is_own=True):
            return Action.LINK, claim.article_id, "unchanged"
        return Action.REVISE, claim.article_id, "its entry or page says something else now"
    if known.verdict.article_id is None:
        return Action.NEW, None, known.verdict.reason
    found = next(c for c in known.candidates if c.article_id == known.verdict.article_id)
    if _is_revision(article, found, feed_id=claim.feed_id, is_own=False):
        return Action.REVISE, found.article_id, f"{known.verdict.reason}; better text"
    return Action.LINK, found.article_id, known.verdict.reason


def _is_revision(article: Article, known: Candidate, *, feed_id: int, is_own: bool) -> bool:
    """Does `article` replace what is stored? A page's text beats a feed's; among equals only its own entry may change it.

    Where entries of several feeds lead to one article they would rewrite it in turns: there only the text of the very page that
    is stored may change, and a title never. A seed document stays as it was given.
    """
    if known.body_source == "seed" or (article.body_source != "page" and known.body_source == "page"):
        return False
    if article.body_source == "page" and article.text_hash != known.text_hash and not _is_improvement(article, known):
        return False
    is_alone = is_own and set(known.feed_ids) <= {feed_id}
    if article.text_hash == known.text_hash:
        return is_alone and article.title != known.title
    if article.body_source == "page" and known.body_source in ("feed", "none"):
        return True
    is_same_page = is_own and article.canonical_url is not None and article.canonical_url == known.canonical_url
    return bool(article.text) and (is_alone or is_same_page)


def _is_improvement(article: Article, known: Candidate) -> bool:
    """The ratchet: a page that hides its text today does not take away what it showed before, nor what the feed carries."""
    if known.body_source == "feed":  # as when feed and page are at hand together: the page, unless it shows less
        return article.words >= known.words or (article.quality is Quality.FULL and article.words * 2 >= known.words)
    is_free = article.evidence.get("is_free") is True
    return known.body_source == "none" or is_better(
        article.quality, article.words, known.quality, known.words, is_new_free=is_free
    )


def _free(known: Recognition, article_id: int | None) -> tuple[Identity, ...]:
    """Those that no other article owns."""
    taken = {identity for candidate in known.candidates if candidate.article_id != article_id for identity in candidate.shared}
    return tuple(identity for identity in known.identities if identity not in taken)


def _read_error(error: IngestError) -> tuple[Outcome, str, bool]:
    if isinstance(error, FetchError):
        return error.outcome, error.reason, isinstance(error, PermanentFetchError)
    if isinstance(error, ExtractError):
        return error.outcome, error.reason, error.outcome is not Outcome.NO_ARTICLE
    if isinstance(error, WorkKilled):
        return Outcome.EXTRACT_KILLED, str(error), True
    return Outcome.INTERNAL_ERROR, str(error), False
