"""A task's own loss."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from litebert.data.encoded import Batch
from litebert.tasks.task import Task


class Finetuning:
    """(model, batch) → the task's loss; no further parts."""

    def __init__(self, task: Task[Any, Any]) -> None:
        self.task = task

    def __call__(self, model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return self.task.loss(model(batch.packed, batch.targets), batch.targets), {}
