"""Batch k is a function of (seed, k); every epoch gives every example once, in any number of processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.data.batches import Batches
from litebert.data.encoded import Batch, Encoded, encode_all, spread
from litebert.data.example import Example, Place
from litebert.errors import DataError
from litebert.model.packing import pack
from litebert.tasks.classification import Classification
from litebert.tasks.labels import Label
from litebert.tasks.multilabel import Labels, Multilabel
from litebert.tasks.regression import Regression, Score
from litebert.tasks.task import Task
from litebert.tasks.texts import Text
from words import Words

TASK = Classification(labels=("a", "b"), max_pieces=8, on_long="window")


def of(lengths: Sequence[int]) -> list[Example[Text, Label]]:
    """Texts of so many words, whose first word is their number."""
    return [
        Example(Text(" ".join([str(i), *"x" * (n - 1)])), Label("ab"[i % 2]), Place("x", i + 1))
        for i, n in enumerate(lengths)
    ]


def encoded(lengths: Sequence[int], task: Task[Any, Any] = TASK) -> Encoded:
    return encode_all(task, Words(), of(lengths))


def same(a: Batch, b: Batch) -> bool:
    return a.examples == b.examples and all(
        torch.equal(x, y)
        for x, y in [
            *(
                (getattr(a.packed, name), getattr(b.packed, name))
                for name in ("ids", "segments", "starts", "keys")
            ),
            *((a.targets[name], b.targets[name]) for name in a.targets),
        ]
    )


lengths = st.lists(st.integers(1, 20), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None)
@given(lengths, st.integers(1, 10), st.integers(0, 2**31), st.integers(1, 4), st.integers(0, 3))
def test_every_epoch_gives_every_example_once(
    lengths: list[int], size: int, seed: int, world: int, epoch: int
) -> None:
    data = encoded(lengths)
    whole = Batches(data, size, seed)
    drawn: list[int] = []
    for k in range(epoch * whole.per_epoch, (epoch + 1) * whole.per_epoch):
        processes = [Batches(data, size, seed, rank, world) for rank in range(world)]
        # Of the last batch there may be less than one for each.
        parts = [process(k) for process in processes if len(process.share(k)) or world > len(whole.drawn(k))]
        shares = [example for part in parts for example in part.examples]
        assert sorted(shares) == sorted(whole(k).examples)
        assert max(len(part) for part in parts) - min(len(part) for part in parts) <= 1
        drawn += shares
    assert sorted(drawn) == list(range(len(lengths)))


@settings(max_examples=30, deadline=None)
@given(lengths, st.integers(1, 10), st.integers(0, 99), st.integers(0, 50))
def test_a_batch_depends_on_seed_and_number_alone(lengths: list[int], size: int, seed: int, k: int) -> None:
    one, other = (Batches(encoded(lengths), size, seed) for _ in range(2))
    for before in (3, 0, 7):
        other(before)
    assert same(one(k), other(k))


def test_epochs_and_seeds_differ() -> None:
    data = encoded([3] * 50)
    orders = [Batches(data, 50, seed)(k).examples for seed in (0, 1) for k in (0, 1)]
    assert len(set(orders)) == 4


@settings(max_examples=60, deadline=None)
@given(lengths, st.data())
def test_a_batch_is_what_packing_the_sequences_gives(lengths: list[int], data: st.DataObject) -> None:
    tokenizer, examples = Words(), of(lengths)
    made = encode_all(TASK, tokenizer, examples)
    members = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, unique=True))
    batch = made.batch(np.array(members))
    numbered = [
        (int(made.firsts[i]) + j, encoding, examples[i].wanted)
        for i in members
        for j, encoding in enumerate(TASK.encode(examples[i].given, tokenizer))
    ]
    numbered.sort(key=lambda row: len(row[1]))
    expected = pack([encoding for _, encoding, _ in numbered], [number for number, _, _ in numbered])
    for name in ("ids", "segments", "positions", "starts", "keys"):
        assert torch.equal(getattr(batch.packed, name), getattr(expected, name)), name
    assert batch.packed.lengths == expected.lengths
    assert batch.targets["label"].tolist() == [TASK.labels.index(wanted.label) for _, _, wanted in numbered]
    assert batch.examples == tuple(members) and len(batch) == len(members)
    assert batch.pieces == expected.count


def test_all_windows_of_a_text_are_in_its_batch() -> None:
    data = encoded([20, 2, 20, 2])
    for k in range(4):
        batch = Batches(data, 1, 0)(k)
        (example,) = batch.examples
        assert len(batch.packed) == (4 if example in (0, 2) else 1)


def test_targets_have_the_kinds_that_losses_take() -> None:
    several = Multilabel(labels=("a", "b", "c"))
    rows = [Example(Text("x y"), Labels((Label("b"),)), Place("x", 1))] * 2
    flags = encode_all(several, Words(), rows).batch(np.array([0, 1])).targets["labels"]
    assert flags.dtype == torch.float32 and flags.tolist() == [[0, 1, 0]] * 2
    scored = [Example(Text("x y"), Score(2.5), Place("x", 1))]
    score = encode_all(Regression(), Words(), scored).batch(np.array([0])).targets["score"]
    assert score.dtype == torch.float32 and score.tolist() == [2.5]
    label = encoded([2, 2]).batch(np.array([1])).targets["label"]
    assert label.dtype == torch.int64 and label.tolist() == [1]


def test_targets_of_pieces_follow_their_pieces() -> None:
    class Tagging(Classification):  # type: ignore[misc]
        piecewise = frozenset({"tags"})

        def target(self, encoding: Any, wanted: Label) -> dict[str, Any]:  # noqa: ARG002
            return {"tags": encoding.ids % 7, "label": 0}

    batch = encode_all(Tagging(labels=("a", "b")), Words(), of([5, 2, 9, 3])).batch(np.array([3, 0, 2]))
    assert torch.equal(batch.targets["tags"], batch.packed.ids[: batch.packed.count] % 7)


def test_what_was_cut_off_is_counted() -> None:
    assert encoded([3, 20, 30], Classification(labels=("a", "b"), max_pieces=8)).truncated == 2
    assert encoded([3, 20, 30]).truncated == 0


def test_an_example_that_cannot_be_encoded_is_told_with_its_place() -> None:
    with pytest.raises(DataError, match=r"^x:2: .*pieces"):
        encoded([3, 20], Classification(labels=("a", "b"), max_pieces=8, on_long="refuse"))
    rows = [Example(Text("good"), Label("c"), Place("x", 7))]
    with pytest.raises(DataError, match="no label is named 'c'"):
        encode_all(TASK, Words(), rows)


def test_spread_is_the_ranges_one_after_another() -> None:
    starts, ends = np.array([5, 0, 7]), np.array([5, 2, 10])
    assert spread(starts, ends).tolist() == [0, 1, 7, 8, 9]
    assert spread(starts[:0], ends[:0]).tolist() == []
