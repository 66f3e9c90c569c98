"""Feed documents that are no XML, made XML: the faults that feeds really have, and no others.

Undefined entities, lone ampersands, characters XML forbids, prefixes nobody declared, declarations in the middle, stray ends of
CDATA, junk around the document. Sections that are marked as CDATA stay untouched.
"""

import html.entities
import re
import sys
from collections.abc import Callable
from functools import cache, partial

from ingest.text import one_line

_MAX_DEFINED = 200  # characters an entity defined in the document may stand for
_MAX_PREFIXES = 100
_MAX_GROWTH = 1_000_000  # characters a document may grow by its entities
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = r"#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,7}|[A-Za-z_][\w.-]{0,60}"
_LONE = re.compile(rf"&(?!(?:{_REFERENCE});)")
_ENTITY = re.compile(rf"&(?!(?:amp|lt|gt|quot|apos);)({_REFERENCE});")
_DEFINITION = re.compile(r"""<!ENTITY\s+([\w.-]{1,60})\s+(?:"([^"&%<]*)"|'([^'&%<]*)')\s*>""")
_DECLARATION = re.compile(r"<\?xml\s[^<>]{0,300}>", re.IGNORECASE)  # where documents were pasted into one another

_PREFIXES = {
    "atom": "http://www.w3.org/2005/Atom",
    "atom10": "http://www.w3.org/2005/Atom",
    "a10": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "fh": "http://purl.org/syndication/history/1.0",
    "georss": "http://www.georss.org/georss",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "thr": "http://purl.org/syndication/thread/1.0",
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "xhtml": "http://www.w3.org/1999/xhtml",
    "xlink": "http://www.w3.org/1999/xlink",
}
_USED_PREFIX = re.compile(r"</?([A-Za-z_][\w.-]{0,40}):(?=[A-Za-z_])|\s([A-Za-z_][\w.-]{0,40}):[A-Za-z_][\w.-]{0,60}\s*=\s*[\"']")
_DECLARED_PREFIX = re.compile(r"xmlns:([A-Za-z_][\w.-]{0,40})\s*=")
_ROOT = re.compile(r"<(?:[\w.-]{1,40}:)?[A-Za-z][\w.-]{0,60}")
_ROOT_BYTES = re.compile(rb"<(?:[\w.-]{1,40}:)?[A-Za-z][\w.-]{0,60}")


def trim(document: bytes) -> tuple[bytes, str]:
    """The document without what follows its root element, and the beginning of what followed."""
    end = _end_of_root(document)
    if end is None:
        return document, ""
    junk = re.sub(rb"<!--.*?-->|<\?.*?\?>", b"", document[end : end + 2_000], flags=re.DOTALL)
    return document[:end], one_line(junk.decode("utf-8", "replace"), 60)


def is_cut_off(document: bytes) -> bool:
    """Whether the end tag of the root element never came."""
    return _end_of_root(document) is None


def _end_of_root(document: bytes) -> int | None:
    root = _ROOT_BYTES.match(document)
    start = document.rfind(b"</" + root[0][1:]) if root else -1
    end = document.find(b">", start) if start >= 0 else -1
    return end + 1 if end >= 0 else None


def mend(text: str, prolog: str = "") -> str:
    """`text` (from its root element on) with its faults mended. What cannot be mended is left as it is."""
    # Cached: of documents with a million references most are the same few.
    meaning = _within_budget(cache(partial(_meaning, _definitions(prolog))))
    parts = []
    at = 0
    while (start := text.find("<![CDATA[", at)) >= 0:
        end = text.find("]]>", start)
        if end < 0:
            break
        parts += [_mend_text(text[at:start], meaning), text[start : end + 3]]
        at = end + 3
    parts.append(_mend_text(text[at:], meaning))
    return _declare_prefixes(_FORBIDDEN.sub("", "".join(parts)))


def _definitions(prolog: str) -> dict[str, str]:
    """Entities defined as plain short text. Those that refer to others stay undefined: they are how bombs are made."""
    pairs = ((found[1], found[2] or found[3] or "") for found in _DEFINITION.finditer(prolog))
    return {name: value for name, value in pairs if len(value) <= _MAX_DEFINED}


def _mend_text(text: str, meaning: Callable[[str], str]) -> str:
    """What stands outside CDATA: entities, declarations in the middle, and ends of CDATA that no CDATA came before."""
    text = _ENTITY.sub(lambda found: meaning(found[1]), _LONE.sub("&amp;", text))
    return _DECLARATION.sub("", text).replace("]]>", "]]&gt;")


def _within_budget(meaning: Callable[[str], str]) -> Callable[[str], str]:
    """As `meaning`, until the document has grown too much by it: then references stand for themselves."""
    room = _MAX_GROWTH

    def spend(name: str) -> str:
        nonlocal room
        said = meaning(name)
        room -= max(0, len(said) - len(name) - 2)
        return said if room >= 0 else f"&amp;{name};"

    return spend


def _meaning(defined: dict[str, str], name: str) -> str:
    """What to write for a reference that XML does not know by itself."""
    if name.startswith("#"):
        return f"&{name};" if _is_allowed(name) else ""
    meant = defined.get(name) or html.entities.html5.get(f"{name};")
    return meant.translate(_ESCAPED) if meant else f"&amp;{name};"


def _is_allowed(reference: str) -> bool:
    digits = reference[1:].lower()
    code = int(f"0{digits}", 16) if digits.startswith("x") else int(digits)
    return code <= sys.maxunicode and not _FORBIDDEN.match(chr(code))


def _declare_prefixes(text: str) -> str:
    """Prefixes that are used and declared nowhere get their usual namespace, or one that means nothing."""
    used = dict.fromkeys(found[1] or found[2] for found in _USED_PREFIX.finditer(text))
    declared_here = set(_DECLARED_PREFIX.findall(text[: text.find(">") + 1]))  # what an item declares holds for that item
    missing = [p for p in list(used)[:_MAX_PREFIXES] if p.lower() not in ("xml", "xmlns") and p not in declared_here]
    root = _ROOT.match(text)
    if not missing or not root:
        return text
    declared = "".join(f' xmlns:{prefix}="{_PREFIXES.get(prefix.lower(), f"urn:undeclared:{prefix}")}"' for prefix in missing)
    return text[: root.end()] + declared + text[root.end() :]
