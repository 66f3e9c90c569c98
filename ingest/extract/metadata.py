"""What a page says about its article beside the text: title, authors, dates, addresses, language and the like.

One pass over the tree that everything else shares. JSON-LD is asked first, then meta elements, then what the page shows; the walk
over the visible page is made only where the first two are silent.

    linked_data  JSON-LD, made plain
    names        bylines → names
    shown        headings, bylines and dates that a reader sees
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Literal

from ingest.dates import is_believable, parse_date
from ingest.extract.linked_data import LinkedData, plain, read_linked_data
from ingest.extract.names import Byline, fold, read_names
from ingest.extract.shown import Shown
from ingest.extract.tree import Element
from ingest.language import normal_code
from ingest.text import one_line, strip_controls, unescape
from ingest.urls import host_of, resolve

_MAX_ELEMENTS = 2_000  # of one kind looked at; pages have up to 200 meta elements
_MAX_VALUE_CHARS = 5_000
_MAX_VALUES = 50  # of one fact
_TITLE_CHARS = 500
_NAME_CHARS = 100
_DESCRIPTION_CHARS = 2_000
_MAX_TAGS = 50
_MAX_SITES = 10

_TITLES = (
    *("og:title", "twitter:title", "parsely-title", "sailthru.title", "dc.title", "dcterms.title", "citation_title", "headline"),
)
_DATES = (
    *("article:published_time", "og:article:published_time", "og:published_time", "article:published", "datepublished"),
    *("parsely-pub-date", "sailthru.date", "dc.date.issued", "dcterms.issued", "dcterms.created", "dc.date", "dc.date.created"),
    *("publishdate", "publish-date", "publish_date", "published_time", "publication_date", "pubdate", "article.published"),
    *("article:post_date", "cxenseparse:recs:publishtime", "bt:pubdate", "date.release", "rnews:datepublished", "displaydate"),
    *("citation_publication_date", "citation_online_date", "citation_date", "originalpublicationdate", "date", "cdate"),
    *("article:created", "datecreated"),
)
_CHANGES = (
    *("article:modified_time", "og:article:modified_time", "og:updated_time", "datemodified", "article:modified"),
    *("dcterms.modified", "dc.date.modified", "last-modified", "lastmod", "article.updated", "date.modified"),
)
_AUTHORS = (
    *("author", "article:author", "parsely-author", "sailthru.author", "article:author_name", "article:author:name"),
    *("cxenseparse:author", "dcsext.author", "og:article:author", "byl", "dc.creator", "dcterms.creator", "dc.contributor"),
    *("citation_author", "authors", "article.author", "article-author"),
)
_DESCRIPTIONS = ("og:description", "description", "twitter:description", "dc.description", "dcterms.description")
_IMAGES = ("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src", "thumbnail")
_TAGS = ("article:tag", "og:article:tag", "news_keywords", "parsely-tags", "sailthru.tags", "keywords")
_SITES = ("og:site_name", "application-name", "apple-mobile-web-app-title", "dc.publisher", "dcterms.publisher")
# Labels beside an author's name in "twitter:data1", as widespread publishing systems write them.
_AUTHOR_LABEL = re.compile(
    r"writ|author|by$|autor|auteur|verfasst|geschrieben|von$|écrit|escrito|scritto|geschreven|skrevet|skriven|napisan|yaz",
    re.IGNORECASE,
)


class Source(StrEnum):
    """Where on a page a fact was found."""

    LINKED_DATA = "json-ld"
    META = "meta"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Metadata:
    """The facts of a page. Absent is None, or empty. Times are aware UTC, addresses absolute."""

    title: str | None = None
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    modified_at: datetime | None = None
    canonical_url: str | None = None
    language: str | None = None
    site_name: str | None = None
    image_url: str | None = None  # the lead image
    tags: tuple[str, ...] = ()
    description: str | None = None
    is_free: bool | None = None  # isAccessibleForFree, where it is said
    article_body: str = ""  # articleBody of JSON-LD: the page's own word for its text, often without paragraphs
    direction: Literal["ltr", "rtl"] = "ltr"
    title_source: Source | None = None
    authors_source: Source | None = None
    published_source: Source | None = None
    modified_source: Source | None = None

    @property
    def sources(self) -> dict[str, str]:
        """Where each fact was found, by its name."""
        found = {"title": self.title_source, "authors": self.authors_source}
        found |= {"published_at": self.published_source, "modified_at": self.modified_source}
        return {name: source.value for name, source in found.items() if source}


def find_metadata(tree: Element, *, url: str, now: datetime) -> Metadata:
    """The facts of the page in `tree`, which was fetched from `url`. Changes nothing in it. Never raises."""
    page = _Page(tree, url)
    title, title_source = page.title()
    authors, authors_source = page.authors()
    published_at, published_source = _date(page.published(), now)
    modified_at, modified_source = _date(page.modified(), now)
    return Metadata(
        title=title,
        authors=authors,
        published_at=published_at,
        modified_at=modified_at,
        canonical_url=page.canonical_url(),
        language=page.language(),
        site_name=page.site_name(),
        image_url=page.image_url(),
        tags=page.tags(),
        description=page.description(),
        is_free=page.linked.is_free,
        article_body=plain(page.linked.body),
        direction=_direction(tree, title),
        title_source=title_source,
        authors_source=authors_source,
        published_source=published_source,
        modified_source=modified_source,
    )


def _date(said: Iterable[tuple[Source, str]], now: datetime) -> tuple[datetime | None, Source | None]:
    """The first date that can be read and believed."""
    for source, text in said:
        when = parse_date(text)
        if when and is_believable(when, now):
            return when, source
    return None, None


class _Page:
    """A page's three sources, and what each fact is made of."""

    def __init__(self, tree: Element, url: str) -> None:
        self._tree = tree
        self._url = url
        self._head = _read_head(tree)
        self._metas = self._head.metas
        self._shown = Shown(tree)
        self.linked: LinkedData = read_linked_data(self._head.scripts, url=url)
        self._sites = tuple(self._site_names())

    def _said(self, names: tuple[str, ...]) -> Iterator[str]:
        return (value for name in names for value in self._metas.get(name, ()))

    # ── title ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def title(self) -> tuple[str | None, Source | None]:
        """JSON-LD's headline, else the heading that another source confirms, else what meta elements or the title element say."""
        for text in self.linked.headlines:
            if title := self._without_site(_line(plain(text))):
                return title, Source.LINKED_DATA
        offered = islice(self._said(_TITLES), _MAX_VALUES)
        said = [title for text in offered if (title := self._without_site(_line(_without_marks(text))))]
        element = self._tree.find(".//title")
        named = self._without_site(_line((element.text or "")[:_MAX_VALUE_CHARS] if element is not None else ""))
        headings = [line for text in self._shown.headings if (line := _line(text))]
        confirmed = next((text for text in headings if _is_confirmed(text, [*said, *([named] if named else [])])), None)
        if confirmed:
            return self._without_site(confirmed), Source.PAGE
        if said:
            return said[0], Source.META
        first = next((text for text in headings if fold(text) not in map(fold, self._sites)), None)
        title = first or named or next(iter(headings), None)
        return title, Source.PAGE if title else None

    def _without_site(self, title: str | None) -> str | None:
        """A title without the name of its site before or behind a separator."""
        names = {fold(site) for site in self._sites} | {fold(host) for host in _host_names(self._url)}
        while title:
            start, end = _PARTS.match(title), _BACK.match(title)
            if end and fold(end["site"]) in names:
                title = end["title"].strip()
            elif start and fold(start["site"]) in names:
                title = start["title"].strip()
            else:
                return title
        return title

    def _site_names(self) -> Iterator[str]:
        yield from islice((one_line(name, _NAME_CHARS) for name in self._said(_SITES)), _MAX_SITES)
        yield from islice((one_line(name, _NAME_CHARS) for name in self.linked.publishers), _MAX_SITES)

    def site_name(self) -> str | None:
        return next((name for name in self._sites if name), None)

    # ── authors ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def authors(self) -> tuple[tuple[str, ...], Source | None]:
        """Of the first source that names people; where none does, of the first that names anybody."""
        organisations = (named.name for named in self.linked.authors if named.is_organisation)
        sites = frozenset(map(fold, (*self._sites, *organisations, *_host_names(self._url), host_of(self._url))))
        fallback: tuple[tuple[str, ...], Source | None] = ((), None)
        for source, byline in self._bylines(sites):
            if byline.is_personal:
                return byline.names, source
            if byline.names and not fallback[0]:
                fallback = (byline.names, source)
        return fallback

    def _bylines(self, sites: frozenset[str]) -> Iterator[tuple[Source, Byline]]:
        linked = ((named.name, named.is_organisation) for named in self.linked.authors)
        yield Source.LINKED_DATA, read_names(linked, sites)
        for name in _AUTHORS:
            if values := self._metas.get(name):
                yield Source.META, read_names(((value, False) for value in values[:_MAX_VALUES]), sites)
        for label, value in (("twitter:label1", "twitter:data1"), ("twitter:label2", "twitter:data2")):
            if any(_AUTHOR_LABEL.search(text) for text in self._metas.get(label, ())):
                yield Source.META, read_names(((text, False) for text in self._metas.get(value, [])[:_MAX_VALUES]), sites)
        for text in self._shown.bylines():
            yield Source.PAGE, read_names([(text, False)], sites)

    # ── dates ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def published(self) -> Iterator[tuple[Source, str]]:
        yield from ((Source.LINKED_DATA, text) for text in self.linked.published)
        yield from ((Source.META, text) for text in self._said(_DATES))
        yield from ((Source.LINKED_DATA, text) for text in self.linked.created)
        yield from ((Source.PAGE, text) for text in self._shown.dates(self._url))

    def modified(self) -> Iterator[tuple[Source, str]]:
        yield from ((Source.LINKED_DATA, text) for text in self.linked.modified)
        yield from ((Source.META, text) for text in self._said(_CHANGES))
        yield from ((Source.PAGE, text) for text in self._shown.changes())

    # ── the rest ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def canonical_url(self) -> str | None:
        """rel=canonical within the page's own site. A home page stands for no article but itself."""
        said = next(iter(self._head.links.get("canonical", ())), "")
        found = resolve(self._url, said) if said else None
        if not found or not _is_same_site(found, self._url):
            return None
        is_home = _HOME.fullmatch(found) and not _HOME.fullmatch(self._url)
        return None if is_home else found

    def language(self) -> str | None:
        root = self._tree.getroottree().getroot()
        said = (root.get("lang"), root.get("xml:lang"), *self.linked.languages)
        said += (*self._metas.get("og:locale", ()), *self._metas.get("content-language", ()))
        return next((code for text in said if (code := normal_code(text))), None)

    def image_url(self) -> str | None:
        said = (*self._said(_IMAGES), *self.linked.images, *self._head.links.get("image_src", ()))
        return next((found for text in said if text and (found := resolve(self._url, text[:_MAX_VALUE_CHARS]))), None)

    def tags(self) -> tuple[str, ...]:
        groups = (self.linked.keywords, *(self._metas.get(name, ()) for name in _TAGS))
        said = next((group for group in groups if any(map(str.strip, group))), ())
        pieces = (piece for text in said for piece in re.split(r"[,;，、]", unescape(text[:_MAX_VALUE_CHARS])))
        parts = (one_line(piece, _NAME_CHARS) for piece in pieces)
        return tuple({part.casefold(): part for part in parts if part}.values())[:_MAX_TAGS]

    def description(self) -> str | None:
        said = (*(plain(text) for text in self.linked.descriptions[:1]), *self._said(_DESCRIPTIONS))
        return next((line for text in said if (line := one_line(_without_marks(text), _DESCRIPTION_CHARS))), None)


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Head:
    """What is written for machines: contents of meta elements by name, property or itemprop in lower case, links by relation."""

    metas: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, list[str]] = field(default_factory=dict)
    scripts: list[str] = field(default_factory=list)


def _read_head(tree: Element) -> _Head:
    head = _Head()
    for element in islice(tree.iter("meta", "link", "script"), _MAX_ELEMENTS):
        get = element.get
        if element.tag == "meta":
            content = get("content")
            name = get("property") or get("name") or get("itemprop") or get("http-equiv")
            if name and content and (value := strip_controls(content[:_MAX_VALUE_CHARS]).strip()):
                head.metas.setdefault(name[:_NAME_CHARS].lower(), []).append(value)
        elif element.tag == "link":
            for relation in (get("rel") or "")[:_NAME_CHARS].lower().split():
                head.links.setdefault(relation, []).append((get("href") or "")[:_MAX_VALUE_CHARS].strip())
        elif "ld+json" in (get("type") or "")[:_NAME_CHARS].lower() and element.text:
            head.scripts.append(element.text)
    return head


_MARKS = re.compile(
    r"<(em|i|b|strong|span|sup|sub|u|p|a|font|small|q|cite|mark)(?:\s[^<>]*+)?>([^<>]*+)</\1\s*+>|<br\s*+/>", re.IGNORECASE
)


def _without_marks(text: str) -> str:
    """A value without formatting; a tag that is not closed is what the words are about. Some write references of references."""
    text = unescape(text) if "&" in text else text
    return _MARKS.sub(lambda found: found[2] or " ", text) if "<" in text else text


def _line(text: str) -> str | None:
    return one_line(text, _TITLE_CHARS) or None


# ── titles ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_BETWEEN = r"(?:\s+[-–—|·•:»«/~]{1,2}\s+|\s*[|｜_：]\s*|--)"
_BACK = re.compile(rf"(?P<title>.{{3,}}){_BETWEEN}(?P<site>.{{1,80}}?)\s*\Z", re.DOTALL)
_PARTS = re.compile(rf"(?P<site>.{{1,80}}?)(?:{_BETWEEN}|:\s+)(?P<title>.{{3,}})\Z", re.DOTALL)
_MIN_SHARE = 0.6  # of the words of the shorter of two titles that are the same one's


def _host_names(url: str) -> list[str]:
    """Parts of the address that sites are called by: example.co.uk, example."""
    labels = host_of(url).split(".")
    whole = ".".join(labels[1:] if labels[0] in ("www", "m", "amp") else labels)
    short = max(labels[:-1], key=len, default="")
    return [name for name in (whole, short) if len(name) > 2]  # noqa: PLR2004


def _is_confirmed(heading: str, others: list[str]) -> bool:
    """Whether one of the other titles says the same, or nearly."""
    words = set(_WORDS.findall(heading.casefold()))
    for other in others:
        theirs = set(_WORDS.findall(other.casefold()))
        shared = len(words & theirs)
        if heading == other or (shared >= 2 and shared >= _MIN_SHARE * max(len(words), 1)):  # noqa: PLR2004
            return True
    return False


_WORDS = re.compile(r"\w+")


# ── addresses, direction ────────────────────────────────────────────────────────────────────────────────────────────────

_HOME = re.compile(r"https?://[^/]+/?")
_MOBILE = re.compile(r"^(?:www\d?|m|mobile|amp)\.")


def _is_same_site(one: str, other: str) -> bool:
    first, second = (_MOBILE.sub("", host_of(url)) for url in (one, other))
    return first == second or first.endswith("." + second) or second.endswith("." + first)


def _direction(tree: Element, title: str | None) -> Literal["ltr", "rtl"]:
    """As the outermost elements say, else by the letters of the title."""
    root = tree.getroottree().getroot()
    for element in (root, root.find("body")):
        said = "" if element is None else (element.get("dir") or "")[:_NAME_CHARS].strip().lower()
        if said in ("rtl", "ltr"):
            return "rtl" if said == "rtl" else "ltr"
    kinds = [unicodedata.bidirectional(char) for char in title or ""]
    return "rtl" if sum(kind in ("R", "AL") for kind in kinds) > kinds.count("L") else "ltr"
