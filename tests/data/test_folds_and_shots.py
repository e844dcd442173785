"""Folds and shots: each example in its place, whatever their order, and no text on two sides."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.data.example import Example, Examples, Place
from litebert.data.folds import folds, without
from litebert.data.shots import shots
from litebert.errors import DataError, UsageError
from litebert.tasks.classification import Classification
from litebert.tasks.labels import Label
from litebert.tasks.regression import Regression, Score
from litebert.tasks.texts import Text

Rows = list[tuple[int, str]]
rows = st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc")), min_size=8, max_size=60)


def of(given: Rows) -> Examples[Text, Label]:
    listed = [Example(Text(f"text {n}"), Label(label), Place("x", i)) for i, (n, label) in enumerate(given)]
    return Examples(listed, Classification(labels=("a", "b", "c")))


def texts(examples: Examples[Text, Label]) -> set[str]:
    return {one.given.text for one in examples}


@settings(max_examples=100, deadline=None)
@given(rows, st.integers(2, 5), st.randoms(use_true_random=False))
def test_every_example_is_held_out_once(given: Rows, count: int, random: object) -> None:
    if len({n for n, _ in given}) < count:
        with pytest.raises(DataError, match=f"too few for {count} folds"):
            folds(of(given), count)
        return
    parts = folds(of(given), count)
    assert sorted(one.place.line for part in parts for one in part) == list(range(len(given)))
    for number, part in enumerate(parts):
        rest = without(parts, number)
        assert len(part) and len(rest) + len(part) == len(given)
        assert not texts(part) & texts(rest)
    sizes = [len(texts(part)) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    mixed = list(given)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    if len({n for n, _ in given}) == len(given):
        assert [texts(part) for part in folds(of(mixed), count)] == [texts(part) for part in parts]


def test_folds_have_each_class_alike() -> None:
    parts = folds(of([(n, "aab"[n % 3]) for n in range(300)]), 5)
    assert all(abs(Counter(one.wanted.label for one in part)["b"] - 20) <= 1 for part in parts)


@settings(max_examples=100, deadline=None)
@given(rows, st.integers(1, 8), st.integers(0, 99))
def test_so_many_of_each_class(given: Rows, count: int, seed: int) -> None:
    chosen, rest = shots(of(given), count, seed)
    assert not texts(chosen) & texts(rest)
    assert texts(chosen) | texts(rest) == {f"text {n}" for n, _ in given}
    taken = Counter(one.wanted.label for one in chosen)
    assert all(number <= count for number in taken.values())
    assert len(texts(chosen)) == len(chosen)
    for label in "abc":
        left = {one.given.text for one in rest if one.wanted.label == label}
        assert taken[label] == count or not left
    again, _ = shots(of(list(given)), count, seed)
    assert texts(again) == texts(chosen)


def test_another_seed_draws_others() -> None:
    given = [(n, "ab"[n % 2]) for n in range(60)]
    assert len({frozenset(texts(shots(of(given), 3, seed)[0])) for seed in range(10)}) == 10


def test_without_classes_there_are_no_shots() -> None:
    scored = Examples([Example(Text("a"), Score(1.0), Place("x", 1))], Regression())
    with pytest.raises(UsageError, match="the task regression has none"):
        shots(scored, 8, 1)
