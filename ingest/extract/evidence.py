"""What a page shows of its own quality: numbers and marks, none of them a phrase of a language.

Counted here, judged in `quality`. Marks are technical: status numbers, names of elements and of platforms' scripts, types that
the page declares. What is dear to look for is looked for only where the chosen text is poor.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, compress

import numpy as np

from ingest.extract.asides import ASIDE, DIALOG, MAX_BOX, MENU, find_asides, find_wall_name
from ingest.extract.blocks import Block, Node, Segmented
from ingest.extract.declared import Declared, find_declared
from ingest.extract.hints import MARKS, hints_of
from ingest.extract.letters import only_letters
from ingest.extract.marks import find_marks, gather
from ingest.extract.tree import Element

_POOR = 200  # words; a longer text is no challenge, no error and no shell, whatever scripts stand beside it
_BEYOND_WALLS = 400  # words


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a page's quality is judged by, readable one by one. Shares are of characters, from 0 to 1.

    Words are characters in scripts that write without spaces; `unspaced_share` says how much of the body is such.
    """

    status: int = 200
    words: int = 0  # of the chosen body
    own_words: int = 0  # of it, outside dialogs, offers and comments
    page_words: int = 0  # of all blocks
    unspaced_share: float = 0.0
    body_share: float = 0.0  # of the page's text that was chosen
    body_link_share: float = 0.0  # of the chosen text that is links
    link_share: float = 0.0  # of the page's text
    paragraphs: int = 0  # chosen blocks that are text rather than labels
    headings: int = 0  # of the page
    linked_headings: int = 0  # within the body and wholly links: each leads to something else
    cards: int = 0  # of the largest group of short blocks alike
    ends_cut: bool = False  # the body ends in an ellipsis or within a sentence
    leads_on: bool = False  # the body ends in a link to the rest
    is_summary: bool = False  # the body says no more than the page's own description
    feed_words: int | None = None  # of the entry's own text
    title_found: float | None = None  # share of the entry's title that the page has; None: nothing to compare
    title_shown: float | None = None  # of it, or of the page's own title, in one block of the page
    title_status: int | None = None  # a status as a number in the title or alone in a heading
    error_mark: str = ""  # an element or address that calls the page an error
    trace_mark: str = ""  # a program's own account of its failure
    has_article_type: bool = False
    other_type: str = ""  # declared, and no article: a product, a collection
    is_free: bool | None = None
    is_locked_tier: bool = False
    locked_words: int | None = None  # in the part declared as not free; None: no part declared
    wall_mark: str = ""  # a gate at the body's end, or over it
    offer_mark: str = ""  # what may be a gate, and may be an advertisement
    has_password_field: bool = False
    form_count: int = 0
    field_count: int = 0  # that a reader fills in
    dialog_share: float = 0.0  # of the page's text in dialogs and consent containers
    body_in_dialog: float = 0.0  # of the chosen text
    consent_mark: str = ""  # of a consent platform or a form that saves consent
    challenge_mark: str = ""  # that only a challenge carries
    captcha_mark: str = ""  # a puzzle, which forms of real pages carry as well
    script_share: float = 0.0  # bytes of scripts against those of text
    empty_root: str = ""  # an element that a script would fill
    has_noscript: bool = False
    is_noindex: bool = False


def find_evidence(
    tree: Element,
    page: Segmented,
    chosen: Sequence[int],
    *,
    status: int,
    feed_words: int | None,
    is_free: bool | None,
    title: str | None,
    entry_title: str | None = None,
) -> Evidence:
    """The evidence on a page whose body is the blocks `chosen`. Never raises; tree and page are left as they are.

    `title` is what the page calls itself (its title element), `entry_title` what the feed calls it. `is_free` None: as the page
    declares. A page of 200 blocks takes 0.5 to 0.9 ms (`tests/bench/quality_classes.py`).
    """
    finder = _Finder(tree, page, chosen)
    return finder.find(status=status, feed_words=feed_words, is_free=is_free, title=title or "", entry_title=entry_title or "")


_HIDDEN = 1 << MARKS.index("is_hidden")
_BEGINNING = 80  # characters
_LABEL = 60  # characters; a shorter block is a label rather than text
_NEAR = 8  # blocks after the body's last
# Thai and Lao, Burmese, Khmer, Kana, Han.
_UNSPACED = ((0x0E01, 0x0ECE), (0x1000, 0x1049), (0x1780, 0x17D3), (0x3041, 0x30FE), (0x3400, 0x9FFF), (0xF900, 0xFAFF))
_ENDS_WHOLE = re.compile(r"[.!?。！？।؟۔｡։][\s\"'“”„’»«›)）」』\]]*$")
_ENDS_IN_ELLIPSIS = re.compile(r"(?:…|\.\.\.|\[…\]|\[\.\.\.\])[\s\"'”»)]*$")
_LEADS_ON = frozenset(("more", "readmore", "continue", "full", "source", "external", "btn", "button", "cta"))
_LEADS_TO = re.compile(r"#more|[?&]full=|/full/", re.IGNORECASE)
_TITLE_STATUS = re.compile(r"^\W*(?:\w+\W+){0,2}?([45]\d\d)\b|[|:–—-]\s*([45]\d\d)\W*$")
_STATUS = re.compile(r"(?:\w+\s)?([45]\d\d)")
_KNOWN_STATUS = frozenset((400, 401, 403, 404, 405, 408, 410, 419, 429, 451, 500, 501, 502, 503, 504, 520, 521, 522, 523, 524))


class _Finder:
    """One page while it is looked at."""

    def __init__(self, tree: Element, page: Segmented, chosen: Sequence[int]) -> None:
        self.tree, self.blocks, self.nodes = tree, page.blocks, page.nodes
        self.chosen = sorted({number for number in chosen if 0 <= number < len(page.blocks)})
        self.chars = [len(block.text) for block in page.blocks]
        self.total = max(sum(self.chars), 1)
        self.before = [0, *accumulate(self.chars)]
        self.unspaced = _unspaced(page.blocks, self.before)
        self.words = [_count(block.text, count) for block, count in zip(page.blocks, self.unspaced, strict=True)]
        self.marks = find_asides(page.nodes, self.before)
        self.is_text = [self._is_text(number) for number in range(len(page.blocks))]

    def find(self, *, status: int, feed_words: int | None, is_free: bool | None, title: str, entry_title: str) -> Evidence:
        body, own = self.chosen, [number for number in self.chosen if not self._is_aside(number)]
        words, own_words = (sum(self.words[number] for number in numbers) for numbers in (body, own))
        unspaced = sum(self.unspaced[number] for number in body) / max(words, 1)
        length = own_words * (1 - unspaced / 2)
        is_poor = length < _POOR
        elements = gather(self.tree)
        declared, marks = find_declared(elements), find_marks(elements, is_poor=is_poor)
        end = next((number for number in reversed(own) if self.is_text[number]), own[-1] if own else -1)
        shown = self._title_shown(entry_title or title) if is_poor else None
        wall, offer = self._walls(end) if length < _BEYOND_WALLS else ("", "")
        dialogs = [bool(self.marks[block.node] & DIALOG) for block in self.blocks]
        body_chars = sum(self.chars[number] for number in body)
        return Evidence(
            status=status,
            words=words,
            own_words=own_words,
            page_words=sum(self.words),
            unspaced_share=_round(unspaced),
            body_share=_round(body_chars / self.total),
            body_link_share=_round(sum(self.blocks[number].link_chars for number in body) / max(body_chars, 1)),
            link_share=_round(sum(block.link_chars for block in self.blocks) / self.total),
            paragraphs=sum(self.is_text[number] for number in own),
            headings=sum(self._is_heading(number) for number in range(len(self.blocks))),
            linked_headings=self._linked_headings(),
            cards=self._cards() if is_poor else 0,
            ends_cut=self._ends_cut(end),
            leads_on=is_poor and self._leads_on(end),
            is_summary=is_poor
            and _is_within(" ".join(self.blocks[n].text for n in own if self.is_text[n]), declared.description),
            feed_words=feed_words,
            title_found=_share_of(entry_title, title, shown) if entry_title and is_poor else None,
            title_shown=shown,
            title_status=self._title_status(title) if is_poor else None,
            error_mark=(declared.error_mark or marks.error) if is_poor else "",
            trace_mark=self._trace() if is_poor else "",
            has_article_type=declared.is_article,
            other_type=declared.other_type,
            is_free=declared.is_free if is_free is None else is_free,
            is_locked_tier=declared.is_locked_tier,
            locked_words=self._locked_words(declared),
            wall_mark=wall,
            offer_mark=offer,
            has_password_field=marks.has_password_field,
            form_count=marks.form_count,
            field_count=marks.field_count,
            dialog_share=_round(sum(compress(self.chars, dialogs)) / self.total),
            body_in_dialog=_round(sum(self.chars[number] for number in body if dialogs[number]) / max(body_chars, 1)),
            consent_mark=marks.consent,
            challenge_mark=marks.challenge,
            captcha_mark=marks.captcha,
            script_share=_round(marks.script_chars / max(marks.script_chars + self.total, 1)),
            empty_root=marks.empty_root,
            has_noscript=marks.has_noscript,
            is_noindex=declared.is_noindex,
        )

    # ── the body ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _is_aside(self, number: int) -> bool:
        """Whether a block stands in a dialog, an offer or a comment."""
        marks = self.marks[self.blocks[number].node]
        return bool(marks & ASIDE)

    def _is_text(self, number: int) -> bool:
        """Whether a block is text rather than a label. Without spaces, a third of the characters says as much."""
        return (
            self.chars[number] + 2 * self.unspaced[number] >= _LABEL and self.blocks[number].link_chars * 3 < self.chars[number]
        )

    def _is_heading(self, number: int) -> bool:
        tag = self.nodes[self.blocks[number].node].tag
        return len(tag) == 2 and tag[0] == "h" and tag[1] in "123456"  # noqa: PLR2004

    def _linked_headings(self) -> int:
        if not self.chosen:
            return 0
        inside = range(self.chosen[0], self.chosen[-1] + 1)
        return sum(self.blocks[n].link_chars * 10 > self.chars[n] * 9 and self._is_heading(n) for n in inside)

    def _ends_cut(self, end: int) -> bool:
        if end < 0 or not self.is_text[end]:
            return False
        text, link = self.blocks[end].text, self.blocks[end].link_chars
        text = text[: len(text) - link].rstrip() if 0 < link < len(text) // 2 and not _ENDS_WHOLE.search(text) else text
        return _is_cut_off(text) or not _ENDS_WHOLE.search(text)

    def _leads_on(self, end: int) -> bool:
        """Whether the body's last block, or what follows it, is a link that its names or address call the way on."""
        if end < 0:
            return False
        for number in range(end, min(end + 3, len(self.blocks))):
            block = self.blocks[number]
            is_alone = block.links == 1 and (number == end or block.link_chars * 10 > self.chars[number] * 8)
            element = self.nodes[block.node].element
            if is_alone and element is not None and any(_is_way_on(link) for link in element.iter("a")):
                return True
        return False

    # ── the page ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _cards(self) -> int:
        """The size of the largest group of short blocks in elements alike within one element; menus and sides apart."""
        groups: dict[tuple[str, str, str, int], list[int]] = {}
        for number, block in enumerate(self.blocks):
            node = self.nodes[block.node]
            if self.chars[number] < _MAX_CARD and not self.is_text[number] and not self.marks[block.node] & MENU:
                up = self.nodes[node.parent] if node.parent >= 0 else node
                groups.setdefault((node.tag, node.hints.names, up.hints.names, up.parent), []).append(number)
        return max((len(group) for group in groups.values() if not self._is_menu(group)), default=0)

    def _is_menu(self, group: list[int]) -> bool:
        """Whether blocks alike are the labels of a menu: above the first heading, or the body where none has one, and short."""
        if sum(self.chars[number] for number in group) >= _MAX_LABEL * len(group):
            return False
        top = next(
            (number for number in range(len(self.blocks)) if self._is_heading(number)), self.chosen[0] if self.chosen else 0
        )
        return group[-1] < top

    def _title_status(self, title: str) -> int | None:
        found = _TITLE_STATUS.search(title)
        status = int(found[1] or found[2]) if found else 0
        if status in _KNOWN_STATUS:
            return status
        for block in self.blocks:
            if len(block.text) < _MAX_STATUS and (alone := _STATUS.fullmatch(block.text)) and int(alone[1]) in _KNOWN_STATUS:
                return int(alone[1])
        return None

    def _title_shown(self, wanted: str) -> float | None:
        """How much of a title stands in one block of its own that is no link."""
        grams = _grams(wanted)
        if len(grams) < _MIN_GRAMS:
            return None
        best = 0.0
        for number, block in enumerate(self.blocks[:_MAX_LOOKED_AT]):
            if self.chars[number] < 3 * len(wanted) and block.link_chars * 2 < self.chars[number]:
                best = max(best, len(grams & _grams(block.text)) / len(grams))
                if best == 1:
                    break
        return _round(best)

    def _trace(self) -> str:
        for block in self.blocks[:_MAX_LOOKED_AT]:
            if found := _TRACE.search(block.text[:_TRACE_CHARS]):
                return found[0][:60]
        return ""

    # ── walls ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _locked_words(self, declared: Declared) -> int | None:
        """Words in the elements that the page declares as not free, 0 where they are missing."""
        if not declared.locked:
            return None
        inside = {n for node in self.nodes if declared.is_locked(node.element) for n in range(node.start, node.end)}
        return sum(self.words[number] for number in inside)

    def _walls(self, end: int) -> tuple[str, str]:
        """The names of a gate and of an offer that follow the body, or lie over the page as a dialog."""
        wall = offer = ""
        for number, node in enumerate(self.nodes):
            if self.before[node.end] - self.before[node.start] > MAX_BOX:
                continue
            if not (node.end > end and node.start - _NEAR <= end) and not self.marks[number] & DIALOG:
                continue
            if node.tag == "form" and not offer and _has_password(node.element):
                offer = "password field"
            found = find_wall_name(node) if node.start < node.end and not self._is_card(node) else None
            if found and not self._is_hidden(node, end):
                wall, offer = wall or found[0], offer or found[1]
        return wall, offer

    def _is_card(self, node: Node) -> bool:
        """Whether a node is little but a link: it leads to another article, which may be locked."""
        links = sum(block.link_chars for block in self.blocks[node.start : node.end])
        return links * 10 > (self.before[node.end] - self.before[node.start]) * 8

    def _is_hidden(self, node: Node, end: int) -> bool:
        """Whether a node is not shown where the body is: what React streams is hidden as a whole until a script shows it."""
        while not node.start <= end < node.end:
            if node.hints.marks & _HIDDEN:
                return True
            if node.parent < 0:
                break
            node = self.nodes[node.parent]
        return False


_MAX_CARD = 200  # characters
_MAX_LABEL = 20  # characters of what leads to a part of the site
_MAX_STATUS = 12  # characters of a heading that is a status
_MIN_GRAMS = 6
_MAX_LOOKED_AT = 100  # blocks
_TRACE_CHARS = 1_000  # of a block; traces stand at its start
_TRACE = re.compile(
    r"(?<![\w./\\-])[\w./\\-]{1,200}\.(?:php|py|rb|java|cs|aspx?|jsp|cfm|pl|js|go)(?:\(\d+\)|:\d+\)?|\W{1,4}(?:\w+ ){1,2}\d+)"
    r"|SQLSTATE\[|\b[a-z]+(?:\.[a-z]+)+\.\w+Exception\b",
)


def _is_cut_off(text: str) -> bool:
    return _ENDS_IN_ELLIPSIS.search(text[-12:]) is not None


def _is_way_on(link: Element) -> bool:
    words = hints_of(link).words
    up = link.getparent()
    around = hints_of(up).words if up is not None else ()
    return not _LEADS_ON.isdisjoint((*words, *around)) or _LEADS_TO.search(link.get("href") or "") is not None


def _has_password(form: Element | None) -> bool:
    return form is not None and any(field.get("type") == "password" for field in form.iter("input"))


def _is_within(text: str, description: str) -> bool:
    """Whether a text that is no longer than the description begins like it."""
    start = text[:_BEGINNING].strip()
    return len(start) >= _LABEL // 2 and len(text) <= len(description) * 1.2 and description.strip().startswith(start)


def _unspaced(blocks: list[Block], before: list[int]) -> list[int]:
    """How many characters of each block are of scripts that write without spaces."""
    text = "".join([block.text for block in blocks])
    if text.isascii():
        return [0] * len(blocks)
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    is_unspaced = np.zeros(len(codes) + 1, dtype=np.bool_)
    for first, last in _UNSPACED:
        is_unspaced[1:] |= codes - np.uint32(first) <= last - first  # below the first, the difference wraps around
    counts: list[int] = np.diff(np.cumsum(is_unspaced)[before]).tolist()
    return counts


def _count(text: str, unspaced: int) -> int:
    """Words of a block, each character of a script without spaces being one."""
    words = text.split()
    return len(words) if not unspaced else unspaced + sum(word.isascii() for word in words)


def _grams(text: str) -> frozenset[str]:
    """Runs of three characters of the words: alike for all scripts."""
    letters = only_letters(text)
    return frozenset(letters[at : at + 3] for at in range(len(letters) - 2))


def _share_of(wanted: str, title: str, shown: float | None) -> float | None:
    """How much of the entry's title the page has, in its own title or shown."""
    if shown is None:
        return None
    grams = _grams(wanted)
    return max(shown, _round(len(grams & _grams(title)) / len(grams)))


def _round(share: float) -> float:
    return round(share, 3)
