"""Each operator of `operators.py` in ONNX: what nodes it becomes.

A lowering takes the graph and the operator's arguments, tensors as their names in the graph, and gives the
name of the result. The operators used are plain ones of opset 20, so that every runtime has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from litebert.exporting import operators as op

OPSET = 20
"""The first with `Gelu`; ONNX Runtime has had it since 1.17."""


FLOAT, BF16 = 1, 16
"""ONNX's numbers for fp32 and bf16."""


class Graph:
    """Nodes and tensors of an ONNX graph that is being written. Equal tensors are held once."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.tensors: dict[str, Any] = {}
        self.place = ""
        """The operator that is being written, by its name where the model was traced."""
        self._numbers: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def node(self, kind: str, *inputs: str, outputs: int = 1, name: str = "", **attributes: Any) -> str:
        """The name of the (first) output; the others end in _1, _2."""
        from onnx import helper

        name = name or f"{kind.lower()}_{len(self.nodes)}"
        names = [name, *(f"{name}_{k}" for k in range(1, outputs))]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return name

    def hold(self, name: str, values: NDArray[Any]) -> str:
        """A tensor under a name of its own."""
        from onnx import numpy_helper

        self.tensors[name] = numpy_helper.from_array(np.asarray(values, order="C"), name)
        return name

    def hold_narrow(self, name: str, values: NDArray[np.float32]) -> str:
        """The same for a tensor of fp32 that is held as bf16, and made fp32 before anything else is done."""
        from onnx import helper

        narrow = torch.from_numpy(values).bfloat16().view(torch.int16).numpy()
        self.tensors[f"{name}.bf16"] = helper.make_tensor(
            f"{name}.bf16", BF16, values.shape, narrow.tobytes(), raw=True
        )
        self.nodes.insert(0, helper.make_node("Cast", [f"{name}.bf16"], [name], to=FLOAT))
        return name

    def number(self, values: Any, kind: type[np.generic] = np.float32) -> str:
        """A small tensor."""
        array = np.asarray(values, kind)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._numbers:
            self._numbers[key] = self.hold(f"number_{len(self._numbers)}", array)
        return self._numbers[key]

    def whole(self, *values: int) -> str:
        """int64 [n]."""
        return self.number(values, np.int64)


def _heads_of(g: Graph, x: str, part: int, heads: int, hidden: int) -> str:
    own = g.node("Slice", x, g.whole(part * hidden), g.whole((part + 1) * hidden), g.whole(-1))
    return g.node("Transpose", g.node("Reshape", own, g.whole(0, 0, heads, -1)), perm=[0, 2, 1, 3])


def _attend(g: Graph, q: str, k: str, v: str, bias: str, size: int) -> str:
    scores = g.node("MatMul", q, g.node("Transpose", k, perm=[0, 1, 3, 2]))
    scaled = g.node("Add", g.node("Mul", scores, g.number(1 / math.sqrt(size))), bias)
    gathered = g.node("MatMul", g.node("Softmax", scaled, axis=-1), v)
    return g.node("Reshape", g.node("Transpose", gathered, perm=[0, 2, 1, 3]), g.whole(0, 0, -1))


def _far(g: Graph, mask: str) -> str:
    fills = g.node("Sub", g.number(1), g.node("Cast", mask, to=FLOAT))
    return g.node("Unsqueeze", g.node("Mul", fills, g.number(op.FAR)), g.whole(1, 2))


def _beginning(g: Graph, table: str, ids: str) -> str:
    width = g.node("Slice", g.node("Shape", ids), g.whole(1), g.whole(2))
    return g.node("Slice", table, g.whole(0), width, g.whole(0))


def _unit(g: Graph, x: str) -> str:
    length = g.node("ReduceL2", x, g.whole(1), keepdims=1)
    return g.node("Div", x, g.node("Max", length, g.number(1e-12)))


def _mean_of(g: Graph, x: str, mask: str) -> str:
    weights = g.node("Unsqueeze", g.node("Cast", mask, to=FLOAT), g.whole(2))
    total = g.node("ReduceSum", g.node("Mul", x, weights), g.whole(1), keepdims=0)
    return g.node("Div", total, g.node("ReduceSum", weights, g.whole(1), keepdims=0))


def _greatest_of(g: Graph, x: str, mask: str) -> str:
    real = g.node("Greater", g.node("Unsqueeze", mask, g.whole(2)), g.number(0, np.int64))
    return g.node("ReduceMax", g.node("Where", real, x, g.number(-np.inf)), g.whole(1), keepdims=0)


def _at_places(g: Graph, x: str, at: str) -> str:
    width = g.node("Slice", g.node("Shape", x), g.whole(2), g.whole(3))
    flat = g.node("Reshape", x, g.node("Concat", g.whole(-1), width, axis=0))
    return g.node("Gather", flat, at, axis=0)


def _answerable(g: Graph, segments: str, mask: str) -> str:
    one = g.number(1, np.int64)
    places = g.node(
        "Sub", g.node("CumSum", g.node("Add", g.node("Mul", mask, g.number(0, np.int64)), one), one), one
    )
    last = g.node("Sub", g.node("ReduceSum", mask, g.whole(1), keepdims=1), one)
    inside = g.node("And", g.node("Equal", segments, one), g.node("Less", places, last))
    return g.node("Or", inside, g.node("Equal", places, g.number(0, np.int64)))


def _expected(g: Graph, scores: str, x: str) -> str:
    row = g.node("Unsqueeze", g.node("Softmax", scores, axis=1), g.whole(1))
    return g.node("Squeeze", g.node("MatMul", row, x), g.whole(1))


def _top_places(g: Graph, x: str, count: int) -> str:
    return f"{g.node('TopK', x, g.whole(count), outputs=2, axis=1)}_1"


def _picked(g: Graph, x: str, places: str) -> str:
    """`GatherND` with the sequences as its batch."""
    return g.node("GatherND", x, g.node("Unsqueeze", places, g.whole(2)), batch_dims=1)


def _first_place(g: Graph, x: str, axis: int) -> str:
    return g.node("Slice", x, g.whole(0), g.whole(1), g.whole(axis))


Lowering = Callable[..., str]
LOWERINGS: dict[Callable[..., Any], Lowering] = {
    op.product: lambda g, x, w: g.node("MatMul", x, w),
    op.exact_product: lambda g, x, w: g.node("MatMul", x, w),
    op.table_product: lambda g, x, t: g.node("MatMul", x, g.node("Transpose", t, perm=[1, 0])),
    op.lookup: lambda g, table, ids: g.node("Gather", table, ids, axis=0),
    op.exact_lookup: lambda g, table, ids: g.node("Gather", table, ids, axis=0),
    op.beginning: _beginning,
    op.plus: lambda g, x, y: g.node("Add", x, y),
    op.normed: lambda g, x, w, b, epsilon: g.node("LayerNormalization", x, w, b, axis=-1, epsilon=epsilon),
    op.gelu_new: lambda g, x: g.node("Gelu", x, approximate="tanh"),
    op.gelu: lambda g, x: g.node("Gelu", x),
    op.relu: lambda g, x: g.node("Relu", x),
    op.tanh: lambda g, x: g.node("Tanh", x),
    op.far: _far,
    op.heads_of: _heads_of,
    op.attend: _attend,
    op.first_place: _first_place,
    op.taken: lambda g, x, axis, index: g.node("Gather", x, g.number(index, np.int64), axis=axis),
    op.unit: _unit,
    op.mean_of: _mean_of,
    op.greatest_of: _greatest_of,
    op.at_places: _at_places,
    op.answerable: _answerable,
    op.only: lambda g, x, allowed: g.node("Where", allowed, x, g.number(-np.inf)),
    op.log_softmax: lambda g, x: g.node("LogSoftmax", x, axis=1),
    op.expected: _expected,
    op.beside: lambda g, x, y: g.node("Concat", x, y, axis=1),
    op.top_places: _top_places,
    op.picked: _picked,
    op.widened: lambda g, x, axis: g.node("Unsqueeze", x, g.whole(axis)),
}
