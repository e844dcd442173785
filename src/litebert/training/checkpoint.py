"""The last state of a run: folders `state-<generation>`, of which the two newest stand.

A generation is tensors as safetensors, the progress as JSON, and `manifest.json` with the SHA-256 of
each file and of itself. It is written under another name, put on the disk, and only then renamed, so
that a crash at any moment leaves at least one generation whole. Nothing in it can run code.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from litebert import durable
from litebert.errors import LitebertError, ModelError
from litebert.training.progress import Progress

Tensors = dict[str, Tensor]

_TENSORS = ("model", "optimizer", "best")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What one generation holds."""

    model: Tensors
    optimizer: Tensors
    progress: Progress
    best: Tensors = field(default_factory=dict)
    """The weights that were best on dev; empty before the first judgement."""
    generation: int = 0
    """Under which number this was read or written; 0 for neither."""


def keep(folder: Path, checkpoint: Checkpoint) -> Checkpoint:
    """Writes the next generation and gives it with its number.

    The generation that `checkpoint` has stays beside it; older and damaged ones go.
    Raises `LitebertError` (code `disk`), and leaves what was there, when the disk does not take it.
    """
    with durable.telling(f"save the state of the run in {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        durable.sweep(folder)
        generation = max(_generations(folder), default=0) + 1
        try:
            _write(folder, generation, checkpoint)
        except OSError:
            durable.sweep(folder)  # Half a checkpoint on a full disk helps nobody.
            raise
        for old in _generations(folder):
            if old not in (generation, checkpoint.generation):
                durable.remove(_path(folder, old))
    return replace(checkpoint, generation=generation)


def latest(folder: Path) -> Checkpoint | None:
    """The newest generation that is whole, or None if there is none.

    A damaged one is named in a warning, with what is wrong with it, and the one before it is tried.
    """
    for generation in sorted(_generations(folder), reverse=True):
        path = _path(folder, generation)
        try:
            return _read(path, generation)
        except (LitebertError, OSError) as error:
            warnings.warn(f"{path} is damaged and not used: {error}", stacklevel=2)
    return None


def weights(model: nn.Module) -> Tensors:
    """The tensors of a model by name, each once: not copies, and tied ones under their first name."""
    named: dict[int, str] = {}
    held = model.state_dict(keep_vars=True)
    return {name: t.detach() for name, t in held.items() if named.setdefault(id(t), name) == name}


@torch.no_grad()
def put(model: nn.Module, saved: Mapping[str, Tensor]) -> None:
    """Copies saved weights into a model. Raises `ModelError` if they are another model's."""
    mine = weights(model)
    if {n: t.shape for n, t in mine.items()} != {n: t.shape for n, t in saved.items()}:
        odd = sorted(mine.keys() ^ saved.keys()) or sorted(n for n in mine if mine[n].shape != saved[n].shape)
        raise ModelError(f"the saved weights are of another model: {', '.join(odd[:5])} differ")
    for name, tensor in mine.items():
        tensor.copy_(saved[name])


def _write(folder: Path, generation: int, checkpoint: Checkpoint) -> None:
    fresh = folder / f".{_path(folder, generation).name}.new"
    fresh.mkdir()
    sums = {}
    for name, data in _files(checkpoint):
        durable.write(fresh / name, data)
        sums[name] = sha256(data).hexdigest()
    durable.write(fresh / "manifest.json", _manifest(sums))
    durable.sync(fresh)
    fresh.rename(_path(folder, generation))
    durable.sync(folder)


def _read(path: Path, generation: int) -> Checkpoint:
    sums = _sums(_bytes(path / "manifest.json"))
    held = {name: _bytes(path / name) for name in [*map(_file, _TENSORS), "progress.json"]}
    for name, data in held.items():
        if sums.get(name) != sha256(data).hexdigest():
            raise ModelError(f"{name} is not what was written")
    return Checkpoint(
        **{name: load(held[_file(name)]) for name in _TENSORS},
        progress=Progress.from_json(json.loads(held["progress.json"])),
        generation=generation,
    )


def _files(checkpoint: Checkpoint) -> Iterator[tuple[str, bytes]]:
    """Names and bytes, made one after another to spare memory."""
    for name in _TENSORS:
        tensors: Tensors = getattr(checkpoint, name)
        yield _file(name), save({key: t.detach().cpu().contiguous() for key, t in tensors.items()})
    yield "progress.json", json.dumps(checkpoint.progress.to_json()).encode()


def _file(name: str) -> str:
    return f"{name}.safetensors"


def _manifest(sums: dict[str, str]) -> bytes:
    """One way of writing it, so that any change to the bytes shows."""
    listed = json.dumps(sums, sort_keys=True)
    own = sha256(listed.encode()).hexdigest()
    return f'{{"files": {listed},\n"sha256": "{own}"}}\n'.encode()


def _sums(manifest: bytes) -> dict[str, str]:
    try:
        sums: dict[str, str] = json.loads(manifest)["files"]
    except (ValueError, KeyError, TypeError):
        sums = {}
    if manifest != _manifest(sums):
        raise ModelError("manifest.json is not what was written")
    return sums


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{path.name} is missing") from None


def _path(folder: Path, generation: int) -> Path:
    return folder / f"state-{generation:08d}"


def _generations(folder: Path) -> list[int]:
    found = (re.fullmatch(r"state-(\d{8,})", path.name) for path in folder.glob("state-*"))
    return [int(match[1]) for match in found if match]
