"""GELU's tanh form and its derivative, each one pass over memory."""

from __future__ import annotations

import torch
from torch import Tensor

from litebert.model.native.compiling import call


def gelu(x: Tensor) -> Tensor:
    """By tanh, as ALBERT's `gelu_new`; of any shape, fp32 or bf16."""
    y = torch.empty_like(x)
    call("gelu_forward", x.dtype, x.numel(), torch.get_num_threads(), x, y)
    return y


def gelu_slope(x: Tensor, dy: Tensor) -> Tensor:
    """What the way back gives: dy times the derivative at x."""
    dx = torch.empty_like(x)
    call("gelu_backward", x.dtype, x.numel(), torch.get_num_threads(), x, dy, dx)
    return dx
