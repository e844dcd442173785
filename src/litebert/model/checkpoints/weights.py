"""Weights in files: `model.safetensors`, whole or in shards, our int8 ones, and old `pytorch_model.bin`.

A pickle can run anything. So an old file is opened in a process of its own, by a reader that makes tensors
and nothing else, and comes back as safetensors (`pickled.py`).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from hashlib import file_digest
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from litebert.durable import replacing
from litebert.errors import LitebertError, ModelError
from litebert.model.checkpoints import pickled
from litebert.model.checkpoints.compact import COMPACT, PACKED, read_compact
from litebert.model.checkpoints.files import read_json

SAFETENSORS = "model.safetensors"
PICKLE = "pytorch_model.bin"
INDEX = ".index.json"
TENSORS_LIMIT = 100_000
SECONDS_LIMIT = 1800
"""For a pickle to be read: more than the largest takes from a slow disk."""
_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
HOME = "../../"
"""From the folder of a head to that of the encoder that it shares with others (`several.py`)."""
HEAD = "head.safetensors"
"""There, the head alone."""
ENCODER = "encoder"
"""In the metadata of a head's index: `digest` of the encoder's file that it was learnt on."""
_ALONE = "`litebert convert --task` writes a folder that needs no other"
_SHARD = re.compile(rf"(?:{re.escape(HOME)})?[\w-][\w.-]*\.(?:safetensors|bin)")


def has_weights(folder: Path) -> bool:
    """Whether there is anything that `read_weights` reads."""
    return any((folder / name).is_file() for name in _readers())


def home(folder: Path) -> Path:
    """Where the encoder lies that a folder's head reads, with its tokenizer: mostly the folder itself."""
    return (folder / HOME).resolve() if (folder / HEAD).is_file() else folder


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def read_weights(folder: Path) -> dict[str, Tensor]:
    """A Hugging Face folder's tensors, fp32, whatever precision they were saved in.

    Raises `ModelError` with the file's name if there is none, or if it is damaged, holds something other than
    numbers, or numbers that are not finite.
    """
    for name, read in _readers().items():
        if (path := folder / name).is_file():
            return read(path)
    raise ModelError(f"{folder}: no weights: there is no {' and no '.join(_readers())}")


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """One file's tensors, fp32 and in memory of their own. Constants that old files hold stay integers."""
    if path.exists() and not path.is_file():  # A pipe would be waited for.
        raise ModelError(f"{path}: it cannot be read as safetensors: it is no file")
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            if len(names) > TENSORS_LIMIT:
                raise ModelError(f"{path}: it has {len(names):,} tensors; {TENSORS_LIMIT:,} is the most read")
            return {name: _plain(path, name, file.get_tensor(name)) for name in names}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: it cannot be read as safetensors: {error}") from error


def write_safetensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """One file, which takes its place when it is whole. Tensors may share memory; each is written out."""
    with replacing(path) as fresh:
        whole = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
        try:
            save_file(whole, fresh, metadata={"format": "pt"})
        except SafetensorError as error:
            raise LitebertError(f"cannot write {path}: {error}", code="disk") from error


def _readers() -> dict[str, Callable[[Path], dict[str, Tensor]]]:
    """The files looked for, in this order."""
    return {
        SAFETENSORS: read_safetensors,
        SAFETENSORS + INDEX: lambda path: _read_shards(path, read_safetensors),
        COMPACT: _read_compact,
        PACKED: _read_compact,
        PICKLE: _read_pickle,
        PICKLE + INDEX: lambda path: _read_shards(path, _read_pickle),
    }


def _read_compact(path: Path) -> dict[str, Tensor]:
    return {name: finite(path, name, tensor) for name, tensor in read_compact(path).items()}


def _read_shards(index: Path, read: Callable[[Path], dict[str, Tensor]]) -> dict[str, Tensor]:
    """All the tensors that an index lists, each from the file that it names."""
    raw = read_json(index)
    places = raw.get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ModelError(f"{index}: it lacks weight_map, an object of tensors' names and files")
    tensors: dict[str, Tensor] = {}
    for shard in places.values():
        if not isinstance(shard, str) or not _SHARD.fullmatch(shard):
            raise ModelError(f"{index}: {shard!r} is not the name of a file beside it, nor of one in {HOME}")
    for shard in dict.fromkeys(places.values()):
        if shard.startswith(HOME):
            _check_encoder(index, shard, raw.get("metadata"))
        tensors |= read(index.parent / shard)
    if missing := sorted(places.keys() - tensors.keys()):
        raise ModelError(f"{index}: {missing[0]} is not in {places[missing[0]]}")
    return tensors


def _check_encoder(index: Path, shard: str, metadata: Any) -> None:
    """Raises `ModelError` if the encoder of a head is not there, or not the one that it was learnt on: of the
    same sizes it would open, and answer nonsense. An index without a digest is of an earlier litebert."""
    path = index.parent / shard
    if not path.is_file():
        raise ModelError(f"{index}: this is a head alone; its encoder, {shard}, is not there. {_ALONE}")
    known = metadata.get(ENCODER) if isinstance(metadata, dict) else None
    if known is not None and known != digest(path):
        raise ModelError(
            f"{index}: {path.resolve()} is not the encoder that this head was learnt on: it was changed or "
            f"replaced since. Put the one back that belongs to it; if the change is meant, take {ENCODER!r} "
            "out of the metadata of this index"
        )


def _plain(path: Path, name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point() and name.endswith(("position_ids", "token_type_ids")):
        return tensor.clone()
    if tensor.dtype not in _FLOATS:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise ModelError(
            f"{path}: {name} is of {kind}; weights of float32, float16, bfloat16, float64 are read"
        )
    return finite(path, name, tensor.to(torch.float32, copy=True))


def finite(path: Path, name: str, tensor: Tensor) -> Tensor:
    """The tensor itself. Raises `ModelError` if it has a NaN or an infinity: every answer would be one."""
    if not tensor.isfinite().all():
        raise ModelError(f"{path}: {name} holds numbers that are not finite")
    return tensor


def _read_pickle(path: Path) -> dict[str, Tensor]:
    with tempfile.TemporaryDirectory(prefix="litebert-") as folder:
        target = Path(folder) / SAFETENSORS
        # -P: the folder of a script that is run is a place to import from, and ours has a `tensorflow`.
        command = [sys.executable, "-P", pickled.__file__, str(path.resolve()), str(target)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS_LIMIT)
        except subprocess.TimeoutExpired:
            raise ModelError(f"{path}: reading it took more than {SECONDS_LIMIT} s") from None
        if done.returncode != 0:
            raise ModelError(f"{path}: {_reason(done)}")
        return read_safetensors(target)


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    said = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode == pickled.REFUSED and said:
        return said[-1]
    return f"the process that read it ended with {done.returncode}{': ' + said[-1] if said else ''}"
