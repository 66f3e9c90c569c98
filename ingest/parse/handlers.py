"""feedparser's handlers, corrected: laid over both of its parsers by `by_feedparser`, which knows the library.

Here stands which elements are listened to and where what they say is kept. Of feedparser stay its stack of elements, its
inline markup and its typed text; what changes is where it

- loses what the feed said: media:*, itunes:* and dc:* over the entry's own words, one skipHours of many, guids made into
  URLs, dates of one kind over those of another, an image of an entry over that of the feed, text decoded twice;
- raises, because an element stands where nobody expects it or is called like one of its own keys (`links`, `tags`);
- is quadratic: authors, categories, attributes, nested xml:base.

Names of methods are feedparser's: `_start_…` and `_end_…` of an element in lower case with the usual prefix of its namespace.
"""

from typing import Any

from ingest.dates import parse_date
from ingest.parse.elements import DATES
from ingest.parse.stack import Stack

# Far above what feeds do, far below where feedparser's quadratic places begin to cost.
_MAX_CATEGORIES = 200
_MAX_PEOPLE = 200
_MAX_LISTED = 1_000  # links, pictures or dates of one entry
_MAX_AUTHOR_CHARS = 300
_FEED_TYPE = "application/atom+xml"  # of a link to the feed itself, where no other is named
_NO_TEXT = ("image/", "audio/", "video/", "font/")


class Enough(Exception):
    """The cap of entries is reached; the rest of the document is not read."""


class Corrected(Stack):
    """The half of a parser that stands before feedparser's. `closed` counts the entries whose end was seen."""

    def __init__(self, url: str, language: str | None, max_entries: int) -> None:
        super().__init__(url, language)
        self.max_entries = max_entries
        self.closed = 0
        self.title_depth_around = -1  # of the head, while an entry is read

    # ── kinds of elements ──

    def _start_date(self, name: str, _attributes: Any) -> None:
        self.push(f"ingest_{name}", 0)

    def _end_date(self, name: str) -> None:
        said = self.pop(f"ingest_{name}")
        if said:
            self._note_date(DATES[name], said)

    def _note_date(self, element: str, said: str) -> None:
        """Of dates by the same element the last that can be read, as feedparser has it."""
        dates = self._get_context().setdefault("ingest_dates", {})
        if element not in dates or parse_date(said):
            dates[element] = said[:_MAX_AUTHOR_CHARS]

    def _start_text(self, name: str, _attributes: Any) -> None:
        self.push(name, 1)

    def _end_text(self, name: str) -> None:
        context = self._get_context()
        before = context.get(name)
        self.pop(name)
        if before:
            context[name] = before

    def _start_aside(self, name: str, attributes: Any) -> None:
        self.push_content(name, attributes, "text/plain", 1)

    def _end_aside(self, name: str) -> None:
        context = self._get_context()
        before = {key: context[key] for key in (name, f"{name}_detail") if context.get(key)}
        self.pop_content(name)
        if name in before:
            context.update(before)

    def _start_listed(self, name: str, attributes: Any) -> None:
        found = self._get_context().setdefault(f"ingest_{name}", [])
        self._resolve_address(attributes)
        if len(found) < _MAX_LISTED:
            found.append(attributes)
        if not self.is_loose:
            self.push(f"ingest_{name}_text", 0)

    def _end_listed(self, name: str) -> None:
        said = self.pop(f"ingest_{name}_text")
        found = self._get_context().get(f"ingest_{name}")
        if said and found and not found[-1].get("url"):
            found[-1]["url"] = said  # an address in the element is not by the rules of Media RSS, but happens

    # ── guids and links ──

    # Guids are taken as they stand: no resolving, and no guid that passes for a link behind our back.

    def _start_guid(self, attributes: Any) -> None:
        self._get_context()["ingest_permalink"] = str(attributes.get("ispermalink", "true")).strip().lower() == "true"
        self.push("id", 1)

    def _start_id(self, _attributes: Any) -> None:
        self.push("id", 1)

    def _end_guid(self) -> None:
        self.pop("id")

    _end_id = _end_guid

    def _start_link(self, attributes: Any) -> None:
        if self.inauthor or len(self._get_context().get("links") or ()) >= _MAX_LISTED:
            self.push("ingest_link", 0)
            return
        # RSS's own link, which is the text of its element, is as explicit as a typed one.
        is_explicit = bool(attributes.get("type")) or not any(map(attributes.get, ("href", "url", "uri")))
        rel = _relation(attributes.get("rel"))
        link = {"type": _FEED_TYPE if rel == "self" else "text/html", **self._enforce_href(attributes), "rel": rel}
        link["ingest_explicit"] = is_explicit
        if "href" in link:
            link["href"] = self.resolve_uri(link["href"])
        context = self._get_context()
        links = context.setdefault("links", [])
        if not (self.inentry and self.inimage):
            links.append(link)
        if "href" not in link:
            self.push("link", self.infeed or self.inentry or self.insource)
        elif rel == "alternate" and self.map_content_type(link["type"]) in self.html_types:
            context["link"] = link["href"]

    def _cdf_common(self, attributes: Any) -> None:
        """What CDF says in attributes of its channel and items."""
        if attributes.get("lastmod"):
            self._note_date("lastmod", attributes["lastmod"])
        if attributes.get("href"):
            self._start_link({"href": attributes["href"], "type": "text/html"})

    def _start_enclosure(self, attributes: Any) -> None:
        self._resolve_address(attributes)
        self._add_link({**self._enforce_href(attributes), "rel": "enclosure"})

    def _start_cc_license(self, attributes: Any) -> None:
        self._add_link({"rel": "license", "href": self._get_attribute(attributes, "rdf:resource")})

    def _start_creativecommons_license(self, _attributes: Any) -> None:
        self.push("license", 0)

    def _end_creativecommons_license(self) -> None:
        self._add_link({"rel": "license", "href": self.pop("license")})

    def _add_link(self, link: dict[str, Any]) -> None:
        self._get_context().setdefault("links", []).append(link)

    def _resolve_address(self, attributes: Any) -> None:
        for key in ("url", "href", "uri"):
            if attributes.get(key):
                attributes[key] = self.resolve_uri(attributes[key])

    # ── people ──

    def _start_author(self, _attributes: Any) -> None:
        self._start_person("")

    def _start_person(self, kind: str) -> None:
        self.inauthor = 1
        self.push("author", 1)
        people = self._get_context().setdefault("authors", [])
        if len(people) < _MAX_PEOPLE:
            people.append({"ingest_kind": kind})

    _start_managingeditor = _start_dc_creator = _start_dc_author = _start_author

    def _start_itunes_author(self, _attributes: Any) -> None:
        self._start_person("itunes")

    def _end_author(self) -> None:
        said = self.pop("author")
        self.inauthor = 0
        # feedparser would look for a mail address with a quadratic pattern that knows top-level domains of four letters at most.
        if said:
            self._save_author("name", said)

    _end_managingeditor = _end_author

    def _save_author(self, key: str, value: Any, prefix: str = "author") -> None:  # noqa: ARG002  feedparser's signature
        people = self._get_context().get("authors")
        if people and value:
            people[-1].setdefault(key, value[:_MAX_AUTHOR_CHARS])

    def _start_generator(self, attributes: Any) -> None:
        self._get_context()["generator_detail"] = dict(attributes)
        self.push("generator", 1)

    def _end_generator(self) -> None:
        self.pop("generator")

    def _start_admin_generatoragent(self, attributes: Any) -> None:
        context, address = self._get_context(), self._get_attribute(attributes, "rdf:resource")
        context["generator"] = address or context.get("generator")
        context["generator_detail"] = {"href": address}

    # ── categories ──

    def _add_tag(self, term: Any, scheme: Any, label: Any) -> None:
        tags = self._get_context().setdefault("tags", [])
        tag = {"term": term, "scheme": scheme, "label": label}
        if len(tags) < _MAX_CATEGORIES and (term or scheme or label) and tag not in tags:
            tags.append(tag)

    def _end_category(self) -> None:
        if self._end_tag():
            self._get_context()["ingest_is_filed"] = True

    def _end_tag(self) -> bool:
        said = self.pop("category")
        if not said:
            return False
        tags = self._get_context().setdefault("tags", [])
        if tags and not tags[-1]["term"]:
            tags[-1]["term"] = said
        else:
            self._add_tag(said, None, None)
        return True

    _end_keywords = _end_dc_subject = _end_itunes_category = _end_media_category = _end_tag

    def _end_itunes_keywords(self) -> None:
        # Words for a shop's search engine: they count where an entry is filed under no category.
        said = (self.pop("itunes_keywords") or "").split(",", _MAX_CATEGORIES)
        self._get_context().setdefault("ingest_keywords", said)

    def _start_itunes_keywords(self, _attributes: Any) -> None:
        self.push("itunes_keywords", 1)

    def _start_media_keywords(self, _attributes: Any) -> None:
        self.push("media_keywords", 0)

    # ── text ──

    def map_content_type(self, content_type: str) -> Any:
        """Types that are no media type (`xml` apart, which feedparser's rules for inline markup know) mean text."""
        known = super().map_content_type(content_type)
        return known if "/" in known or known.endswith("xml") else "text/plain"

    def _start_content(self, attributes: Any) -> None:
        self.hasContent = 1
        self.push_content("content", attributes, "text/plain", 1)
        if attributes.get("src"):
            self.contentparams["src"] = self.resolve_uri(attributes["src"])

    def _end_content(self) -> None:
        # feedparser would make it the summary too.
        is_packed, kind = self.contentparams.get("base64"), self.contentparams.get("type") or ""
        said = "".join(map(str, self.elementstack[-1][2])).strip() if is_packed and self.elementstack else ""
        value = self.pop_content("content")
        parts = self._get_context().get("content")
        if is_packed and isinstance(parts, list) and value != said and not kind.startswith(_NO_TEXT):
            parts[-1]["type"] = "text/html"  # base64 of bytes that are UTF-8

    _end_content_encoded = _end_fullitem = _end_body = _end_xhtml_body = _end_content

    # ── the feed's hints: lists of which feedparser keeps the last only ──

    def _start_hour(self, _attributes: Any) -> None:
        self.push("hour", 0)

    def _end_hour(self) -> None:
        self.feeddata.setdefault("ingest_skip_hours", []).append(self.pop("hour"))

    def _start_day(self, _attributes: Any) -> None:
        self.push("day", 0)

    def _end_day(self) -> None:
        self.feeddata.setdefault("ingest_skip_days", []).append(self.pop("day"))

    # ── entries ──

    def _start_item(self, attributes: Any) -> None:
        if len(self.entries) >= self.max_entries:
            raise Enough
        self.inimage = self.intextinput = self.insource = self.inauthor = self.hasContent = 0
        self.entries.append({})
        self.depths.clear()
        self.push("item", 0)
        self.inentry = 1
        self.title_depth, self.title_depth_around = -1, self.title_depth
        if about := self._get_attribute(attributes, "rdf:about"):
            self.entries[-1]["id"] = about
        self._cdf_common(attributes)
        # What is said around the entry is no word of its own.
        self.entries[-1]["ingest_language_around"] = self.langstack[-2] if len(self.langstack) > 1 else None

    _start_entry = _start_item

    def _end_item(self) -> None:
        super()._end_item()
        self.title_depth = self.title_depth_around  # a head that stands behind its items has a title all the same
        self.closed = len(self.entries)

    _end_entry = _end_item


def _relation(said: str | None) -> str:
    """The name of a link relation; registered ones may be written as addresses. Source: RFC 4287 §4.2.7.2."""
    name = (said or "").strip().lower()
    return name.removeprefix("http://www.iana.org/assignments/relation/") or "alternate"
