"""The loop: a generator of steps. Whatever else training does consumes what it yields.

Batch k is a function of (seed, k), and all that is drawn at random in step s is a function of (seed, s).
So a run that is taken up again at any step goes on to the bit as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from litebert.errors import ModelError
from litebert.model.dropout import Draw
from litebert.training.exchange import Exchange
from litebert.training.memory import keep_freed_memory
from litebert.training.optimizers import Optimizer, add_penalties
from litebert.training.progress import Progress
from litebert.training.schedules import multiplier
from litebert.training.settings import TrainSettings

MOST_SKIPPED = 5
"""So many updates in a row without a finite gradient, and training stops."""


class Batch(Protocol):
    """Some samples, ready for the model."""

    def __len__(self) -> int:
        """How many samples."""

    @property
    def whole(self) -> int:
        """How many with those of the other processes' batches of the same number."""

    @property
    def pieces(self) -> int:
        """How many pieces they have together."""


class Batches(Protocol):
    """Batch k, for any k from 0: a function of the seed and k alone."""

    @property
    def per_epoch(self) -> int:
        """How many batches go once through the data."""

    def __call__(self, number: int) -> Any: ...


Parts = Mapping[str, Tensor]
Objective = Callable[[nn.Module, Any], tuple[Tensor, Parts]]
"""(model, batch) → the mean loss over the batch's samples, a scalar, and what it is made of, by name."""


@runtime_checkable
class Splits(Protocol):
    """An objective that works a large batch out in parts, one after another, in less memory."""

    def split(self, batch: Any) -> Iterator[tuple[Any, float]]:
        """Parts, and the share of each one's loss in the batch's: their gradients, by these shares, add up to
        the batch's. The batch itself, with 1, where it stays whole."""


@dataclass
class State:
    """What training changes. `progress` is replaced at each step; a consumer of the steps may do so too."""

    model: nn.Module
    optimizer: Optimizer
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class Step:
    """One update, or one that was skipped."""

    step: int
    """Updates made, this one included."""
    attempt: int
    epoch: float
    """How often the data have been gone through."""
    loss: float
    parts: Mapping[str, float]
    learning_rate: float
    gradient_norm: float
    """Before clipping, penalties included."""
    samples: int
    pieces: int
    skipped: bool
    """Whether the loss or the gradient was not a number, and the weights were left as they are."""
    seconds: float


class Made(NamedTuple):
    """The numbers of one update."""

    loss: float
    gradient_norm: float
    parts: dict[str, float]
    pieces: int
    """Of all processes."""

    @property
    def finite(self) -> bool:
        return isfinite(self.loss) and isfinite(self.gradient_norm)


def steps(
    state: State,
    objective: Objective,
    batches: Batches,
    settings: TrainSettings,
    exchange: Exchange | None = None,
) -> Iterator[Step]:
    """Trains from where `state` is to the end of the settings' steps or epochs.

    exchange: with the other processes of the run, if there are any; each has its share of every batch.

    Raises `ModelError` when `MOST_SKIPPED` updates in a row had to be skipped.
    """
    keep_freed_memory()
    exchange = exchange or Exchange()
    total = settings.updates(batches.per_epoch)
    while state.progress.step < total:
        exchange.starts()
        before = state.progress
        rate = learning_rate(settings, before, total)
        first = before.step * settings.accumulation
        group = [batches(number) for number in range(first, first + settings.accumulation)]
        seed(state.model, settings.seed, before.step)
        made = update(state, objective, group, settings, rate, exchange)
        step = Step(
            step=before.step + 1,
            attempt=before.attempt,
            epoch=(first + settings.accumulation) / batches.per_epoch,
            loss=made.loss,
            parts=made.parts,
            learning_rate=rate,
            gradient_norm=made.gradient_norm,
            samples=sum(batch.whole for batch in group),
            pieces=made.pieces,
            skipped=not made.finite,
            seconds=exchange.took(),
        )
        state.progress = advance(before, step)
        yield step
        if state.progress.skipped_in_a_row >= MOST_SKIPPED:
            raise ModelError(_diverged(state.progress))


def learning_rate(settings: TrainSettings, progress: Progress, total: int) -> float:
    """For the next update: the schedule's, halved for each attempt that collapsed."""
    shape = multiplier(settings, progress.step, total, progress.scores)
    return settings.peak * shape * 0.5**progress.attempt


def seed(model: nn.Module, seed: int, step: int) -> None:
    """Makes all that is drawn in this step a function of (seed, step): dropout by counter and torch's own."""
    state = int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0])
    # Not `torch.manual_seed`, which without a GPU queues a call and a stack trace for it, at every step.
    torch.default_generator.manual_seed(state)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(state)
    for module in model.modules():
        if isinstance(getattr(module, "draw", None), Draw):
            module.draw = Draw(seed, step)  # type: ignore[assignment]


def update(
    state: State,
    objective: Objective,
    group: Sequence[Batch],
    settings: TrainSettings,
    rate: float,
    exchange: Exchange,
) -> Made:
    """One update from a group of batches; the weights stay as they are if the gradient is not finite."""
    if not state.model.training:
        state.model.train()
    own, pieces = gradients(state.model, objective, group), sum(batch.pieces for batch in group)
    totals, pieces = exchange(state.optimizer.parameters.values(), own, pieces)
    add_penalties(state.optimizer, settings.l1, settings.l2)
    grads = [p.grad for p in state.optimizer.parameters.values() if p.grad is not None]
    norm = torch.nn.utils.get_total_norm(grads)
    # The only wait for the device in a step.
    length, *values = torch.stack([norm, *totals.values()]).tolist()
    named = dict(zip(totals, values, strict=True))
    made = Made(named.pop(""), length, named, pieces)
    if made.finite:
        clip(grads, made.gradient_norm, settings.clip)
        state.optimizer.step(rate)
    state.model.zero_grad(set_to_none=True)
    return made


def gradients(model: nn.Module, objective: Objective, group: Sequence[Batch]) -> dict[str, Tensor]:
    """Adds to `.grad` the gradient of the mean loss over all samples of the group, and gives that loss, under
    "", and what it is made of.

    A batch weighs as much as it has samples: the mean of the batches' means would favour small ones. With
    several processes these are each one's share of gradients and losses, which add up.
    """
    everyone = sum(batch.whole for batch in group)
    totals: dict[str, Tensor] = {}
    for part, weight in (pair for batch in group for pair in weighed(objective, batch)):
        loss, parts = objective(model, part)
        share = weight / everyone
        (loss * share).backward()  # type: ignore[no-untyped-call]
        for name, value in {"": loss, **parts}.items():
            totals[name] = totals.get(name, 0.0) + value.detach().float() * share
    return totals


def weighed(objective: Objective, batch: Batch) -> Iterator[tuple[Any, float]]:
    """What an objective works out one after another, and how many samples' weight it has: the batch, or parts
    of a large one where the objective can split it."""
    parts = objective.split(batch) if isinstance(objective, Splits) else [(batch, 1.0)]
    for part, share in parts:
        yield part, share * len(batch)


def clip(gradients: list[Tensor], norm: float, most: float | None) -> None:
    """Scales gradients of global norm `norm` down to `most`."""
    if most is not None and norm > most:
        torch._foreach_mul_(gradients, most / norm)


def advance(progress: Progress, step: Step) -> Progress:
    """The progress after a step."""
    total, count = progress.losses
    return replace(
        progress,
        step=step.step,
        samples=progress.samples + step.samples,
        pieces=progress.pieces + step.pieces,
        skipped=progress.skipped + step.skipped,
        skipped_in_a_row=progress.skipped_in_a_row + 1 if step.skipped else 0,
        losses=(total, count) if step.skipped else (total + step.loss, count + 1),
        seconds=progress.seconds + step.seconds,
    )


def _diverged(progress: Progress) -> str:
    return (
        f"the loss or its gradient has not been a finite number in {MOST_SKIPPED} updates in a row, "
        f"the last of them update {progress.step}; a lower --learning-rate, a longer --warmup "
        "or --precision fp32 may help. The best weights on dev are kept"
    )
