"""How long a run will still take, from what it has taken."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from litebert.training.events import Event, Judged, Plan, Restarted, Saved, Started
from litebert.training.loop import Step

_FORWARD = 1 / 3
"""What judging a sample costs of training on it: the backward pass is twice the forward one."""


@dataclass
class Forecast:
    """Shown every event; says the seconds left.

    It is what is left if dev keeps getting better: early stopping can only make it shorter. Steps vary
    with the lengths of their texts, so it takes the mean over the last 500, the very first left out.
    """

    plan: Plan = field(default_factory=lambda: Plan(0, 0, 0, None))
    step: int = 0
    judged: int = 0
    """The step of the last judgement."""
    spent: float = 0.0
    """Seconds so far, over all processes."""
    times: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=500))
    """Seconds and samples of the last steps."""
    judging: deque[float] = field(default_factory=lambda: deque(maxlen=5))
    training: float = 0.0
    saving: float = 0.0
    """Seconds of this process."""
    _warm: bool = False

    def see(self, event: Event) -> None:
        match event:
            case Started():
                self.plan, self.step = event.plan, event.progress.step
                self.spent = event.progress.seconds
                self.judged = event.progress.history[-1].step if event.progress.history else 0
            case Step():
                self.step = event.step
                self.spent += event.seconds
                self.training += event.seconds
                if self._warm:
                    self.times.append((event.seconds, event.samples))
                self._warm = True
            case Judged():
                self.judging.append(event.seconds)
                self.judged = event.judgement.step
                self.spent += event.seconds
            case Saved():
                self.saving += event.seconds
            case Restarted():
                self.step = self.judged = 0
            case _:
                pass

    def left(self) -> float | None:
        """Seconds, or None while nothing is known."""
        if not self.times:
            return None
        seconds = sum(taken for taken, _ in self.times) / len(self.times)
        training = (self.plan.total - self.step) * seconds * (1 + self.saving / self.training)
        whole = training + self.judgements_left() * self.judgement()
        if self.plan.minutes is None:
            return whole
        return min(whole, max(0.0, 60 * self.plan.minutes - self.spent))

    def judgements_left(self) -> int:
        if not self.plan.interval:
            return 0
        # One at each multiple of the interval, and one at the end.
        return -(-self.plan.total // self.plan.interval) - -(-self.judged // self.plan.interval)

    def judgement(self) -> float:
        """Seconds of one, guessed from training while there has been none."""
        if self.judging:
            return sum(self.judging) / len(self.judging)
        seconds = sum(taken for taken, _ in self.times)
        samples = sum(samples for _, samples in self.times)
        return self.plan.dev_samples * _FORWARD * seconds / max(1, samples)

    @property
    def speed(self) -> float:
        """Samples a second, in training."""
        seconds = sum(taken for taken, _ in self.times)
        return sum(samples for _, samples in self.times) / seconds if seconds else 0.0


def clock(seconds: float | None) -> str:
    """`4 s`, `2:05 min`, `3:10 h`."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"
