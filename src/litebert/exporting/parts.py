"""The parts that the exported encoder and heads are made of."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from litebert.exporting import operators as op
from litebert.model.config import Activation
from litebert.model.products import Linear

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "gelu_new": op.gelu_new,
    "gelu": op.gelu,
    "relu": op.relu,
}


class Matrix(nn.Module):
    """x [..., in] → [..., out]; held as [in, out], so that no runtime keeps a turned copy beside it.

    exact: whether it stays in fp32 whatever is asked for.
    """

    def __init__(self, *parts: Linear | nn.Linear, exact: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.cat([part.weight.detach() for part in parts]).t().contiguous())
        biases = [part.bias.detach() for part in parts if part.bias is not None]
        self.bias = nn.Parameter(torch.cat(biases)) if biases else None
        self.product = op.exact_product if exact else op.product

    def forward(self, x: Tensor) -> Tensor:
        y = self.product(x, self.weight)
        return y if self.bias is None else op.plus(y, self.bias)


class Norm(nn.Module):
    """Layer normalisation."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(norm.weight.detach()), nn.Parameter(norm.bias.detach())
        self.epsilon = norm.eps

    def forward(self, x: Tensor) -> Tensor:
        return op.normed(x, self.weight, self.bias, self.epsilon)
