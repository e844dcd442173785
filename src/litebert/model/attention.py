"""softmax(QKᵀ/√d)V over a packed batch: each piece attends to the pieces of its own sequence.

torch has no packed attention for the CPU. Here the sequences of about one length are laid into rows
of one width (`packing.Tier`), several to a row, and a bias keeps them apart: a few dense products
whatever the lengths, with hardly a place empty. Where nothing is learnt it goes another way (`stretches.py`).

Shapes: N pieces, H = A heads × D; R rows of W places.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from litebert.model import stretches
from litebert.model.dropout import Noise, kept, numbers
from litebert.model.functions import applied
from litebert.model.native import attention as native
from litebert.model.native.compiling import serves
from litebert.model.packing import Packed, Tier


def attend(qkv: Tensor, batch: Packed, heads: int, noise: Noise | None = None) -> Tensor:
    """qkv [N, 3H], queries, keys and values side by side → what each piece gathered [N, H]."""
    if noise is None and not torch.is_grad_enabled():
        return stretches.attend(qkv, batch, heads)
    if serves(qkv):
        return native.attend(qkv, batch, heads, noise)
    return applied(_Attend, qkv, batch, heads, noise)


def attend_first(q: Tensor, kv: Tensor, batch: Packed, heads: int, noise: Noise | None = None) -> Tensor:
    """Of each sequence's first piece alone: q [B, H], kv [N, 2H] → [B, H]."""
    if noise is None and not torch.is_grad_enabled():
        return stretches.attend_first(q, kv, batch, heads)
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
        keep = keeps(batch.first_keys[:, None], positions, heads, noise)[:, :, 0]
        weights = weights * keep / (1 - noise.rate)
    return torch.bmm(weights.to(v.dtype).view(b * heads, 1, w), v).view(b, heads * d)


class _Attend(torch.autograd.Function):
    """qkv [N, 3H] → [N, H], a tier at a time; zeros for pieces of no sequence."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, batch: Packed, heads: int, noise: Noise | None) -> Tensor:
        found: list[Tensor] = []
        ctx.rate, ctx.kept = noise.rate if noise else 0.0, []
        for tier in batch.tiers:
            q, k, v = laid_out(qkv, tier, 3, heads)
            weights = softmax(product(q, k.transpose(-2, -1)), tier.bias, 1 / math.sqrt(q.shape[-1]))
            keep = _tier_keeps(tier, batch, heads, noise) if noise else None
            gathered = product(drop(weights, keep, ctx.rate), v)
            found.append(taken_back(gathered[None], tier))
            ctx.kept.append((tier, q, k, v, weights, keep))
        return _together(found, batch.tiers, len(qkv))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor, None, None, None]:
        found: list[Tensor] = []
        for tier, q, k, v, weights, keep in ctx.kept:
            (do,) = laid_out(dout, tier, 1, weights.shape[1], only_pieces=True)
            dweights = drop(product(do, v.transpose(-2, -1)), keep, ctx.rate)
            ds = softmax_slope(weights, dweights, 1 / math.sqrt(q.shape[-1]))
            used = drop(weights, keep, ctx.rate)
            parts = (product(ds, k), product(ds.transpose(-2, -1), q), product(used.transpose(-2, -1), do))
            found.append(taken_back(torch.stack(parts), tier))
        return _together(found, [tier for tier, *_ in ctx.kept], len(dout)), None, None, None


def _together(found: Sequence[Tensor], tiers: Sequence[Tier], count: int) -> Tensor:
    """What was found for each tier's pieces, [n, C] each → [N, C], zeros for pieces of no tier."""
    if len(found) == 1 and len(found[0]) == count:
        return found[0]  # One tier that has all of them, in their order.
    whole = found[0].new_zeros(count, found[0].shape[1])
    for tier, rows in zip(tiers, found, strict=True):
        whole.index_copy_(0, tier.pieces, rows)
    return whole


class Layout(Protocol):
    """Where pieces lie in rows: a `Tier`, or a side of a `crossing.Meeting`."""

    @property
    def places(self) -> Tensor: ...
    @property
    def pieces(self) -> Tensor: ...
    @property
    def back(self) -> Tensor: ...
    @property
    def shape(self) -> tuple[int, int]: ...


def laid_out(x: Tensor, tier: Layout, parts: int, heads: int, *, only_pieces: bool = False) -> Tensor:
    """x [N, parts·H] → [parts, R, A, W, D]. An empty place holds what piece 0 holds, or zeros."""
    (r, w), d = tier.shape, x.shape[1] // parts // heads
    if only_pieces:
        rows = x.new_zeros(r * w, x.shape[1]).index_copy_(0, tier.back, x.index_select(0, tier.pieces))
    else:
        rows = x.index_select(0, tier.places)
    return rows.view(r, w, parts, heads, d).permute(2, 0, 3, 1, 4).contiguous()


def taken_back(x: Tensor, tier: Layout) -> Tensor:
    """x [parts, R, A, W, D] → [n, parts·H], for the tier's n pieces."""
    parts, r, heads, w, d = x.shape
    return x.permute(1, 3, 0, 2, 4).reshape(r * w, parts * heads * d).index_select(0, tier.back)


def product(a: Tensor, b: Tensor) -> Tensor:
    """[R, A, m, k] × [R, A, k, n] → [R, A, m, n]."""
    r, heads = a.shape[:2]
    return torch.bmm(a.flatten(0, 1), b.flatten(0, 1)).view(r, heads, a.shape[2], b.shape[3])


def _tier_keeps(tier: Tier, batch: Packed, heads: int, noise: Noise) -> Tensor:
    keys, positions = (t[tier.places].view(tier.shape) for t in (batch.keys, batch.positions))
    return keeps(keys, positions, heads, noise)


def softmax(scores: Tensor, bias: Tensor, scale: float) -> Tensor:
    """Of scores · scale + bias, worked out in fp32."""
    return torch.softmax(scores.float() * scale + bias, -1).to(scores.dtype)


def softmax_slope(weights: Tensor, dweights: Tensor, scale: float) -> Tensor:
    """The gradient of scores, from that of their softmax: p · (dp - Σ p · dp) · scale, all of one shape."""
    p, dp = weights.float(), dweights.float()
    return (p * (dp - (p * dp).sum(-1, keepdim=True)) * scale).to(weights.dtype)


def drop(weights: Tensor, keep: Tensor | None, rate: float) -> Tensor:
    """weights with those that are not kept at 0, the others over 1 - rate; None keeps all."""
    return weights if keep is None else _dropped(weights, keep, rate)


def _dropped(weights: Tensor, keep: Tensor, rate: float) -> Tensor:
    return torch.where(keep, weights / (1 - rate), 0.0).to(weights.dtype)


def keeps(keys: Tensor, positions: Tensor, heads: int, noise: Noise) -> Tensor:
    """keys [R, Q] of the querying pieces, positions [R, W] of those attended → bool [R, A, Q, W].

    Nothing here depends on the row that a sequence was laid into.
    """
    rows = noise.draw.rows(
        keys[:, None] * heads + torch.arange(heads, device=keys.device)[:, None], noise.site
    )
    return kept(rows[..., None], numbers(positions)[:, None, None], noise.rate)
