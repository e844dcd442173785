"""A chunk of sentences → two segments, in order or not, that fit into a sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from litebert.data.chunks import Chunks, Edges
from litebert.data.corpus.reader import Corpus
from litebert.data.masking_settings import Sentences

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


IGNORED = -100
"""The label that torch's cross-entropy leaves out."""

DRAWS = 4
"""How many random numbers, from 0 to 1, a pair needs."""


class Pairs(NamedTuple):
    """For each of B samples, where its two segments start in the corpus, their pieces, and the label. int64
    [B].

    label: 1 if the segments are swapped or the second is from elsewhere, else 0; -100 if there is no second.
    """

    a: Ints
    a_size: Ints
    b: Ints
    b_size: Ints
    label: Ints


class Pairing:
    """Makes pairs of chunks.

    A chunk is parted after one of its sentences, drawn evenly. One of a single sentence is parted at the word
    start nearest its middle. With `order` every other pair, by chance, is swapped; with `next` the second
    segment of every other pair is taken from a random place of another document, and what stood there is not
    used in this epoch. `none` makes one segment of the chunk.

    faithful: as google-research/albert has it, a single sentence gets its second segment from another
    document even with `order`, and counts as swapped.
    """

    def __init__(self, corpus: Corpus, edges: Edges, sentences: Sentences, faithful: bool) -> None:
        self.corpus, self.edges = corpus, edges
        self.sentences, self.faithful = sentences, faithful

    def __call__(self, chunks: Chunks, which: Ints, draws: Floats) -> Pairs:
        """The pairs of the chunks `which` [B]; draws: [4, B]."""
        first, last = chunks.starts[which], chunks.ends[which]
        start, end = self.edges.pieces[first], self.edges.pieces[last]
        if self.sentences == "none":
            return Pairs(start, end - start, end, np.zeros_like(end), np.full_like(end, IGNORED))
        middle = self.edges.pieces[
            np.minimum(first + 1 + (draws[0] * (last - first - 1)).astype(np.int64), last)
        ]
        is_single = last - first == 1
        is_other = draws[1] < 0.5
        if not self.faithful:
            middle[is_single] = self._middles(start[is_single], end[is_single])
        elsewhere = is_other if self.sentences == "next" else np.zeros_like(is_other)
        if self.faithful:
            elsewhere = elsewhere | is_single
        is_other |= elsewhere
        pairs = Pairs(start, middle - start, middle, end - middle, is_other.astype(np.int64))
        if elsewhere.any():
            pairs = self._from_elsewhere(pairs, first, elsewhere, draws[2:])
        return _swapped(pairs, is_other & ~elsewhere)

    def _middles(self, starts: Ints, ends: Ints) -> Ints:
        """For each sentence the word start nearest its middle, or the middle of one word."""
        return np.array(
            [self._middle(*sides) for sides in zip(starts.tolist(), ends.tolist(), strict=True)], np.int64
        )

    def _middle(self, start: int, end: int) -> int:
        places = np.arange(start + 1, end)
        words = places[self.corpus.starts_word(places)]
        middle = (start + end) // 2
        return int(words[np.argmin(np.abs(words - middle))]) if len(words) else middle

    def _from_elsewhere(self, pairs: Pairs, sentence: Ints, where: Bools, draws: Floats) -> Pairs:
        """Second segments from another document, about as long as those that they stand for."""
        bounds, pieces = self.edges.sentences, self.edges.pieces
        own = np.searchsorted(bounds, sentence, side="right") - 1
        document = (draws[0] * (len(bounds) - 2)).astype(np.int64)
        document += document >= own
        size = bounds[document + 1] - bounds[document]
        begin = bounds[document] + (draws[1] * size).astype(np.int64)
        wanted = np.maximum(pairs.b_size, 1)
        end = np.minimum(np.searchsorted(pieces, pieces[begin] + wanted), bounds[document + 1])
        b = np.where(where, pieces[begin], pairs.b)
        return pairs._replace(b=b, b_size=np.where(where, pieces[end] - pieces[begin], pairs.b_size))


def surplus(pairs: Pairs, room: int) -> tuple[Ints, Ints]:
    """How many pieces each segment has to lose: one after another from the longer, the second if both are
    equal."""
    over = np.maximum(pairs.a_size + pairs.b_size - room, 0)
    longer = pairs.a_size - pairs.b_size
    level = np.minimum(over, np.abs(longer))
    rest = over - level
    return np.where(longer > 0, level, 0) + rest // 2, np.where(longer > 0, 0, level) + rest - rest // 2


def _swapped(pairs: Pairs, where: Bools) -> Pairs:
    a, b = np.where(where, pairs.b, pairs.a), np.where(where, pairs.a, pairs.b)
    a_size, b_size = np.where(where, pairs.b_size, pairs.a_size), np.where(where, pairs.a_size, pairs.b_size)
    return Pairs(a, a_size, b, b_size, pairs.label)
