"""A part split off by hash is the same in whatever order the examples come."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from litebert.data.example import Example, Examples, Place
from litebert.data.split import position, split_off
from litebert.errors import DataError
from litebert.tasks.classification import Classification
from litebert.tasks.generation import Generation, Prompt
from litebert.tasks.labels import Label
from litebert.tasks.texts import Text
from litebert.tasks.written import Written

TASK = Classification(labels=("a", "b"))


def of(texts: list[str]) -> Examples[Text, Label]:
    rows = [Example(Text(text, str(i)), Label("a"), Place("x", i)) for i, text in enumerate(texts)]
    return Examples(rows, TASK)


def test_the_share_is_about_what_was_asked() -> None:
    train, dev = split_off(of([f"text {i}" for i in range(5000)]), 0.1, seed=3)
    assert len(train) + len(dev) == 5000
    assert 430 < len(dev) < 570
    assert dev.task == TASK


@given(st.lists(st.text(), min_size=10, max_size=60), st.randoms(use_true_random=False), st.integers(0, 9))
def test_order_does_not_matter_and_alike_stay_together(texts: list[str], random: object, seed: int) -> None:
    examples = of(texts)
    mixed = list(examples.rows)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    held = [position(text, seed) < 0.5 for text in texts]
    assume(any(held) and not all(held))
    train, dev = split_off(examples, 0.5, seed)
    _, other = split_off(replace(examples, rows=mixed), 0.5, seed)
    assert {e.place for e in dev} == {e.place for e in other}
    assert not {e.given.text for e in dev} & {e.given.text for e in train}
    assert sorted(e.place.line for e in [*train, *dev]) == list(range(len(texts)))


def test_another_seed_splits_otherwise() -> None:
    examples = of([f"text {i}" for i in range(200)])
    assert split_off(examples, seed=0)[1].rows != split_off(examples, seed=1)[1].rows


def test_positions_are_fixed_for_ever() -> None:
    assert position("a") == pytest.approx(0.4946225332018728)
    assert position("好", seed=1) == pytest.approx(0.8954966322557469)


@given(st.lists(st.text(), min_size=2, max_size=40, unique=True), st.integers(0, 9))
def test_of_few_one_at_least_is_split_off(texts: list[str], seed: int) -> None:
    train, dev = split_off(of(texts), 0.1, seed)
    lowest = min(texts, key=lambda text: position(text, seed))
    assert lowest in [example.given.text for example in dev]
    assert len(train) >= 1


def test_one_text_is_not_split() -> None:
    with pytest.raises(DataError, match="of 3 examples with one text none can be split off"):
        split_off(of(["one", "one", "one"]))


def test_texts_without_a_prompt_are_told_apart_by_what_is_written() -> None:
    rows = [Example(Prompt(), Written(f"text {i % 150}"), Place("x", i)) for i in range(300)]
    rest, part = split_off(Examples(rows, Generation()))
    assert 0.05 < len(part) / 300 < 0.15
    assert not {e.wanted.text for e in rest} & {e.wanted.text for e in part}
