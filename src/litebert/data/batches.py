"""Batch k as a function of (seed, k): resuming is arithmetic, and no order has to be saved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from litebert.data.encoded import Batch, Encoded


@dataclass(frozen=True, eq=False)
class Batches:
    """Every example once an epoch, in an order drawn from (seed, epoch), `size` at a time.

    With a `world` of several processes all draw the same batches, and each takes its own share of each:
    every `world`-th example from `rank` on. What a batch holds does not depend on the world.
    """

    encoded: Encoded
    size: int
    seed: int
    rank: int = 0
    world: int = 1

    @property
    def per_epoch(self) -> int:
        """How many batches go once through the examples; the last may be smaller."""
        return -(-len(self.encoded) // self.size)

    def __call__(self, number: int) -> Batch:
        """Batch `number`, counted from 0 and on through the epochs."""
        drawn = self.drawn(number)
        return replace(self.encoded.batch(drawn[self.rank :: self.world]), whole=len(drawn))

    def drawn(self, number: int) -> NDArray[np.int64]:
        """The numbers of the examples in the whole batch."""
        epoch, at = divmod(number, self.per_epoch)
        return permutation(len(self.encoded), self.seed, epoch)[at * self.size : (at + 1) * self.size]


@lru_cache(maxsize=4)
def permutation(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """0 to count - 1 in the order of that epoch; the same on every machine."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)
