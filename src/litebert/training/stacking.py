"""Training that grows in depth: few applications of the shared block first, all of them later.

For a model with a block for each layer this is progressive stacking (Gong et al., ICML 2019), where the
trained layers are copied on top of themselves. A shared block is its own copy: nothing needs to be copied,
and the optimiser's state goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from litebert.errors import UsageError


@dataclass(frozen=True)
class Stacking:
    """stages: (depth, until which update), both rising; after the last stage all layers are applied."""

    stages: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parsed(cls, stages: Sequence[str], layers: int) -> Self:
        """Of `3:1000 6:3000`: 3 layers up to update 1000, 6 up to 3000, then all. Raises `UsageError`."""
        read = tuple(_stage(stage) for stage in stages)
        for before, after in zip(((0, 0), *read), read, strict=False):
            if not (before[0] < after[0] < layers and before[1] < after[1]):
                raise UsageError(
                    f"--stack is {' '.join(stages)}; depths and updates must rise, and depths stay below the "
                    f"model's {layers} layers"
                )
        return cls(read)

    def depth(self, step: int, layers: int) -> int:
        """How many layers are applied in the update after `step` updates."""
        return next((depth for depth, until in self.stages if step < until), layers)


NO_STACKING = Stacking()


def _stage(stage: str) -> tuple[int, int]:
    depth, _, until = stage.partition(":")
    if not (depth.isascii() and depth.isdigit() and until.isascii() and until.isdigit()):
        raise UsageError(f"--stack has {stage!r}; a stage is DEPTH:UPDATE, such as 3:1000")
    return int(depth), int(until)
