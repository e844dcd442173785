"""A model's weights with all that says what they are, whatever file they came from or go to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import torch
from torch import Tensor

from litebert.errors import ModelError
from litebert.model.blocks import Pooler
from litebert.model.config import EncoderConfig
from litebert.model.encoders import encoder_of
from litebert.model.encoders.albert import Encoder, initialise

Tensors = Mapping[str, Tensor]
Problem = Literal["regression", "single_label_classification", "multi_label_classification"]


@dataclass(frozen=True)
class LoadReport:
    """What reading a checkpoint left undone or had to decide. Names are the file's own."""

    missing: tuple[str, ...] = ()
    """Weights that the model has and the file has not; they start afresh."""
    unexpected: tuple[str, ...] = ()
    """Weights in the file for which the model has no place; they are left out."""
    notes: tuple[str, ...] = ()
    """Sentences to show."""

    def __str__(self) -> str:
        lists = (
            ("missing, so begun afresh", self.missing),
            ("without a place, so left out", self.unexpected),
        )
        named = [f"{len(names)} {what}: {', '.join(names)}" for what, names in lists if names]
        return "\n".join([*named, *self.notes])


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What every format is read into and written from.

    encoder: the parameters of `Encoder(config)` by their names there, all but perhaps `pooler.*`.
    heads: `classifier.*`, `span.*`, `masked.*`, `order.*` (`huggingface_names.HEADS`).
    architecture: Hugging Face's class without the family's name: `Model`, `ForSequenceClassification`, …
    labels: the classifier's rows by name, or empty if the file does not say.
    """

    config: EncoderConfig
    encoder: Tensors
    heads: Tensors = field(default_factory=dict)
    architecture: str = "Model"
    labels: tuple[str, ...] = ()
    problem: Problem | None = None
    report: LoadReport = LoadReport()

    def head(self, name: str) -> dict[str, Tensor]:
        """One head's weights by their names in it, empty if the checkpoint has none of that name.

        >>> sorted(checkpoint.head("classifier"))
        ['bias', 'weight']
        """
        start = f"{name}."
        return {key.removeprefix(start): t for key, t in self.heads.items() if key.startswith(start)}

    def build(self) -> Encoder:
        """An encoder with these weights; a pooler that is missing starts as in a new one."""
        with torch.device("meta"):
            encoder = encoder_of(self.config)
        if any(f"pooler.{name}" not in self.encoder for name, _ in encoder.pooler.named_parameters()):
            encoder.pooler = Pooler(self.config)
            initialise(encoder.pooler, self.config.initial_std)
        own = {name: tensor.clone() for name, tensor in self.encoder.items()}
        encoder.load_state_dict(own, strict=False, assign=True)
        return encoder


@cache
def shapes(config: EncoderConfig) -> Mapping[str, torch.Size]:
    """The encoder's parameters: names and shapes. Nothing is allocated."""
    with torch.device("meta"):
        return {name: tensor.shape for name, tensor in encoder_of(config).state_dict().items()}


def check_shape(name: str, tensor: Tensor, wanted: tuple[int, ...]) -> None:
    """Raises `ModelError` with both shapes if they differ."""
    if tuple(tensor.shape) != tuple(wanted):
        raise ModelError(
            f"{name} has the shape {list(tensor.shape)}, but by the config it should have {list(wanted)}"
        )
