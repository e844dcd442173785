"""What was given, as it is: a translation that leaves every name and number where it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litebert.data.example import Example
from litebert.tasks.task import Task

TASKS = ("translation",)


def answers(
    task: Task[Any, Any],
    train: Sequence[Example[Any, Any]],  # noqa: ARG001 (nothing is learnt)
    given: Sequence[Any],
) -> list[Any]:
    return [task.Output(one.source) for one in given]
