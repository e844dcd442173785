"""Products in whole numbers of 8 bits, for answering: at four times the rate of fp32, twice that of bf16.

A weight is a signed number, with a scale for each row of outputs. What it is multiplied with is an unsigned
one, with a scale and a zero point for each use of the matrix: a shared matrix is quantised once, but what
reaches it at layer 2 is of another size than at layer 9. How far that reaches is found out beforehand
(`Ranges`), so that a sequence's answer does not depend on what is in the batch with it.

The operators are private to torch, so they are looked for and tried; signed activations would fall on a slow
reference. Shapes: x [N, in], weight [out, in], y [N, out].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from litebert.model.config import Activation
from litebert.model.products import POST_OPERATIONS, Product, fastest_dtype

TOP = 255
"""The greatest unsigned number of 8 bits; what reaches further is cut there."""
_HALF = 128
_ROWS_HINT = 512


class Step(NamedTuple):
    """Unsigned numbers u stand for (u - zero) · scale."""

    scale: float
    zero: int


@dataclass
class Ranges:
    """How far what reaches a matrix goes, lowest and highest, by the matrix's name and the layer.

    watching: whether it is being found out, by products of floating numbers.
    """

    found: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)
    watching: bool = True

    def see(self, name: str, layer: int, x: Tensor) -> None:
        low, high = self.found.get((name, layer), (0.0, 0.0))
        least, most = torch.aminmax(x.detach())
        self.found[name, layer] = min(low, float(least)), max(high, float(most))

    def step(self, name: str, layer: int) -> Step:
        """For the numbers that reach a matrix at a layer. Zero has a number of its own."""
        low, high = self.found[name, layer]
        scale = max((high - low) / TOP, 1e-12)
        return Step(scale, round(-low / scale))


class Watched:
    """A product of floating numbers that tells `ranges` what reached it."""

    def __init__(self, product: Product, dtype: torch.dtype, ranges: Ranges, name: str) -> None:
        self._product, self._dtype, self._ranges, self._name = product, dtype, ranges, name

    def __call__(self, x: Tensor, layer: int = 0) -> Tensor:
        self._ranges.see(self._name, layer, x)
        return self._product(x.to(self._dtype))


class EightBits:
    """`then(x @ weight.T + bias)` in 8 bits, for x in floating numbers or, from another such, in 8 bits.

    name: under which `ranges` has what reaches it; into: what it feeds, to which it gives 8 bits at once;
    floats: in what it gives numbers otherwise, the fastest if left out.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        ranges: Ranges,
        name: str,
        then: Activation | None = None,
        into: str | None = None,
        floats: torch.dtype | None = None,
    ) -> None:
        whole, self._scales = whole_numbers(weight)
        self._weight = _packed(whole)
        self._zeros = torch.zeros(len(weight), dtype=torch.int32)
        self._bias = None if bias is None else bias.detach().float()
        self._ranges, self._name, self._then, self._into = ranges, name, then, into
        self._dtype = floats or fastest_dtype()

    def __call__(self, x: Tensor, layer: int = 0) -> Tensor:
        step = self._ranges.step(self._name, layer)
        whole = x if x.dtype is torch.uint8 else quantised(x, step)
        out, dtype = Step(1.0, 0), self._dtype
        if self._into is not None:
            out, dtype = self._ranges.step(self._into, layer), torch.uint8
        return torch.ops.onednn.qlinear_pointwise(  # type: ignore[no-any-return]
            whole,
            *step,
            self._weight,
            self._scales,
            self._zeros,
            self._bias,
            *out,
            dtype,
            *POST_OPERATIONS[self._then],
        )


def whole_numbers(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A weight as int8 [out, in], and what one is in each row, fp32 [out]."""
    scales = (weight.abs().amax(1) / 127).clamp_min(1e-12)
    return torch.round(weight / scales[:, None]).to(torch.int8), scales.float()


def quantised(x: Tensor, step: Step) -> Tensor:
    """The nearest numbers of 8 bits; what reaches further than they do is cut.

    By way of signed ones, whose highest bit is then turned: torch brings floating numbers into unsigned ones
    one at a time, which takes longer than all the rest.
    """
    middle = torch.tensor(float(step.zero - _HALF))
    signed = torch.add(middle, x.float(), alpha=1 / step.scale).clamp_(-_HALF, TOP - _HALF).round_()
    return signed.to(torch.int8).view(torch.uint8).bitwise_xor_(_HALF)


def _packed(weight: Tensor) -> Tensor:
    return torch.ops.onednn.qlinear_prepack(weight, [_ROWS_HINT, weight.shape[1]])  # type: ignore[no-any-return]


@cache
def has_eight_bits() -> bool:
    """Whether torch's operators for products in 8 bits are there, and right.

    They are tried on the greatest numbers as well: a chip that adds products up in 16 bits cuts them.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    try:
        return all(_is_right(x) for x in (torch.linspace(-1, 1, 192).view(3, 64), torch.ones(3, 64)))
    except (RuntimeError, AttributeError, NotImplementedError, TypeError):
        return False


def _is_right(x: Tensor) -> bool:
    w = torch.linspace(-1, 1, 32 * 64).view(32, 64)
    w[0] = 1
    b = torch.linspace(-1, 1, 32)
    ranges = Ranges({("x", 0): (min(0.0, float(x.min())), float(x.max())), ("y", 0): (-70.0, 70.0)})
    plain = F.linear(x, w, b)
    floats = EightBits(w, b, ranges, "x")(x).float()
    step = ranges.step("y", 0)
    whole = (EightBits(w, b, ranges, "x", into="y")(x).float() - step.zero) * step.scale
    fused = EightBits(w, b, ranges, "x", then="gelu_new")(x).float()
    gelu = F.gelu(plain, approximate="tanh")
    return all(
        torch.allclose(found, wanted, atol=near)
        for found, wanted, near in ((floats, plain, 0.6), (whole, plain, 1.0), (fused, gelu, 0.6))
    )
