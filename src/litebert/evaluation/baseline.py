"""The baselines of a task, found by their names and judged as models are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litebert import names
from litebert.data.example import Example
from litebert.evaluation.evaluate import Answered, Evaluation, intervals_of
from litebert.tasks.task import Task

ROOM = "litebert.evaluation.baselines"


def baselines(task: Task[Any, Any]) -> list[str]:
    """Those that are for this task, by name.

    >>> baselines(EntityTask())
    ['frequent-tag']
    """
    return [name for name in names.known(ROOM) if task.name in names.find(ROOM, name, "baseline").TASKS]


def judge(
    name: str,
    task: Task[Any, Any],
    train: Sequence[Example[Any, Any]],
    dev: Sequence[Example[Any, Any]],
    *,
    intervals: bool = True,
) -> Evaluation:
    """What a baseline that knows `train` makes of `dev`, by the task's own measure. task: fitted to `train`.

    Raises `UsageError` for a baseline that there is not.
    """
    module = names.find(ROOM, name, "baseline")
    outputs = module.answers(task, train, [example.given for example in dev])
    wanted = [example.wanted for example in dev]
    return Evaluation(
        metrics=task.measure(outputs, wanted),
        intervals=intervals_of(task, outputs, wanted) if intervals else {},
        answered=[Answered(example, output) for example, output in zip(dev, outputs, strict=True)],
        refused=[],
        truncated=0,
    )
