"""Masked language alone, by a task's own head."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from litebert.data.masking import PretrainingBatch
from litebert.model.model import Model
from litebert.model.pretraining_heads import MaskedLanguage
from litebert.training.objectives.pretraining import masked_loss


@dataclass(frozen=True)
class Masked:
    """(model, batch) → the loss of the pieces to guess, as in pretraining, and how often a guess is right."""

    guesses: float
    """Pieces to guess in a sample, on average over the corpus."""

    def __call__(self, model: nn.Module, batch: PretrainingBatch) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(model, Model)
        assert isinstance(model.head, MaskedLanguage)
        return masked_loss(model.head, model.encoder(batch.packed, "pieces"), batch, self.guesses)
