"""Batches of samples for pretraining: batch k is a function of (seed, k), like any other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from litebert.data.masking import Instances, PretrainingBatch


@dataclass(frozen=True, eq=False)
class PretrainingBatches:
    """`size` samples at a time, on through the epochs.

    With a `world` of several processes each draws its own samples of a batch, every `world`-th from `rank`
    on, and no others.
    """

    instances: Instances
    size: int
    rank: int = 0
    world: int = 1

    @cached_property
    def per_epoch(self) -> int:
        """How many batches go once through the corpus: epochs differ by some samples, this is the first's."""
        return -(-len(self.instances.chunks(0)) // self.size)

    def __call__(self, number: int) -> PretrainingBatch:
        """Batch `number`, counted from 0 and on through the epochs."""
        first = number * self.size
        mine = self.instances.batch(range(first + self.rank, first + self.size, self.world))
        return replace(mine, whole=self.size)
