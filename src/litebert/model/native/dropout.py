"""Dropout drawn by counter, one pass over memory: no mask is made, and none is kept for the way back.

Shapes: N rows, C columns.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from litebert.model.functions import applied
from litebert.model.native.compiling import call


def dropout(x: Tensor, rows: Tensor, columns: Tensor, least: int, scale: float) -> Tensor:
    """x [N, C], times `scale` where the hash of rows [N] and columns [C], int32 both, is at least `least`,
    and 0 elsewhere."""
    return applied(_Dropout, x.contiguous(), rows, columns, least, scale)


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: Tensor, columns: Tensor, least: int, scale: float) -> Tensor:
        ctx.save_for_backward(rows, columns)
        ctx.kept = least, scale
        return _dropped(x, rows, columns, least, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None, None, None, None]:
        rows, columns = ctx.saved_tensors
        return _dropped(dy.contiguous(), rows, columns, *ctx.kept), None, None, None, None


def _dropped(x: Tensor, rows: Tensor, columns: Tensor, least: int, scale: float) -> Tensor:
    y = torch.empty_like(x)
    call("dropout", x.dtype, *x.shape, torch.get_num_threads(), least, scale, rows, columns, x, y)
    return y
