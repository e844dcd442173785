"""Weights in a quarter of their size: `model.int8.safetensors`, as in the model that comes with the package.

A matrix is int8 with a scale for each row, `NAME.scale`, so that the largest number of a row is 127; what has
one dimension stays fp32. A tensor that stands under several names is written once: the file's metadata say
under which others. It is opened as fp32: what is computed is what would be with the rounded numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from litebert.durable import replacing
from litebert.errors import ModelError

COMPACT = "model.int8.safetensors"
_SCALE = ".scale"
_COPIES = "copies"


def write_compact(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Tensors of floating point by their names. Raises `ModelError` if the disk refuses."""
    copies: dict[str, str] = {}
    kept: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        first = next((other for other, held in kept.items() if _same(held, tensor)), None)
        if first is None:
            kept[name] = tensor
        else:
            copies[name] = first
    written = {name: part for whole, tensor in kept.items() for name, part in _rounded(whole, tensor).items()}
    with replacing(path) as fresh:
        try:
            save_file(written, fresh, metadata={"format": "pt", _COPIES: json.dumps(copies)})
        except SafetensorError as error:
            raise ModelError(f"cannot write {path}: {error}") from error


def read_compact(path: Path) -> dict[str, Tensor]:
    """The tensors, fp32. Raises `ModelError` with the file's name if it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            copies = json.loads((file.metadata() or {}).get(_COPIES, "{}"))
        names = [name for name in held if not (name.endswith(_SCALE) and name.removesuffix(_SCALE) in held)]
        tensors = {name: _restored(held[name], held.get(name + _SCALE)) for name in names}
        return tensors | {name: tensors[first].clone() for name, first in copies.items()}
    except (SafetensorError, OSError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise ModelError(f"{path}: it cannot be read as int8 weights: {error}") from error


def _rounded(name: str, tensor: Tensor) -> dict[str, Tensor]:
    if tensor.ndim != 2:
        return {name: tensor.detach().float().clone()}
    scale = tensor.detach().abs().amax(1, keepdim=True).float().clamp(min=1e-30) / 127
    return {name: torch.round(tensor.detach() / scale).to(torch.int8), name + _SCALE: scale}


def _restored(tensor: Tensor, scale: Tensor | None) -> Tensor:
    if scale is None and tensor.dtype is not torch.float32:
        raise ValueError(f"a tensor of {tensor.dtype} has no scale")
    return tensor.clone() if scale is None else tensor.float() * scale


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and (a.data_ptr() == b.data_ptr() or torch.equal(a, b))
