"""An encoder and the head that reads it."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from litebert.model.encoders.albert import Encoder
from litebert.model.hidden import Hidden, Reads
from litebert.model.packing import Packed

Scores = dict[str, Tensor]
"""Tensors by name, with a row for each sequence [B, …] or for each piece [N, …]."""


class Head(Protocol):
    """Hidden → Scores, saying what of Hidden it reads."""

    reads: Reads

    def __call__(self, hidden: Hidden) -> Scores: ...


class Model(nn.Module):
    """batch → Scores."""

    def __init__(self, encoder: Encoder, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, batch: Packed) -> Scores:
        reads: Reads = self.head.reads  # type: ignore[assignment]
        return self.head(self.encoder(batch, reads))  # type: ignore[no-any-return]
