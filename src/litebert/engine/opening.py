"""A model by its name, ready to answer. torch is imported only where it is what answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from litebert.data.fields import by_usual_names
from litebert.durable import stamped
from litebert.embedded import model_folder
from litebert.engine.exported import is_exported, open_exported
from litebert.engine.predictor import Predictor
from litebert.errors import InputError, ModelError, first_fault
from litebert.model.checkpoints.hub import resolve
from litebert.tasks.task import Task


def open_model(
    name: str | None,
    *,
    task: str | None = None,
    options: Sequence[str] = (),
    precision: str = "auto",
    quality: float = 1.0,
    tell: Callable[[str], None] | None = None,
) -> Predictor[Any, Any]:
    """A trained model, ready to answer; one that is not, for a task whose head it has or that needs none.

    task: left out, the model's own; of an encoder with several heads, the name of one. options: of the task,
    as `name=value`. precision: fp32, bf16, int8, or auto, which is bf16 where the chip has it. quality: how
    much of the whole model's measure on dev must be kept; below 1, texts leave early. tell: hears what is
    random, missing or cannot be had. Raises `ModelError` for a model that has no task yet, or not this one's
    head, or no exits for such a quality.
    """
    if name is not None and is_exported(name):
        if quality != 1:
            raise ModelError(f"{name} was exported, and what is exported runs whole: leave --quality out")
        return open_exported(Path(name), task=task, options=options, precision=precision)
    from litebert.engine.trained import open_trained

    return open_trained(name, task=task, options=options, precision=precision, quality=quality, tell=tell)


def load(
    name: str | None = None,
    *,
    task: str | None = None,
    options: Sequence[str] = (),
    precision: str = "auto",
    quality: float = 1.0,
) -> Callable[[Iterable[Any]], list[Any]]:
    """A trained model as a function: Inputs (or texts, or dicts) to their Outputs, in order.

    >>> load("runs/reviews")(["比想象的还要好"])
    [Label(label='positive', probability=0.93)]

    task: what to ask, where the model has no task of its own: `load(name, task="embedding")`; or which head,
    where it has several: all that are loaded read one encoder in memory. options are the task's,
    `("pooling=max",)`. precision: fp32, bf16, int8, or auto, which is bf16 where the chip has it.
    quality: below 1, texts leave early, and so much of the whole model's measure on dev is kept.
    The function raises `InputError` for the first that cannot be answered.
    """
    predictor = open_model(name, task=task, options=options, precision=precision, quality=quality)

    def answer(inputs: Iterable[Any]) -> list[Any]:
        if isinstance(inputs, str | Mapping):
            raise InputError(f"a list of Inputs is answered, but this is one: {inputs!r}; put it in brackets")
        return predictor(as_input(predictor.task, given) for given in inputs)

    return answer


def fingerprint(name: str | None) -> Any:
    """What tells whether a model's name still leads to the same model."""
    if name is not None and is_exported(name):
        return stamped(Path(name))
    from litebert.model_source import EMBEDDED, PUBLISHED

    if name is None or name == EMBEDDED:
        return stamped(model_folder())
    return name if name.startswith(PUBLISHED) else stamped(resolve(name))


def as_input(task: Task[Any, Any], given: Any) -> Any:
    """An Input from an Input, a text (its first field) or a dict. Raises `InputError`."""
    if isinstance(given, task.Input):
        return given
    try:
        return _validated(task, given) if isinstance(given, Mapping) else _of_text(task, given)
    except ValueError as error:
        raise InputError(f"{_short(given)} is no Input of the task {task.name}: {error}") from None


def _of_text(task: Task[Any, Any], given: Any) -> Any:
    if not isinstance(given, str):
        raise ValueError(f"expected a text, a dict or {task.Input.__name__}(…)")
    try:
        return task.Input(given)
    except TypeError:
        raise ValueError("it needs more than a text; give a dict") from None


def _validated(task: Task[Any, Any], given: Mapping[str, Any]) -> Any:
    """Raises `ValueError` with the first field that is missing or wrong; what else there is is let pass."""
    from pydantic import ValidationError

    try:
        return _adapter(task.Input).validate_python(by_usual_names(task, given))
    except ValidationError as error:
        where, what = first_fault(error)
        raise ValueError(f"{where}: {what.lower()}") from None


@cache
def _adapter(noun: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(noun)


def _short(given: Any) -> str:
    shown = repr(given)
    return shown if len(shown) <= 80 else f"{shown[:77]}…"
