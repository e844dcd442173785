"""Multiple choice: any number of options, what is never cut, the loss among a question's own options."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litebert.data.batches import Batches
from litebert.data.encoded import encode_all
from litebert.data.example import Example, Place
from litebert.data.reader import read_file
from litebert.errors import DataError, InputError, ModelError
from litebert.tasks.choice import Choice, Choices, Chosen, Right
from litebert.tasks.options import number_of, options_of
from litebert.tasks.task import EXAMPLE
from small_runs import FAST, Runs, made, write
from words import Words

WORDS = Words()
TASK = Choice(max_pieces=16, stride=3)
LONG = " ".join(f"w{i}" for i in range(40))


def pieces(row: Any, segment: int) -> list[str]:
    return [WORDS.piece(i) for i in row.ids[(row.segments == segment) & (row.spans[:, 0] >= 0)]]


# What data say


@pytest.mark.parametrize(
    ("cell", "index"),
    [(1, 1), (2.0, 2), ("b", 1), ("B", 1), ("2", 2), ("green", 2), ("red", 0), (" C ", 2)],
)
def test_the_right_option_is_told_by_number_letter_or_text(cell: Any, index: int) -> None:
    assert number_of(cell, ("red", "blue", "green")) == index


@pytest.mark.parametrize("cell", [None, "", True, 3, -1, 0.5, "yellow", "D", [1]])
def test_what_tells_none_is_refused(cell: Any) -> None:
    with pytest.raises(ValueError):
        number_of(cell, ("red", "blue", "green"))


def test_what_may_mean_two_is_refused() -> None:
    assert number_of("2", ("1", "3", "2")) == 2
    assert number_of(1, ("1", "2", "3")) == 1
    with pytest.raises(ValueError, match=r"may mean the options \[0, 1\]"):
        number_of("1", ("1", "2", "3"))
    assert number_of("same", ("other", "same", "same")) == 1


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6), st.data())
def test_a_number_always_means_itself(options: list[str], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(options) - 1))
    assert number_of(index, options) == index
    assert options_of(list(options)) == tuple(options)


def test_options_are_read_in_every_usual_form() -> None:
    expected = ("a", "1")
    assert options_of(["a", 1]) == options_of('["a", "1"]') == expected
    assert options_of({"label": ["A", "B"], "text": ["a", "1"]}) == expected
    assert options_of([{"label": "A", "text": "a"}, {"label": "B", "text": "1"}]) == expected
    for wrong in (None, [], "a, b", [None], {"label": []}):
        with pytest.raises(ValueError, match="must"):
            options_of(wrong)


def test_rows_of_a_file(tmp_path: Path) -> None:
    rows = [
        {"question": "q", "options": ["x", "y"], "answer": "y"},
        {"question": "q", "options": ["x", "y", "z"], "answer": "C"},
    ]
    read = read_file(str(write(tmp_path / "x.jsonl", rows)), Choice())
    assert [row.wanted for row in read] == [Right(1, "y", of=2), Right(2, "z", of=3)]
    with pytest.raises(DataError, match=r"x\.jsonl:2: answer 'w' is none of the options: 'x', 'y'"):
        read_file(str(write(tmp_path / "x.jsonl", [rows[0], {**rows[0], "answer": "w"}])), Choice())


# Rows for the model


def test_each_option_stands_beside_the_passage() -> None:
    given_ = Choices("who is it", ("a man", "nobody at all"), "he came")
    rows = TASK.encode(given_, WORDS)
    assert [pieces(row, 0) for row in rows] == [["he", "came"]] * 2
    assert [" ".join(pieces(row, 1)) for row in rows] == ["who is it a man", "who is it nobody at all"]


def test_an_option_fills_the_blank() -> None:
    (first, _) = TASK.encode(Choices("it is _ , a_b", ("red", "blue"), "p"), WORDS)
    assert pieces(first, 1) == ["it", "is", "red", ",", "a_b"]


def test_without_a_passage_the_question_stands_in_its_place() -> None:
    rows = TASK.encode(Choices("who is it", ("a man", "nobody")), WORDS)
    assert [(pieces(row, 0), pieces(row, 1)) for row in rows] == [
        (["who", "is", "it"], ["a", "man"]),
        (["who", "is", "it"], ["nobody"]),
    ]


def test_only_the_passage_is_cut_and_it_is_counted() -> None:
    given_ = Choices("who is it", ("a", "a b c d"), LONG)
    short, long = TASK.encode(given_, WORDS)
    assert pieces(short, 1) == ["who", "is", "it", "a"] and len(pieces(short, 0)) == 9
    assert pieces(long, 1) == ["who", "is", "it", "a", "b", "c", "d"] and len(pieces(long, 0)) == 6
    assert (short.truncated, long.truncated) == (31, 34)
    with pytest.raises(InputError, match="never cut"):
        TASK.encode(Choices(LONG, ("a", "b"), "p q"), WORDS)
    with pytest.raises(InputError):
        TASK.encode(Choices(LONG, ("a", "b")), WORDS)
    with pytest.raises(InputError, match="no options"):
        TASK.encode(Choices("q", (), "p"), WORDS)


def test_windows_are_the_same_for_every_option() -> None:
    task = replace(TASK, on_long="window")
    given_ = Choices("who is it", ("a", "a b c d", "c"), LONG)
    rows = task.encode(given_, WORDS)
    parts = [pieces(row, 0) for row in rows]
    windows = len(rows) // 3
    assert parts == parts[:windows] * 3 and {w for part in parts for w in part} == set(LONG.split())
    assert [t["option"] for t in task.targets(rows, Right(1, "", of=3))] == sorted([0, 1, 2] * windows)
    (many,) = task.encode_many([given_], WORDS)
    assert not isinstance(many, InputError)
    assert [row.ids.tolist() for row in many] == [row.ids.tolist() for row in rows]


# Loss and answer


def batch_of(counts: list[int], passage: str = "p", task: Choice = TASK) -> Any:
    examples = [
        Example(
            Choices("q " * (i + 1), tuple(f"o{i}{j} " * (1 + (i + j) % 3) for j in range(count)), passage),
            Right(i % count, of=count),
            Place("x", i),
        )
        for i, count in enumerate(counts)
    ]
    return Batches(encode_all(task, WORDS, examples), len(examples), 0)(0), examples


def test_the_loss_is_among_a_questions_own_options() -> None:
    counts = [2, 5, 3, 4]
    batch, _ = batch_of(counts)
    assert len(batch) == 4 and len(batch.packed) == sum(counts)
    logits = torch.randn(sum(counts), 1)
    by_hand = []
    for number, example in enumerate(batch.examples):
        mine = batch.targets[EXAMPLE] == number
        order = batch.targets["option"][mine].argsort()
        by_hand.append(-logits[mine, 0][order].log_softmax(0)[example % counts[example]])
    assert TASK.loss({"logits": logits}, batch.targets).item() == pytest.approx(float(sum(by_hand)) / 4)


def test_of_an_options_windows_the_one_counts_that_speaks_for_it() -> None:
    task = replace(TASK, on_long="window")
    batch, (example,) = batch_of([2], LONG, task)
    rows = task.encode(example.given, WORDS)
    windows = len(rows) // 2
    logits = torch.randn(len(rows))
    ordered = logits[batch.targets["option"].argsort(stable=True)].reshape(2, windows)
    loss = task.loss({"logits": logits[:, None]}, batch.targets)
    assert loss.item() == pytest.approx(-ordered.amax(1).log_softmax(0)[0].item())
    scores = [{"logits": np.array([x], np.float32)} for x in ordered.flatten().tolist()]
    chosen = task.decode(example.given, rows, scores)
    assert chosen.index == ordered.amax(1).argmax() and chosen.option == example.given.options[chosen.index]
    assert chosen.probability == pytest.approx(ordered.amax(1).softmax(0).max().item())


def _shared(count: int) -> list[tuple[Choices, Right]]:
    """Questions whose right option stands in the passage, but for one in five."""
    made_ = []
    for number in range(count):
        right = number % 3
        told = (right + 1) % 3 if number % 5 == 0 else right
        options = tuple(f"word{number + i}" for i in range(3))
        passage = f"It is {options[told]}, they say."
        made_.append((Choices("Which is it?", options, passage), Right(right, options[right], of=3)))
    return made_


def _weighed(count: int) -> Choice:
    given, wanted = zip(*_shared(count), strict=True)
    task, _ = Choice(overlap=True).vocabularies(given, wanted, WORDS, before=None, free=False)
    return task


def test_shared_words_count_as_much_as_they_tell() -> None:
    task = _weighed(100)
    (given_, right), *_ = _shared(2)[1:]
    rows = task.encode(given_, WORDS)
    nothing: list[dict[str, Any]] = [{"logits": np.zeros(1, np.float32)} for _ in rows]
    chosen = task.decode(given_, rows, nothing)
    assert chosen.index == right.index and chosen.probability == pytest.approx(0.8, abs=0.02)
    against: list[dict[str, Any]] = [{"logits": np.full(1, 9.0 * (i == 0), np.float32)} for i in range(3)]
    assert task.decode(given_, rows, against).index == 0
    assert TASK.decode(given_, TASK.encode(given_, WORDS), nothing).probability == pytest.approx(1 / 3)


def test_what_shared_words_tell_is_learnt_from_and_kept() -> None:
    task = _weighed(100)
    examples = [Example(given_, wanted, Place("-", 1)) for given_, wanted in _shared(4)]
    batch = Batches(encode_all(task, WORDS, examples), len(examples), 0)(0)
    zeros = torch.zeros(len(batch.targets["favour"]), 1)
    told = [0.2 if number % 5 == 0 else 0.8 for number in range(4)]
    assert np.exp(-4 * task.loss({"logits": zeros}, batch.targets).item()) == pytest.approx(
        float(np.prod([t if t == 0.8 else 0.1 for t in told])), abs=0.01
    )
    again, _ = Choice().vocabularies([], [], WORDS, before=task, free=False)
    assert again == replace(Choice(), overlap=True, worth=task.worth)


def test_scores_that_are_no_numbers_are_never_an_answer() -> None:
    given_ = Choices("q", ("a", "b"), "p")
    with pytest.raises(ModelError, match="not finite"):
        TASK.decode(given_, TASK.encode(given_, WORDS), [{"logits": np.array([np.nan], np.float32)}] * 2)


def test_measures() -> None:
    outputs = [Chosen(1, "b", 0.6), Chosen(0, "a", 0.9)]
    wanted = [Right(1, "b", of=2), Right(1, "b", of=2)]
    assert TASK.measure(outputs, wanted) == {"accuracy": 0.5} and TASK.measure([], []) == {"accuracy": 0.0}
    assert [TASK.mistake(o, w) for o, w in zip(outputs, wanted, strict=True)] == [None, 0.9]


# A run


def kind(draw: Any, words: list[str]) -> dict[str, Any]:
    """The one kind word among one to three others."""
    options = draw.sample(["bad", "boring", "terrible"], draw.randint(1, 3))
    index = draw.randint(0, len(options))
    options.insert(index, draw.choice(["excellent", "wonderful"]))
    return {"question": "it", "options": options, "passage": " ".join(words), "index": index}


def test_a_run_learns_and_is_opened_again(runs: Runs, tmp_path: Path) -> None:
    import litebert

    train, test = (write(tmp_path / f"{n}.jsonl", made(n, kind, seed=n)) for n in (120, 40))
    options = {**FAST, "epochs": 4.0}
    results = litebert.train(
        task="choice", train=str(train), dev=str(test), model=str(runs.model), out=tmp_path / "run", **options
    )
    assert results["dev"]["accuracy"] > 0.8
    again = litebert.evaluate(str(test), model=str(tmp_path / "run"))
    assert again.metrics["accuracy"] == results["dev"]["accuracy"]
