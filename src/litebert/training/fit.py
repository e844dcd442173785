"""The whole of a training run: steps, judging, saving, stopping, beginning again.

`training` is a generator of events, and reports are generators around it:

    with alone(folder):
        claim(folder, fingerprint)
        result = fit(model, job, folder, watch=[metrics_log(folder / "metrics.jsonl"), plain_lines()])

The same call on a folder with an unfinished run goes on with it, to the bit; on a finished one it only
puts the best weights into the model.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from litebert.errors import ModelError
from litebert.training import checkpoint
from litebert.training.checkpoint import Tensors
from litebert.training.distributed import ALONE, LostError, World
from litebert.training.events import (
    Event,
    Finished,
    Judged,
    Judging,
    Plan,
    Restarted,
    Started,
    Watcher,
)
from litebert.training.exchange import Exchange
from litebert.training.interrupts import Asked, StoppedError, listening
from litebert.training.keeper import Keeper
from litebert.training.loop import Batches, Objective, State, Step, steps
from litebert.training.optimizers import optimizer
from litebert.training.progress import Judgement, Progress, Verdict, score
from litebert.training.schedules import warmup_steps
from litebert.training.settings import TrainSettings

MOST_RESTARTS = 3
"""After so many the collapse guard gives up, and early stopping ends the run."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to train on, how, and how to judge it."""

    objective: Objective
    batches: Batches
    settings: TrainSettings
    evaluate: Callable[[nn.Module], Verdict] | None = None
    """Looks at dev. Without it the last weights are the result. Of several processes each looks at a share,
    and gives what its share adds to each measure."""
    chief: str = ""
    """The measure that decides which weights are best; higher is better."""
    chance: float | None = None
    """The loss of knowing nothing: ln(classes), or better the entropy of the labels."""
    dev_samples: int = 0
    """For the forecast."""

    def plan(self) -> Plan:
        """What a forecast needs."""
        return Plan(self.total, self.interval, self.dev_samples, self.settings.minutes)

    @property
    def total(self) -> int:
        return self.settings.updates(self.batches.per_epoch)

    @property
    def interval(self) -> int:
        return self.settings.judging_interval(self.batches.per_epoch) if self.evaluate else 0

    def over(self, progress: Progress) -> str:
        """Why training ends here, or "" if it goes on."""
        if progress.step >= self.total:
            return "steps"
        minutes = self.settings.minutes
        if minutes is not None and progress.seconds >= 60 * minutes:
            return "minutes"
        stopping = self.settings.early_stopping and progress.stale >= self.settings.patience
        return "patience" if stopping else ""

    def to_judge(self, progress: Progress) -> bool:
        """Whether it is time to look at dev: every interval, and at the end."""
        if not self.evaluate or progress.judged_now() or progress.step == 0:
            return False
        return progress.step % self.interval == 0 or bool(self.over(progress))

    @property
    def guarded(self) -> bool:
        """Whether a collapse would be noticed."""
        return self.settings.collapse_guard and self.chance is not None and self.evaluate is not None

    def to_restart(self, progress: Progress) -> bool:
        """Whether training has collapsed, and there are tries and time left."""
        if self.chance is None or not self.guarded or progress.attempt >= MOST_RESTARTS:
            return False
        if self.over(progress) == "minutes":
            return False
        return progress.collapsed(self.chance, since=warmup_steps(self.settings, self.total))


def fit(
    model: nn.Module, job: Job, folder: Path, *, watch: Sequence[Watcher] = (), world: World = ALONE
) -> Progress:
    """Trains `model` and leaves it with the best weights, in eval mode; gives the run's progress, finished.

    `model` comes with the weights that the run began with, also when it goes on. The state is kept in
    `folder/checkpoint`. Whoever calls holds the folder's lock (`alone`) and has checked that the run in it is
    this one (`claim`).

    world: the processes that train together. Only the first of them has to do with the folder, and is left
    with the best weights; to the others it sends the state.

    Raises `StoppedError` after SIGTERM or Ctrl-C, with the state saved; `ModelError` if training diverges;
    `LostError`, with the state saved, if another process is gone.
    """
    if job.settings.threads is not None:
        torch.set_num_threads(job.settings.threads)
    progress = Progress()
    with listening() as asked:
        events = training(model, job, folder / "checkpoint", asked, world)
        for watcher in watch:
            events = watcher(events)
        for event in events:
            if isinstance(event, Finished):
                progress = event.progress
    return progress


def training(model: nn.Module, job: Job, folder: Path, asked: Asked, world: World = ALONE) -> Iterator[Event]:
    """What happens, from the first event to the last. Trains only as it is consumed."""
    initial = copy(model) if job.guarded else {}
    state = State(model, optimizer(job.settings, model), Progress())
    best, generation, complaints = world.each(partial(resume, state, folder if world.leads else None))
    share(state, world)
    keeper = Keeper(folder, job.settings, state.progress.step, generation, keeps=world.leads)
    exchange = Exchange(world, asked)
    yield Started(progress=state.progress, plan=job.plan(), complaints=complaints)
    taking = steps(state, job.objective, job.batches, job.settings, exchange)
    while not state.progress.finished:
        if exchange.stop:
            yield from keeper.save(state, best, must=True)
            world.end(StoppedError(exchange.stop, saved_in(folder.parent, state.progress.step)))
        if job.evaluate and job.to_judge(state.progress):
            yield Judging(state.progress.step)
            judged = judge(state, job.evaluate, job.chief, exchange)
            if judged is None:
                continue  # Broken off: the next process will judge.
            state.progress = after(state.progress, judged)
            best = copy(model) if judged.best else best
            yield judged
            if job.to_restart(state.progress):
                best = {}
                yield restart(state, job, initial)
        state.progress = replace(state.progress, finished=job.over(state.progress))
        if state.progress.finished or keeper.due(state.progress.step):
            yield from keeper.save(state, best, must=bool(state.progress.finished))
        if not state.progress.finished:
            yield from step(taking, keeper, state, best)
    if best:
        checkpoint.put(model, best)
    model.eval()
    yield Finished(state.progress)


def saved_in(folder: Path, step: int) -> str:
    """What is said where training stops."""
    return f"after update {step}; the state is saved in {folder}, and the same command goes on from there"


def step(taking: Iterator[Step], keeper: Keeper, state: State, best: Tensors) -> Iterator[Event]:
    """The next step. Where there can be none, the state is saved before the error goes on: training has
    diverged, and the best weights so far are worth keeping; or another process is gone, and the state is that
    after the last whole step."""
    try:
        yield next(taking)
    except (ModelError, LostError):
        yield from keeper.save(state, best, must=False)
        raise


def resume(state: State, folder: Path | None) -> tuple[Tensors, int, tuple[str, ...]]:
    """Brings `state` to where the newest whole checkpoint is, if there is one.

    Gives the best weights, the checkpoint's generation (0 for none), and what is wrong with others.
    """
    if folder is None:
        return {}, 0, ()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kept = checkpoint.latest(folder)
    complaints = tuple(str(warning.message) for warning in caught)
    if kept is None:
        return {}, 0, complaints
    checkpoint.put(state.model, kept.model)
    state.optimizer.load_state_dict(kept.optimizer)
    state.progress = kept.progress
    return kept.best, kept.generation, complaints


def share(state: State, world: World) -> None:
    """Brings every process to where the first is."""
    state.progress = Progress.from_json(world.tell(state.progress.to_json()))
    world.send([*checkpoint.weights(state.model).values(), *state.optimizer.state_dict().values()])


def judge(
    state: State, evaluate: Callable[[nn.Module], Verdict], chief: str, exchange: Exchange
) -> Judged | None:
    """Looks at dev; changes nothing. None if training was asked to stop before the end."""
    before = state.progress
    state.model.eval()
    with torch.no_grad():
        found = exchange.judged(partial(evaluate, state.model))
    if found is None:
        return None
    verdict, seconds = found
    judgement = Judgement(
        step=before.step,
        score=score(chief, float(verdict.measures[chief])),
        measures={name: float(value) for name, value in verdict.measures.items()},
        constant=verdict.constant,
        loss=before.mean_loss,
    )
    return Judged(
        attempt=before.attempt,
        judgement=judgement,
        best=before.best is None or judgement.value >= before.best.value,
        equal=before.best is not None and judgement.value == before.best.value,
        seconds=seconds,
    )


def after(progress: Progress, judged: Judged) -> Progress:
    """The progress after a judgement."""
    return replace(
        progress,
        history=(*progress.history, judged.judgement),
        losses=(0.0, 0),
        seconds=progress.seconds + judged.seconds,
    )


def restart(state: State, job: Job, initial: Tensors) -> Restarted:
    """Back to the first weights, at half the learning rate."""
    before = state.progress
    checkpoint.put(state.model, initial)
    state.optimizer.reset()
    state.progress = Progress(
        attempt=before.attempt + 1,
        samples=before.samples,
        pieces=before.pieces,
        skipped=before.skipped,
        seconds=before.seconds,
    )
    return Restarted(
        attempt=state.progress.attempt,
        learning_rate=job.settings.peak * 0.5**state.progress.attempt,
        loss=before.history[-1].loss,
        chance=job.chance or 0.0,
    )


def copy(model: nn.Module) -> Tensors:
    return {name: tensor.clone() for name, tensor in checkpoint.weights(model).items()}
