"""The torch model with its exits as a runner: each sequence leaves when it is sure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from litebert.engine.leaving import Rule, judge_of
from litebert.engine.scheduler import Scheduler
from litebert.model.model import Model
from litebert.model.packing import Packed
from litebert.model.staged import Staged
from litebert.tasks.task import Task
from litebert.text.encoding import Encoding

Scores = Mapping[str, NDArray[np.float32]]


class EarlyExit:
    """Runs `model`, which has exits, in `dtype`; the model is then for this alone.

    Each call has a scheduler of its own: one that was interrupted leaves nothing behind.
    """

    def __init__(self, model: Model, task: Task[Any, Any], dtype: torch.dtype, rule: Rule) -> None:
        self._staged, self._judge, self._rule = Staged(model, dtype), judge_of(task), rule
        self.depths: Counter[int] = Counter()
        """How many pieces have left after so many layers."""

    def __call__(self, batch: Packed) -> Scores:
        ids, segments = (part[: batch.count].numpy() for part in (batch.ids, batch.segments))
        ends = np.cumsum(batch.lengths)[:-1]
        spans = np.zeros((batch.count, 2), dtype=np.int64)
        parts = (np.split(part, ends) for part in (ids, segments, spans))
        rows = self.many([Encoding(*three) for three in zip(*parts, strict=True)])
        return {"logits": np.stack([row["logits"] for row in rows])}

    def many(self, encodings: Sequence[Encoding]) -> list[Scores]:
        """The scores of each, in order."""
        scheduler, found = Scheduler[int](self._staged, self._judge, self._rule), dict[int, Scores]()
        for i in sorted(range(len(encodings)), key=lambda i: len(encodings[i])):
            scheduler.join(i, encodings[i])
        while scheduler:
            found.update((i, {"logits": scores}) for i, scores in scheduler.step())
        self.depths.update(scheduler.depths)
        return [found[i] for i in range(len(encodings))]
