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
    every `world`-th example of the epoch from `rank` on, so that their shares of an epoch differ by one
    example at most. What a batch holds does not depend on the world.
    """

    encoded: Epochs
    size: int
    seed: int
    rank: int = 0
    world: int = 1
    order: Order | None = None
    even: bool = False
    """Whether all batches of an epoch are of one size, to within one; else all but the last are full."""

    @property
    def per_epoch(self) -> int:
        """How many batches go once through the examples; the last may be smaller."""
        return -(-len(self._order) // self.size)

    def __call__(self, number: int) -> Batch:
        """Batch `number`, counted from 0 and on through the epochs."""
        epoch, places = self._places(number)
        encoded, rows = self.encoded.epoch(epoch, self._order(self.seed, epoch))
        batch = encoded.batch(rows[self._mine(places)])
        return replace(batch, examples=tuple(self.share(number).tolist()), whole=len(places))

    def drawn(self, number: int) -> NDArray[np.int64]:
        """The numbers of the examples in the whole batch."""
        epoch, places = self._places(number)
        return self._order(self.seed, epoch)[places]

    def share(self, number: int) -> NDArray[np.int64]:
        """Those of them that are this process's."""
        epoch, places = self._places(number)
        return self._order(self.seed, epoch)[self._mine(places)]

    def _places(self, number: int) -> tuple[int, NDArray[np.int64]]:
        """The batch's epoch, and its places in it."""
        epoch, at = divmod(number, self.per_epoch)
        count = len(self._order)
        if self.even:
            return epoch, np.arange(count * at // self.per_epoch, count * (at + 1) // self.per_epoch)
        return epoch, np.arange(at * self.size, min((at + 1) * self.size, count))

    def _mine(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        return places[(self.rank - places[0]) % self.world :: self.world]

    @property
    def _order(self) -> Order:
        return Shuffled(len(self.encoded)) if self.order is None else self.order
