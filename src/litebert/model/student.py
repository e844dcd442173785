"""A model in pretraining that also learns a teacher's states, by maps that are left behind afterwards."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.pretraining import PretrainingModel


class Student(nn.Module):
    """maps: student's depth → teacher's width, a learnt linear map each (TinyBERT, arXiv 1909.10351 §3.1);
    summary: what classifiers read → the teacher's vector of a text."""

    def __init__(self, model: PretrainingModel, depths: Mapping[int, int], width: int) -> None:
        """depths: of the student, to those of the teacher. Equal widths begin with the identity."""
        super().__init__()
        self.model, self.depths = model, dict(depths)
        self.maps = nn.ModuleDict({str(depth): nn.Linear(self.hidden, width) for depth in depths})
        self.summary = nn.Linear(self.hidden, width)
        for one in (*self.maps.values(), self.summary):
            assert isinstance(one, nn.Linear)
            nn.init.eye_(one.weight) if width == self.hidden else nn.init.xavier_uniform_(one.weight)
            nn.init.zeros_(one.bias)

    @property
    def hidden(self) -> int:
        return self.model.encoder.config.hidden

    def mapped(self, depth: int, states: Tensor) -> Tensor:
        """states [W, H] of that depth → [W, T]."""
        return self.maps[str(depth)](states)  # type: ignore[no-any-return]

    def summarised(self, pooled: Tensor) -> Tensor:
        """[B, H] → [B, T]."""
        return self.summary(pooled)  # type: ignore[no-any-return]

    def checkpoint(self) -> Checkpoint:
        return self.model.checkpoint()

    @property
    def dtype(self) -> torch.dtype:
        return self.model.encoder.dtype
