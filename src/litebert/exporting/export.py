"""A trained model as a folder for another runtime: the weights in its own file, the task, the tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from litebert import names
from litebert.durable import making, replace_json
from litebert.engine.exported import Exported, Precision, is_exported, open_exported, require
from litebert.engine.opening import open_model
from litebert.engine.padding import Padding
from litebert.engine.predictor import Predictor
from litebert.engine.runners.eager import Eager
from litebert.errors import UsageError, listed
from litebert.exporting.agreement import agreement, batches
from litebert.exporting.padded import Padded, padded_form
from litebert.exporting.sample import inputs
from litebert.tasks.as_json import TASK_FILE, to_json


def export(
    model: str,
    out: Path,
    *,
    to: str,
    precision: Precision = "fp32",
    task: str | None = None,
    options: Sequence[str] = (),
    sample: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> Exported:
    """Writes the folder `out`, whole or not at all, and returns what it holds and how well it agrees.

    task, options: as for `open_model`. sample: a file of Inputs to compare by, and to calibrate with. Raises
    `UsageError` for a format, a precision or a task that cannot be, a package that is missing, or an `out`
    that is not empty.
    """
    form = _format(to, precision)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty; name a new folder")
    if is_exported(model):
        raise UsageError(f"{model} is exported already; export the model that it was made of")
    reference = open_model(model, task=task, options=options, precision="fp32", tell=tell)
    padded = _padded(reference, model)
    compared = inputs(reference.task, sample)
    with making(out) as folder:
        facts = form.save(folder, padded, precision, _fed(reference, padded, compared))
        manifest = _manifest(form, padded, format=to, precision=precision, facts=facts)
        manifest.save(folder)
        replace_json(folder / TASK_FILE, to_json(reference.task))
        reference.tokenizer.save(folder)
        found = agreement(reference, open_exported(folder), compared)
        manifest = replace(manifest, agreement=found)
        manifest.save(folder)
    return manifest


def _manifest(form: Any, padded: Padded, **said: Any) -> Exported:
    """Of a model in a format; how well it agrees is still to be found."""
    return Exported(
        runner=form.RUNNER,
        extra=form.EXTRA,
        file=form.FILE,
        inputs=padded.inputs,
        outputs=dict(padded.head.outputs),
        positions=padded.config.positions,
        **said,
    )


def _format(to: str, precision: str) -> Any:
    form: Any = names.find("litebert.exporting", to, "format")
    if precision not in form.PRECISIONS:
        raise UsageError(f"{to} can be written in {listed(form.PRECISIONS)}, not in {precision}")
    require(f"exporting to {to}", form.EXTRA, *form.NEEDS)
    return form


def _padded(predictor: Predictor[Any, Any], name: str) -> Padded:
    if not isinstance(predictor.runner, Eager):
        raise UsageError(
            f"{name} is for the task {predictor.task.name}, which writes: it goes on piece by piece, as long "
            "as the text asks, which no graph of one pass can do. `litebert predict` runs it"
        )
    if predictor.runner.model.encoder.config.family == "lstm":
        raise UsageError(f"{name} is an LSTM; what can be exported is ALBERT and BERT")
    return padded_form(predictor.runner.model)


def _fed(predictor: Predictor[Any, Any], padded: Padded, compared: Sequence[Any]) -> list[tuple[Tensor, ...]]:
    """The sample as the padded model takes it."""
    fed: list[tuple[Tensor, ...]] = []

    def keep(feed: Any) -> Any:
        fed.append(tuple(torch.from_numpy(feed[name]) for name in padded.inputs))
        return [tensor.numpy() for tensor in padded(*fed[-1])]

    shape = _Shape(padded)
    with torch.inference_mode():
        for batch in batches(predictor, compared):
            Padding(keep, shape, predictor.tokenizer.mask)(batch)
    return fed


class _Shape:
    """Of the model itself what `Padding` must know of a graph."""

    def __init__(self, padded: Padded) -> None:
        self.inputs, self.outputs = padded.inputs, dict(padded.head.outputs)
        self.positions = padded.config.positions
