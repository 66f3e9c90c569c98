"""How articles are written: new, revised or linked to, with the identities by which they are found again.

Writers of articles go one after the other (`hold`): looking for an identity and taking it are one step for each of them, and two
that want the same identities in another order cannot lock each other out. The unique key of `identities` stands behind that.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from ingest.errors import LeaseLost
from ingest.model import (
    NO_FACTS,
    Action,
    Applied,
    Article,
    ArticlePlan,
    EntryState,
    Facts,
    Identity,
    IdentityKind,
    RobotsVerdict,
)
from ingest.store import dialect, queues, turns
from ingest.store.codec import clean
from ingest.store.entries import host_key
from ingest.store.many import ManyRows
from ingest.store.schema import articles, entries, identities, revisions

_TOGETHER = 2  # plans that are worth looking at together


class _Taken(Exception):
    """An identity belongs to another article."""


def write_plans(connection: sa.Connection, plans: Sequence[ArticlePlan]) -> tuple[Applied, ...]:
    """What became of each plan. They are written in the order of their entries, like everything that locks entries.

    New articles, and links to known ones, whose identities nobody else has go in together; a plan that may collide with another
    is written by itself.
    """
    dialect.hold(connection, "articles")
    ordered = sorted(enumerate(plans), key=lambda item: item[1].claim.entry_id)
    plain = _find_plain(connection, [plan for _, plan in ordered])
    _write_plain(connection, plain)
    written = {one.plan.claim.entry_id for one in plain}
    results = {
        index: Applied.DONE if plan.claim.entry_id in written else _write_plan(connection, plan) for index, plan in ordered
    }
    lessons = [(host_key(plan.claim.entry.url), plan.lesson) for plan in plans if plan.lesson]
    turns.learn(connection, lessons, max((plan.tried_at for plan in plans), default=dialect.EARLIEST))
    return tuple(results[index] for index in range(len(plans)))


@dataclass(frozen=True, slots=True)
class _Plain:
    """A plan that collides with nothing, and those of its identities that nobody has yet."""

    plan: ArticlePlan
    fresh: tuple[Identity, ...]


def _find_plain(connection: sa.Connection, plans: Sequence[ArticlePlan]) -> list[_Plain]:
    """Plans that are still held, and whose identities are free or their own article's, also among each other."""
    wanted = [plan for plan in plans if plan.action in (Action.NEW, Action.LINK)]
    if len(wanted) < _TOGETHER:
        return []
    rows = connection.execute(_LEASES, {"ids": [plan.claim.entry_id for plan in wanted]})
    leases = {row.id: (row.lease_owner, row.fence) for row in rows}
    owners: dict[Identity, int | None] = dict(
        find_owners(connection, {identity for plan in wanted for identity in plan.identities})
    )
    plain: dict[int, _Plain] = {}
    for plan in wanted:
        claim, own = plan.claim, plan.article_id if plan.action is Action.LINK else None
        is_held = leases.get(claim.entry_id) == (claim.lease.owner, claim.lease.fence)
        collides = any(identity in owners and (own is None or owners[identity] != own) for identity in plan.identities)
        if is_held and claim.entry_id not in plain and not collides:
            fresh = tuple(identity for identity in dict.fromkeys(plan.identities) if identity not in owners)
            plain[claim.entry_id] = _Plain(plan, fresh)
            owners.update(dict.fromkeys(fresh, own))
    return list(plain.values())


_LEASES = (
    sa.select(entries.c.id, entries.c.lease_owner, entries.c.fence)
    .where(entries.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(entries.c.id)
    .with_for_update()
)


def _write_plain(connection: sa.Connection, plain: Sequence[_Plain]) -> None:
    new = [one.plan for one in plain if one.plan.action is Action.NEW]
    taken = dialect.take_ids(connection, articles, len(new)) if new else ()
    _ARTICLES.write(connection, [_new_article(plan) | {"id": article_id} for plan, article_id in zip(new, taken, strict=True)])
    ids = iter(taken)
    owned = [(one, next(ids) if one.plan.action is Action.NEW else one.plan.article_id) for one in plain]
    rows = [_identity_row(identity, article_id) for one, article_id in owned for identity in one.fresh if article_id is not None]
    _IDENTITIES.write(connection, sorted(rows, key=lambda row: (row["value"], row["kind"])))
    _ENTRIES.write(
        connection,
        [_after_attempt(one.plan) | {"id": one.plan.claim.entry_id, "article_id": article_id} for one, article_id in owned],
    )


def _new_article(plan: ArticlePlan) -> dict[str, Any]:
    assert plan.article is not None
    return _columns_of_new(plan.article, plan.tried_at, plan.robots)


_UNSET_WHEN_NEW = ("raw_ref", "story_id", "removed_at")
_ARTICLES = ManyRows(articles, [column.name for column in articles.columns if column.name not in _UNSET_WHEN_NEW])
_IDENTITIES = ManyRows(identities, [column.name for column in identities.columns])
_ENTRIES = ManyRows(
    entries, ("id", "state", "reason", "outcome", "attempts", "next_try_at", "article_id"), key="id", fixed=queues.FREE
)


def _write_plan(connection: sa.Connection, plan: ArticlePlan) -> Applied:
    try:
        with connection.begin_nested():
            _finish_entry(connection, plan, _write_article(connection, plan))
    except LeaseLost:
        return Applied.LEASE_LOST
    except _Taken:
        return Applied.TAKEN
    return Applied.DONE


def _write_article(connection: sa.Connection, plan: ArticlePlan) -> int | None:
    """The article that the entry leads to from now on, written as the plan says; None leaves the entry where it led."""
    if plan.action is Action.NONE:
        return None
    article_id = plan.article_id
    if plan.action is Action.NEW:
        assert plan.article is not None
        article_id = insert_article(connection, plan.article, plan.tried_at, plan.robots)
    assert article_id is not None
    if plan.action is Action.REVISE:
        _revise(connection, article_id, plan)
    _take_identities(connection, article_id, plan.identities)
    return article_id


def insert_article(connection: sa.Connection, article: Article, now: datetime, robots: RobotsVerdict | None = None) -> int:
    """The id of the new article."""
    values = _columns_of_new(article, now, robots)
    return int(connection.execute(sa.insert(articles).returning(articles.c.id), values).scalar_one())


def _columns_of_new(article: Article, now: datetime, robots: RobotsVerdict | None) -> dict[str, Any]:
    new = {"first_seen_at": now, "updated_at": now, "revision": 1, "robots": robots.value if robots else None}
    return _columns_of(article, first_seen_at=now) | new


def _columns_of(article: Article, *, first_seen_at: datetime) -> dict[str, Any]:
    return {
        "url": article.url,
        "final_url": article.final_url,
        "canonical_url": article.canonical_url,
        "title": article.title,
        "title_source": article.title_source,
        "authors": [clean(author) for author in article.authors],
        "published_at": article.published_at,
        "published_source": article.published_source,
        "dated_at": article.published_at or first_seen_at,
        "language": article.language,
        "text": article.text,
        "html": article.html,
        "words": article.words,
        "body_source": article.body_source,
        "quality": article.quality,
        "extractor": article.extractor,
        "extractor_version": article.extractor_version,
        "text_hash": article.text_hash,
        "credit": article.credit,
        "evidence": dict(article.evidence) or None,
        "facts": _facts(article.facts),
    }


def _facts(facts: Facts) -> dict[str, Any] | None:
    """What is there of them, as JSON."""
    if facts is NO_FACTS:
        return None
    values = {**asdict(facts), "modified_at": facts.modified_at.isoformat() if facts.modified_at else None}
    return {name: value for name, value in values.items() if value}


_KEPT = (
    "revision", "title", "authors", "published_at", "text", "html", "words", "body_source", "quality", "extractor",
    "extractor_version", "text_hash",
)  # fmt: skip


def _revise(connection: sa.Connection, article_id: int, plan: ArticlePlan) -> None:
    """Keep what the article says as a revision, then let it say what the plan brings."""
    assert plan.article is not None
    is_it = articles.c.id == article_id
    before = connection.execute(sa.select(articles.c.first_seen_at).where(is_it).with_for_update()).one_or_none()
    if before is None:
        raise _Taken  # it has been merged away: match again
    old = sa.select(
        articles.c.id,
        *(articles.c[name] for name in _KEPT),
        articles.c.updated_at,
        sa.literal(plan.tried_at, type_=revisions.c.replaced_at.type),
        sa.literal(plan.reason, type_=revisions.c.reason.type),
    ).where(is_it)
    names = ["article_id", *_KEPT, "written_at", "replaced_at", "reason"]
    connection.execute(sa.insert(revisions).from_select(names, old))
    values = _columns_of(plan.article, first_seen_at=before.first_seen_at)
    values |= {"updated_at": plan.tried_at, "revision": articles.c.revision + 1}
    if plan.robots is not None:
        values["robots"] = plan.robots.value
    connection.execute(sa.update(articles).where(is_it).values(values))


_HELD_ENTRY = queues.held_row(entries)


def _finish_entry(connection: sa.Connection, plan: ArticlePlan, article_id: int | None) -> None:
    """Say where the entry stands now, and give its lease back. Raises LeaseLost if another worker has it."""
    values: dict[str, Any] = queues.FREE | _after_attempt(plan)
    if article_id is not None:
        values["article_id"] = article_id
    if not queues.update_held(connection, _HELD_ENTRY, plan.claim.entry_id, lease=plan.claim.lease, values=values):
        raise LeaseLost(f"entry {plan.claim.entry_id} is no longer held by {plan.claim.lease.owner}")


def _after_attempt(plan: ArticlePlan) -> dict[str, Any]:
    return {
        "state": plan.state.value,
        "reason": plan.reason,
        "outcome": plan.outcome.value,
        "attempts": plan.attempts,
        "next_try_at": (plan.next_try_at or plan.tried_at) if plan.state is EntryState.PENDING else None,
    }


# ── identities ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def hash_of(identity: Identity) -> str:
    """What the identity is found by."""
    return _digest(identity.value)


@lru_cache(maxsize=4096)  # one that is new is looked for twice and then written
def _digest(value: str) -> str:
    return hashlib.sha256(clean(value).encode()).hexdigest()


def find_owners(connection: sa.Connection, wanted: Collection[Identity]) -> list[tuple[Identity, int]]:
    """Those identities that are known, each with its article."""
    by_hash = {(identity.kind.value, hash_of(identity)): identity for identity in wanted}
    if not by_hash:
        return []
    rows = connection.execute(_OWNERS, {"hashes": [value for _, value in by_hash]})
    return [(by_hash[kind, value], article_id) for kind, value, article_id in rows if (kind, value) in by_hash]


_OWNERS = sa.select(identities.c.kind, identities.c.value, identities.c.article_id).where(
    identities.c.value.in_(sa.bindparam("hashes", expanding=True))
)


def _take_identities(connection: sa.Connection, article_id: int, wanted: Sequence[Identity]) -> None:
    """Write that these lead to the article. Raises _Taken if one leads to another."""
    rows = [_identity_row(identity, article_id) for identity in dict.fromkeys(wanted)]
    if not rows:
        return
    rows.sort(key=lambda row: (row["value"], row["kind"]))
    statement = dialect.insert(connection, identities).on_conflict_do_nothing(index_elements=["value", "kind"])
    are_all_new = connection.execute(statement, rows).rowcount == len(rows)
    if not are_all_new and any(owner != article_id for _, owner in find_owners(connection, wanted)):
        raise _Taken


def _identity_row(identity: Identity, article_id: int) -> dict[str, Any]:
    readable = identity.value if identity.kind is IdentityKind.URL else None  # the others are hashes already
    return {"kind": identity.kind.value, "value": hash_of(identity), "readable": readable, "article_id": article_id}


def write_seed(connection: sa.Connection, wanted: Sequence[Identity], article: Article, now: datetime) -> bool:
    """Store the article with its identities unless one of them is known. Says whether it is new."""
    dialect.hold(connection, "articles")
    if find_owners(connection, wanted):
        return False
    _take_identities(connection, insert_article(connection, article, now), wanted)
    return True
