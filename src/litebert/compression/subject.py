"""What is made smaller: a trained model in its parts, so that each of them can be replaced."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from litebert.engine.predictor import Predictor
from litebert.engine.runners.eager import Eager
from litebert.errors import UsageError
from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.checkpoints.own import is_own
from litebert.model.config import EncoderConfig
from litebert.model.model import Model
from litebert.tasks.task import Task
from litebert.text.tokenizer import Tokenizer


@dataclass(frozen=True, eq=False)
class Subject:
    """A model, its task and its tokenizer.

    encoder: the parameters of `Encoder(config)` by their names there.
    """

    config: EncoderConfig
    encoder: Mapping[str, Tensor]
    head: nn.Module
    task: Task[Any, Any]
    tokenizer: Tokenizer

    def model(self) -> Model:
        """Built anew, with weights of its own, to answer."""
        encoder = Checkpoint(self.config, self.encoder).build()
        head = deepcopy(self.head)
        if meet := getattr(head, "meet", None):
            meet(encoder, self.tokenizer)
        return Model(encoder, head).eval()

    @property
    def parameters(self) -> int:
        """Of the encoder and the head."""
        return self.config.parameters + sum(p.numel() for p in self.head.parameters())


def subject_of(predictor: Predictor[Any, Any], name: str) -> Subject:
    """A model that answers, taken apart. Raises `UsageError` for one that writes, and for an LSTM."""
    if not isinstance(predictor.runner, Eager):
        raise UsageError(
            f"{name} is for the task {predictor.task.name}, which writes: its decoder is as large as its "
            "encoder, and only encoders are compressed"
        )
    model = predictor.runner.model
    if is_own(model.encoder.config):
        raise UsageError(f"{name} is an LSTM, which has no attention and no blocks to take anything out of")
    return parts_of(model, predictor.task, predictor.tokenizer)


def parts_of(model: Model, task: Task[Any, Any], tokenizer: Tokenizer) -> Subject:
    """A model's parts; its weights are not copied. Early exits, which hold for the model as it was trained,
    are none of them."""
    encoder = {name: tensor.detach() for name, tensor in model.encoder.state_dict().items()}
    return Subject(model.encoder.config, encoder, model.head, task, tokenizer)


def table_alone(subject: Subject, flag: str) -> None:
    """Raises `UsageError` if the head reads the word table as well: then it is not the encoder's alone."""
    if hasattr(subject.head, "meet"):
        raise UsageError(
            f"{flag} changes the word table, which the head of the task {subject.task.name} reads, too; "
            "leave it out"
        )
