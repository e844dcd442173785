"""The most words in common.

Of a passage, in the sentence that shares most with the question, by BM25, the longest stretch of what was not
asked. Of several options, the one that, with the question, shares most with a stretch of the passage
(`text/overlap.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from litebert.data.example import Example
from litebert.tasks.task import Task
from litebert.text.bm25 import WordIndex, terms
from litebert.text.overlap import stretches

TASKS = ("question-answering", "choice")

_SENTENCE = re.compile(r"[^.!?。！？；\n]+[.!?。！？；]*")
_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")
_STOPS = frozenset(
    ("a", "an", "the", "of", "to", "in", "by", "is", "was", "were", "are", "did", "do", "does")
)


def answers(
    task: Task[Any, Any],
    train: Sequence[Example[Any, Any]],  # noqa: ARG001 (nothing is learnt)
    given: Sequence[Any],
) -> list[Any]:
    return [_chosen(task, one) if task.name == "choice" else _answer(task, one) for one in given]


def _answer(task: Task[Any, Any], given: Any) -> Any:
    sentences = [found.span() for found in _SENTENCE.finditer(given.passage)] or [(0, len(given.passage))]
    scores = WordIndex.of(given.passage[start:end] for start, end in sentences).scores(terms(given.question))
    start, end = sentences[int(scores.argmax())]
    asked = set(terms(given.question)) | _STOPS
    words = list(_TOKEN.finditer(given.passage, start, end))
    known = [place for place, word in enumerate(words) if asked.intersection(terms(word.group()))]
    stretches = [(a + 1, b) for a, b in pairwise([-1, *known, len(words)]) if a + 1 < b]
    if not stretches:
        return task.Output("")
    first, after = max(stretches, key=lambda one: one[1] - one[0])
    start, end = words[first].start(), words[after - 1].end()
    return task.Output(given.passage[start:end], start, end)


def _chosen(task: Task[Any, Any], given: Any) -> Any:
    """The option that shares most with a stretch of the passage."""
    scores = stretches(given.passage, given.question, given.options)
    best = max(range(len(scores)), key=scores.__getitem__)
    return task.Output(best, given.options[best])
