"""An encoder in stages, each of which ends where a sequence may leave; sequences at different depths share
the call of a stage whose blocks are the same.

In a stage's last layer a sequence's first piece goes ahead: keys and values are worked out for all pieces,
the rest of the layer for the first pieces alone. Whoever leaves on what they say has cost no more of the
layer than the whole model's last layer costs; for the others it is then worked out.

Shapes: N pieces, those that fill up included; B sequences; H hidden; K scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from litebert.model.attention import attend, attend_first
from litebert.model.eight_bits import Ranges
from litebert.model.model import Model
from litebert.model.packing import Packed

Blocks = tuple[tuple[int, int], ...]
"""Of each layer its attention and its feed-forward block."""


@dataclass(frozen=True, eq=False)
class Reached:
    """Where sequences stand when their first pieces have gone through a stage: first [B, H]; of all pieces
    what went into its last layer, states [N, H], and queries, keys and values, qkv [N, 3H]."""

    first: Tensor
    states: Tensor
    qkv: Tensor


class Staged:
    """A model whose `exits` have been learnt, without gradients. The model is set to answer in `dtype`."""

    def __init__(self, model: Model, dtype: torch.dtype) -> None:
        if model.exits is None:
            raise ValueError("a model is worked out in stages by its exits, but this one has none")
        self.encoder = model.eval().encoder
        self.encoder.dtype = dtype
        layers = self.encoder.config.layers
        ends = (0, *model.exits.depths, layers)
        orders = list(zip(self.encoder.config.attention, self.encoder.config.feedforward, strict=True))
        blocks: list[Blocks] = [tuple(orders[start:end]) for start, end in pairwise(ends)]
        self.kinds: tuple[int, ...] = tuple(map(blocks.index, blocks))
        """For each stage the first one with the same blocks: sequences in either can share a call."""
        self.depths = ends[1:]
        """After how many layers each stage ends."""
        self._starts = ends[:-1]
        self._blocks = blocks
        heads = [head.state_dict() for head in (*map(model.exits.at, model.exits.depths), model.head)]
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

    def ahead(self, kind: int, states: Tensor, batch: Packed) -> Reached:
        """Through the stages of a kind: all pieces up to the last layer, and through it the first pieces."""
        attention, feed = self.encoder.prepared(self.encoder.run())
        *early, (layer, (a, f)) = enumerate(self._blocks[kind], start=self._starts[kind] + 1)
        for number, (one, other) in early:
            states = feed[other](attention[one](states, batch, number), batch.keys, number)
        qkv, at = attention[a].qkv(states, layer), batch.first
        width = qkv.shape[1] // 3
        gathered = attend_first(qkv[at, :width], qkv[:, width:], batch, attention[a].block.heads)
        first = attention[a].add(states.index_select(0, at), gathered, at, layer)
        return Reached(feed[f](first, at, layer), states, qkv)

    def behind(self, kind: int, reached: Reached, batch: Packed, rows: Tensor | None) -> Tensor:
        """The stage's last layer for the sequences that stay, [n, H].

        batch: they alone; rows: int64 [n], where their pieces stand in `reached`; None if all stay."""
        attention, feed = self.encoder.prepared(self.encoder.run())
        states, qkv = reached.states, reached.qkv
        if rows is not None:
            states, qkv = states.index_select(0, rows), qkv.index_select(0, rows)
        layer = self._starts[kind] + len(self._blocks[kind])
        a, f = self._blocks[kind][-1]
        gathered = attend(qkv, batch, attention[a].block.heads)
        return feed[f](attention[a].add(states, gathered, batch.keys, layer), batch.keys, layer)

    def scores(self, first: Tensor, stages: Tensor) -> Tensor:
        """[B, K], fp32: each sequence's by the head at the end of its stage, int64 [B]."""
        pooled = self.encoder.pooler(first)
        everywhere = F.linear(pooled, self._weight, self._bias).view(len(first), len(self), -1)
        return everywhere[torch.arange(len(first)), stages]

    def _shared(self, ranges: Ranges) -> Ranges:
        """In 8 bits, what reaches a matrix has one scale in all stages of a kind: the widest."""
        ours = Ranges(watching=False)
        same = {
            start + number: self._starts[kind] + number
            for start, end, kind in zip(self._starts, self.depths, self.kinds, strict=True)
            for number in range(1, end - start + 1)
        }
        for (name, layer), (low, high) in ranges.found.items():
            at = name, same.get(layer, layer)
            least, most = ours.found.get(at, (0.0, 0.0))
            ours.found[at] = min(least, low), max(most, high)
        return ours


def of_lengths(lengths: Sequence[int], pieces: int) -> Packed:
    """A batch of which only the states are known: so many, first those of sequences of these lengths."""
    nothing = torch.zeros(pieces, dtype=torch.int64)
    starts = torch.tensor([0, *lengths]).cumsum(0)
    return Packed(nothing, nothing, nothing, starts, tuple(lengths), nothing)
