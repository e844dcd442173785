"""When a sequence is sure enough to leave, by the scores at one depth after another.

What "sure" means follows from the task's problem. Shapes: B sequences, K scores of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from litebert.errors import ModelError
from litebert.model.checkpoints.checkpoint import Problem
from litebert.tasks.task import Task

By = Literal["confidence", "patience"]
Rows = NDArray[np.float32]
"""[B, K]."""


@dataclass(frozen=True)
class Rule:
    """Leave by `confidence`, as soon as the answer is as sure as `threshold`, from 0 to 1; or by `patience`,
    as soon as it has stayed the same for `threshold` exits after its first (PABEE, arXiv 2006.04152)."""

    by: By
    threshold: float


@dataclass(frozen=True, eq=False)
class History:
    """What is remembered of sequences on their way. before: [B, K], their scores at the exit before, NaN at
    first; stayed: int64 [B], for how many exits their answer has been the same."""

    before: Rows
    stayed: NDArray[np.int64]

    @classmethod
    def none(cls, count: int, scores: int) -> History:
        return cls(np.full((count, scores), np.nan, dtype=np.float32), np.zeros(count, dtype=np.int64))

    def __getitem__(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> History:
        return History(self.before[chosen], self.stayed[chosen])


@dataclass(frozen=True)
class Judge:
    """Reads the scores of one kind of problem. cut: of several labels, the score from which one is given."""

    problem: Problem
    cut: float = 0.0

    def leaves(self, rule: Rule, scores: Rows, history: History) -> tuple[NDArray[np.bool_], History]:
        """Which sequences leave at an exit with these scores, bool [B], and what is remembered of all."""
        same = self.same(history.before, scores)
        after = History(scores, np.where(same, history.stayed + 1, 0))
        if rule.by == "patience":
            return after.stayed >= rule.threshold, after
        return self.sureness(scores, history.before) >= rule.threshold, after

    def same(self, before: Rows, scores: Rows) -> NDArray[np.bool_]:
        """Whether the answer is the one before, bool [B]."""
        started = ~np.isnan(before).any(1)
        return started & _SAME[self.problem](self, before, scores)

    def sureness(self, scores: Rows, before: Rows) -> NDArray[np.float64]:
        """[B], from 0 to 1. Of a class its probability; of several labels that of the least sure answer; of a
        number how little it has changed, 1 / (1 + |change|), and 0 at the first exit."""
        return _SURENESS[self.problem](self, scores.astype(np.float64), before.astype(np.float64))


def can_leave(task: Task[Any, Any]) -> bool:
    """Whether a text's answer is read from one state of it, so that it can be had after fewer layers."""
    return task.problem is not None


def judge_of(task: Task[Any, Any]) -> Judge:
    """How sureness is read off the scores of a task. Raises `ModelError` for one without exits."""
    if task.problem is None:
        raise ModelError(f"the task {task.name} has no exits")
    threshold = getattr(task, "threshold", 0.5)
    return Judge(task.problem, cut=log(threshold / (1 - threshold)))


def _probability(_judge: Judge, scores: NDArray[np.float64], _before: object) -> NDArray[np.float64]:
    likely = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(1 / likely.sum(1))


def _least_sure(judge: Judge, scores: NDArray[np.float64], _before: object) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.abs(scores - judge.cut).min(1))))


def _steadiness(
    _judge: Judge, scores: NDArray[np.float64], before: NDArray[np.float64]
) -> NDArray[np.float64]:
    steady = 1 / (1 + np.abs(scores - before).max(1))
    return np.where(np.isnan(steady), 0.0, steady)


_SURENESS: dict[Problem, Callable[..., NDArray[np.float64]]] = {
    "single_label_classification": _probability,
    "multi_label_classification": _least_sure,
    "regression": _steadiness,
}
_SAME: dict[Problem, Callable[[Judge, Rows, Rows], NDArray[np.bool_]]] = {
    "single_label_classification": lambda _, a, b: a.argmax(1) == b.argmax(1),
    "multi_label_classification": lambda judge, a, b: ((a >= judge.cut) == (b >= judge.cut)).all(1),
    # Two numbers are hardly ever the same, so a number leaves by confidence alone.
    "regression": lambda _, a, b: (a == b).all(1),
}
