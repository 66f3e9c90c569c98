"""Evidence → a page's quality class with its reason.

By evidence, never by phrases: each list of sentences is of one language and calls real articles walls. The order of the rules
is the order of certainty: what a machine says of itself (a challenge, a status), what stands in the text's place (an error, a
dialog, an empty root), what kind of page it is, and last what is missing of the text (it is locked, or stands elsewhere).
"""

from collections.abc import Callable

from ingest.extract.evidence import Evidence, find_evidence
from ingest.model import Quality

__all__ = ["Evidence", "Quality", "find_evidence", "judge"]


# Words; of a script without spaces two characters count as one.
_SCRAP = 40  # less is a label, a notice, a sign
_LEAST_NOTICE = 12  # a dialog that asks for something says as much
_NOTICE = 120  # what errors, challenges and dialogs say is shorter
_BRIEF = 60  # the least of an article that is whole
_STUB = 150  # a start that is cut is shorter
_LONG = 250  # so much stands before no wall
_SURE = 400
_MORE_IN_FEED = 1.5  # times the page's words
_MANY = 8  # blocks alike
_REFUSED = (202, 401, 403, 405, 429, 503)  # what challenges come with
_FEW = 2  # fields of a form beside a text: a name and an address

Verdict = tuple[Quality, str] | None


def judge(evidence: Evidence) -> tuple[Quality, str]:
    """The class of the page, and the values that decided. Never raises."""
    for rule in _RULES:
        if verdict := rule(evidence, _length(evidence)):
            return verdict
    return _by_length(evidence, _length(evidence))


def _length(evidence: Evidence) -> float:
    """Words of the body outside dialogs and offers, comparable between scripts."""
    return evidence.own_words * (1 - evidence.unspaced_share / 2)


# ── what a machine says of itself ───────────────────────────────────────────────────────────────────────────────────────


def _challenge(e: Evidence, length: float) -> Verdict:
    if e.status == 200 and e.paragraphs and _is_titled(e) and e.has_article_type:  # noqa: PLR2004
        return None  # an article's start, with the scripts of a platform that let the reader through
    page_length = e.page_words * (1 - e.unspaced_share / 2)
    if e.challenge_mark and length < _NOTICE:
        return Quality.CHALLENGE, f"{e.challenge_mark} on a page of {e.page_words} words"
    is_likely = e.status in _REFUSED or (page_length < _NOTICE and not e.empty_root)
    if e.captcha_mark and is_likely and length < _BRIEF and not e.has_password_field:
        return Quality.CHALLENGE, f"{e.captcha_mark}, status {e.status}, {e.page_words} words on the page"
    return None


def _is_titled(e: Evidence) -> bool:
    """Whether the page shows the entry's title, or its own."""
    return e.title_shown is not None and e.title_shown > 0.7  # noqa: PLR2004


def _status(e: Evidence, length: float) -> Verdict:
    if e.status == 402 or (e.status in (401, 403) and (e.wall_mark or e.offer_mark) and e.has_article_type):  # noqa: PLR2004
        return (Quality.PAYWALL, f"status {e.status} with {e.own_words} words") if length < _SURE else None
    if e.status >= 400:  # noqa: PLR2004
        return Quality.ERROR_PAGE, f"status {e.status}"
    return None


# ── what stands in the text's place ─────────────────────────────────────────────────────────────────────────────────────


def _error(e: Evidence, length: float) -> Verdict:
    if length >= _NOTICE:
        return None
    if e.trace_mark and not (e.has_article_type and _is_titled(e)):
        return Quality.ERROR_PAGE, f"a program's trace: {e.trace_mark}"
    is_article = e.has_article_type and _is_titled(e)  # a car called 404, the Fortune 500
    if e.title_status and not is_article:
        kind = Quality.SOFT_404 if e.title_status in (404, 410) else Quality.ERROR_PAGE
        return kind, f"calls itself {e.title_status} with {e.own_words} words"
    if e.error_mark and not is_article and not (e.has_article_type and e.title_found == 1):
        return Quality.SOFT_404, f"named {e.error_mark} with {e.own_words} words"
    return None


def _consent(e: Evidence, length: float) -> Verdict:
    if e.body_in_dialog > 0.5 and length < _NOTICE and (e.consent_mark or e.dialog_share > 0.4):  # noqa: PLR2004
        return Quality.CONSENT, f"{e.body_in_dialog:.0%} of the body in dialogs, {e.consent_mark or 'no platform'}"
    if e.consent_mark and e.dialog_share > 0.3 and length < _SCRAP:  # noqa: PLR2004
        return Quality.CONSENT, f"{e.consent_mark}, {e.dialog_share:.0%} of the page in dialogs, {e.own_words} words beside them"
    is_titled = _is_titled(e)
    page_length = e.page_words * (1 - e.unspaced_share / 2)
    is_bare = not is_titled and page_length < _LONG and e.link_share < 0.2  # noqa: PLR2004
    is_alone = e.headings <= _FEW and (is_bare or e.body_share > (0.85 if is_titled else 0.6))
    is_form = e.consent_mark.startswith("form ")
    if e.consent_mark and is_alone and _LEAST_NOTICE <= length < _STUB and (is_form or not is_titled or not e.has_article_type):
        return Quality.CONSENT, f"{e.consent_mark}, and {e.body_share:.0%} of the page is this text"
    return None


def _shell(e: Evidence, length: float) -> Verdict:
    if length >= _SCRAP or e.paragraphs > 1 or e.cards >= _MANY or e.field_count > _FEW or e.other_type:
        return None
    if e.empty_root and e.page_words < _NOTICE:
        return Quality.SCRIPT_SHELL, f"{e.empty_root} is empty, {e.own_words} words of body"
    if e.script_share > 0.8 and e.page_words < _SCRAP:  # noqa: PLR2004
        return Quality.SCRIPT_SHELL, f"{e.script_share:.0%} of the page is scripts, {e.page_words} words"
    return None


# ── what kind of page it is ─────────────────────────────────────────────────────────────────────────────────────────────


def _list(e: Evidence, length: float) -> Verdict:
    if e.body_link_share > 0.5 and length < _SURE:  # noqa: PLR2004
        return Quality.NOT_ARTICLE, f"{e.body_link_share:.0%} of the body is links"
    if e.linked_headings >= 3 and length < 45 * e.linked_headings and (length < _SURE or not e.has_article_type):  # noqa: PLR2004
        return Quality.NOT_ARTICLE, f"{e.linked_headings} headings of the body lead elsewhere"
    return None


def _other(e: Evidence, length: float) -> Verdict:
    if e.has_article_type or length >= _STUB:
        return None
    if e.other_type:
        return Quality.NOT_ARTICLE, f"declared {e.other_type}, {e.own_words} words"
    if (e.has_password_field or e.field_count > _FEW) and length < _BRIEF:
        return Quality.NOT_ARTICLE, f"{e.field_count} fields to fill in, {e.own_words} words"
    most = _NOTICE if e.link_share > 0.6 else _BRIEF  # noqa: PLR2004
    if e.cards >= _MANY and not (e.is_noindex and _is_elsewhere(e)) and length < most:
        return Quality.NOT_ARTICLE, f"{e.cards} short blocks alike, {e.own_words} words"
    return None


# ── what is missing of the text ─────────────────────────────────────────────────────────────────────────────────────────


def _locked(e: Evidence, length: float) -> Verdict:
    """What the page declares: a part that is not free and not there, or a text that is not free and short."""
    if e.locked_words is not None and e.locked_words < max(_BRIEF, e.own_words // 3) and length < _SURE:
        return Quality.PAYWALL, f"{e.locked_words} words in the locked part, {e.own_words} in all"
    if e.locked_words or length >= _LONG:
        return None
    gate = e.wall_mark or e.offer_mark
    if e.is_free is False and (gate or e.ends_cut or length < _STUB):
        return Quality.PAYWALL, f"declared not free, {e.own_words} words, {gate or 'no gate'}"
    if e.is_locked_tier and not e.is_free:
        return Quality.PAYWALL, f"declared locked, {e.own_words} words"
    return None


def _gated(e: Evidence, length: float) -> Verdict:
    """What stands behind the text. A gate ends a start; an offer may be an advertisement behind a whole text."""
    if e.is_free is True or e.locked_words or not e.paragraphs or length >= _LONG:
        return None
    if e.wall_mark:
        return Quality.PAYWALL, f"{e.wall_mark} after {e.own_words} words"
    if e.offer_mark and (e.ends_cut or length < _STUB):
        return Quality.PAYWALL, f"{e.offer_mark} after {e.own_words} words"
    return None


def _less_than_feed(e: Evidence, length: float) -> Verdict:
    if e.feed_words is not None and e.paragraphs and length < _LONG and e.feed_words > e.own_words * _MORE_IN_FEED:
        return Quality.TEASER, f"{e.own_words} words, the feed has {e.feed_words}"
    return None


def _cut(e: Evidence, length: float) -> Verdict:
    if not e.paragraphs or length >= _STUB:
        return None
    if e.ends_cut:
        return Quality.TEASER, f"ends within the text after {e.own_words} words"
    if e.leads_on and length < _NOTICE:
        return Quality.TEASER, f"{e.own_words} words and a link to the rest"
    if e.is_summary:
        return Quality.TEASER, f"its {e.own_words} words are the page's own summary"
    return None


def _lost(e: Evidence, length: float) -> Verdict:
    if length < _BRIEF and e.is_noindex and not e.has_article_type and (e.title_found is None or e.title_found < 0.5):  # noqa: PLR2004
        return Quality.SOFT_404, f"not to be indexed, no article, {e.own_words} words"
    if length < _BRIEF and not e.has_article_type and _is_elsewhere(e):
        return Quality.SOFT_404, f"{e.title_found:.0%} of the entry's title on the page, {e.own_words} words"
    return None


def _is_elsewhere(e: Evidence) -> bool:
    """Whether the page knows nothing of the entry's title."""
    return e.title_found is not None and e.title_found < 0.3  # noqa: PLR2004


def _by_length(e: Evidence, length: float) -> tuple[Quality, str]:
    if length >= _BRIEF:
        return Quality.FULL, f"{e.own_words} words in {e.paragraphs} paragraphs"
    if not e.words and e.page_words * (1 - e.link_share) > (_STUB if e.page_words else -1):
        return Quality.NONE, f"no body chosen out of {e.page_words} words"
    if not e.paragraphs or not e.own_words:
        return Quality.NOT_ARTICLE, f"{e.own_words} words in no paragraph"
    return Quality.SHORT, f"{e.own_words} words, and nothing says that there is more"


_RULES: tuple[Callable[[Evidence, float], Verdict], ...] = (
    *(_challenge, _status, _error, _consent, _shell),
    *(_list, _locked, _gated, _other, _lost, _less_than_feed, _cut),
)
