"""An encoder and the head that reads it, or the decoder that writes from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from litebert.model.encoders.albert import Encoder
from litebert.model.exits import Exits
from litebert.model.hidden import Hidden, Reads
from litebert.model.packing import Packed

Scores = dict[str, Tensor]
"""Tensors by name, with a row for each sequence [B, …] or for each piece [N, …]."""


class Head(Protocol):
    """Hidden → Scores, saying what of Hidden it reads."""

    reads: Reads

    def __call__(self, hidden: Hidden) -> Scores: ...


Targets = Mapping[str, Tensor]
"""What is aimed at, as `Task.loss` has it."""


class Model(nn.Module):
    """batch → Scores.

    A head that is `guided` learns one thing given another, an end given the right start: in training it is
    called with the targets as well. dtype: the encoder's precision, its own if left out. exits: heads after
    layers before the last, which this call leaves out.
    """

    def __init__(self, encoder: Encoder, head: nn.Module, exits: Exits | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.exits = exits

    def forward(
        self, batch: Packed, targets: Targets | None = None, dtype: torch.dtype | None = None
    ) -> Scores:
        reads: Reads = self.head.reads  # type: ignore[assignment]
        hidden = self.encoder(batch, reads, dtype)
        if targets is not None and getattr(self.head, "guided", False):
            return self.head(hidden, targets)  # type: ignore[no-any-return]
        return self.head(hidden)  # type: ignore[no-any-return]
