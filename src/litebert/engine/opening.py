"""A trained model by its name, ready to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from litebert.engine.predictor import Predictor
from litebert.engine.runners.eager import Eager
from litebert.errors import ModelError, UsageError
from litebert.run import dtype_of, open_source
from litebert.tasks.task import Task


def open_model(name: str | None, *, precision: str = "auto") -> Predictor[Any, Any]:
    """A trained model, ready to answer. Raises `ModelError` for one that has no task yet."""
    source = open_source(name)
    if source.task is None:
        raise ModelError(
            f"{source.name} has no task: it must be trained first, as with "
            f"`litebert train --task classification --train FILE --model {name or 'M'} --out DIR`"
        )
    return Predictor(Eager(source.model(source.task), dtype_of(precision)), source.task, source.tokenizer)


def load(name: str | None = None, *, precision: str = "auto") -> Callable[..., list[Any]]:
    """A trained model as a function: a list of Inputs (or texts, or dicts) to a list of Outputs.

    >>> load("runs/reviews")(["比想象的还要好"])
    [Label(label='positive', probability=0.93)]
    """
    predictor = open_model(name, precision=precision)

    def answer(inputs: Iterable[Any]) -> list[Any]:
        return predictor([as_input(predictor.task, given) for given in inputs])

    return answer


def as_input(task: Task[Any, Any], given: Any) -> Any:
    """An Input from an Input, a text (its first field) or a dict. Raises `UsageError`."""
    if isinstance(given, task.Input):
        return given
    try:
        return task.Input(**given) if isinstance(given, dict) else task.Input(given)
    except TypeError as error:
        raise UsageError(f"{given!r} is no {task.Input.__name__} of the task {task.name}: {error}") from None
