"""One encoder under several heads: a folder for it, and in it a folder for each head.

model.safetensors        the encoder, as `transformers` opens it
tasks/NAME/              a Hugging Face folder in shards, whose index leads to the head beside it and to
                         the encoder two folders up: it opens like any other, and holds the head alone
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from litebert.durable import replace_json
from litebert.model.checkpoints.checkpoint import Checkpoint, Tensors
from litebert.model.checkpoints.huggingface import to_huggingface
from litebert.model.checkpoints.huggingface_names import TABLES, family_of, head_names
from litebert.model.checkpoints.loading import CONFIG, write_folder
from litebert.model.checkpoints.weights import (
    ENCODER,
    HEAD,
    HOME,
    INDEX,
    SAFETENSORS,
    digest,
    write_safetensors,
)

HEADS = "tasks"
"""The folder of the heads' folders."""


def write_several(folder: Path, heads: Mapping[str, Checkpoint], *, pad: int = 0) -> None:
    """Writes checkpoints that have one encoder, by the names of their heads. pad: the id of padding."""
    first = next(iter(heads.values()))
    write_folder(folder, replace(first, heads={}, architecture="Model", labels=(), problem=None), pad=pad)
    encoder = digest(folder / SAFETENSORS)
    for name, checkpoint in heads.items():
        _write_head(folder / HEADS / name, checkpoint, pad, encoder)


def heads_of(folder: Path) -> dict[str, Path]:
    """The folders of the heads of the encoder in a folder, by their names; empty if it has none such."""
    found = sorted((folder / HEADS).glob(f"*/{HEAD}"))
    return {path.parent.name: path.parent for path in found}


def _write_head(folder: Path, checkpoint: Checkpoint, pad: int, encoder: str) -> None:
    """encoder: the digest of its file, which opening holds the one that is there to."""
    raw, tensors = to_huggingface(checkpoint, pad=pad)
    places = _places(tensors, checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    own = {name: tensors[name] for name, file in places.items() if file == HEAD}
    write_safetensors(folder / HEAD, own)
    replace_json(folder / (SAFETENSORS + INDEX), {"metadata": {ENCODER: encoder}, "weight_map": places})
    replace_json(folder / CONFIG, raw)


def _places(tensors: Tensors, checkpoint: Checkpoint) -> dict[str, str]:
    """In which file each of a model's tensors stands: the encoder's under their bare names."""
    prefix, heads = TABLES[family_of(checkpoint.config)].prefix, _head_tensors(checkpoint)
    return {
        name if name in heads else name.removeprefix(prefix): HEAD if name in heads else HOME + SAFETENSORS
        for name in tensors
    }


def _head_tensors(checkpoint: Checkpoint) -> set[str]:
    theirs = head_names(family_of(checkpoint.config), checkpoint.architecture)
    return {name for name, ours in theirs.items() if ours in checkpoint.heads} | set(checkpoint.heads)
