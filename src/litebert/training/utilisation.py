"""Which part of what the processor can do in products a pretraining step makes use of.

Operations are counted by the model's shape, twice for each multiplication and addition, and three times for
forward and back: what is worked out and thrown away does not count, and what is saved counts as if it were
done; a teacher's do not count either. What the processor can do is measured when a run begins or goes on,
and on a busy machine that is too little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch

from litebert.model.config import EncoderConfig
from litebert.training.loop import Step
from litebert.training.stacking import Stacking

_ROWS, _INNER, _COLUMNS = 2048, 768, 1024
_TIMES = 5


@dataclass(frozen=True)
class Utilisation:
    """Step → a fraction."""

    config: EncoderConfig
    stacking: Stacking
    guesses: float
    """Pieces to guess in a sample, on average."""
    rate: float
    """Operations a second, of all processes together."""

    def __call__(self, step: Step) -> float:
        depth = self.stacking.depth(step.step - 1, self.config.layers)
        return step.pieces * self.operations(step, depth) / step.seconds / self.rate

    def operations(self, step: Step, depth: int) -> float:
        """Of one piece, forward and back: the blocks' products as large as they are, attention's own, the map
        from the embedding if there is one, and the head's at the pieces to guess."""
        config, length = self.config, step.pieces / step.samples
        layers = sum(config.multiplications(layer, length) for layer in range(depth))
        factor = config.embedding * config.hidden
        head = self.guesses / length * (factor + config.embedding * config.vocabulary)
        return 6 * (layers + factor * config.factored + head)


def product_rate(dtype: torch.dtype) -> float:
    """Operations a second of a large product, by as many threads as training has: the median of some."""
    left, right = (torch.full(shape, 0.5, dtype=dtype) for shape in ((_ROWS, _INNER), (_INNER, _COLUMNS)))
    seconds = [_timed(lambda: left @ right) for _ in range(_TIMES)]
    return 2.0 * _ROWS * _INNER * _COLUMNS / median(seconds)


def _timed(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started
