"""Sentences in a student's language, each with where a teacher puts its translation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from litebert.data.orders import permutation
from litebert.text.encoding import Encoding

if TYPE_CHECKING:
    from torch import Tensor

    from litebert.model.packing import Packed


@dataclass(frozen=True, eq=False)
class ParallelBatch:
    """aims: fp32 [B, T], the teacher's vector of each sequence's translation; whole: how many sequences there
    are over all processes."""

    packed: Packed
    aims: Tensor
    whole: int

    def __len__(self) -> int:
        return len(self.aims)


@dataclass(frozen=True, eq=False)
class ParallelBatches:
    """Every sentence once an epoch, in an order drawn from (seed, epoch), `size` at a time; of W processes
    the r-th takes every W-th of a batch. What is left over at the end of an epoch is left out."""

    encodings: Sequence[Encoding]
    aims: NDArray[np.float32]
    """[n, T]"""
    size: int
    seed: int
    rank: int = 0
    world: int = 1

    def __call__(self, number: int) -> ParallelBatch:
        import torch

        from litebert.model.packing import pack

        per_epoch = max(1, len(self.encodings) // self.size)
        epoch, at = divmod(number, per_epoch)
        drawn = permutation(len(self.encodings), self.seed, epoch)[at * self.size : (at + 1) * self.size]
        mine = drawn[self.rank :: self.world]
        packed = pack([self.encodings[i] for i in mine], mine.tolist())
        return ParallelBatch(packed, torch.from_numpy(self.aims[mine]), whole=len(drawn))


class Counted(Protocol):
    """Batches that know how many there are."""

    @property
    def per_epoch(self) -> int: ...
    def __call__(self, number: int) -> Any: ...


@dataclass(frozen=True, eq=False)
class Beside:
    """Batch k of two kinds at once, as one that is as large as the first."""

    first: Counted
    second: Callable[[int], Any]

    @property
    def per_epoch(self) -> int:
        return self.first.per_epoch

    def __call__(self, number: int) -> Both:
        return Both(self.first(number), self.second(number))


@dataclass(frozen=True, eq=False)
class Both:
    """Two batches; as large as the first."""

    first: Any
    second: Any

    def __len__(self) -> int:
        return len(self.first)

    @property
    def whole(self) -> int:
        return int(self.first.whole)

    @property
    def pieces(self) -> int:
        return int(self.first.pieces + self.second.packed.count)
