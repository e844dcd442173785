"""A batch with more pieces than are worked out at once: the same loss and gradient, in parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from litebert.data.encoded import Batch, encode_all
from litebert.data.example import Example, Place
from litebert.data.mixing import Mixed
from litebert.model.several import Several
from litebert.model_source import open_source
from litebert.tasks.choice import Choice, Choices, Right
from litebert.tasks.ranking import Query, Rank, Ranking
from litebert.tasks.task import EXAMPLE, Task
from litebert.training.loop import gradients
from litebert.training.objectives import finetuning
from litebert.training.objectives.finetuning import Finetuning
from litebert.training.objectives.multitask import Multitask
from small_runs import Runs

SEED = 7


def some(task: Task[Any, Any], count: int = 9) -> list[Example[Any, Any]]:
    """Queries and questions with one to eight texts each, of many lengths; one query has no relevant one."""
    draw = np.random.default_rng(SEED)
    examples = []
    for number in range(count):
        size = int(draw.integers(2, 9)) - (number == 1 and isinstance(task, Rank))
        texts = tuple("word " * int(draw.integers(1, 8)) + str(one) for one in range(size))
        if isinstance(task, Rank):
            scores = tuple(float(draw.integers(0, 3)) if number else 0.0 for _ in range(size))
            pair: tuple[Any, Any] = Query(f"query {number}", texts), Ranking(scores)
        else:
            right = int(draw.integers(0, size))
            pair = Choices(f"question {number}", texts), Right(right, texts[right], of=size)
        examples.append(Example(*pair, Place("x", number)))
    return examples


def batch_of(task: Task[Any, Any], runs: Runs) -> tuple[Any, Batch]:
    source = open_source(str(runs.model))
    torch.manual_seed(SEED)
    encoded = encode_all(task, source.tokenizer, some(task))
    return source.model(task), encoded.batch(np.array([3, 0, 8, 1, 2, 7, 4]))


def gradient(model: Any, objective: Any, batch: Any) -> tuple[float, list[torch.Tensor]]:
    model.train()
    model.zero_grad()
    (loss,) = [value for name, value in gradients(model, objective, [batch]).items() if not name]
    return float(loss), [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("most", [1, 100, 200, 10**6])
@pytest.mark.parametrize("task", [Rank(max_pieces=64), Choice(max_pieces=64)], ids=str)
def test_parts_have_the_loss_and_the_gradient_of_the_whole(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, task: Task[Any, Any], most: int
) -> None:
    """Dropout too: what is dropped of a text does not depend on the batch that it is in."""
    model, batch = batch_of(task, runs)
    assert model.encoder.config.hidden_dropout > 0
    whole, wanted = gradient(model, Finetuning(task), batch)
    monkeypatch.setattr(finetuning, "AT_ONCE", most)
    split = list(Finetuning(task).split(batch))
    assert len(split) == {1: 7, 10**6: 1}.get(most, len(split)) and sum(share for _, share in split) == (
        pytest.approx(1)
    )
    loss, found = gradient(model, Finetuning(task), batch)
    assert loss == pytest.approx(whole, rel=1e-5)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_parts_hold_whole_examples_and_all_of_them(runs: Runs) -> None:
    _, batch = batch_of(Rank(max_pieces=64), runs)
    parts = list(batch.split(150))
    assert sum((part.examples for part in parts), ()) == batch.examples and len(parts) > 2
    assert all(part.pieces <= 150 or len(part) == 1 for part in parts)
    assert sum(part.pieces for part in parts) == batch.pieces
    for part in parts:
        assert part.targets[EXAMPLE].unique().tolist() == list(range(len(part)))
        assert list(part.packed.lengths) == sorted(part.packed.lengths)


def test_a_batch_whose_texts_are_each_others_negatives_stays_whole(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetuning, "AT_ONCE", 1)
    task = Rank(encoder="bi", max_pieces=64)
    _, batch = batch_of(task, runs)
    assert list(Finetuning(task).split(batch)) == [(batch, 1.0)]


def test_of_several_tasks_each_splits_its_own(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Choice(max_pieces=64)
    model, batch = batch_of(task, runs)
    objective = Multitask(objectives={"c": Finetuning(task)})
    several = Several({"c": model})
    whole, wanted = gradient(several, objective, Mixed("c", batch))
    monkeypatch.setattr(finetuning, "AT_ONCE", 100)
    loss, found = gradient(several, objective, Mixed("c", batch))
    assert loss == pytest.approx(whole, rel=1e-5)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
