"""A task's own loss at every depth at which a sequence may leave."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from litebert.data.encoded import Batch
from litebert.model.model import Model
from litebert.tasks.task import Task


class EarlyExit:
    """(model, batch) → the mean of the losses at all depths, each weighted by 1 + its depth (as in PABEE,
    arXiv 2006.04152 §3.3); `last` is that after the last layer alone."""

    def __init__(self, task: Task[Any, Any]) -> None:
        self.task = task

    def __call__(self, model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(model, Model) and model.exits is not None
        layers = model.encoder.config.layers
        hidden, last = model.encoder.at_exits(batch.packed, model.exits.depths)
        scores = {**model.exits.scores(hidden), layers: model.head(last)}
        losses = {depth: self.task.loss(found, batch.targets) for depth, found in scores.items()}
        weighted = torch.stack([(1 + depth) * loss for depth, loss in losses.items()])
        return weighted.sum() / sum(1 + depth for depth in losses), {"last": losses[layers]}
