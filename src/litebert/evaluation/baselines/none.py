"""That the passage does not say, whatever is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litebert.data.example import Example
from litebert.tasks.task import Task

TASKS = ("question-answering",)


def answers(
    task: Task[Any, Any],
    train: Sequence[Example[Any, Any]],  # noqa: ARG001 (nothing is learnt)
    given: Sequence[Any],
) -> list[Any]:
    return [task.Output("")] * len(given)
