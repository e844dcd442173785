"""How many words two texts share, each weighed by how rare it is: the cosine of their TF-IDF vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from litebert.data.example import Example
from litebert.tasks.task import Task

TASKS = ("similarity",)


def answers(task: Task[Any, Any], train: Sequence[Example[Any, Any]], given: Sequence[Any]) -> list[Any]:
    """On the scale of the training scores: from the least to the greatest."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    from litebert.text.bm25 import terms

    table = TfidfVectorizer(analyzer=terms)
    table.fit([text for example in train for text in (example.given.text, example.given.second)])
    first, second = (table.transform([getattr(one, side) for one in given]) for side in ("text", "second"))
    cosines = np.asarray(first.multiply(second).sum(axis=1))[:, 0]
    scores = [example.wanted.score for example in train]
    return [task.Output(min(scores) + (max(scores) - min(scores)) * one) for one in cosines.tolist()]
