"""Products and tables in int8, in two ways that runtimes have fast kernels for.

Weights are the same in both: a whole number from -127 to 127, and a scale for each output (per channel, arXiv
1806.08342 §3). A shared matrix is held once, in int8, whatever number of layers use it.

`Dynamic` finds the scale of what comes in from the batch itself (ONNX Runtime). `Static` has it from sample
texts, one for each use of a matrix, not one for each matrix (OpenVINO).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert.exporting import operators as op
from litebert.exporting.lowering import FLOAT, Graph, Lowering

LEVELS = 127


class Quantised(ABC):
    """Lowerings for the operators of `operators.py` that say "in int8 where that is asked for"."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self.weights = weights
        self._axis: dict[str, int] = {}

    @property
    def lowerings(self) -> dict[Callable[..., Any], Lowering]:
        return {op.product: self.product, op.table_product: self.table_product, op.lookup: self.lookup}

    def product(self, g: Graph, x: str, name: str) -> str:
        return self.multiplied(g, x, *self.held(g, name, 1), turned=False)

    def table_product(self, g: Graph, x: str, name: str) -> str:
        """A matrix that is held for its columns is made fp32 again: a row has no scale of its own."""
        if self._axis.get(name) == 1:
            whole, scales = self.held(g, name, 1)
            weight = g.node("Mul", g.node("Cast", whole, to=FLOAT), scales)
            return g.node("MatMul", x, g.node("Transpose", weight, perm=[1, 0]))
        return self.multiplied(g, x, *self.held(g, name, 0), turned=True)

    def lookup(self, g: Graph, name: str, ids: str) -> str:
        whole, scales = self.held(g, name, 0)
        rows = g.node("Cast", g.node("Gather", whole, ids, axis=0), to=FLOAT)
        of_rows = g.node("Gather", scales, ids, axis=0)
        return g.node("Mul", rows, g.node("Unsqueeze", of_rows, g.whole(-1)))

    def held(self, g: Graph, name: str, axis: int) -> tuple[str, str]:
        """The names of a matrix in whole numbers and of its scales, a scale for each along `axis`."""
        whole, scales = f"{name}.int8", f"{name}.scale"
        if name not in self._axis:
            self._axis[name] = axis
            numbers, sizes = quantise(self.weights[name], axis)
            g.hold(whole, numbers)
            g.hold(scales, sizes)
        return whole, scales

    @abstractmethod
    def multiplied(self, g: Graph, x: str, whole: str, scales: str, *, turned: bool) -> str:
        """x [..., in] times the matrix [in, out], or, turned, [out, in]."""


class Dynamic(Quantised):
    """The input's scale is found from what comes in: `DynamicQuantizeLinear` and `MatMulInteger`."""

    def multiplied(self, g: Graph, x: str, whole: str, scales: str, *, turned: bool) -> str:
        weight = g.node("Transpose", whole, perm=[1, 0]) if turned else whole
        numbers = g.node("DynamicQuantizeLinear", x, outputs=3)
        total = g.node("MatMulInteger", numbers, weight, f"{numbers}_2")
        return g.node("Mul", g.node("Cast", total, to=FLOAT), g.node("Mul", f"{numbers}_1", scales))


class Static(Quantised):
    """The input's scale is known: `QuantizeLinear` and `DequantizeLinear` around a plain product.

    ranges: between what values the input of each use lies, by the use's name (`traced.ranges`).
    """

    def __init__(
        self, weights: Mapping[str, NDArray[np.float32]], ranges: Mapping[str, tuple[float, float]]
    ) -> None:
        super().__init__(weights)
        self.ranges = ranges
        self._widened: dict[str, str] = {}

    def multiplied(self, g: Graph, x: str, whole: str, scales: str, *, turned: bool) -> str:
        low, high = self.ranges[g.place]
        step = max(high - low, 1e-12) / 255
        inner = g.number(step), g.number(round(-low / step), np.uint8)
        coarse = g.node("DequantizeLinear", g.node("QuantizeLinear", x, *inner), *inner)
        if whole not in self._widened:
            weight = g.node("DequantizeLinear", whole, scales, axis=0 if turned else 1)
            self._widened[whole] = g.node("Transpose", weight, perm=[1, 0]) if turned else weight
        return g.node("MatMul", coarse, self._widened[whole])


def quantise(weight: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """[in, out] → whole numbers of the same shape, and a scale for each along `axis`."""
    greatest = np.abs(weight).max(axis=1 - axis, keepdims=True)
    scales = np.maximum(greatest, np.finfo(np.float32).tiny * LEVELS) / LEVELS
    whole = np.rint(weight / scales).clip(-LEVELS, LEVELS).astype(np.int8)
    return whole, scales.astype(np.float32).ravel()
