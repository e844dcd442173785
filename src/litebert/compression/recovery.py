"""Training on, a little: a smaller model learns its task again, and its scores from the larger one.

The loss is the task's own, and the mean squared difference of the scores, each in units of the larger model's
spread: of logits that is distillation (arXiv 2105.08919 finds it as good as the divergence).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from litebert.compression.subject import Subject, parts_of
from litebert.data.batches import Batches
from litebert.data.encoded import Batch, encode_all
from litebert.model_source import dtype_of
from litebert.tasks.task import Task
from litebert.training.fit import Job, fit
from litebert.training.progress import Verdict
from litebert.training.sets import Sets
from litebert.training.settings import TrainSettings

RATE = 2e-4
"""The peak of the learning rate, where none is said: for narrow models, which compressed ones are."""
BATCH = 32


@dataclass(frozen=True, eq=False)
class Imitation:
    """(model, batch) → the task's loss and, as `scores`, how far the larger model's scores are off."""

    task: Task[Any, Any]
    larger: nn.Module

    def __call__(self, model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        own = model(batch.packed, batch.targets)
        with torch.no_grad():
            aims = self.larger(batch.packed)
        apart = sum((_apart(own[name], aims[name]) for name in aims if name in own), torch.zeros(()))
        return self.task.loss(own, batch.targets) + apart, {"scores": apart}


def _apart(own: Tensor, aim: Tensor) -> Tensor:
    """In units of the aim's variance; what cannot be (-inf) and what are no numbers with a point left out."""
    if own.shape != aim.shape or not aim.is_floating_point():
        return torch.zeros(())
    there = aim.isfinite() & own.isfinite()
    wanted = aim[there].float()
    return (own[there].float() - wanted).square().mean() / (wanted.var(correction=0) + 1e-6)


def recovered(
    subject: Subject,
    larger: Subject,
    sets: Sets,
    settings: TrainSettings,
    folder: Path,
    judge: Callable[[nn.Module], Verdict],
) -> Subject:
    """The subject after training, with the weights that are best on dev. larger: read by the same tokenizer;
    folder: for the state of training, which is not gone on with."""
    model, teacher = subject.model(), larger.model().requires_grad_(False)
    model.encoder.dtype = teacher.encoder.dtype = dtype_of(settings.precision)
    encoded = encode_all(subject.task, subject.tokenizer, sets.train.rows)
    job = Job(
        objective=Imitation(subject.task, teacher),
        batches=Batches(encoded, settings.batch_size or BATCH, settings.seed),
        settings=settings.filled(learning_rate=RATE, batch_size=BATCH, epochs=1.0),
        evaluate=judge,
        chief=subject.task.best,
        dev_samples=len(sets.dev),
    )
    fit(model, job, folder)
    return parts_of(model, subject.task, subject.tokenizer)
