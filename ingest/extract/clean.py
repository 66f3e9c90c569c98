"""Markup that may be stored and shown: an allow list, absolute links, nothing active. The only room that knows nh3."""

import re

import nh3

from ingest.extract.flatten import flatten
from ingest.text import strip_controls
from ingest.urls import resolve

_TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "q"),
    *("cite", "pre", "code", "kbd", "samp", "var", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
    *("figure", "figcaption", "img", "a", "b", "strong", "i", "em", "u", "s", "del", "ins", "mark", "small", "sub"),
    *("sup", "abbr", "time"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},  # no srcset: its addresses pass no filter
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
    "time": {"datetime"},
    "abbr": {"title"},
}
_GONE_WITH_CONTENT = {
    *("script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "math", "head", "title", "select"),
    *("textarea", "button", "dialog"),  # not "form": some systems wrap the whole page in one
}
_LINK_REL = "nofollow noopener noreferrer"
_EMPTY_IMAGE = re.compile(r'<img(?: (?:alt|title)="[^"]*")*>')
# Without a mark of their end, the words of two blocks would run into one.
_BLOCK = re.compile(
    r"<(/?)(?:div|section|article|main|aside|header|footer|nav|address|center|details|summary|fieldset|form|hgroup)(?:\s[^<>]*+)?>",
    re.IGNORECASE,
)
_EMPTY_PARAGRAPH = re.compile(r"<(p|li|h[1-6])>\s*</\1>")


def clean_html(markup: str, base_url: str, *, is_flat: bool = False) -> str:
    """`markup` reduced to text, structure, pictures and links, the addresses made absolute against `base_url`.

    Scripts, styles and frames go with their content; unknown blocks become paragraphs, other unknown elements only their content.
    `is_flat`: its nesting is known to be bounded.
    """

    def filter_attribute(_tag: str, name: str, value: str) -> str | None:
        if name == "href":
            return _mail(value) or resolve(base_url, value)
        return resolve(base_url, value) if name == "src" else value

    cleaned = nh3.clean(
        _BLOCK.sub(r"<\1p>", strip_controls(markup if is_flat else flatten(markup))),
        tags=_TAGS,
        clean_content_tags=_GONE_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=filter_attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel=_LINK_REL,
    )
    return _EMPTY_PARAGRAPH.sub("", _EMPTY_IMAGE.sub("", cleaned)).strip()


def _mail(value: str) -> str | None:
    return value.strip() if re.match(r"\s*mailto:[^\s<>]+\s*$", value, re.IGNORECASE) else None
