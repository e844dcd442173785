"""ALBERT: one block of weights, applied many times. BERT: the same with a block for each layer.

Which block each layer uses is `config.attention` and `config.feedforward`: lists of integers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor, nn

from litebert.model.blocks import (
    Attention,
    Embeddings,
    FeedForward,
    Pass,
    Pooler,
    PreparedAttention,
    PreparedFeedForward,
)
from litebert.model.config import EncoderConfig
from litebert.model.dropout import Draw
from litebert.model.eight_bits import Ranges
from litebert.model.hidden import Hidden, Reads, means
from litebert.model.native.layers import Layers, serves
from litebert.model.packing import Packed
from litebert.model.products import Linear, Watch

Prepared = tuple[list[PreparedAttention], list[PreparedFeedForward]]


class Applier(Protocol):
    """States x [N, H] after `begin` layers → after `end`; see `Encoder.through`."""

    def __call__(self, x: Tensor, begin: int, end: int, *, first: bool) -> Tensor: ...


class Encoder(nn.Module):
    """Pieces → what the encoder knows of them (arXiv 1909.11942 §3)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.add_layers(config)
        self.pooler = Pooler(config)
        self.dtype = torch.float32
        """The precision of the products where no other is asked for; the weights stay fp32. int8 is for
        answering, and needs `ranges`."""
        self.ranges: Ranges | None = None
        """For int8: what reaches each matrix, once it has been watched (`engine/calibration.py`)."""
        self.draw = Draw()
        """Where in a run we are, for dropout; the training loop moves it on."""
        self.fused = True
        """Whether answering is one call of C++ where that serves (`engine/choosing.py`)."""
        self._kept: tuple[object, Watch, Prepared] | None = None
        self._kept_layers: dict[torch.dtype, Layers] = {}
        initialise(self, config.initial_std)

    def add_layers(self, config: EncoderConfig) -> None:
        """What stands between embeddings and pooler."""
        self.attention = nn.ModuleList(
            Attention(config, config.heads_of(block)) for block in sorted(set(config.attention))
        )
        self.feedforward = nn.ModuleList(
            FeedForward(config, config.units_of(block)) for block in sorted(set(config.feedforward))
        )

    def forward(self, batch: Packed, reads: Reads = "pieces", dtype: torch.dtype | None = None) -> Hidden:
        """dtype: in place of the encoder's own, so that two who ask at once may each have another."""
        run = self.run(dtype)
        if reads == "nothing":
            return without_first(batch, None)
        if reads == "first":
            return Hidden(batch, *self._firsts(batch, run), None)
        x = self._pieces(batch, run)
        if reads == "memory":
            return without_first(batch, x)
        first = x.index_select(0, batch.first)
        return Hidden(batch, first, self.pooler(first), x[: batch.count])

    def _firsts(self, batch: Packed, run: Pass) -> tuple[Tensor, Tensor]:
        """The last states of first pieces, and those through the pooler, [B, H]."""
        if (fused := self._fused_call(run, batch)) is not None:
            return fused.answer(batch)
        first = self.through(self.embeddings(batch, run), batch, run, first=True)
        return first, self.pooler(first)

    def _pieces(self, batch: Packed, run: Pass) -> Tensor:
        """The last states of all pieces, [N, H]."""
        if (fused := self._fused_call(run, batch)) is not None:
            return fused.whole(batch).to(run.dtype)
        return self.through(self.embeddings(batch, run), batch, run, first=False)

    def through(
        self, x: Tensor, batch: Packed, run: Pass, *, first: bool, begin: int = 0, end: int | None = None
    ) -> Tensor:
        """States x [N, H] after `begin` layers → after `end`, or all: [N, H] or, of first pieces alone, for
        which the last layer is worked out for no others, [B, H]."""
        end = self.config.layers if end is None else end
        return self._applier(batch, run)(x, begin, end, first=first)

    def at_exits(self, batch: Packed, depths: Collection[int]) -> tuple[dict[int, Hidden], Hidden]:
        """What exits read after so many layers, perhaps 0, and what is known of first pieces after all."""
        run, done = self.run(), 0
        apply, x = self._applier(batch, run), self.embeddings(batch, run)
        found = {0: means(x, batch)} if 0 in depths else {}
        for depth in sorted({*depths} - {0}):
            x, done = apply(x, done, depth, first=False), depth
            found[depth] = means(x, batch)
        first = apply(x, done, self.config.layers, first=True)
        return found, Hidden(batch, first, self.pooler(first), None)

    def after(self, batch: Packed, depths: Collection[int]) -> dict[int, Hidden]:
        """What is known after so many layers, for each of `depths`; no layer above the deepest is applied."""
        run, done = self.run(), 0
        apply, x = self._applier(batch, run), self.embeddings(batch, run)
        found: dict[int, Hidden] = {}
        for depth in sorted(depths):
            x, done = apply(x, done, depth, first=False), depth
            first = x.index_select(0, batch.first)
            found[depth] = Hidden(batch, first, self.pooler(first), x[: batch.count])
        return found

    def _applier(self, batch: Packed, run: Pass) -> Applier:
        """What takes states from one layer to another: the one call, or block after block, packed once."""
        if (fused := self._fused_call(run, batch)) is not None:
            return lambda x, begin, end, *, first: fused.between(
                x, batch, first=first, begin=begin, end=end
            ).to(run.dtype)
        blocks = self.prepared(run)

        def one_by_one(x: Tensor, begin: int, end: int, *, first: bool) -> Tensor:
            x = x.to(run.dtype)
            for layer in range(begin + 1, end + 1):
                x = self._applied(blocks, layer, x, batch, first=first and layer == end)
            return x

        return one_by_one

    def _applied(
        self, blocks: Prepared, layer: int, x: Tensor, batch: Packed, *, first: bool = False
    ) -> Tensor:
        """A layer, counted from 1: [N, H] → [N, H] or, of first pieces alone, [B, H]."""
        attend = blocks[0][self.config.attention[layer - 1]]
        feed = blocks[1][self.config.feedforward[layer - 1]]
        if first:
            return feed(attend.first(x, batch, layer), batch.first_keys, layer)
        return feed(attend(x, batch, layer), batch.keys, layer)

    def run(self, dtype: torch.dtype | None = None) -> Pass:
        """In which precision, its own or another, and with which dropout what is asked now is worked out."""
        dtype = dtype or self.dtype
        if dtype is not torch.int8:
            return Pass(dtype, self.draw if self.training else None)
        if self.ranges is None or torch.is_grad_enabled():
            raise ValueError(
                "int8 is for answering, after the ranges of what is multiplied have been watched"
            )
        return Pass(torch.float32, None, self.ranges)

    def __getstate__(self) -> dict[str, object]:
        """Without the packed matrices, which torch cannot copy."""
        return {**self.__dict__, "_kept": None, "_kept_layers": {}}

    def prepared(self, run: Pass) -> Prepared:
        """The blocks, matrices packed: for this step or, without gradients, until weights change."""
        if torch.is_grad_enabled() or run.draw is not None:
            self._kept = None
            return self._pack(run)
        eight = run.ranges is not None and (run.ranges.watching, id(run.ranges))
        kept = self._kept  # Another thread may put its own there meanwhile.
        if kept is None or kept[0] != (run.dtype, eight) or kept[1].changed():
            self._kept = kept = (run.dtype, eight), Watch(self), self._pack(run)
        return kept[2]

    def _fused_call(self, run: Pass, batch: Packed) -> Layers | None:
        """All of it as one call, kept until weights change; None where only one after another will do."""
        learns = torch.is_grad_enabled() or run.draw is not None
        watching = run.ranges is not None and run.ranges.watching
        unfit = learns or watching or batch.causal or not self.fused
        if unfit or not serves(self.config, run.products, batch.ids.device):
            return None
        kept = self._kept_layers.get(run.products)
        if kept is None or kept.stale(run.ranges):
            self._kept_layers[run.products] = kept = Layers(self, run.products, run.ranges)
        return kept

    def _pack(self, run: Pass) -> Prepared:
        attention: list[Attention] = list(self.attention)  # type: ignore[arg-type]
        feedforward: list[FeedForward] = list(self.feedforward)  # type: ignore[arg-type]
        return (
            [block.prepare(replace(run, within=f"attention.{i}.")) for i, block in enumerate(attention)],
            [block.prepare(replace(run, within=f"feedforward.{i}.")) for i, block in enumerate(feedforward)],
        )


def without_first(batch: Packed, pieces: Tensor | None) -> Hidden:
    """States of pieces [N, H], where nobody reads those of first pieces."""
    nothing = torch.empty(0)
    return Hidden(batch, nothing, nothing, pieces)


def initialise(module: nn.Module, std: float) -> None:
    """Truncated normal for every kernel and table, zero biases, norms 1 and 0 (`modeling.py`)."""
    for part in module.modules():
        if isinstance(part, Linear | nn.Linear | nn.Embedding) and not part.weight.is_meta:
            nn.init.trunc_normal_(part.weight, std=std, a=-2 * std, b=2 * std)
        if isinstance(part, Linear | nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)
