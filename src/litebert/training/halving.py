"""Which settings to try, and for how long: successive halving (arXiv 1502.07943) within a time.

Many candidates are trained for a ninth of their epochs, the best third of them for a third, the best third of
those to the end; each from the beginning, with a schedule of its own length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from litebert.errors import UsageError

THIRD = 3
"""How many are left of so many after a rung."""
_MOST = 81
_RATES, _EPOCHS, _SIZES, _DROPOUTS = (0.2, 5.0), (0.5, 1.0, 2.0), (0.5, 1.0, 2.0), (0.0, 0.1, 0.2)
"""Learning rate, epochs and batch size are factors of the preset's; the rate's logarithm is drawn evenly."""


@dataclass(frozen=True)
class Candidate:
    """Settings to try. `dropout` None is the preset's."""

    learning_rate: float
    batch_size: int
    epochs: float
    dropout: float | None = None


@dataclass(frozen=True)
class Rung:
    """So many candidates, trained for that part of their epochs."""

    count: int
    share: float


def candidates(usual: Candidate, count: int, seed: int, fixed: Sequence[str] = ()) -> list[Candidate]:
    """The preset, and others about it; the first of more are those of fewer. fixed: what stays."""
    drawn = [usual]
    for number in range(1, count):
        draw = np.random.Generator(np.random.Philox(key=[seed, number]))
        low, high = np.log(_RATES)
        found = {
            "learning_rate": float(f"{usual.learning_rate * np.exp(draw.uniform(low, high)):.2g}"),
            "batch_size": max(1, round(usual.batch_size * float(draw.choice(_SIZES)))),
            "epochs": usual.epochs * float(draw.choice(_EPOCHS)),
            "dropout": float(draw.choice(_DROPOUTS)),
        }
        kept: dict[str, Any] = {name: getattr(usual, name) for name in fixed}
        drawn.append(Candidate(**{**found, **kept}))
    return drawn


def plan(full: float, budget: float, spent: float = 0.0) -> list[Rung]:
    """The rungs that fit into a time. full: seconds of one whole run; budget: what is left; spent: what the
    first trial took. Raises `UsageError` where not even the preset's own run fits."""
    if full > budget:
        raise UsageError(
            f"one run with the preset takes about {full / 60:.1f} minutes here, which does not fit into the "
            f"{max(0.0, budget + spent) / 60:.1f} given, {spent / 60:.1f} of which a first trial took; "
            "give more --minutes, or fewer --epochs"
        )
    counts = range(_MOST, THIRD**2 - 1, -1)
    fitting = [rungs for rungs in map(_rungs, counts) if cost(rungs) * full <= budget]
    if fitting:
        return fitting[0]
    short = [Rung(THIRD, 1 / THIRD), Rung(1, 1.0)]
    return short if cost(short) * full <= budget else [Rung(1, 1.0)]


def cost(rungs: Sequence[Rung]) -> float:
    """In whole runs."""
    return sum(rung.count * rung.share for rung in rungs)


def _rungs(count: int) -> list[Rung]:
    return [
        Rung(count, 1 / THIRD**2),
        Rung(count // THIRD, 1 / THIRD),
        Rung(max(1, count // THIRD**2), 1.0),
    ]
