"""A trained model by its name, ready to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import torch

from litebert.data.fields import by_usual_names
from litebert.durable import stamped
from litebert.embedded import model_folder
from litebert.engine.calibration import calibrate
from litebert.engine.exits import HOW, check_quality, has_exits, load_curve, load_exits
from litebert.engine.exported import is_exported, open_exported
from litebert.engine.predictor import Predictor
from litebert.engine.runners import runner_for
from litebert.engine.runners.early_exit import EarlyExit
from litebert.errors import InputError, ModelError
from litebert.model.checkpoints.hub import resolve
from litebert.model.eight_bits import has_eight_bits
from litebert.model.encoders.albert import Encoder
from litebert.model.model import Model
from litebert.model.products import fastest_dtype
from litebert.run import EMBEDDED, PUBLISHED, Source, dtype_of, headed, open_source
from litebert.tasks.task import Task, named, with_options

PRETRAINED = "masked"
"""The head that comes with an encoder's weights, and so is drawn at random only where they are, too."""


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
    check_quality(quality)
    if name is not None and is_exported(name):
        if quality < 1:
            raise ModelError(f"{name} was exported, and what is exported runs whole: leave --quality out")
        return open_exported(Path(name), task=task, options=options, precision=precision)
    name, task = headed(name, task)
    source = open_source(name)
    asked = with_options(_task(source, task), options)
    if not (source.has_head(asked) or (source.checkpoint is None and asked.head_name == PRETRAINED)):
        raise ModelError(_no_head(source, asked))
    if tell is not None and source.checkpoint is None:
        for note in source.notes:
            tell(note)
    dtype = dtype_of(precision, answering=True)
    if dtype is torch.int8 and (why := _no_int8(asked)):
        dtype = fastest_dtype()
        if tell is not None:
            tell(f"{why}: it answers in {'bf16' if dtype is torch.bfloat16 else 'fp32'} instead")
    if quality < 1 and (leaving := _leaving(source, asked, dtype, quality, tell)):
        return Predictor(leaving, asked, source.tokenizer)
    model = _model(source, asked, dtype)
    return Predictor(runner_for(model, asked, dtype), asked, source.tokenizer)


_SHARED: WeakValueDictionary[Any, Encoder] = WeakValueDictionary()
"""Encoders of several heads, as long as one of them is held: by their files and their precision."""


def _model(source: Source, task: Task[Any, Any], dtype: torch.dtype) -> Model:
    """With the encoder that another head of it has opened already, if there is one."""
    key = None if source.home is None else repr((source.home, stamped(source.home), source.config, dtype))
    model = source.model(task, encoder=_SHARED.get(key))
    if dtype is torch.int8 and key not in _SHARED:
        calibrate(model.encoder, source.tokenizer)
    if key is not None:
        _SHARED[key] = model.encoder
    return model


def _leaving(
    source: Source,
    task: Task[Any, Any],
    dtype: torch.dtype,
    quality: float,
    tell: Callable[[str], None] | None,
) -> EarlyExit | None:
    """What lets texts leave early; None if only the whole model is good enough. Raises `ModelError` for a
    model without exits."""
    folder = None if source.checkpoint is None or source.name == EMBEDDED else resolve(source.name)
    if folder is None or not has_exits(folder) or type(source.task) is not type(task):
        raise ModelError(
            f"quality is {quality:g}, but {source.name} has no exits by which texts leave: {HOW}"
        )
    curve = load_curve(folder)
    rule = curve.rule(quality)
    if rule is None:
        if tell is not None:
            tell(
                f"no exit of {source.name} keeps {quality:.2%} of its {curve.measure}, so that it runs whole"
            )
        return None
    model = source.model(task)
    model.exits = load_exits(folder, curve.depths, task, source.config)
    if dtype is torch.int8:
        calibrate(model.encoder, source.tokenizer)
    return EarlyExit(model, task, dtype, rule)


def _no_int8(task: Task[Any, Any]) -> str:
    """Why this machine, or this task, has no int8; empty if it has."""
    if task.runner != "eager":
        return f"int8 is not for the task {task.name}, which answers a piece at a time"
    return "" if has_eight_bits() else "torch has no products in int8 for this processor"


def _task(source: Source, name: str | None) -> Task[Any, Any]:
    """The one asked for, as the model has it if it has it; else with texts as long as the model reads."""
    if name is not None:
        kind = named(name)
        fresh = kind(max_pieces=min(kind.max_pieces, source.config.positions))
        return source.task if source.task is not None and type(source.task) is kind else fresh
    if source.task is None:
        raise ModelError(
            f"{source.name} has no task yet: train it first, as with "
            f"`litebert train --task classification --train FILE --model {source.name} --out DIR`; "
            "or ask it what needs no training, with --task embedding or --task fill-mask"
        )
    return source.task


def _no_head(source: Source, task: Task[Any, Any]) -> str:
    if source.task is not None and type(source.task) is not type(task):
        return f"{source.name} is for the task {source.task.name}, and has no head for {task.name}"
    if source.task is None:
        return (
            f"{source.name} has no head for the task {task.name} yet: train it first, as with "
            f"`litebert train --task {task.name} --train FILE --model {source.name} --out DIR`"
        )
    return f"{source.name}: the weights of its head, {task.head_name}, are missing"


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
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from None


@cache
def _adapter(noun: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(noun)


def _short(given: Any) -> str:
    shown = repr(given)
    return shown if len(shown) <= 80 else f"{shown[:77]}…"
