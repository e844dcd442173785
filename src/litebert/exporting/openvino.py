"""OpenVINO: fp32, bf16, or int8 with the inputs' scales found on sample texts.

OpenVINO reads the graph as `onnx.py` writes it, in memory, and keeps each shared weight once. In bf16 the
weights are in the file as bf16, and it computes in what `INFERENCE_PRECISION_HINT` asks for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from litebert.exporting.onnx import weights_of, written
from litebert.exporting.padded import Padded
from litebert.exporting.quantised import Static
from litebert.exporting.traced import ranges, traced

PRECISIONS = ("fp32", "bf16", "int8")
EXTRA = "openvino"
NEEDS = ("onnx", "openvino")
RUNNER = "openvino"
FILE = "model.xml"


def save(
    folder: Path, padded: Padded, precision: str, batches: Sequence[tuple[Tensor, ...]]
) -> dict[str, Any]:
    """Writes `model.xml` and `model.bin`; returns how many products are in int8. batches: the sample."""
    import openvino

    weights, graph = weights_of(padded), traced(padded)
    quantised = Static(weights, ranges(graph, batches)) if precision == "int8" else None
    model = written(graph, padded, weights, quantised, narrow=precision == "bf16")
    read = openvino.Core().read_model(model.SerializeToString())
    openvino.save_model(read, folder / FILE, compress_to_fp16=False)
    return {"int8_products": check_all_quantised(read, padded)} if quantised else {}


def check_all_quantised(model: Any, padded: Padded) -> int:
    """How many products are in int8. Raises `RuntimeError` if one use of a block's matrix is not."""
    products = [op for op in model.get_ops() if op.get_type_name() == "MatMul"]
    multiplied = Counter(_quantised(op) for op in products)
    for name, uses in padded.uses.items():
        if multiplied[f"{name}.int8"] != uses:
            raise RuntimeError(f"{multiplied[f'{name}.int8']} of {uses} uses of {name} were quantised")
    return sum(uses for name, uses in multiplied.items() if name)


def _quantised(product: Any) -> str:
    """The int8 constant that a product goes back to, if what comes in is quantised, too; else nothing."""
    coarse, weight = (_origin(product.input_value(side).get_node()) for side in (0, 1))
    both = coarse.get_type_name() == "FakeQuantize" and weight.get_type_name() == "Constant"
    return str(weight.get_friendly_name()) if both else ""


def _origin(node: Any) -> Any:
    """What a tensor was before its type and scale were changed."""
    while node.get_type_name() in ("Convert", "Subtract", "Multiply", "Transpose"):
        node = node.input_value(0).get_node()
    return node
