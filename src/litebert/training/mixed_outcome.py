"""What stays in a run's folder of several tasks: the encoder, a head for each, and how good each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from litebert import durable
from litebert.engine.opening import open_model
from litebert.evaluation.evaluate import Evaluation, evaluate
from litebert.model.checkpoints.several import HEADS
from litebert.model.several import Several
from litebert.run import save_several
from litebert.training.artifacts.card import write_cards
from litebert.training.mixture import Mixture
from litebert.training.outcome import RESULTS, artifacts, card, forget_heads, of_one_task
from litebert.training.progress import MEAN, of_one
from litebert.training.report.curves import draw_curves


def conclude_mixture(
    folder: Path, model: Several, mixture: Mixture, cut: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Write the model and everything about it; gives what `results.json` holds.

    As `conclude` does for one task: each is judged as its head is read again from the folder.
    """
    forget_heads(folder, keep=mixture.parts)
    models = {name: (model.of(name), part.task) for name, part in mixture.parts.items()}
    save_several(folder, models, mixture.source.tokenizer)
    evaluations = {name: _evaluated(folder, mixture, name) for name in mixture.parts}
    draw_curves(folder / "metrics.jsonl", folder / "curves.png")
    for name, part in mixture.parts.items():
        artifacts(folder / HEADS / name, part.task, evaluations[name])
    results = _results(mixture, evaluations)
    cards = {
        name: card(folder / HEADS / name, part, evaluations[name], cut[name])
        for name, part in mixture.parts.items()
    }
    write_cards(folder / "README.md", folder.resolve().name, _what(mixture, results), cards)
    durable.replace_json(folder / RESULTS, results)
    return results


def _evaluated(folder: Path, mixture: Mixture, name: str) -> Evaluation:
    predictor = open_model(str(folder), task=name, precision=mixture.settings.precision)
    return evaluate(predictor, mixture.parts[name].sets.dev.rows)


def _results(mixture: Mixture, evaluations: Mapping[str, Evaluation]) -> dict[str, Any]:
    chiefs = [
        of_one(part.task.best, evaluations[name].metrics[part.task.best])
        for name, part in mixture.parts.items()
    ]
    answered = sum(len(one.answered) for one in evaluations.values())
    return {
        "best_by": MEAN,
        "dev": {MEAN: sum(chiefs) / len(chiefs), "examples": answered},
        "tasks": {name: of_one_task(part, evaluations[name]) for name, part in mixture.parts.items()},
    }


def _what(mixture: Mixture, results: Mapping[str, Any]) -> str:
    config = mixture.source.config
    return (
        f"{len(mixture.parts)} tasks on one encoder of {config.layers} layers, hidden size {config.hidden}, "
        f"{config.parameters / 1e6:.1f} million parameters, trained together from {mixture.source.name}. "
        f"The best weights were chosen by the mean over the tasks of each one's chief measure on its dev: "
        f"{results['dev'][MEAN]:.4f}."
    )
