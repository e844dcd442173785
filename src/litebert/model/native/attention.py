"""Attention over a packed batch, each sequence where it lies: nothing is gathered, padded or masked, no table
of weights is kept, and the scores are fp32. The way back works the weights out once more.

Shapes: N pieces, H = A heads × D.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from litebert.model.dropout import Noise, least, numbers
from litebert.model.functions import applied
from litebert.model.native.compiling import call, pointer
from litebert.model.packing import Packed


class _Shape(ctypes.Structure):
    _fields_ = [
        ("starts", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("sequences", "heads", "depth", "threads", "causal")),
        ("scale", ctypes.c_float),
    ]


class _Noise(ctypes.Structure):
    _fields_ = [
        ("rows", ctypes.c_void_p),
        ("columns", ctypes.c_void_p),
        ("least", ctypes.c_int32),
        ("scale", ctypes.c_float),
    ]


def attend(qkv: Tensor, batch: Packed, heads: int, noise: Noise | None) -> Tensor:
    """qkv [N, 3H] → [N, H]; zeros for pieces of no sequence."""
    return applied(_Attend, qkv.contiguous(), batch, heads, noise)


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, qkv: Tensor, batch: Packed, heads: int, noise: Noise | None) -> Tensor:
        ctx.batch, ctx.heads, ctx.drawn = batch, heads, noise and _drawn(batch, heads, noise)
        ctx.noise = noise
        out, logs = (
            qkv.new_empty(len(qkv), qkv.shape[1] // 3),
            torch.empty(len(qkv), heads, dtype=torch.float32),
        )
        out[batch.count :] = 0
        arguments = (qkv, out, logs)
        call("attend_forward", qkv.dtype, _shape(qkv, batch, heads), *arguments, _noise(noise, ctx.drawn))
        ctx.save_for_backward(qkv, logs)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor, None, None, None]:
        qkv, logs = ctx.saved_tensors
        dqkv = torch.empty_like(qkv)
        dqkv[ctx.batch.count :] = 0
        shape, noise = _shape(qkv, ctx.batch, ctx.heads), _noise(ctx.noise, ctx.drawn)
        call("attend_backward", qkv.dtype, shape, qkv, logs, dout.contiguous(), dqkv, noise)
        return dqkv, None, None, None


def _shape(qkv: Tensor, batch: Packed, heads: int) -> _Shape:
    depth = qkv.shape[1] // 3 // heads
    counts = len(batch), heads, depth, torch.get_num_threads(), batch.causal
    return _Shape(pointer(batch.starts), *counts, 1 / math.sqrt(depth))


def _drawn(batch: Packed, heads: int, noise: Noise) -> tuple[Tensor, Tensor]:
    """int32 [N, A], a number for each piece and head that asks, and [N] for each piece that is asked."""
    keys = batch.keys[:, None] * heads + torch.arange(heads)
    return noise.draw.rows(keys, noise.site), numbers(batch.positions)


def _noise(noise: Noise | None, drawn: tuple[Tensor, Tensor] | None) -> _Noise:
    if noise is None or drawn is None:
        return _Noise(None, None, 0, 1.0)
    return _Noise(*map(pointer, drawn), least(noise.rate), 1 / (1 - noise.rate))
