"""What a model's head is for: the task of a checkpoint, whoever wrote it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from litebert.errors import ModelError
from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.checkpoints.files import read_json
from litebert.tasks.as_json import TASK_FILE, from_json
from litebert.tasks.naming import named
from litebert.tasks.tags import are_tags
from litebert.tasks.task import Task

TASKS = {
    "ForMaskedLM": "fill-mask",
    "ForMultipleChoice": "choice",
    "ForQuestionAnswering": "question-answering",
}
"""What the head of an architecture is for, where there is one such task."""


def task_of_head(path: Path, checkpoint: Checkpoint) -> Task[Any, Any] | None:
    """By our `task.json`, else by Hugging Face's architecture; None for one that no task here has.

    path: the model's folder or file. Raises `ModelError` for a `task.json` that is damaged, or a head that no
    task here could read.
    """
    if (path / TASK_FILE).is_file():
        task = _with_its_parts(from_json(read_json(path / TASK_FILE)), checkpoint)
    elif checkpoint.architecture == "ForSequenceClassification":
        task = _task_by_head(checkpoint)
    elif checkpoint.architecture == "ForTokenClassification":
        task = _task_by_tags(checkpoint)
    elif checkpoint.architecture in TASKS:
        task = named(TASKS[checkpoint.architecture])()
    else:
        return None
    return replace(task, max_pieces=min(task.max_pieces, checkpoint.config.positions))


def _with_its_parts(task: Task[Any, Any], checkpoint: Checkpoint) -> Task[Any, Any]:
    """The same without a random field that is not there: `transformers`, which has none, leaves it out where
    it saves a folder anew, and what is left is a token classifier."""
    lost = any(not checkpoint.head(part) for part in task.head_parts)
    changed: dict[str, Any] = {"crf": False} if lost else {}
    return replace(task, **changed)


def _task_by_head(checkpoint: Checkpoint) -> Task[Any, Any]:
    """By `problem_type`; without it, one row is a score, as `transformers` has it."""
    rows = _outputs(checkpoint)
    if checkpoint.problem == "regression" and rows != 1:
        raise ModelError(f"the model gives {rows} numbers for each text; litebert's regression gives one")
    if checkpoint.problem == "regression" or (checkpoint.problem is None and rows == 1):
        return named("regression")()
    several = checkpoint.problem == "multi_label_classification"
    make: Any = named("multilabel" if several else "classification")
    return make(labels=_labels(checkpoint))  # type: ignore[no-any-return]


def _task_by_tags(checkpoint: Checkpoint) -> Task[Any, Any]:
    """Entities if the labels spell spans, by whatever scheme; else tagging."""
    labels = _labels(checkpoint)
    make: Any = named("entities" if are_tags(labels) else "tagging")
    of_scheme = {"scheme": "any", "crf": False} if are_tags(labels) else {}
    return make(labels=labels, **of_scheme)  # type: ignore[no-any-return]


def _outputs(checkpoint: Checkpoint) -> int:
    """How many scores its classifier gives."""
    bias = checkpoint.head("classifier").get("bias")
    return len(checkpoint.labels) if bias is None else len(bias)


def _labels(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Their names; those of `transformers` where it has none."""
    return checkpoint.labels or tuple(f"LABEL_{row}" for row in range(_outputs(checkpoint)))
