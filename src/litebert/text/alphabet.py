"""What BERT's cleaning and splitting make of each character: asked of `tokenizers` once, then looked up.

BERT cleans and splits a text character by character (google-research/bert, `BasicTokenizer`): what becomes of
one does not depend on its neighbours. So a table of characters does the work for millions at a time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from tokenizers import normalizers, pre_tokenizers

from litebert.text.limits import Codes

DROPPED, ACCENT, SPACE, ALONE, WORD = range(1, 6)
"""Taken out (a control character); taken out, and part of the character before it; white space; a piece of
its own (a Chinese character, punctuation); part of a word. A table's 0 is a character not met yet."""

Kinds = NDArray[np.uint8]

_SIZE = 0x110000


class Alphabet:
    """The characters met so far, by code point.

    kinds: uint8. alone: int32, the id of each character that is a piece of its own; `id` finds it.
    """

    def __init__(
        self, *, lower_case: bool, strip_accents: bool | None, split_chinese: bool, id: Callable[[str], int]
    ) -> None:
        self._normalizer = normalizers.BertNormalizer(
            clean_text=True,
            handle_chinese_chars=split_chinese,
            strip_accents=strip_accents,
            lowercase=lower_case,
        )
        self._splitter = pre_tokenizers.BertPreTokenizer()
        self._id = id
        self._kinds = np.zeros(_SIZE, np.uint8)
        self.alone = np.zeros(_SIZE, np.int32)

    def kinds(self, codes: Codes) -> Kinds:
        kinds = self._kinds[codes]
        if not kinds.all():
            for code in np.unique(codes[kinds == 0]).tolist():
                self._learn(code)
            kinds = self._kinds[codes]
        return kinds

    def form(self, text: str) -> str:
        """A word, or a character of one, as the vocabulary would write it."""
        form: str = self._normalizer.normalize_str(text)
        return form

    def _learn(self, code: int) -> None:
        words = [word for word, _ in self._splitter.pre_tokenize_str(self.form(f"a{chr(code)}a"))]
        if len(words) == 3:
            self.alone[code] = self._id(words[1])
        # The kind comes last: another thread that sees it finds the rest in place.
        self._kinds[code] = _kind(chr(code), words)


def _kind(character: str, words: list[str]) -> int:
    """What a character is that splits `a?a` into `words`."""
    if len(words) > 1:
        return SPACE if len(words) == 2 else ALONE
    if len(words[0]) > 2:
        return WORD
    return ACCENT if unicodedata.category(character).startswith("M") else DROPPED
