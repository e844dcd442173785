"""A checkpoint from whatever a person has: a Hugging Face folder, a run's folder, a TensorFlow checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from litebert.durable import replace_json
from litebert.errors import LitebertError, ModelError
from litebert.model.checkpoints import own
from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.checkpoints.compact import COMPACT, PACKED, write_compact
from litebert.model.checkpoints.files import read_json
from litebert.model.checkpoints.google import read_google
from litebert.model.checkpoints.hub import resolve
from litebert.model.checkpoints.huggingface import FACTOR, WORDS, from_huggingface, to_huggingface
from litebert.model.checkpoints.weights import (
    SAFETENSORS,
    has_weights,
    home,
    read_safetensors,
    read_weights,
    write_safetensors,
)

Weights = Literal["fp32", "int8", "packed"]
"""packed is int8, and that compressed."""
CONFIG = "config.json"
FACTORS = "factors.safetensors"
"""Beside `model.safetensors`, brightmart's two tables, which stand there multiplied out."""


def open_checkpoint(name: str | Path) -> Checkpoint:
    """The checkpoint of that path or hub name, whatever its format.

    Raises `ModelError` with the file's name for what is missing, damaged or of another kind.
    """
    path = resolve(name)
    folder = path if path.is_dir() else path.parent
    if _is_of(path, folder) and (folder / CONFIG).is_file() and has_weights(folder):
        return read_folder(folder)
    if any(folder.glob("*.index")):
        return read_google(path)
    raise ModelError(f"{path}: no model is here. {_what_is_there(folder)}")


def read_folder(folder: Path) -> Checkpoint:
    """A Hugging Face folder, which every run's folder is too."""
    raw = read_json(folder / CONFIG)
    beside = home(folder) / FACTORS
    factors = read_safetensors(beside) if beside.is_file() else None
    try:
        if raw.get("model_type") == own.TYPE:
            return own.from_own(raw, read_weights(folder))
        return from_huggingface(raw, read_weights(folder), factors)
    except LitebertError as error:
        if error.message.startswith(str(folder)):
            raise
        raise ModelError(f"{folder}: {error.message}") from error


def write_folder(folder: Path, checkpoint: Checkpoint, *, pad: int = 0, weights: Weights = "fp32") -> None:
    """`config.json` and `model.safetensors` as `transformers` reads them; each file is whole or not there.

    pad: the id of the padding piece. weights: int8 are in a file of our own, a quarter of the size or less,
    in which blocks that were made smaller are so. Raises `ModelError` if a weight is missing or misshapen,
    or the disk refuses, and for int8 of brightmart's graph, whose two tables it would multiply out. An LSTM,
    which `transformers` has no class for, is written under our own names, and in fp32.
    """
    if own.is_own(checkpoint.config):
        raw, tensors = own.to_own(checkpoint)
        write_safetensors(folder / SAFETENSORS, tensors)
        replace_json(folder / CONFIG, raw)
        return
    small = weights != "fp32"
    late = checkpoint.config.factor == "late" and FACTOR in checkpoint.encoder
    raw, tensors = to_huggingface(checkpoint, pad=pad, own=small)
    if small:
        if late:
            raise ModelError(
                "int8 weights are not for brightmart's graph, which has two word tables; keep fp32"
            )
        write_compact(folder / (COMPACT if weights == "int8" else PACKED), tensors)
    else:
        if late:
            write_safetensors(folder / FACTORS, {name: checkpoint.encoder[name] for name in (WORDS, FACTOR)})
        write_safetensors(folder / SAFETENSORS, tensors)
    replace_json(folder / CONFIG, raw)


def _is_of(path: Path, folder: Path) -> bool:
    """Whether a path is a folder or one of a Hugging Face folder's own files."""
    return path == folder or path.name == CONFIG or path.suffix in (".safetensors", ".bin")


def _what_is_there(folder: Path) -> str:
    """What a folder lacks to be a model's."""
    if (folder / CONFIG).is_file():
        return f"{folder} has a {CONFIG}, but no weights beside it ({SAFETENSORS}, or an older file)"
    if folder.is_dir() and has_weights(folder):
        return f"{folder} has weights, but no {CONFIG} that says how they are put together"
    return (
        f"Expected a folder with {CONFIG} and {SAFETENSORS}, or a TensorFlow checkpoint "
        "(.index and .data files with albert_config.json)"
    )
