"""What happens in a run, in order: what `fit` yields and reports consume."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from litebert.training.loop import Step
from litebert.training.progress import Judgement, Progress


@dataclass(frozen=True)
class Plan:
    """What there is to do."""

    total: int
    """Updates to make."""
    interval: int
    """Updates from one judgement to the next; 0 if dev is never looked at."""
    dev_samples: int
    minutes: float | None
    """After which training ends, whatever is left."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """First of all."""

    progress: Progress
    """Where this process begins; a step other than 0 means that a run goes on."""
    plan: Plan
    complaints: tuple[str, ...] = ()
    """What was wrong with the checkpoints found."""


@dataclass(frozen=True)
class Judging:
    """Before a look at dev."""

    step: int


@dataclass(frozen=True, kw_only=True)
class Judged:
    """After a look at dev."""

    attempt: int
    judgement: Judgement
    best: bool
    """Whether these weights are the best so far; of equals the later are."""
    equal: bool
    """Whether they only equal the best before."""
    seconds: float


@dataclass(frozen=True)
class Saving:
    """Before the state is saved: what consumers have written must be on the disk when they have seen this."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """After it."""

    step: int
    generation: int
    seconds: float


@dataclass(frozen=True)
class NotSaved:
    """The disk did not take the state. Training goes on, and saving is tried again."""

    message: str


@dataclass(frozen=True, kw_only=True)
class Restarted:
    """Training had collapsed and begins again from the first weights."""

    attempt: int
    learning_rate: float
    loss: float
    chance: float


@dataclass(frozen=True)
class Finished:
    """Last of all; the model has the best weights now."""

    progress: Progress


Event = Started | Step | Judging | Judged | Saving | Saved | NotSaved | Restarted | Finished
Watcher = Callable[[Iterator[Event]], Iterator[Event]]
"""A consumer: a generator that passes on each event once it has dealt with it."""
