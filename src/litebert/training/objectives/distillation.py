"""A teacher's states of words and texts, learnt beside pretraining or by themselves.

The student reads a text with pieces masked, the teacher the whole text: so a masked word's state has to be
guessed from those around it, as in data2vec (arXiv 2202.03555), which says more of each word than its name.
Student and teacher may have different vocabularies: words and texts are what they have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from litebert.data.masking import PretrainingBatch
from litebert.data.parallel import Both, ParallelBatch
from litebert.errors import UsageError
from litebert.model.hidden import Hidden
from litebert.model.student import Student
from litebert.text.crosswalk import words_of
from litebert.training.objectives.pretraining import Pretraining
from litebert.training.teacher import Taught, Teacher, means, text_means

Parts = dict[str, Tensor]
TAUGHT = ("words", "texts", "pooled")
"""Parts of the loss that are there, perhaps as 0, whatever a batch holds."""


@dataclass(frozen=True, eq=False)
class Scale:
    """Of a teacher's states at one depth: their mean and spread, fp32 [T] each."""

    mean: Tensor
    spread: Tensor

    def __call__(self, states: Tensor) -> Tensor:
        return (states - self.mean) / self.spread


@dataclass(frozen=True, kw_only=True, eq=False)
class Distillation:
    """(model, batch) → the loss, with `words`, the mean squared error of the words' states over the teacher's
    spread (1 is what guessing the mean has); `texts`, 1 - cosine of the texts' means; and `pooled`, the same
    of what a map makes of the pooler: else classifiers, which read that alone, would begin with a vector that
    has learnt nothing but sentence order.

    A batch is one for pretraining, or that and one of parallel sentences. A word or text counts for as much
    whatever batch or process it is in.
    """

    teacher: Teacher
    depths: Mapping[int, int]
    """Of the student, to those of the teacher: by application of a block, not by block."""
    scales: Mapping[int, Scale]
    """By the teacher's depth."""
    words: float
    """Words in a sample, on average over the corpus."""
    pretraining: Pretraining | None = None
    """What is learnt beside it, if anything."""
    weight: float = 1.0
    """By which the teacher's losses are multiplied: those of guessed words are ten times theirs."""

    def __call__(self, model: nn.Module, batch: PretrainingBatch | Both) -> tuple[Tensor, Parts]:
        assert isinstance(model, Student)
        corpus, parallel = (batch.first, batch.second) if isinstance(batch, Both) else (batch, None)
        depths = self._applied(model)
        states = model.model.encoder.after(corpus.packed, depths)
        last = states[max(states)]
        loss, parts = torch.zeros(()), {name: torch.zeros(()) for name in TAUGHT}
        taught = taught_of(corpus, self.teacher, sorted(set(self.depths.values())))
        if taught is not None:
            loss = loss + self._words(model, corpus, states, taught, parts)
            loss = loss + self._texts(corpus, last, taught, parts)
            loss = loss + self._pooled(model, corpus, last, taught, parts)
        if parallel is not None:
            # A batch's loss weighs by its samples of the corpus; these weigh by their own number.
            weight = len(parallel) / parallel.whole * (corpus.whole / len(corpus))
            loss = loss + self._parallel(model, parallel, max(depths), parts) * weight
        loss = loss * self.weight
        if self.pretraining:
            beside, more = self.pretraining.losses(model.model, corpus, last)
            loss, parts = loss + beside, parts | more
        return loss, parts

    def _applied(self, model: Student) -> list[int]:
        """The depths to look at, the deepest that is applied now always among them."""
        encoder = model.model.encoder
        layers = encoder.config.layers
        deepest = self.pretraining.stacking.depth(encoder.draw.step, layers) if self.pretraining else layers
        return sorted({*(depth for depth in self.depths if depth < deepest), deepest})

    def _words(
        self,
        model: Student,
        batch: PretrainingBatch,
        states: Mapping[int, Hidden],
        taught: Taught,
        parts: Parts,
    ) -> Tensor:
        known = torch.zeros(int(batch.words.max()) + 1, dtype=torch.int64) - 1
        known[taught.words] = torch.arange(len(taught.words))
        at = torch.where(batch.words >= 0, known[batch.words.clamp(min=0)], -1)
        rows = torch.nonzero(at >= 0)[:, 0]
        errors = []
        for depth in (depth for depth in states if depth in self.depths):
            pieces = states[depth].pieces
            assert pieces is not None
            own = model.mapped(depth, means(pieces.index_select(0, rows), at[rows], len(taught.words)))
            aim = self.scales[self.depths[depth]](taught.states[self.depths[depth]])
            errors.append((own - aim).square().mean(1).sum())
        if not errors:
            return torch.zeros(())
        error = torch.stack(errors).mean()
        parts["words"] = error / len(taught.words)
        return error / (len(batch) * self.words)

    def _texts(self, batch: PretrainingBatch, last: Hidden, taught: Taught, parts: Parts) -> Tensor:
        if taught.texts.shape[1] != last.first.shape[1]:
            return torch.zeros(())
        assert last.pieces is not None
        error = _apart(text_means(last.pieces, batch.packed)[taught.samples], taught.texts)
        parts["texts"] = error.mean()
        return error.sum() / len(batch)

    def _pooled(
        self, model: Student, batch: PretrainingBatch, last: Hidden, taught: Taught, parts: Parts
    ) -> Tensor:
        error = _apart(model.summarised(last.pooled[taught.samples]), taught.texts)
        parts["pooled"] = error.mean()
        return error.sum() / len(batch)

    def _parallel(self, model: Student, batch: ParallelBatch, depth: int, parts: Parts) -> Tensor:
        hidden = model.model.encoder.after(batch.packed, (depth,))[depth]
        assert hidden.pieces is not None
        error = _apart(text_means(hidden.pieces, batch.packed), batch.aims).mean()
        parts["parallel"] = error
        return error + _apart(model.summarised(hidden.pooled), batch.aims).mean()


def _apart(own: Tensor, aims: Tensor) -> Tensor:
    """[B, T] twice → [B], 1 - cosine."""
    return 1 - F.cosine_similarity(own, aims)


def taught_of(batch: PretrainingBatch, teacher: Teacher, depths: Sequence[int]) -> Taught | None:
    """What the teacher says of a batch's texts as they stood; None if it reads none of them."""
    ids, words = batch.originals.numpy(), batch.words.numpy()
    text = words >= 0
    owners = np.repeat(np.arange(len(batch)), batch.packed.lengths)[text]
    first = np.flatnonzero(np.diff(words[text], prepend=-1))
    return teacher(words_of(ids[text], words[text]), owners[first], len(batch), depths)


def scales(teacher: Teacher, depths: Sequence[int], batches: Iterable[PretrainingBatch]) -> dict[int, Scale]:
    """Of the teacher's states over some batches. Raises `UsageError` if it reads none of their texts."""
    taught = [found for batch in batches if (found := taught_of(batch, teacher, depths)) is not None]
    if not taught:
        raise UsageError(
            "the teacher knows too few of the corpus's words: it is not in a language that it reads"
        )
    states = {depth: torch.cat([one.states[depth] for one in taught]) for depth in depths}
    return {depth: Scale(rows.mean(0), rows.std(0) + 1e-6) for depth, rows in states.items()}


def words_a_sample(batches: Iterable[PretrainingBatch]) -> float:
    """On average over some batches."""
    counts = [(int(batch.words.max()) + 1, len(batch)) for batch in batches]
    return sum(words for words, _ in counts) / sum(samples for _, samples in counts)
