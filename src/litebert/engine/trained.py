"""A trained model opened in torch, ready to answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

import torch

from litebert.durable import stamped
from litebert.engine.calibration import calibrate
from litebert.engine.choosing import fused_pays
from litebert.engine.exit_curve import check_quality
from litebert.engine.exit_files import HOW, has_exits, load_curve, load_exits
from litebert.engine.predictor import Predictor
from litebert.engine.runners import runner_for
from litebert.engine.runners.early_exit import EarlyExit
from litebert.errors import ModelError
from litebert.model.checkpoints.hub import resolve
from litebert.model.eight_bits import has_eight_bits
from litebert.model.encoders.albert import Encoder
from litebert.model.model import Model
from litebert.model.products import fastest_dtype
from litebert.model_source import EMBEDDED, Source, dtype_of, headed, open_source
from litebert.tasks.naming import named, with_options
from litebert.tasks.task import Task

PRETRAINED = "masked"
"""The head that comes with an encoder's weights, and so is drawn at random only where they are, too."""


def open_trained(
    name: str | None,
    *,
    task: str | None,
    options: Sequence[str],
    precision: str,
    quality: float,
    tell: Callable[[str], None] | None,
) -> Predictor[Any, Any]:
    """As `opening.open_model`, for what is not exported."""
    check_quality(quality)
    name, task = headed(name, task)
    source = open_source(name)
    asked = with_options(_task(source, task), options)
    if not (source.has_head(asked) or (source.checkpoint is None and asked.head_name == PRETRAINED)):
        raise ModelError(_no_head(source, asked))
    if tell is not None and source.checkpoint is None:
        for note in source.notes:
            tell(note)
    dtype = dtype_of(precision, answering=True)
    if dtype is torch.int8 and (why := _no_int8(asked, source.config.family)):
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
    shared = None if key is None else _SHARED.get(key)
    model = source.model(task, encoder=shared).eval()
    if shared is None:
        _ready(model.encoder, source, dtype)
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
    _ready(model.eval().encoder, source, dtype)
    return EarlyExit(model, task, dtype, rule)


def _ready(encoder: Encoder, source: Source, dtype: torch.dtype) -> None:
    """To answer in `dtype`, the quicker way."""
    if dtype is torch.int8:
        calibrate(encoder, source.tokenizer)
    encoder.fused = fused_pays(encoder.config, dtype)


def _no_int8(task: Task[Any, Any], family: str) -> str:
    """Why this machine, or this task, has no int8; empty if it has."""
    if task.runner != "eager":
        return f"int8 is not for the task {task.name}, which answers a piece at a time"
    if family == "lstm":
        return "int8 is for ALBERT and BERT, not for an LSTM"
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
