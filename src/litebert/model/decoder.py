"""The decoder: the encoder's bricks once more, reading what is written so far and, across, the source.

Each layer: x ← norm(x + self-attention(x)), x ← norm(x + crossing attention(x)), x ← norm(x +
feed-forward(x)) (arXiv 1706.03762 §3.1), with the encoder's number of layers and the encoder's order of
blocks. Written pieces are embedded by the encoder's own table where both have one vocabulary, and are told
apart by their segment; the last states go against that same table. With `shares` the layers are the encoder's
own blocks.

Shapes: B sequences, N written pieces, M of the sources, E embedding, H hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from litebert.model.blocks import (
    Attention,
    Embeddings,
    FeedForward,
    Pass,
    PreparedAttention,
    PreparedCrossing,
    PreparedFeedForward,
)
from litebert.model.config import EncoderConfig
from litebert.model.crossing import Crossing, crossing, pointed
from litebert.model.dropout import Draw
from litebert.model.encoders.albert import Encoder, initialise
from litebert.model.hidden import Hidden, Reads
from litebert.model.packing import Packed, pack_flat
from litebert.model.prediction import Prediction
from litebert.model.products import Linear

LENGTHS = "/lengths"
"""After the name of a target that is a list: how long each sequence's is (`tasks/task.py`)."""
SEGMENT = 1
"""The segment of written pieces; a source is of segment 0."""
OWN_LAYERS = 1 << 10
"""Decoder layers are numbered from here on, so that dropout is drawn anew in them."""


@dataclass(frozen=True, kw_only=True)
class DecoderPlan:
    """How a decoder is put together."""

    vocabulary: int | None = None
    """Pieces of its own table; None for the encoder's."""
    shares: bool = False
    """Whether its self-attention and feed-forward blocks are the encoder's own."""
    crosses: bool = True
    """Whether it reads a source; without, it is a language model."""
    copies: bool = False
    """Whether it may copy a piece of the source (arXiv 1704.04368 §2.2); needs the encoder's vocabulary."""


@dataclass(frozen=True)
class Layers:
    """A decoder's blocks with their matrices packed, for one step or while weights stay."""

    attend: list[PreparedAttention]
    cross: list[PreparedCrossing]
    feed: list[PreparedFeedForward]


class Decoder(nn.Module):
    """A head that writes: trained on the written text all at once, each piece seeing those before it; used a
    piece at a time (`stepping.py`). `draw`: where in a run we are; the training loop moves it on."""

    reads: Reads
    guided: ClassVar[bool] = True
    """In training it is told what is written (`model.Model`)."""

    def __init__(self, config: EncoderConfig, plan: DecoderPlan) -> None:
        super().__init__()
        self.plan = plan
        self.config = replace(config, vocabulary=plan.vocabulary or config.vocabulary)
        self.reads = "memory" if plan.crosses else "nothing"
        self.draw = Draw()
        if plan.vocabulary is not None:
            self.embeddings = Embeddings(self.config)
        own = config.whole
        if not plan.shares:
            self.attention = nn.ModuleList(Attention(own) for _ in set(config.attention))
            self.feedforward = nn.ModuleList(FeedForward(own) for _ in set(config.feedforward))
        if plan.crosses:
            self.crossing = nn.ModuleList(Attention(own) for _ in set(config.attention))
        self.prediction = Prediction(self.config)
        if plan.copies:
            self.pointer = Pointer(config)
        self._encoder: tuple[Encoder, ...] = ()  # in a tuple, torch does not take it for a part of the head
        initialise(self, config.initial_std)

    def meet(self, encoder: Encoder, _tokenizer: Any = None) -> None:
        """Tells the decoder whose table and, if it shares, whose blocks are its own."""
        self._encoder = (encoder,)

    @property
    def encoder(self) -> Encoder:
        if not self._encoder:
            raise RuntimeError("the decoder does not know its encoder: call meet(encoder) first")
        return self._encoder[0]

    @property
    def table(self) -> Embeddings:
        """What embeds written pieces."""
        return self.encoder.embeddings if self.plan.vocabulary is None else self.embeddings

    def forward(self, hidden: Hidden, targets: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What `follow` says of the targets `WRITTEN`."""
        return self.follow(hidden, packed(hidden.batch, targets[WRITTEN], targets[WRITTEN + LENGTHS]))

    def follow(self, hidden: Hidden, written: Packed, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        """What follows each written piece: `scores` [N, V], and where it copies `gate` [N] (the logit of
        writing a piece of its own) and `copied` [N], the probability of copying what follows, fp32.

        written: causal, each sequence from its first special piece on, in the order of the sources. dtype: of
        the products, the encoder's own if left out.
        """
        run = Pass(dtype or self.encoder.dtype, self.draw if self.training else None)
        layers = self.layers(run, hidden.pieces)
        over = crossing(written, hidden.batch) if self.plan.crosses else None
        x = self.table(written, run)
        for number, (a, f) in enumerate(self.orders, start=OWN_LAYERS):
            x = layers.attend[a](x, written, number)
            if over is not None:
                x = layers.cross[a](x, over, number)
            x = layers.feed[f](x, written.keys, number)
        scores = {"scores": self.prediction.prepare(self.table, run.dtype)(x)[: written.count]}
        if self.plan.copies and over is not None and hidden.pieces is not None:
            scores |= self.pointer(x, hidden.pieces, over)
        return scores

    @property
    def orders(self) -> list[tuple[int, int]]:
        """For each layer its attention block and its feed-forward block."""
        return list(zip(self.config.attention, self.config.feedforward, strict=True))

    def layers(self, run: Pass, memory: Tensor | None) -> Layers:
        """The blocks, ready. memory: the source's states, [M, H]."""
        blocks = self.encoder if self.plan.shares else self
        crossings = [] if memory is None else [PreparedCrossing(b, run, memory) for b in self._crossings]
        return Layers(
            [block.prepare(run) for block in blocks.attention],  # type: ignore[operator]
            crossings,
            [block.prepare(run) for block in blocks.feedforward],  # type: ignore[operator]
        )

    @property
    def _crossings(self) -> list[Attention]:
        return list(self.crossing)  # type: ignore[arg-type]


class Pointer(nn.Module):
    """Which piece of the source to copy, by one head of attention of its own, and whether to copy at all."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width = min(config.hidden, 4 * config.head_size)
        self.query = Linear(config.hidden, width)
        self.key = Linear(config.hidden, width)
        self.gate = Linear(config.hidden, 1)

    def forward(self, x: Tensor, memory: Tensor, over: Crossing) -> dict[str, Tensor]:
        count, aims = over.written.count, following(over.written)
        q, k = self.query.prepare(x.dtype)(x), self.key.prepare(x.dtype)(memory)
        return {
            "gate": self.gate.prepare(x.dtype)(x)[:count, 0].float(),
            "copied": pointed(q, k, over, aims),
        }


def packed(source: Packed, ids: Tensor, lengths: Tensor) -> Packed:
    """What is written, ids int64 [n] with the lengths [B], as a causal batch beside that of its sources."""
    samples = source.samples + _WRITTEN_SAMPLES
    segments = np.full(len(ids), SEGMENT)
    return pack_flat(ids.numpy(), segments, lengths.numpy(), samples.numpy(), causal=True)


WRITTEN = "written"
"""The target that is written: for each encoding the pieces from `[CLS]` on, without the `END`."""
_WRITTEN_SAMPLES = 1 << 40
"""Added to a sample's number, so that its source and what is written meet different dropout."""
END = 3
"""The piece that ends what is written, `[SEP]`: its place is fixed in a vocabulary that was learnt to write
in."""


def following(written: Packed) -> Tensor:
    """int64 [N]: the piece that follows each written one; `END` after the last of each sequence."""
    return _after(written.ids, written.starts[1:])


def aims(targets: Mapping[str, Tensor]) -> Tensor:
    """The same of a batch's targets: int64, one for each written piece."""
    return _after(targets[WRITTEN], targets[WRITTEN + LENGTHS].cumsum(0))


def _after(ids: Tensor, ends: Tensor) -> Tensor:
    after = ids.roll(-1)
    after[ends - 1] = END
    return after
