"""The words of one vocabulary's pieces, written in another's: how two models come to speak of the same words.

A student and its teacher seldom cut words alike, but both cut between words. So each word is written out
once, cut by the other tokenizer, and remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from litebert.text.tokenizer import Tokenizer

Ints = NDArray[np.int64]
Word = tuple[int, ...]

_MOST = 1_000_000
"""Words remembered; then all are forgotten, and it begins again."""


@dataclass(frozen=True, eq=False)
class Crossed:
    """Words in the other vocabulary, one after another.

    ids: int64 [M], no special pieces; words: int64 [M], of which of the words given each piece is; unknown:
    bool [W], whether a word has a piece that is unknown, or none at all.
    """

    ids: Ints
    words: Ints
    unknown: NDArray[np.bool_]


class Crosswalk:
    """From the pieces of `own` to those of `other`."""

    def __init__(self, own: Tokenizer, other: Tokenizer) -> None:
        self.own, self.other = own, other
        self._known: dict[Word, Word] = {}

    def __call__(self, words: Sequence[Word]) -> Crossed:
        """Each word as its own pieces; the same in the other's."""
        self._learn(words)
        crossed = [self._known[word] for word in words]
        sizes = np.fromiter(map(len, crossed), np.int64, len(crossed))
        ids = np.fromiter((piece for word in crossed for piece in word), np.int64, int(sizes.sum()))
        each = np.repeat(np.arange(len(words)), sizes)
        unknown = sizes == 0
        unknown[each[ids == self.other.unknown]] = True
        return Crossed(ids, each, unknown)

    def _learn(self, words: Sequence[Word]) -> None:
        if len(self._known) > _MOST:
            self._known.clear()
        new = [word for word in dict.fromkeys(words) if word not in self._known]
        pieces = self.other.encode_many([self.own.decode(word) for word in new])
        self._known.update((word, tuple(p.ids.tolist())) for word, p in zip(new, pieces, strict=True))


def words_of(ids: Ints, words: Ints) -> list[Word]:
    """The pieces of each word: ids and their words' numbers, ascending from 0, both int64 [n]."""
    ends = np.flatnonzero(np.diff(words)) + 1
    listed = ids.tolist()
    edges = [0, *ends.tolist(), len(listed)]
    return [tuple(listed[start:end]) for start, end in pairwise(edges)] if listed else []
