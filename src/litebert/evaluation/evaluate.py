"""Predict, measure, and keep what was answered to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litebert.data.example import Example
from litebert.engine.predictor import Predictor
from litebert.errors import InputError
from litebert.evaluation.weighing import weighed
from litebert.tasks.metrics import interval, interval_of_mean
from litebert.tasks.task import Task

RESAMPLES = (200, 1000)
"""The fewest and the most of the bootstrap. Of many examples fewer do: their interval is narrow anyway."""
_WORK = 2_000_000
"""Examples that all resamples together hold, about: some seconds of work."""


@dataclass(frozen=True)
class Answered:
    """An example and the Output that it got."""

    example: Example[Any, Any]
    output: Any


@dataclass(frozen=True)
class Refused:
    """An example that could not be answered, and why."""

    example: Example[Any, Any]
    error: InputError


@dataclass(frozen=True)
class Evaluation:
    """What a model made of labelled examples."""

    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    """95 % bootstrap intervals; empty if they were not asked for."""
    answered: Sequence[Answered]
    refused: Sequence[Refused]
    """They count in no metric, so they are shown."""
    truncated: int
    """Examples of which something was cut off."""

    def summary(self) -> dict[str, Any]:
        """What `litebert evaluate --json` prints."""
        return {
            **self.metrics,
            "examples": len(self.answered),
            "refused": len(self.refused),
            "truncated": self.truncated,
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
        }

    def shown(self, name: str) -> str:
        """A metric with its interval, if it has one; where all are right, resampling finds nothing else."""
        low, high = (f"{end:.4f}" for end in self.intervals.get(name, (0, 0)))
        between = "" if low == high else f" (95 %: {low} to {high})"
        return f"{self.metrics[name]:.4f}{between}"


def evaluate(
    predictor: Predictor[Any, Any], examples: Sequence[Example[Any, Any]], *, intervals: bool = True
) -> Evaluation:
    """Answer every example and measure the answers by the task's own measure."""
    before = predictor.truncated
    judged = list(_judged(predictor, examples))
    answered = [one for one in judged if isinstance(one, Answered)]
    outputs, wanted = [one.output for one in answered], [one.example.wanted for one in answered]
    if predictor.task.judged_by != "answers":
        outputs = weighed(predictor, outputs, [one.example for one in answered])
    return Evaluation(
        metrics=predictor.task.measure(outputs, wanted),
        intervals=intervals_of(predictor.task, outputs, wanted) if intervals else {},
        answered=answered,
        refused=[one for one in judged if isinstance(one, Refused)],
        truncated=predictor.truncated - before,
    )


def joined(task: Task[Any, Any], several: Sequence[Evaluation]) -> Evaluation:
    """Of all their examples together, with intervals; for tasks that are judged by their answers alone."""
    answered = [one for part in several for one in part.answered]
    outputs, wanted = [one.output for one in answered], [one.example.wanted for one in answered]
    return Evaluation(
        metrics=task.measure(outputs, wanted),
        intervals=intervals_of(task, outputs, wanted),
        answered=answered,
        refused=[one for part in several for one in part.refused],
        truncated=sum(part.truncated for part in several),
    )


def intervals_of(
    task: Task[Any, Any], outputs: list[Any], wanted: list[Any]
) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals of all measures."""
    fewest, most = RESAMPLES
    resamples = min(most, max(fewest, _WORK // max(1, len(wanted))))
    if (counts := task.counts(outputs, wanted)) is not None:
        rows: Any = counts  # An array is picked from as it is, though no Sequence to a type checker.
        return interval(lambda some, _: task.measured(some.sum(axis=0)), rows, rows, resamples=resamples)
    if (each := task.each(outputs, wanted)) is not None:
        return {name: interval_of_mean(values, resamples=resamples) for name, values in each.items()}
    found: dict[str, tuple[float, float]] = interval(task.measure, outputs, wanted, resamples=resamples)
    return found


def _judged(
    predictor: Predictor[Any, Any], examples: Sequence[Example[Any, Any]]
) -> Iterator[Answered | Refused]:
    if predictor.task.judged_by == "likelihood":
        yield from (Answered(example, predictor.task.Output("")) for example in examples)
        return
    answers = predictor.answers(example.given for example in examples)
    for example, answer in zip(examples, answers, strict=True):
        yield Refused(example, answer) if isinstance(answer, InputError) else Answered(example, answer)
