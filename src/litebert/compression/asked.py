"""What is asked of compression: how far, within what bound, by whose data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from litebert.compression import recipe
from litebert.engine.exported import is_exported
from litebert.errors import UsageError
from litebert.model.checkpoints.loading import Weights
from litebert.training.settings import TrainSettings


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be done, and by what it is decided and judged."""

    ways: Mapping[str, Any] = field(default_factory=dict)
    """How far, by the way's name."""
    within: float | None = None
    """As small as possible, with so much of the measure lost at the most."""
    data: str | None = None
    train: str | None = None
    sample: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    settings: TrainSettings = field(default_factory=TrainSettings)
    """Of the training that follows, where there is `train`."""
    weights: Weights = "fp32"


def check(name: str, out: Path, asked: Asked) -> None:
    """Raises `UsageError` for what cannot be done, or does not go together."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(occupied(out))
    if is_exported(name):
        raise UsageError(f"{name} is exported already; compress the model that it was made of")
    if asked.within is None and not asked.ways and asked.weights == "fp32":
        raise UsageError(
            "nothing is asked for: say how far, with --heads, --units, --embedding, --rank, --sparsity, "
            "--vocabulary or --weights, or give --data and --within 0.01 for as small as possible"
        )
    if asked.within is None:
        return
    if not 0 <= asked.within < 1:
        raise UsageError(f"within is a part of the measure, from 0 to below 1, but is {asked.within}")
    if asked.data is None and asked.train is None:
        raise UsageError("--within is judged by labelled data: name them with --data")
    if doubled := [way for way in recipe.WAYS if way in asked.ways]:
        raise UsageError(f"--within chooses {', '.join(doubled)} itself; leave --{doubled[0]} out")


def occupied(out: Path) -> str:
    """What is said of a folder that something stands in already: no model is overwritten."""
    return f"{out} is not empty; give another --out, or remove it first"
