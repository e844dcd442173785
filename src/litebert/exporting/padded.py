"""The model as a graph that other runtimes take: padded rows, plain products, every weight held once.

The names of what goes in are Hugging Face's. Nothing here is of the engine's packing: the runtimes have their
own kernels, and want rows of one width. What is exact stays: the last layer is worked out for the first piece
alone where a head reads no more, and a shared block is one set of tensors, however often it is applied.

Shapes: B sequences, W pieces each with those that fill up; E embedding, H hidden.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from litebert.exporting import operators as op
from litebert.exporting.heads import Scorer, States, scorer
from litebert.exporting.parts import ACTIVATIONS, Matrix, Norm
from litebert.model.blocks import Attention, FeedForward
from litebert.model.config import EncoderConfig
from litebert.model.encoders.albert import Encoder
from litebert.model.model import Model
from litebert.model.products import Linear

INPUTS = ("input_ids", "token_type_ids", "attention_mask")
"""int64 [B, W] each."""
AT = "at"
"""A further input where the head gives rows for some pieces alone: int64 [M], numbered through the batch."""


class Attending(nn.Module):
    """`blocks.Attention` on padded rows."""

    def __init__(self, block: Attention) -> None:
        super().__init__()
        self.config, self.heads = block.config, block.heads
        self.qkv_thin, self.output_thin = _thin(block.qkv_thin), _thin(block.output_thin)
        self.qkv = Matrix(block.query, block.key, block.value)
        self.output = Matrix(block.output)
        self.norm = Norm(block.norm)

    def forward(self, x: Tensor, bias: Tensor, first: bool) -> Tensor:
        """x [B, W, H], bias [B, 1, 1, W] → [B, W, H], or [B, 1, H] of the first pieces alone."""
        qkv = through(x, self.qkv_thin, self.qkv)
        width = self.heads * self.config.head_size
        q, k, v = (op.heads_of(qkv, part, self.heads, width) for part in range(3))
        if first:
            x, q = op.first_place(x, 1), op.first_place(q, 2)
        gathered = op.attend(q, k, v, bias, self.config.head_size)
        return self.norm(op.plus(x, through(gathered, self.output_thin, self.output)))  # type: ignore[no-any-return]


class Feeding(nn.Module):
    """`blocks.FeedForward`."""

    def __init__(self, block: FeedForward) -> None:
        super().__init__()
        self.activation: Callable[[Tensor], Tensor] = ACTIVATIONS[block.config.activation]
        self.up_thin, self.down_thin = _thin(block.up_thin), _thin(block.down_thin)
        self.up, self.down, self.norm = Matrix(block.up), Matrix(block.down), Norm(block.norm)

    def forward(self, x: Tensor) -> Tensor:
        inside = self.activation(through(x, self.up_thin, self.up))
        return self.norm(op.plus(x, through(inside, self.down_thin, self.down)))  # type: ignore[no-any-return]


def _thin(block: Linear | None) -> Matrix | None:
    return None if block is None else Matrix(block)


def through(x: Tensor, thin: Matrix | None, matrix: Matrix) -> Tensor:
    """x through a matrix, or through the two that stand for it."""
    return matrix(x if thin is None else thin(x))  # type: ignore[no-any-return]


class Padded(nn.Module):
    """`INPUTS` → the scores, in the order of the head's outputs, fp32."""

    inputs: tuple[str, ...] = INPUTS

    def __init__(self, encoder: Encoder, head: Scorer) -> None:
        super().__init__()
        embeddings = encoder.embeddings
        self.config: EncoderConfig = encoder.config
        self.words, self.positions, self.segments = (
            nn.Parameter(table.weight.detach())
            for table in (embeddings.words, embeddings.positions, embeddings.segments)
        )
        self.norm = Norm(embeddings.norm)
        self.factor = None if embeddings.factor is None else Matrix(embeddings.factor)
        self.attention = nn.ModuleList(Attending(block) for block in encoder.attention)  # type: ignore[arg-type]
        self.feedforward = nn.ModuleList(Feeding(block) for block in encoder.feedforward)  # type: ignore[arg-type]
        self.head = head
        self.pooler = Matrix(encoder.pooler.dense) if self.head.pools else None
        self.requires_grad_(False).eval()

    @property
    def uses(self) -> dict[str, int]:
        """How often each matrix of a block is applied: the count that quantising is held to."""
        orders = {"attention": self.config.attention, "feedforward": self.config.feedforward}
        return {
            f"{room}.{block}.{part}.weight": orders[room].count(block)
            for room, blocks in (("attention", self.attention), ("feedforward", self.feedforward))
            for block, module in enumerate(blocks)
            for part, held in module.named_children()
            if isinstance(held, Matrix)
        }

    def forward(
        self, input_ids: Tensor, token_type_ids: Tensor, attention_mask: Tensor
    ) -> tuple[Tensor, ...]:
        return self.scores(input_ids, token_type_ids, attention_mask)

    def scores(
        self, input_ids: Tensor, token_type_ids: Tensor, attention_mask: Tensor, at: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        bias = op.far(attention_mask)
        x = self._embedded(input_ids, token_type_ids)
        orders = zip(self.config.attention, self.config.feedforward, strict=True)
        for layer, (a, f) in enumerate(orders, start=1):
            first = layer == self.config.layers and self.head.reads == "first"
            x = self.feedforward[f](self.attention[a](x, bias, first))
        pooled = op.tanh(self.pooler(op.taken(x, 1, 0))) if self.pooler is not None else None
        return self.head(States(x, pooled, token_type_ids, attention_mask, at), self)  # type: ignore[no-any-return]

    def _embedded(self, ids: Tensor, segments: Tensor) -> Tensor:
        words = op.lookup(self.words, ids)
        if self.factor is not None and self.config.factor == "late":
            words = self.factor(words)
        places = op.plus(op.beginning(self.positions, ids), op.exact_lookup(self.segments, segments))
        x: Tensor = self.norm(op.plus(words, places))
        return x if self.factor is None or self.config.factor == "late" else self.factor(x)


class Pointed(Padded):
    """The same, told by `AT` for which pieces."""

    inputs = (*INPUTS, AT)

    def forward(  # type: ignore[override]
        self, input_ids: Tensor, token_type_ids: Tensor, attention_mask: Tensor, at: Tensor
    ) -> tuple[Tensor, ...]:
        return self.scores(input_ids, token_type_ids, attention_mask, at)


def padded_form(model: Model) -> Padded:
    """Raises `UsageError` for a model whose head has none."""
    head = scorer(model.head)
    return (Pointed if AT in head.outputs.values() else Padded)(model.encoder, head)
