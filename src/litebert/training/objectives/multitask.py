"""Several tasks on one encoder: each batch is of one of them, and costs what that task says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn

from litebert.data.mixing import Mixed
from litebert.model.several import Several
from litebert.training.loop import Objective, weighed


@dataclass(frozen=True, kw_only=True, eq=False)
class Multitask:
    """(model, batch) → the loss of the batch's task, and the same under the task's name."""

    objectives: Mapping[str, Objective]
    told: bool = True
    """Whether each task's loss is told. Where an update has batches of several tasks it cannot be: parts are
    means over all of the update's samples."""

    def __call__(self, model: nn.Module, batch: Mixed) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(model, Several)
        loss, _ = self.objectives[batch.task](model.of(batch.task), batch.batch)
        return loss, {f"{batch.task}/loss": loss} if self.told else {}

    def split(self, batch: Mixed) -> Iterator[tuple[Mixed, float]]:
        """As the batch's task splits it."""
        for part, weight in weighed(self.objectives[batch.task], batch.batch):
            yield replace(batch, batch=part), weight / len(batch)
