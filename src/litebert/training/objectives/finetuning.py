"""A task's own loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from litebert.data.encoded import Batch
from litebert.tasks.task import Task

AT_ONCE = 4096
"""Pieces of a batch that are worked out at once, where its loss can be worked out in parts: a query has many
candidates, a question several long options. Training a ranker of litebert-tiny on WikiQA took 3.8 GB
for its first four batches (13,000 to 15,000 pieces) at once, and takes 2.2 GB so, in as much time."""


class Finetuning:
    """(model, batch) → the task's loss; no further parts."""

    def __init__(self, task: Task[Any, Any]) -> None:
        self.task = task

    def __call__(self, model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return self.task.loss(model(batch.packed, batch.targets), batch.targets), {}

    def split(self, batch: Batch) -> Iterator[tuple[Batch, float]]:
        """Batches of some of the examples, and the share of each one's loss in the whole batch's: the shares
        of their gradients add up to its gradient, in less memory."""
        whole = self.task.counted(batch.targets) if batch.pieces > AT_ONCE else None
        if whole is None:
            yield batch, 1.0
            return
        for part in batch.split(AT_ONCE):
            yield part, (self.task.counted(part.targets) or 0.0) / max(whole, 1.0)
