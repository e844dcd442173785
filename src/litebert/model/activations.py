"""The feed-forward net's activations, with their derivatives written out so that each is one pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from litebert.model.config import Activation
from litebert.model.functions import applied
from litebert.model.native import activation as native
from litebert.model.native.compiling import serves

_C, _K = 2 * math.sqrt(2 / math.pi), 0.044715


def _gelu_new(x: Tensor) -> Tensor:
    """x·σ(2√(2/π)(x + 0.044715x³)), which is 0.5x(1 + tanh(√(2/π)(x + 0.044715x³)))."""
    y = x.float()
    return (y * torch.sigmoid(_C * (y + _K * y * y * y))).to(x.dtype)


def _gelu_new_slope(x: Tensor, dy: Tensor) -> Tensor:
    y = x.float()
    s = torch.sigmoid(_C * (y + _K * y * y * y))
    return (dy.float() * (s + y * s * (1 - s) * _C * (1 + 3 * _K * y * y))).to(x.dtype)


class _GeluNew(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return native.gelu(x.contiguous()) if serves(x) else _gelu_new(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return native.gelu_slope(x.contiguous(), dy.contiguous()) if serves(x, dy) else _gelu_new_slope(x, dy)


def gelu_new(x: Tensor) -> Tensor:
    """The tanh form of GELU: what Google's code calls gelu (`modeling.py`)."""
    if not torch.is_grad_enabled():
        return F.gelu(x, approximate="tanh")
    return applied(_GeluNew, x)


ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "gelu_new": gelu_new,
    "gelu": F.gelu,
    "relu": F.relu,
}
