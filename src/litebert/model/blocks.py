"""The bricks: embeddings, attention, feed-forward net. Each is prepared once a step and then applied.

ALBERT is post-norm: x ← norm(x + dropout(attention(x))), x ← norm(x + dropout(feedforward(x)))
(google-research/albert `modeling.py`; arXiv 1909.11942 §3). Unlike Hugging Face's, the feed-forward net's
dropout is applied, as Google does.

Shapes: N pieces, B sequences, E embedding, H hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from litebert.model.attention import attend, attend_first
from litebert.model.config import Activation, EncoderConfig
from litebert.model.crossing import Crossing, attend_to
from litebert.model.dropout import Draw, Noise, dropout
from litebert.model.eight_bits import EightBits, Ranges, Watched
from litebert.model.native.compiling import serves
from litebert.model.native.norm import norm_of_sum
from litebert.model.packing import Packed
from litebert.model.products import Linear, fastest_dtype, stack, stacked

_SITES = 4
"""Places in a layer where dropout is drawn; 0 to 3 of "layer 0" belong to the embeddings."""
_ACROSS = 1 << 9
"""Added to a layer's number, where its second attention draws."""
_QKV = "qkv"
"""Queries, keys and values read the same states, whether as one product or apart."""


class Multiplies(Protocol):
    """A matrix, ready: x [N, in] → [N, out]. layer: at which application."""

    def __call__(self, x: Tensor, layer: int = 0, /) -> Tensor: ...


@dataclass(frozen=True)
class Pass:
    """One pass of a batch through the encoder: in which precision, and with which dropout, if any.

    ranges: for products in 8 bits, what reaches them; `dtype` is then of all else. within: what the names of
    matrices there begin with.
    """

    dtype: torch.dtype
    draw: Draw | None = None
    ranges: Ranges | None = None
    within: str = ""

    @property
    def floats(self) -> torch.dtype:
        """What is multiplied in floating numbers even where most is in 8 bits."""
        return self.dtype if self.ranges is None else fastest_dtype()

    @property
    def products(self) -> torch.dtype:
        """What matrices are multiplied in, where they are large."""
        return self.dtype if self.ranges is None else torch.int8

    def product(
        self,
        *parts: Linear,
        name: str,
        then: Activation | None = None,
        into: str | None = None,
        through: Linear | None = None,
        summed: bool = False,
    ) -> Multiplies:
        """Matrices that read the same rows as one product, called `name` in this block.

        then: what is applied to what comes out; into: the one product in this block that reads it; through:
        a thin matrix that comes before; summed: whether what comes out is added to the states, and so wanted
        in their precision, since a sum of two precisions takes twice as long.
        """
        if through is not None:
            return Twice(
                self.product(through, name=thin(name)),
                self.product(*parts, name=name, then=then, into=into, summed=summed),
            )
        if self.ranges is None:
            return stack(*parts, dtype=self.dtype, then=then)
        name, into = self.within + name, into and self.within + into
        if self.ranges.watching:
            return Watched(stack(*parts, dtype=self.floats, then=then), self.floats, self.ranges, name)
        floats = self.dtype if summed else self.floats
        return EightBits(*stacked(parts), self.ranges, name, then, into, floats)

    def dropout(self, x: Tensor, rate: float, keys: Tensor, layer: int, place: int) -> Tensor:
        """x [N, C], keys int64 [N]."""
        if self.draw is None or rate == 0:
            return x
        return dropout(x, rate, self.draw.rows(keys, layer * _SITES + place))

    def noise(self, rate: float, layer: int) -> Noise | None:
        return None if self.draw is None or rate == 0 else Noise(rate, self.draw, layer * _SITES)


@dataclass(frozen=True)
class Twice:
    """Two products, one after the other: a matrix of low rank."""

    first: Multiplies
    second: Multiplies

    def __call__(self, x: Tensor, layer: int = 0) -> Tensor:
        return self.second(self.first(x, layer), layer)


def thin(name: str) -> str:
    """What the thin matrix before a product is called."""
    return f"{name}_thin"


class Norm(nn.LayerNorm):
    """Layer normalisation of a sum: fp32 inside, whatever comes in."""

    def added(self, x: Tensor, y: Tensor) -> Tensor:
        known = serves(x, y) and self.weight.dtype is torch.float32
        return norm_of_sum(self, x, y) if known else self(x + y)


def _table(rows: int, width: int) -> nn.Embedding:
    """Not yet filled: `initialise` or a checkpoint does it. (On the meta device filling takes seconds.)"""
    return nn.Embedding(rows, width, _weight=torch.empty(rows, width))


class Embeddings(nn.Module):
    """Pieces, positions and segments → [N, H]: the table at E, then E → H (§3.1, factorised embedding)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width = config.hidden if config.factor == "late" else config.embedding
        self.config = config
        self.words = _table(config.vocabulary, config.embedding)
        self.positions = _table(config.positions, width)
        self.segments = _table(config.segments, width)
        self.norm = Norm(width, eps=config.norm_epsilon)
        self.factor = (
            Linear(config.embedding, config.hidden, bias=config.factor != "late") if config.factored else None
        )

    def forward(self, batch: Packed, run: Pass) -> Tensor:
        words = self.words(batch.ids)
        if self.factor is not None and self.config.factor == "late":
            words = self.factor.kept(run.floats)(words.to(run.floats)).float()
        x = self.norm(words + self.positions(batch.positions) + self.segments(batch.segments))
        x = run.dropout(x, self.config.hidden_dropout, batch.keys, 0, 1).to(run.floats)
        if self.factor is not None and self.config.factor != "late":
            x = self.factor.kept(run.floats)(x)
        return x.to(run.dtype)


def _thin(inputs: int, rank: int) -> Linear | None:
    """What brings the rows that a matrix reads down to its rank; None for one that is whole."""
    return Linear(inputs, rank, bias=False) if rank else None


class Attention(nn.Module):
    """Multi-head self-attention with its residual and norm.

    heads: as many as it has, each H / `config.heads` wide; left out, all.
    """

    def __init__(self, config: EncoderConfig, heads: int | None = None) -> None:
        super().__init__()
        self.config, self.heads = config, heads or config.heads
        width, ranks = self.heads * config.head_size, config.ranks
        self.qkv_thin, self.output_thin = _thin(config.hidden, ranks.qkv), _thin(width, ranks.output)
        self.query = Linear(ranks.qkv or config.hidden, width)
        self.key = Linear(ranks.qkv or config.hidden, width)
        self.value = Linear(ranks.qkv or config.hidden, width)
        self.output = Linear(ranks.output or width, config.hidden)
        self.norm = Norm(config.hidden, eps=config.norm_epsilon)

    def prepare(self, run: Pass) -> PreparedAttention:
        return PreparedAttention(self, run)


class PreparedAttention:
    """An attention block whose matrices are packed, to be applied at any number of layers."""

    def __init__(self, block: Attention, run: Pass) -> None:
        self.block, self.run, self.config = block, run, block.config
        self.qkv = run.product(block.query, block.key, block.value, name=_QKV, through=block.qkv_thin)
        self.output = run.product(block.output, name="output", through=block.output_thin, summed=True)

    @cached_property
    def query(self) -> Multiplies:
        return self.run.product(self.block.query, name=_QKV, through=self.block.qkv_thin)

    @cached_property
    def kv(self) -> Multiplies:
        block = self.block
        return self.run.product(block.key, block.value, name=_QKV, through=block.qkv_thin)

    def __call__(self, x: Tensor, batch: Packed, layer: int) -> Tensor:
        """x [N, H] → [N, H]. Layers count from 1."""
        noise = self.run.noise(self.config.attention_dropout, layer)
        gathered = attend(self.qkv(x, layer), batch, self.block.heads, noise)
        return self.add(x, gathered, batch.keys, layer)

    def first(self, x: Tensor, batch: Packed, layer: int) -> Tensor:
        """x [N, H] → [B, H]: what `__call__` gives each sequence's first piece, and no more."""
        first = x.index_select(0, batch.first)
        noise = self.run.noise(self.config.attention_dropout, layer)
        gathered = attend_first(self.query(first, layer), self.kv(x, layer), batch, self.block.heads, noise)
        return self.add(first, gathered, batch.first_keys, layer)

    def add(self, x: Tensor, gathered: Tensor, keys: Tensor, layer: int) -> Tensor:
        """What was gathered [n, H] through the output matrix, onto x [n, H], and the norm."""
        y = self.run.dropout(self.output(gathered, layer), self.config.hidden_dropout, keys, layer, 1)
        return self.block.norm.added(x, y)


class PreparedCrossing:
    """The same brick, attending from a text that is written to its source. As the source's states stay what
    they are, their keys and values are worked out once, for all layers that the block serves."""

    def __init__(self, block: Attention, run: Pass, memory: Tensor) -> None:
        self.block, self.run, self.config = block, run, block.config
        self.query = block.query.prepare(run.dtype)
        self.output = block.output.prepare(run.dtype)
        self.kv = stack(block.key, block.value, dtype=run.dtype)(memory)

    def __call__(self, x: Tensor, over: Crossing, layer: int) -> Tensor:
        """x [N, H] → [N, H]."""
        noise = self.run.noise(self.config.attention_dropout, layer + _ACROSS)
        gathered = attend_to(self.query(x), self.kv, over, self.config.heads, noise)
        return self.add(x, gathered, over.written.keys, layer)

    def add(self, x: Tensor, gathered: Tensor, keys: Tensor, layer: int) -> Tensor:
        """What was gathered [n, H] through the output matrix, onto x [n, H], and the norm."""
        y = self.run.dropout(self.output(gathered), self.config.hidden_dropout, keys, layer, 3)
        return self.block.norm.added(x, y)


class FeedForward(nn.Module):
    """H → I → H with its residual and norm. units: I; left out, the config's."""

    def __init__(self, config: EncoderConfig, units: int | None = None) -> None:
        super().__init__()
        self.config, self.units = config, units or config.intermediate
        ranks = config.ranks
        self.up_thin, self.down_thin = _thin(config.hidden, ranks.up), _thin(self.units, ranks.down)
        self.up = Linear(ranks.up or config.hidden, self.units)
        self.down = Linear(ranks.down or self.units, config.hidden)
        self.norm = Norm(config.hidden, eps=config.norm_epsilon)

    def prepare(self, run: Pass) -> PreparedFeedForward:
        return PreparedFeedForward(self, run)


class PreparedFeedForward:
    """A feed-forward block whose matrices are packed."""

    def __init__(self, block: FeedForward, run: Pass) -> None:
        self.block, self.run, self.config = block, run, block.config
        into = "down" if block.down_thin is None else thin("down")
        then = block.config.activation
        self.up = run.product(block.up, name="up", then=then, into=into, through=block.up_thin)
        self.down = run.product(block.down, name="down", through=block.down_thin, summed=True)

    def __call__(self, x: Tensor, keys: Tensor, layer: int) -> Tensor:
        """x [n, H], keys int64 [n] → [n, H]."""
        y = self.down(self.up(x, layer), layer)
        return self.block.norm.added(x, self.run.dropout(y, self.config.hidden_dropout, keys, layer, 2))


class Pooler(nn.Module):
    """tanh(dense(first piece)): what sentence order is pretrained through (§1.3)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.dense = Linear(config.hidden, config.hidden)

    def forward(self, first: Tensor) -> Tensor:
        """[B, H] → [B, H] in fp32: few rows, and a head reads them."""
        if torch.is_grad_enabled():
            return torch.tanh(F.linear(first.float(), self.dense.weight, self.dense.bias))
        return torch.tanh(self.dense.kept(torch.float32)(first.float()))
