"""What the processes of a run tell each other in a step: one message.

It is the sum over all of them of every gradient, of which parameters have one, of the loss and its parts, and
of what they have to agree on: by whom they were asked to stop, and how long it took. So all take the same
step, and stop after the same one. Whatever follows from the message is the same in each of them to the bit.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from time import perf_counter

import torch
from torch import Tensor, nn

from litebert.training.distributed import ALONE, World
from litebert.training.interrupts import Asked
from litebert.training.progress import Verdict

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
"""Where several came, the first of these counts."""


class Exchange:
    """Between the processes of `world`; a process that is alone keeps what it has as it is."""

    def __init__(self, world: World = ALONE, asked: Asked | None = None) -> None:
        """asked: what this process is asked by signals."""
        self.world, self._asked = world, asked or Asked()
        self._agreed = 0
        self._since, self._untold, self._heard = perf_counter(), 0.0, 0.0

    @property
    def stop(self) -> int:
        """The signal by which all are to stop now; 0 for none."""
        return self._asked.by if self.world.size == 1 else self._agreed

    def __call__(
        self, parameters: Collection[nn.Parameter], numbers: Mapping[str, Tensor], pieces: int
    ) -> tuple[Mapping[str, Tensor], int]:
        """Sums the gradients, in place, and the numbers, which it gives."""
        if self.world.size == 1:
            return numbers, pieces
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        has = torch.tensor([p.grad is not None for p in parameters], dtype=torch.float32)
        own = torch.tensor([float(pieces), *self._notes()])
        told = torch.stack([value.float() for value in numbers.values()])
        rest = torch.cat([has.to(told.device), told, own.to(told.device)])
        message = torch.cat([*(grad.reshape(-1) for grad in grads), rest])
        self.world.sum(message)
        *sums, rest = torch.split(message, [*(grad.numel() for grad in grads), len(rest)])
        has, told, own = torch.split(rest, [len(has), len(told), len(own)])
        for parameter, grad, given in zip(parameters, sums, has.tolist(), strict=True):
            parameter.grad = grad.view_as(parameter) if given else None
        pieces, *notes = own.tolist()
        self._hear(notes)
        return dict(zip(numbers, told, strict=True)), round(pieces)

    def starts(self) -> None:
        """Notes when a step, or a look at dev, begins."""
        self._since = perf_counter()

    def took(self) -> float:
        """Seconds that it has taken. Of several processes, those of process 0 up to their message (the rest
        counts with the next), so that a budget of time ends in all of them at once."""
        seconds = perf_counter() - self._since
        if self.world.size == 1:
            return seconds
        self._untold += seconds
        return self._heard

    def judged(self, work: Callable[[], Verdict]) -> tuple[Verdict, float] | None:
        """The sum of the verdicts, each on a share of dev, and the seconds that it took; None if a process
        was asked to stop meanwhile."""
        self.starts()
        mine = self._asked.unless(work)
        if self.world.size == 1:
            return None if mine is None else (mine, self.took())
        notes = torch.tensor(self._notes())
        self.world.sum(notes)
        self._hear(notes.tolist())
        if mine is None or self.stop:
            return None
        values = torch.tensor([*mine.measures.values(), float(mine.constant)], dtype=torch.float64)
        self.world.sum(values)
        *measures, constant = values.tolist()
        whole = Verdict(dict(zip(mine.measures, measures, strict=True)), round(constant) == self.world.size)
        return whole, self.took()

    def _notes(self) -> list[float]:
        now = perf_counter()
        seconds = self._untold + now - self._since if self.world.leads else 0.0
        self._since, self._untold = now, 0.0
        return [seconds, *(float(self._asked.by == number) for number in _SIGNALS)]

    def _hear(self, notes: Sequence[float]) -> None:
        self._heard, *asked = notes
        self._agreed = next((int(s) for s, count in zip(_SIGNALS, asked, strict=True) if count), 0)
