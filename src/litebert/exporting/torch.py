"""torch alone: the graph as `torch.export` writes it, in fp32, each shared weight once.

It is run by `torch.export.load(…).module()`, and AOTInductor can compile it ahead of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim

from litebert.exporting.padded import AT, Padded

PRECISIONS = ("fp32",)
EXTRA = ""
NEEDS = ()
RUNNER = "torch"
FILE = "model.pt2"


def save(
    folder: Path, padded: Padded, _precision: str, _batches: Sequence[tuple[Tensor, ...]]
) -> dict[str, Any]:
    """Writes `model.pt2`, for any number of sequences and any length that the model has positions for."""
    rows = {0: Dim("batch", min=1), 1: Dim("length", min=8, max=padded.config.positions)}
    gaps = {0: Dim("gaps", min=1)}
    shapes = tuple(gaps if name == AT else rows for name in padded.inputs)
    given = tuple(_example(name) for name in padded.inputs)
    with torch.no_grad():
        program = torch.export.export(padded, given, dynamic_shapes=shapes, strict=False)
    torch.export.save(program, folder / FILE)
    return {}


def _example(name: str) -> Tensor:
    """Sizes of which none is another, nor 1: those would be taken for fixed."""
    return torch.tensor([1, 9, 10, 12, 13]) if name == AT else torch.ones(3, 16, dtype=torch.int64)
