"""An encoder in stages, each of which ends where a sequence may leave; sequences at different depths share
the call of a stage whose blocks are the same.

Shapes: N pieces, those that fill up included; B sequences; H hidden; K scores.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from litebert.model.eight_bits import Ranges
from litebert.model.encoders.albert import Encoder
from litebert.model.hidden import Hidden, means
from litebert.model.model import Model
from litebert.model.packing import Packed

Blocks = tuple[tuple[int, int], ...]
"""Of each layer its attention and its feed-forward block."""


class Staged:
    """A model whose `exits` have been learnt, without gradients. The model is set to answer in `dtype`.

    Stage s goes from exit s to the next; after the last stage it is the model's own head that answers.
    """

    def __init__(self, model: Model, dtype: torch.dtype) -> None:
        if model.exits is None:
            raise ValueError("a model is worked out in stages by its exits, but this one has none")
        self.encoder: Encoder = model.eval().encoder
        self.encoder.dtype = dtype
        self._model, self._starts = model, model.exits.depths
        self.depths = (*self._starts, self.encoder.config.layers)
        """After how many layers there is an exit, and last, all."""
        orders = list(zip(self.encoder.config.attention, self.encoder.config.feedforward, strict=True))
        blocks: list[Blocks] = [tuple(orders[start:end]) for start, end in pairwise(self.depths)]
        self.kinds: tuple[int, ...] = tuple(map(blocks.index, blocks))
        """For each stage the first one with the same blocks: sequences in either can share a call."""
        heads = [model.exits.at(depth).state_dict() for depth in model.exits.depths]
        self._weight = torch.cat([head["output.weight"] for head in heads])
        self._bias = torch.cat([head["output.bias"] for head in heads])
        if self.encoder.ranges is not None:
            self.encoder.ranges = self._shared(self.encoder.ranges)

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def outputs(self) -> int:
        """K."""
        return len(self._bias) // len(self)

    def enter(self, batch: Packed) -> Tensor:
        """[N, H]: sequences before their first layer."""
        return self.encoder.embeddings(batch, self.encoder.run())  # type: ignore[no-any-return]

    def through(self, kind: int, states: Tensor, batch: Packed) -> Tensor:
        """[N, H] through a stage of a kind."""
        return self._through(kind, states, batch, first=False)

    def finish(self, kind: int, states: Tensor, batch: Packed) -> Tensor:
        """[B, K]: through the model's last stage, which is of this kind, and its head."""
        first = self._through(kind, states, batch, first=True)
        return self._model.head(Hidden(batch, first, self.encoder.pooler(first), None))["logits"]  # type: ignore[no-any-return]

    def _through(self, kind: int, states: Tensor, batch: Packed, *, first: bool) -> Tensor:
        begin, end = self.depths[kind], self.depths[kind + 1]
        return self.encoder.through(states, batch, self.encoder.run(), first=first, begin=begin, end=end)

    def at_exit(self, states: Tensor, batch: Packed, exits: Tensor) -> Tensor:
        """[B, K]: each sequence's scores by the exit that it has come to, int64 [B]."""
        everywhere = F.linear(means(states, batch).pooled, self._weight, self._bias)
        return everywhere.view(len(batch), len(self), -1)[torch.arange(len(batch)), exits]

    def _shared(self, ranges: Ranges) -> Ranges:
        """In 8 bits, what reaches a matrix has one scale in all stages of a kind: the widest."""
        widest: dict[tuple[str, int], tuple[float, float]] = {}
        same = {
            start + number: self._starts[kind] + number
            for (start, end), kind in zip(pairwise(self.depths), self.kinds, strict=True)
            for number in range(1, end - start + 1)
        }
        for (name, layer), (low, high) in ranges.found.items():
            at = name, same.get(layer, layer)
            least, most = widest.get(at, (0.0, 0.0))
            widest[at] = min(least, low), max(most, high)
        found = {(name, layer): widest[name, same.get(layer, layer)] for name, layer in ranges.found}
        return Ranges(found, watching=False)


def of_lengths(lengths: NDArray[np.int64], pieces: int) -> Packed:
    """A batch of which only the states are known: so many, first those of sequences of these lengths."""
    nothing = torch.zeros(pieces, dtype=torch.int64)
    starts = torch.from_numpy(np.concatenate([[0], np.cumsum(lengths)]))
    return Packed(nothing, nothing, nothing, starts, tuple(lengths.tolist()), nothing[: len(lengths)])
