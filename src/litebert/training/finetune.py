"""A prepared run, done: encode, fit, judge, and leave the model with all that says how good it is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from litebert.data.batches import Batches, Epochs
from litebert.data.encoded import Encoded, encode_all
from litebert.data.examples import Examples
from litebert.engine.predictor import Predictor
from litebert.engine.runners import runner_for
from litebert.evaluation.evaluate import Evaluation, evaluate
from litebert.model.native.compiler import kernels
from litebert.model_source import dtype_of
from litebert.tasks.task import Task
from litebert.training.augmentation.augmented import Augmented
from litebert.training.events import Watcher
from litebert.training.fit import Job, fit
from litebert.training.objectives.early_exit import EarlyExit
from litebert.training.objectives.finetuning import Finetuning
from litebert.training.outcome import conclude
from litebert.training.prepared import Prepared
from litebert.training.progress import Verdict


def finetune(
    prepared: Prepared, folder: Path, *, watch: Sequence[Watcher] = (), tell: Callable[[str], None] = print
) -> dict[str, Any]:
    """Begins the run in a folder, or goes on with it, and gives what `results.json` holds.

    tell: hears what was cut off. Whoever calls holds the folder and has claimed it (`training/fit.py`).
    Raises what `fit` raises, and `DataError` for an example that is too long where that is refused.
    """
    train, cut = encode(prepared)
    for note in cut:
        tell(note)
    model = prepared.source.model(prepared.task, prepared.settings.seed, prepared.exits)
    model.encoder.dtype = dtype_of(prepared.settings.precision)
    with kernels(prepared.kernels):
        fit(model, job(prepared, learnt(prepared, train, folder)), folder, watch=watch)
        results = conclude(folder, model, decided(prepared, model), cut)
    if note := learnt_nothing(results):
        tell(note)
    return results


def encode(prepared: Prepared) -> tuple[Encoded, list[str]]:
    """The training examples, and what there is to say of texts that are cut, there and in dev."""
    sets = {"train": prepared.sets.train, "dev": prepared.sets.dev}
    encoded = {name: encode_all(prepared.task, prepared.source.tokenizer, s.rows) for name, s in sets.items()}
    return encoded["train"], [
        _cut(name, one, prepared.task) for name, one in encoded.items() if one.truncated
    ]


def learnt(prepared: Prepared, train: Encoded, folder: Path) -> Epochs:
    """The training examples as each epoch has them. folder: where what takes long may be kept."""
    if not prepared.drawing.augment:
        return train
    return Augmented(
        task=prepared.task,
        tokenizer=prepared.source.tokenizer,
        rows=prepared.sets.train.rows,
        augmentations=prepared.augmentations(folder),
        seed=prepared.settings.seed,
    )


def job(prepared: Prepared, train: Epochs) -> Job:
    """The run as the loop sees it."""
    settings, task = prepared.settings, prepared.task
    return Job(
        objective=EarlyExit(task) if prepared.exits else Finetuning(task),
        batches=Batches(
            train,
            settings.batch_size or 1,
            settings.seed,
            order=prepared.order,
        ),
        settings=settings,
        evaluate=lambda model: judge(prepared, model),
        chief=task.best,
        chance=chance(task, prepared.sets.train, balanced=prepared.drawing.balanced),
        dev_samples=len(prepared.sets.dev),
    )


def judge(prepared: Prepared, model: Any) -> Verdict:
    """What dev says of a model as it is."""
    task = prepared.task.quick.undecided()
    found = on_dev(prepared, model, task)
    outputs, wanted = [one.output for one in found.answered], [one.example.wanted for one in found.answered]
    _, chosen = task.decided(outputs, wanted)
    measures = found.metrics if chosen is outputs else task.measure(chosen, wanted)
    answers = {getattr(output, "label", output) for output in chosen}
    return Verdict(measures, constant=len(answers) < 2)


def decided(prepared: Prepared, model: Any) -> Prepared:
    """With what the task chooses on dev, now that the weights are."""
    task = prepared.task.undecided()
    if task is prepared.task:
        return prepared
    found = on_dev(prepared, model, task)
    outputs, wanted = [one.output for one in found.answered], [one.example.wanted for one in found.answered]
    return replace(prepared, task=prepared.task.decided(outputs, wanted)[0])


def on_dev(prepared: Prepared, model: Any, task: Task[Any, Any]) -> Evaluation:
    """Dev, answered by a model as it is."""
    runner = runner_for(model, task, dtype_of(prepared.settings.precision))
    predictor: Predictor[Any, Any] = Predictor(runner, task, prepared.source.tokenizer)
    return evaluate(predictor, prepared.sets.dev.rows, intervals=False)


def learnt_nothing(results: Mapping[str, Any]) -> str:
    """A sentence where dev's answers tell nothing of its classes, as when all are alike; else empty."""
    if results["dev"].get("matthews") != 0:
        return ""
    return (
        "on dev the answers tell nothing of the classes (Matthews 0), as when all are the commonest one: "
        "more epochs, more data or another learning rate are needed"
    )


def chance(task: Task[Any, Any], examples: Examples[Any, Any], *, balanced: bool = False) -> float | None:
    """The loss of knowing only how frequent each class is; None where there are no classes."""
    if task.problem != "single_label_classification":
        return None
    counts = Counter(example.wanted.label for example in examples)
    if balanced:
        return math.log(len(counts))
    return -sum(n / len(examples) * math.log(n / len(examples)) for n in counts.values())


def _cut(name: str, encoded: Encoded, task: Task[Any, Any]) -> str:
    share = encoded.truncated / len(encoded)
    return (
        f"{name}: {encoded.truncated} of {len(encoded)} texts ({share:.1%}) are longer than "
        f"{task.max_pieces} pieces and are cut there"
    )
