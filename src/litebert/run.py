"""A run's folder, written.

It is a Hugging Face folder (`config.json`, `model.safetensors`, the tokenizer's files), so that
`transformers` opens it, with `task.json`, which says what the head is for. Where several tasks were learnt
together it has one encoder, and under `tasks` a folder for each head, whose path is a model's name, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litebert.durable import replace_json
from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.checkpoints.loading import Weights, write_folder
from litebert.model.checkpoints.several import HEADS, write_several
from litebert.model.model import Model
from litebert.tasks.as_json import TASK_FILE, to_json
from litebert.tasks.task import Task
from litebert.text.tokenizer import Tokenizer

RUN = "run.json"
"""How a run was made; written when it begins."""


def save(
    folder: Path, model: Model, task: Task[Any, Any], tokenizer: Tokenizer, *, weights: Weights = "fp32"
) -> None:
    """Write a whole model: what `open_source`, and `transformers` if they are fp32, read again."""
    kept, checkpoint = _published(model, task)
    write_folder(folder, checkpoint, pad=tokenizer.pad, weights=weights)
    tokenizer.save(folder)
    replace_json(folder / TASK_FILE, to_json(kept))


def save_several(
    folder: Path, models: Mapping[str, tuple[Model, Task[Any, Any]]], tokenizer: Tokenizer
) -> None:
    """Write models that have one encoder: that, and under `tasks` a folder for each head by its name."""
    made = {name: _published(model, task) for name, (model, task) in models.items()}
    write_several(folder, {name: checkpoint for name, (_, checkpoint) in made.items()}, pad=tokenizer.pad)
    tokenizer.save(folder)
    for name, (kept, _) in made.items():
        replace_json(folder / HEADS / name / TASK_FILE, to_json(kept))


def labels_of(task: Task[Any, Any] | None) -> tuple[str, ...]:
    """The labels that a task's head tells apart, if it has some."""
    return tuple(getattr(task, "labels", ()))


def _published(model: Model, task: Task[Any, Any]) -> tuple[Task[Any, Any], Checkpoint]:
    """A task and a model as a folder keeps them."""
    head = {name.removeprefix("output."): t.detach() for name, t in model.head.state_dict().items()}
    kept, tensors = task.published(head)
    return kept, Checkpoint(
        config=model.encoder.config,
        encoder={name: tensor.detach() for name, tensor in model.encoder.state_dict().items()},
        heads={_named(name, task): tensor for name, tensor in tensors.items()},
        architecture=task.architecture,
        labels=labels_of(task),
        problem=task.problem,
    )


def _named(name: str, task: Task[Any, Any]) -> str:
    """A weight of a task's head, by its name in a checkpoint."""
    return name if name.partition(".")[0] in task.head_parts else f"{task.head_name}.{name}"
