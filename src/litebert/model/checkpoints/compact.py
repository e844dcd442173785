"""Weights in a quarter of their size: `model.int8.safetensors`, as in the model that comes with the package.

A matrix is int8 with a scale for each row, `NAME.scale`, so that the largest number of a row is 127; what has
one dimension stays fp32. A tensor that stands under several names is written once: the file's metadata say
under which others. It is opened as fp32: what is computed is what would be with the rounded numbers.
Packed, `model.int8.safetensors.gz`, zeros and numbers that are common take less.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from litebert.durable import replace
from litebert.errors import ModelError

COMPACT = "model.int8.safetensors"
PACKED = f"{COMPACT}.gz"
LARGEST = 1 << 34
"""Bytes that a packed file may unpack to: more is a mistake or a trap."""
_SCALE = ".scale"
_COPIES = "copies"


def write_compact(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Tensors of floating point by their names; packed, if that is the file's name. Raises `ModelError` if
    the disk refuses."""
    copies: dict[str, str] = {}
    kept: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        first = next((other for other, held in kept.items() if _same(held, tensor)), None)
        if first is None:
            kept[name] = tensor
        else:
            copies[name] = first
    written = {name: part for whole, tensor in kept.items() for name, part in _rounded(whole, tensor).items()}
    data = save(written, metadata={"format": "pt", _COPIES: json.dumps(copies)})
    # Without the time, so that the same weights are the same file.
    replace(path, gzip.compress(data, mtime=0) if path.name == PACKED else data)


def read_compact(path: Path) -> dict[str, Tensor]:
    """The tensors, fp32. Raises `ModelError` with the file's name if it is damaged."""
    try:
        data = _unpacked(path) if path.name == PACKED else path.read_bytes()
        held, metadata = load(data), _metadata(data)
        copies = json.loads(metadata.get(_COPIES, "{}"))
        names = [name for name in held if not (name.endswith(_SCALE) and name.removesuffix(_SCALE) in held)]
        tensors = {name: _restored(held[name], held.get(name + _SCALE)) for name in names}
        return tensors | {name: tensors[first].clone() for name, first in copies.items()}
    except (SafetensorError, OSError, EOFError, zlib.error, ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"{path}: it cannot be read as int8 weights: {error}") from error


def as_stored(tensor: Tensor) -> Tensor:
    """What a tensor is once it has been written and read."""
    parts = _rounded("", tensor)
    return _restored(parts[""], parts.get(_SCALE))


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it unpacks to more than {LARGEST:,} bytes")
    return data


def _metadata(data: bytes) -> dict[str, str]:
    """What stands in the header of a safetensors file beside the tensors: its size (uint64), then JSON."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return dict(header.get("__metadata__", {}))


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
