"""Letters of any script: the characters of all blocks counted at once, by kind; and a text reduced to what it says."""

import functools
import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.extract.blocks import Block

# Kinds of characters.
OTHER, LOWER, UPPER, LETTER, DIGIT, SPACE, COMMA, STOP, QUOTE, SIGN, UNSPACED = range(11)
_COMMAS = ",;،؛、，；"
_STOPS = ".!?…。！？।؟。｡"
_QUOTES = "\"'“”„‘’«»‹›「」『』（）()"
_SIGNS = "|•·›»→/\\_*#>"
_BY_CATEGORY = {"Ll": LOWER, "Lu": UPPER, "Lt": UPPER, "Lo": LETTER, "Lm": LETTER, "Nd": DIGIT, "Zs": SPACE, "Cc": SPACE}
# Thai and Lao, Burmese, Khmer, Kana, Han.
_UNSPACED_SCRIPTS = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF))
_TABLE_SIZE = 0x10000
_KINDS = 11


@dataclass(slots=True)
class Letters:
    """Counts of each block. `kinds` has a column for each kind of character; in scripts without spaces each is a word."""

    chars: NDArray[np.int64]
    kinds: NDArray[np.int64]
    letters: NDArray[np.int64]
    words: NDArray[np.int64]
    link_chars: NDArray[np.int64]
    starts_upper: NDArray[np.bool_]
    ends_stop: NDArray[np.bool_]


def count_letters(blocks: list[Block]) -> Letters:
    chars = np.array([len(block.text) for block in blocks], dtype=np.int64)
    codes = np.frombuffer(" ".join([block.text for block in blocks]).encode("utf-32-le", "replace"), dtype=np.uint32)
    kind = _kind_table()[np.minimum(codes, _TABLE_SIZE - 1)]
    if not len(kind):
        kind = np.full(1, SPACE, dtype=np.uint8)
    starts = np.cumsum(chars + 1) - chars - 1
    last = np.maximum(starts + chars - 1, 0)
    closing = np.where(kind[last] == QUOTE, np.maximum(last - 1, 0), last)
    kinds = _count_kinds(kind, chars)
    begun = np.concatenate(([0], np.cumsum(_begins_word(kind))))
    return Letters(
        chars=chars,
        kinds=kinds,
        letters=kinds[:, LOWER] + kinds[:, UPPER] + kinds[:, LETTER] + kinds[:, UNSPACED],
        words=begun[starts + chars] - begun[starts],
        link_chars=np.array([min(block.link_chars, len(block.text)) for block in blocks], dtype=np.int64),
        starts_upper=np.isin(kind[starts], (UPPER, LETTER, UNSPACED)),
        ends_stop=kind[closing] == STOP,
    )


def _count_kinds(kind: NDArray[np.uint8], chars: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many characters of each kind each block has; the space that parts it from the next counts with it."""
    block = np.repeat(np.arange(len(chars)), chars + 1)[: len(kind)]
    counted = np.bincount(block * _KINDS + kind[: len(block)], minlength=len(chars) * _KINDS)
    return counted.reshape(len(chars), _KINDS)


def _begins_word(kind: NDArray[np.uint8]) -> NDArray[np.bool_]:
    is_word = _IS_WORD[kind]
    begins: NDArray[np.bool_] = is_word & ~np.concatenate(([False], is_word[:-1]))
    begins |= kind == UNSPACED
    return begins


@functools.cache
def _kind_table() -> NDArray[np.uint8]:
    """The kind of each character of the basic plane; made at the first call (20 ms)."""
    table = np.array([_kind_of(unicodedata.category(chr(code))) for code in range(_TABLE_SIZE)], dtype=np.uint8)
    for first, last in _UNSPACED_SCRIPTS:
        part = table[first : last + 1]
        part[part == LETTER] = UNSPACED
    for chars, kind in ((_COMMAS, COMMA), (_STOPS, STOP), (_QUOTES, QUOTE), (_SIGNS, SIGN)):
        table[[ord(char) for char in chars]] = kind
    return table


def _kind_of(category: str) -> int:
    return _BY_CATEGORY.get(category, LETTER if category[0] == "M" else SIGN if category[0] == "S" else OTHER)


_IS_WORD = np.array([kind in (LOWER, UPPER, LETTER, DIGIT) for kind in range(_KINDS)])
_WORD = re.compile(r"\w+")


def only_letters(text: str) -> str:
    """The letters and digits of a text in lower case, with nothing between them."""
    return "".join(_WORD.findall(text.lower()))
