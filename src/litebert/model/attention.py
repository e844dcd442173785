"""softmax(QKᵀ/√d)V over a packed batch: each piece attends to the pieces of its own sequence.

torch has no packed attention for the CPU. Here the sequences of about one length are laid into rows
of one width (`packing.Tier`), several to a row, and a bias keeps them apart: a few dense products
whatever the lengths, with hardly a place empty.

Shapes: N pieces, H = A heads × D; R rows of W places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from litebert.model.dropout import Draw, kept, numbers
from litebert.model.functions import applied
from litebert.model.fusion import fused
from litebert.model.packing import Packed, Tier


@dataclass(frozen=True)
class Noise:
    """Dropout on the weights of one layer's attention: its rate, and where it is drawn."""

    rate: float
    draw: Draw
    site: int


def attend(qkv: Tensor, batch: Packed, heads: int, noise: Noise | None = None) -> Tensor:
    """qkv [N, 3H], queries, keys and values side by side → what each piece gathered [N, H]."""
    parts = [applied(_Attend, qkv, tier, heads, batch, noise) for tier in batch.tiers]
    if len(parts) == 1:
        return parts[0]
    return torch.cat(parts).index_select(0, batch.merged)


def attend_first(q: Tensor, kv: Tensor, batch: Packed, heads: int, noise: Noise | None = None) -> Tensor:
    """Of each sequence's first piece alone: q [B, H], kv [N, 2H] → [B, H]."""
    b, w = len(batch), max(batch.lengths)
    places, bias = batch.padded
    d = q.shape[1] // heads
    k, v = (
        kv.index_select(0, places).view(b, w, 2, heads, d).permute(2, 0, 3, 1, 4).reshape(2, b * heads, w, d)
    )
    scores = torch.bmm(q.view(b * heads, 1, d), k.transpose(1, 2)).view(b, heads, w)
    weights = torch.softmax(scores.float() / math.sqrt(d) + bias[:, None], -1)
    if noise:
        positions = torch.arange(w, device=q.device).expand(b, w)
        keep = _kept(batch.keys[batch.first][:, None], positions, heads, noise)[:, :, 0]
        weights = weights * keep / (1 - noise.rate)
    return torch.bmm(weights.to(v.dtype).view(b * heads, 1, w), v).view(b, heads * d)


class _Attend(torch.autograd.Function):
    """One tier: qkv [N, 3H] → [n, H] for the tier's n pieces."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, tier: Tier, heads: int, batch: Packed, noise: Noise | None) -> Tensor:
        (r, w), d = tier.shape, qkv.shape[1] // 3 // heads
        q, k, v = (
            qkv.index_select(0, tier.places)
            .view(r, w, 3, heads, d)
            .permute(2, 0, 3, 1, 4)
            .reshape(3, r * heads, w, d)
        )
        scores = torch.bmm(q, k.transpose(1, 2)).view(r, heads, w, w)
        weights = _softmax(scores, tier.bias, 1 / math.sqrt(d))
        keep = None
        if noise:
            keys, positions = (t[tier.places].view(r, w) for t in (batch.keys, batch.positions))
            keep = _kept(keys, positions, heads, noise)
        used = weights if keep is None else _drop(weights, keep, noise.rate)  # type: ignore[union-attr]
        out = torch.bmm(used.view(r * heads, w, w), v)
        ctx.save_for_backward(q, k, v, weights, keep)
        ctx.tier, ctx.pieces, ctx.rate = tier, qkv.shape[0], noise.rate if noise else 0.0
        return out.view(r, heads, w, d).transpose(1, 2).reshape(r * w, heads * d).index_select(0, tier.back)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor, None, None, None, None]:
        q, k, v, weights, keep = ctx.saved_tensors
        tier: Tier = ctx.tier
        r, heads, w, _ = weights.shape
        d = q.shape[-1]
        rows = dout.new_zeros(r * w, heads * d).index_copy_(0, tier.back, dout)
        do = rows.view(r, w, heads, d).transpose(1, 2).reshape(r * heads, w, d)
        dweights = torch.bmm(do, v.transpose(1, 2)).view(r, heads, w, w)
        used = weights
        if keep is not None:
            used, dweights = _drop(weights, keep, ctx.rate), _drop(dweights, keep, ctx.rate)
        ds = _softmax_slope(weights, dweights, 1 / math.sqrt(d)).view(r * heads, w, w)
        dqkv = torch.stack(
            [
                torch.bmm(ds, k),
                torch.bmm(ds.transpose(1, 2), q),
                torch.bmm(used.view_as(ds).transpose(1, 2), do),
            ]
        )
        flat = dqkv.view(3, r, heads, w, d).permute(1, 3, 0, 2, 4).reshape(r * w, 3 * heads * d)
        mine = flat.index_select(0, tier.back)
        if len(tier.pieces) == ctx.pieces:
            return mine, None, None, None, None
        whole = mine.new_zeros(ctx.pieces, mine.shape[1]).index_copy_(0, tier.pieces, mine)
        return whole, None, None, None, None


@fused
def _softmax(scores: Tensor, bias: Tensor, scale: float) -> Tensor:
    return torch.softmax(scores.float() * scale + bias, -1).to(scores.dtype)


@fused
def _softmax_slope(weights: Tensor, dweights: Tensor, scale: float) -> Tensor:
    p, dp = weights.float(), dweights.float()
    return (p * (dp - (p * dp).sum(-1, keepdim=True)) * scale).to(weights.dtype)


@fused
def _drop(weights: Tensor, keep: Tensor, rate: float) -> Tensor:
    return torch.where(keep, weights / (1 - rate), 0.0).to(weights.dtype)


def _kept(keys: Tensor, positions: Tensor, heads: int, noise: Noise) -> Tensor:
    """keys [R, Q] of the querying pieces, positions [R, W] of those attended → bool [R, A, Q, W].

    Nothing here depends on the row that a sequence was laid into.
    """
    rows = noise.draw.rows(
        keys[:, None] * heads + torch.arange(heads, device=keys.device)[:, None], noise.site
    )
    return kept(rows[..., None], numbers(positions)[:, None, None], noise.rate)
