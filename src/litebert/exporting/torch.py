"""torch alone: the graph as `torch.export` writes it, each shared weight once.

In bf16 the matrices and the word table are held and multiplied so; biases, residuals, norms and attention
stay fp32. There is no int8: torch's fast products in 8 bits take weights that are laid out for one processor,
by private operators, and a file cannot hold those.

It is run by `torch.export.load(…).module()`, and AOTInductor can compile it ahead of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim

from litebert.exporting import operators as op
from litebert.exporting.padded import AT, Padded
from litebert.exporting.parts import Matrix

PRECISIONS = ("fp32", "bf16")
EXTRA = ""
NEEDS = ()
RUNNER = "torch"
FILE = "model.pt2"


def save(
    folder: Path, padded: Padded, precision: str, _batches: Sequence[tuple[Tensor, ...]]
) -> dict[str, Any]:
    """Writes `model.pt2`, for any number of sequences and any length that the model has positions for."""
    rows = {0: Dim("batch", min=1), 1: Dim("length", min=8, max=padded.config.positions)}
    gaps = {0: Dim("gaps", min=1)}
    shapes = tuple(gaps if name == AT else rows for name in padded.inputs)
    given = tuple(_example(name) for name in padded.inputs)
    padded = _in_bf16(padded) if precision == "bf16" else padded
    with torch.no_grad():
        program = torch.export.export(padded, given, dynamic_shapes=shapes, strict=False)
    torch.export.save(program, folder / FILE)
    return {}


def _in_bf16(padded: Padded) -> Padded:
    """A copy whose matrices are so, but for those that say they are exact."""
    copy = deepcopy(padded)
    copy.words.data = copy.words.data.bfloat16()
    for part in copy.modules():
        if isinstance(part, Matrix) and part.product is op.product:
            part.weight.data = part.weight.data.bfloat16()
    return copy


def _example(name: str) -> Tensor:
    """Sizes of which none is another, nor 1: those would be taken for fixed."""
    return torch.tensor([1, 9, 10, 12, 13]) if name == AT else torch.ones(3, 16, dtype=torch.int64)
