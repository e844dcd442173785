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

from litebert.model.attention import attend, attend_first
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
        self._blocks: list[Blocks] = [tuple(orders[start:end]) for start, end in pairwise(self.depths)]
        self.kinds: tuple[int, ...] = tuple(map(self._blocks.index, self._blocks))
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

    def to_last(self, kind: int, states: Tensor, batch: Packed) -> tuple[Tensor, Tensor]:
        """Through a stage of a kind up to its last layer: what goes into that, [N, H], and the queries, keys
        and values there, [N, 3H]. From there `through` or `finish` go on, each with some of the sequences."""
        attention, feed = self.encoder.prepared(self.encoder.run())
        *early, (layer, (a, _)) = enumerate(self._blocks[kind], start=self._starts[kind] + 1)
        for number, (one, other) in early:
            states = feed[other](attention[one](states, batch, number), batch.keys, number)
        return states, attention[a].qkv(states, layer)

    def through(self, kind: int, states: Tensor, qkv: Tensor, batch: Packed) -> Tensor:
        """[N, H]: the stage's last layer."""
        attention, feed = self.encoder.prepared(self.encoder.run())
        layer, (a, f) = self._starts[kind] + len(self._blocks[kind]), self._blocks[kind][-1]
        gathered = attend(qkv, batch, attention[a].block.heads)
        return feed[f](attention[a].add(states, gathered, batch.keys, layer), batch.keys, layer)

    def finish(self, kind: int, states: Tensor, qkv: Tensor, batch: Packed) -> Tensor:
        """[B, K]: the model's last layer, worked out for first pieces alone, and its head."""
        attention, feed = self.encoder.prepared(self.encoder.run())
        layer, (a, f) = self._starts[kind] + len(self._blocks[kind]), self._blocks[kind][-1]
        at, width = batch.first, qkv.shape[1] // 3
        gathered = attend_first(qkv[at, :width], qkv[:, width:], batch, attention[a].block.heads)
        first = feed[f](attention[a].add(states.index_select(0, at), gathered, at, layer), at, layer)
        last = Hidden(batch, first, self.encoder.pooler(first), None)
        return self._model.head(last)["logits"]  # type: ignore[no-any-return]

    def at_exit(self, states: Tensor, batch: Packed, exits: Tensor) -> Tensor:
        """[B, K]: each sequence's scores by the exit that it has come to, int64 [B]."""
        everywhere = F.linear(means(states, batch).pooled, self._weight, self._bias)
        return everywhere.view(len(batch), len(self), -1)[torch.arange(len(batch)), exits]

    def _shared(self, ranges: Ranges) -> Ranges:
        """In 8 bits, what reaches a matrix has one scale in all stages of a kind: the widest."""
        ours = Ranges(watching=False)
        same = {
            start + number: self._starts[kind] + number
            for (start, end), kind in zip(pairwise(self.depths), self.kinds, strict=True)
            for number in range(1, end - start + 1)
        }
        for (name, layer), (low, high) in ranges.found.items():
            at = name, same.get(layer, layer)
            least, most = ours.found.get(at, (0.0, 0.0))
            ours.found[at] = min(least, low), max(most, high)
        return ours


def of_lengths(lengths: NDArray[np.int64], pieces: int) -> Packed:
    """A batch of which only the states are known: so many, first those of sequences of these lengths."""
    nothing = torch.zeros(pieces, dtype=torch.int64)
    starts = torch.from_numpy(np.concatenate([[0], np.cumsum(lengths)]))
    return Packed(nothing, nothing, nothing, starts, tuple(lengths.tolist()), nothing)
