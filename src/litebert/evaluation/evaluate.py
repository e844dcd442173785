"""Predict, measure, and keep the mistakes to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litebert.data.examples import Example
from litebert.engine.predictor import Predictor
from litebert.errors import InputError
from litebert.tasks.metrics import interval


@dataclass(frozen=True)
class Evaluation:
    """What a model made of labelled examples."""

    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    """95 % bootstrap intervals."""
    outputs: Sequence[Any]
    refused: Sequence[tuple[Example[Any, Any], InputError]]
    """Examples that could not be answered; they count in no metric, so they are shown."""
    truncated: int
    """Examples of which something was cut off."""

    def summary(self) -> dict[str, Any]:
        """What `litebert evaluate --json` prints."""
        return {
            **self.metrics,
            "examples": len(self.outputs),
            "refused": len(self.refused),
            "truncated": self.truncated,
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
        }


def evaluate(
    predictor: Predictor[Any, Any], examples: Sequence[Example[Any, Any]], *, intervals: bool = True
) -> Evaluation:
    """Answer every example and measure the answers by the task's own measure."""
    before = predictor.truncated
    answers = list(predictor.answers(example.given for example in examples))
    good = [(a, e.wanted) for a, e in zip(answers, examples, strict=True) if not isinstance(a, InputError)]
    outputs, wanted = [a for a, _ in good], [w for _, w in good]
    measure = predictor.task.measure
    return Evaluation(
        metrics=measure(outputs, wanted),
        intervals=interval(measure, outputs, wanted) if intervals else {},
        outputs=outputs,
        refused=[(e, a) for a, e in zip(answers, examples, strict=True) if isinstance(a, InputError)],
        truncated=predictor.truncated - before,
    )
