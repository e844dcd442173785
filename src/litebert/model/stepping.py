"""Writing a piece at a time: keys and values of what is written are kept, so that nothing is worked out
twice.

A step costs the same however much has been written, but for attention, which looks back at all of it. All
rows are equally far: what a row is given to begin with is fed to it in the same steps.

Shapes: B sources, S rows to each (its beams), so B·S rows, in the order of the sources; H = A heads × D; V
vocabulary; T pieces written so far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from litebert.model.blocks import Pass
from litebert.model.decoder import OWN_LAYERS, SEGMENT, Decoder
from litebert.model.hidden import Hidden
from litebert.model.packing import Packed

_ROOM = 32
"""Places for pieces at first; they are doubled when they are full."""


@dataclass
class _Kept:
    """The keys and values of one layer, [rows, A, room, D], of which the first T are filled."""

    keys: Tensor
    values: Tensor

    def add(self, at: int, k: Tensor, v: Tensor) -> None:
        if at == self.keys.shape[2]:
            self.keys, self.values = _doubled(self.keys), _doubled(self.values)
        self.keys[:, :, at], self.values[:, :, at] = k, v

    def select(self, rows: Tensor, filled: int) -> None:
        self.keys, self.values = (_selected(t, rows, filled) for t in (self.keys, self.values))


@dataclass
class _Source:
    """What each source is to every step: keys and values by crossing block, [B, A, M, D], and what to copy.

    bias: [B, 1, 1, M], 0 for a piece and -inf for an empty place; ids: int64 [B, M]; points: [B, M, P]."""

    keys: list[Tensor]
    values: list[Tensor]
    bias: Tensor
    ids: Tensor
    points: Tensor | None

    def select(self, sources: Tensor) -> None:
        self.keys, self.values = ([t[sources] for t in part] for part in (self.keys, self.values))
        self.bias, self.ids = self.bias[sources], self.ids[sources]
        self.points = None if self.points is None else self.points[sources]


class Steps:
    """A decoder over the sources of one batch, to be asked for what comes next again and again.

    dtype: of the products, the encoder's own if left out."""

    def __init__(
        self, decoder: Decoder, hidden: Hidden, beams: int = 1, dtype: torch.dtype | None = None
    ) -> None:
        self.decoder, self.beams, self.config = decoder, beams, decoder.config
        self.run = Pass(dtype or decoder.encoder.dtype)
        self.layers = decoder.layers(self.run, hidden.pieces)
        self.scores = decoder.prediction.prepare(decoder.table, self.run.dtype, last=torch.float32)
        self.source = self._laid_out(hidden) if hidden.pieces is not None else None
        self.sources, self.written = len(hidden.batch), 0
        self.kept = [self._empty(self.layers.attend[a].block.heads) for a, _ in decoder.orders]
        self.pointed: Tensor | None = None
        """int64 [rows]: the source's piece that was looked at most in the last step, where it copies."""

    def __call__(self, ids: Tensor) -> Tensor:
        """The pieces written last, int64 [rows] → ln p of each piece that may come next, fp32 [rows, V]."""
        x = self.decoder.table(_one_each(ids, self.written), self.run)
        for kept, number, (a, f) in zip(
            self.kept, range(OWN_LAYERS, OWN_LAYERS + len(self.kept)), self.decoder.orders, strict=True
        ):
            x = self._attend(x, a, kept, number)
            if self.source is not None:
                x = self._cross(x, a, self.source, number)
            x = self.layers.feed[f](x, ids, number)
        self.written += 1
        likely = torch.log_softmax(self.scores(x), -1)
        if self.source is not None and self.source.points is not None:
            likely = self._with_copies(x, likely, self.source, self.source.points)
        return likely

    def select(self, rows: Tensor, sources: Tensor | None = None) -> None:
        """Go on with these rows alone, int64 [b·S], a row perhaps twice; sources: int64 [b], those that they
        are for, if not all are."""
        for kept in self.kept:
            kept.select(rows, self.written)
        if sources is not None:
            self.sources = len(sources)
            if self.source is not None:
                self.source.select(sources)

    def _attend(self, x: Tensor, block: int, kept: _Kept, number: int) -> Tensor:
        attend = self.layers.attend[block]
        q, k, v = attend.qkv(x).view(len(x), 3, attend.block.heads, -1).unbind(1)
        kept.add(self.written, k, v)
        end = self.written + 1
        seen = F.scaled_dot_product_attention(q[:, :, None], kept.keys[:, :, :end], kept.values[:, :, :end])
        return attend.add(x, seen.reshape(len(x), -1), torch.empty(0), number)

    def _cross(self, x: Tensor, block: int, source: _Source, number: int) -> Tensor:
        cross = self.layers.cross[block]
        q = cross.query(x).view(self.sources, self.beams, self.config.heads, -1).transpose(1, 2)
        seen = F.scaled_dot_product_attention(q, source.keys[block], source.values[block], source.bias)
        return cross.add(x, seen.transpose(1, 2).reshape(x.shape), torch.empty(0), number)

    def _with_copies(self, x: Tensor, likely: Tensor, source: _Source, points: Tensor) -> Tensor:
        """Mixed with the likelihood of copying each piece of the source."""
        pointer = self.decoder.pointer
        q = pointer.query.prepare(x.dtype)(x).view(self.sources, self.beams, -1)
        scores = torch.bmm(q, points.transpose(1, 2)).float() / math.sqrt(q.shape[-1])
        weights = torch.softmax(scores + source.bias[:, 0].float(), -1).flatten(0, 1)
        self.pointed = weights.argmax(-1)
        ids = source.ids.repeat_interleave(self.beams, 0)
        copied = torch.zeros_like(likely).scatter_add_(1, ids, weights)
        gate = pointer.gate.prepare(x.dtype)(x).float()
        own, copied = F.logsigmoid(gate) + likely, F.logsigmoid(-gate) + copied.clamp(min=1e-9).log()
        return torch.logaddexp(own, copied)

    def _empty(self, heads: int) -> _Kept:
        rows = self.sources * self.beams
        keys, values = torch.empty(2, rows, heads, _ROOM, self.config.head_size, dtype=self.run.dtype)
        return _Kept(keys, values)

    def _laid_out(self, hidden: Hidden) -> _Source:
        places, bias = hidden.batch.padded
        b, m = bias.shape
        heads = self.config.heads
        keys, values = [], []
        for cross in self.layers.cross:
            kv = cross.kv.index_select(0, places).view(b, m, 2, heads, -1).permute(2, 0, 3, 1, 4)
            k, v = kv.contiguous()
            keys.append(k)
            values.append(v)
        ids = hidden.batch.ids[places].view(b, m)
        return _Source(keys, values, bias[:, None, None].to(self.run.dtype), ids, self._points(hidden, b, m))

    def _points(self, hidden: Hidden, b: int, m: int) -> Tensor | None:
        if not self.decoder.plan.copies or hidden.pieces is None:
            return None
        points = self.decoder.pointer.key.prepare(self.run.dtype)(hidden.pieces)
        return points.index_select(0, hidden.batch.padded[0]).view(b, m, -1)


def _one_each(ids: Tensor, position: int) -> Packed:
    """A batch of one piece of each sequence, all at the same position."""
    rows = len(ids)
    return Packed(
        ids=ids,
        segments=torch.full_like(ids, SEGMENT),
        positions=torch.full_like(ids, position),
        starts=torch.arange(rows + 1),
        lengths=(1,) * rows,
        samples=ids,
    )


def _doubled(kept: Tensor) -> Tensor:
    return torch.cat((kept, torch.empty_like(kept)), 2)


def _selected(kept: Tensor, rows: Tensor, filled: int) -> Tensor:
    """Some rows, moving only what is filled."""
    fresh = kept.new_empty(len(rows), *kept.shape[1:])
    fresh[:, :, :filled] = kept[:, :, :filled].index_select(0, rows)
    return fresh
