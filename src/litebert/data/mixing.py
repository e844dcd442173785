"""Whose turn it is: batches of several tasks, each batch of one, as a function of (seed, k) like any other.

An epoch gives every task all of its batches, a whole number of times: once where sampling is proportional
to size, more often for small tasks where it is to be evened out. So every sample has its turn in every epoch,
the same number of turns as all others of its task. The turns of each task lie evenly spread over the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from litebert.data.parallel import Counted
from litebert.errors import UsageError


class Turn(NamedTuple):
    """A task, by its number, and which of its batches, counted on through the epochs."""

    task: int
    number: int


@dataclass(frozen=True)
class Turns:
    """Turn k, for any k from 0.

    counts: how many batches go once through each task's samples; repeats: how often an epoch does so.
    """

    counts: tuple[int, ...]
    repeats: tuple[int, ...]
    seed: int

    @property
    def per_epoch(self) -> int:
        return sum(self.of_each)

    @property
    def of_each(self) -> tuple[int, ...]:
        """How many turns of an epoch each task has."""
        return tuple(count * times for count, times in zip(self.counts, self.repeats, strict=True))

    def __call__(self, k: int) -> Turn:
        epoch, at = divmod(k, self.per_epoch)
        tasks, numbers = spread_evenly(self.of_each, self.seed, epoch)
        task = int(tasks[at])
        return Turn(task, epoch * self.of_each[task] + int(numbers[at]))


@lru_cache(maxsize=4)
def spread_evenly(
    turns: tuple[int, ...], seed: int, epoch: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(which task's turn it is, which of its turns) through an epoch, int64 [sum of turns] both.

    A task's turns lie 1/turns of the epoch apart; where the first lies is drawn. So at any moment each has
    had its share of the turns so far, give or take as many as there are tasks.
    """
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, epoch])))
    times = [(np.arange(count) + generator.random()) / count for count in turns]
    order = np.argsort(np.concatenate(times), kind="stable")
    tasks = np.repeat(np.arange(len(turns)), turns)
    numbers = np.concatenate([np.arange(count) for count in turns])
    return tasks[order], numbers[order]


def evened_out(counts: Sequence[int], temperature: float) -> tuple[int, ...]:
    """How often an epoch goes through each task, whose batches are so many.

    The turns of a task are about proportional to its size to the power 1 / temperature (arXiv 1910.10683
    §3.5.2): at 1 every task comes once; the higher, the more often small ones are repeated, up to about as
    many turns as the largest has. Raises `UsageError` below 1, where large tasks would have to come in parts.
    """
    if not temperature >= 1:
        raise UsageError(f"temperature must be at least 1, but is {temperature}")
    return tuple(max(1, round((max(counts) / count) ** (1 - 1 / temperature))) for count in counts)


@dataclass(frozen=True)
class Mixed:
    """A batch of one task of several."""

    task: str
    batch: Any

    def __len__(self) -> int:
        return len(self.batch)

    @property
    def whole(self) -> int:
        return int(self.batch.whole)

    @property
    def pieces(self) -> int:
        return int(self.batch.pieces)


@dataclass(frozen=True, eq=False)
class MixedBatches:
    """Batch k of several tasks, each with batches of its own; of several processes each has its share of
    every one of them, by the tasks' own."""

    tasks: Mapping[str, Counted]
    repeats: Mapping[str, int]
    seed: int

    @cached_property
    def turns(self) -> Turns:
        counts = tuple(batches.per_epoch for batches in self.tasks.values())
        return Turns(counts, tuple(self.repeats[name] for name in self.tasks), self.seed)

    @property
    def per_epoch(self) -> int:
        """How many batches an epoch has, of all tasks together."""
        return self.turns.per_epoch

    def __call__(self, number: int) -> Mixed:
        turn = self.turns(number)
        name = list(self.tasks)[turn.task]
        return Mixed(name, self.tasks[name](turn.number))
