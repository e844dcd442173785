"""The commonest class of the training data, whatever is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from litebert.data.example import Example
from litebert.tasks.task import Task

TASKS = ("classification", "relations")


def answers(task: Task[Any, Any], train: Sequence[Example[Any, Any]], given: Sequence[Any]) -> list[Any]:
    counts = Counter(example.wanted.label for example in train)
    (label, count), *_ = counts.most_common(1)
    return [task.Output(label, count / counts.total())] * len(given)
