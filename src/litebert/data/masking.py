"""Samples for pretraining, drawn on the fly: two segments in order or not, and pieces to guess.

A sample is a function of (seed, epoch, its number in the epoch) alone: any process can draw any of them, in
any order, and nothing is stored. Nothing is copied forty times over: each epoch cuts, pairs and masks anew.

As google-research/albert does it (`create_pretraining_data.py`), without its bugs: there a chunk of one
sentence gets its second segment from another document and counts as swapped; at most 20 pieces are guessed
whatever the length, which is 3.9 % of 512; random pieces may be special ones; and the n-grams are drawn
without a seed. `faithful` repeats the first three, for comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from litebert.data import ngrams
from litebert.data.chunks import Chunks, Edges, cut
from litebert.data.corpus.reader import Corpus
from litebert.data.masking_settings import Masking
from litebert.data.ngrams import Draws, Words
from litebert.data.orders import permutation
from litebert.data.pairs import DRAWS, Pairing, Pairs, surplus
from litebert.errors import DataError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from litebert.model.packing import Packed

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

PUBLISHED_CAP = 20
"""`max_predictions_per_seq` of google-research/albert."""

_PAIRING, _MASKING, _CUTTING = 1, 2, 3
"""Streams of random numbers, apart from that of `permutation`."""


@dataclass(frozen=True, eq=False)
class PretrainingBatch:
    """Samples for one step.

    positions: int64 [M], the places in the packed row of the pieces to guess, ascending. labels: int64 [M],
    what stood there. order: int64 [B], 0 for two segments as they stood, 1 for swapped ones (with `next`, for
    a second one from elsewhere), -100 for a sample of one segment. words: int64 [n], for each of the samples'
    pieces the number of its word in the batch, ascending from 0; -1 for special pieces. whole: how many
    samples the batch has over all processes.
    """

    packed: Packed
    positions: Tensor
    labels: Tensor
    order: Tensor
    words: Tensor
    whole: int

    @property
    def originals(self) -> Tensor:
        """int64 [n], the samples' pieces as they stood in the text."""
        ids = self.packed.ids[: self.packed.count].clone()
        ids[self.positions] = self.labels
        return ids

    def __len__(self) -> int:
        return len(self.packed)

    @property
    def pieces(self) -> int:
        return self.packed.count


class Instances:
    """The samples of a corpus, of at most `length` pieces, special ones included.

    Samples are numbered 0, 1, 2, … on through the epochs; those of an epoch are all its chunks, once each, in
    an order drawn from (seed, epoch). So batch k of n samples is k·n to (k + 1)·n (exclusive), and of W
    processes the r-th takes every W-th of those from the r-th on: the same samples whatever W is.

    Raises `UsageError` for a length without room, and where text is to be taken from another document of a
    corpus that is one; `DataError` for a corpus with no document of two pieces.
    """

    def __init__(self, corpus: Corpus, length: int, seed: int, masking: Masking | None = None) -> None:
        self.corpus, self.length, self.seed = corpus, length, seed
        self.masking = masking or Masking()
        self.room = length - (2 if self.masking.sentences == "none" else 3)
        self._check()
        self._edges = Edges.of(corpus)
        self._pair = Pairing(corpus, self._edges, self.masking.sentences, self.masking.faithful)
        self._specials: dict[str, int] = corpus.vocabulary["specials"]
        ids = np.arange(corpus.vocabulary["size"])
        self._random_ids = ids if self.masking.faithful else np.setdiff1d(ids, list(self._specials.values()))
        self._firsts = [0]
        self.chunks = lru_cache(maxsize=2)(self._cut)

    def _check(self) -> None:
        if self.room < 2:
            least = self.length - self.room + 2
            raise UsageError(f"length is {self.length}; it must be {least} or more, to hold some text")
        if not 0 <= self.seed < 1 << 64:
            raise UsageError(f"seed is {self.seed}; it must be 0 or more, and below 2^64")
        takes_from_others = self.masking.sentences == "next" or self.masking.faithful
        if len(self.corpus) < 2 and takes_from_others:
            raise UsageError("the corpus is one document; text that does not come next is taken from another")

    def _cut(self, epoch: int) -> Chunks:
        chunks = cut(self._edges, self.room, self.masking.short, _Random(self.seed, epoch)(_CUTTING, 0))
        if not len(chunks):
            raise DataError("has no document of two pieces", path=self.corpus.folder)
        return chunks

    @cached_property
    def guesses(self) -> float:
        """Pieces to guess in a sample, on average over the first epoch."""
        chunks, pieces = self.chunks(0), self._edges.pieces
        sizes = np.minimum(pieces[chunks.ends] - pieces[chunks.starts], self.room)
        return float(np.maximum(self.masking.rate * sizes, 1).mean())

    def locate(self, number: int) -> tuple[int, int]:
        """The epoch of a sample, and the number of its chunk there."""
        while self._firsts[-1] <= number:
            self._firsts.append(self._firsts[-1] + len(self.chunks(len(self._firsts) - 1)))
        epoch = int(np.searchsorted(self._firsts, number, side="right")) - 1
        count = self._firsts[epoch + 1] - self._firsts[epoch]
        return epoch, int(permutation(count, self.seed, epoch)[number - self._firsts[epoch]])

    def batch(self, numbers: Sequence[int]) -> PretrainingBatch:
        """The samples of these numbers, in their order; at least one."""
        import torch

        from litebert.model.packing import pack_flat

        by_epoch = groupby(map(self.locate, numbers), key=lambda place: place[0])
        drawn = _joined([self.draw(epoch, [chunk for _, chunk in places]) for epoch, places in by_epoch])
        return PretrainingBatch(
            packed=pack_flat(drawn.ids, drawn.segments, drawn.lengths, np.asarray(numbers, np.int64)),
            positions=torch.from_numpy(drawn.positions),
            labels=torch.from_numpy(drawn.labels),
            order=torch.from_numpy(drawn.order),
            words=torch.from_numpy(drawn.words),
            whole=len(numbers),
        )

    def draw(self, epoch: int, chunks: Sequence[int]) -> Drawn:
        """The samples that an epoch makes of these of its chunks."""
        random = _Random(self.seed, epoch)
        which = np.asarray(chunks, np.int64)
        draws = np.stack([random(_PAIRING, chunk).random(DRAWS + 1) for chunk in chunks], axis=1)
        pairs = self._pair(self.chunks(epoch), which, draws[:DRAWS])
        pairs, noise = _fitted(pairs, self.room, (random(_MASKING, chunk) for chunk in chunks))
        row = _Row(pairs, self.corpus, self._specials)
        guessed = self._guessed(row, noise, draws[DRAWS])
        labels = row.text[guessed]
        row.ids[row.where[guessed]] = self._replaced(labels, noise[3:, guessed])
        where = row.where[guessed]
        return Drawn(row.ids, row.segments, row.lengths, where, labels, pairs.label, row.word_of_each())

    def _guessed(self, row: _Row, noise: Floats, turn: Floats) -> Bools:
        """Whether each text piece is to be guessed: bool [T]."""
        words, first = row.words
        lengths, order, edge = noise[:3, first]
        draws = Draws(lengths, order, edge, turn)
        if self.masking.faithful:
            chosen = self._as_published(row, words, draws)
        else:
            budgets: Floats = np.multiply(self.masking.rate, row.pairs.a_size + row.pairs.b_size)
            chosen = ngrams.choose(words, draws, budgets, self.masking.longest, self.masking.cap)
        return np.repeat(chosen, words.sizes)

    def _as_published(self, row: _Row, words: Words, draws: Draws) -> Bools:
        cap = self.masking.cap or PUBLISHED_CAP
        chosen = np.zeros(len(words.sizes), bool)
        ends = np.cumsum(np.bincount(words.owner, minlength=len(row.lengths)))
        for start, end, length in zip(
            [0, *ends[:-1].tolist()], ends.tolist(), row.lengths.tolist(), strict=True
        ):
            lengths, order, edge = (kind[start:end] for kind in draws[:3])
            own = Draws(lengths, order, edge, draws.turn)
            budget = min(cap, max(1, round(self.masking.rate * length)))
            found = ngrams.published(words.sizes[start:end].tolist(), own, budget, self.masking.longest)
            chosen[start + np.array(found, np.int64)] = True
        return chosen

    def _replaced(self, labels: Ints, noise: Floats) -> Ints:
        """Of the pieces to guess 80 % become `[MASK]`, 10 % any other piece, 10 % stay. noise: [2, M]."""
        action, choice = noise
        others = self._random_ids[(choice * len(self._random_ids)).astype(np.int64)]
        new: Ints = np.where(action < 0.8, self._specials["mask"], np.where(action < 0.9, labels, others))
        return new


class Drawn(NamedTuple):
    """Samples as arrays: ids, segments, words int64 [N]; lengths, order int64 [B]; positions, labels int64
    [M]."""

    ids: Ints
    segments: Ints
    lengths: Ints
    positions: Ints
    labels: Ints
    order: Ints
    words: Ints


class _Row:
    """The sequences `[CLS] A [SEP] B [SEP]` of pairs, or `[CLS] A [SEP]`, one after another.

    ids, segments: [N]; lengths: [B]; text: [T], the pieces that are text; where: [T], their places in the
    row.
    """

    def __init__(self, pairs: Pairs, corpus: Corpus, specials: dict[str, int]) -> None:
        self.pairs, self.corpus = pairs, corpus
        count = len(pairs.a)
        one = np.ones(count, np.int64)
        sizes = np.stack([one, pairs.a_size, one, pairs.b_size, (pairs.b_size > 0).astype(np.int64)], axis=1)
        self.lengths = sizes.sum(axis=1)
        run = np.repeat(np.tile(np.arange(5), count), sizes.ravel())
        self.segments = (run > 2).astype(np.int64)
        self.ids = np.array([specials[name] for name in ("cls", "pad", "sep", "pad", "sep")])[run]
        self.where = np.flatnonzero(run % 2)
        self._sizes = sizes[:, [1, 3]].ravel()
        starts = np.stack([pairs.a, pairs.b], axis=1).ravel()
        self._firsts = np.cumsum(self._sizes) - self._sizes
        self._places = np.arange(len(self.where)) + np.repeat(starts - self._firsts, self._sizes)
        self.text = corpus.pieces[self._places].astype(np.int64)
        self.ids[self.where] = self.text

    @cached_property
    def words(self) -> tuple[Words, Ints]:
        """The words, and where the first piece of each stands in `text`. A segment's first piece starts
        one."""
        starts = self.corpus.starts_word(self._places)
        starts[self._firsts[self._sizes > 0]] = True
        first = np.flatnonzero(starts)
        run = np.repeat(np.arange(len(self._sizes)), self._sizes)[first]
        return Words(owner=run // 2, sizes=np.diff(np.append(first, len(starts))), run=run), first

    def word_of_each(self) -> Ints:
        """[N], the number of each piece's word; -1 for special pieces."""
        sizes = self.words[0].sizes
        each = np.full(len(self.ids), -1)
        each[self.where] = np.repeat(np.arange(len(sizes)), sizes)
        return each


class _Random:
    """Random numbers by (seed, epoch, stream, sample): one generator, put in the place for each of them."""

    def __init__(self, seed: int, epoch: int) -> None:
        self._bits = Philox(key=[seed, 0])
        self._generator = Generator(self._bits)
        self._state = self._bits.state
        self.epoch = epoch

    def __call__(self, stream: int, sample: int) -> Generator:
        """The generator, until the next call."""
        self._state["state"]["counter"][:] = (0, stream, sample, self.epoch)
        self._bits.state = self._state
        return self._generator


def _fitted(pairs: Pairs, room: int, generators: Iterable[Generator]) -> tuple[Pairs, Floats]:
    """Segments that fit, each piece too many taken from its start or its end by chance; and noise for
    masking.

    noise: [5, T], five numbers for each piece that is left.
    """
    a_over, b_over = surplus(pairs, room)
    fronts: list[tuple[int, int]] = []
    noise: list[Floats] = []
    left = pairs.a_size + pairs.b_size - a_over - b_over
    for generator, a, b, size in zip(
        generators, a_over.tolist(), b_over.tolist(), left.tolist(), strict=True
    ):
        fronts.append((_heads(generator, a), _heads(generator, b)))
        noise.append(generator.random((5, size)))
    a_front, b_front = np.array(fronts, np.int64).T
    fitted = Pairs(
        pairs.a + a_front, pairs.a_size - a_over, pairs.b + b_front, pairs.b_size - b_over, pairs.label
    )
    return fitted, np.concatenate(noise, axis=1)


def _heads(generator: Generator, coins: int) -> int:
    return int(np.count_nonzero(generator.random(coins) < 0.5)) if coins else 0


def _joined(drawn: list[Drawn]) -> Drawn:
    """Samples of several epochs in one."""
    if len(drawn) == 1:
        return drawn[0]
    before = np.cumsum([0, *(len(each.ids) for each in drawn[:-1])])
    words = np.cumsum([0, *(each.words.max() + 1 for each in drawn[:-1])])
    moved = [
        each._replace(
            positions=each.positions + start, words=np.where(each.words < 0, -1, each.words + first_word)
        )
        for each, start, first_word in zip(drawn, before, words, strict=True)
    ]
    return Drawn(*(np.concatenate(each) for each in zip(*moved, strict=True)))
