"""A mixture, learnt: several tasks on one encoder, judged by the mean over them, saved as one encoder and its
heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean as mean
from typing import Any

from torch import nn

from litebert.data.batches import Batches
from litebert.data.encoded import Encoded
from litebert.data.mixing import MixedBatches
from litebert.data.parallel import Counted
from litebert.model.checkpoints.several import HEADS
from litebert.model.native.compiler import kernels
from litebert.model.several import Several
from litebert.training.events import Watcher
from litebert.training.finetune import decided, encode, judge, learnt
from litebert.training.fit import Job, fit
from litebert.training.from_corpus import FromCorpus
from litebert.training.loop import Objective
from litebert.training.mixed_outcome import conclude_mixture
from litebert.training.mixture import Mixture
from litebert.training.objectives.finetuning import Finetuning
from litebert.training.objectives.masked import Masked
from litebert.training.objectives.multitask import Multitask
from litebert.training.prepared import Prepared
from litebert.training.progress import MEAN, Verdict, of_one

Tell = Callable[[str], None]


def learn_together(
    mixture: Mixture, folder: Path, *, watch: Sequence[Watcher] = (), tell: Tell = print
) -> dict[str, Any]:
    """Begins the run in a folder, or goes on with it, and gives what `results.json` holds.

    As `finetune` does, of which each task's part here is made.
    """
    train: dict[str, Encoded] = {}
    cut: dict[str, list[str]] = {}
    for name, part in mixture.parts.items():
        if isinstance(part, FromCorpus):
            part.corpus.check()
            cut[name] = []
            continue
        train[name], cut[name] = encode(part)
        for note in cut[name]:
            tell(f"{name}: {note}")
    model = mixture.model()
    with kernels(mixture.kernels):
        fit(model, job(mixture, batches(mixture, train, folder)), folder, watch=watch)
        parts = {name: decided(part, model.of(name)) for name, part in mixture.parts.items()}
        return conclude_mixture(folder, model, replace(mixture, parts=parts), cut)


def job(mixture: Mixture, batches: Mapping[str, Counted]) -> Job:
    """The run as the loop sees it. batches: of each part.

    Without the guard against collapse: with several tasks there is no one loss that knows nothing.
    """
    settings, parts = mixture.settings, mixture.parts
    return Job(
        objective=Multitask(
            objectives={name: objective(part) for name, part in parts.items()},
            told=settings.accumulation == 1,
        ),
        batches=MixedBatches(batches, mixture.repeats, settings.seed),
        settings=settings,
        evaluate=lambda model: judge_all(parts, model),
        chief=MEAN,
        dev_samples=sum(len(part.sets.dev) for part in parts.values()),
    )


def batches(mixture: Mixture, train: Mapping[str, Encoded], folder: Path) -> dict[str, Counted]:
    """Each part's. folder: the run's, where what takes long may be kept."""
    return {
        name: part.batches
        if isinstance(part, FromCorpus)
        else _labelled(part, train[name], folder / HEADS / name)
        for name, part in mixture.parts.items()
    }


def objective(part: Prepared) -> Objective:
    """What a batch of the part costs."""
    return Masked(part.batches.instances.guesses) if isinstance(part, FromCorpus) else Finetuning(part.task)


def _labelled(part: Prepared, train: Encoded, folder: Path) -> Batches:
    """All of about one size, since the last of a small set would be a handful that weighs as much as any
    other."""
    if part.drawing.augment:
        folder.mkdir(parents=True, exist_ok=True)
    settings, rows = part.settings, learnt(part, train, folder)
    return Batches(rows, settings.batch_size or 1, settings.seed, order=part.order, even=True)


def judge_all(parts: Mapping[str, Prepared], model: nn.Module) -> Verdict:
    """Every task's chief measure on its dev, and the mean of them."""
    assert isinstance(model, Several)
    best = {name: part.task.best for name, part in parts.items()}
    found = {name: judge(part, model.of(name)).measures[best[name]] for name, part in parts.items()}
    return Verdict(
        {
            MEAN: mean(of_one(best[name], value) for name, value in found.items()),
            **{f"{name}/{best[name]}": value for name, value in found.items()},
        }
    )
