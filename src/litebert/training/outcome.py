"""What stays in a run's folder when training is over: the model, and all that says how good it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from litebert.data.examples import Example
from litebert.engine.predictor import Predictor
from litebert.engine.runners.eager import Eager
from litebert.evaluation.evaluate import Evaluation, evaluate
from litebert.model.model import Model
from litebert.run import save
from litebert.tasks.task import Task
from litebert.text.tokenizer import Tokenizer
from litebert.training import durable
from litebert.training.artifacts.card import Card, Measured, write_card
from litebert.training.artifacts.confusion import count_confusion, write_confusion
from litebert.training.artifacts.mistakes import Mistake, write_mistakes
from litebert.training.report.curves import draw_curves

RESULTS = "results.json"
"""Written last of all: a folder that has it holds a finished run."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What the model card says beside the figures."""

    name: str
    data: Mapping[str, str]
    """Each data set by its part: train, dev."""
    settings: Mapping[str, str]
    notes: Sequence[str]


def conclude(
    folder: Path,
    model: Model,
    task: Task[Any, Any],
    tokenizer: Tokenizer,
    dev: Sequence[Example[Any, Any]],
    about: About,
) -> dict[str, Any]:
    """Write the model and everything about it; gives what `results.json` holds."""
    evaluation = evaluate(Predictor(Eager(model, model.encoder.dtype), task, tokenizer), dev)
    answered = [e for e in dev if e not in {id(one): one for one, _ in evaluation.refused}.values()]
    save(folder, model, task, tokenizer)
    draw_curves(folder / "metrics.jsonl", folder / "curves.png")
    _confusion(folder, task, answered, evaluation)
    write_mistakes(folder / "mistakes.jsonl", _mistakes(task, answered, evaluation))
    write_card(folder / "README.md", _card(model, task, evaluation, about))
    results = {"dev": evaluation.summary()}
    durable.replace(folder / RESULTS, json.dumps(results, indent=2, ensure_ascii=False).encode() + b"\n")
    return results


def _confusion(
    folder: Path, task: Task[Any, Any], dev: Sequence[Example[Any, Any]], evaluation: Evaluation
) -> None:
    """Where each Input has one label of a few."""
    if task.problem != "single_label_classification":
        return
    names: Sequence[str] = task.labels  # type: ignore[attr-defined]
    counts = count_confusion(names, [e.wanted.label for e in dev], [o.label for o in evaluation.outputs])
    write_confusion(folder, names, counts)


def _mistakes(
    task: Task[Any, Any], dev: Sequence[Example[Any, Any]], evaluation: Evaluation
) -> list[Mistake]:
    judged = [(e, o, task.mistake(o, e.wanted)) for e, o in zip(dev, evaluation.outputs, strict=True)]
    return [
        Mistake(given=asdict(e.given), wanted=asdict(e.wanted), answered=asdict(o), confidence=badly)
        for e, o, badly in judged
        if badly is not None
    ]


def _card(model: Model, task: Task[Any, Any], evaluation: Evaluation, about: About) -> Card:
    config = model.encoder.config
    measured = {
        name: Measured(value=value, low=low, high=high)
        for name, value in evaluation.metrics.items()
        for low, high in [evaluation.intervals.get(name, (None, None))]
    }
    first = fields(task.Input)[0].name
    return Card(
        name=about.name,
        what=(
            f"{type(task).__doc__} An encoder of {config.layers} layers, hidden size {config.hidden}, "
            f"{config.parameters / 1e6:.1f} million parameters, with a head for the task {task.name}."
        ),
        task=task.name,
        data=about.data,
        judged_on=f"{about.data['dev']}, {len(evaluation.outputs)} examples",
        metrics=measured,
        settings=about.settings,
        limits=[
            "The figures hold for data like those it was judged on; on other data, judge it again.",
            f"Of an input longer than {task.max_pieces} pieces: {_ON_LONG[task.on_long]}.",
            *about.notes,
        ],
        use=f'import litebert\n\nmodel = litebert.load("{about.name}")\nmodel([{{"{first}": "…"}}])',
        labels=getattr(task, "labels", ()),
    )


_ON_LONG = {
    "truncate": "the rest is cut off, and counted",
    "window": "it is read in windows, whose answers are merged",
    "refuse": "it is refused",
}
