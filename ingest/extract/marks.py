"""Technical marks of pages that are no articles: challenge and consent platforms, puzzles, errors, roots that scripts fill.

Names of programs, paths and attributes only, which are the same in every language; never a sentence.
"""

import re
from dataclasses import dataclass

from ingest.extract.hints import hints_of
from ingest.extract.tree import Element

# Paths and names that a page carries while it is a challenge and no longer after. Platforms put other scripts of theirs into
# pages that were let through (/cdn-cgi/challenge-platform/scripts/jsd, /_Incapsula_Resource as a script): those tell nothing.
# All in lower case, and plain: looking for 20 words in a page's scripts is ten times as fast as for one pattern of them.
_CHALLENGE = (
    *("_cf_chl_opt", "__cf_chl", "/cdn-cgi/challenge-platform/h/", "captcha-delivery.com", "window.gokuprops"),
    *(
        "awswafintegration.checkforcerefresh",
        "awswafintegration.forcerefresh",
        "/.within.website/x/cmd/anubis",
        "anubis_challenge",
    ),
    *("/.well-known/ddos-guard/js-challenge", "bm-verify=", "sec-if-cpt-container", "/_sec/cp_challenge", "/_sec/verify"),
    *(
        "sucuri_cloudproxy",
        "/showcaptcha",
        "/checkcaptcha",
        "px-captcha",
        "_pxblockedurl",
        "kpsdk",
        "/149e9513-01fa-4fb0-aad4-566afd725d1b/",
    ),
)
_CHALLENGE_FRAME = (
    "/_incapsula_resource",
    "captcha-delivery.com",
    "/cdn-cgi/challenge",
    "/showcaptcha",
    "arkoselabs",
    "funcaptcha",
)
_CAPTCHA = ("captcha", "turnstile", "geetest", "altcha", "challenges.cloudflare")
_CONSENT = (
    *("onetrust", "didomi", "sp_message", "privacy-mgmt", "usercentrics", "qc-cmp2", "cybot", "trustarc", "iubenda", "__tcfapi"),
    *("euconsent", "cookiewall", "cookie-wall", "gdpr-gate", "gdpr-wall", "cookiefirst", "amp-consent", "consentmanager"),
    *(
        "consent-wall",
        "consent-ui",
        "consent-page",
        "consent-form",
        "cookie-consent",
        "cookieconsent",
        "//consent.",
        "/consent?",
        "/consent/",
    ),
)
_SETS_COOKIE = re.compile(r"document\.cookie\s*=")
_RELOADS = re.compile(r"location\.(?:reload|replace|href)")
_SAVES_CONSENT = re.compile(r"consent|cookie|gdpr|tcf", re.IGNORECASE)
_ERROR_NAMES = re.compile(
    r"(?:^|[\s_-])(?:error-?(?:404|410|500|503|page|content|details|wrapper)|(?:page-?)?not-?found(?:-page)?|page-?(?:404|500)|(?:404|500)-?page)"
    r"(?:$|[\s_-])"
    r"|notFound(?![a-z])|cf-error",
    re.IGNORECASE,
)
_ERROR_STATE = re.compile(r"[\"']statusCode[\"']\s*:\s*([45]\d\d)\b")
_ROOTS = frozenset(
    {
        *(
            "root",
            "app",
            "__next",
            "__nuxt",
            "___gatsby",
            "gatsby-focus-wrapper",
            "main-app",
            "react-root",
            "app-root",
            "q-app",
            "svelte",
        ),
        *(
            "ember-app",
            "application",
            "content",
            "main",
            "main-container",
            "page",
            "app-container",
            "react-app",
            "mount",
            "spa",
            "site-root",
        ),
    }
)
_FILLED_LATER = ("data-src", "data-url", "data-endpoint", "data-reactroot", "aria-busy", "data-island")
_FEW_CHARS = 4  # of an element that is as good as empty
_MAX_SCRIPT_CHARS = 20_000  # of one script that is looked into
_MAX_SCRIPTS_CHARS = 100_000  # of all of them
_NO_FIELDS = frozenset(("hidden", "submit", "button", "image", "reset", "search", "checkbox", "radio"))
_HOLDERS = ("div", "main", "section", "article", "body")


@dataclass(slots=True)
class Marks:
    """What was found; of several the first."""

    challenge: str = ""
    captcha: str = ""
    consent: str = ""
    error: str = ""
    empty_root: str = ""
    has_noscript: bool = False
    has_password_field: bool = False
    form_count: int = 0
    field_count: int = 0
    script_chars: int = 0


@dataclass(slots=True)
class Elements:
    """Elements of a page that say something beside its text, gathered in one walk."""

    tree: Element
    scripts: list[Element]
    metas: list[Element]
    links: list[Element]
    forms: list[Element]


def gather(tree: Element) -> Elements:
    """The elements of `tree` that declarations and marks are read from."""
    found: dict[str, list[Element]] = {"script": [], "meta": [], "link": [], "form": [], "input": [], "textarea": []}
    for element in tree.iter(*found):
        found[element.tag].append(element)
    forms = found["form"] + found["input"] + found["textarea"]
    return Elements(tree, found["script"], found["meta"], found["link"], forms)


def find_marks(elements: Elements, *, is_poor: bool) -> Marks:
    """The marks on the page. Only where its text `is_poor` are names and scripts looked into. Never raises."""
    marks = Marks()
    _see_forms(elements.forms, marks)
    marks.script_chars = sum(len(script.text or "") for script in elements.scripts)
    if is_poor:
        _see_scripts(elements.scripts, marks)
        _see_elements(elements.tree, marks)
        _see_refresh(elements.metas, marks)
    return marks


def _see_forms(forms: list[Element], marks: Marks) -> None:
    for element in forms:
        if element.tag == "form":
            marks.form_count += 1
            _note_form(element.get("action") or "", marks)
            continue
        kind = (element.get("type") or "text").lower()
        marks.has_password_field |= kind == "password"
        marks.field_count += kind not in _NO_FIELDS and element.get("name") not in ("q", "s", "query", "search")
        _note_form(element.get("name") or "", marks)


def _note_form(name: str, marks: Marks) -> None:
    """What a form is for, by its address or the name of a field."""
    if not marks.consent and _SAVES_CONSENT.search(name):
        marks.consent = "form " + name[:60]
    if not marks.captcha and "captcha" in name.lower():
        marks.captcha = "form " + name[:60]
    if not marks.challenge:
        marks.challenge = _first(_CHALLENGE, name.lower())


def _see_scripts(scripts: list[Element], marks: Marks) -> None:
    heads = " ".join([f"{script.get('src') or ''} {script.get('id') or ''}" for script in scripts])
    text = "\n".join([heads, *[(script.text or "")[:_MAX_SCRIPT_CHARS] for script in scripts if not _is_data(script)]])
    state = _ERROR_STATE.search(text[:_MAX_SCRIPTS_CHARS])
    text = text[:_MAX_SCRIPTS_CHARS].lower()
    marks.challenge = marks.challenge or _first(_CHALLENGE, text)
    marks.captcha = marks.captcha or _first(_CAPTCHA, text)
    marks.consent = marks.consent or _first(_CONSENT, text)
    marks.error = "state " + state[1] if state else ""
    if not marks.captcha and _SETS_COOKIE.search(text) and _RELOADS.search(text):
        marks.captcha = "cookie and reload"


def _is_data(script: Element) -> bool:
    return "ld+json" in (script.get("type") or "")


def _see_elements(tree: Element, marks: Marks) -> None:
    names: dict[str, None] = {}
    addresses: list[str] = []
    for element in tree.iter():
        tag = element.tag
        if not isinstance(tag, str) or tag == "script":
            continue
        if tag == "a":
            addresses.append(element.get("href") or "")
        elif tag == "noscript":
            marks.has_noscript = marks.has_noscript or bool("".join(element.itertext()).strip())
        elif tag == "iframe":
            marks.challenge = marks.challenge or _first(_CHALLENGE_FRAME, (element.get("src") or "").lower())
            marks.captcha = marks.captcha or _first(_CAPTCHA, (element.get("src") or "").lower())
        elif element.attrib or "-" in tag:
            names[_names_of(element, tag)] = None
            if not marks.empty_root and (tag in _HOLDERS or "-" in tag) and _is_root(element, tag) and _is_empty(element):
                marks.empty_root = element.get("id") or element.get("class") or tag
    _see_names("\n".join(names), "\n".join(addresses), marks)


def _names_of(element: Element, tag: str) -> str:
    get = element.get
    return " ".join([tag if "-" in tag else "", get("id") or "", get("class") or "", get("data-testid") or ""])


def _see_names(names: str, addresses: str, marks: Marks) -> None:
    error = _ERROR_NAMES.search(names)
    marks.error = marks.error or (error[0].strip() if error else "")
    lower = names.lower()
    marks.challenge = marks.challenge or _first(_CHALLENGE, lower)
    marks.captcha = marks.captcha or _first(_CAPTCHA, lower)
    marks.consent = marks.consent or _first(_CONSENT, lower) or _first(_CONSENT, addresses.lower())


def _is_root(element: Element, tag: str) -> bool:
    is_named = (element.get("id") or "") in _ROOTS or ("-" in tag and not tag.startswith("amp-"))
    return is_named or any(element.get(name) is not None for name in _FILLED_LATER) or "skeleton" in hints_of(element).words


def _is_empty(element: Element) -> bool:
    """Whether an element holds no text but that of scripts."""
    count = 0
    for inner in element.iter():
        if inner.tag not in ("script", "style", "noscript", "template"):
            count += len((inner.text or "").strip())
        if inner is not element:
            count += len((inner.tail or "").strip())
        if count > _FEW_CHARS:
            return False
    return True


_SOON = re.compile(r"\s*\d(?:\D|$)")  # seconds; pages that reload themselves for their news wait for minutes


def _see_refresh(metas: list[Element], marks: Marks) -> None:
    for meta in metas:
        if (meta.get("http-equiv") or "").lower() == "refresh":
            content = meta.get("content") or ""
            marks.challenge = marks.challenge or _first(_CHALLENGE, content.lower())
            if _SOON.match(content):
                marks.captcha = marks.captcha or "refresh " + content[:20]


def _first(words: tuple[str, ...], text: str) -> str:
    """The first of the words that stands in a text in lower case."""
    return next((word for word in words if word in text), "")
