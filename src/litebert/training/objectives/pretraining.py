"""Masked language, and what is to be told of two segments (arXiv 1909.11942 §3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from litebert.data.masking import PretrainingBatch
from litebert.model.hidden import Hidden
from litebert.model.pretraining import PretrainingModel
from litebert.model.pretraining_heads import MaskedLanguage
from litebert.training.stacking import NO_STACKING, Stacking

_NO_PAIR = -100
"""The label of a sample that is one segment; `cross_entropy` passes it over."""


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """(model, batch) → the loss, with `mlm` and `order`, the mean losses of the two, and how often the answer
    was right, `mlm_accuracy` and `order_accuracy`.

    A guess counts for as much whatever batch or process its sample is in: the losses of a batch's guesses are
    summed, and divided by its samples times the guesses that a sample has on average.
    """

    guesses: float
    """Pieces to guess in a sample, on average over the corpus."""
    stacking: Stacking = NO_STACKING
    """How many layers are applied at each step."""
    also_at: Sequence[int] = ()
    """Further depths at which the losses are taken; all count alike."""

    def __call__(self, model: nn.Module, batch: PretrainingBatch) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(model, PretrainingModel)
        encoder = model.encoder
        deepest = self.stacking.depth(encoder.draw.step, encoder.config.layers)
        depths = sorted({*(depth for depth in self.also_at if depth < deepest), deepest})
        losses = [
            self.losses(model, batch, hidden) for hidden in encoder.after(batch.packed, depths).values()
        ]
        return torch.stack([loss for loss, _ in losses]).mean(), losses[-1][1]

    def losses(
        self, model: PretrainingModel, batch: PretrainingBatch, hidden: Hidden
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Of one depth's states."""
        loss, parts = masked_loss(model.masked, hidden, batch, self.guesses)
        if model.order is not None:
            scores = model.order(hidden)["order"]
            order = F.cross_entropy(scores, batch.order, ignore_index=_NO_PAIR, reduction="sum") / len(batch)
            loss = loss + order
            parts |= {"order": order, "order_accuracy": _share_right(scores, batch.order)}
        return loss, parts


def masked_loss(
    head: MaskedLanguage, hidden: Hidden, batch: PretrainingBatch, guesses: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch's guesses over its samples, `guesses` to each; their mean loss and how many are
    right."""
    words, hits = head.loss(hidden, batch.positions, batch.labels)
    return words * (len(batch.positions) / (len(batch) * guesses)), {"mlm": words, "mlm_accuracy": hits}


def _share_right(scores: Tensor, labels: Tensor) -> Tensor:
    """Of the samples that are pairs; 1 where there are none."""
    pairs = labels != _NO_PAIR
    right = (scores.argmax(1) == labels) & pairs
    return torch.where(pairs.any(), right.sum() / pairs.sum().clamp(min=1), 1.0)
