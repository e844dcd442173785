"""Encoders that Hugging Face has no class for, an LSTM: `config.json` and tensors under our own names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from litebert.errors import ModelError, first_fault
from litebert.model.checkpoints.checkpoint import Checkpoint, LoadReport, Tensors, check_shape, shapes
from litebert.model.config import EncoderConfig

TYPE = "litebert-lstm"
"""`model_type` in its `config.json`."""
_ENCODER, _HEADS = "encoder.", "heads."


def is_own(config: EncoderConfig) -> bool:
    """Whether an encoder is kept in this way."""
    return config.family == "lstm"


def to_own(checkpoint: Checkpoint) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A `config.json` and the tensors for it."""
    raw = {
        "model_type": TYPE,
        "architectures": [checkpoint.architecture],
        "encoder": asdict(checkpoint.config),
        "labels": list(checkpoint.labels),
        "problem_type": checkpoint.problem,
    }
    encoder = {_ENCODER + name: tensor.contiguous() for name, tensor in checkpoint.encoder.items()}
    return raw, encoder | {_HEADS + name: tensor.contiguous() for name, tensor in checkpoint.heads.items()}


def from_own(raw: Mapping[str, Any], tensors: Tensors) -> Checkpoint:
    """The way back. Raises `ModelError` for a config that is none, and for a missing or misshapen tensor."""
    config = _config(raw.get("encoder"))
    encoder = _under(_ENCODER, tensors)
    wanted = shapes(config)
    if missing := wanted.keys() - encoder.keys():
        raise ModelError(f"the checkpoint lacks weights of the encoder: {', '.join(sorted(missing)[:6])}")
    for name, shape in wanted.items():
        check_shape(name, encoder[name], tuple(shape))
    left = tuple(name for name in tensors if not name.startswith((_ENCODER, _HEADS)))
    return Checkpoint(
        config=config,
        encoder={name: encoder[name] for name in wanted},
        heads=_under(_HEADS, tensors),
        architecture=str(next(iter(raw.get("architectures") or ["Model"]))),
        labels=tuple(map(str, raw.get("labels") or ())),
        problem=raw.get("problem_type"),
        report=LoadReport(unexpected=left),
    )


def _config(given: Any) -> EncoderConfig:
    try:
        return TypeAdapter(EncoderConfig).validate_python(given)
    except ValidationError as error:
        where, what = first_fault(error)
        at = f"encoder.{where}" if where else "encoder"
        raise ModelError(f"{at} in the config: {what.lower()}") from None


def _under(start: str, tensors: Tensors) -> dict[str, Tensor]:
    return {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}
