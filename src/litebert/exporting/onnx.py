"""ONNX, for ONNX Runtime and whatever else reads it: fp32, or int8 with the inputs' scales found as it runs.

The graph is written operator by operator from the traced model (`lowering.py`), so a shared weight is in the
file once, and what is quantised is known, not hoped for: a tool that rewrites a finished graph may take up
one use of a shared matrix of twelve, and not say so. Nothing else is in the file: no shapes, no notes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from litebert.exporting.lowering import FLOAT, LOWERINGS, OPSET, Graph
from litebert.exporting.padded import AT, Padded
from litebert.exporting.quantised import Dynamic, Quantised
from litebert.exporting.traced import traced

PRECISIONS = ("fp32", "int8")
EXTRA = "onnx"
NEEDS = ("onnx", "onnxruntime")
RUNNER = "onnxruntime"
FILE = "model.onnx"
IR = 10
"""The file format's version, which says who can read it: ONNX Runtime since 1.18."""
_INT64 = 7

Arrays = Mapping[str, NDArray[np.float32]]


def save(
    folder: Path, padded: Padded, precision: str, _batches: Sequence[tuple[Tensor, ...]]
) -> dict[str, Any]:
    """Writes `model.onnx`; returns what is to be known of it: opset, and how many products are in int8."""
    weights = weights_of(padded)
    model = written(traced(padded), padded, weights, Dynamic(weights) if precision == "int8" else None)
    facts: dict[str, Any] = {"opset": OPSET}
    if precision == "int8":
        facts["int8_products"] = check_all_quantised(model, padded)
    (folder / FILE).write_bytes(model.SerializeToString())
    return facts


def weights_of(padded: Padded) -> Arrays:
    return {name: tensor.detach().numpy() for name, tensor in padded.named_parameters()}


def written(
    graph: fx.GraphModule,
    padded: Padded,
    weights: Arrays,
    quantised: Quantised | None = None,
    *,
    narrow: bool = False,
) -> Any:
    """The traced model as an `onnx.ModelProto`. narrow: with the weights held as bf16."""
    from onnx import helper

    g, outputs = Graph(), list(padded.head.outputs)
    results = _lowered(g, graph, LOWERINGS | (quantised.lowerings if quantised else {}))
    for name, result in zip(outputs, results, strict=True):
        g.node("Identity", result, name=name)
    used = dict.fromkeys(name for node in g.nodes for name in node.input)
    for name in [name for name in used if name in weights]:
        hold = g.hold_narrow if narrow and weights[name].ndim > 1 else g.hold
        hold(name, weights[name])
    inputs = [helper.make_tensor_value_info(n, _INT64, _shape(n)) for n in padded.inputs]
    kinds = [helper.make_tensor_value_info(n, *kind) for n, kind in _kinds(padded).items()]
    body = helper.make_graph(g.nodes, "litebert", inputs, kinds, list(g.tensors.values()))
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(body, opset_imports=opsets, ir_version=IR, producer_name="litebert")


def check_all_quantised(model: Any, padded: Padded) -> int:
    """How many products are in int8. Raises `RuntimeError` if one use of a block's matrix is not."""
    multiplied = Counter(node.input[1] for node in model.graph.node if node.op_type == "MatMulInteger")
    for name, uses in padded.uses.items():
        if multiplied[f"{name}.int8"] != uses:
            raise RuntimeError(f"{multiplied[f'{name}.int8']} of {uses} uses of {name} were quantised")
    return sum(multiplied.values())


def _lowered(g: Graph, graph: fx.GraphModule, lowerings: Mapping[Any, Any]) -> list[str]:
    """The nodes, and the names of what the model gives."""
    names: dict[fx.Node, str] = {}
    for node in graph.graph.nodes:
        if node.op in ("placeholder", "get_attr"):
            names[node] = str(node.target)
        elif node.op == "call_function":
            g.place = node.name
            args = [names[a] if isinstance(a, fx.Node) else a for a in node.args]
            names[node] = lowerings[node.target](g, *args)
        elif node.op == "output":
            return [names[result] for result in node.args[0]]
    raise RuntimeError("the traced model gives nothing")


def _kinds(padded: Padded) -> dict[str, tuple[int, tuple[int | str, ...]]]:
    """Of each score ONNX's number for its type, and its shape."""
    given = [torch.zeros(1, dtype=torch.int64) if n == AT else _EXAMPLE for n in padded.inputs]
    found: dict[str, tuple[int, tuple[int | str, ...]]] = {}
    with torch.no_grad():
        results = padded(*given)
    for (name, rows), result in zip(padded.head.outputs.items(), results, strict=True):
        free = _FREE[rows]
        kind = FLOAT if result.is_floating_point() else _INT64
        found[name] = kind, (*free, *result.shape[len(free) :])
    return found


def _shape(name: str) -> tuple[str, ...]:
    return _FREE["at"] if name == AT else _FREE["piece"]


_EXAMPLE = torch.ones(1, 8, dtype=torch.int64)
_FREE: Mapping[str, tuple[str, ...]] = {
    "sequence": ("batch",),
    "piece": ("batch", "length"),
    "at": ("gaps",),
}
"""The sizes that are free, of what has a row for each."""
