"""Bylines → names of authors: lists taken apart, and what is no name left out.

Words are read by their form wherever that will do. The few lists here are of what stands around names in the languages that
news is written in: words before a name, words between names, what people are beside their name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ingest.text import one_line, unescape

MAX_AUTHORS = 20
_NAME_CHARS = 100
_MAX_CHARS = 2_000  # of one byline; more is an attack on the patterns below
_MAX_WORDS = 6
_MAX_IDEOGRAPHS = 8

_BY = r"(?:written|posted|published|reported|story|words|text|edited|reviewed|contributed|article|guest post)\s+by|by"
_BEFORE = re.compile(
    rf"(?:(?:view|see)\s)?(?:all|more)\s(?:posts|articles|stories)\s(?:by|from)\s+"
    rf"|(?:{_BY}|about|author|von|par|por|di|door|av|af)\s+"
    rf"|(?:{_BY}|von|par|por|di|door|av|af|przez|authors?|autore?s?|autorin|autori|auteurs?|skribent|forfatter|författare|journalist|"
    r"reporter|redaktion|redaktor|yazar|tekst|texte?|texto|testo|автор|текст|от|記者|记者|作者|文|责任编辑|責任編輯|責編|责编|编辑|"
    r"기자|글)\s*[:：/]\s*",
    re.IGNORECASE,
)
_AND = r"and|und|et|og|och|ja|és|ve|și|oraz|и|та|και"
_SEPARATOR = re.compile(rf"\s*[;|•·、，]\s*|\s+[/–—-]\s+|,?\s+(?:{_AND}|with|&|\+)\s+|\s*&\s*(?=[^\s&])|\s*,\s+", re.IGNORECASE)
_SHORT_AND = re.compile(r"(?<!\S)(\S+\s\S+)\s[yei]\s(?=\S+\s\S)")  # between full names only: Ortega y Gasset is one
_INVERTED = re.compile(r"([^\W\d_][\w'’-]+),\s+([A-Z][\w'’-]*\.?(?:\s[A-Z]\.?)?)")  # Pike, Ada M.
_ASIDE = re.compile(r"[®™*]|\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>|【|】")
_ADDRESS = re.compile(r"(?:https?:)?//\S*|www\.\S+|(?<!\S)\S*@\S+", re.IGNORECASE)
_ROLE = re.compile(
    r"\b(?:\w*editors?|writers?|reporters?|correspondents?|journalists?|columnists?|staff|contribut\w+|producers?|photographers?|"
    r"analysts?|director|manager|officer|ceo|cto|cfo|founder|co-founder|president|professor|dietitian|nutritionist|specialist|expert|"
    r"consultant|strategist|head of|chief|freelanc\w+|intern|fellow|lawyer|attorney|researcher|bureau|desk|team|newsroom|"
    r"\w*redakt\w+|\w*korrespondent\w*|\w*journalist\w*|autor(?:in)?|reporterin|rédact\w+|correspondant\w*|redac\w+|"
    r"corresponsal|periodista|redattor\w+|giornalista|toimittaja|medarbeider|skribent|fotograf\w*|muhabir\w*|editör\w*)\b",
    re.IGNORECASE,
)
_CREDENTIAL = re.compile(
    r"(?:[A-Z]{2,6}|[A-Z][a-z]?\.?(?:[A-Z][a-z]?\.?)+|[JS]r\.?|I{2,3}|IV|Esq\.?|Ph\.?\s?D\.?)(?:\s?[-/]?\s?[A-Z0-9]{1,5})*+"
)
_AGENCIES = frozenset(
    {
        *(
            "afp",
            "ap",
            "apa",
            "dpa",
            "sda",
            "efe",
            "ansa",
            "pa",
            "ani",
            "pti",
            "ians",
            "upi",
            "kna",
            "epd",
            "ntb",
            "tt",
            "anp",
            "mti",
        ),
        *("pap", "ctk", "čtk", "aap", "sid", "rnd"),
    }
)
_PARTICLES = frozenset(
    {
        *(
            "de",
            "da",
            "do",
            "dos",
            "das",
            "del",
            "della",
            "di",
            "du",
            "des",
            "la",
            "le",
            "el",
            "al",
            "ap",
            "bin",
            "ibn",
            "ben",
            "bint",
        ),
        *("van", "von", "vom", "zu", "zur", "zum", "den", "der", "ten", "ter", "te", "af", "av", "y", "e", "i", "ou"),
    }
)
_COLLECTIVE = re.compile(
    r"\b(?:staff|team|editors|editorial|newsroom|newsdesk|desk|redaktion|redazione|redacción|rédaction|redação|redactie|redakcja|"
    r"admin\w*|news|media|press|magazine|times|online|agency|agencies|agence|agentur|inc|llc|ltd|gmbh)\b",
    re.IGNORECASE,
)
_INTERFACE = re.compile(
    r"(?:about|view|see|all|read|more|sign|log|written|posted|published|reviewed|updated|the author|author|share|follow|"
    r"subscribe|back|home|print|save|meet|our|your|this|photo|image|credit|table of|facebook|twitter|linkedin|instagram|youtube|"
    r"pinterest|whatsapp|email|comments?|leave|download|contact|skip|search|menu|next|previous|related|latest|click|show|by)(?:\s|\Z)",
    re.IGNORECASE,
)
_MONTH_OR_DAY = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|tember|ober|ember)?\.?"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|today|yesterday",
    re.IGNORECASE,
)
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]{2,})+")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Byline:
    """Names in the order they were given. `is_personal` where one of them reads like a person's."""

    names: tuple[str, ...] = ()
    is_personal: bool = False


def read_names(said: Iterable[tuple[str, bool]], sites: frozenset[str]) -> Byline:
    """Names out of texts, each with whether it is known to be an organisation's.

    `sites` are the names of the site, folded: they and other organisations count only where nobody else is named.
    """
    people: dict[str, str] = {}
    others: dict[str, str] = {}
    for text, is_organisation in said:
        for name in split_names(text):
            is_other = is_organisation or fold(name) in sites
            (others if is_other else people).setdefault(name.casefold(), name)
    names = tuple((people or others).values())[:MAX_AUTHORS]
    return Byline(names, any(is_person(name) for name in people.values()))


def split_names(text: str) -> list[str]:
    """The names in one byline, without what is said before, between and about them."""
    text = _ADDRESS.sub(" ", _ASIDE.sub(" ", unescape(text[:_MAX_CHARS])))
    text = _SHORT_AND.sub(r"\1;", _in_order(_without_before(" ".join(text.split()))))
    names: list[str] = []
    for part in _SEPARATOR.split(text):
        name = one_line(_without_before(part), _NAME_CHARS).strip(' ,:;-–—/|*"“”')
        if any(map(str.isalpha, name)) and (not names or _is_another(name)):
            names.append(name)
    return names


def _in_order(text: str) -> str:
    """`Pike, Ada` as `Ada Pike`."""
    found = _INVERTED.fullmatch(text)
    if not found or _CREDENTIAL.fullmatch(found[2]) or {found[1].lower(), found[2].lower()} & _AGENCIES:
        return text
    return f"{found[2]} {found[1]}"


def _without_before(text: str) -> str:
    found = _BEFORE.match(text)
    return text[found.end() :] if found else text


def _is_another(part: str) -> bool:
    """Whether what follows a name is one too: no degree, no office, no address, and not in the small letters of a sentence."""
    words = part.split()
    if part.lower() in _AGENCIES:
        return True
    if len(words) > _MAX_WORDS or _DIGIT.search(part) or _DOMAIN.fullmatch(part):
        return False
    if _CREDENTIAL.fullmatch(part) or _ROLE.search(part):
        return False
    return len(words) == 1 or all(word.lower() in _PARTICLES or not word[:1].islower() for word in words)


def is_person(name: str) -> bool:
    """Whether `name` has the form of a person's: two words or more, each with a capital where the script has them."""
    words = name.split()
    if _DIGIT.search(name) or not words or len(words) > _MAX_WORDS or _COLLECTIVE.search(name) or _ROLE.search(name):
        return False
    if is_interface(name):
        return False
    if len(words) == 1:  # scripts without spaces between names
        return 1 < len(name) <= _MAX_IDEOGRAPHS and all(char.isalpha() and _is_uncased(char) for char in name)
    if all(_MONTH_OR_DAY.fullmatch(word.strip(",.")) for word in words):  # April Pike is somebody
        return False
    return all(_is_word_of_a_name(word) for word in words) and not all(word.lower() in _PARTICLES for word in words)


def is_interface(text: str) -> bool:
    """Whether `text` is what a page says to its reader beside a byline."""
    return _INTERFACE.match(text) is not None


def _is_word_of_a_name(word: str) -> bool:
    start = word.lstrip("'’‘\"“(").removeprefix("d'").removeprefix("d’")[:1]
    return word.lower() in _PARTICLES or (start.isalpha() and (start.isupper() or start.istitle() or _is_uncased(start)))


def _is_uncased(char: str) -> bool:
    return char.lower() == char.upper()


def fold(text: str) -> str:
    """Letters and digits only, in one case: site names are written in many ways."""
    return "".join(filter(str.isalnum, text.casefold()))
