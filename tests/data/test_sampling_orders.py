"""Every example comes in every epoch; balanced, every class as often as the commonest."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.data.batches import Batches
from litebert.data.encoded import encode_all
from litebert.data.example import Example, Place
from litebert.data.orders import Balanced, Shuffled
from litebert.tasks.classification import Classification
from litebert.tasks.labels import Label
from litebert.tasks.texts import Text
from words import Words

classes = st.lists(st.sampled_from("abcd"), min_size=1, max_size=40)
seeds = st.integers(0, 2**31)


@settings(max_examples=100, deadline=None)
@given(classes, seeds, st.integers(0, 5))
def test_balanced_gives_every_class_as_often_and_leaves_none_out(
    classes: list[str], seed: int, epoch: int
) -> None:
    order = Balanced(classes)
    drawn = order(seed, epoch).tolist()
    times = Counter(classes[number] for number in drawn)
    assert set(times.values()) == {max(Counter(classes).values())}
    assert set(drawn) == set(range(len(classes)))
    assert len(drawn) == len(order)
    by_class = {name: [drawn.count(i) for i, one in enumerate(classes) if one == name] for name in classes}
    assert all(max(counts) - min(counts) <= 1 for counts in by_class.values())
    assert drawn == Balanced(classes)(seed, epoch).tolist()


def test_balanced_draws_the_rest_anew() -> None:
    order = Balanced([*"aaaaaaa", *"bbb"])
    repeated = {tuple(np.bincount(order(1, epoch), minlength=10)[7:]) for epoch in range(20)}
    assert len(repeated) == 3  # seven places for three: each of them is at times the one that comes thrice


@settings(max_examples=60, deadline=None)
@given(classes, seeds, st.integers(1, 7), st.integers(1, 3))
def test_batches_follow_the_order_in_any_number_of_processes(
    classes: list[str], seed: int, size: int, world: int
) -> None:
    rows = [Example(Text(f"w{i}"), Label(c), Place("x", i + 1)) for i, c in enumerate(classes)]
    encoded = encode_all(Classification(labels=tuple("abcd")), Words(), rows)
    order = Balanced(classes)
    batches = [Batches(encoded, size, seed, rank, world, order) for rank in range(world)]
    drawn: list[int] = []
    for k in range(batches[0].per_epoch):
        # Of the last batch there may be less than one for each.
        drawn += [example for one in batches if len(one.share(k)) for example in one(k).examples]
    assert sorted(drawn) == sorted(order(seed, 0).tolist())


def test_the_usual_order_is_that_of_before() -> None:
    assert (
        Shuffled(5)(1, 2).tolist()
        == np.random.Generator(np.random.Philox(key=[1, 2])).permutation(5).tolist()
    )
