"""Matrix products with weights that are packed once and used at every application of a block.

A shared matrix is brought to the working precision and into the processor's own layout once a step,
both ways round, and then serves all layers, forward and back. Its gradient is made of few large products over
the rows of many applications, and added up in fp32, where autograd would make one for each application
and add them up in bf16. No model with a matrix for each layer can do either.

The packed operators are private to torch, so they are looked for and the plain product is the fallback.
Shapes: x [N, in], weight [out, in], bias [out], y [N, out].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, product
from operator import attrgetter, is_
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from litebert.model.activations import ACTIVATIONS
from litebert.model.config import Activation
from litebert.model.functions import applied

_ROWS_HINT = 512
"""The number of rows that a layout is chosen for; any number may then be multiplied."""
_WORTH_PACKING = 1 << 20
"""Numbers in a bf16 matrix from which packing it is won back: smaller ones lie in the cache as they are."""
_ENOUGH_ROWS = 256
"""Rows of a weight's gradient that are worth a product of their own: fewer wait for those of other layers."""

_WRITTEN = attrgetter("_version")

POST_OPERATIONS: dict[Activation | None, tuple[str, list[float], str]] = {
    None: ("none", [], ""),
    "gelu_new": ("gelu", [], "tanh"),
    "gelu": ("gelu", [], "none"),
    "relu": ("relu", [], ""),
}
"""How torch's operators are told of an activation."""


class Linear(nn.Module):
    """A matrix and a bias as parameters. `prepare` makes the thing that multiplies."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self._kept: tuple[torch.dtype, Watch, Product] | None = None

    def prepare(self, dtype: torch.dtype, then: Activation | None = None) -> Product:
        return Product(self.weight, self.bias, dtype, then)

    def kept(self, dtype: torch.dtype) -> Product:
        """`prepare` or, where nothing is learnt, what it gave before, until the weights change."""
        if torch.is_grad_enabled():
            return self.prepare(dtype)
        kept = self._kept  # Another thread may put its own there meanwhile.
        if kept is None or kept[0] is not dtype or kept[1].changed():
            self._kept = kept = dtype, Watch(self), self.prepare(dtype)
        return kept[2]

    def __getstate__(self) -> dict[str, object]:
        """Without the packed matrix, which torch cannot copy."""
        return {**self.__dict__, "_kept": None}


class Watch:
    """Whether a parameter of a module has been written to, or been put in another's place, since this was
    made. It is asked for each answer: torch's own walk over parameters takes as long as several products."""

    def __init__(self, module: nn.Module) -> None:
        tables = (table for part in module.modules() for table in (part._modules, part._parameters))
        self._tables: list[dict[str, Any]] = [table for table in tables if table]
        self._parts = list(self._walk())
        self._parameters = [part for part in self._parts if isinstance(part, Tensor)]
        self._seen = self._now()

    def changed(self) -> bool:
        return not all(map(is_, self._walk(), self._parts)) or self._now() != self._seen

    def _walk(self) -> Iterator[object]:
        return chain.from_iterable(map(dict.values, self._tables))

    def _now(self) -> tuple[list[int], list[int]]:
        """Where each parameter's numbers are, and how often it has been written to."""
        return list(map(Tensor.data_ptr, self._parameters)), list(map(_WRITTEN, self._parameters))


def stack(*parts: Linear, dtype: torch.dtype, then: Activation | None = None) -> Product:
    """Several matrices that read the same rows, as one product."""
    return Product(*stacked(parts), dtype, then)


def stacked(parts: Sequence[Linear]) -> tuple[Tensor, Tensor | None]:
    """The weights and biases of several matrices that read the same rows, as one's."""
    if len(parts) == 1:
        return parts[0].weight, parts[0].bias
    biases = tuple(part.bias for part in parts if part.bias is not None)
    return torch.cat(tuple(part.weight for part in parts)), torch.cat(biases) if biases else None


class Product:
    """`x @ weight.T + bias` in `dtype`, for one step: valid until the weights change.

    then: an activation of what comes out; where nothing is learnt it is part of the product's own pass.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype, then: Activation | None = None
    ) -> None:
        self._then = then
        self.bias = None if bias is None else bias.detach().to(dtype)
        self._weight = weight.detach().to(dtype)
        self._forward = _Matrix(self._weight, learns=torch.is_grad_enabled())
        self._backward: _Matrix | None = None
        self.uses = _Uses()
        needs = torch.is_grad_enabled() and weight.requires_grad
        self.token = applied(_Gather, self.uses, weight, bias) if needs else None
        """Stands for the parameters in autograd's graph; None where they are not trained."""

    def __call__(self, x: Tensor, _layer: int = 0) -> Tensor:
        if not torch.is_grad_enabled():
            return self._forward.multiplied(x, self.bias, self._then)
        learns = self.token is not None or x.requires_grad
        y = applied(_Use, self, x, self.token) if learns else self.forward(x)
        return y if self._then is None else ACTIVATIONS[self._then](y)

    def forward(self, x: Tensor) -> Tensor:
        return self._forward.multiplied(x, self.bias)

    def backward(self, dy: Tensor) -> Tensor:
        """dy [N, out] → dx [N, in]."""
        if self._backward is None:
            self._backward = _Matrix(self._weight.t(), learns=True)
        return self._backward.multiplied(dy, None)


class _Matrix:
    """A matrix [out, in] that rows are multiplied with, laid out as that is fastest: packed, where it is
    used often enough to win that back, as it always is by what does not learn."""

    def __init__(self, weight: Tensor, *, learns: bool) -> None:
        self._fuses = fuses_bias(weight.dtype, weight.device.type)
        often = weight.numel() >= _WORTH_PACKING or not learns
        self._packed = self._fuses and (weight.dtype is torch.float32 or often)
        self._weight = _pack(weight.contiguous()) if self._packed else weight

    def multiplied(self, x: Tensor, bias: Tensor | None, then: Activation | None = None) -> Tensor:
        """x [N, in] → [N, out]."""
        if self._packed or (self._fuses and bias is not None):
            return torch.ops.mkldnn._linear_pointwise(x, self._weight, bias, *POST_OPERATIONS[then])  # type: ignore[no-any-return]
        y = F.linear(x, self._weight, bias)
        return y if then is None else ACTIVATIONS[then](y)


class _Uses:
    """What a product was applied to, and what came back: all that its weight's gradient is made of.

    Uses wait until they are rows enough for a large product; what it gives is added up in fp32.
    Apart from `Product`, for that holds the token whose graph holds this: a circle would never be freed.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Tensor, Tensor]] = []
        self._sums: tuple[Tensor, Tensor] | None = None

    def add(self, x: Tensor, dy: Tensor) -> None:
        self._waiting.append((x, dy))
        if sum(len(rows) for rows, _ in self._waiting) >= _ENOUGH_ROWS:
            self._fold()

    def gradients(self, *, biased: bool) -> tuple[Tensor | None, Tensor | None]:
        """Of the weight and the bias, fp32, over all uses; forgets the uses."""
        if self._waiting:
            self._fold()
        sums, self._sums = self._sums, None
        if sums is None:
            return None, None
        weight, bias = sums
        return weight.contiguous(), bias if biased else None

    def _fold(self) -> None:
        """Those that wait, into the sums."""
        x, dy = (torch.cat(rows) if len(rows) > 1 else rows[0] for rows in zip(*self._waiting, strict=True))
        self._waiting.clear()
        weight, bias = _weight_gradient(x, dy), torch.mm(dy.new_ones(1, len(dy)), dy)[0]
        if self._sums is None:
            self._sums = weight.float(), bias.float()
        else:
            self._sums[0].add_(weight)
            self._sums[1].add_(bias)


def _weight_gradient(x: Tensor, dy: Tensor) -> Tensor:
    """dyᵀ x, [out, in]. The left side is the narrower of the two, turned."""
    if x.shape[1] < dy.shape[1]:
        return torch.mm(_turned(x), dy).t()
    return torch.mm(_turned(dy), x)


def _turned(rows: Tensor) -> Tensor:
    """With AMX a bf16 product takes twice as long with its left side turned as with it in rows, and turning
    costs less than that; without AMX it is no slower."""
    return rows.t().contiguous() if torch.cpu._is_amx_tile_supported() else rows.t()


class _Gather(torch.autograd.Function):
    """Ties every use of a product to its parameters; runs backward once, after the last of them."""

    @staticmethod
    def forward(ctx: Any, uses: _Uses, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.uses, ctx.biased = uses, bias is not None
        return weight.new_empty(0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _token: Tensor) -> tuple[None, Tensor | None, Tensor | None]:
        return None, *ctx.uses.gradients(biased=ctx.biased)


class _Use(torch.autograd.Function):
    """One application: the gradient of x at once, the weight's later with all the others."""

    @staticmethod
    def forward(ctx: Any, product: Product, x: Tensor, token: Tensor | None) -> Tensor:
        ctx.product, ctx.trained = product, token is not None
        ctx.save_for_backward(x)
        return product.forward(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[None, Tensor | None, Tensor | None]:
        (x,) = ctx.saved_tensors
        dy = dy.contiguous()
        dx = ctx.product.backward(dy) if ctx.needs_input_grad[1] else None
        if not ctx.trained:
            return None, dx, None
        ctx.product.uses.add(x, dy)
        return None, dx, dy.new_empty(0, dtype=torch.float32)


def _pack(weight: Tensor) -> Tensor:
    """A weight [out, in] in the processor's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS_HINT)  # type: ignore[no-any-return]


@cache
def fuses_bias(dtype: torch.dtype, device: str) -> bool:
    """Whether torch's operator for a product with its bias is there, works, and is right, activations too.

    The plain product with a bias first writes the bias to every row and then adds to it, which takes half as
    long again in bf16. In fp32, with the matrix packed, it is up to four times as fast as the plain product
    where that is another vendor's library.
    """
    if dtype not in (torch.float32, torch.bfloat16) or device != "cpu":
        return False
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    x, w, b = (
        torch.linspace(-1, 1, n).to(dtype).view(shape)
        for n, shape in ((96, (3, 32)), (512, (16, 32)), (16, (16,)))
    )
    close = 1e-5 if dtype is torch.float32 else 0.1
    try:
        for then, weight in product(POST_OPERATIONS, (w, _pack(w))):
            y = torch.ops.mkldnn._linear_pointwise(x, weight, b, *POST_OPERATIONS[then])
            plain = F.linear(x, w, b)
            if not torch.allclose(y, plain if then is None else ACTIVATIONS[then](plain), atol=close):
                return False
    except (RuntimeError, AttributeError, NotImplementedError, TypeError):
        return False
    return True


@cache
def fastest_dtype() -> torch.dtype:
    """bf16 where the processor multiplies it in hardware, else fp32."""
    known = torch.ops.mkldnn._is_mkldnn_bf16_supported() and _has_bf16_units()
    return torch.bfloat16 if known else torch.float32


def _has_bf16_units() -> bool:
    """AVX-512 BF16 or AMX: without them bf16 is emulated, and slower than fp32."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
