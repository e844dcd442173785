"""In which order an epoch goes through the examples, and how often it comes to each: of (seed, epoch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Order(Protocol):
    """Every example comes at least once in each epoch, and each epoch has as many places."""

    def __len__(self) -> int:
        """How many places."""

    def __call__(self, seed: int, epoch: int) -> NDArray[np.int64]:
        """The numbers of the examples as they come; the same on every machine."""


@lru_cache(maxsize=4)
def permutation(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """0 to count - 1 in the order of that epoch; the same on every machine."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)


@dataclass(frozen=True)
class Shuffled:
    """Every example once."""

    count: int

    def __len__(self) -> int:
        return self.count

    def __call__(self, seed: int, epoch: int) -> NDArray[np.int64]:
        return permutation(self.count, seed, epoch)


@dataclass(frozen=True, eq=False)
class Balanced:
    """Every class as often as the commonest: its examples all equally often, but for a rest that each epoch
    draws anew."""

    classes: Sequence[str]
    """Of each example."""

    def __len__(self) -> int:
        counts = np.bincount(self._numbers)
        return int(counts.max(initial=0)) * len(counts)

    def __call__(self, seed: int, epoch: int) -> NDArray[np.int64]:
        return _balanced(self, seed, epoch)

    @cached_property
    def members(self) -> list[NDArray[np.int64]]:
        """The numbers of each class's examples."""
        return [np.flatnonzero(self._numbers == one) for one in range(self._numbers.max(initial=-1) + 1)]

    @cached_property
    def _numbers(self) -> NDArray[np.int64]:
        place = {name: number for number, name in enumerate(dict.fromkeys(self.classes))}
        return np.array([place[name] for name in self.classes], dtype=np.int64)


@lru_cache(maxsize=4)
def _balanced(order: Balanced, seed: int, epoch: int) -> NDArray[np.int64]:
    most = max(map(len, order.members))
    draw = np.random.Generator(np.random.Philox(key=[seed, epoch]))
    return draw.permutation(np.concatenate([np.resize(draw.permutation(m), most) for m in order.members]))
