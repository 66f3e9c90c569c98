"""Which elements of RSS, RDF, Atom and CDF documents are listened to, by what they say.

Names are feedparser's: lower case, the usual prefix of the namespace and an underscore before the name, nothing before those
of the formats themselves.
"""

# Namespaces that feedparser does not know, with the prefix their elements get here whatever a document calls them.
NAMESPACES = {
    "http://purl.org/syndication/history/1.0": "fh",
    "https://podcastindex.org/namespace/1.0": "podcast",
    "https://github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md": "podcast",
    "http://prismstandard.org/namespaces/basic/2.0/": "prism",
    "http://prismstandard.org/namespaces/basic/2.1/": "prism",
    "http://prismstandard.org/namespaces/basic/3.0/": "prism",
}

# Elements that name a moment → how we call them. What they say is listed under `ingest_dates`.
DATES = {
    "published": "atom:published",
    "issued": "atom:issued",
    "created": "atom:created",
    "updated": "atom:updated",
    "modified": "atom:modified",
    "pubdate": "pubDate",
    "lastbuilddate": "lastBuildDate",
    "dc_date": "dc:date",
    "dcterms_available": "dcterms:available",
    "dcterms_created": "dcterms:created",
    "dcterms_date": "dcterms:date",
    "dcterms_issued": "dcterms:issued",
    "dcterms_modified": "dcterms:modified",
    "prism_publicationdate": "prism:publicationDate",
}
# Elements with a plain text that is kept under the element's name, the first one of each.
TEXTS = frozenset(
    {
        *("ttl", "comments", "icon", "logo", "sy_updateperiod", "sy_updatefrequency", "itunes_duration"),
        *("dc_language", "dcterms_language", "geo_lat", "geo_long", "georss_point", "gml_pos", "feedburner_origlink"),
        *("fh_complete", "fh_archive"),
    }
)
# Elements with text or markup that only speaks where the entry's own words are missing: the first one of each.
ASIDES = frozenset(
    {
        *("media_title", "media_description", "itunes_title", "itunes_subtitle", "itunes_summary", "dc_title"),
        *("dc_description", "dc_rights", "dcterms_abstract", "dcterms_description", "dcterms_rights", "dcterms_title"),
    }
)
# Elements whose attributes are all they say: kept as a list under the element's name.
LISTED = frozenset(("media_content", "media_thumbnail", "podcast_transcript", "itunes_image"))
# What feedparser has handlers for that we need. Everything else is passed over: nothing that a document invents can collide
# with a key, and the handlers that raise (georss, gml, chapters, media ratings and the like) are never called.
HANDLED = frozenset(
    {
        *("rss", "channel", "feed", "item", "entry", "image", "textinput", "source", "language", "guid", "id", "link"),
        *("author", "managingeditor", "dc_author", "dc_creator", "itunes_author", "name", "itunes_name", "email"),
        *("itunes_email", "url", "uri", "homepage", "title", "subtitle", "tagline", "description", "abstract", "info"),
        *("summary", "content", "content_encoded", "fullitem", "body", "xhtml_body", "rights", "copyright", "generator"),
        *("admin_generatoragent", "category", "keywords", "tags", "dc_subject", "itunes_category", "itunes_keywords"),
        *("media_category", "media_keywords", "enclosure", "cc_license", "creativecommons_license", "hour", "day"),
    }
)

_KINDS = {
    **dict.fromkeys(DATES, "date"),
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(ASIDES, "aside"),
    **dict.fromkeys(LISTED, "listed"),
}


def kind_of(name: str) -> str:
    """date, text, aside or listed for elements that are kept the way of their kind; other for the rest."""
    return _KINDS.get(name, "other")


# Elements that only group others, or whose own parts are known under the same prefix.
_GROUPS = frozenset(("authors", "categories", "enclosures", "links", "where", "xhtml_body"))
_GROUPING = ("dc_", "dcterms_", "geo_", "georss_", "gml_", "itunes_", "media_", "rdf_")


def is_transparent(name: str) -> bool:
    """Whether what stands inside this element, for which there is no handler, still speaks of the entry around it."""
    return name in _GROUPS or name.startswith(_GROUPING)
