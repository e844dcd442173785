"""What a model is before and after: size, parameters, speed, memory, and the measure of its task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from litebert.engine.measuring import Setting, measured
from litebert.errors import LitebertError
from litebert.model.checkpoints.compact import COMPACT, PACKED
from litebert.model.checkpoints.weights import SAFETENSORS

TEXTS = 512
"""Answered to measure the speed."""
ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one model."""

    parameters: int
    bytes: int
    """Of its file of weights."""
    sequences_per_second: float
    """Tokenizing included; both models in turns, so that a busy machine is unfair to neither."""
    milliseconds: float
    """For one text alone, the median."""
    peak_memory_mb: float
    """Of the whole process, torch included."""
    measure: float | None
    """Of the task, by its chief measure; None without labelled data."""


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """What was done, and what came of it. `compression.json` has the same."""

    model: str
    did: Sequence[str]
    """A sentence for each way that was gone."""
    measure: str
    """What `Figures.measure` is: accuracy, …; and on what."""
    before: Figures
    after: Figures
    changed: float
    """The share of answers that are other ones, on the texts of `TEXTS`."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def speeds(
    names: Sequence[str],
    inputs: Sequence[Any],
    *,
    task: str | None,
    options: Sequence[str],
) -> list[dict[str, Any]]:
    """Of models by their names, in turns, each in a process of its own. Raises what opening one raises."""
    settings = [Setting(name, "auto", task, tuple(options)) for name in names]
    found = measured(settings, list(inputs)[:TEXTS], rounds=ROUNDS, alone=16)
    for one in found:
        if isinstance(one, LitebertError):
            raise one
    return found


def weights_size(folder: Path) -> int:
    """Bytes of the file that the weights are read from; 0 where it is of another kind."""
    for name in (SAFETENSORS, COMPACT, PACKED):
        if (path := folder / name).is_file():
            return path.stat().st_size
    return 0
