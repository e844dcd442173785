"""A pretraining run: what it is made of, every default decided; and the run itself."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from litebert import durable
from litebert.data.corpus.reader import Corpus
from litebert.data.masking import Instances
from litebert.data.masking_settings import Masking
from litebert.data.pretraining_batches import PretrainingBatches
from litebert.errors import UsageError
from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.checkpoints.loading import write_folder
from litebert.model.native.compiler import compiler, kernels
from litebert.model.pretraining import PretrainingModel
from litebert.model.student import Student
from litebert.model_source import Source, dtype_of
from litebert.training.artifacts.pretraining_card import write_pretraining_card
from litebert.training.distributed import ALONE, World
from litebert.training.events import Watcher
from litebert.training.fingerprint import Fingerprint, fingerprint
from litebert.training.fit import Job, fit
from litebert.training.loop import Batches, Objective
from litebert.training.objectives.pretraining import Pretraining
from litebert.training.outcome import RESULTS
from litebert.training.progress import Progress, Verdict
from litebert.training.report.curves import draw_curves
from litebert.training.report.metrics import rows
from litebert.training.settings import TrainSettings
from litebert.training.stacking import Stacking
from litebert.training.utilisation import Utilisation, product_rate

PUBLISHED_BATCH, PUBLISHED_RATE = 4096, 0.00176
"""Samples in an update and the learning rate of LAMB (arXiv 1909.11942 §4.1)."""
PIECES = 8192
"""About how many pieces an update has where a person says nothing."""
JUDGED = 2000
"""Samples of the dev corpus that are looked at."""
MAY_DIFFER = ("machine.", "settings.threads", "kernels")
"""In what a run may differ from before when it goes on: it takes the same steps with the same samples, but
numbers are added up in another order, and so it is no longer the same to the bit."""
_LAST = 100
"""Updates over whose mean the results on training data are told."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pretrained:
    """What `pretrain` does: a run before its first step."""

    source: Source
    corpus: Corpus
    dev: Corpus | None
    length: int
    masking: Masking
    stacking: Stacking
    also_at: Sequence[int]
    settings: TrainSettings
    """With nothing left out."""
    world: World = ALONE
    """The processes that train together."""

    @property
    def kernels(self) -> bool:
        """Whether compiled kernels serve: pretraining is always long enough, given a compiler."""
        return compiler() is not None

    @property
    def pairs(self) -> bool:
        return self.masking.sentences != "none"

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say before it begins."""
        chosen = self.settings
        length = f"{chosen.epochs:g} epochs" if chosen.steps is None else f"{chosen.steps} updates"
        return (
            *self.source.notes,
            f"corpus: {len(self.corpus):,} documents, {len(self.corpus.pieces):,} pieces; samples of up to "
            f"{self.length}",
            f"settings: learning rate {chosen.learning_rate:g}, {chosen.batch_size} × {chosen.accumulation} "
            f"samples an update, {length}, {chosen.optimizer}, {chosen.precision}, seed {chosen.seed}",
            *((f"processes: {self.world.size}",) if self.world.size > 1 else ()),
        )

    @property
    def fingerprint(self) -> Fingerprint:
        """By what the run is known."""
        processes = {"machine.processes": str(self.world.size)} if self.world.size > 1 else {}
        return processes | fingerprint(
            self.settings,
            corpus=self.corpus.fingerprint,
            dev=self.dev.fingerprint if self.dev else "none",
            model=self.source.fingerprint,
            objective=json.dumps(
                {
                    "length": self.length,
                    **asdict(self.masking),
                    "stacking": self.stacking.stages,
                    "also_at": list(self.also_at),
                }
            ),
            kernels=str(self.kernels),
        )

    def check(self) -> None:
        """Raises, in every process alike, what would else be found by one of them later: `UsageError` for
        samples that cannot be made or shared, `DataError` for a damaged corpus, read whole once on each host.
        """
        self.mine(self.batches(self.corpus, self.settings.seed))
        if self.dev:
            self.batches(self.dev, seed=0)
        if os.environ.get("LOCAL_RANK", "0") == "0":
            for corpus in filter(None, (self.corpus, self.dev)):
                corpus.check()

    def batches(self, corpus: Corpus, seed: int) -> PretrainingBatches:
        """Of all processes."""
        instances = Instances(corpus, self.length, seed, self.masking)
        return PretrainingBatches(instances, self.settings.batch_size or 1)

    def model(self) -> PretrainingModel | Student:
        """With the weights that the run begins with."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed)
            model = PretrainingModel.of(self.source.checkpoint, self.source.config, pairs=self.pairs)
        model.encoder.dtype = dtype_of(self.settings.precision)
        return model

    @cached_property
    def utilisation(self) -> Utilisation:
        """Measures what this machine can do, by the threads that training has."""
        torch.set_num_threads(self.settings.threads or torch.get_num_threads())
        rate = self.world.size * product_rate(dtype_of(self.settings.precision))
        guesses = self.batches(self.corpus, self.settings.seed).instances.guesses
        return Utilisation(self.source.config, self.stacking, guesses, rate)

    def objective(self, batches: PretrainingBatches) -> Pretraining:
        return Pretraining(
            guesses=batches.instances.guesses, stacking=self.stacking, also_at=tuple(self.also_at)
        )

    def job(self) -> Job:
        """The run as the loop sees it."""
        batches = self.batches(self.corpus, self.settings.seed)
        return self.job_of(self.objective(batches), self.mine(batches))

    def mine(self, batches: PretrainingBatches) -> PretrainingBatches:
        """This process's share."""
        check_share(batches.size, self.world, "--batch-size")
        return replace(batches, rank=self.world.rank, world=self.world.size)

    def job_of(self, objective: Objective, batches: Batches) -> Job:
        return Job(
            objective=objective,
            batches=batches,
            settings=self.settings,
            evaluate=None if self.dev is None else Judge(self, self.dev),
            chief="mlm_accuracy",
            dev_samples=JUDGED,
        )


class Judge:
    """What a dev corpus says of a model: the same samples, masked the same, whenever it is asked. Of several
    processes each looks at some of the batches; the sums of their verdicts are the means over all."""

    def __init__(self, run: Pretrained, dev: Corpus) -> None:
        self._batches = run.batches(dev, seed=0)
        self._count = max(1, min(self._batches.per_epoch, JUDGED // self._batches.size))
        self._share = range(run.world.rank, self._count, run.world.size)
        self._objective = Pretraining(guesses=self._batches.instances.guesses)

    def __call__(self, model: nn.Module) -> Verdict:
        totals: dict[str, float] = {}
        with torch.no_grad():
            for number in self._share or (0,):
                for name, value in self._objective(_bare(model), self._batches(number))[1].items():
                    adds = float(value) / self._count if self._share else 0.0
                    totals[name] = totals.get(name, 0.0) + adds
        return Verdict(totals)


def _bare(model: nn.Module) -> PretrainingModel:
    """Without the maps to a teacher's states."""
    inner = model.model if isinstance(model, Student) else model
    assert isinstance(inner, PretrainingModel)
    return inner


def decided(settings: TrainSettings, length: int) -> TrainSettings:
    """The settings with what was left out: by the paper's, scaled to the batch (arXiv 1904.00962 §4.3: the
    learning rate with the root of the batch)."""
    size = settings.batch_size or max(8, PIECES // length)
    rate = settings.learning_rate or PUBLISHED_RATE * (size * settings.accumulation / PUBLISHED_BATCH) ** 0.5
    return replace(
        settings.filled(learning_rate=rate, batch_size=size, epochs=1.0),
        precision="bf16" if dtype_of(settings.precision) is torch.bfloat16 else "fp32",
        threads=settings.threads or torch.get_num_threads(),
    )


def check_share(size: int, world: World, flag: str) -> None:
    """Raises `UsageError` for fewer samples at a time than there are processes."""
    if size < world.size:
        raise UsageError(
            f"{size} samples at a time cannot be shared by {world.size} processes; give {flag} {world.size} "
            "or more, or start fewer"
        )


def check_vocabulary(source: Source, *corpora: Corpus | None) -> None:
    """Raises `UsageError` where a corpus is in other pieces than the model."""
    for corpus in corpora:
        if corpus is not None and corpus.vocabulary["size"] != source.config.vocabulary:
            raise UsageError(
                f"{corpus.folder} is in a vocabulary of {corpus.vocabulary['size']:,} pieces, but "
                f"{source.name} has {source.config.vocabulary:,}; make it with --tokenizer {source.name}"
            )


def pretrain(run: Pretrained, folder: Path, *, watch: Sequence[Watcher] = ()) -> dict[str, Any]:
    """Begins the run in a folder, or goes on with it, and gives what `results.json` holds.

    Whoever calls holds the folder and has claimed it (`training/fit.py`); of several processes the first
    does, and what it has made is told to the others. Raises what `fit` raises.
    """
    model, job = run.world.each(lambda: (run.model(), run.job()))
    with kernels(run.kernels):
        progress = fit(model, job, folder, watch=watch, world=run.world)
    results = _conclude(folder, model.checkpoint(), run, progress) if run.world.leads else {}
    return run.world.tell(results)


def _conclude(folder: Path, checkpoint: Checkpoint, run: Pretrained, progress: Progress) -> dict[str, Any]:
    tokenizer = run.source.tokenizer
    write_folder(folder, checkpoint, pad=tokenizer.pad)
    tokenizer.save(folder)
    draw_curves(folder / "metrics.jsonl", folder / "curves.png")
    results: dict[str, Any] = {
        "updates": progress.step,
        "samples": progress.samples,
        "pieces": progress.pieces,
        "seconds": round(progress.seconds, 1),
        "train": _last_means(folder / "metrics.jsonl"),
    }
    if progress.best is not None:
        results["dev"] = dict(progress.best.measures)
    write_pretraining_card(folder / "README.md", run.source, run.corpus, results, asdict(run.settings))
    durable.replace_json(folder / RESULTS, results)
    return results


def _last_means(log: Path) -> dict[str, float]:
    """Means over the last updates."""
    steps = [row for row in rows(log) if row["kind"] == "step" and not row["skipped"]][-_LAST:]
    names = ("mlm", "mlm_accuracy", "order", "order_accuracy")
    return {name: _mean(steps, name) for name in names if steps and name in steps[-1]}


def _mean(steps: Sequence[Mapping[str, float]], name: str) -> float:
    return sum(step[name] for step in steps) / len(steps)
