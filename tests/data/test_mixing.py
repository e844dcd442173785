"""Every sample of every task has its turn in every epoch, in any number of processes, and none is idle."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.data.batches import Batches
from litebert.data.encoded import Encoded
from litebert.data.mixing import MixedBatches, Turns, evened_out
from litebert.errors import UsageError

counts = st.lists(st.integers(1, 40), min_size=1, max_size=6)
temperatures = st.one_of(st.floats(1, 10), st.just(1.0), st.just(float("inf")))


class Shares:
    """A process's samples by batch, in place of the batches themselves."""

    def __init__(self, samples: int, **options: Any) -> None:
        nothing = np.zeros(0)
        encoded = Encoded(nothing, nothing, nothing, np.arange(samples + 1), {}, frozenset(), {}, 0)
        self.batches = Batches(encoded, even=True, **options)
        self.per_epoch = self.batches.per_epoch

    def __call__(self, number: int) -> list[int]:
        return self.batches.share(number).tolist()


def processes(sizes: list[int], world: int, size: int, seed: int, temperature: float) -> list[MixedBatches]:
    """What each process of a mixture of tasks with so many samples draws."""
    made = []
    for rank in range(world):
        tasks = {str(i): Shares(n, size=size, seed=seed, rank=rank, world=world) for i, n in enumerate(sizes)}
        repeats = evened_out([task.per_epoch for task in tasks.values()], temperature)
        made.append(MixedBatches(tasks, dict(zip(tasks, repeats, strict=True)), seed))
    return made


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=5),
    st.integers(1, 5),
    st.integers(1, 12),
    st.integers(0, 2**31),
    temperatures,
    st.integers(0, 3),
)
def test_every_sample_has_its_turns_in_every_epoch_over_all_processes(
    sizes: list[int], world: int, size: int, seed: int, temperature: float, epoch: int
) -> None:
    drawn: dict[str, Counter[int]] = {str(i): Counter() for i in range(len(sizes))}
    loads = np.zeros((len(sizes), world))
    mixed = processes(sizes, world, size, seed, temperature)
    each = mixed[0].per_epoch
    for number in range(epoch * each, (epoch + 1) * each):
        shares = [one(number) for one in mixed]
        assert len({share.task for share in shares}) == 1, "all have the same task's batch"
        lengths = [len(share.batch) for share in shares]
        assert max(lengths) - min(lengths) <= 1
        if size >= 2 * world and sizes[int(shares[0].task)] >= world:
            assert min(lengths) >= 1, "nobody is without work"
        for rank, share in enumerate(shares):
            drawn[share.task].update(share.batch)
            loads[int(share.task), rank] += len(share.batch)
    for name, times in mixed[0].repeats.items():
        assert drawn[name] == Counter(dict.fromkeys(range(sizes[int(name)]), times))
    repeats = np.array(list(mixed[0].repeats.values()))
    assert (loads.max(1) - loads.min(1) <= repeats).all(), "over an epoch all have the same to do"
    if temperature == 1:
        assert set(repeats) == {1}


@given(counts, st.integers(0, 2**31), st.integers(0, 5))
def test_at_any_moment_each_task_has_had_its_share(counts: list[int], seed: int, epoch: int) -> None:
    turns = Turns(tuple(counts), (1,) * len(counts), seed)
    first = epoch * turns.per_epoch
    tasks = np.array([turns(first + at).task for at in range(turns.per_epoch)])
    for task, count in enumerate(counts):
        had = np.cumsum(tasks == task)
        wanted = np.arange(1, len(tasks) + 1) * count / len(tasks)
        assert np.abs(had - wanted).max() <= 1 + len(counts) * count / len(tasks)


@given(counts, st.integers(0, 2**31), st.integers(0, 10_000))
def test_a_turn_depends_on_seed_and_number_alone(counts: list[int], seed: int, k: int) -> None:
    one, other = (Turns(tuple(counts), (1,) * len(counts), seed) for _ in range(2))
    for before in (3 * k + 1, 0, 7):
        other(before)
    assert one(k) == other(k)


@given(counts, st.integers(0, 2**31))
def test_a_task_goes_through_its_batches_in_order(counts: list[int], seed: int) -> None:
    """So that its own epochs follow on one another, whatever else is learnt."""
    turns = Turns(tuple(counts), evened_out(counts, 2.0), seed)
    drawn = [turns(k) for k in range(2 * turns.per_epoch)]
    for task in range(len(counts)):
        numbers = [turn.number for turn in drawn if turn.task == task]
        assert numbers == list(range(len(numbers)))


def test_epochs_and_seeds_differ() -> None:
    orders = [
        tuple(turns(k).task for k in range(epoch * 60, (epoch + 1) * 60))
        for seed in (0, 1)
        for turns in [Turns((10, 20, 30), (1, 1, 1), seed)]
        for epoch in (0, 1)
    ]
    assert len(set(orders)) == 4


@given(counts, temperatures)
def test_the_higher_the_temperature_the_more_even(counts: list[int], temperature: float) -> None:
    turns = np.array(counts) * evened_out(counts, temperature)
    assert (turns >= counts).all() and turns.max() <= 1.5 * max(counts)
    assert turns[int(np.argmax(counts))] == max(counts), "the largest comes once"
    hottest = np.array(counts) * evened_out(counts, float("inf"))
    assert (hottest >= max(counts) / 1.5).all()


def test_it_cannot_be_below_one() -> None:
    for cold in (0.5, 0.0, -1.0, float("nan")):
        with pytest.raises(UsageError, match="temperature must be at least 1"):
            evened_out([1, 2], cold)
