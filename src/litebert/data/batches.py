"""Batch k as a function of (seed, k): resuming is arithmetic, and no order has to be saved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from litebert.data.encoded import Batch, Encoded
from litebert.data.orders import Order, Shuffled


class Epochs(Protocol):
    """Examples, encoded: the same in every epoch, or changed for each."""

    def __len__(self) -> int:
        """How many examples."""

    def epoch(self, number: int, order: NDArray[np.int64]) -> tuple[Encoded, NDArray[np.int64]]:
        """What an epoch's batches are cut from, and its rows in the order in which they come.

        order: the numbers of the examples in that order."""


@dataclass(frozen=True, eq=False)
class Batches:
    """The examples in an order drawn from (seed, epoch), `size` at a time: every one once an epoch, unless
    another order is given.

    With a `world` of several processes all draw the same batches, and each takes its own share of each:
    every `world`-th example from `rank` on. What a batch holds does not depend on the world.
    """

    encoded: Epochs
    size: int
    seed: int
    rank: int = 0
    world: int = 1
    order: Order | None = None

    @property
    def per_epoch(self) -> int:
        """How many batches go once through the examples; the last may be smaller."""
        return -(-len(self._order) // self.size)

    def __call__(self, number: int) -> Batch:
        """Batch `number`, counted from 0 and on through the epochs."""
        epoch, places = self._places(number)
        encoded, rows = self.encoded.epoch(epoch, self._order(self.seed, epoch))
        batch = encoded.batch(rows[places[self.rank :: self.world]])
        return replace(
            batch, examples=tuple(self.drawn(number)[self.rank :: self.world].tolist()), whole=len(places)
        )

    def drawn(self, number: int) -> NDArray[np.int64]:
        """The numbers of the examples in the whole batch."""
        epoch, places = self._places(number)
        return self._order(self.seed, epoch)[places]

    def _places(self, number: int) -> tuple[int, NDArray[np.int64]]:
        """The batch's epoch, and its places in it."""
        epoch, at = divmod(number, self.per_epoch)
        return epoch, np.arange(at * self.size, min((at + 1) * self.size, len(self._order)))

    @property
    def _order(self) -> Order:
        return Shuffled(len(self.encoded)) if self.order is None else self.order
