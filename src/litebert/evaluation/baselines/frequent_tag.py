"""Each word's commonest tag in the training data, and the commonest tag of all for words that are new."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from litebert.data.example import Example
from litebert.tasks import tags
from litebert.tasks.spans import Span, SpanTask, covering
from litebert.tasks.task import Task
from litebert.tasks.words import Bounds, laid_out

TASKS = ("entities", "roles", "tagging")


def answers(task: Task[Any, Any], train: Sequence[Example[Any, Any]], given: Sequence[Any]) -> list[Any]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for example in train:
        text, bounds = laid_out(example.given)
        for word, tag in zip(_words(text, bounds), _tags(task, example.wanted, bounds), strict=True):
            counts[word][tag] += 1
    usual = sum(counts.values(), Counter[str]()).most_common(1)[0][0]
    best = {word: counted.most_common(1)[0][0] for word, counted in counts.items()}
    return [_answer(task, one, best, usual) for one in given]


def _words(text: str, bounds: Bounds) -> list[str]:
    return [text[start:end] for start, end in bounds.tolist()]


def _tags(task: Task[Any, Any], wanted: Any, bounds: Bounds) -> Sequence[str]:
    """Of entities and roles the type alone: of a name's words the first is known by those before it."""
    if not isinstance(task, SpanTask):
        return tuple(wanted.tags)
    types = [tags.OUTSIDE] * len(bounds)
    for type_, start, end in covering(task.spans(wanted), bounds):
        types[start:end] = [type_] * (end - start)
    return types


def _answer(task: Task[Any, Any], given: Any, best: dict[str, str], usual: str) -> Any:
    text, bounds = laid_out(given)
    found = [best.get(word, usual) for word in _words(text, bounds)]
    if not isinstance(task, SpanTask):
        return task.Output(tuple(found))
    edges = [0, *(np.flatnonzero([a != b for a, b in pairwise(found)]) + 1).tolist(), len(found)]
    spans = [
        Span(found[start], *(ends := (int(bounds[start, 0]), int(bounds[end - 1, 1]))), text[slice(*ends)])
        for start, end in pairwise(edges)
        if start < end and found[start] != tags.OUTSIDE
    ]
    return task.made(tuple(spans))
