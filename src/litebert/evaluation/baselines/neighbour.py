"""What was right for the training example that is most alike, by BM25."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from litebert.data.example import Example
from litebert.tasks.task import Task
from litebert.text.bm25 import WordIndex, terms

TASKS = ("code", "translation")


def answers(task: Task[Any, Any], train: Sequence[Example[Any, Any]], given: Sequence[Any]) -> list[Any]:
    index = WordIndex.of(astuple(example.given)[0] for example in train)
    nearest = [int(index.scores(terms(astuple(one)[0])).argmax()) for one in given]
    return [task.Output(train[place].wanted.text) for place in nearest]
