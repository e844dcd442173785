"""What stays in a run's folder when training is over: the model, and all that says how good it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Container, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from litebert import durable, strict_json
from litebert.engine import exit_files
from litebert.engine.exit_curve import Curve
from litebert.engine.opening import open_model
from litebert.errors import ModelError
from litebert.evaluation.evaluate import Answered, Evaluation, evaluate
from litebert.model.checkpoints.several import HEADS
from litebert.model.model import Model
from litebert.run import RUN, save
from litebert.tasks.as_json import TASK_FILE, to_try
from litebert.tasks.task import Task
from litebert.text.loading import NAMES as TOKENIZERS
from litebert.text.loading import SETTINGS as TOKENIZER_SETTINGS
from litebert.training.artifacts.card import Card, Measured, write_card
from litebert.training.artifacts.confusion import count_confusion, write_confusion
from litebert.training.artifacts.mistakes import Mistake, write_mistakes
from litebert.training.exit_trade_off import conclude_exits
from litebert.training.prepared import Prepared
from litebert.training.report.curves import draw_curves

RESULTS = "results.json"
"""Written last of all: a folder that has it holds a finished run."""
_LEFT = (
    *("model.safetensors", "factors.safetensors", "config.json", TASK_FILE, RUN),
    *(exit_files.FILE, exit_files.WEIGHTS),
    *(*TOKENIZERS, *TOKENIZER_SETTINGS),
    *("README.md", "curves.png", "confusion.csv", "confusion.png", "mistakes.jsonl"),
)
"""What else a finished run has in its folder."""


def conclude(folder: Path, model: Model, prepared: Prepared, cut: Sequence[str] = ()) -> dict[str, Any]:
    """Write the model and everything about it; gives what `results.json` holds.

    cut: sentences on what was cut off. It is the model read again from its folder that is judged: what is
    measured is what was saved.
    """
    task, dev = prepared.task, prepared.sets.dev
    save(folder, model, task, prepared.source.tokenizer)
    curve = conclude_exits(folder, model, prepared)
    evaluation = evaluate(open_model(str(folder), precision=prepared.settings.precision), dev.rows)
    draw_curves(folder / "metrics.jsonl", folder / "curves.png")
    artifacts(folder, task, evaluation)
    write_card(folder / "README.md", card(folder, prepared, evaluation, cut, curve))
    results = of_one_task(prepared, evaluation)
    durable.replace_json(folder / RESULTS, results)
    return results


def of_one_task(prepared: Prepared, evaluation: Evaluation) -> dict[str, Any]:
    """What `results.json` holds of a task: how good it is, and an Input to try."""
    task = prepared.task
    return {
        "task": task.name,
        "best_by": task.best,
        "dev": evaluation.summary(),
        "example": _to_try(prepared),
    }


def _to_try(prepared: Prepared) -> dict[str, Any]:
    rows = prepared.sets.train.rows  # None, where it is a corpus that is learnt from.
    return to_try(prepared.task, rows[0].given if rows else None)


def artifacts(folder: Path, task: Task[Any, Any], evaluation: Evaluation) -> None:
    """What there is to look at beside the figures."""
    if task.problem == "single_label_classification":
        _confusion(folder, task, evaluation.answered)
    write_mistakes(folder / "mistakes.jsonl", mistakes(task, evaluation.answered))


def forget(folder: Path) -> None:
    """Removes all that `conclude` left of a run, the results first: no half removed run looks over."""
    with durable.telling(f"remove the old run in {folder}"):
        for name in (RESULTS, *_LEFT):
            (folder / name).unlink(missing_ok=True)
        forget_heads(folder)


def forget_heads(folder: Path, keep: Container[str] = ()) -> None:
    """Removes the heads of a run of several tasks. keep: the names of those that stay."""
    for head in (folder / HEADS).glob("*"):
        if head.name not in keep:
            shutil.rmtree(head, ignore_errors=True)
    if not keep:
        shutil.rmtree(folder / HEADS, ignore_errors=True)


def finished(folder: Path, holding: Collection[str] = ("best_by", "dev")) -> dict[str, Any] | None:
    """The results of the run in a folder, if it is over. Raises `ModelError` if they are damaged, or do not
    hold what they must."""
    try:
        results = strict_json.loads((folder / RESULTS).read_bytes().decode())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ModelError(_damaged(folder, str(error))) from None
    if not isinstance(results, dict) or not set(holding) <= results.keys():
        raise ModelError(_damaged(folder, "it lacks what is written there"))
    return results


def _damaged(folder: Path, why: str) -> str:
    return f"{folder / RESULTS} is damaged ({why}); --overwrite starts the run anew"


def mistakes(task: Task[Any, Any], answered: Sequence[Answered]) -> list[Mistake]:
    """The wrong answers."""
    return [
        Mistake(
            given=asdict(one.example.given),
            wanted=asdict(one.example.wanted),
            answered=asdict(one.output),
            confidence=badly,
        )
        for one in answered
        if (badly := task.mistake(one.output, one.example.wanted)) is not None
    ]


def card(
    folder: Path,
    prepared: Prepared,
    evaluation: Evaluation,
    cut: Sequence[str],
    curve: Curve | None = None,
) -> Card:
    """The model card's contents."""
    task = prepared.task
    given = json.dumps(_to_try(prepared), ensure_ascii=False)
    return Card(
        name=folder.resolve().name,
        what=_what(prepared),
        task=task.name,
        data=prepared.sets.told,
        judged_on=f"{prepared.sets.told['dev']}, {_CHOSEN[prepared.sets.chooses]}",
        metrics={name: _measured(evaluation, name) for name in evaluation.metrics},
        settings={name: str(value) for name, value in asdict(prepared.settings).items()},
        limits=[
            "The figures hold for data like those it was judged on; on other data, judge it again.",
            f"Of an input longer than {task.max_pieces} pieces: {_ON_LONG[task.on_long]}.",
            *cut,
            *(note for note in prepared.source.notes if "new weights" in note),
        ],
        use=f'import litebert\n\nmodel = litebert.load("{folder}")\nmodel([{given}])',
        labels=getattr(task, "labels", ()),
        exits=_exits(curve) if curve else {},
    )


def _what(prepared: Prepared) -> str:
    config, task = prepared.source.config, prepared.task
    question = (type(task).__doc__ or task.name).partition("\n")[0]
    return (
        f"{question} An encoder of {config.layers} layers, hidden size {config.hidden}, "
        f"{config.parameters / 1e6:.1f} million parameters, with a head for the task {task.name}. "
        f"It was trained from {prepared.source.name}."
    )


def _exits(curve: Curve) -> dict[str, str]:
    """What leaving early costs and saves: of the rules that no other beats, by share of layers."""
    return {
        f"{point.layers:.0%}": f"{curve.measure} {point.value:.4f}, by {point.by} {point.threshold:.4g}"
        for point in curve.best
    } | {"100%": f"{curve.measure} {curve.whole:.4f}, whole"}


_CHOSEN = {True: "by which the best weights were chosen", False: "by which nothing was chosen"}
_ON_LONG = {
    "truncate": "the rest is cut off, and counted",
    "window": "it is read in windows, whose answers are merged",
    "refuse": "it is refused",
}


def _measured(evaluation: Evaluation, name: str) -> Measured:
    low, high = evaluation.intervals.get(name, (None, None))
    return Measured(value=evaluation.metrics[name], low=low, high=high)


def _confusion(folder: Path, task: Task[Any, Any], answered: Sequence[Answered]) -> None:
    names: Sequence[str] = task.labels  # type: ignore[attr-defined]
    wanted = [one.example.wanted.label for one in answered]
    counts = count_confusion(names, wanted, [one.output.label for one in answered])
    write_confusion(folder, names, counts)
