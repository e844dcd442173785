"""Heads after layers before the last, by which a sequence that is sure may leave early.

A linear map for each depth, as in PABEE (arXiv 2006.04152 §3.3), but on the mean of the pieces' states in
place of the pooler: after few layers `[CLS]` knows little. Before the first that is a bag of words, and free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from litebert.model.hidden import Hidden


class Exits(nn.Module):
    """Each head is like the task's own, and reads `hidden.means`."""

    def __init__(self, depths: Sequence[int], head: Callable[[], nn.Module]) -> None:
        """depths: after how many layers, ascending from 0, below the model's. head: makes one."""
        super().__init__()
        self.heads = nn.ModuleDict({str(depth): head() for depth in depths})

    @property
    def depths(self) -> tuple[int, ...]:
        return tuple(map(int, self.heads))

    def at(self, depth: int) -> nn.Module:
        return self.heads[str(depth)]

    def scores(self, hidden: Mapping[int, Hidden]) -> dict[int, Mapping[str, Tensor]]:
        """Each head's scores, by its depth; of `hidden` the depths that have no head are passed over."""
        return {depth: self.at(depth)(hidden[depth]) for depth in self.depths}


def exit_depths(layers: int, every: int) -> tuple[int, ...]:
    """Before the first layer, and after every so many, but for the last.

    >>> exit_depths(layers=12, every=3)
    (0, 3, 6, 9)
    """
    return tuple(range(0, layers, every))
