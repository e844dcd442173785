"""A fine-tuning run before its first step: all that its result follows from, every default decided."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from litebert.data.orders import Order
from litebert.engine.leaving import can_leave
from litebert.errors import UsageError
from litebert.model.config import EncoderConfig
from litebert.model.exits import exit_depths
from litebert.model_source import Source, dtype_of
from litebert.tasks.as_json import to_json
from litebert.tasks.task import Task
from litebert.text.encoding import OnLong
from litebert.training.augmentation.augmentation import (
    Augmentation,
    Ground,
    Setting,
    decisive,
    in_order,
    made,
    read,
)
from litebert.training.drawing import Drawing
from litebert.training.fingerprint import Fingerprint, fingerprint
from litebert.training.presets import WRITING, preset, worth_compiling
from litebert.training.sets import Sets
from litebert.training.settings import TrainSettings

AT_THE_END = 10**9
"""Updates between judgements, of a run that is judged once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """What `finetune` does."""

    source: Source
    """Where the weights come from, with the dropout to train with."""
    task: Task[Any, Any]
    """Fitted to the training examples."""
    sets: Sets
    settings: TrainSettings
    """With nothing left out."""
    drawing: Drawing
    kernels: bool
    """Whether compiled kernels serve."""
    exits: tuple[int, ...] = ()
    """After how many layers there are heads as well."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say before it begins."""
        return (*self.source.notes, *self.own_notes, self.settings_note)

    @property
    def own_notes(self) -> tuple[str, ...]:
        """What there is to say of the task and its data."""
        return (
            *self.sets.notes,
            *self.task.notes,
            f"head: {'goes on from' if self.source.has_head(self.task) else 'new, on'} {self.source.name}",
            *self.drawing.notes(self.task, self._wanted),
            *(
                [f"exits: after {_listed(self.exits)} of {self.source.config.layers} layers"]
                * bool(self.exits)
            ),
        )

    @property
    def settings_note(self) -> str:
        """The settings in words."""
        chosen = self.settings
        length = f"{chosen.epochs:g} epochs" if chosen.steps is None else f"{chosen.steps} updates"
        return (
            f"settings: learning rate {chosen.learning_rate:g}, batches of {chosen.batch_size}, {length}, "
            f"{chosen.optimizer}, {chosen.precision}, seed {chosen.seed}"
        )

    @property
    def order(self) -> Order | None:
        """In which the examples come; None for the usual one."""
        return self.drawing.order(self.task, self._wanted)

    @property
    def batches_once(self) -> int:
        """How many batches go once through the examples."""
        places = len(self.sets.train) if self.order is None else len(self.order)
        return -(-places // (self.settings.batch_size or 1))

    @property
    def known_by(self) -> dict[str, str]:
        """What the result follows from beside model and settings: the task, the data, the drawing."""
        data = {f"data.{name}": value for name, value in self.sets.fingerprint.items()}
        drawing = {f"drawing.{name}": value for name, value in self.drawing.fingerprint().items()}
        changed = {"augmentation": decisive(self.settings_of_augmentations)} if self.drawing.augment else {}
        exits = {"exits": _listed(self.exits)} if self.exits else {}
        task = json.dumps(to_json(self.task), ensure_ascii=False)
        return {**data, "task": task, **drawing, **changed, **exits}

    @property
    def _wanted(self) -> list[Any]:
        return [example.wanted for example in self.sets.train]

    @property
    def fingerprint(self) -> Fingerprint:
        """By what the run is known."""
        return fingerprint(
            self.settings,
            model=self.source.fingerprint,
            tokenizer=self.source.tokenizer.fingerprint,
            kernels=str(self.kernels),
            **self.known_by,
        )

    @property
    def settings_of_augmentations(self) -> list[Setting]:
        """In the order in which they are applied."""
        return in_order(read(self.drawing.augment))

    def augmentations(self, folder: Path | None = None) -> list[Augmentation]:
        """How the training examples are changed. folder: where what takes long may be kept. Raises
        `UsageError` for what this run cannot do."""
        ground = Ground(rows=self.sets.train.rows, task=self.task, source=self.source, folder=folder)
        return [made(setting, ground) for setting in self.settings_of_augmentations]


def prepare(
    source: Source,
    sets: Sets,
    settings: TrainSettings,
    *,
    drawing: Drawing = Drawing(),  # noqa: B008 (frozen)
    dropout: float | None = None,
    max_pieces: int | None = None,
    on_long: OnLong | None = None,
    free: bool = False,
    exits: int | None = None,
) -> Prepared:
    """Decides what was left out. free: whether nobody chose weights or a tokenizer, so that a task may read
    with one made of the data. exits: there is a head after every so many layers. Raises `UsageError` for what
    the model or the task cannot do."""
    limited = _limited(sets.train.task, source.config, max_pieces, on_long)
    given, wanted = ([getattr(example, side) for example in sets.train] for side in ("given", "wanted"))
    task, tokenizer = limited.vocabularies(given, wanted, source.tokenizer, before=source.task, free=free)
    _check_shares(task, source.config)
    task, source = drawing.weigh(task, wanted), source.read_by(tokenizer)
    usual = preset(
        source.config,
        pretrained=source.checkpoint is not None,
        examples=max(1, len(sets.train)),
        writes=task.runner == WRITING,
    )
    decided = _decided(usual.fill(settings), chooses=sets.chooses)
    run = Prepared(
        source=source.with_dropout(usual.dropout if dropout is None else dropout),
        task=task,
        sets=sets,
        settings=decided,
        drawing=drawing,
        kernels=worth_compiling(source.config, decided, sets.train),
        exits=() if exits is None else _exits(exits, task, source.config),
    )
    run.augmentations()
    return run


def _decided(settings: TrainSettings, *, chooses: bool) -> TrainSettings:
    """With the precision and the threads that this machine gives, so that a repeat has them, too. Where dev
    chooses nothing, it is looked at when all is done."""
    bf16 = dtype_of(settings.precision) is torch.bfloat16
    return replace(
        settings,
        precision="bf16" if bf16 else "fp32",
        threads=settings.threads or torch.get_num_threads(),
        evaluate_every=settings.evaluate_every or (None if chooses else AT_THE_END),
    )


def _check_shares(task: Task[Any, Any], config: EncoderConfig) -> None:
    """Raises `UsageError` for a decoder that should be made of blocks which the encoder has not."""
    if config.family == "lstm" and getattr(task, "shares", False):
        raise UsageError(
            f"{task.name} would write by the encoder's blocks (shares=true), and an LSTM has none: "
            "give --options shares=false"
        )


def _exits(every: int, task: Task[Any, Any], config: EncoderConfig) -> tuple[int, ...]:
    """Raises `UsageError` for a task or a model without room for them."""
    if not can_leave(task):
        raise UsageError(
            f"the task {task.name} has no exits: they are for what is told of a text as a whole, as in "
            "classification, multilabel and regression; leave --exits out"
        )
    if config.family == "lstm":
        raise UsageError(
            "an LSTM has no exits: they are between the layers of a transformer; leave --exits out"
        )
    if not 1 <= every < config.layers:
        raise UsageError(
            f"exits is {every}, but must be from 1 to {config.layers - 1}: there is an exit after every so "
            f"many of the model's {config.layers} layers, and the last has the task's own head"
        )
    return exit_depths(config.layers, every)


def _listed(depths: tuple[int, ...]) -> str:
    return ", ".join(map(str, depths))


def _limited(
    task: Task[Any, Any], config: EncoderConfig, max_pieces: int | None, on_long: OnLong | None
) -> Task[Any, Any]:
    """The task with texts as long as was asked, or as the model can read."""
    if max_pieces is not None and max_pieces > config.positions:
        raise UsageError(f"max_pieces is {max_pieces}, but the model has {config.positions} positions")
    longest = max_pieces or min(task.max_pieces, config.positions)
    return replace(task, max_pieces=longest, on_long=on_long or task.on_long)
