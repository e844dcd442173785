"""Dropout drawn by counter: whether an element is kept is a function of (seed, step, site, sample, place).

No generator has a state to save, and a sample meets the same dropout in any batch, on any number of
processes. A strong hash gives each row and each column a number; a short one mixes the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from litebert.model.native import dropout as native
from litebert.model.native.compiling import serves


@dataclass(frozen=True)
class Draw:
    """Where in a run we are. Sites (layers and the places in them) are numbered by the caller."""

    seed: int = 0
    step: int = 0

    def rows(self, keys: Tensor, site: int) -> Tensor:
        """int32, one number for each of `keys` (int64)."""
        salt = _mix(_mix(_mix(self.seed) ^ self.step) ^ site)
        return _scramble(keys ^ salt)


@dataclass(frozen=True)
class Noise:
    """Dropout on the weights of one layer's attention: its rate, and where it is drawn."""

    rate: float
    draw: Draw
    site: int


def dropout(x: Tensor, rate: float, rows: Tensor) -> Tensor:
    """x [N, C] with elements dropped by rate and the others scaled up; rows from `Draw.rows` [N]."""
    columns = numbers(torch.arange(x.shape[-1], device=x.device))
    if serves(x):
        return native.dropout(x, rows, columns, least(rate), 1 / (1 - rate))
    return torch.where(kept(rows[:, None], columns, rate), x / (1 - rate), 0.0).to(x.dtype)


def numbers(columns: Tensor) -> Tensor:
    """int32, a number for each of `columns` (int64)."""
    return _scramble(columns + (1 << 40))


def least(rate: float) -> int:
    """The smallest of the 31 bits' numbers that is kept."""
    return int(rate * 0x7FFF_FFFF)


def kept(row: Tensor, column: Tensor, rate: float) -> Tensor:
    """bool, true with probability 1 - rate, for each pair of int32 numbers."""
    h = row ^ column
    h = h * -1640531535
    h = h ^ ((h >> 15) & 0x1FFFF)
    h = h * -2048144777
    h = h ^ ((h >> 13) & 0x7FFFF)
    return (h & 0x7FFF_FFFF) >= least(rate)


def _mix(n: int) -> int:
    """splitmix64's finaliser, in Python's integers, to 62 bits (so that it stays an int64)."""
    n = (n + 0x9E3779B97F4A7C15) & 0xFFFF_FFFF_FFFF_FFFF
    n = ((n ^ (n >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFF_FFFF_FFFF_FFFF
    n = ((n ^ (n >> 27)) * 0x94D049BB133111EB) & 0xFFFF_FFFF_FFFF_FFFF
    return (n ^ (n >> 31)) & 0x3FFF_FFFF_FFFF_FFFF


def _scramble(n: Tensor) -> Tensor:
    """The same finaliser on int64 (which wraps), to int32."""
    n = (n ^ ((n >> 30) & 0x3_FFFF_FFFF)) * -4658895280553007687
    n = (n ^ ((n >> 27) & 0x1F_FFFF_FFFF)) * -7723592293110705685
    return ((n ^ ((n >> 31) & 0x1_FFFF_FFFF)) & 0x7FFF_FFFF).to(torch.int32)
