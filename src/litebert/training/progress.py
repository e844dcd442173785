"""How far a run has come: all that must be remembered beside tensors. Plain data, no torch.

What can be worked out from it is worked out, not stored: the best judgement, how long ago it was,
whether training has collapsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import dropwhile, takewhile
from math import isnan
from typing import Any, NamedTuple

from litebert.errors import ModelError

STUCK_STEPS = 100
"""A young model may answer all alike for a while; only after so many steps is it called collapsed."""


LOWER_IS_BETTER = frozenset({"perplexity"})
"""The measures of which less is more."""
_OF_HUNDRED = frozenset({"bleu"})
MEAN = "mean"
"""Of several tasks, by which the best weights are chosen: that of their chief measures, each `of_one`."""


def score(name: str, value: float) -> float:
    """A measure so that higher is better: the negative, where less is more."""
    return -value if name in LOWER_IS_BETTER else value


def of_one(name: str, value: float) -> float:
    """A measure as a part of 1, higher is better: so that of several tasks none outweighs the others."""
    if name in LOWER_IS_BETTER:
        return 1 / max(value, 1.0)
    return value / 100 if name in _OF_HUNDRED else value


class Verdict(NamedTuple):
    """What evaluation says of the model as it is."""

    measures: Mapping[str, float]
    """Fractions under the house's keys."""
    constant: bool = False
    """Whether all answers were the same."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """One look at dev."""

    step: int
    """How many updates had been made."""
    score: float
    """The chief measure; higher is better."""
    measures: dict[str, float]
    constant: bool
    loss: float
    """The mean training loss since the judgement before; NaN if there was no step."""

    @property
    def value(self) -> float:
        """The score, a NaN counted as the lowest."""
        return float("-inf") if isnan(self.score) else self.score


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A point in a run. Each attempt after a collapse counts its steps anew."""

    step: int = 0
    """Updates made, those skipped included."""
    attempt: int = 0
    """How often training has been started again at half the learning rate."""
    samples: int = 0
    pieces: int = 0
    skipped: int = 0
    """Updates not made because the loss or the gradient was not a number."""
    skipped_in_a_row: int = 0
    losses: tuple[float, int] = (0.0, 0)
    """Sum and number of the losses since the last judgement."""
    history: tuple[Judgement, ...] = ()
    """The judgements of this attempt."""
    seconds: float = 0.0
    """Spent on training and judging, over all processes. Only the end of a time budget follows from it."""
    finished: str = ""
    """Why the run is over; empty while it goes on."""

    @property
    def best(self) -> Judgement | None:
        """The last of the highest scores: a small dev finds many equal, and the later has learnt more."""
        return max(reversed(self.history), key=lambda judgement: judgement.value, default=None)

    @property
    def stale(self) -> int:
        """How many judgements there have been since one was better than all before, of those in `scores`."""
        scores = self.scores
        return len(scores) - 1 - scores.index(max(scores)) if scores else 0

    @property
    def scores(self) -> list[float]:
        """Those on dev, from the first that is not 0: a measure of what is found has not stopped getting
        better where nothing has been found yet."""
        return list(dropwhile(lambda score: score == 0, (judgement.value for judgement in self.history)))

    @property
    def mean_loss(self) -> float:
        """Of the steps since the last judgement."""
        total, count = self.losses
        return total / count if count else float("nan")

    def judged_now(self) -> bool:
        """Whether dev has been looked at since the last update."""
        return bool(self.history) and self.history[-1].step == self.step

    def collapsed(self, chance: float, since: int) -> bool:
        """Whether the loss has been stuck at `chance` (ln(classes), or the entropy of the labels) and all
        answers on dev the same, in at least two judgements and `STUCK_STEPS` steps after step `since`
        (the end of the warm-up). Large models trained too fast do this."""
        stuck = list(takewhile(lambda j: j.constant and not j.loss < 0.98 * chance, reversed(self.history)))
        stuck = [judgement for judgement in stuck if judgement.step > since]
        before = [j.step for j in self.history[: len(self.history) - len(stuck)]]
        return len(stuck) >= 2 and stuck[0].step - max([since, *before]) >= STUCK_STEPS

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Progress:
        """Raises `ModelError` for what another version wrote."""
        try:
            total, count = value["losses"]
            history = tuple(Judgement(**judgement) for judgement in value["history"])
            return cls(**{**value, "losses": (total, count), "history": history})
        except (TypeError, KeyError, ValueError) as error:
            raise ModelError(f"the checkpoint was written by another version of litebert ({error})") from None
