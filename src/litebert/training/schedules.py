"""The learning rate as a part of its peak: a pure function of the step and of the scores on dev."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi

from litebert.training.settings import TrainSettings


def multiplier(settings: TrainSettings, step: int, total: int, scores: Sequence[float] = ()) -> float:
    """What the learning rate is multiplied by in update number `step`, from 0, of `total`.

    It climbs from 0, so that with a warm-up the first update is of nothing, as in Google's code and in
    Hugging Face's. `scores` are `Progress.scores`; `plateau` alone reads them.
    """
    warmup = warmup_steps(settings, total)
    if step < warmup:
        return step / warmup
    done = min(1.0, (step - warmup) / max(1, total - warmup))
    match settings.schedule:
        case "constant":
            return 1.0
        case "linear":
            return 1.0 - done
        case "google":
            return google(step, total)
        case "cosine":
            return cosine(done)
        case "cyclic":
            return cyclic(done, settings.cycles)
        case "plateau":
            return plateau(scores)


def warmup_steps(settings: TrainSettings, total: int) -> int:
    """How many updates the warm-up lasts."""
    return round(settings.warmup * total)


def google(step: int, total: int) -> float:
    """Linear to 0 and counted from step 0, so that it drops at the end of the warm-up (`optimization.py`)."""
    return max(0.0, 1 - step / total)


def cosine(done: float) -> float:
    """Half a wave from 1 to 0 (arXiv 1608.03983, eq. 5)."""
    return 0.5 * (1 + cos(pi * done))


def cyclic(done: float, cycles: int) -> float:
    """That wave `cycles` times over, each beginning again at 1 (arXiv 1608.03983 §3)."""
    return cosine(done * cycles % 1) if done < 1 else 0.0


def plateau(scores: Sequence[float], *, patience: int = 2, factor: float = 0.5) -> float:
    """Times `factor` whenever `patience` judgements in a row have not been better than all before."""
    rate, best, waited = 1.0, float("-inf"), 0
    for score in scores:
        best, waited = (score, 0) if score > best else (best, waited + 1)
        if waited == patience:
            rate, waited = rate * factor, 0
    return rate
