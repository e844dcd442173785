"""What a person can set about training: plain data, no torch, so that `--help` is quick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from numbers import Real
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from litebert.errors import UsageError, nearest

OptimizerName = Literal["adamw", "lamb", "muon", "sgd"]
ScheduleName = Literal["linear", "google", "constant", "cosine", "cyclic", "plateau"]
Precision = Literal["auto", "fp32", "bf16"]

HARMLESS = frozenset({"save_steps", "save_minutes"})
"""Settings that change nothing in the result, and so may differ when a run goes on."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How to train. Raises `UsageError` for a value that cannot be meant."""

    optimizer: OptimizerName = "adamw"
    learning_rate: float | None = None
    """The peak of the schedule; left out, by the preset for the task and the model's size."""
    schedule: ScheduleName = "linear"
    """What follows the warm-up: linear to 0; google, which is linear but counted from step 0 as in Google's
    code; constant; cosine to 0; cyclic, cosine with restarts; plateau, halved when dev stands still."""
    warmup: float = 0.06
    """The part of all steps in which the learning rate climbs from 0."""
    cycles: int = 3
    """How many cosines the cyclic schedule has."""
    batch_size: int | None = None
    """Samples in one batch; left out, by the preset."""
    accumulation: int = 1
    """How many batches make one update: the gradient is the mean over all their samples."""
    epochs: float | None = None
    """How often to go through the training data; left out, by the preset."""
    steps: int | None = None
    """Updates to make, in place of epochs."""
    minutes: float | None = None
    """Stop after this time of training and judging, whatever is left to do."""
    weight_decay: float = 0.01
    """Decoupled from the gradient, times the learning rate; biases and norms are spared."""
    momentum: float = 0.9
    """Of sgd."""
    epsilon: float = 1e-6
    """Of adamw, muon and lamb, added to the root of the second moment."""
    bias_correction: bool = True
    """Of adamw and muon; Google's fine-tuning has none, and lamb never has."""
    clip: float | None = 1.0
    """The largest global norm of a gradient; larger ones are scaled down to it."""
    l1: float = 0.0
    """Adds l1·|w| to the loss, biases and norms spared."""
    l2: float = 0.0
    """Adds l2·w²/2 to the loss, biases and norms spared."""
    seed: int = 1
    """Everything drawn at random follows from it: order, dropout, new weights."""
    precision: Precision = "auto"
    """auto is bf16 where the chip has it."""
    threads: int | None = None
    """How many torch uses; left out, what torch finds best."""
    evaluate_every: int | None = None
    """Steps between judgements on dev; left out, once an epoch."""
    early_stopping: bool = True
    """Stop when dev has not become better for `patience` judgements, counted once it has left 0."""
    patience: int = 3
    save_steps: int | None = None
    """Save the state every so many steps, besides every `save_minutes`."""
    save_minutes: float = 5.0
    collapse_guard: bool = True
    """Start again at half the learning rate when the loss is stuck at chance and all answers are the same."""

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(TrainSettings).items():
            object.__setattr__(self, name, _meant(name, kind, getattr(self, name)))
        for name in ("learning_rate", "epochs", "minutes", "clip", "epsilon", "save_minutes"):
            self._must(name, "more than 0", lambda value: value > 0)
        counts = ("batch_size", "accumulation", "steps", "threads", "evaluate_every", "patience")
        for name in (*counts, "save_steps", "cycles"):
            self._must(name, "at least 1", lambda value: value >= 1)
        for name in ("weight_decay", "l1", "l2", "seed"):
            self._must(name, "0 or more", lambda value: value >= 0)
        for name in ("warmup", "momentum"):
            self._must(name, "from 0 to below 1", lambda value: 0 <= value < 1)

    def _must(self, name: str, expected: str, holds: Callable[[float], bool]) -> None:
        value = getattr(self, name)
        if value is not None and not holds(value):
            raise UsageError(f"{name} must be {expected}, but is {value}")
        if value is not None and value > _MOST.get(name, 1e18):
            raise UsageError(f"{name} may be {_MOST.get(name, 1e18):g} at most, but is {value}")

    def filled(self, *, learning_rate: float, batch_size: int, epochs: float) -> TrainSettings:
        """These settings with what was left out."""
        return replace(
            self,
            learning_rate=self.learning_rate or learning_rate,
            batch_size=self.batch_size or batch_size,
            epochs=self.epochs or epochs,
        )

    @property
    def peak(self) -> float:
        """The learning rate that the schedule's shape is multiplied by."""
        if self.learning_rate is None:
            raise UsageError("learning_rate must be given, or filled in by a preset")
        return self.learning_rate

    def updates(self, batches_per_epoch: int) -> int:
        """How many updates the whole run makes."""
        if self.steps is not None:
            return self.steps
        if self.epochs is None:
            raise UsageError("epochs or steps must be given, or filled in by a preset")
        return max(1, round(self.epochs * batches_per_epoch / self.accumulation))

    def judging_interval(self, batches_per_epoch: int) -> int:
        """How many updates lie between two judgements on dev."""
        return self.evaluate_every or max(1, round(batches_per_epoch / self.accumulation))

    def fingerprint(self) -> dict[str, str]:
        """All that changes the result, as strings under the settings' names."""
        return {name: str(value) for name, value in asdict(self).items() if name not in HARMLESS}


def _meant(name: str, kind: Any, value: Any) -> Any:
    """The value as its field has it: 3 epochs are 3.0. Raises `UsageError` for a value of another kind."""
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise UsageError(nearest(str(value), get_args(kind), name))
        return value
    kinds = get_args(kind) or (kind,)
    if (value is None and NoneType in kinds) or (isinstance(value, bool) and bool in kinds):
        return value
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if is_number and float in kinds:
        return float(value)
    if is_number and int in kinds and value == value // 1:
        return int(value)
    raise UsageError(f"{name} must be {_EXPECTED[kinds[0]]}, but is {value!r}")


_MOST = {"threads": 1024}
"""Of others, 1e18: it fits in every number that torch makes of it."""
_EXPECTED = {float: "a number", int: "a whole number", bool: "True or False"}
