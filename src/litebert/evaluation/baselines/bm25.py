"""BM25 of each candidate, all candidates of all queries together being the collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from litebert.data.example import Example
from litebert.tasks.task import Task
from litebert.text.bm25 import WordIndex, terms

TASKS = ("ranking",)


def answers(
    task: Task[Any, Any],
    train: Sequence[Example[Any, Any]],  # noqa: ARG001 (nothing is learnt)
    given: Sequence[Any],
) -> list[Any]:
    texts = dict.fromkeys(text for one in given for text in one.candidates)
    places = {text: place for place, text in enumerate(texts)}
    index = WordIndex.of(texts)
    found = []
    for one in given:
        scores = index.scores(terms(one.query))[[places[text] for text in one.candidates]]
        order = np.argsort(-scores, kind="stable").tolist()
        found.append(task.Output(tuple(scores.tolist()), tuple(order)))
    return found
