"""The norm of a sum, one pass over memory forward and one back.

Shapes: N pieces, H hidden.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from litebert.model.functions import applied
from litebert.model.native.compiling import call


def norm_of_sum(norm: nn.LayerNorm, x: Tensor, y: Tensor) -> Tensor:
    """norm(x + y), [N, H]. The sum is rounded to the tensors' precision, as torch does, and kept."""
    return applied(_NormOfSum, x.contiguous(), y.contiguous(), norm.weight, norm.bias, norm.eps)


class _NormOfSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
        total, z, seen = torch.empty_like(x), torch.empty_like(x), torch.empty(len(x), 2, dtype=torch.float32)
        shape = *x.shape, torch.get_num_threads()
        call("norm_forward", x.dtype, *shape, epsilon, x, y, weight, bias, total, z, seen)
        ctx.save_for_backward(total, weight, seen)
        return z

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dz: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        total, weight, seen = ctx.saved_tensors
        dtotal, dweight, dbias = torch.empty_like(total), torch.empty_like(weight), torch.empty_like(weight)
        shape, dz = (*total.shape, torch.get_num_threads()), dz.contiguous()
        call("norm_backward", total.dtype, *shape, dz, total, weight, seen, dtotal, dweight, dbias)
        return dtotal, dtotal, dweight, dbias, None
