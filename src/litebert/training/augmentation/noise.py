"""Noise: words as hasty fingers type them.

A letter is left out, doubled, changes places with the next, or is that of a key beside it. A Chinese
character becomes one that sounds alike, as a wrong choice in a pinyin keyboard's list: the first level of
GB 2312 is in the order of pinyin, and of two of its characters not more than two places apart 85 % have a
syllable in common (looked up in pypinyin).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from numpy.random import Generator

from litebert.tasks.rewording import Change
from litebert.text.han import gb2312_level_1
from litebert.training.augmentation.augmentation import Augmentation, Ground, Setting, by_words, picked

_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEAR = 2
"""Places between two characters that sound alike."""


def make(setting: Setting, ground: Ground) -> Augmentation:  # noqa: ARG001 (it looks at nothing else)
    """rate: of the words; each has one error."""

    def choose(words: Sequence[str], free: Sequence[int], draw: Generator) -> Mapping[int, str]:
        return {i: mistyped(words[i], draw) for i in picked(free, setting.rate, draw)}

    def noise(number: int, draw: Generator) -> Change:  # noqa: ARG001 (any example alike)
        return by_words(choose, draw)

    return noise


def mistyped(word: str, draw: Generator) -> str:
    """The word with one error, never empty; as it is, if its characters are of another script."""
    at = int(draw.integers(len(word)))
    character, before, after = word[at], word[:at], word[at + 1 :]
    if near := _alike().get(character):
        return before + near[int(draw.integers(len(near)))] + after
    if not (character.isascii() and character.isalpha()):
        return word
    kinds = [2 * character, _beside(character, draw)]
    kinds += ["", after[:1] + character] if after else []
    kind = int(draw.integers(len(kinds)))
    return before + kinds[kind] + (after[1:] if kind == 3 else after)


def _beside(letter: str, draw: Generator) -> str:
    """The letter of a key beside it, in the same case."""
    (row,) = (row for row in _KEYBOARD if letter.lower() in row)
    at = row.index(letter.lower())
    beside = [row[i] for i in (at - 1, at + 1) if 0 <= i < len(row)]
    found = beside[int(draw.integers(len(beside)))]
    return found.upper() if letter.isupper() else found


@cache
def _alike() -> dict[str, str]:
    """Of each common Chinese character those about it in the order of pinyin."""
    ordered = gb2312_level_1()
    return {
        one: ordered[max(0, i - _NEAR) : i] + ordered[i + 1 : i + 1 + _NEAR] for i, one in enumerate(ordered)
    }
