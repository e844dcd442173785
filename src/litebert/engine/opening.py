"""A trained model by its name, ready to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from litebert.engine.predictor import Predictor
from litebert.engine.runners.eager import Eager
from litebert.errors import InputError, ModelError
from litebert.run import dtype_of, open_source
from litebert.tasks.task import Task


def open_model(name: str | None, *, precision: str = "auto") -> Predictor[Any, Any]:
    """A trained model, ready to answer. Raises `ModelError` for one that has no task yet, or no head."""
    source = open_source(name)
    if source.task is None:
        raise ModelError(
            f"{source.name} has no task yet: train it first, as with "
            f"`litebert train --task classification --train FILE --model {source.name} --out DIR`"
        )
    if not source.has_head(source.task):
        raise ModelError(f"{source.name}: the weights of its head, {source.task.head_name}, are missing")
    return Predictor(Eager(source.model(source.task), dtype_of(precision)), source.task, source.tokenizer)


def load(name: str | None = None, *, precision: str = "auto") -> Callable[[Iterable[Any]], list[Any]]:
    """A trained model as a function: Inputs (or texts, or dicts) to their Outputs, in order.

    >>> load("runs/reviews")(["比想象的还要好"])
    [Label(label='positive', probability=0.93)]

    The function raises `InputError` for the first that cannot be answered.
    """
    predictor = open_model(name, precision=precision)

    def answer(inputs: Iterable[Any]) -> list[Any]:
        if isinstance(inputs, str | Mapping):
            raise InputError(f"a list of Inputs is answered, but this is one: {inputs!r}; put it in brackets")
        return predictor(as_input(predictor.task, given) for given in inputs)

    return answer


def as_input(task: Task[Any, Any], given: Any) -> Any:
    """An Input from an Input, a text (its first field) or a dict. Raises `InputError`."""
    if isinstance(given, task.Input):
        return given
    try:
        return _validated(task.Input, given) if isinstance(given, Mapping) else _of_text(task, given)
    except ValueError as error:
        raise InputError(f"{_short(given)} is no Input of the task {task.name}: {error}") from None


def _of_text(task: Task[Any, Any], given: Any) -> Any:
    if not isinstance(given, str):
        raise ValueError(f"expected a text, a dict or {task.Input.__name__}(…)")
    try:
        return task.Input(given)
    except TypeError:
        raise ValueError("it needs more than a text; give a dict") from None


def _validated(noun: type, given: Mapping[str, Any]) -> Any:
    """Raises `ValueError` with the first field that is missing or wrong; what else there is is let pass."""
    from pydantic import ValidationError

    try:
        return _adapter(noun).validate_python(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from None


@cache
def _adapter(noun: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(noun)


def _short(given: Any) -> str:
    shown = repr(given)
    return shown if len(shown) <= 80 else f"{shown[:77]}…"
